"""The secret address of a person's calendar feed: shown once, hashed at rest, replaced at will (DB-6)."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from app.domain.context import Context
from app.domain.errors import NotFound
from app.domain.permissions import Permission, require
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import User
from app.people.accounts import load_user_for_change
from app.people.credentials import new_secret, secret_hash


def new_calendar_secret(user_id: UUID, *, ctx: Context) -> str:
    """This function will give a person's calendar a new address; the one before leads nowhere from now on.

    :raises NotFound: on behalf of somebody else
    """
    secret = new_secret()
    _set(user_id, secret_hash(secret), ctx)
    return secret


def end_calendar_secret(user_id: UUID, *, ctx: Context) -> None:
    """This function will end the feed.

    :raises NotFound: on behalf of somebody else
    """
    _set(user_id, None, ctx)


def has_calendar(user_id: UUID) -> bool:
    """Whether a feed of this person's sessions can be read by somebody who has its address."""
    return db.session.scalar(select(User.calendar_token_hash).where(User.id == user_id)) is not None


def owner_of_calendar(secret: str) -> User | None:
    """Whose feed this is; None when it was replaced, ended, never was, or its owner may not sign in."""
    found = db.session.scalars(
        select(User).where(User.calendar_token_hash == secret_hash(secret)).execution_options(populate_existing=True)
    ).one_or_none()
    return found if found is not None and found.can_sign_in else None


def _set(user_id: UUID, hashed: str | None, ctx: Context) -> None:
    require(ctx.actor, Permission.OWN_SESSION_VIEW)
    if ctx.actor.role is not None and ctx.actor.user_id != user_id:
        raise NotFound
    with transaction():
        load_user_for_change(user_id).calendar_token_hash = hashed
