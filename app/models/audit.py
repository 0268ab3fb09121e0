"""Who did what, when and why: rows that the database lets nobody change (AUD-2)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.domain.vocabulary import ActorKind
from app.extensions import Model
from app.models.types import enum_column, json, refers, uuid_key


class SessionAuditLog(Model):
    """One row per thing that happened to a session; each change of status is one (SM-3)."""

    __tablename__ = "session_audit_log"
    __table_args__ = (
        Index("ix_session_audit_log_session_id", "session_id", "created_at"),
        Index("ix_session_audit_log_created_at", text("created_at DESC"), text("id DESC")),
        Index("ix_session_audit_log_user_id", "user_id", text("created_at DESC")),
        Index("ix_session_audit_log_action", "action", text("created_at DESC")),
        Index("ix_session_audit_log_request_id", "request_id", postgresql_where=text("request_id IS NOT NULL")),
        Index("uq_session_audit_log_number", "number", unique=True),
        Index(
            "ix_session_audit_log_words",
            text("to_tsvector('simple', reason_details)"),
            postgresql_using="gin",
            postgresql_where=text("reason_details IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = uuid_key()
    number: Mapped[int] = mapped_column(Identity(always=True), comment="order of writing")
    session_id: Mapped[UUID] = refers("sessions.id")
    user_id: Mapped[UUID | None] = refers("users.id", nullable=True)
    actor_role: Mapped[ActorKind] = enum_column(ActorKind, "actor_role")
    action: Mapped[str]
    reason_category: Mapped[str | None]
    reason_details: Mapped[str | None]
    previous_status: Mapped[str | None]
    new_status: Mapped[str | None]
    previous_scheduled_at: Mapped[datetime | None]
    new_scheduled_at: Mapped[datetime | None]
    policy_snapshot: Mapped[dict[str, Any]] = json(default=dict, server_default=text("'{}'"))
    details: Mapped[dict[str, Any]] = json(default=dict, server_default=text("'{}'"))
    request_id: Mapped[str | None]
    ip_address: Mapped[str | None]
    user_agent: Mapped[str | None]
    created_at: Mapped[datetime]


class DecisionRecord(Model):
    """Why something was decided: the rule, what went in, what followed, what would have changed it (WHY-1)."""

    __tablename__ = "decision_records"
    __table_args__ = (
        Index("ix_decision_records_session_id", "session_id", "created_at"),
        # The latest of a kind are decided again when a policy is to be changed (POL-4).
        Index("ix_decision_records_kind", "kind", text("created_at DESC")),
    )

    id: Mapped[UUID] = uuid_key()
    session_id: Mapped[UUID] = refers("sessions.id")
    kind: Mapped[str]
    actor_id: Mapped[UUID | None] = refers("users.id", nullable=True)
    allowed: Mapped[bool]
    rule: Mapped[str]
    message: Mapped[str] = mapped_column(default="", server_default="", comment="in plain words (WHY-2)")
    inputs: Mapped[dict[str, Any]] = json()
    consequences: Mapped[dict[str, Any]] = json()
    next_change: Mapped[str | None]
    policy_version_id: Mapped[UUID] = refers("policy_versions.id")
    created_at: Mapped[datetime]


class AdminAuditTrail(Model):
    """One row per staff act, chained by hashes so that a change or a gap shows (AUD-3)."""

    __tablename__ = "admin_session_audit_trail"
    __table_args__ = (
        UniqueConstraint("seq", name="uq_admin_session_audit_trail_seq"),
        Index("ix_admin_session_audit_trail_session_id", "session_id", "created_at"),
        Index("ix_admin_session_audit_trail_admin_id", "admin_id", text("created_at DESC")),
        Index("ix_admin_session_audit_trail_action", "action", text("created_at DESC")),
        Index("ix_admin_session_audit_trail_request_id", "request_id", postgresql_where=text("request_id IS NOT NULL")),
        Index("ix_admin_session_audit_trail_subject", "subject_type", "subject_id"),
        Index("ix_admin_session_audit_trail_created_at", text("created_at DESC"), text("seq DESC")),
        Index("ix_admin_session_audit_trail_words", text("to_tsvector('simple', reason)"), postgresql_using="gin"),
    )

    id: Mapped[UUID] = uuid_key()
    seq: Mapped[int] = mapped_column(comment="1, 2, 3 … without a gap")
    admin_id: Mapped[UUID | None] = refers("users.id", nullable=True, comment="None: from the command line")
    actor_role: Mapped[ActorKind] = enum_column(ActorKind, "actor_role")
    session_id: Mapped[UUID | None] = refers("sessions.id", nullable=True)
    subject_type: Mapped[str] = mapped_column(comment="session, user, mentor, policy, refund, email, …")
    subject_id: Mapped[str | None]
    action: Mapped[str]
    previous_status: Mapped[str | None]
    new_status: Mapped[str | None]
    reason: Mapped[str]
    details: Mapped[dict[str, Any]] = json(default=dict, server_default=text("'{}'"))
    request_id: Mapped[str | None]
    ip_address: Mapped[str | None]
    user_agent: Mapped[str | None]
    created_at: Mapped[datetime]
    previous_hash: Mapped[str]
    hash: Mapped[str] = mapped_column(comment="SHA-256 over the hash before it and this row's content")


class AdminSessionNote(Model):
    """An internal note on a session, never shown to the parties (ACT-7)."""

    __tablename__ = "admin_session_notes"
    __table_args__ = (
        CheckConstraint("char_length(note) BETWEEN 1 AND 5000", name="note"),
        Index("ix_admin_session_notes_session_id", "session_id", "created_at"),
    )

    id: Mapped[UUID] = uuid_key()
    session_id: Mapped[UUID] = refers("sessions.id")
    admin_id: Mapped[UUID] = refers("users.id")
    note: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class NoteHistory(Model):
    """What a note said before an edit."""

    __tablename__ = "note_history"
    __table_args__ = (Index("ix_note_history_note_id", "note_id", "created_at"),)

    id: Mapped[UUID] = uuid_key()
    note_id: Mapped[UUID] = refers("admin_session_notes.id")
    note: Mapped[str]
    edited_by: Mapped[UUID] = refers("users.id")
    created_at: Mapped[datetime]
