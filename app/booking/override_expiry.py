"""An exception that nobody used in time has run out (RS-6, OPS-4).

It stops to count at its instant, whether or not the clock came by; the clock notes it, so that the case tells of it.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, select

from app.booking.holds import Now
from app.domain.context import CLOCK, Context
from app.extensions import db
from app.foundation import audit
from app.models import MentoringSession, PolicyOverride

ENDED = "override_expired"


def override_has_run_out(now: Now) -> ColumnElement[bool]:
    """Granted, neither used nor revoked, over, and not noted yet: the words of its index."""
    return and_(
        PolicyOverride.used_at.is_(None),
        PolicyOverride.revoked_at.is_(None),
        PolicyOverride.ended_at.is_(None),
        PolicyOverride.expires_at <= now,
    )


def end_overrides(session: MentoringSession, *, ctx: Context) -> str | None:
    """This function will note a locked session's exceptions that have run out; None when there are none."""
    found = db.session.scalars(
        select(PolicyOverride)
        .where(PolicyOverride.session_id == session.id, override_has_run_out(ctx.now))
        .order_by(PolicyOverride.expires_at, PolicyOverride.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for each in found:
        each.ended_at = ctx.now
        details = {"override_id": each.id, "override_type": each.override_type, "expires_at": each.expires_at}
        audit.record(session, action=ENDED, ctx=ctx.acting_as(CLOCK), details=details)
    return ENDED if found else None
