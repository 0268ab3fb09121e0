"""What an action leaves behind: audit rows, notifications, e-mails, outside work."""

from __future__ import annotations

from sqlalchemy import func, select

from app.domain.vocabulary import NotificationType
from app.extensions import db
from app.models import (
    CalendarEntry,
    EmailEvent,
    MentoringSession,
    Notification,
    OutboxRow,
    Refund,
    SessionAuditLog,
    SessionJoin,
)

CHANGING = (
    MentoringSession, CalendarEntry, SessionAuditLog, Notification, OutboxRow, EmailEvent, Refund, SessionJoin,
)  # fmt: skip


def counts() -> dict[str, int]:
    """How many rows there are of everything that a booking writes."""
    return {table.__tablename__: db.session.scalar(select(func.count()).select_from(table)) or 0 for table in CHANGING}


def told(session: MentoringSession, reader_id: object) -> list[NotificationType]:
    return list(
        db.session.scalars(
            select(Notification.type)
            .where(Notification.session_id == session.id, Notification.user_id == reader_id)
            .order_by(Notification.number)
        )
    )


def mailed(session: MentoringSession) -> set[tuple[str, object]]:
    rows = db.session.execute(
        select(EmailEvent.template, EmailEvent.user_id).where(EmailEvent.session_id == session.id)
    )
    return {(row.template, row.user_id) for row in rows}


def actions(session: MentoringSession) -> list[str]:
    question = select(SessionAuditLog.action).where(SessionAuditLog.session_id == session.id)
    return list(db.session.scalars(question.order_by(SessionAuditLog.number)))


def work(session: MentoringSession) -> list[str]:
    question = select(OutboxRow.kind).where(OutboxRow.session_id == session.id, OutboxRow.kind != "mail.send")
    return sorted(db.session.scalars(question))
