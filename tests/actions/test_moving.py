"""Putting a session to another time: both calendars, the meeting, deadlines, and the proposal that was open (JN-4)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range

from app.booking import calendar
from app.booking.moving import load_for_moving, move_to
from app.domain.context import SYSTEM
from app.domain.errors import InvalidTransition, SlotTaken
from app.domain.vocabulary import MeetingType
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import CalendarEntry, MentoringSession
from tests.actions.traces import counts, work
from tests.factories.people import a_mentee, a_mentor
from tests.factories.sessions import START_AT, a_draft, a_paid_session, an_approved_request, book, fresh, pay
from tests.world import START, Clock, context

pytestmark = pytest.mark.usefixtures("app", "clock")

LATER = START_AT + timedelta(hours=3)


def move(session: MentoringSession, to: datetime, *, duration: int | None = None, now: datetime = START) -> None:
    ctx = context(SYSTEM, now)
    with transaction():
        locked = load_for_moving(ctx, session.id, to, duration=duration)
        move_to(locked, start=to, duration=duration, ctx=ctx)


def busy(session: MentoringSession, user_id: object) -> list[tuple[datetime, datetime]]:
    found = db.session.scalars(
        select(CalendarEntry.busy).where(CalendarEntry.session_id == session.id, CalendarEntry.user_id == user_id)
    ).one()
    return [(piece.lower, piece.upper) for piece in found]


@pytest.mark.spec("JN-4", "AV-4", "DB-6")
def test_both_calendars_the_event_and_the_meeting_follow() -> None:
    session = a_paid_session()
    version, sequence = session.version, session.calendar_sequence

    move(session, LATER, duration=30)

    session = fresh(session)
    assert (session.scheduled_at, session.duration) == (LATER, 30)
    assert busy(session, session.mentee_id) == [(LATER, LATER + timedelta(minutes=30))]
    assert busy(session, session.mentor_id) == [(LATER, LATER + timedelta(minutes=45))], "the buffer follows the end"
    assert (session.calendar_sequence, session.version > version) == (sequence + 1, True)
    assert "meeting.move" in work(session)


@pytest.mark.spec("AV-5")
def test_a_session_may_move_by_less_than_its_own_length() -> None:
    session = a_paid_session()
    move(session, START_AT + timedelta(minutes=30))
    assert fresh(session).scheduled_at == START_AT + timedelta(minutes=30)


@pytest.mark.spec("AV-5", "SM-4")
def test_a_taken_time_is_refused_and_nothing_has_changed() -> None:
    session = a_paid_session()
    book(mentor=session.mentor, mentee=a_mentee(), at=LATER)
    before = counts()
    with pytest.raises(SlotTaken):
        move(session, LATER)
    assert counts() == before
    assert fresh(session).scheduled_at == START_AT
    assert busy(session, session.mentee_id) == [(START_AT, START_AT + timedelta(hours=1))]


@pytest.mark.spec("AV-4")
def test_a_hold_that_ran_out_is_not_in_the_way(clock: Clock) -> None:
    session = a_paid_session()
    stale = book(mentor=session.mentor, mentee=a_mentee(), at=LATER)
    assert stale.hold_expires_at is not None
    move(session, LATER, now=clock.set(stale.hold_expires_at))
    assert fresh(session).scheduled_at == LATER
    assert fresh(stale).status.value == "expired"


@pytest.mark.spec("SM-1")
def test_only_a_scheduled_session_is_moved() -> None:
    session = a_draft()
    with pytest.raises(InvalidTransition):
        move(session, LATER)
    assert fresh(session).scheduled_at == START_AT


@pytest.mark.spec("BK-6")
def test_the_time_to_pay_never_outlasts_the_new_start(clock: Clock) -> None:
    session = an_approved_request()
    earlier = START_AT.replace(hour=9)
    clock.set(earlier - timedelta(hours=3))
    with transaction():
        session.hold_expires_at = START_AT
    move(session, earlier, now=clock.now)
    assert fresh(session).hold_expires_at == earlier


@pytest.mark.spec("AV-4")
def test_whoever_had_no_entry_gets_one() -> None:
    session = a_paid_session()
    with transaction():
        calendar.release(session.id, session.mentor_id)
    move(session, LATER)
    assert busy(session, session.mentor_id) == [(LATER, LATER + timedelta(minutes=75))]


@pytest.mark.spec("RS-1", "AV-4")
def test_a_held_time_is_kept_from_others_until_it_is_freed() -> None:
    session = a_paid_session()
    mentor = session.mentor
    with transaction():
        calendar.hold(session, Range(LATER, LATER + timedelta(hours=1), bounds="[)"))
    with pytest.raises(SlotTaken):
        book(mentor=mentor, at=LATER)
    with transaction():
        calendar.hold(session, None)
    assert pay(book(mentor=mentor, at=LATER))


@pytest.mark.spec("RS-1")
def test_a_time_that_somebody_has_cannot_be_held() -> None:
    session = a_paid_session()
    book(mentor=session.mentor, at=LATER)
    with pytest.raises(SlotTaken), transaction():
        calendar.hold(session, Range(LATER, LATER + timedelta(hours=1), bounds="[)"))
    assert busy(session, session.mentee_id) == [(START_AT, START_AT + timedelta(hours=1))]


@pytest.mark.spec("JN-4")
def test_a_chat_has_no_room_to_move() -> None:
    session = a_paid_session(mentor=a_mentor(meeting_types=("chat",)), meeting_type=MeetingType.CHAT)
    move(session, LATER)
    assert "meeting.move" not in work(session)
