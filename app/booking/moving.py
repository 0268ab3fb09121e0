"""Putting a session to another time, whoever decided it: the parties by agreement, support, a mentee who chooses anew.

What belongs together is done together: both calendars, the time, the meeting, the open proposal. Who is told, and the
audit row with the time before and after, are the caller's.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from app.booking import calendar, meetings
from app.booking.access import load_for_change
from app.booking.book import AROUND
from app.booking.engine import touch
from app.booking.expiry import lock_people_and_free_stale_holds
from app.booking.proposals import close_request
from app.domain.context import Context
from app.domain.errors import InvalidTransition
from app.domain.times import Interval, utc
from app.domain.vocabulary import RescheduleStatus, SessionStatus
from app.extensions import db
from app.models import MentoringSession


def load_for_moving(
    ctx: Context, session_id: UUID, start: datetime, *, duration: int | None = None, also: tuple[UUID, ...] = ()
) -> MentoringSession:
    """This function will lock a session and its people as ``load_for_change`` does, and free the new time.

    A hold that ran out blocks nobody (AV-4), and its people have to be locked together with the session's (AV-5).

    :param start: the time it may move to, aware
    :param duration: minutes; default: as it is
    :param also: a new mentor, for instance
    """
    row = db.session.execute(
        select(MentoringSession.mentor_id, MentoringSession.mentee_id, MentoringSession.duration).where(
            MentoringSession.id == session_id
        )
    ).one_or_none()
    if row is not None:
        window = Interval.lasting(utc(start), duration or row.duration).widened(before=AROUND, after=AROUND)
        people = [row.mentor_id, row.mentee_id, *also]
        lock_people_and_free_stale_holds(people, window, leaving_out=session_id, ctx=ctx)
    return load_for_change(ctx, session_id, also=also)


def move_to(session: MentoringSession, *, start: datetime, duration: int | None = None, ctx: Context) -> None:
    """This function will put a locked, scheduled session to another time, and its meeting with it (JN-4).

    An open proposal is closed: what was negotiated about is gone. Deadlines never outlast the start.

    :param start: aware
    :param duration: minutes; default: as it is
    :raises InvalidTransition: when it is not scheduled
    :raises SlotTaken: when one of the parties is busy then; nothing has changed
    """
    if session.status is not SessionStatus.SCHEDULED:
        message = f"This session is {session.status.value.replace('_', ' ')} and cannot be moved."
        raise InvalidTransition(message, details={"status": session.status.value})
    if session.pending_reschedule_request_id is not None:
        close_request(session, RescheduleStatus.CANCELLED, now=ctx.now)
    session.scheduled_at, session.duration = utc(start), duration or session.duration
    if session.hold_expires_at is not None:
        session.hold_expires_at = min(session.hold_expires_at, session.scheduled_at)
    if session.reassignment_deadline is not None:
        session.reassignment_deadline = min(session.reassignment_deadline, session.scheduled_at)
    calendar.place(session)
    session.calendar_sequence += 1
    meetings.move_meeting(session, ctx=ctx)
    touch(session, ctx=ctx)
