"""People, as rows in the state that most tests want; what happens to them later is done by calling actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Any

from flask import current_app
from flask.testing import FlaskClient

from app.domain.context import Actor, Context
from app.domain.vocabulary import BookingMode, Role
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import MentorOffering, MentorProfile, MentorSchedule, User, WeeklyPattern
from app.people.logins import open_login
from app.people.passwords import hash_password
from tests.world import context

PASSWORD = "four calm words here"
NINE_TO_FIVE: Sequence[tuple[str, str]] = (("09:00", "17:00"),)
WORKDAYS = range(5)

_numbers = count(1)


def _now() -> datetime:
    now: datetime = current_app.extensions["desk-clock"]()
    return now


def actor_of(user: User) -> Actor:
    """The one on whose behalf an action is called."""
    return Actor.user(user.id, user.role, user.name)


def ctx_of(user: User) -> Context:
    """A context in which this user acts, at the time of the doors' clock."""
    return context(actor_of(user), _now())


def a_user(role: Role, *, email: str = "", name: str = "", timezone: str = "UTC", **columns: Any) -> User:
    """A user of any role who can sign in with ``PASSWORD``."""
    number = next(_numbers)
    with transaction():
        user = User(
            **{
                "email": email or f"{role.value}{number}@people.example",
                "name": name or f"{role.value.title()} {number}",
                "password_hash": hash_password(columns.pop("password", PASSWORD)),
                "role": role,
                "timezone": timezone,
                "created_at": _now(),
                **columns,
            }
        )
        db.session.add(user)
    return user


def a_mentee(**columns: Any) -> User:
    return a_user(Role.MENTEE, **columns)


def a_support_agent(**columns: Any) -> User:
    return a_user(Role.SUPPORT, **columns)


def an_admin(**columns: Any) -> User:
    return a_user(Role.ADMIN, **columns)


def an_ops(**columns: Any) -> User:
    return a_user(Role.OPS, **columns)


def a_mentor(
    *,
    timezone: str = "UTC",
    rate_minor: int = 5_000,
    currency: str = "EUR",
    duration: int = 60,
    booking_mode: BookingMode = BookingMode.INSTANT,
    meeting_types: Sequence[str] = ("video", "audio"),
    weekly_hours: Mapping[int, Sequence[tuple[str, str]]] | None = None,
    headline: str = "Head of engineering",
    bio: str = "Fifteen years of building teams.",
    expertise: Sequence[str] = ("Leadership", "Python"),
    is_verified: bool = True,
    is_accepting: bool = True,
    schedule: Mapping[str, Any] | None = None,
    **columns: Any,
) -> User:
    """A verified mentor who accepts bookings, with a week and one offering.

    :param weekly_hours: by weekday (Monday is 0), local wall times ``("09:00", "17:00")``; default: workdays, nine to
        five
    :param schedule: other columns of the schedule, such as ``{"buffer_minutes": 0}``
    """
    user = a_user(Role.MENTOR, timezone=timezone, **columns)
    now = _now()
    hours = dict.fromkeys(WORKDAYS, NINE_TO_FIVE) if weekly_hours is None else weekly_hours
    with transaction():
        db.session.add(
            MentorProfile(
                user_id=user.id, headline=headline, bio=bio, expertise=list(expertise), applied_at=now,
                verified_at=now if is_verified else None, is_accepting=is_accepting,
                requested_rate_minor=rate_minor, requested_currency=currency,
            )
        )  # fmt: skip
        db.session.add(MentorSchedule(mentor_id=user.id, timezone=timezone, updated_at=now, **(schedule or {})))
        for weekday in range(7):
            blocks = [{"start": start, "end": end, "type": "AVAILABLE"} for start, end in hours.get(weekday, ())]
            db.session.add(WeeklyPattern(mentor_id=user.id, weekday=weekday, is_enabled=bool(blocks), blocks=blocks))
    an_offering(
        user, rate_minor=rate_minor, currency=currency, duration=duration, booking_mode=booking_mode,
        meeting_types=meeting_types,
    )  # fmt: skip
    return user


def an_offering(
    mentor: User,
    *,
    title: str = "One hour of advice",
    rate_minor: int = 5_000,
    currency: str = "EUR",
    duration: int = 60,
    booking_mode: BookingMode = BookingMode.INSTANT,
    meeting_types: Sequence[str] = ("video", "audio"),
    **columns: Any,
) -> MentorOffering:
    """Something a mentee can book with this mentor."""
    now = _now()
    with transaction():
        offering = MentorOffering(
            mentor_id=mentor.id, title=title, duration=duration, rate_minor=rate_minor, currency=currency,
            booking_mode=booking_mode, meeting_types=list(meeting_types), created_at=now, updated_at=now, **columns,
        )  # fmt: skip
        db.session.add(offering)
    return offering


def offering_of(mentor: User, title: str = "") -> MentorOffering:
    """The mentor's first offering, or the one of that title; those made at one moment have no order."""
    return db.session.scalars(
        db.select(MentorOffering)
        .where(MentorOffering.mentor_id == mentor.id, MentorOffering.title.contains(title))
        .order_by(MentorOffering.created_at, MentorOffering.id)
        .limit(1)
    ).one()


def sign_in(client: FlaskClient, user: User) -> FlaskClient:
    """Sign this browser in as ``user`` without the form, and give the browser back."""
    token = open_login(user, remembered=False, ctx=ctx_of(user))
    with client.session_transaction() as cookie:
        cookie.clear()
        cookie["login"] = token
    return client
