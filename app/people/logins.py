"""Signed-in browsers as rows, so that sign-out, a new password, suspension or a new role ends them at once (SEC-2)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, func, select, update

from app.domain.context import Context
from app.domain.errors import NotFound
from app.domain.vocabulary import STAFF_ROLES, Role
from app.extensions import db
from app.foundation.prepared import Prepared
from app.foundation.transaction import transaction
from app.models import Login, Notification, User
from app.people.credentials import new_secret, secret_hash

SEEN_EVERY = timedelta(minutes=3)
FRESH_FOR = timedelta(minutes=15)
# A dialog is opened only while there is time left to read and type: what was typed is not lost to the question.
FRESH_TO_BEGIN = timedelta(minutes=10)
# Asked at every request: the columns that a request needs, put together once.
_LOGIN = (Login.id, Login.user_id, Login.remembered, Login.last_seen_at, Login.reauthenticated_at)
_PERSON = (
    User.id, User.email, User.name, User.avatar, User.role, User.timezone, User.is_active, User.suspended_at,
    User.preferences,
)  # fmt: skip
_UNREAD = (
    select(func.count())
    .select_from(Notification)
    .where(Notification.user_id == User.id, Notification.read_at.is_(None))
    .scalar_subquery()
)


@cache
def _by_token() -> Prepared:
    return Prepared(
        select(*_LOGIN, *(column.label(f"user_{column.key}") for column in _PERSON), _UNREAD)
        .join(User, User.id == Login.user_id)
        .where(
            Login.token_hash == bindparam("token_hash"), Login.revoked_at.is_(None), Login.expires_at > bindparam("now")
        )
    )


class OpenLogin(NamedTuple):
    """The part of a login's row that a request needs."""

    id: UUID
    user_id: UUID
    remembered: bool
    last_seen_at: datetime
    reauthenticated_at: datetime | None


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in, as read with the login; a request that needs more of the user reads the user."""

    id: UUID
    email: str
    name: str
    avatar: str | None
    role: Role
    timezone: str
    is_active: bool
    suspended_at: datetime | None
    preferences: Mapping[str, Any]

    # What Flask-Login asks.
    is_authenticated: ClassVar[bool] = True
    is_anonymous: ClassVar[bool] = False

    @property
    def is_staff(self) -> bool:
        return self.role in STAFF_ROLES

    @property
    def can_sign_in(self) -> bool:
        """Active and not suspended (ID-4)."""
        return self.is_active and self.suspended_at is None


class Found(NamedTuple):
    """A live login, whose it is, and how many notifications that person has not read: every page says it."""

    login: OpenLogin
    user: Person
    unread: int


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long a login lasts: at most ``absolute``, and not beyond ``idle`` without a request."""

    absolute: timedelta
    idle: timedelta


STAFF = Lifetime(absolute=timedelta(hours=12), idle=timedelta(hours=2))
ORDINARY = Lifetime(absolute=timedelta(days=7), idle=timedelta(hours=12))
REMEMBERED = Lifetime(absolute=timedelta(days=60), idle=timedelta(days=30))


def lifetime_of(user: User | Person, *, remembered: bool) -> Lifetime:
    """Staff are never remembered: their browsers open the console."""
    if user.is_staff:
        return STAFF
    return REMEMBERED if remembered else ORDINARY


def open_login(user: User, *, remembered: bool, ctx: Context) -> str:
    """This function will sign one browser in and give the token that its cookie carries."""
    token = new_secret()
    with transaction():
        db.session.add(
            Login(
                token_hash=secret_hash(token),
                user_id=user.id,
                remembered=remembered and not user.is_staff,
                created_at=ctx.now,
                last_seen_at=ctx.now,
                expires_at=ctx.now + lifetime_of(user, remembered=remembered).absolute,
                reauthenticated_at=ctx.now,
                ip_address=ctx.ip_address,
                user_agent=ctx.user_agent,
            )
        )
        db.session.execute(update(User).where(User.id == user.id).values(last_login_at=ctx.now))
    return token


