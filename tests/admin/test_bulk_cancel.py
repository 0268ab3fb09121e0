"""Cancelling many sessions through the console: from the list to the report (SL-3)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.domain.vocabulary import SessionStatus
from app.extensions import db
from app.models import AdminAuditTrail, MentoringSession
from app.tasks import bulk_work
from tests.admin.conftest import Statements
from tests.admin.test_sessions_list import PATH
from tests.factories import people, sessions
from tests.factories.sessions import START_AT, fresh
from tests.outbox import RunOutbox
from tests.world import Clock

BULKS = "/admin/bulk-cancels/"
_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
pytestmark = pytest.mark.spec("SL-3")


@pytest.fixture
def two(clock: Clock) -> list[MentoringSession]:
    mentor = people.a_mentor()
    return [sessions.a_paid_session(mentor=mentor, at=START_AT + timedelta(hours=2 * hour)) for hour in range(2)]


def freeze(browser: FlaskClient, chosen: list[MentoringSession]) -> str:
    """The address of the preview of these sessions."""
    answer = browser.post(BULKS, data={"ids": [str(session.id) for session in chosen], "scope": "picked"})
    assert answer.status_code == 303
    return str(answer.location)


def fields(browser: FlaskClient, address: str, **typed: str) -> dict[str, str]:
    hidden = dict(_HIDDEN.findall(browser.get(address).text))
    return {"refundPercentage": "100", "notifyParties": "1", **hidden, "reason": "Mentor is ill", **typed}


def test_the_list_offers_it_to_whoever_may(
    as_role: Callable[[str], FlaskClient], support: FlaskClient, two: list[MentoringSession]
) -> None:
    page = support.get(f"{PATH}?status=scheduled").text
    assert page.count("name=ids") == 2
    assert "Cancel all 2 of this list" in page
    assert "of this list" not in support.get(PATH).text
    assert "name=ids" not in as_role("ops").get(PATH).text


def test_ticked_sessions_are_seen_confirmed_followed_and_reported(
    support: FlaskClient, two: list[MentoringSession], run_outbox: RunOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = sessions.a_cancelled_session(title="=Over()")
    address = freeze(support, [*two, over])
    page = support.get(address).text
    assert "2 sessions are cancelled: €100.00 goes back to mentees" in page
    assert "1 stays as it is" in page
    assert "Cancel 2 sessions and refund €100.00" in page
    done = support.post(address, data=fields(support, address, typed="2"))
    assert (done.status_code, done.location) == (303, address)
    running = support.get(address).text
    assert "1 of 3 looked at" in running
    assert "You can leave this page" in running
    assert "data-renew" in running
    assert '<noscript><meta http-equiv="refresh"' in running
    monkeypatch.setattr(bulk_work, "STEP", 1)
    run_outbox(kind="session.bulk_cancel")
    page = support.get(address).text
    assert "2 of 3 sessions are cancelled. The others are as they were" in page
    assert "data-renew" not in page
    assert [fresh(session).status for session in two] == [SessionStatus.CANCELLED] * 2
    report = list(csv.DictReader(io.StringIO(support.get(f"{address}.csv").text)))
    assert [(row["result"], row["refund"]) for row in report] == [
        ("done", "50.00"),
        ("done", "50.00"),
        ("refused", "0.00"),
    ]
    assert report[2]["title"] == "'=Over()"
    assert "Only one that is not over yet" in report[2]["explanation"]
    assert db.session.scalars(select(AdminAuditTrail.action).where(AdminAuditTrail.action == "ADMIN_EXPORT")).all()
    listed = support.get(BULKS).text
    assert "Mentor is ill" in listed
    assert address in listed


def test_a_whole_filter_is_chosen_and_its_refusal_keeps_the_list(
    support: FlaskClient, two: list[MentoringSession]
) -> None:
    answer = support.post(BULKS, data={"scope": "filter", "list": "status=scheduled"})
    assert "2 sessions are cancelled" in support.get(answer.location).text
    for data in (
        {"scope": "filter", "list": "status=no_show"},
        {"scope": "picked", "list": "status=no_show", "ids": "x"},
    ):
        back = support.post(BULKS, data=data)
        assert back.location == f"{PATH}?status=no_show"
        assert "Tick at least one session." in support.get(back.location).text


def test_other_values_are_shown_before_they_are_done(support: FlaskClient, two: list[MentoringSession]) -> None:
    address = freeze(support, two)
    page = support.post(address, data=fields(support, address, typed="2", refundPercentage="50"))
    assert page.status_code == 200
    assert "Cancel 2 sessions and refund €50.00" in page.text
    assert 'value="50|1"' in page.text
    assert ">Mentor is ill</textarea>" in page.text
    for wrong, told in (
        ({"refundPercentage": "101"}, "Give a whole number from 0 to 100."),
        ({"refundPercentage": "50", "typed": "3"}, "Type 2, the number of sessions"),
        ({"refundPercentage": "50", "reason": ""}, "Give a reason of 3 to 1,000 characters."),
    ):
        page = support.post(address, data=fields(support, address, **{"typed": "2", **wrong}))
        assert page.status_code == 422
        assert told in page.text
    assert [fresh(session).status for session in two] == [SessionStatus.SCHEDULED] * 2


@pytest.mark.spec("SEC-2")
def test_the_password_is_typed_again_for_money(support: FlaskClient, two: list[MentoringSession], clock: Clock) -> None:
    clock.advance(hours=1)
    address = freeze(support, two)
    assert support.get(address).location.startswith("/account/confirm-password?next=")
    assert support.post(address, data={"refundPercentage": "100"}).location.startswith("/account/confirm-password")


def test_its_page_costs_the_same_whatever_the_list_holds(
    support: FlaskClient, two: list[MentoringSession], statements: Statements
) -> None:
    def cost(address: str) -> int:
        support.get(address)
        statements.clear()
        support.get(address)
        return len(statements)

    assert cost(freeze(support, two[:1])) == cost(freeze(support, two)) <= 7


def test_a_colleague_sees_the_list_and_cannot_confirm_it(
    as_role: Callable[[str], FlaskClient], support: FlaskClient, two: list[MentoringSession]
) -> None:
    address = freeze(support, two)
    admin = as_role("admin")
    assert "A colleague chose these sessions" in admin.get(address).text
    data: dict[str, Any] = {"refundPercentage": "100", "notifyParties": "1", "previewed": "100|1", "typed": "2"}
    assert admin.post(address, data={**data, "reason": "Mentor is ill"}).status_code == 403
