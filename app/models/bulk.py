"""Many sessions cancelled at once: the frozen list, and what became of each (SL-3)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.domain.vocabulary import BulkItemState, BulkState, SessionStatus
from app.extensions import Model
from app.models.types import currency, enum_column, json, minor, refers, uuid_key


class BulkCancel(Model):
    """A list of sessions as somebody saw it, and the order to cancel them once it is given."""

    __tablename__ = "bulk_cancels"
    __table_args__ = (
        CheckConstraint("refund_percentage BETWEEN 0 AND 100", name="refund_percentage"),
        CheckConstraint("state = 'preview' OR reason IS NOT NULL", name="reason"),
        Index("ix_bulk_cancels_created_at", text("created_at DESC")),
    )

    id: Mapped[UUID] = uuid_key()
    created_by: Mapped[UUID] = refers("users.id")
    filter: Mapped[dict[str, Any] | None] = json(
        nullable=True, comment="the list's arguments; none where sessions were ticked one by one"
    )
    state: Mapped[BulkState] = enum_column(BulkState, "state")
    refund_percentage: Mapped[int]
    notify_parties: Mapped[bool]
    reason: Mapped[str | None]
    request_id: Mapped[str]
    ip_address: Mapped[str | None]
    user_agent: Mapped[str | None]
    created_at: Mapped[datetime]
    previewed_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class BulkCancelItem(Model):
    """One session of such a list: what was shown of it, and what became of it."""

    __tablename__ = "bulk_cancel_items"
    __table_args__ = (
        Index("ix_bulk_cancel_items_state", "bulk_id", "state", "position"),
        Index("ix_bulk_cancel_items_session_id", "session_id"),
    )

    bulk_id: Mapped[UUID] = refers("bulk_cancels.id", primary_key=True)
    session_id: Mapped[UUID] = refers("sessions.id", primary_key=True)
    position: Mapped[int]
    state: Mapped[BulkItemState] = enum_column(BulkItemState, "state")
    status_seen: Mapped[SessionStatus] = enum_column(SessionStatus, "status_seen")
    fingerprint: Mapped[str] = mapped_column(comment="of the preview: another one now means that the case changed")
    refund_minor: Mapped[int] = minor(comment="as shown; once it is done, as decided")
    currency: Mapped[str] = currency()
    awaits_approval: Mapped[bool]
    outcome: Mapped[str | None] = mapped_column(comment="why not, or what was done, in a sentence")
    decided_at: Mapped[datetime | None]
