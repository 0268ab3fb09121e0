"""What happened to a session, as its two parties read it (DB-5)."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import select

from app.booking.read_models import TimelineEntry
from app.domain.context import Context
from app.domain.vocabulary import ActorKind
from app.extensions import db
from app.models import MentoringSession, SessionAuditLog

_TIMELINE: Final = 200

# What concerns the two parties; what staff did stands in the trail that only staff read.
_SHOWN: Final = frozenset(
    {
        "booking_created", "booking_requested", "booking_expired", "booking_revived", "payment_confirmed",
        "late_payment_refunded", "payment_window_expired", "request_approved", "request_rejected", "request_expired",
        "session_cancelled", "session_started", "session_completed", "session_joined", "meeting_created",
        "meeting_link_set", "review_written", "no_show_marked", "no_show_cleared", "summary_sent",
        "reschedule_requested", "reschedule_countered", "reschedule_accepted", "reschedule_rejected",
        "reschedule_withdrawn", "reschedule_expired",
        "mentor_cancelled", "session_reassigned", "no_mentor_found", "reassignment_accepted", "reassignment_rejected",
        "reassignment_declined", "reassignment_expired",
    }
)  # fmt: skip
# What followed from an act is nobody's own.
_OUTCOMES: Final = frozenset({"session_reassigned", "no_mentor_found"})
_SIDES: Final = {ActorKind.MENTEE: "mentee", ActorKind.MENTOR: "mentor"}
_STAFF: Final = frozenset({ActorKind.SUPPORT, ActorKind.ADMIN, ActorKind.OPS})


def timeline_of(session: MentoringSession, ctx: Context) -> list[TimelineEntry]:
    """What happened to the session, in order of time."""
    rows = db.session.execute(
        select(SessionAuditLog.created_at, SessionAuditLog.action, SessionAuditLog.actor_role, SessionAuditLog.user_id)
        .where(SessionAuditLog.session_id == session.id, SessionAuditLog.action.in_(_SHOWN))
        .order_by(SessionAuditLog.number)
        .limit(_TIMELINE)
    )
    return [
        TimelineEntry(
            at=row.created_at,
            action=row.action,
            by=_side_in(row, session),
            is_mine=row.user_id is not None and row.user_id == ctx.actor.user_id and row.action not in _OUTCOMES,
        )
        for row in rows
    ]


def _side_in(row: Any, session: MentoringSession) -> str | None:
    if row.actor_role in _STAFF:
        return "support"
    if row.action in _OUTCOMES:
        return None
    if row.actor_role is ActorKind.MENTOR and row.user_id != session.mentor_id:
        return "former_mentor"
    return _SIDES.get(row.actor_role)
