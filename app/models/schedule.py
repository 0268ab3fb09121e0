"""What a mentor offers, and when."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.vocabulary import BookingMode, ExceptionType
from app.extensions import Model
from app.models.people import User
from app.models.types import currency, enum_column, instant, json, minor, refers, texts, uuid_key


class MentorOffering(Model):
    """Something a mentee can book. Changing it never touches sessions already sold (AV-7)."""

    __tablename__ = "mentor_offerings"
    __table_args__ = (
        CheckConstraint("duration BETWEEN 5 AND 1440", name="duration"),
        CheckConstraint("rate_minor >= 0", name="rate"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        CheckConstraint(
            "meeting_types <@ ARRAY['video','audio','chat','in_person'] AND cardinality(meeting_types) > 0",
            name="meeting_types",
        ),
        Index("ix_mentor_offerings_mentor_id", "mentor_id", "is_active"),
    )

    id: Mapped[UUID] = uuid_key()
    mentor_id: Mapped[UUID] = refers("users.id")
    title: Mapped[str]
    description: Mapped[str] = mapped_column(default="", server_default="")
    duration: Mapped[int] = mapped_column(comment="minutes")
    rate_minor: Mapped[int] = minor()
    currency: Mapped[str] = currency()
    booking_mode: Mapped[BookingMode] = enum_column(BookingMode, "booking_mode")
    meeting_types: Mapped[list[str]] = texts()
    location: Mapped[str | None] = mapped_column(comment="where, for in-person meetings")
    is_active: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    mentor: Mapped[User] = relationship(lazy="raise_on_sql")


class MentorSchedule(Model):
    """The frame of a mentor's week (AV-1)."""

    __tablename__ = "mentor_schedules"
    __table_args__ = (
        CheckConstraint("buffer_minutes BETWEEN 0 AND 240", name="buffer"),
        CheckConstraint("min_notice_hours BETWEEN 0 AND 720", name="notice"),
        CheckConstraint("max_advance_days BETWEEN 1 AND 365", name="advance"),
        CheckConstraint("slot_interval_minutes BETWEEN 5 AND 240", name="interval"),
    )

    mentor_id: Mapped[UUID] = refers("users.id", primary_key=True)
    timezone: Mapped[str]
    is_active: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    buffer_minutes: Mapped[int] = mapped_column(default=15, server_default=text("15"))
    min_notice_hours: Mapped[int] = mapped_column(default=2, server_default=text("2"))
    max_advance_days: Mapped[int] = mapped_column(default=60, server_default=text("60"))
    slot_interval_minutes: Mapped[int] = mapped_column(default=30, server_default=text("30"))
    updated_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1, server_default=text("1"))


class WeeklyPattern(Model):
    """One weekday of a mentor: Monday is 0. Blocks are wall time in the schedule's zone (AV-3)."""

    __tablename__ = "weekly_patterns"
    __table_args__ = (CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),)

    mentor_id: Mapped[UUID] = refers("users.id", primary_key=True)
    weekday: Mapped[int] = mapped_column(primary_key=True)
    is_enabled: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    blocks: Mapped[list[dict[str, Any]]] = json(
        default=list,
        server_default=text("'[]'"),
        comment='[{"start": "09:00", "end": "12:00", "type": "AVAILABLE"}]; '
        "an end not after its start is on the next day",
    )


class AvailabilityException(Model):
    """A blocked or an extra period, as instants."""

    __tablename__ = "availability_exceptions"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="positive"),
        Index("ix_availability_exceptions_mentor_id", "mentor_id", "starts_at"),
    )

    id: Mapped[UUID] = uuid_key()
    mentor_id: Mapped[UUID] = refers("users.id")
    starts_at: Mapped[datetime] = instant()
    ends_at: Mapped[datetime] = instant()
    type: Mapped[ExceptionType] = enum_column(ExceptionType, "type")
    reason: Mapped[str | None]
    created_at: Mapped[datetime]
