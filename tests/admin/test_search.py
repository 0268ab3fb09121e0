"""The search at the top of every console page: whatever names a thing finds it (ADM-3)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models import Payment, Refund
from tests.admin.conftest import Statements
from tests.factories.people import a_mentee, a_mentor
from tests.factories.sessions import a_cancelled_session, a_paid_session

Browser = Callable[[str], FlaskClient]
_PATH = "/admin/search/"


def leads_to(browser: FlaskClient, searched: str) -> str:
    response = browser.get(_PATH, query_string={"q": searched})
    assert response.status_code == 303, response.get_data(as_text=True)
    return str(response.location)


def page(browser: FlaskClient, searched: str) -> str:
    response = browser.get(_PATH, query_string={"q": searched})
    assert response.status_code == 200
    return response.get_data(as_text=True)


@pytest.mark.spec("ADM-3")
def test_whatever_names_exactly_one_thing_leads_straight_to_it(as_role: Browser) -> None:
    session = a_cancelled_session(title="Hiring the first engineer")
    payment = db.session.scalars(select(Payment).where(Payment.session_id == session.id)).one()
    refund = db.session.scalars(select(Refund).where(Refund.session_id == session.id)).one()
    browser = as_role("support")

    case = f"/admin/sessions/{session.id}"
    assert leads_to(browser, str(session.id)) == case
    assert leads_to(browser, session.id.hex[:8].upper()) == case
    assert leads_to(browser, "hiring engin") == case
    assert str(payment.id) in leads_to(browser, payment.reference)
    assert str(refund.id) in leads_to(browser, refund.idempotency_key)
    assert str(session.mentee_id) in leads_to(browser, session.mentee.email.upper())


@pytest.mark.spec("ADM-3")
def test_words_that_fit_several_things_show_them_by_kind(as_role: Browser) -> None:
    a_paid_session(mentee=a_mentee(name="Ada Byron"), mentor=a_mentor(name="Grace Hopper"), title="Ada asks about C")
    html = page(as_role("support"), "ada")

    assert html.index("Sessions</h2>") < html.index("People</h2>")
    assert "Ada asks about C" in html
    assert "Ada Byron with Grace Hopper" in html
    assert "Ada Byron</a>" in html


@pytest.mark.spec("ADM-3")
@pytest.mark.parametrize("searched", ["", "  ", "nobody at all", "x" * 121, "%", "_", "'; drop table users; --", "\0"])
def test_what_finds_nothing_says_what_can_be_searched(as_role: Browser, searched: str) -> None:
    a_paid_session()
    html = page(as_role("support"), searched)

    assert "hit-name" not in html
    assert "Search everything" in html


@pytest.mark.spec("ADM-2", "ADM-3")
def test_nobody_finds_what_they_may_not_open(as_role: Browser) -> None:
    session = a_paid_session()
    payment = db.session.scalars(select(Payment).where(Payment.session_id == session.id)).one()
    names = (str(session.id), payment.reference, session.mentee.email)
    for role in ("support", "admin"):
        browser = as_role(role)
        assert [browser.get(leads_to(browser, name)).status_code for name in names] == [200, 200, 200]

    ops = as_role("ops")
    for name in names:
        response = ops.get(_PATH, query_string={"q": name})
        assert response.status_code == 200 or ops.get(response.location).status_code == 200
    assert as_role("mentee").get(_PATH, query_string={"q": "a"}).status_code == 403


@pytest.mark.spec("PERF-7")
def test_a_search_takes_one_statement_a_kind(as_role: Browser, statements: Statements) -> None:
    for number in range(12):
        a_paid_session(mentee=a_mentee(name=f"Ada {number}"), title="Ada")
    browser = as_role("admin")
    page(browser, "ada")
    statements.clear()
    html = page(browser, "ada")

    assert html.count("hit-name") == 16
    about_the_things = [each for each in statements.all if each.startswith("SELECT sessions.id, sessions.title")]
    assert len(about_the_things) == 1
    assert len(statements) <= 8
