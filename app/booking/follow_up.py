"""A session at no cost that makes up for another one (DSP-4)."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

from app.booking import calendar
from app.booking.confirm import confirm
from app.booking.engine import begin
from app.domain.context import Context
from app.domain.decision import Decision, Refusal
from app.domain.vocabulary import PaymentStatus, SessionStatus
from app.foundation.policies import current_policies
from app.models import MentoringSession

FARTHEST = timedelta(days=365)


def decide_follow_up(session: MentoringSession, starts_at: datetime, *, now: datetime) -> Decision:
    """Whether both parties have this time free for a session as long as the one before; weekly hours do not bind staff.

    Refused as invalid on ``startsAt`` for a time that has passed or lies more than a year ahead.
    """
    numbers = {"starts_at": starts_at, "now": now}
    problem = ""
    if not now < starts_at <= now + FARTHEST:
        problem = "Choose a time between now and a year from now."
    elif session.mentor.suspended_at or session.mentee.suspended_at:
        problem = "One of the two is suspended, so they cannot meet."
    if problem:
        return Decision(
            allowed=False, rule="follow_up_time", message=problem, numbers=numbers, refusal=Refusal.INVALID,
            fields={"startsAt": problem},
        )  # fmt: skip
    end = starts_at + timedelta(minutes=session.duration)
    busy = {user for user, _, _ in calendar.busy_entries((session.mentor_id, session.mentee_id), starts_at, end)}
    if busy:
        who = session.mentor.name if session.mentor_id in busy else session.mentee.name
        return Decision(
            allowed=False, rule="follow_up_time", message=f"{who} has another session then. Choose another time.",
            numbers=numbers, refusal=Refusal.SLOT_TAKEN,
        )  # fmt: skip
    return Decision(allowed=True, rule="follow_up_time", message="Both are free then.", numbers=numbers)


def book_follow_up(session: MentoringSession, *, starts_at: datetime, ctx: Context) -> MentoringSession:
    """This function will book the same two people once more, for nothing, and tell both (DSP-4).

    Call it inside a transaction, on a session from ``load_for_change``, which has locked both.

    :raises Invalid: the time cannot be used
    :raises SlotTaken: one of them is busy then
    """
    decide_follow_up(session, starts_at, now=ctx.now).require()
    follow_up = MentoringSession(
        id=uuid4(),
        mentor_id=session.mentor_id,
        mentee_id=session.mentee_id,
        mentor=session.mentor,
        mentee=session.mentee,
        offering_id=session.offering_id,
        title=session.title,
        description=session.description,
        booking_mode=session.booking_mode,
        scheduled_at=starts_at,
        duration=session.duration,
        buffer_minutes=session.buffer_minutes,
        meeting_type=session.meeting_type,
        location=session.location,
        rate_minor=0,
        currency=session.currency,
        payment_status=PaymentStatus.NOT_REQUIRED,
        policy_version_id=current_policies().version_id,
        rescheduled_from=session.id,
        calendar_sequence=0,
        cancelled_mentor_ids=[],
    )
    begin(
        follow_up, status=SessionStatus.SCHEDULED, ctx=ctx, action="booking_created",
        details={"makes_up_for": session.id},
    )  # fmt: skip
    calendar.occupy(follow_up)
    confirm(follow_up, ctx=ctx)
    return follow_up
