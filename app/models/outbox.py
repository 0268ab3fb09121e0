"""Work that must happen outside the database, and what guards against doing things twice."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.domain.vocabulary import OutboxState
from app.extensions import Model
from app.models.types import enum_column, instant, json, refers, uuid_key


class OutboxRow(Model):
    """One piece of outside work. The row is the job; RQ is only the doorbell (OPS-1)."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_due", "available_at", postgresql_where=text("state IN ('queued', 'claimed')")),
        Index("ix_outbox_state", "state", "created_at"),
        Index("ix_outbox_session_id", "session_id"),
        Index("ix_outbox_kind", "kind", "state"),
    )

    id: Mapped[UUID] = uuid_key()
    number: Mapped[int] = mapped_column(Identity(always=True))
    kind: Mapped[str] = mapped_column(comment="mail.send, refund.send, meeting.create, …")
    key: Mapped[str] = mapped_column(unique=True, comment="the same for ever: what makes a handler idempotent (OPS-3)")
    payload: Mapped[dict[str, Any]] = json(default=dict, server_default=text("'{}'"))
    session_id: Mapped[UUID | None] = refers("sessions.id", nullable=True)
    state: Mapped[OutboxState] = enum_column(OutboxState, "state")
    attempts: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    available_at: Mapped[datetime] = mapped_column(comment="not before this; while claimed: the end of the claim")
    not_after: Mapped[datetime | None] = mapped_column(comment="pointless later (a reminder): dropped, not sent late")
    claim_token: Mapped[UUID | None]
    rung_at: Mapped[datetime | None] = mapped_column(comment="when the relay last rang RQ for it")
    last_error: Mapped[str | None]
    request_id: Mapped[str | None]
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]


class WebhookEvent(Model):
    """An event that a provider sent, stored once in the transaction of its effect (MN-3)."""

    __tablename__ = "webhook_events"
    __table_args__ = (
        Index("uq_webhook_events_provider_event_key", "provider", "event_key", unique=True),
        Index("ix_webhook_events_received_at", "received_at"),
    )

    id: Mapped[UUID] = uuid_key()
    provider: Mapped[str]
    event_key: Mapped[str]
    kind: Mapped[str]
    reference: Mapped[str | None]
    payload: Mapped[dict[str, Any]] = json()
    received_at: Mapped[datetime]
    processed_at: Mapped[datetime | None]
    outcome: Mapped[str | None]


class IdempotencyKey(Model):
    """The first answer to a request that carried an ``Idempotency-Key`` (BK-9, API-2)."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"),)

    user_id: Mapped[UUID] = refers("users.id", primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    scope: Mapped[str] = mapped_column(primary_key=True, comment="the action it was used for")
    request_hash: Mapped[str]
    result: Mapped[dict[str, Any] | None] = json(nullable=True)
    created_at: Mapped[datetime]


class Heartbeat(Model):
    """When a background process was last seen, per name: what readiness and the operations page read (OPS-5)."""

    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(primary_key=True, comment="relay, clock, job:<name>")
    seen_at: Mapped[datetime] = instant()
    report: Mapped[dict[str, Any]] = json(default=dict, server_default=text("'{}'"))


class KillSwitch(Model):
    """A part of the product that staff can turn off and on (LEAD-12)."""

    __tablename__ = "kill_switches"

    key: Mapped[str] = mapped_column(primary_key=True)
    is_off: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    reason: Mapped[str | None]
    changed_by: Mapped[UUID | None] = refers("users.id", nullable=True)
    changed_at: Mapped[datetime]
