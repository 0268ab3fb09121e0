"""A session comes near and nobody has made its room: the mentor is asked for a link, whatever the jobs do (JN-4)."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement, and_, exists, select

from app.booking.holds import Now
from app.booking.meetings import CREATE, FAILED, NEEDS_ROOM, ask_for_link, needs_link
from app.domain.context import Context
from app.domain.vocabulary import SessionStatus
from app.extensions import db
from app.models import MentoringSession, OutboxRow, SessionAuditLog

# So long before the start the mentor can still do something about it.
LATE_FROM = timedelta(hours=3)
# A room that was asked for this recently is most likely being made.
_BEING_MADE = timedelta(minutes=5)

_ASKED = "link_asked_for"


def link_is_late(now: Now) -> ColumnElement[bool]:
    """Sessions that begin soon without a room, and whose mentor was not asked yet."""
    session = MentoringSession
    asked = exists().where(
        SessionAuditLog.session_id == session.id,
        SessionAuditLog.action == FAILED,
        SessionAuditLog.details["sequence"].as_integer() == session.calendar_sequence,
    )
    being_made = exists().where(
        OutboxRow.session_id == session.id, OutboxRow.kind == CREATE, OutboxRow.created_at > now - _BEING_MADE
    )
    return and_(
        session.status == SessionStatus.SCHEDULED,
        session.meeting_url.is_(None),
        session.meeting_type.in_(NEEDS_ROOM),
        session.scheduled_at > now,
        session.scheduled_at <= now + LATE_FROM,
        ~asked,
        ~being_made,
    )


def ask_for_late_link(session: MentoringSession, *, ctx: Context) -> str | None:
    """This function will ask a locked session's mentor for a link once, and say so; None when there is no need."""
    if session.status is not SessionStatus.SCHEDULED or session.scheduled_at is None or not needs_link(session):
        return None
    db.session.flush()
    if (
        db.session.scalar(select(MentoringSession.id).where(MentoringSession.id == session.id, link_is_late(ctx.now)))
        is None
    ):
        return None
    ask_for_link(session, ctx=ctx)
    return _ASKED
