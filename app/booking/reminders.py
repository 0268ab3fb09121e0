"""Reminders before a session, to both sides (EM-5).

A reminder is named by session, time and hours: moving a session arms it again. One whose moment had passed before the
time was agreed is skipped, and one that could not be sent in its few minutes is not sent any more.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Interval, and_, exists, literal, or_, select

from app.booking import announce_attendance
from app.booking.holds import Now
from app.booking.session_facts import is_settled
from app.domain.context import Context
from app.domain.reassignment import OPEN_REASSIGNMENTS
from app.domain.reminding import MAY_BE_LATE, due_reminders
from app.domain.vocabulary import SessionStatus
from app.extensions import db
from app.foundation import audit
from app.foundation.policies import current_policies
from app.models import MentoringSession, SessionAuditLog
from app.people.profile import preference

REMINDED = "session_reminded"
_S, _A = MentoringSession, SessionAuditLog


def reminder_is_due(hours: int, now: Now) -> ColumnElement[bool]:
    """Sessions that begin in ``hours``, were agreed before that moment, and were not reminded of it yet."""
    ahead = timedelta(hours=hours)
    opened = _S.scheduled_at - literal(ahead, Interval())
    about = select(_A.id).where(_A.session_id == _S.id, _A.created_at >= opened)
    was_sent = and_(_A.action == REMINDED, _A.details["hours"].as_integer() == hours)
    agreed_later = and_(_A.created_at > opened, agrees_on_this_time())
    return and_(
        _S.status == SessionStatus.SCHEDULED,
        _S.scheduled_at.between(now + ahead - MAY_BE_LATE, now + ahead),
        ~exists(about.where(or_(was_sent, agreed_later))),
    )


def remind(session: MentoringSession, *, ctx: Context) -> str | None:
    """This function will send a locked session's reminders that are due, and say so; None when none is."""
    if session.status is not SessionStatus.SCHEDULED or session.scheduled_at is None or not is_settled(session):
        return None
    if session.reassignment_status in OPEN_REASSIGNMENTS:
        return None
    wanted = current_policies().values.reminder_hours
    # Nearly all sessions that the clock takes up are not due for any: these need no further question.
    if not due_reminders(session.scheduled_at, wanted, known_since=session.created_at, sent={}, now=ctx.now):
        return None
    known_since, sent = _history(session.id, session.created_at)
    hours = due_reminders(session.scheduled_at, wanted, known_since=known_since, sent=sent, now=ctx.now)
    for each in hours:
        for reader in (session.mentee, session.mentor):
            announce_attendance.reminder(
                session, reader, hours=each, by_mail=preference(reader, "reminder_emails"), ctx=ctx
            )
        audit.record(session, action=REMINDED, ctx=ctx, details={"hours": each, "starts_at": session.scheduled_at})
    return REMINDED if hours else None


def agrees_on_this_time() -> ColumnElement[bool]:
    """Audit rows since which a session is agreed for the time that it has."""
    moved_here = and_(
        _A.new_scheduled_at == _S.scheduled_at,
        # A proposal that came to nothing names the time that stays.
        _A.previous_scheduled_at.is_distinct_from(_A.new_scheduled_at),
    )
    return or_(_A.new_status == SessionStatus.SCHEDULED, moved_here)


def _history(session_id: UUID, created_at: datetime) -> tuple[datetime, dict[int, datetime]]:
    """Since when the session is agreed for its time, and when it was last reminded of, by hours."""
    rows = db.session.execute(
        select(_A.action, _A.created_at, _A.details["hours"].as_integer())
        .join(_S, _S.id == _A.session_id)
        .where(_A.session_id == session_id, or_(_A.action == REMINDED, agrees_on_this_time()))
        .order_by(_A.number)
    ).all()
    known_since = created_at
    sent: dict[int, datetime] = {}
    for action, at, hours in rows:
        if action == REMINDED and hours is not None:
            sent[hours] = max(at, sent.get(hours, at))
        else:
            known_since = max(known_since, at)
    return known_since, sent
