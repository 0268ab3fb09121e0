"""Users, what they sign in with, and mentors' public profiles."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.vocabulary import STAFF_ROLES, Role
from app.extensions import Model
from app.models.types import enum_column, instant, json, refers, texts, uuid_key


class User(Model):
    """A person with one role (ID-1). Never deleted: erasing replaces personal data, not history."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_lower"),
        CheckConstraint("(suspended_at IS NULL) = (suspension_reason IS NULL)", name="suspension_has_reason"),
        UniqueConstraint("email", name="uq_users_email"),
        Index("ix_users_role_created_at", "role", "created_at", "id"),
        Index("ix_users_name", "name", "id"),
        # Words of a name are found without an extension: core full-text search with prefixes (SL-2).
        Index("ix_users_name_words", text("to_tsvector('simple', name)"), postgresql_using="gin"),
        Index("ix_users_suspended_at", "suspended_at", postgresql_where=text("suspended_at IS NOT NULL")),
    )

    id: Mapped[UUID] = uuid_key()
    email: Mapped[str]
    name: Mapped[str]
    avatar: Mapped[str | None] = mapped_column(comment="file name under the uploads folder; None shows initials")
    password_hash: Mapped[str]
    role: Mapped[Role] = enum_column(Role, "role")
    timezone: Mapped[str] = mapped_column(server_default="UTC", default="UTC")
    is_active: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    suspended_at: Mapped[datetime | None]
    suspension_reason: Mapped[str | None]
    totp_secret: Mapped[str | None]
    last_login_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    preferences: Mapped[dict[str, Any]] = json(
        default=dict, server_default=text("'{}'"), comment="sound, reminder_emails, theme (ID-6)"
    )
    warnings_count: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    calendar_token_hash: Mapped[str | None] = mapped_column(unique=True, comment="secret of the calendar feed (DB-6)")

    mentor_profile: Mapped[MentorProfile | None] = relationship(
        back_populates="user", foreign_keys="MentorProfile.user_id", lazy="raise_on_sql"
    )

    @property
    def is_staff(self) -> bool:
        return self.role in STAFF_ROLES

    @property
    def can_sign_in(self) -> bool:
        """Active and not suspended (ID-4)."""
        return self.is_active and self.suspended_at is None

    # What Flask-Login and templates ask of the one who is signed in.
    is_authenticated = True
    is_anonymous = False

    def __repr__(self) -> str:
        return f"<User {self.email}>"


class MentorProfile(Model):
    """What mentees see of a mentor, and whether staff verified the application (ID-3)."""

    __tablename__ = "mentor_profiles"
    __table_args__ = (
        Index("ix_mentor_profiles_expertise", "expertise", postgresql_using="gin"),
        Index("ix_mentor_profiles_verified_at", "verified_at"),
        Index(
            "ix_mentor_profiles_waiting",
            "applied_at",
            postgresql_where=text("verified_at IS NULL AND declined_at IS NULL"),
        ),
    )

    user_id: Mapped[UUID] = refers("users.id", primary_key=True)
    headline: Mapped[str]
    bio: Mapped[str] = mapped_column(default="", server_default="")
    expertise: Mapped[list[str]] = texts(default=list, server_default=text("'{}'"))
    applied_at: Mapped[datetime]
    verified_at: Mapped[datetime | None]
    verified_by: Mapped[UUID | None] = refers("users.id", nullable=True)
    declined_at: Mapped[datetime | None]
    declined_by: Mapped[UUID | None] = refers("users.id", nullable=True)
    decline_reason: Mapped[str | None]
    is_accepting: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    rating_average: Mapped[float | None] = mapped_column(comment="of visible reviews by mentees, refreshed nightly")
    rating_count: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    requested_rate_minor: Mapped[int | None] = mapped_column(comment="as wished in the application")
    requested_currency: Mapped[str | None]

    user: Mapped[User] = relationship(back_populates="mentor_profile", foreign_keys=[user_id], lazy="raise_on_sql")


class Login(Model):
    """One signed-in browser. It lives here, so that sign-out or suspension ends it at once (SEC-2)."""

    __tablename__ = "logins"

    id: Mapped[UUID] = uuid_key()
    token_hash: Mapped[str] = mapped_column(unique=True, comment="SHA-256 of the token in the cookie")
    user_id: Mapped[UUID] = refers("users.id", index=True)
    remembered: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = instant(index=True)
    reauthenticated_at: Mapped[datetime | None] = mapped_column(comment="password confirmed again (SEC-2)")
    revoked_at: Mapped[datetime | None]
    ip_address: Mapped[str | None]
    user_agent: Mapped[str | None]


class PasswordReset(Model):
    """A single-use link that expires in an hour (ID-2)."""

    __tablename__ = "password_resets"

    id: Mapped[UUID] = uuid_key()
    token_hash: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[UUID] = refers("users.id", index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Registration(Model):
    """What somebody typed to register; the mailed link makes an account of it, and nothing else does (ID-2, ID-3)."""

    __tablename__ = "registrations"

    id: Mapped[UUID] = uuid_key()
    token_hash: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    password_hash: Mapped[str]
    timezone: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = instant(index=True)
    used_at: Mapped[datetime | None]


class RecoveryCode(Model):
    """One of ten one-time codes for the second factor (ID-5)."""

    __tablename__ = "recovery_codes"

    id: Mapped[UUID] = uuid_key()
    user_id: Mapped[UUID] = refers("users.id", index=True)
    code_hash: Mapped[str]
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class PhoneNumber(Model):
    """Where somebody wants a text message before a session; of use once its owner has proved it (SMS-1)."""

    __tablename__ = "phone_numbers"
    __table_args__ = (CheckConstraint("number ~ '^[+][1-9][0-9]{7,14}$'", name="number"),)

    user_id: Mapped[UUID] = refers("users.id", primary_key=True)
    number: Mapped[str] = mapped_column(comment="E.164")
    code_hash: Mapped[str | None]
    code_tries: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    asked_at: Mapped[datetime] = instant(comment="when a code was last asked for")
    confirmed_at: Mapped[datetime | None]


class ApiToken(Model):
    """A personal bearer token: hashed at rest, scoped, revocable."""

    __tablename__ = "api_tokens"

    id: Mapped[UUID] = uuid_key()
    user_id: Mapped[UUID] = refers("users.id", index=True)
    name: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[str]] = texts(
        default=list, server_default=text("'{}'"), comment="empty: all that its owner may"
    )
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Strike(Model):
    """A mark for a late cancellation or a no-show; decays, and can be appealed (LEAD-10)."""

    __tablename__ = "strikes"

    id: Mapped[UUID] = uuid_key()
    user_id: Mapped[UUID] = refers("users.id", index=True)
    session_id: Mapped[UUID | None] = refers("sessions.id", index=True, nullable=True)
    kind: Mapped[str]
    evidence: Mapped[dict[str, Any]] = json(default=dict, server_default=text("'{}'"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    appealed_at: Mapped[datetime | None]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[UUID | None] = refers("users.id", nullable=True)
