"""The mentoring session and what hangs on it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, Date, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import TSTZMULTIRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.vocabulary import (
    BookingMode,
    CancellationCategory,
    CancelledBy,
    JoinSource,
    MeetingType,
    Party,
    PaymentStatus,
    ReassignmentStatus,
    RefundStatus,
    RescheduleStatus,
    SessionStatus,
)
from app.extensions import Model
from app.models.people import User
from app.models.schedule import MentorOffering
from app.models.types import currency, enum_column, instant, json, minor, refers, texts, uuid_key, uuids


def _newest(name: str, *columns: str) -> Index:
    """An index for sorting the console's list by ``columns``, with the id as the tie-break of the page key."""
    return Index(name, *(text(column) for column in columns), text("id DESC"))


class MentoringSession(Model):
    """One mentoring meeting between one mentor and one mentee, from the first request to after it ended.

    ``status`` is written by ``booking.engine`` alone (SM-2); money columns by ``money``; a delete does not exist.
    """

    __tablename__ = "sessions"
    __table_args__ = (
        CheckConstraint("duration BETWEEN 5 AND 1440", name="duration"),
        CheckConstraint("rate_minor >= 0 AND refund_amount_minor >= 0", name="money"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        CheckConstraint("char_length(title) BETWEEN 3 AND 120", name="title"),
        CheckConstraint("mentor_id <> mentee_id", name="two_people"),
        CheckConstraint(
            "scheduled_at IS NOT NULL OR status IN ('pending_mentor_review', 'rejected', 'cancelled')",
            name="scheduled_at",
        ),
        CheckConstraint("(status = 'cancelled') <= (cancelled_at IS NOT NULL)", name="cancelled_has_time"),
        CheckConstraint(
            "(pending_reschedule_request_id IS NULL) = (pending_reschedule_time IS NULL)", name="pending_fields_agree"
        ),
        _newest("ix_sessions_created_at", "created_at DESC"),
        _newest("ix_sessions_scheduled_at", "scheduled_at DESC NULLS LAST"),
        _newest("ix_sessions_status_scheduled_at", "status", "scheduled_at DESC NULLS LAST"),
        _newest("ix_sessions_status_created_at", "status", "created_at DESC"),
        _newest("ix_sessions_refund_status", "refund_status", "scheduled_at DESC NULLS LAST"),
        _newest("ix_sessions_mentor_id", "mentor_id", "scheduled_at DESC NULLS LAST"),
        _newest("ix_sessions_mentee_id", "mentee_id", "scheduled_at DESC NULLS LAST"),
        _newest("ix_sessions_meeting_type", "meeting_type", "scheduled_at DESC NULLS LAST"),
        _newest("ix_sessions_title", "title"),
        _newest("ix_sessions_duration", "duration"),
        _newest("ix_sessions_rate_minor", "rate_minor"),
        _newest("ix_sessions_reschedules", "reschedules_total"),
        Index("ix_sessions_title_words", text("to_tsvector('simple', title)"), postgresql_using="gin"),
        Index("ix_sessions_offering_id", "offering_id"),
        # A provider's news names the room (MT-1).
        Index("ix_sessions_meeting_ref", "meeting_ref", postgresql_where=text("meeting_ref IS NOT NULL")),
        # What the clock looks for every minute stays a handful of rows whatever the history holds (OPS-4).
        Index(
            "ix_sessions_hold_expires_at",
            "hold_expires_at",
            postgresql_where=text("hold_expires_at IS NOT NULL AND status IN ('draft', 'scheduled')"),
        ),
        Index(
            "ix_sessions_approval_deadline",
            "approval_deadline",
            postgresql_where=text("status = 'pending_mentor_review'"),
        ),
        Index(
            "ix_sessions_running",
            "scheduled_at",
            postgresql_where=text("status IN ('scheduled', 'in_progress')"),
        ),
        Index(
            "ix_sessions_reassignment_deadline",
            "reassignment_deadline",
            postgresql_where=text("reassignment_status IN ('pending_acceptance', 'awaiting_mentee_choice')"),
        ),
        Index("ix_sessions_was_reassigned", "scheduled_at", postgresql_where=text("was_reassigned")),
        Index(
            "ix_sessions_pending_reschedule",
            "scheduled_at",
            postgresql_where=text("pending_reschedule_request_id IS NOT NULL"),
        ),
        Index(
            "ix_sessions_attendance_suggested_at",
            "attendance_suggested_at",
            postgresql_where=text("attendance_suggested_at IS NOT NULL AND attendance_decided_at IS NULL"),
        ),
        # The few that never got a time are taken off the figures of a range of times without being read (KPI-1).
        Index(
            "ix_sessions_untimed",
            "created_at",
            postgresql_include=[
                "status",
                "refund_status",
                "cancelled_by",
                "currency",
                "rate_minor",
                "refund_amount_minor",
            ],
            postgresql_where=text("scheduled_at IS NULL"),
        ),
        Index(
            "ix_sessions_without_link",
            "scheduled_at",
            postgresql_where=text("status = 'scheduled' AND meeting_url IS NULL"),
        ),
    )

    id: Mapped[UUID] = uuid_key()
    mentor_id: Mapped[UUID] = refers("users.id")
    mentee_id: Mapped[UUID] = refers("users.id")
    offering_id: Mapped[UUID | None] = refers("mentor_offerings.id", nullable=True)
    title: Mapped[str]
    description: Mapped[str] = mapped_column(default="", server_default="")
    status: Mapped[SessionStatus] = enum_column(SessionStatus, "status")
    booking_mode: Mapped[BookingMode] = enum_column(BookingMode, "booking_mode")

    scheduled_at: Mapped[datetime | None] = instant()
    duration: Mapped[int] = mapped_column(comment="minutes")
    buffer_minutes: Mapped[int] = mapped_column(
        default=15, server_default=text("15"), comment="the mentor's buffer when it was booked (AV-4)"
    )
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    preferred_time_note: Mapped[str | None]

    meeting_type: Mapped[MeetingType] = enum_column(MeetingType, "meeting_type")
    meeting_provider: Mapped[str | None]
    meeting_url: Mapped[str | None]
    meeting_ref: Mapped[str | None] = mapped_column(comment="the provider's name for the room")
    location: Mapped[str | None]
    calendar_sequence: Mapped[int] = mapped_column(
        default=0, server_default=text("0"), comment="iCalendar SEQUENCE, rising with each change of time"
    )

    rate_minor: Mapped[int] = minor()
    currency: Mapped[str] = currency()
    payment_status: Mapped[PaymentStatus] = enum_column(PaymentStatus, "payment_status")

    cancelled_by: Mapped[CancelledBy | None] = enum_column(CancelledBy, "cancelled_by", nullable=True)
    cancelled_by_user_id: Mapped[UUID | None] = refers("users.id", nullable=True)
    cancelled_at: Mapped[datetime | None]
    cancellation_category: Mapped[CancellationCategory | None] = enum_column(
        CancellationCategory, "cancellation_category", nullable=True
    )
    cancellation_reason: Mapped[str | None]

    rescheduled_from: Mapped[UUID | None] = refers("sessions.id", nullable=True)
    reschedule_count: Mapped[int] = mapped_column(default=0, server_default=text("0"), comment="the mentee's")
    mentor_reschedule_count: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    reschedules_total: Mapped[int] = mapped_column(
        Computed("reschedule_count + mentor_reschedule_count", persisted=True)
    )
    recording_config: Mapped[dict[str, Any]] = json(default=dict, server_default=text("'{}'"))

    refund_amount_minor: Mapped[int] = minor(default=0, server_default=text("0"))
    refund_percentage: Mapped[int | None]
    refund_status: Mapped[RefundStatus] = enum_column(
        RefundStatus, "refund_status", default=RefundStatus.NONE, server_default="none"
    )

    # No foreign key: the request refers to the session, and the pair is checked by INV-6.
    pending_reschedule_request_id: Mapped[UUID | None]
    pending_reschedule_time: Mapped[datetime | None]
    pending_reschedule_by: Mapped[Party | None] = enum_column(Party, "pending_reschedule_by", nullable=True)

    was_reassigned: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    reassigned_from_mentor_id: Mapped[UUID | None] = refers("users.id", nullable=True)
    reassigned_at: Mapped[datetime | None]
    reassignment_status: Mapped[ReassignmentStatus | None] = enum_column(
        ReassignmentStatus, "reassignment_status", nullable=True
    )
    reassignment_deadline: Mapped[datetime | None]
    cancelled_mentor_ids: Mapped[list[UUID]] = uuids(default=list, server_default=text("'{}'"))

    mentee_message: Mapped[str | None]
    approval_notes: Mapped[str | None]
    rejected_at: Mapped[datetime | None]
    approval_deadline: Mapped[datetime | None]
    mentor_response: Mapped[str | None]
    hold_expires_at: Mapped[datetime | None] = mapped_column(comment="unpaid draft, or unpaid approved request")

    no_show_party: Mapped[Party | None] = enum_column(Party, "no_show_party", nullable=True)
    no_show_marked_by: Mapped[UUID | None] = refers("users.id", nullable=True)
    attendance_suggested_at: Mapped[datetime | None] = mapped_column(comment="the clock suggests a no-show (NS-3)")
    attendance_decided_at: Mapped[datetime | None]

    policy_version_id: Mapped[UUID] = refers("policy_versions.id", index=True)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1, server_default=text("1"))

    mentor: Mapped[User] = relationship(foreign_keys=[mentor_id], lazy="raise_on_sql")
    mentee: Mapped[User] = relationship(foreign_keys=[mentee_id], lazy="raise_on_sql")
    offering: Mapped[MentorOffering | None] = relationship(lazy="raise_on_sql")

    def __repr__(self) -> str:
        return f"<MentoringSession {self.id} {self.status}>"


