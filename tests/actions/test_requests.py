"""Request mode where the mentee leaves something open, and what the mentor makes of it (BK-4, BK-5, BK-6)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from app.booking.decisions import decisions_for
from app.booking.join import release_link
from app.booking.reschedule_answers import accept
from app.booking.review_request import approve_request
from app.booking.tick import tick
from app.domain.context import CLOCK
from app.domain.errors import Conflict, DomainError, Forbidden, Invalid, SlotTaken
from app.domain.vocabulary import (
    BookingMode,
    CancelledBy,
    MeetingType,
    NotificationType,
    Party,
    PaymentStatus,
    SessionStatus,
)
from app.extensions import db
from app.models import CalendarEntry, MentoringSession, MentorOffering, User
from tests.actions.traces import actions, counts, mailed, told, work
from tests.factories.people import a_mentee, a_mentor, an_offering, ctx_of, offering_of
from tests.factories.sessions import START_AT, a_pending_request, an_approved_request, book, fresh, pay
from tests.world import Clock, context

pytestmark = pytest.mark.usefixtures("app", "clock")

LINK = "https://meet.example.com/own-room"


def a_mentor_with_two_offers() -> tuple[User, MentorOffering]:
    """One who looks at each request, and what that mentor may offer beside the first."""
    mentor = a_mentor(booking_mode=BookingMode.REQUEST)
    return mentor, an_offering(mentor, title="A long look", duration=90, rate_minor=9_000, currency="USD")


def an_open_request(mentor: User, **wish: Any) -> MentoringSession:
    return book(mentor=mentor, offering_id=None, at=None, preferred_time_note="Wednesday mornings", **wish)


@pytest.mark.spec("BK-4")
def test_a_request_in_words_may_leave_the_offering_to_the_mentor() -> None:
    mentor, _ = a_mentor_with_two_offers()
    session = an_open_request(mentor, message="Whatever fits")

    assert (session.status, session.booking_mode) == (SessionStatus.PENDING_MENTOR_REVIEW, BookingMode.REQUEST)
    assert (session.offering_id, session.scheduled_at) == (None, None)
    assert session.payment_status is PaymentStatus.PENDING, "nobody said that it would be free"
    assert told(session, mentor.id) == [NotificationType.SESSION_REQUEST]
    assert mailed(session) == {("booking_request_received", mentor.id)}


@pytest.mark.spec("BK-4", "BK-10")
def test_a_time_without_an_offering_is_only_clear_where_there_is_one_to_ask_for() -> None:
    mentor, _ = a_mentor_with_two_offers()
    session = book(mentor=mentor, offering_id=None)
    assert (session.duration, session.rate_minor) == (60, 5_000), "the other one is not booked by request"
    an_offering(mentor, duration=30, booking_mode=BookingMode.REQUEST)
    before = counts()
    with pytest.raises(Invalid) as refused:
        book(mentor=mentor, offering_id=None, at=START_AT + timedelta(hours=3))
    assert "offeringId" in refused.value.fields
    assert counts() == before


@pytest.mark.spec("BK-4", "BK-10")
def test_where_nothing_can_be_asked_for_an_offering_is_needed() -> None:
    with pytest.raises(Invalid) as refused:
        an_open_request(a_mentor())
    assert "offeringId" in refused.value.fields


@pytest.mark.spec("BK-5", "BK-6")
def test_the_mentor_gives_an_open_request_its_time_and_offering_and_paying_accepts_both(clock: Clock) -> None:
    mentor, offer = a_mentor_with_two_offers()
    session = an_open_request(mentor)
    approve_request(session.id, scheduled_at=START_AT, offering_id=offer.id, message="This fits", ctx=ctx_of(mentor))
    session = fresh(session)

    assert (session.offering_id, session.duration) == (offer.id, 90)
    assert (session.rate_minor, session.currency, session.payment_status) == (9_000, "USD", PaymentStatus.PENDING)
    assert session.hold_expires_at == clock.now + timedelta(hours=24)
    busy = db.session.scalars(
        select(CalendarEntry.busy).where(CalendarEntry.session_id == session.id, CalendarEntry.user_id == mentor.id)
    ).one()
    assert busy[0].upper == START_AT + timedelta(minutes=90 + 15)
    assert ("request_approved", session.mentee_id) in mailed(session)
    pay(session)
    assert fresh(session).payment_status is PaymentStatus.PAID
    assert work(session) == ["meeting.create"]


@pytest.mark.spec("BK-5")
@pytest.mark.parametrize(
    "given, fields",
    [
        ({}, {"scheduledAt", "offeringId"}),
        ({"scheduled_at": START_AT}, {"offeringId"}),
        ({"scheduled_at": START_AT, "offering_id": "of another mentor"}, {"offeringId"}),
        ({"scheduled_at": START_AT, "offering_id": "without video"}, {"offeringId"}),
    ],
    ids=["nothing", "no offering", "another mentor's", "not that way"],
)
def test_what_was_left_open_must_be_said_and_nothing_changes_otherwise(given: dict[str, Any], fields: set[str]) -> None:
    mentor, _ = a_mentor_with_two_offers()
    session = an_open_request(mentor)
    match given.get("offering_id"):
        case "of another mentor":
            given = {**given, "offering_id": an_offering(a_mentor()).id}
        case "without video":
            given = {**given, "offering_id": an_offering(mentor, meeting_types=["chat"]).id}
    before = counts()
    with pytest.raises(Invalid) as refused:
        approve_request(session.id, ctx=ctx_of(mentor), **given)
    assert set(refused.value.fields) == fields
    assert counts() == before
    assert (fresh(session).offering_id, fresh(session).scheduled_at) == (None, None)


def a_free_request(**wish: Any) -> MentoringSession:
    """In words, and free: nothing will ever be paid that could accept a time."""
    return a_pending_request(
        mentor=a_mentor(rate_minor=0, booking_mode=BookingMode.REQUEST), at=None, preferred_time_note="Mornings", **wish
    )


@pytest.mark.spec("BK-5", "INV-6", "AV-4")
def test_the_time_of_a_free_request_is_proposed_and_the_mentees_yes_schedules_it() -> None:
    session = a_free_request()
    mentor = ctx_of(session.mentor)
    approve_request(session.id, scheduled_at=START_AT, message="Like this?", meeting_url=LINK, ctx=mentor)
    session = fresh(session)

    assert (session.status, session.scheduled_at) == (SessionStatus.PENDING_MENTOR_REVIEW, None)
    assert (session.pending_reschedule_time, session.pending_reschedule_by) == (START_AT, Party.MENTOR)
    assert session.mentor_response == "Like this?"
    assert ("reschedule_request", session.mentee_id) in mailed(session)
    assert db.session.scalar(select(func.count()).where(CalendarEntry.session_id == session.id)) == 2, "it is held"
    assert not decisions_for(session, mentor)["approve"].allowed
    with pytest.raises(Conflict) as refused:
        approve_request(session.id, scheduled_at=START_AT + timedelta(hours=1), ctx=mentor)
    assert refused.value.error_code == "proposal_open"

    assert session.pending_reschedule_request_id is not None
    accept(session.id, request_id=session.pending_reschedule_request_id, ctx=ctx_of(session.mentee))
    session = fresh(session)
    assert (session.status, session.scheduled_at) == (SessionStatus.SCHEDULED, START_AT)
    assert (session.meeting_url, work(session)) == (LINK, []), "the mentor's own link stands"
    assert ("booking_confirmed", session.mentee_id) in mailed(session)


@pytest.mark.spec("BK-5")
def test_a_free_offering_for_an_open_request_is_proposed_too() -> None:
    mentor, _ = a_mentor_with_two_offers()
    free = an_offering(mentor, title="A free chat", duration=30, rate_minor=0)
    session = an_open_request(mentor)
    approve_request(session.id, scheduled_at=START_AT, offering_id=free.id, ctx=ctx_of(mentor))
    session = fresh(session)
    assert (session.status, session.payment_status) == (
        SessionStatus.PENDING_MENTOR_REVIEW,
        PaymentStatus.NOT_REQUIRED,
    )
    assert (session.duration, session.pending_reschedule_time) == (30, START_AT)


@pytest.mark.spec("BK-5", "RS-5")
def test_after_a_proposal_ran_out_the_mentor_may_propose_again_while_the_request_waits(clock: Clock) -> None:
    session = a_free_request()
    mentor = ctx_of(session.mentor)
    approve_request(session.id, scheduled_at=START_AT, ctx=mentor)
    clock.set(START_AT)
    later = START_AT + timedelta(hours=3)
    assert decisions_for(fresh(session), ctx_of(session.mentor))["approve"].allowed
    approve_request(session.id, scheduled_at=later, ctx=ctx_of(session.mentor))
    assert fresh(session).pending_reschedule_time == later


@pytest.mark.spec("BK-5")
def test_an_offering_that_the_mentee_chose_cannot_be_changed_by_approving() -> None:
    mentor, offer = a_mentor_with_two_offers()
    session = a_pending_request(mentor=mentor, offering_id=offering_of(mentor, "One hour").id)
    with pytest.raises(Invalid) as refused:
        approve_request(session.id, offering_id=offer.id, ctx=ctx_of(mentor))
    assert set(refused.value.fields) == {"offeringId"}


@pytest.mark.spec("BK-5", "AV-5")
def test_a_time_that_is_taken_is_refused_with_the_nearest_free_ones() -> None:
    mentor, offer = a_mentor_with_two_offers()
    session = an_open_request(mentor)
    a_pending_request(mentor=mentor, offering_id=offering_of(mentor, "One hour").id)
    with pytest.raises(SlotTaken) as refused:
        approve_request(session.id, scheduled_at=START_AT, offering_id=offer.id, ctx=ctx_of(mentor))
    assert refused.value.details["nearest"]


@pytest.mark.spec("BK-5", "JN-2", "MT-1")
def test_the_mentors_own_link_replaces_the_providers_and_opens_with_the_window_only(clock: Clock) -> None:
    session = a_pending_request()
    with pytest.raises(Invalid) as refused:
        approve_request(session.id, meeting_url="http://meet.example.com/x", ctx=ctx_of(session.mentor))
    assert set(refused.value.fields) == {"meetingUrl"}
    approve_request(session.id, meeting_url=LINK, ctx=ctx_of(session.mentor))
    pay(fresh(session))

    assert work(session) == [], "no room is asked of a provider"
    with pytest.raises(Forbidden):
        release_link(session.id, ctx=ctx_of(session.mentee))
    clock.set(START_AT - timedelta(minutes=15))
    assert release_link(session.id, ctx=ctx_of(session.mentee)) == LINK


@pytest.mark.spec("BK-5", "NT-1", "EM-1")
def test_an_unanswered_request_is_rejected_by_the_clock_and_both_are_told() -> None:
    session = an_open_request(a_mentor_with_two_offers()[0])
    deadline = session.approval_deadline
    assert deadline is not None
    assert deadline - session.created_at == timedelta(hours=72)
    tick(ctx=context(CLOCK, deadline - timedelta(seconds=1)))
    assert fresh(session).status is SessionStatus.PENDING_MENTOR_REVIEW
    tick(ctx=context(CLOCK, deadline))
    tick(ctx=context(CLOCK, deadline))

    session = fresh(session)
    assert (session.status, session.rejected_at) == (SessionStatus.REJECTED, deadline)
    assert actions(session) == ["booking_requested", "request_expired"]
    for person in (session.mentee_id, session.mentor_id):
        assert NotificationType.REQUEST_EXPIRED in told(session, person)
        assert ("request_expired", person) in mailed(session)


@pytest.mark.spec("BK-6")
def test_an_approved_request_that_is_not_paid_in_the_window_is_cancelled_and_frees_its_time() -> None:
    session = an_approved_request()
    assert session.hold_expires_at is not None
    tick(ctx=context(CLOCK, session.hold_expires_at))

    session = fresh(session)
    assert (session.status, session.cancelled_by) == (SessionStatus.CANCELLED, CancelledBy.SYSTEM)
    assert db.session.scalar(select(func.count()).where(CalendarEntry.session_id == session.id)) == 0
    for person in (session.mentee_id, session.mentor_id):
        assert NotificationType.BOOKING_EXPIRED in told(session, person)


@pytest.mark.spec("BK-5", "INV-8")
def test_nobody_but_the_mentor_who_was_asked_says_what_a_request_becomes() -> None:
    mentor, offer = a_mentor_with_two_offers()
    session = an_open_request(mentor)
    for stranger in (session.mentee, a_mentee(), a_mentor()):
        with pytest.raises(DomainError):
            approve_request(session.id, scheduled_at=START_AT, offering_id=offer.id, ctx=ctx_of(stranger))
    assert fresh(session).status is SessionStatus.PENDING_MENTOR_REVIEW


@pytest.mark.spec("BK-4")
def test_a_kind_of_meeting_that_nothing_offers_cannot_be_asked_for() -> None:
    with pytest.raises(Invalid) as refused:
        an_open_request(a_mentor_with_two_offers()[0], meeting_type=MeetingType.IN_PERSON)
    assert set(refused.value.fields) == {"meetingType"}
