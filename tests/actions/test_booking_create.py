"""Creating bookings: instant and by request, free, paid and by credit; every refusal names its field."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from app.booking.book import create_booking
from app.booking.session_facts import facts_of
from app.domain.errors import DomainError, Forbidden, IdempotencyMismatch, Invalid, NotFound, Refused, SlotTaken
from app.domain.vocabulary import (
    BookingMode,
    MeetingType,
    NotificationType,
    PaymentStatus,
    SessionStatus,
)
from app.extensions import db
from app.foundation.idempotency import once
from app.foundation.policies import current_policies
from app.foundation.transaction import transaction
from app.models import CalendarEntry, MentoringSession, SessionAuditLog, User
from app.money.ledger import post
from app.money.rows import terms_of
from tests.actions.traces import actions, counts, mailed, told, work
from tests.factories.people import a_mentee, a_mentor, a_support_agent, ctx_of, offering_of
from tests.factories.sessions import START_AT, a_draft, a_pending_request, a_scheduled_session, book, fresh, pay
from tests.world import Clock, context

pytestmark = pytest.mark.usefixtures("app", "clock")


@pytest.mark.spec("BK-3", "SM-3", "AV-4")
def test_a_paid_booking_is_a_draft_whose_slot_is_held_for_fifteen_minutes_and_nobody_is_told(clock: Clock) -> None:
    session = a_draft()

    assert (session.status, session.payment_status) == (SessionStatus.DRAFT, PaymentStatus.PENDING)
    assert session.hold_expires_at == clock.now + timedelta(minutes=15)
    assert session.policy_version_id == current_policies().version_id
    entries = {
        entry.user_id: entry.busy[0]
        for entry in db.session.scalars(select(CalendarEntry).where(CalendarEntry.session_id == session.id))
    }
    assert entries[session.mentee_id].upper == START_AT + timedelta(minutes=60)
    assert entries[session.mentor_id].upper == START_AT + timedelta(minutes=75), "one buffer after the session"
    assert actions(session) == ["booking_created"]
    assert (told(session, session.mentor_id), mailed(session), work(session)) == ([], set(), [])


@pytest.mark.spec("BK-3", "JN-1", "SM-1")
def test_a_free_booking_is_scheduled_at_once_and_both_are_told() -> None:
    session = a_scheduled_session()

    assert (session.status, session.payment_status) == (SessionStatus.SCHEDULED, PaymentStatus.NOT_REQUIRED)
    assert session.hold_expires_at is None
    assert actions(session) == ["booking_created"]
    assert told(session, session.mentee_id) == [NotificationType.PAYMENT_CONFIRMED]
    assert told(session, session.mentor_id) == [NotificationType.NEW_BOOKING], "nothing was paid"
    assert mailed(session) == {("booking_confirmed", session.mentee_id), ("new_booking_alert", session.mentor_id)}
    assert work(session) == ["meeting.create"]


@pytest.mark.spec("JN-1", "JN-5")
@pytest.mark.parametrize("kind, needs_room", [("video", True), ("audio", True), ("chat", False), ("in_person", False)])
def test_only_calls_get_a_room(kind: str, needs_room: bool) -> None:
    mentor = a_mentor(rate_minor=0, meeting_types=["video", "audio", "chat", "in_person"])
    session = a_scheduled_session(mentor=mentor, meeting_type=MeetingType(kind))
    assert work(session) == (["meeting.create"] if needs_room else [])


def give_credit(mentee: User, minor: int) -> None:
    from app.domain.ledger import goodwill_bonus

    other = a_scheduled_session(mentee=mentee, at=START_AT - timedelta(days=1))
    with transaction():
        post(goodwill_bonus(terms_of(other), minor), source_id=f"gift-{other.id}", ctx=ctx_of(mentee))


@pytest.mark.spec("MN-7", "SM-1")
def test_a_booking_that_credit_covers_is_scheduled_and_paid_at_once() -> None:
    mentee = a_mentee()
    give_credit(mentee, 5_000)
    session = book(mentee=mentee)

    assert (session.status, session.payment_status) == (SessionStatus.SCHEDULED, PaymentStatus.PAID)
    assert facts_of(session).money.paid_minor == 5_000
    assert NotificationType.PAYMENT_RECEIVED in told(session, session.mentor_id)


@pytest.mark.spec("MN-7")
def test_credit_that_is_one_cent_short_leaves_a_draft_and_is_used_at_checkout() -> None:
    mentee = a_mentee()
    give_credit(mentee, 4_999)
    session = book(mentee=mentee)
    assert session.status is SessionStatus.DRAFT

    pay(session)

    payment = facts_of(fresh(session)).money.paid_by
    assert payment is not None
    assert (payment.amount_minor, payment.credit_minor) == (1, 4_999)


@pytest.mark.spec("BK-4", "AV-4")
def test_a_request_awaits_its_mentor_with_its_slot_held_and_no_payment(clock: Clock) -> None:
    session = a_pending_request(message="I would be glad")

    assert session.status is SessionStatus.PENDING_MENTOR_REVIEW
    assert session.approval_deadline == START_AT, "three days, but never beyond the slot it names"
    assert actions(session) == ["booking_requested"]
    assert told(session, session.mentor_id) == [NotificationType.SESSION_REQUEST]
    assert mailed(session) == {("booking_request_received", session.mentor_id)}
    assert facts_of(session).money.payments == ()
    assert db.session.scalar(select(func.count()).where(CalendarEntry.session_id == session.id)) == 2


@pytest.mark.spec("BK-4")
def test_a_request_may_describe_its_time_in_words_and_then_occupies_nobody(clock: Clock) -> None:
    session = a_pending_request(at=None, preferred_time_note="Any evening next week")

    assert session.scheduled_at is None
    assert session.approval_deadline == clock.now + timedelta(hours=72)
    assert db.session.scalar(select(func.count()).where(CalendarEntry.session_id == session.id)) == 0


@pytest.mark.spec("BK-10")
@pytest.mark.parametrize(
    "wish, field",
    [
        ({"title": "  ab "}, "title"),
        ({"title": "x" * 121}, "title"),
        ({"description": "x" * 2_001}, "description"),
        ({"message": "x" * 2_001}, "message"),
        ({"meeting_type": MeetingType.IN_PERSON}, "meetingType"),
        ({"offering_id": None}, "offeringId"),
        ({"offering_id": uuid4()}, "offeringId"),
        ({"scheduled_at": None}, "scheduledAt"),
        ({"scheduled_at": START_AT + timedelta(minutes=10)}, "scheduledAt"),
        ({"scheduled_at": START_AT + timedelta(hours=7)}, "scheduledAt"),
        ({"scheduled_at": START_AT - timedelta(days=7)}, "scheduledAt"),
        ({"scheduled_at": START_AT + timedelta(days=70)}, "scheduledAt"),
    ],
)
def test_what_cannot_be_booked_says_which_field_and_changes_nothing(wish: Mapping[str, Any], field: str) -> None:
    mentor, mentee = a_mentor(), a_mentee()
    before = counts()

    with pytest.raises(Invalid) as refused:
        book(mentor=mentor, mentee=mentee, **wish)

    assert list(refused.value.fields) == [field]
    assert counts() == before


@pytest.mark.spec("BK-10", "SM-4")
def test_a_taken_slot_is_refused_with_the_nearest_free_ones_and_nothing_changed() -> None:
    mentor = a_mentor()
    a_draft(mentor=mentor)
    late = a_mentee()
    before = counts()

    with pytest.raises(SlotTaken) as refused:
        book(mentor=mentor, mentee=late, at=START_AT + timedelta(minutes=30))

    assert refused.value.details["nearest"][:2] == ["2028-03-01T11:30:00Z", "2028-03-01T12:00:00Z"]
    assert 3 <= len(refused.value.details["nearest"]) <= 5
    assert counts() == before


@pytest.mark.spec("BK-10", "AV-2")
def test_two_sessions_of_a_mentee_cannot_overlap() -> None:
    mentee = a_mentee()
    a_draft(mentee=mentee)
    with pytest.raises(Invalid) as refused:
        book(mentee=mentee, at=START_AT + timedelta(minutes=30))
    assert "another session" in refused.value.fields["scheduledAt"]


@pytest.mark.spec("ID-3", "ID-4")
@pytest.mark.parametrize(
    "state, error",
    [
        ({"is_verified": False}, NotFound),
        ({"suspended_at": START_AT, "suspension_reason": "fraud"}, NotFound),
        ({"is_active": False}, NotFound),
        ({"is_accepting": False}, Refused),
    ],
)
def test_a_mentor_who_may_not_be_booked_is_not(state: Mapping[str, Any], error: type[DomainError]) -> None:
    mentor, mentee = a_mentor(**state), a_mentee()
    before = counts()
    with pytest.raises(error):
        book(mentor=mentor, mentee=mentee)
    assert counts() == before


@pytest.mark.spec("ADM-2", "BK-10")
@pytest.mark.parametrize("stranger", [a_mentor, a_support_agent])
def test_only_mentees_book(stranger: Any) -> None:
    with pytest.raises(Forbidden):
        book(mentee=stranger())


@pytest.mark.spec("POL-1")
def test_a_third_unpaid_booking_is_refused_until_one_is_paid_or_runs_out(clock: Clock) -> None:
    mentee = a_mentee()
    a_draft(mentee=mentee)
    second = a_draft(mentee=mentee, at=START_AT + timedelta(days=1))
    with pytest.raises(Refused) as refused:
        book(mentee=mentee, at=START_AT + timedelta(days=2))
    assert refused.value.rule == "max_open_holds_per_mentee"

    assert second.hold_expires_at is not None
    clock.set(second.hold_expires_at)
    assert book(mentee=mentee, at=START_AT + timedelta(days=2)).status is SessionStatus.DRAFT


@pytest.mark.spec("POL-1", "BK-4")
def test_a_sixth_open_request_is_refused() -> None:
    mentee = a_mentee()
    mentor = a_mentor(booking_mode=BookingMode.REQUEST)
    for _ in range(5):
        a_pending_request(mentee=mentee, mentor=mentor, at=None, preferred_time_note="Soon")
    with pytest.raises(Refused) as refused:
        a_pending_request(mentee=mentee, mentor=mentor, at=None, preferred_time_note="Soon")
    assert refused.value.rule == "max_open_requests_per_mentee"


@pytest.mark.spec("AV-4", "BK-6")
def test_whoever_wants_a_slot_whose_hold_ran_out_gets_it_before_the_clock_has_come(clock: Clock) -> None:
    mentor = a_mentor()
    stale = a_draft(mentor=mentor)
    assert stale.hold_expires_at is not None
    clock.set(stale.hold_expires_at - timedelta(seconds=1))
    with pytest.raises(SlotTaken):
        book(mentor=mentor)
    clock.advance(seconds=1)

    session = book(mentor=mentor)

    assert session.status is SessionStatus.DRAFT
    stale = fresh(stale)
    assert stale.status is SessionStatus.EXPIRED
    assert actions(stale) == ["booking_created", "booking_expired"]
    row = db.session.scalars(
        select(SessionAuditLog).where(SessionAuditLog.session_id == stale.id).order_by(SessionAuditLog.number.desc())
    ).first()
    assert row is not None
    assert (row.actor_role, row.user_id) == ("clock", None), "time did it, not the mentee who came next"
    assert told(stale, stale.mentee_id) == [NotificationType.BOOKING_EXPIRED]


@pytest.mark.spec("BK-9", "API-2")
def test_the_same_key_and_body_book_once_and_another_body_is_refused() -> None:
    mentor, mentee = a_mentor(), a_mentee()
    ctx = ctx_of(mentee)

    def attempt(title: str) -> tuple[dict[str, Any], bool]:
        wish = {"mentor_id": mentor.id, "offering_id": offering_of(mentor).id, "scheduled_at": START_AT, "title": title}
        return once(
            "key-1",
            scope="booking.create",
            body=wish,
            ctx=ctx,
            run=lambda: {
                "id": create_booking(**wish, meeting_type=MeetingType.VIDEO, ctx=ctx).id  # type: ignore[arg-type]
            },
        )

    first, is_replay = attempt("A talk")
    assert not is_replay
    assert attempt("A talk") == (first, True)
    with pytest.raises(IdempotencyMismatch):
        attempt("Another talk")
    assert db.session.scalar(select(func.count()).select_from(MentoringSession)) == 1


@pytest.mark.spec("AV-7")
def test_a_change_of_the_offering_never_touches_what_was_sold() -> None:
    session = a_draft()
    offering = offering_of(session.mentor)
    with transaction():
        offering.rate_minor, offering.duration = 9_900, 30
    assert (fresh(session).rate_minor, fresh(session).duration) == (5_000, 60)


@pytest.mark.spec("ID-7")
def test_a_start_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        book(at=START_AT.replace(tzinfo=None))


def test_the_context_of_a_stranger_books_nothing() -> None:
    with pytest.raises(DomainError):
        mentor = a_mentor()
        create_booking(
            mentor_id=mentor.id,
            offering_id=offering_of(mentor).id,
            scheduled_at=START_AT,
            meeting_type=MeetingType.VIDEO,
            title="A talk",
            ctx=context(ctx_of(mentor).actor),
        )
