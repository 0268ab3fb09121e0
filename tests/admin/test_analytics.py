"""The reports count what happened, lead to the sessions behind them, and can be downloaded (AN-1, AN-2, AN-3)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.booking.review import review_session
from app.domain.vocabulary import Party
from app.extensions import db
from app.models import AdminAuditTrail
from app.support.analytics.reports import REPORTS, read_report
from app.support.kpis import Period
from app.support.mark_no_show import mark_no_show
from tests.admin.conftest import Statements
from tests.factories.people import a_mentee, a_mentor, a_support_agent, actor_of, ctx_of
from tests.factories.sessions import START_AT, a_cancelled_session, a_completed_session, a_paid_session, fresh
from tests.world import Clock, context

Browser = Callable[[str], FlaskClient]


def rows_of(name: str, clock: Clock) -> list[dict[str, Any]]:
    """The report over the fortnight around the factories' sessions."""
    period = Period(START_AT.date() - timedelta(days=7), START_AT.date() + timedelta(days=7), "UTC")
    _, report = read_report(name, period, now=clock.now, ctx=context(actor_of(a_support_agent()), clock.now))
    return report.as_dicts()


def a_missed_session(absent: Party, **options: Any) -> Any:
    session = a_completed_session(**options)
    agent = a_support_agent()
    ctx = context(actor_of(agent), START_AT + timedelta(hours=3))
    mark_no_show(session.id, absent=absent, reason="Nobody came", ctx=ctx)
    return fresh(session)


@pytest.mark.spec("AN-1")
def test_cancellations_are_counted_by_who_and_why(clock: Clock) -> None:
    a_cancelled_session()
    a_cancelled_session()
    a_completed_session()
    a_completed_session()

    assert rows_of("cancellation-reasons", clock) == [
        {"by": "Mentee", "reason": "Schedule conflict", "sessions": 2, "share": Decimal("100.0")}
    ]
    rates = {row["by"]: (row["sessions"], row["of"], row["rate"]) for row in rows_of("cancellation-rates", clock)}
    assert rates["Mentee"] == (2, 4, Decimal("50.0"))
    assert rates["Mentor"] == (0, 4, Decimal("0.0"))


@pytest.mark.spec("AN-1")
def test_only_those_who_did_not_come_more_than_once_are_named(clock: Clock) -> None:
    often, once = a_mentee(name="Often Away"), a_mentee(name="Once Away")
    a_missed_session(Party.MENTEE, mentee=often)
    a_missed_session(Party.MENTEE, mentee=often, at=START_AT + timedelta(hours=3))
    a_missed_session(Party.MENTEE, mentee=once)

    found = [(row["person"].name, row["role"], row["sessions"]) for row in rows_of("no-shows", clock)]
    assert found == [("Often Away", "Mentee", 2)]


@pytest.mark.spec("AN-1")
def test_the_least_reliable_come_first(clock: Clock) -> None:
    steady, absent = a_mentor(name="Steady"), a_mentor(name="Absent")
    a_completed_session(mentor=steady)
    a_missed_session(Party.MENTOR, mentor=absent)

    found = rows_of("mentor-reliability", clock)
    assert [(row["person"].name, row["completed"], row["no_shows"]) for row in found] == [
        ("Absent", 0, 1),
        ("Steady", 1, 0),
    ]
    assert found[0]["score"] == Decimal("88.9")


@pytest.mark.spec("AN-2")
def test_quality_counts_reviews_of_mentees_alone(clock: Clock) -> None:
    session = a_completed_session(mentor=a_mentor(name="Grace"))
    clock.set(START_AT + timedelta(hours=4))
    review_session(session.id, rating=4, comment="", ctx=ctx_of(session.mentee))
    review_session(session.id, rating=1, comment="", ctx=ctx_of(session.mentor))

    (row,) = rows_of("quality", clock)
    assert (row["person"].name, row["reviews"], row["rating"]) == ("Grace", 1, Decimal("4.00"))


