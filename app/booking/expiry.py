"""Holds that ran out, and how that ends (BK-5, BK-6, AV-4).

The clock ends them by and by; whoever wants the slot meanwhile ends them in the same transaction, so that an expired
hold never blocks anybody.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Uuid, bindparam, func, or_, select
from sqlalchemy.orm import joinedload

from app.booking import announce, calendar, meetings, why
from app.booking.access import lock_people
from app.booking.conclude import conclude_cancellation
from app.booking.engine import move
from app.booking.holds import UNPAID, has_run_out, proposal_has_run_out
from app.booking.proposal_expiry import expire_proposal
from app.booking.proposals import close_request
from app.domain.context import CLOCK, Context
from app.domain.decision import Decision
from app.domain.requests import is_due
from app.domain.times import Interval
from app.domain.vocabulary import CancellationCategory, CancelledBy, RescheduleStatus, SessionStatus
from app.extensions import UtcDateTime, db
from app.models import CalendarEntry, MentoringSession
from app.money.payments import abandon_payment

_STALE = (
    select(MentoringSession.id, MentoringSession.mentor_id, MentoringSession.mentee_id)
    .join(CalendarEntry, CalendarEntry.session_id == MentoringSession.id)
    .where(
        CalendarEntry.user_id.in_(bindparam("people", expanding=True, type_=Uuid)),
        CalendarEntry.busy.op("&&")(
            func.tstzrange(bindparam("begin", type_=UtcDateTime), bindparam("end", type_=UtcDateTime), "[)")
        ),
        or_(
            has_run_out(bindparam("now", type_=UtcDateTime)),
            proposal_has_run_out(bindparam("now", type_=UtcDateTime)),
        ),
    )
)


def lock_people_and_free_stale_holds(
    people: Iterable[UUID], window: Interval, *, ctx: Context, leaving_out: UUID | None = None
) -> None:
    """This function will lock these people and end whatever hold of theirs ran out and is in the way (AV-4).

    Those who hold too long are locked together with the others, in id order, so that nobody waits crosswise (AV-5).
    """
    wanted = set(people)
    asked = {"people": list(wanted), "begin": window.start, "end": window.end, "now": ctx.now}
    stale = [row for row in db.session.execute(_STALE, asked).all() if row.id != leaving_out]
    lock_people(*wanted, *(person for _, *parties in stale for person in parties))
    if stale:
        end_run_out({row.id for row in stale}, ctx=ctx)


def end_run_out(session_ids: Iterable[UUID], *, ctx: Context) -> None:
    """This function will end those of these sessions whose hold is over by now; their people are locked already."""
    sessions = db.session.scalars(
        select(MentoringSession)
        .where(MentoringSession.id.in_(set(session_ids)), or_(has_run_out(ctx.now), proposal_has_run_out(ctx.now)))
        .order_by(MentoringSession.id)
        .options(joinedload(MentoringSession.mentor), joinedload(MentoringSession.mentee))
        .with_for_update(of=MentoringSession)
        .execution_options(populate_existing=True)
    ).all()
    for session in sessions:
        expire_proposal(session, ctx=ctx)
        end_hold(session, ctx=ctx)
    db.session.flush()


def end_hold(session: MentoringSession, *, ctx: Context) -> str | None:
    """This function will end a locked session's hold if it is over, as the clock would, and say what happened.

    :returns: ``expired``, ``cancelled_unpaid`` or ``rejected``; None when nothing has run out
    """
    as_clock = ctx.acting_as(CLOCK)
    if session.status is SessionStatus.DRAFT and is_due(session.hold_expires_at, ctx.now):
        _expire_draft(session, as_clock)
        return "expired"
    unpaid = session.status is SessionStatus.SCHEDULED and session.payment_status in UNPAID
    if unpaid and is_due(session.hold_expires_at, ctx.now):
        _cancel_unpaid(session, as_clock)
        return "cancelled_unpaid"
    if session.status is SessionStatus.PENDING_MENTOR_REVIEW and is_due(session.approval_deadline, ctx.now):
        _reject_unanswered(session, as_clock)
        return "rejected"
    return None


def _expire_draft(session: MentoringSession, ctx: Context) -> None:
    _remember(session, "hold_ran_out", "The slot was held for a payment that did not come in time.", ctx)
    move(session, to=SessionStatus.EXPIRED, ctx=ctx, action="booking_expired")
    calendar.release(session.id)
    abandon_payment(session, ctx=ctx)
    announce.hold_ran_out(session, was_approved=False, ctx=ctx)


def _cancel_unpaid(session: MentoringSession, ctx: Context) -> None:
    _remember(session, "payment_window_passed", "The approved request was not paid in time.", ctx)
    conclude_cancellation(
        session,
        cancelled_by=CancelledBy.SYSTEM,
        category=CancellationCategory.UNPAID,
        reason="Not paid in time",
        refund_percentage=0,
        ctx=ctx,
        action="payment_window_expired",
    )
    announce.hold_ran_out(session, was_approved=True, ctx=ctx)


def _reject_unanswered(session: MentoringSession, ctx: Context) -> None:
    _remember(session, "request_unanswered", "The mentor did not answer the request in time.", ctx)
    move(session, to=SessionStatus.REJECTED, ctx=ctx, action="request_expired")
    session.rejected_at = ctx.now
    close_request(session, RescheduleStatus.EXPIRED, now=ctx.now)
    calendar.release(session.id)
    meetings.drop_meeting(session, ctx=ctx)
    announce.unanswered(session, ctx=ctx)


def _remember(session: MentoringSession, rule: str, message: str, ctx: Context) -> None:
    deadline = session.hold_expires_at or session.approval_deadline
    decision = Decision(
        allowed=True, rule=rule, message=message, numbers={"deadline": deadline, "now": ctx.now, "was": session.status}
    )
    why.remember(decision, session=session, kind="expiry", ctx=ctx)