def find_login(token: str, *, now: datetime) -> Found | None:
    """The live login of this token with its user; None when it ended, was idle for too long, or the user may not in."""
    return ask_for_login(token, now=now)()


def ask_for_login(token: str, *, now: datetime) -> Callable[[], Found | None]:
    """The same, but the question is only sent: the result waits for its answer (PERF-1)."""
    answer = _by_token().start(token_hash=secret_hash(token), now=now)

    def found() -> Found | None:
        row = answer().one_or_none()
        if row is None:
            return None
        login = OpenLogin._make(row[: len(_LOGIN)])
        user = Person(*row[len(_LOGIN) : -1])
        if not user.can_sign_in or now - login.last_seen_at > lifetime_of(user, remembered=login.remembered).idle:
            return None
        return Found(login, user, row[-1])

    return found


def still_live(login_ids: Collection[UUID], *, now: datetime) -> set[UUID]:
    """Which of these logins have neither ended nor lost their user's right to be in (ID-4)."""
    rows = db.session.execute(
        select(Login.id, Login.last_seen_at, Login.remembered, User)
        .join(User, User.id == Login.user_id)
        .where(Login.id.in_(list(login_ids)), Login.revoked_at.is_(None), Login.expires_at > now)
        .execution_options(populate_existing=True)
    )
    return {
        login_id
        for login_id, seen_at, remembered, user in rows
        if user.can_sign_in and now - seen_at <= lifetime_of(user, remembered=remembered).idle
    }


def note_seen(login: OpenLogin, *, now: datetime) -> None:
    """This function will remember that the login is in use, with one write in a few minutes and not one a request."""
    if now - login.last_seen_at < SEEN_EVERY:
        return
    with transaction():
        db.session.execute(
            update(Login)
            .where(Login.id == login.id, Login.last_seen_at < now)
            .values(last_seen_at=now)
            .execution_options(synchronize_session=False)
        )


def note_password_confirmed(login_id: UUID, *, ctx: Context) -> None:
    """This function will remember that the password was typed again just now (SEC-2)."""
    with transaction():
        db.session.execute(update(Login).where(Login.id == login_id).values(reauthenticated_at=ctx.now))


def is_fresh(login: OpenLogin, *, now: datetime, within: timedelta = FRESH_FOR) -> bool:
    """Whether the password was typed lately, in this browser (SEC-2)."""
    return login.reauthenticated_at is not None and now - login.reauthenticated_at <= within


def end_login(login_id: UUID, *, user_id: UUID, ctx: Context) -> None:
    """This function will sign one browser of this user out.

    :raises NotFound: when the user has no such live login
    """
    with transaction():
        ended = db.session.execute(
            update(Login)
            .where(Login.id == login_id, Login.user_id == user_id, Login.revoked_at.is_(None))
            .values(revoked_at=ctx.now)
            .returning(Login.id)
        ).scalar()
        if ended is None:
            raise NotFound("This sign-in has already ended.")


def end_logins_of(user_id: UUID, *, ctx: Context, but: UUID | None = None) -> int:
    """This function will sign a user out everywhere, ``but`` in one browser, and give how many that were."""
    with transaction():
        statement = update(Login).where(Login.user_id == user_id, Login.revoked_at.is_(None))
        if but is not None:
            statement = statement.where(Login.id != but)
        return len(db.session.execute(statement.values(revoked_at=ctx.now).returning(Login.id)).all())


def live_logins(user_id: UUID, *, now: datetime) -> Sequence[Login]:
    """Where a user is signed in, newest use first."""
    return db.session.scalars(
        select(Login)
        .where(Login.user_id == user_id, Login.revoked_at.is_(None), Login.expires_at > now)
        .order_by(Login.last_seen_at.desc(), Login.id)
        .limit(100)
        .execution_options(populate_existing=True)
    ).all()
