"""What becomes of a reassignment: accepted, rejected, declined, another mentor chosen, or nobody answered (RA)."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select

from app.booking import announce_reassigned as announce
from app.booking import why
from app.booking.access import load_for_change
from app.booking.alternatives import decide_alternative
from app.booking.conclude import Concluded, conclude_cancellation
from app.booking.engine import touch
from app.booking.give_up import DECLINED, MENTOR_CANCELLED, give_up
from app.booking.handover import change_mentor, load_to_give_up, load_with
from app.booking.session_facts import reassignment_facts
from app.domain.cancellation import REASON_MAX
from app.domain.context import Context
from app.domain.decision import Decision
from app.domain.errors import Forbidden, Invalid
from app.domain.permissions import Permission, require
from app.domain.reassignment import (
    ReassignmentAnswer,
    decide_answer,
    decide_expiry,
)
from app.domain.times import utc
from app.domain.vocabulary import CancellationCategory, CancelledBy, ReassignmentStatus
from app.extensions import db
from app.foundation import audit
from app.foundation.transaction import transaction
from app.models import MentoringSession, SessionAuditLog, User
from app.money.earnings import move_earnings

KIND: Final = "reassignment"
EXPIRED: Final = "reassignment_expired"


def accept_reassignment(session_id: UUID, *, ctx: Context) -> MentoringSession:
    """This function will have the mentee go on with the new mentor, who then has the earnings (RA-4, MN-14).

    :raises NotFound: for those who may not know of it
    :raises Forbidden: anybody but its mentee
    :raises Conflict: nobody was assigned, or it was answered, or the time to answer is over
    """
    with transaction():
        session = _load_to_answer(session_id, ctx)
        _decide(session, ReassignmentAnswer.ACCEPT, ctx)
        session.reassignment_status, session.reassignment_deadline = ReassignmentStatus.ACCEPTED, None
        move_earnings(session, ctx)
        touch(session, ctx=ctx)
        audit.record(session, action="reassignment_accepted", ctx=ctx, details={"mentor_id": session.mentor_id})
        announce.accepted(session, ctx=ctx)
    return session


def reject_reassignment(session_id: UUID, *, reason: str = "", ctx: Context) -> MentoringSession:
    """This function will cancel a session whose mentor gave it up, with everything back to the mentee (RA-5).

    :raises NotFound: for those who may not know of it
    :raises Forbidden: anybody but its mentee
    :raises Conflict: no mentor is being replaced, or the time to answer is over
    :raises Invalid: the reason is too long
    """
    text = _checked(reason)
    with transaction():
        session = _load_to_answer(session_id, ctx)
        decision = _decide(session, ReassignmentAnswer.REJECT, ctx)
        mentors = _mentors_of(session)
        done = _conclude(session, "reassignment_rejected", text, decision, ctx)
        announce.rejected(session, mentors, refund_minor=done.refund_minor, reason=text, ctx=ctx)
    return session


def decline_reassignment(session_id: UUID, *, reason: str = "", ctx: Context) -> MentoringSession:
    """This function will let the newly assigned mentor decline; the search starts over, without both (RA-8).

    :raises NotFound: for those who may not know of it
    :raises Forbidden: anybody but the mentor who was assigned
    :raises Conflict: the mentee has answered already, or the time is over
    :raises Invalid: the reason is too long
    """
    require(ctx.actor, Permission.OWN_REASSIGNMENT_DECLINE)
    text = _checked(reason)
    with transaction():
        session, candidates = load_to_give_up(session_id, ctx)
        if ctx.actor.user_id != session.mentor_id:
            raise Forbidden("Only the mentor to whom this session was assigned can decline it.")
        _decide(session, ReassignmentAnswer.DECLINE, ctx)
        give_up(session, candidates, action=DECLINED, category=None, reason=text, ctx=ctx)
    return session


def select_alternative(
    session_id: UUID, *, mentor_id: UUID, scheduled_at: datetime | None = None, ctx: Context
) -> MentoringSession:
    """This function will give the session to the mentor whom the mentee chose; nothing more is to be paid (RA-6).

    :param scheduled_at: aware; another time only while nobody is assigned; default: the session's own
    :raises NotFound: for those who may not know of it
    :raises Forbidden: anybody but its mentee
    :raises Conflict: no mentor is being replaced, the time to answer is over, or (``SlotTaken``) somebody was quicker
    :raises Invalid: this mentor cannot take it, or not then
    """
    require(ctx.actor, Permission.OWN_REASSIGNMENT_ANSWER)
    with transaction():
        start = utc(scheduled_at) if scheduled_at is not None else None
        session = load_with(session_id, [mentor_id], ctx, start=start)
        _require_mentee(session, ctx)
        decision = _decide(session, ReassignmentAnswer.CHOOSE, ctx, chosen=mentor_id)
        start = start or session.scheduled_at
        assert start is not None  # a scheduled session has a time
        why.require(decide_alternative(session, mentor_id, start, now=ctx.now), session=session, kind=KIND, ctx=ctx)
        was_assigned = session.reassignment_status is ReassignmentStatus.PENDING_ACCEPTANCE
        released = session.mentor if was_assigned else None
        before = session.scheduled_at
        change_mentor(
            session, to=mentor_id, status=ReassignmentStatus.ACCEPTED, start=start, may_return=was_assigned, ctx=ctx
        )
        audit.record(
            session,
            action="alternative_mentor_selected",
            ctx=ctx,
            previous_scheduled_at=before,
            new_scheduled_at=start,
            details={
                "mentor_id": mentor_id,
                "released_mentor_id": released.id if released else None,
                "rule": decision.rule,
            },
        )
        announce.alternative_selected(session, released, ctx=ctx)
    return session


def expire_reassignment(session: MentoringSession, *, ctx: Context) -> str | None:
    """This function will cancel a locked session whose mentee did not answer in time, as the clock (RA-7).

    :returns: what happened; None when nothing is due
    """
    decision = decide_expiry(reassignment_facts(session), ctx.now)
    if not decision.allowed:
        return None
    why.remember(decision, session=session, kind=KIND, ctx=ctx)
    mentors = _mentors_of(session)
    done = _conclude(session, EXPIRED, "The mentee did not answer in time", decision, ctx)
    announce.expired(session, mentors, refund_minor=done.refund_minor, ctx=ctx)
    return EXPIRED


def _load_to_answer(session_id: UUID, ctx: Context) -> MentoringSession:
    require(ctx.actor, Permission.OWN_REASSIGNMENT_ANSWER)
    session = load_for_change(ctx, session_id)
    _require_mentee(session, ctx)
    return session


def _require_mentee(session: MentoringSession, ctx: Context) -> None:
    if ctx.actor.user_id != session.mentee_id:
        raise Forbidden("Only the mentee of this session can answer this.")


def _decide(
    session: MentoringSession, answer: ReassignmentAnswer, ctx: Context, *, chosen: UUID | None = None
) -> Decision:
    decision = decide_answer(reassignment_facts(session), answer, ctx.now, chosen=chosen)
    why.require(decision, session=session, kind=KIND, ctx=ctx)
    why.remember(decision, session=session, kind=KIND, ctx=ctx)
    return decision


def _mentors_of(session: MentoringSession) -> list[User]:
    """Who has the session now, and who gave it up last; each once."""
    ids = [session.mentor_id]
    if session.reassignment_status is ReassignmentStatus.PENDING_ACCEPTANCE and session.reassigned_from_mentor_id:
        ids.append(session.reassigned_from_mentor_id)
    return [db.session.get_one(User, each) for each in dict.fromkeys(ids)]


def _conclude(session: MentoringSession, action: str, reason: str, decision: Decision, ctx: Context) -> Concluded:
    """Cancelled because of the mentor, whoever ended it; everything goes back (RA-5, RA-7)."""
    return conclude_cancellation(
        session,
        cancelled_by=CancelledBy.MENTOR,
        category=_category_of(session),
        reason=reason,
        refund_percentage=100,
        ctx=ctx,
        action=action,
        details={
            "rule": decision.rule,
            "mentor_id": session.mentor_id,
            "reassigned_from_mentor_id": session.reassigned_from_mentor_id,
            "cancelled_mentor_ids": session.cancelled_mentor_ids,
            "reassignment_status": session.reassignment_status,
            "reassignment_deadline": session.reassignment_deadline,
        },
    )


def _category_of(session: MentoringSession) -> CancellationCategory | None:
    """Why the mentor cancelled in the first place: that is why the session does not take place."""
    given = db.session.scalar(
        select(SessionAuditLog.reason_category)
        .where(SessionAuditLog.session_id == session.id, SessionAuditLog.action == MENTOR_CANCELLED)
        .order_by(SessionAuditLog.number.desc())
        .limit(1)
    )
    return CancellationCategory(given) if given else None


def _checked(reason: str) -> str:
    text = reason.strip()
    if len(text) > REASON_MAX:
        message = f"At most {REASON_MAX} characters."
        raise Invalid(message, fields={"reason": message})
    return text
