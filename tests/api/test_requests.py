"""Request mode over the API: in words, without an offering, answered and paid (BK-4, BK-5, BK-6)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app.domain.vocabulary import BookingMode
from app.models import User
from tests.api.contract import Caller, data_of, error_of
from tests.factories.people import a_mentee, a_mentor, an_offering
from tests.factories.sessions import START_AT, a_pending_request, a_running_session, an_approved_request, fresh
from tests.world import Clock

Calling = Callable[[User], Caller]
START = START_AT.isoformat().replace("+00:00", "Z")


def in_words(mentor: User, **changes: Any) -> dict[str, Any]:
    return {
        "mentorId": str(mentor.id),
        "preferredTimeNote": "Any evening",
        "meetingType": "video",
        "title": "How to lead a team",
        "message": "Hello",
        **changes,
    }


@pytest.mark.spec("BK-4", "BK-5", "BK-6")
def test_a_request_without_offering_and_time_is_given_both_and_paid(calling: Calling) -> None:
    mentor, mentee = a_mentor(booking_mode=BookingMode.REQUEST), a_mentee()
    offer = an_offering(mentor, title="A long look", duration=90, rate_minor=9_000)

    asked = data_of(calling(mentee).post("/api/bookings", in_words(mentor)), 201)
    assert (asked["status"], asked["offeringId"], asked["scheduledAt"]) == ("pending_mentor_review", None, None)
    assert (asked["preferredTimeNote"], asked["menteeMessage"], asked["payment"]) == ("Any evening", "Hello", None)
    path = f"/api/bookings/{asked['id']}"
    error_of(calling(mentee).post(f"{path}/proceed-payment"), 409, "nothing_to_pay")

    missing = error_of(calling(mentor).post(f"{path}/approve", {"scheduledAt": START}), 422)
    assert set(missing["fields"]) == {"offeringId"}
    answer = {"scheduledAt": START, "offeringId": str(offer.id), "message": "Like this?"}
    told = data_of(calling(mentor).post(f"{path}/approve", answer))
    assert (told["status"], told["scheduledAt"], told["duration"], told["rate"]) == ("scheduled", START, 90, 90.0)
    mine = data_of(calling(mentee).get(path))
    assert "pay" in mine["allowedActions"]
    assert data_of(calling(mentee).post(f"{path}/proceed-payment"))["authorizationUrl"]


@pytest.mark.spec("BK-5")
def test_a_slot_that_was_named_cannot_be_changed(calling: Calling) -> None:
    session = a_pending_request()
    refused = calling(session.mentor).post(
        f"/api/bookings/{session.id}/approve", {"scheduledAt": START.replace("10:00", "11:00")}
    )
    assert set(error_of(refused, 422)["fields"]) == {"scheduledAt"}
    assert fresh(session).status == "pending_mentor_review"


@pytest.mark.spec("BK-5", "JN-2")
def test_the_mentors_own_link_is_https_and_not_told_before_its_window(calling: Calling, clock: Clock) -> None:
    session = a_pending_request(mentor=a_mentor(rate_minor=0, booking_mode=BookingMode.REQUEST))
    path = f"/api/bookings/{session.id}"
    refused = calling(session.mentor).post(f"{path}/approve", {"meetingUrl": "http://meet.example.com/x"})
    assert set(error_of(refused, 422)["fields"]) == {"meetingUrl"}
    told = data_of(calling(fresh(session).mentor).post(f"{path}/approve", {"meetingUrl": "https://meet.example.com/x"}))
    assert (told["status"], told["meetingUrl"]) == ("scheduled", None)
    error_of(calling(fresh(session).mentee).get(f"{path}/video-link"), 403, "too_early")
    clock.set(START_AT)
    assert (
        data_of(calling(fresh(session).mentee).get(f"{path}/video-link"))["meetingUrl"] == "https://meet.example.com/x"
    )


@pytest.mark.spec("BK-5")
@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "x" * 1_001}], ids=["none", "empty", "too long"])
def test_declining_needs_a_reason(calling: Calling, body: dict[str, str]) -> None:
    session = a_pending_request()
    refused = error_of(calling(session.mentor).post(f"/api/bookings/{session.id}/reject", body), 422)
    assert set(refused["fields"]) == {"reason"}


@pytest.mark.spec("BK-6")
def test_after_the_window_an_approved_request_cannot_be_paid(calling: Calling, clock: Clock) -> None:
    session = an_approved_request()
    clock.set(session.hold_expires_at or clock.now)
    refused = calling(session.mentee).post(f"/api/bookings/{session.id}/proceed-payment")
    error_of(refused, 409, "hold_expired")


@pytest.mark.spec("API-2", "BK-5")
@pytest.mark.parametrize("act", ["approve", "reject", "complete"])
def test_the_same_key_answers_or_completes_once(calling: Calling, clock: Clock, act: str) -> None:
    session = a_running_session() if act == "complete" else a_pending_request()
    clock.set(START_AT + timedelta(hours=2) if act == "complete" else clock.now)
    mentor, path = calling(session.mentor), f"/api/bookings/{session.id}/{act}"
    body = {"approve": {"message": "Gladly"}, "reject": {"reason": "I am away"}}.get(act)
    first, again = (data_of(mentor.post(path, body, key="k-1")) for _ in range(2))
    assert first == again
    if body:
        error_of(
            mentor.post(path, {**body, "reason" if act == "reject" else "message": "x"}, key="k-1"),
            409,
            "idempotency_mismatch",
        )
    error_of(mentor.post(path, body, key="k-2"), 409)
