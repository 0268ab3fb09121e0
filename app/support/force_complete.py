"""Force complete: staff say that a session took place (ACT-2)."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from app.booking.access import load_for_change, load_session_for
from app.booking.complete import conclude_completion, planned_end
from app.booking.session_facts import attendance_facts
from app.domain.attendance import decide_force_completion
from app.domain.context import Context
from app.domain.decision import Decision, Refusal
from app.domain.permissions import Permission
from app.domain.wording import format_money
from app.foundation.transaction import transaction
from app.models import MentoringSession
from app.money.settlement import split_of
from app.support.act_plan import ActDone, ActPlan
from app.support.staff_acts import PlanRow, clean_reason, fingerprint_of, record_act_on, require_seen, require_staff_for

ACTION = "ADMIN_FORCE_COMPLETE"


def decide_complete(session: MentoringSession, ctx: Context, actual_minutes: int | None = None) -> Decision:
    """Whether support may complete a session from where it stands: after its start, and paid."""
    if session.scheduled_at is None:
        message = "This session has no time yet, so it cannot have taken place."
        return Decision(allowed=False, rule="no_time", message=message, refusal=Refusal.CONFLICT, code="no_time")
    return decide_force_completion(attendance_facts(session), ctx.now, actual_minutes)


def preview_force_complete(
    session_id: UUID, *, actual_minutes: int | None = None, notify_parties: bool = True, ctx: Context
) -> ActPlan:
    """What completing would do now; nothing is changed.

    :param actual_minutes: how long it really took, 1 to 1,440; None is as planned
    :raises NotFound: there is no such session
    :raises Forbidden: the role may not, or it is one's own case
    """
    session = load_session_for(ctx, session_id)
    require_staff_for(session, Permission.SESSION_FORCE_COMPLETE, ctx)
    return _plan(session, actual_minutes, notify_parties, ctx)


def force_complete(
    session_id: UUID,
    *,
    reason: str,
    actual_minutes: int | None = None,
    notify_parties: bool = True,
    fingerprint: str | None,
    ctx: Context,
) -> ActDone:
    """This function will complete a session for support; the mentor's earnings become available (ACT-2).

    :raises NotFound: there is no such session
    :raises Forbidden: the role may not, or it is one's own case
    :raises InvalidTransition: from any status but scheduled and in progress
    :raises Conflict: before the start, or while unpaid
    :raises StalePreview: the case changed since the preview
    :raises Invalid: reason or length cannot be used
    """
    with transaction():
        session = load_for_change(ctx, session_id)
        require_staff_for(session, Permission.SESSION_FORCE_COMPLETE, ctx)
        plan = _plan(session, actual_minutes, notify_parties, ctx)
        plan.decision.require()
        require_seen(fingerprint, plan.fingerprint)
        text = clean_reason(reason)
        before, planned, earnings = session.status, session.duration, split_of(session).mentor
        ended_at = planned_end(session)
        if actual_minutes is not None and session.scheduled_at is not None:
            ended_at = session.scheduled_at + timedelta(minutes=actual_minutes)
        conclude_completion(
            session, decision=plan.decision, ctx=ctx, ended_at=ended_at, reason=text, notify_parties=notify_parties
        )
        session.attendance_decided_at = ctx.now if session.attendance_suggested_at else None
        audit_id = record_act_on(
            session,
            ACTION,
            reason=text,
            ctx=ctx,
            before=before,
            details={
                "actualDuration": actual_minutes or planned,
                "originalDuration": planned,
                "earnings": str(earnings.amount),
                "currency": session.currency,
                "notifyParties": notify_parties,
            },
        )
    paid = f" {format_money(earnings)} are available to the mentor." if earnings.minor else ""
    return ActDone(session_id=session.id, sentence=f"The session is completed.{paid}", audit_id=audit_id)


def _plan(session: MentoringSession, actual_minutes: int | None, notify_parties: bool, ctx: Context) -> ActPlan:  # noqa: FBT001 - one of several plain facts
    decision = decide_complete(session, ctx, actual_minutes)
    earnings = split_of(session).mentor
    message = "E-mail and notification" if notify_parties else "Is not told"
    minutes = actual_minutes or session.duration
    return ActPlan(
        decision=decision,
        sentence=f"The session counts as held, for {minutes} minutes. "
        + (f"{session.mentor.name} is paid {format_money(earnings)}." if earnings.minor else "No money moves."),
        button="Complete the session",
        rows=[
            PlanRow(who=session.mentee.name, change="Session completed, can be reviewed", message=message),
            PlanRow(
                who=session.mentor.name,
                change="Earnings become available" if earnings.minor else "Session completed",
                money=earnings if earnings.minor else None,
                message="Notification" if notify_parties else "Is not told",
            ),
        ],
        fingerprint=fingerprint_of(
            {
                "act": ACTION,
                "session": session.id,
                "version": session.version,
                "status": session.status,
                "earnings": earnings.minor,
            }
        ),
    )
