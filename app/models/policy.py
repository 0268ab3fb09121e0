"""Policies with their versions, and the overrides staff grant."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.domain.vocabulary import OverrideType
from app.extensions import Model
from app.models.types import enum_column, json, refers, uuid_key


class SessionPolicy(Model):
    """The value in force of one policy key (POL-1)."""

    __tablename__ = "session_policies"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Any] = json()
    type: Mapped[str]
    description: Mapped[str]
    group: Mapped[str]
    updated_by: Mapped[UUID | None] = refers("users.id", nullable=True)
    updated_at: Mapped[datetime]


class PolicyVersion(Model):
    """All values at once, as they were after one change: immutable, and what a session is pinned to (POL-5)."""

    __tablename__ = "policy_versions"
    __table_args__ = (Index("ix_policy_versions_number", "number", unique=True),)

    id: Mapped[UUID] = uuid_key()
    number: Mapped[int] = mapped_column(Identity(always=True))
    values: Mapped[dict[str, Any]] = json()
    created_by: Mapped[UUID | None] = refers("users.id", nullable=True)
    reason: Mapped[str]
    created_at: Mapped[datetime]


class PolicyChange(Model):
    """One key's old and new value (POL-1)."""

    __tablename__ = "policy_history"
    __table_args__ = (Index("ix_policy_history_key", "key", "created_at"),)

    id: Mapped[UUID] = uuid_key()
    policy_version_id: Mapped[UUID] = refers("policy_versions.id", index=True)
    key: Mapped[str]
    old_value: Mapped[Any] = json(nullable=True)
    new_value: Mapped[Any] = json()
    changed_by: Mapped[UUID | None] = refers("users.id", nullable=True)
    reason: Mapped[str]
    created_at: Mapped[datetime]


class PolicyOverride(Model):
    """A staff decision that lets one session bypass one policy for a limited time (ACT-6, RS-6)."""

    __tablename__ = "policy_overrides"
    __table_args__ = (
        Index("ix_policy_overrides_session_id", "session_id"),
        Index(
            "ix_policy_overrides_live",
            "expires_at",
            postgresql_where=text("used_at IS NULL AND revoked_at IS NULL AND ended_at IS NULL"),
        ),
        Index("ix_policy_overrides_created_at", text("created_at DESC"), text("id DESC")),
        CheckConstraint("char_length(reason) >= 3", name="reason"),
    )

    id: Mapped[UUID] = uuid_key()
    session_id: Mapped[UUID] = refers("sessions.id")
    override_type: Mapped[OverrideType] = enum_column(OverrideType, "override_type")
    reason: Mapped[str]
    granted_by: Mapped[UUID] = refers("users.id")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[UUID | None] = refers("users.id", nullable=True)
    ended_at: Mapped[datetime | None] = mapped_column(comment="when the clock noted that it had run out")


class Precedent(Model):
    """A decided case that a policy change must not silently decide otherwise (POL-6)."""

    __tablename__ = "precedents"

    id: Mapped[UUID] = uuid_key()
    session_id: Mapped[UUID] = refers("sessions.id", index=True)
    decision_record_id: Mapped[UUID] = refers("decision_records.id")
    title: Mapped[str]
    expected: Mapped[dict[str, Any]] = json()
    created_by: Mapped[UUID] = refers("users.id")
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
