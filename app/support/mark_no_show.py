"""Staff say who did not come (NS-4, ACT-9); the money is put right in the same transaction."""

from __future__ import annotations

from uuid import UUID

from app.booking import calendar
from app.booking.access import load_for_change
from app.booking.engine import move
from app.booking.session_facts import attendance_facts
from app.domain.attendance import decide_no_show_by_staff
from app.domain.context import Context
from app.domain.permissions import Permission, require, require_no_party
from app.domain.vocabulary import NotificationType, Party, SessionStatus
from app.foundation.audit import record_staff_act
from app.foundation.transaction import transaction
from app.messaging.notify import notify
from app.models import MentoringSession
from app.money.refunds import request_refund
from app.money.settlement import settle_session


def mark_no_show(session_id: UUID, *, absent: Party, reason: str, ctx: Context) -> MentoringSession:
    """This function will mark a session as missed by one party; a mentor's absence refunds everything (NS-2).

    :raises Forbidden: without the permission, or for a party of the session
    :raises InvalidTransition: from any status but scheduled, in progress and completed
    :raises Refused: when a completed session is older than the dispute window
    """
    require(ctx.actor, Permission.SESSION_MARK_NO_SHOW)
    with transaction():
        session = load_for_change(ctx, session_id)
        require_no_party(ctx.actor, (session.mentor_id, session.mentee_id))
        decision = decide_no_show_by_staff(attendance_facts(session), absent, ctx.now, completed_end=session.ended_at)
        decision.require()
        before = move(
            session,
            to=SessionStatus.NO_SHOW,
            ctx=ctx,
            action="no_show_marked",
            reason_details=reason,
            details={"absent": absent},
        )
        session.no_show_party, session.no_show_marked_by = absent, ctx.actor.user_id
        session.attendance_decided_at = ctx.now
        if decision.refund_percentage:
            request_refund(session, percentage=decision.refund_percentage, reason=reason, ctx=ctx)
        settle_session(session, ctx=ctx)
        calendar.release(session.id)
        record_staff_act(
            action="ADMIN_MARK_NO_SHOW",
            reason=reason,
            ctx=ctx,
            subject_type="session",
            subject_id=session.id,
            session_id=session.id,
            previous_status=before,
            new_status=SessionStatus.NO_SHOW,
            details={"absent": absent, "refundPercentage": decision.refund_percentage},
        )
        _tell(session, absent, ctx)
        return session


def _tell(session: MentoringSession, absent: Party, ctx: Context) -> None:
    who = "mentor" if absent is Party.MENTOR else "mentee"
    for user_id in (session.mentee_id, session.mentor_id):
        notify(
            user_id,
            NotificationType.NO_SHOW_MARKED,
            title="Marked as missed",
            body=f"Support marked “{session.title}” as missed by the {who}.",
            action_url=f"/sessions/{session.id}",
            session_id=session.id,
            ctx=ctx,
        )
