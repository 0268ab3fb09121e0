"""Signed-in browsers as rows, so that sign-out, a new password, suspension or a new role ends them at once (SEC-2)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, select, update

from app.domain.context import Context
from app.domain.errors import NotFound
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import Login, User
from app.people.credentials import new_secret, secret_hash

SEEN_EVERY = timedelta(minutes=3)
FRESH_FOR = timedelta(minutes=15)
# Asked at every request, so it is put together once.
_BY_TOKEN = (
    select(Login, User)
    .join(User, User.id == Login.user_id)
    .where(Login.token_hash == bindparam("token_hash"), Login.revoked_at.is_(None), Login.expires_at > bindparam("now"))
    .execution_options(populate_existing=True)
)


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long a login lasts: at most ``absolute``, and not beyond ``idle`` without a request."""

    absolute: timedelta
    idle: timedelta


STAFF = Lifetime(absolute=timedelta(hours=12), idle=timedelta(hours=2))
ORDINARY = Lifetime(absolute=timedelta(days=7), idle=timedelta(hours=12))
REMEMBERED = Lifetime(absolute=timedelta(days=60), idle=timedelta(days=30))


def lifetime_of(user: User, *, remembered: bool) -> Lifetime:
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


def find_login(token: str, *, now: datetime) -> tuple[Login, User] | None:
    """The live login of this token with its user; None when it ended, was idle for too long, or the user may not in."""
    found = db.session.execute(_BY_TOKEN, {"token_hash": secret_hash(token), "now": now}).one_or_none()
    if found is None:
        return None
    login, user = found
    if not user.can_sign_in or now - login.last_seen_at > lifetime_of(user, remembered=login.remembered).idle:
        return None
    return login, user


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


def note_seen(login: Login, *, now: datetime) -> None:
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


def is_fresh(login: Login, *, now: datetime) -> bool:
    """Whether the password was typed within the last quarter of an hour (SEC-2)."""
    return login.reauthenticated_at is not None and now - login.reauthenticated_at <= FRESH_FOR


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