@pytest.mark.spec("AN-1")
def test_refunds_cost_what_their_rule_gave_back(clock: Clock) -> None:
    a_cancelled_session()

    (row,) = rows_of("refund-costs", clock)
    assert row["rule"] == "Cancelled by the mentee in time"
    assert (row["refunds"], str(row["amount"].amount), row["amount"].currency) == (1, "50.00", "EUR")


@pytest.mark.spec("AN-1")
def test_the_desks_work_is_counted_by_person(clock: Clock) -> None:
    a_missed_session(Party.MENTEE)

    (row,) = rows_of("workload", clock)
    assert (row["acts"], row["cases"], row["disputes"], row["in_time"]) == (1, 1, 0, None)


@pytest.mark.spec("AN-3")
def test_measures_stand_beside_their_targets_and_claim_nothing_of_nothing(clock: Clock) -> None:
    a_completed_session()
    a_cancelled_session()
    clock.set(START_AT + timedelta(days=1))
    told = {row["measure"]: (row["value"], row["met"]) for row in rows_of("measures", clock)}

    assert told["Sessions completed"] == (Decimal("50.0"), False)
    assert told["No-shows"] == (Decimal("0.0"), True)
    assert told["Payments that went through"] == (Decimal("100.0"), None)
    assert told["Requests approved"] == (None, None)


@pytest.mark.spec("AN-1")
@pytest.mark.parametrize("name", sorted(REPORTS))
def test_every_report_has_a_page_and_a_file(as_role: Browser, clock: Clock, statements: Statements, name: str) -> None:
    a_cancelled_session(mentee=a_mentee(name="=cmd()"))
    a_missed_session(Party.MENTOR)
    clock.set(START_AT + timedelta(days=1))
    browser = as_role("support")
    browser.get(f"/admin/analytics/{name}?days=30")
    statements.clear()
    page = browser.get(f"/admin/analytics/{name}?days=30")

    assert page.status_code == 200
    assert len(statements) <= 9
    answer = browser.get(f"/admin/analytics/{name}.csv?days=30")
    assert answer.mimetype == "text/csv"
    table = list(csv.reader(io.StringIO(answer.text)))
    assert len(table[0]) > 2
    assert not any(cell.startswith("=") for row in table for cell in row)
    assert db.session.scalars(select(AdminAuditTrail.action).order_by(AdminAuditTrail.seq.desc())).first() == (
        "ADMIN_EXPORT"
    )


@pytest.mark.spec("AN-1", "KPI-2")
def test_a_row_leads_to_exactly_the_sessions_that_it_counts(as_role: Browser, clock: Clock) -> None:
    a_cancelled_session()
    a_completed_session()
    clock.set(START_AT + timedelta(days=1))
    browser = as_role("support")
    page = browser.get("/admin/analytics/cancellation-reasons?days=30").text
    link = re.search(r'href="(/admin/sessions/[^"]+)">Sessions</a>', page)
    assert link

    assert browser.get(unescape(link[1])).text.count("<a class=clip href=/admin/sessions/") == 1


@pytest.mark.spec("AN-1", "UX-3")
@pytest.mark.parametrize(
    "asked",
    ["from=x&to=y", "from=2028-03-02&to=2028-03-01", "from=2020-01-01&to=2028-01-01", "from=0001-01-01&to=0001-01-02"],
)
def test_a_range_that_cannot_be_used_says_why_and_shows_the_usual_one(as_role: Browser, asked: str) -> None:
    answer = as_role("support").get(f"/admin/analytics/measures?{asked}")

    assert answer.status_code == 422
    assert "This range cannot be used" in answer.text
    assert "Sessions completed" in answer.text


@pytest.mark.spec("ADM-2")
def test_a_report_that_is_none_is_not_found(as_role: Browser) -> None:
    browser = as_role("support")
    assert browser.get("/admin/analytics/nothing").status_code == 404
    assert browser.get("/admin/analytics/nothing.csv").status_code == 404


def test_a_paid_session_is_no_cancellation(clock: Clock) -> None:
    a_paid_session()
    assert rows_of("cancellation-reasons", clock) == []
