"""Staff looked at a no-show suggestion and let it go: the session goes on as any other (NS-3, ACT-9)."""

from __future__ import annotations

from uuid import UUID

from app.booking import why
from app.booking.access import load_for_change
from app.booking.engine import touch
from app.domain.context import Context
from app.domain.decision import Decision
from app.domain.errors import Conflict
from app.domain.permissions import Permission
from app.foundation import audit
from app.foundation.audit import record_staff_act
from app.foundation.transaction import transaction
from app.models import MentoringSession
from app.support.staff_acts import clean_reason, require_staff_for

ACTION = "ADMIN_NO_SHOW_SUGGESTION_DISMISSED"


def dismiss_suggestion(session_id: UUID, *, reason: str, ctx: Context) -> MentoringSession:
    """This function will decide that a flagged session took place; the clock then completes it, and pays the mentor.

    :raises NotFound: there is no such session
    :raises Forbidden: the role may not, or it is one's own case
    :raises Conflict: nothing is suggested any more
    :raises Invalid: the reason cannot be used
    """
    with transaction():
        session = load_for_change(ctx, session_id)
        require_staff_for(session, Permission.SESSION_MARK_NO_SHOW, ctx)
        if session.attendance_suggested_at is None or session.attendance_decided_at is not None:
            raise Conflict("Nothing is suggested here any more. Reload the page.", code="nothing_suggested")
        text = clean_reason(reason)
        session.attendance_decided_at = ctx.now
        touch(session, ctx=ctx)
        audit.record(session, action="no_show_suggestion_dismissed", ctx=ctx, reason_details=text)
        decision = Decision(
            allowed=True,
            rule="suggestion_dismissed",
            message="Support found that the session took place.",
            numbers={"suggested_at": session.attendance_suggested_at, "now": ctx.now},
        )
        why.remember(decision, session=session, kind="attendance", ctx=ctx)
        record_staff_act(
            action=ACTION,
            reason=text,
            ctx=ctx,
            subject_type="session",
            subject_id=session.id,
            session_id=session.id,
            previous_status=session.status,
            new_status=session.status,
        )
    return session
