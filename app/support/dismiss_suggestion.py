"""Staff looked at a no-show suggestion and let it go: the session goes on as any other (NS-3, ACT-9)."""

from __future__ import annotations

from uuid import UUID

from app.booking import why
from app.booking.access import load_for_change, load_session_for
from app.booking.engine import touch
from app.domain.context import Context
from app.domain.decision import Decision
from app.domain.permissions import Permission
from app.foundation import audit
from app.foundation.transaction import transaction
from app.models import MentoringSession
from app.support.act_plan import ActDone, ActPlan, decided
from app.support.staff_acts import PlanRow, clean_reason, fingerprint_of, record_act_on, require_seen, require_staff_for

ACTION = "ADMIN_NO_SHOW_SUGGESTION_DISMISSED"


def decide_dismissal(session: MentoringSession, ctx: Context) -> Decision:
    """Whether a no-show is suggested that nobody has decided about."""
    numbers = {"suggested_at": session.attendance_suggested_at, "now": ctx.now}
    why_not = ""
    if session.attendance_suggested_at is None or session.attendance_decided_at is not None:
        why_not = "Nothing is suggested here any more. Reload the page."
    can = "Support found that the session took place."
    return decided("suggestion_dismissed", why_not, code="nothing_suggested", can=can, numbers=numbers)


def preview_dismissal(session_id: UUID, *, ctx: Context) -> ActPlan:
    """What follows when the suggestion is let go; nothing is changed.

    :raises NotFound: there is no such session
    :raises Forbidden: the role may not, or it is one's own case
    """
    session = load_session_for(ctx, session_id)
    require_staff_for(session, Permission.SESSION_MARK_NO_SHOW, ctx)
    return _plan(session, ctx)


def dismiss_suggestion(session_id: UUID, *, reason: str, fingerprint: str | None, ctx: Context) -> ActDone:
    """This function will decide that a flagged session took place; the clock then completes it, and pays the mentor.

    :param fingerprint: of the preview that was shown; None for callers that show none
    :raises NotFound: there is no such session
    :raises Forbidden: the role may not, or it is one's own case
    :raises Conflict: nothing is suggested any more
    :raises StalePreview: the case changed since the preview
    :raises Invalid: the reason cannot be used
    """
    with transaction():
        session = load_for_change(ctx, session_id)
        require_staff_for(session, Permission.SESSION_MARK_NO_SHOW, ctx)
        decision = decide_dismissal(session, ctx)
        decision.require()
        require_seen(fingerprint, _plan(session, ctx).fingerprint)
        text = clean_reason(reason)
        session.attendance_decided_at = ctx.now
        touch(session, ctx=ctx)
        audit.record(session, action="no_show_suggestion_dismissed", ctx=ctx, reason_details=text)
        why.remember(decision, session=session, kind="attendance", ctx=ctx)
        audit_id = record_act_on(
            session,
            ACTION,
            reason=text,
            ctx=ctx,
        )
    return ActDone(session_id=session.id, sentence="The session goes on as any other.", audit_id=audit_id)


def _plan(session: MentoringSession, ctx: Context) -> ActPlan:
    return ActPlan(
        decision=decide_dismissal(session, ctx),
        sentence="The session counts as held. The clock completes it, and nobody is told of the suggestion.",
        button="Dismiss the suggestion",
        rows=[
            PlanRow(who=session.mentor.name, change="Is paid once it is completed"),
            PlanRow(who=session.mentee.name, change="Nothing goes back"),
        ],
        fingerprint=fingerprint_of({"act": ACTION, "session": session.id, "version": session.version}),
    )
