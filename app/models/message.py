"""What people are told: notifications, e-mails, chat."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.domain.vocabulary import EmailState, NotificationType
from app.extensions import Model
from app.models.types import enum_column, json, refers, uuid_key


class Message(Model):
    """One line of the chat between the two parties (CH-1)."""

    __tablename__ = "messages"
    __table_args__ = (
        CheckConstraint("char_length(body) BETWEEN 1 AND 2000", name="body"),
        Index("ix_messages_session_id", "session_id", "created_at"),
        UniqueConstraint("number", name="uq_messages_number"),
    )

    id: Mapped[UUID] = uuid_key()
    number: Mapped[int] = mapped_column(Identity(always=True), comment="order for the live stream's catch-up (NT-2)")
    session_id: Mapped[UUID] = refers("sessions.id")
    sender_id: Mapped[UUID] = refers("users.id")
    body: Mapped[str]
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class Notification(Model):
    """One entry in a person's notification centre (NT-1)."""

    __tablename__ = "notifications"
    __table_args__ = (
        Index("ix_notifications_user_id", "user_id", text("number DESC")),
        Index("ix_notifications_unread", "user_id", postgresql_where=text("read_at IS NULL")),
        Index("ix_notifications_session_id", "session_id"),
        UniqueConstraint("number", name="uq_notifications_number"),
    )

    id: Mapped[UUID] = uuid_key()
    number: Mapped[int] = mapped_column(Identity(always=True), comment="order for the live stream's catch-up (NT-2)")
    user_id: Mapped[UUID] = refers("users.id")
    type: Mapped[NotificationType] = enum_column(NotificationType, "type")
    title: Mapped[str]
    body: Mapped[str]
    action_url: Mapped[str | None]
    session_id: Mapped[UUID | None] = refers("sessions.id", nullable=True)
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class EmailEvent(Model):
    """One e-mail, from the moment it was decided (EM-2). ``details`` holds all that its templates need."""

    __tablename__ = "email_events"
    __table_args__ = (
        Index("ix_email_events_session_id", "session_id", "created_at"),
        Index("ix_email_events_created_at", text("created_at DESC"), text("id DESC")),
        Index("ix_email_events_status", "status", "created_at"),
        Index("ix_email_events_recipient", "recipient", "created_at"),
    )

    id: Mapped[UUID] = uuid_key()
    action: Mapped[str] = mapped_column(comment="email.booking.confirmed and its like")
    recipient: Mapped[str]
    user_id: Mapped[UUID | None] = refers("users.id", nullable=True, index=True)
    template: Mapped[str]
    session_id: Mapped[UUID | None] = refers("sessions.id", nullable=True)
    subject: Mapped[str]
    status: Mapped[EmailState] = enum_column(EmailState, "status")
    attempts: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    error: Mapped[str | None]
    details: Mapped[dict[str, Any]] = json(default=dict, server_default=text("'{}'"))
    dedupe_key: Mapped[str] = mapped_column(unique=True, comment="one e-mail per cause and recipient (INV-5)")
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
