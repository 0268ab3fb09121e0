"""Asking for another time over the API, and answering (RS)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from app.domain.vocabulary import Party
from app.extensions import db
from app.models import RescheduleRequest, User
from tests.api.contract import Caller, assert_unknown_alike, data_of, error_of
from tests.factories.people import a_mentee
from tests.factories.proposals import NEW_AT, OTHER_AT, a_counter, a_proposal, a_request_with_a_proposal
from tests.factories.sessions import START_AT, a_paid_session, book, fresh
from tests.world import Clock

Calling = Callable[[User], Caller]
pytestmark = pytest.mark.usefixtures("clock")


def iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


@pytest.mark.spec("RS-1", "API-2")
def test_a_proposal_is_told_with_its_pending_fields_and_made_once_per_key(calling: Calling) -> None:
    session = a_paid_session()
    me, path = calling(session.mentee), f"/api/bookings/{session.id}/reschedule"
    body = {"proposedTime": iso(NEW_AT), "reason": "A conference"}

    first, again = me.post(path, body, key="once"), me.post(path, body, key="once")

    assert first.status_code == 201
    told = data_of(first, 201)
    assert (told["pendingRescheduleTime"], told["pendingRescheduleBy"]) == (iso(NEW_AT), "mentee")
    assert told["scheduledAt"] == iso(START_AT)
    assert "withdrawReschedule" in told["allowedActions"]
    assert "reschedule" not in told["allowedActions"]
    assert data_of(again, 201) == told
    assert db.session.scalar(select(func.count()).select_from(RescheduleRequest)) == 1
    error_of(me.post(path, body), 409, "proposal_open")
    error_of(me.post(path, {"proposedTime": iso(OTHER_AT)}, key="once"), 409, "idempotency_mismatch")


@pytest.mark.spec("RS-2", "RS-3")
def test_the_other_side_accepts(calling: Calling) -> None:
    session = a_proposal()
    body = {"requestId": str(session.pending_reschedule_request_id), "action": "accept"}
    path = f"/api/bookings/{session.id}/reschedule/respond"
    error_of(calling(session.mentee).post(path, body), 409, "not_your_turn")

    told = data_of(calling(fresh(session).mentor).post(path, body))

    assert (told["scheduledAt"], told["rescheduleCount"]) == (iso(NEW_AT), 1)
    assert told["pendingRescheduleRequestId"] is None
    error_of(calling(fresh(session).mentor).post(path, body), 409, "proposal_closed")


@pytest.mark.spec("RS-2")
def test_the_other_answers(calling: Calling) -> None:
    session = a_proposal()
    path = f"/api/bookings/{session.id}/reschedule/respond"
    body = {"requestId": str(session.pending_reschedule_request_id)}
    mentor = calling(session.mentor)

    error = error_of(mentor.post(path, {**body, "action": "counter_propose"}), 422)
    assert list(error["fields"]) == ["counterProposedTime"]
    error_of(mentor.post(path, {**body, "action": "cancel_session"}), 403, "not_for_this_side")
    error_of(mentor.post(path, {**body, "action": "accept", "requestId": str(uuid4())}), 409, "proposal_closed")
    told = data_of(mentor.post(path, {**body, "action": "counter_propose", "counterProposedTime": iso(OTHER_AT)}))
    assert (told["pendingRescheduleTime"], told["pendingRescheduleBy"]) == (iso(OTHER_AT), "mentor")
    told = data_of(calling(fresh(session).mentee).post(f"/api/bookings/{session.id}/reschedule/withdraw"))
    assert told["pendingRescheduleTime"] is None


@pytest.mark.spec("RS-2", "CX-2")
def test_a_mentee_cancels_instead_with_everything_back(calling: Calling, clock: Clock) -> None:
    session = a_proposal(Party.MENTOR)
    clock.set(START_AT - timedelta(hours=1))
    body = {"requestId": str(session.pending_reschedule_request_id), "action": "cancel_session"}
    told = data_of(
        calling(session.mentee).post(
            f"/api/bookings/{session.id}/reschedule/respond", {**body, "cancellationReason": "No other time"}
        )
    )
    assert (told["status"], told["refundPercentage"], told["cancellationReason"]) == ("cancelled", 100, "No other time")


@pytest.mark.spec("RS-4", "RS-1")
def test_a_taken_time_names_what_is_free(calling: Calling) -> None:
    session = a_paid_session()
    book(mentor=session.mentor, at=NEW_AT)
    path = f"/api/bookings/{session.id}/reschedule"
    error = error_of(calling(session.mentee).post(path, {"proposedTime": iso(NEW_AT)}), 409, "slot_taken")
    assert len(error["details"]["nearest"]) == 5


@pytest.mark.spec("WHY-1", "RS-1")
def test_the_decisions_say_what_may_be_done_about_the_time(calling: Calling) -> None:
    session = a_counter(Party.MENTEE)
    path = f"/api/bookings/{session.id}/decisions"
    mine = data_of(calling(session.mentee).get(path))["decisions"]
    assert {name for name in mine if "eschedule" in name and mine[name]["allowed"]} == {
        "acceptReschedule", "counterReschedule", "withdrawReschedule",
    }  # fmt: skip
    theirs = data_of(calling(fresh(session).mentor).get(path))["decisions"]
    assert theirs["acceptReschedule"]["rule"] == "not_your_turn"
    assert theirs["reschedule"]["rule"] == "proposal_open"


@pytest.mark.spec("BK-5")
def test_the_mentee_of_a_free_request_accepts_the_proposed_time(calling: Calling) -> None:
    session = a_request_with_a_proposal()
    body = {"requestId": str(session.pending_reschedule_request_id), "action": "accept"}
    told = data_of(calling(session.mentee).post(f"/api/bookings/{session.id}/reschedule/respond", body))
    assert (told["status"], told["scheduledAt"]) == ("scheduled", iso(NEW_AT))


@pytest.mark.spec("INV-8")
def test_a_stranger_learns_nothing(calling: Calling) -> None:
    session = a_proposal()
    stranger = calling(a_mentee())
    for path, body in (
        ("reschedule", {"proposedTime": iso(NEW_AT)}),
        ("reschedule/respond", {"requestId": str(uuid4()), "action": "accept"}),
        ("reschedule/withdraw", {}),
    ):
        assert_unknown_alike(stranger, "POST", "/api/bookings/{}/" + path, session.id, body)