class CalendarEntry(Model):
    """Who is busy when: one row per person and session (AV-5).

    ``busy`` holds the session's own time and a proposal it holds, so that a session never collides with itself; the
    database refuses any two rows of one person that overlap.
    """

    __tablename__ = "calendar_entries"
    __table_args__ = (
        ExcludeConstraint(
            (text("uuidrange(user_id, user_id, '[]')"), "&&"),
            ("busy", "&&"),
            name="calendar_entries_no_overlap",
            using="gist",
        ),
        CheckConstraint("NOT isempty(busy)", name="not_empty"),
        Index("ix_calendar_entries_session_id", "session_id"),
    )

    user_id: Mapped[UUID] = refers("users.id", primary_key=True)
    session_id: Mapped[UUID] = refers("sessions.id", primary_key=True)
    busy: Mapped[list[Range[datetime]]] = mapped_column(TSTZMULTIRANGE)


class RescheduleRequest(Model):
    """One negotiation about another time; at most one of a session is open (INV-6)."""

    __tablename__ = "reschedule_requests"
    __table_args__ = (
        Index("ix_reschedule_requests_session_id", "session_id", "created_at"),
        Index("ix_reschedule_requests_created_at", "created_at"),
        Index(
            "uq_reschedule_requests_open",
            "session_id",
            unique=True,
            postgresql_where=text("status IN ('pending', 'counter_proposed')"),
        ),
        Index(
            "ix_reschedule_requests_expires_at",
            "expires_at",
            postgresql_where=text("status IN ('pending', 'counter_proposed')"),
        ),
        CheckConstraint("counter_proposal_count >= 0", name="counter_proposal_count"),
    )

    id: Mapped[UUID] = uuid_key()
    session_id: Mapped[UUID] = refers("sessions.id")
    initiated_by: Mapped[Party] = enum_column(Party, "initiated_by")
    initiator_id: Mapped[UUID] = refers("users.id")
    status: Mapped[RescheduleStatus] = enum_column(RescheduleStatus, "status")
    reason: Mapped[str | None]
    proposed_time: Mapped[datetime]
    proposed_duration: Mapped[int]
    original_time: Mapped[datetime | None] = mapped_column(comment="none yet where a request named no time (BK-5)")
    counter_proposed_time: Mapped[datetime | None]
    counter_proposed_by: Mapped[Party | None] = enum_column(Party, "counter_proposed_by", nullable=True)
    counter_proposal_count: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    uses_override: Mapped[bool] = mapped_column(
        default=False, server_default=text("false"), comment="accepting it uses an allow_reschedule grant up (RS-6)"
    )
    refund_percentage_when_proposed: Mapped[int | None] = mapped_column(comment="no buying time (CX-2)")
    expires_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class SessionReview(Model):
    """One review per session and author (RV-1); a mentor's is private."""

    __tablename__ = "session_reviews"
    __table_args__ = (
        UniqueConstraint("session_id", "author_id", name="uq_session_reviews_session_id_author_id"),
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),
        Index("ix_session_reviews_mentor_id", "mentor_id", "created_at"),
        Index("ix_session_reviews_created_at", text("created_at DESC"), text("id DESC")),
    )

    id: Mapped[UUID] = uuid_key()
    session_id: Mapped[UUID] = refers("sessions.id")
    mentor_id: Mapped[UUID] = refers("users.id")
    mentee_id: Mapped[UUID] = refers("users.id")
    author_id: Mapped[UUID] = refers("users.id")
    rating: Mapped[int]
    comment: Mapped[str] = mapped_column(default="", server_default="")
    hidden_at: Mapped[datetime | None]
    hidden_by: Mapped[UUID | None] = refers("users.id", nullable=True)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class SessionJoin(Model):
    """Somebody joined the call: the evidence for attendance (JN-3)."""

    __tablename__ = "session_joins"
    __table_args__ = (
        Index("ix_session_joins_session_id", "session_id", "joined_at"),
        Index("uq_session_joins_seat", "session_id", "seat", unique=True, postgresql_where=text("seat IS NOT NULL")),
    )

    id: Mapped[UUID] = uuid_key()
    session_id: Mapped[UUID] = refers("sessions.id")
    user_id: Mapped[UUID] = refers("users.id")
    source: Mapped[JoinSource] = enum_column(JoinSource, "source")
    joined_at: Mapped[datetime]
    left_at: Mapped[datetime | None]
    seat: Mapped[str | None] = mapped_column(comment="the provider's name for one stay of one person")


