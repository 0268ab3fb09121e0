"""The staff's list over the API: figures, export, and cancelling several at once (KPI-1, SL-3)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from app.domain.vocabulary import SessionStatus
from app.extensions import db
from app.models import AdminAuditTrail, User
from tests.api.contract import Caller, data_of, error_of
from tests.factories.people import a_mentor, a_support_agent, an_ops
from tests.factories.sessions import START_AT, a_cancelled_session, a_completed_session, a_draft, a_paid_session, fresh
from tests.world import Clock

Calling = Callable[[User], Caller]
STATS = "/api/admin/sessions/stats"
EXPORT = "/api/admin/sessions/export"
BULK = "/api/admin/sessions/bulk-cancel"


@pytest.mark.spec("KPI-1", "MN-12")
def test_the_figures_of_a_range_are_those_of_the_overview(calling: Calling, clock: Clock) -> None:
    a_completed_session()
    a_paid_session(at=START_AT + timedelta(days=1))
    a_cancelled_session(at=START_AT + timedelta(days=1))
    a_draft(at=START_AT + timedelta(days=1))
    day = START_AT.date()

    told = data_of(
        calling(an_ops()).get(STATS, startDate=day.isoformat(), endDate=(day + timedelta(days=2)).isoformat())
    )

    assert (told["totalSessions"], told["completedSessions"], told["cancelledSessions"]) == (3, 1, 1)
    assert (told["noShowCount"], told["noShowRate"], told["avgSessionRating"]) == (0, 0.0, None)
    assert (told["totalRevenue"], told["currency"]) == (50.0, "EUR")
    assert told["netRevenue"] == told["totalRevenue"] - told["refundsIssued"]
    assert [each["currency"] for each in told["money"]] == ["EUR"]
    assert (told["cancellationsByMentor"], told["cancellationsByMentee"], told["pendingReschedules"]) == (0, 1, 0)
    assert [(each["date"], each["count"]) for each in told["sessionsOverTime"]] == [
        ("2028-03-01", 1), ("2028-03-02", 2), ("2028-03-03", 0),
    ]  # fmt: skip
    breakdown = {each["status"]: each["count"] for each in told["statusBreakdown"]}
    assert (breakdown["completed"], breakdown["scheduled"], breakdown["cancelled"]) == (1, 1, 1)
    assert "draft" not in breakdown


@pytest.mark.spec("KPI-1", "API-1")
@pytest.mark.parametrize(
    "query", [{"startDate": "2028-03-02", "endDate": "2028-03-01"}, {"startDate": "2020-01-01"}, {"endDate": "soon"}]
)
def test_a_range_that_cannot_be_used_is_refused(calling: Calling, query: dict[str, str]) -> None:
    assert error_of(calling(a_support_agent()).get(STATS, **query), 422)["fields"]


@pytest.mark.spec("SL-3", "AUD-4")
def test_the_export_is_the_lists_filter_and_on_record(calling: Calling) -> None:
    kept = a_paid_session(mentor=a_mentor(name="=Evil()"))
    a_cancelled_session()
    caller = calling(a_support_agent())

    answer = caller.get(EXPORT, status="scheduled", sortBy="mentor")

    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["id"], row["mentor"]) for row in rows] == [(str(kept.id), "'=Evil()")]
    act = db.session.scalars(select(AdminAuditTrail)).one()
    assert (act.action, act.details["filter"]["status"]) == ("ADMIN_EXPORT", ["scheduled"])
    error_of(caller.get(EXPORT, page=1), 422)
    error_of(calling(an_ops()).get(EXPORT), 403)


@pytest.mark.spec("SL-3", "ACT-1", "API-2")
def test_each_of_several_is_cancelled_or_refused_by_itself_and_once_per_key(calling: Calling) -> None:
    session, over, nowhere = a_paid_session(), a_cancelled_session(), uuid4()
    caller = calling(a_support_agent())
    body: dict[str, Any] = {
        "ids": [str(session.id), str(over.id), str(nowhere)], "reason": "The mentor is ill", "refundPercentage": 50,
    }  # fmt: skip

    for _ in range(2):
        told = data_of(caller.post(BULK, body, key="monday"))
        assert (told["cancelled"], told["refused"]) == (1, 2)
        first, second, third = told["results"]
        assert (first["isCancelled"], first["refundAmount"], first["currency"]) == (True, 25.0, "EUR")
        assert (second["isCancelled"], second["error"]["code"]) == (False, "invalid_transition")
        assert third["error"]["code"] == "not_found"

    assert fresh(session).status is SessionStatus.CANCELLED
    acts = db.session.scalars(select(AdminAuditTrail).where(AdminAuditTrail.action == "ADMIN_FORCE_CANCEL"))
    assert len(list(acts)) == 1


@pytest.mark.spec("SL-3", "API-1")
@pytest.mark.parametrize(
    "change, field",
    [
        ({"ids": []}, "ids"),
        ({"ids": ["no"]}, "ids.0"),
        ({"ids": [str(uuid4()) for _ in range(101)]}, "ids"),
        ({"reason": "x"}, "reason"),
        ({"refundPercentage": 101}, "refundPercentage"),
    ],
)
def test_a_body_that_cannot_be_used_is_refused_by_name(calling: Calling, change: dict[str, Any], field: str) -> None:
    body = {"ids": [str(uuid4())], "reason": "The mentor is ill", **change}
    assert field in error_of(calling(a_support_agent()).post(BULK, body), 422)["fields"]
