"""Disputes, the staff's talk about them, and the evidence."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.domain.vocabulary import DisputeCategory, DisputePriority, DisputeResolution, DisputeStatus, Party
from app.extensions import Model
from app.models.types import enum_column, json, refers, uuid_key


class SessionDispute(Model):
    """A problem that a party reported; at most one open per session and reporter (DSP-1)."""

    __tablename__ = "session_disputes"
    __table_args__ = (
        Index("ix_session_disputes_session_id", "session_id", "created_at"),
        Index("ix_session_disputes_queue", "status", "priority", "resolution_due_at"),
        Index("ix_session_disputes_assigned_to", "assigned_to", "status"),
        Index(
            "ix_session_disputes_closed",
            text("resolved_at DESC"),
            text("id DESC"),
            postgresql_where=text("status NOT IN ('open', 'in_progress')"),
        ),
        Index(
            "ix_session_disputes_awaiting",
            "awaiting_refund_id",
            postgresql_where=text("awaiting_refund_id IS NOT NULL"),
        ),
        Index(
            "uq_session_disputes_one_open",
            "session_id",
            "reported_by",
            unique=True,
            postgresql_where=text("status IN ('open', 'in_progress')"),
        ),
    )

    id: Mapped[UUID] = uuid_key()
    session_id: Mapped[UUID] = refers("sessions.id")
    reported_by: Mapped[UUID] = refers("users.id")
    reporter_role: Mapped[Party] = enum_column(Party, "reporter_role")
    reason: Mapped[str]
    category: Mapped[DisputeCategory] = enum_column(DisputeCategory, "category")
    description: Mapped[str]
    evidence: Mapped[list[str]] = json(default=list, server_default=text("'[]'"), comment="ids of evidence_files")
    status: Mapped[DisputeStatus] = enum_column(DisputeStatus, "status")
    priority: Mapped[DisputePriority] = enum_column(DisputePriority, "priority")
    assigned_to: Mapped[UUID | None] = refers("users.id", nullable=True)
    resolution_notes: Mapped[str | None]
    resolution_action: Mapped[DisputeResolution | None] = enum_column(
        DisputeResolution, "resolution_action", nullable=True
    )
    resolved_by: Mapped[UUID | None] = refers("users.id", nullable=True)
    awaiting_refund_id: Mapped[UUID | None] = refers("refunds.id", nullable=True)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    first_response_due_at: Mapped[datetime]
    first_responded_at: Mapped[datetime | None]
    resolution_due_at: Mapped[datetime]
    waiting_since: Mapped[datetime | None] = mapped_column(comment="the clocks stand still while a party is asked")
    waited_seconds: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    warned_at: Mapped[datetime | None]
    breached_at: Mapped[datetime | None]
    escalation_level: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    version: Mapped[int] = mapped_column(default=1, server_default=text("1"))


class DisputeComment(Model):
    """Staff among themselves, or a question to the reporter and the answer (DSP-2)."""

    __tablename__ = "dispute_comments"
    __table_args__ = (Index("ix_dispute_comments_dispute_id", "dispute_id", "created_at"),)

    id: Mapped[UUID] = uuid_key()
    dispute_id: Mapped[UUID] = refers("session_disputes.id")
    author_id: Mapped[UUID] = refers("users.id")
    body: Mapped[str]
    is_internal: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    created_at: Mapped[datetime]


class EvidenceFile(Model):
    """An uploaded file under a random name, outside the web root (SEC-4)."""

    __tablename__ = "evidence_files"
    __table_args__ = (
        CheckConstraint("size_bytes BETWEEN 1 AND 10485760", name="size"),
        Index("ix_evidence_files_dispute_id", "dispute_id"),
    )

    id: Mapped[UUID] = uuid_key()
    dispute_id: Mapped[UUID] = refers("session_disputes.id")
    uploaded_by: Mapped[UUID] = refers("users.id")
    original_name: Mapped[str]
    stored_name: Mapped[str] = mapped_column(unique=True)
    content_type: Mapped[str]
    size_bytes: Mapped[int]
    sha256: Mapped[str]
    created_at: Mapped[datetime]