class SessionNote(Model):
    """A party's own note, private to its author; or the mentor's summary, which the mentee reads (RV-2)."""

    __tablename__ = "session_notes"
    __table_args__ = (
        Index("ix_session_notes_session_id", "session_id", "author_id"),
        Index(
            "uq_session_notes_summary",
            "session_id",
            "author_id",
            unique=True,
            postgresql_where=text("is_summary"),
        ),
    )

    id: Mapped[UUID] = uuid_key()
    session_id: Mapped[UUID] = refers("sessions.id")
    author_id: Mapped[UUID] = refers("users.id")
    body: Mapped[str]
    is_summary: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    action_items: Mapped[list[str]] = texts(default=list, server_default=text("'{}'"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class SessionDailyFigure(Model):
    """Sessions counted per day, kept by a trigger at the end of each transaction (KPI-1, SL-4).

    A day is a UTC day of ``scheduled_at``, or of ``created_at`` while no time is set. Many rows a day, none of them
    global, so that two bookings seldom wait for each other.
    """

    __tablename__ = "session_daily_figures"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    status: Mapped[str] = mapped_column(primary_key=True)
    refund_status: Mapped[str] = mapped_column(primary_key=True)
    cancelled_by: Mapped[str] = mapped_column(primary_key=True, comment="empty unless cancelled")
    cancellation_category: Mapped[str] = mapped_column(primary_key=True, comment="empty unless cancelled")
    currency: Mapped[str] = mapped_column(primary_key=True)
    sessions: Mapped[int] = mapped_column(default=0)
    rate_minor: Mapped[int] = minor(default=0)
    refund_amount_minor: Mapped[int] = minor(default=0)


class ReviewDailyFigure(Model):
    """Visible reviews by mentees, counted per UTC day of writing; kept by a trigger as above."""

    __tablename__ = "review_daily_figures"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    reviews: Mapped[int] = mapped_column(default=0)
    rating_sum: Mapped[int] = mapped_column(default=0)
