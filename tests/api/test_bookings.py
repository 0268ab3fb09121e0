"""Booking, reading, changing and cancelling over the API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from app.domain.vocabulary import BookingMode
from app.extensions import db
from app.foundation.transaction import transaction
from app.integrations.payments.sandbox_behavior import Operation, Trouble
from app.models import MentoringSession, MentorProfile, Payment, User
from tests.api.contract import Caller, assert_unknown_alike, data_of, error_of
from tests.factories.people import a_mentee, a_mentor, a_support_agent, offering_of
from tests.factories.sessions import (
    START_AT,
    a_completed_session,
    a_draft,
    a_paid_session,
    a_pending_request,
    a_running_session,
    a_scheduled_session,
    fresh,
    sandbox,
)
from tests.world import Clock

Calling = Callable[[User], Caller]
START = START_AT.isoformat().replace("+00:00", "Z")


def wish(mentor: User, **changes: Any) -> dict[str, Any]:
    """A body that can be booked, with some fields changed; None leaves a field out."""
    body = {
        "mentorId": str(mentor.id),
        "offeringId": str(offering_of(mentor).id),
        "scheduledAt": START,
        "meetingType": "video",
        "title": "How to lead a team",
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def count_sessions() -> int:
    return db.session.scalar(select(func.count()).select_from(MentoringSession)) or 0


@pytest.mark.spec("BK-3")
def test_a_paid_booking_is_a_held_draft_with_a_payment_page(calling: Calling) -> None:
    mentor, mentee = a_mentor(rate_minor=3_550), a_mentee()

    made = calling(mentee).post("/api/bookings", wish(mentor))

    booking = data_of(made, 201)
    assert booking["status"] == "draft"
    assert booking["scheduledAt"] == START
    assert booking["mentor"]["name"] == mentor.name
    assert booking["payment"]["reference"]
    assert booking["payment"]["authorizationUrl"].startswith("http")
    assert '"rate":35.50,' in made.get_data(as_text=True)
    assert booking["currency"] == "EUR"
    assert "pay" in booking["allowedActions"]


@pytest.mark.parametrize(
    "currency, minor, written", [("JPY", 3_500, "3500"), ("KWD", 3_500, "3.500"), ("EUR", 1, "0.01")]
)
@pytest.mark.spec("MN-12")
def test_money_is_written_with_the_currencys_own_decimals(
    calling: Calling, currency: str, minor: int, written: str
) -> None:
    mentor = a_mentor(rate_minor=minor, currency=currency)

    made = calling(a_mentee()).post("/api/bookings", wish(mentor))

    assert f'"rate":{written},' in made.get_data(as_text=True)


def test_a_free_booking_is_scheduled_at_once_and_asks_for_no_payment(calling: Calling) -> None:
    booking = data_of(calling(a_mentee()).post("/api/bookings", wish(a_mentor(rate_minor=0))), 201)

    assert booking["status"] == "scheduled"
    assert booking["payment"] is None


@pytest.mark.spec("BK-4")
def test_a_request_may_say_in_words_when_it_suits(calling: Calling) -> None:
    mentor = a_mentor(booking_mode=BookingMode.REQUEST)
    body = wish(mentor, scheduledAt=None, preferredTimeNote="Any evening", message="Hello")

    booking = data_of(calling(a_mentee()).post("/api/bookings", body), 201)

    assert booking["status"] == "pending_mentor_review"
    assert booking["scheduledAt"] is None
    assert booking["payment"] is None
    assert booking["menteeMessage"] == "Hello"


@pytest.mark.spec("BK-9", "API-2")
def test_the_same_key_and_body_answer_the_first_result_again(calling: Calling) -> None:
    me, body = calling(a_mentee()), wish(a_mentor())

    first = me.post("/api/bookings", body, key="order-1")
    data_of(me.post(f"/api/bookings/{data_of(first, 201)['id']}/cancel", {"reasonCategory": "other", "reason": "No"}))
    again = me.post("/api/bookings", body, key="order-1")

    assert again.status_code == 201
    assert again.get_data() == first.get_data()
    assert count_sessions() == 1


@pytest.mark.spec("BK-9")
def test_the_same_key_with_another_body_is_refused(calling: Calling) -> None:
    me, mentor = calling(a_mentee()), a_mentor()
    data_of(me.post("/api/bookings", wish(mentor), key="order-1"), 201)

    error_of(me.post("/api/bookings", wish(mentor, title="Something else"), key="order-1"), 409, "idempotency_mismatch")
    assert count_sessions() == 1


@pytest.mark.parametrize("trouble", [Trouble.FAIL, Trouble.LOSE_ANSWER])
@pytest.mark.spec("BK-9", "API-2")
def test_a_gateway_that_did_not_answer_is_asked_again_with_the_same_key(calling: Calling, trouble: Trouble) -> None:
    me, body = calling(a_mentee()), wish(a_mentor())
    sandbox().behavior.misbehave(Operation.START, trouble, times=1)

    error_of(me.post("/api/bookings", body, key="order-1"), 503, "provider_failed")
    booking = data_of(me.post("/api/bookings", body, key="order-1"), 201)

    assert booking["payment"]["authorizationUrl"]
    assert count_sessions() == 1
    assert db.session.scalar(select(func.count()).select_from(Payment)) == 1


@pytest.mark.spec("BK-9")
def test_a_key_is_its_owners_alone(calling: Calling) -> None:
    mentor = a_mentor()
    data_of(calling(a_mentee()).post("/api/bookings", wish(mentor), key="order-1"), 201)

    later = wish(mentor, scheduledAt=(START_AT + timedelta(hours=2)).isoformat())
    data_of(calling(a_mentee()).post("/api/bookings", later, key="order-1"), 201)


def test_a_refused_booking_does_not_use_up_its_key(calling: Calling) -> None:
    me, mentor = calling(a_mentee()), a_mentor(is_accepting=False)
    body = wish(mentor)
    error_of(me.post("/api/bookings", body, key="order-1"), 422, "policy_refused")

    with transaction():
        db.session.get_one(MentorProfile, mentor.id).is_accepting = True

    data_of(me.post("/api/bookings", body, key="order-1"), 201)


@pytest.mark.spec("BK-10")
def test_a_taken_slot_answers_with_the_nearest_free_ones(calling: Calling) -> None:
    mentor = a_mentor()
    data_of(calling(a_mentee()).post("/api/bookings", wish(mentor)), 201)

    error = error_of(calling(a_mentee()).post("/api/bookings", wish(mentor)), 409, "slot_taken")

    assert len(error["details"]["nearest"]) == 5
    assert START not in error["details"]["nearest"]


@pytest.mark.parametrize(
    "change, field",
    [
        ({"title": "ab"}, "title"),
        ({"title": "x" * 121}, "title"),
        ({"title": 5}, "title"),
        ({"title": "a\0b c"}, "title"),
        ({"description": "x" * 2_001}, "description"),
        ({"scheduledAt": "2028-03-01T10:00:00"}, "scheduledAt"),
        ({"scheduledAt": "2028-02-30T10:00:00Z"}, "scheduledAt"),
        ({"scheduledAt": "2028-03-01"}, "scheduledAt"),
        ({"scheduledAt": 1_835_514_000}, "scheduledAt"),
        ({"scheduledAt": "2028-02-01T10:00:00Z"}, "scheduledAt"),
        ({"scheduledAt": "2028-03-01T10:07:00Z"}, "scheduledAt"),
        ({"scheduledAt": "9999-12-31T23:59:59-12:00"}, "scheduledAt"),
        ({"meetingType": "telepathy"}, "meetingType"),
        ({"meetingType": "in_person"}, "meetingType"),
        ({"mentorId": "me"}, "mentorId"),
        ({"offeringId": str(uuid4())}, "offeringId"),
        ({"offeringId": None}, "offeringId"),
        ({"status": "scheduled"}, "status"),
        ({"rate": 0}, "rate"),
    ],
)
@pytest.mark.spec("API-1", "BK-10", "ID-7")
def test_what_cannot_be_booked_names_the_field(calling: Calling, change: dict[str, Any], field: str) -> None:
    mentor = a_mentor()

    error = error_of(calling(a_mentee()).post("/api/bookings", wish(mentor, **change)), 422, "validation_failed")

    assert field in error["fields"]
    assert count_sessions() == 0


@pytest.mark.spec("ID-3")
def test_a_mentor_who_is_not_verified_is_answered_like_one_who_does_not_exist(calling: Calling) -> None:
    me, body = calling(a_mentee()), {**wish(a_mentor()), "offeringId": str(uuid4())}

    hidden = me.post("/api/bookings", {**body, "mentorId": str(a_mentor(is_verified=False).id)})
    nobody = me.post("/api/bookings", {**body, "mentorId": str(uuid4())})

    assert hidden.status_code == nobody.status_code == 422
    assert hidden.get_data() == nobody.get_data()
    unverified = a_mentor(is_verified=False)
    error_of(me.post("/api/bookings", wish(unverified)), 404, "not_found")


@pytest.mark.parametrize("role", ["mentor", "support", "nobody"])
def test_only_mentees_book(calling: Calling, anybody: Caller, role: str) -> None:
    mentor = a_mentor()
    callers = {
        "mentor": lambda: calling(a_mentor()),
        "support": lambda: calling(a_support_agent()),
        "nobody": lambda: anybody,
    }

    refused = callers[role]().post("/api/bookings", wish(mentor))

    error_of(refused, 401 if role == "nobody" else 403)
    assert count_sessions() == 0


@pytest.mark.spec("INV-8", "SEC-1")
@pytest.mark.parametrize(
    "method, path, body",
    [
        ("GET", "/api/bookings/{}", None),
        ("PUT", "/api/bookings/{}", {"version": 1, "title": "Mine now"}),
        ("DELETE", "/api/bookings/{}", None),
        ("POST", "/api/bookings/{}/cancel", {"reasonCategory": "other", "reason": "Because"}),
        ("GET", "/api/bookings/{}/decisions", None),
        ("POST", "/api/bookings/{}/proceed-payment", None),
        ("GET", "/api/bookings/{}/video-link", None),
        ("POST", "/api/bookings/{}/join", None),
        ("GET", "/api/bookings/{}/calendar.ics", None),
        ("POST", "/api/bookings/{}/review", {"rating": 5}),
    ],
)
def test_a_strangers_booking_is_answered_like_one_that_does_not_exist(
    calling: Calling, method: str, path: str, body: Any
) -> None:
    session = a_paid_session()
    before = fresh(session).version

    assert_unknown_alike(calling(a_mentee()), method, path, session.id, body)

    assert fresh(session).version == before


@pytest.mark.spec("INV-8")
@pytest.mark.parametrize(
    "method, path, body",
    [
        ("PUT", "/api/bookings/{}/meeting-link", {"meetingUrl": "https://meet.example.com/x"}),
        ("POST", "/api/bookings/{}/approve", {}),
        ("POST", "/api/bookings/{}/reject", {"reason": "No"}),
        ("POST", "/api/bookings/{}/complete", None),
    ],
)
def test_another_mentors_booking_is_answered_like_one_that_does_not_exist(
    calling: Calling, method: str, path: str, body: Any
) -> None:
    assert_unknown_alike(calling(a_mentor()), method, path, a_pending_request().id, body)


def test_both_parties_and_staff_read_a_booking_and_see_what_each_may_do(calling: Calling) -> None:
    session = a_paid_session()

    mentee = data_of(calling(session.mentee).get(f"/api/bookings/{session.id}"))
    mentor = data_of(calling(session.mentor).get(f"/api/bookings/{session.id}"))
    staff = data_of(calling(a_support_agent()).get(f"/api/bookings/{session.id}"))

    assert mentee["allowedActions"] == ["cancel", "reschedule"]
    assert "cancel" in mentor["allowedActions"]
    assert staff["allowedActions"] == []
    assert mentee["mentor"]["headline"] == "Head of engineering"


@pytest.mark.spec("JN-2")
def test_the_meeting_link_is_told_inside_its_window_only_and_never_to_staff(
    calling: Calling, clock: Clock, run_outbox: Callable[..., Any]
) -> None:
    session = a_paid_session()
    run_outbox(kind="meeting.create")
    assert fresh(session).meeting_url
    path = f"/api/bookings/{session.id}"
    me, staff = calling(session.mentee), calling(a_support_agent())

    clock.set(START_AT - timedelta(minutes=15, seconds=1))
    assert data_of(me.get(path))["meetingUrl"] is None
    early = error_of(me.get(f"{path}/video-link"), 403, "too_early")
    assert early["details"]["opensAt"] == "2028-03-01T09:45:00Z"

    clock.set(START_AT - timedelta(minutes=15))
    url = data_of(me.get(path))["meetingUrl"]
    assert url.startswith("https://")
    assert data_of(me.get(f"{path}/video-link")) == {"meetingUrl": url}
    assert data_of(me.post(f"{path}/join")) == {"url": url}
    assert data_of(staff.get(path))["meetingUrl"] is None

    clock.set(START_AT + timedelta(hours=2))
    assert data_of(me.get(path))["meetingUrl"] is None
    error_of(me.get(f"{path}/video-link"), 403, "link_expired")


def test_topic_and_kind_of_meeting_can_be_changed_with_the_version_that_was_read(calling: Calling) -> None:
    session = a_paid_session()
    me, path = calling(session.mentee), f"/api/bookings/{session.id}"
    version = data_of(me.get(path))["version"]

    changed = data_of(me.put(path, {"version": version, "title": "Another topic", "meetingType": "audio"}))
    stale = error_of(me.put(path, {"version": version, "title": "Too late"}), 409, "stale_version")

    assert (changed["title"], changed["meetingType"]) == ("Another topic", "audio")
    assert changed["version"] == version + 1 == stale["details"]["version"]


def test_a_session_that_has_begun_cannot_be_changed(calling: Calling, clock: Clock) -> None:
    session = a_running_session()
    clock.set(START_AT)
    me, path = calling(session.mentee), f"/api/bookings/{session.id}"

    error_of(me.put(path, {"version": session.version, "title": "Another topic"}), 409, "not_editable")


def test_a_kind_of_meeting_that_was_not_offered_is_refused(calling: Calling) -> None:
    session = a_scheduled_session()

    refused = calling(session.mentee).put(
        f"/api/bookings/{session.id}", {"version": session.version, "meetingType": "in_person"}
    )

    assert "meetingType" in error_of(refused, 422)["fields"]


@pytest.mark.spec("CX-1", "CX-2")
def test_the_decision_shown_before_is_the_one_obeyed(calling: Calling) -> None:
    session = a_paid_session()
    me, path = calling(session.mentee), f"/api/bookings/{session.id}"

    told = data_of(me.get(f"{path}/decisions"))["decisions"]["cancel"]
    done = data_of(me.post(f"{path}/cancel", {"reasonCategory": "schedule_conflict"}))

    assert told["allowed"] is True
    assert told["refundPercentage"] == 100
    assert done["status"] == "cancelled"
    assert done["cancelledBy"] == "mentee"
    assert Decimal(str(done["refundAmount"])) == Decimal(str(told["refundAmount"])) == Decimal(50)


@pytest.mark.spec("CX-6")
def test_deleting_a_booking_cancels_it_with_a_reason_of_its_own(calling: Calling) -> None:
    session = a_paid_session()

    gone = data_of(calling(session.mentee).delete(f"/api/bookings/{session.id}"))

    assert (gone["status"], gone["cancellationCategory"]) == ("cancelled", "other")
    assert gone["cancellationReason"] == "Cancelled through the API"


def test_cancelling_twice_is_refused_and_with_a_key_answered_again(calling: Calling) -> None:
    session = a_paid_session()
    me, path, body = calling(session.mentee), f"/api/bookings/{session.id}/cancel", {"reasonCategory": "emergency"}

    first = me.post(path, body, key="once")
    again = me.post(path, body, key="once")

    assert data_of(first) == data_of(again)
    error_of(me.post(path, body), 409, "invalid_transition")


def test_a_reason_that_is_needed_is_asked_for(calling: Calling) -> None:
    session = a_paid_session()

    error = error_of(calling(session.mentee).post(f"/api/bookings/{session.id}/cancel", {}), 422)

    assert "reasonCategory" in error["fields"]
    assert fresh(session).status == "scheduled"


def test_the_payment_page_is_given_again_to_the_mentee_alone(calling: Calling) -> None:
    session = a_draft()
    me, path = calling(session.mentee), f"/api/bookings/{session.id}/proceed-payment"

    first, again = data_of(me.post(path)), data_of(me.post(path))

    assert first == again
    error_of(calling(fresh(session).mentor).post(path), 403)


def test_a_booking_whose_hold_ran_out_cannot_be_paid(calling: Calling, clock: Clock) -> None:
    session = a_draft()
    clock.advance(minutes=16)

    refused = calling(session.mentee).post(f"/api/bookings/{session.id}/proceed-payment")

    error_of(refused, 409, "hold_expired")


def test_the_calendar_file_leads_to_the_page_and_never_to_the_meeting(
    calling: Calling, run_outbox: Callable[..., Any]
) -> None:
    session = a_paid_session()
    run_outbox(kind="meeting.create")

    file = calling(session.mentee).get(f"/api/bookings/{session.id}/calendar.ics")

    text = file.get_data(as_text=True).replace("\r\n ", "")
    assert file.mimetype == "text/calendar"
    assert f"/sessions/{session.id}" in text
    assert str(fresh(session).meeting_url) not in text


def test_a_mentor_answers_a_request(calling: Calling) -> None:
    approved, rejected = a_pending_request(), a_pending_request()
    mentors = {each: calling(fresh(each).mentor) for each in (approved, rejected)}

    yes = data_of(mentors[approved].post(f"/api/bookings/{approved.id}/approve", {"message": "Welcome"}))
    no = data_of(mentors[rejected].post(f"/api/bookings/{rejected.id}/reject", {"reason": "On holiday"}))

    assert (yes["status"], yes["paymentStatus"], yes["mentorResponse"]) == ("scheduled", "pending", "Welcome")
    assert (no["status"], no["mentorResponse"]) == ("rejected", "On holiday")
    again = mentors[rejected].post(f"/api/bookings/{rejected.id}/approve", {})
    error_of(again, 409, "invalid_transition")


def test_a_mentor_gives_a_link_of_https_only(calling: Calling) -> None:
    session = a_paid_session()
    mentor, path = calling(session.mentor), f"/api/bookings/{session.id}/meeting-link"

    assert "meetingUrl" in error_of(mentor.put(path, {"meetingUrl": "http://meet.example.com/x"}), 422)["fields"]
    data_of(mentor.put(path, {"meetingUrl": "https://meet.example.com/x"}))
    assert fresh(session).meeting_url == "https://meet.example.com/x"


def test_a_completed_session_is_reviewed_and_the_review_can_be_changed(calling: Calling, clock: Clock) -> None:
    session = a_completed_session()
    clock.set(START_AT + timedelta(days=1))
    me, path = calling(session.mentee), f"/api/bookings/{session.id}/review"

    first = data_of(me.post(path, {"rating": 4, "comment": "Good"}), 201)
    second = data_of(me.post(path, {"rating": 5}), 201)

    assert (first["rating"], second["rating"], first["id"]) == (4, 5, second["id"])
    assert "rating" in error_of(me.post(path, {"rating": 6}), 422)["fields"]


def test_a_session_that_was_not_held_cannot_be_reviewed(calling: Calling) -> None:
    session = a_paid_session()

    refused = calling(session.mentee).post(f"/api/bookings/{session.id}/review", {"rating": 1})

    assert refused.status_code in {409, 422}
