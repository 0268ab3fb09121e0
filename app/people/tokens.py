"""Personal bearer tokens for the API: shown once, hashed at rest, scoped, revocable."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, update

from app.domain.context import Context
from app.domain.errors import Invalid, NotFound
from app.domain.permissions import Permission, require
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import ApiToken, User
from app.people.credentials import new_secret, secret_hash

PREFIX = "desk_"
LONGEST_NAME = 80
MOST_TOKENS = 20
_USED_EVERY = timedelta(minutes=3)


class Scope(StrEnum):
    """What a token is good for. A token without scopes may all that its owner may."""

    READ = "read"
    WRITE = "write"


def issue_token(
    user_id: UUID,
    *,
    name: str,
    ctx: Context,
    scopes: Collection[Scope] = (),
    expires_at: datetime | None = None,
) -> tuple[ApiToken, str]:
    """This function will make a bearer token for a user and give its row and its secret, which is shown only now.

    :param scopes: empty lets it do all that its owner may
    :param expires_at: None lets it live until it is revoked
    :raises Forbidden: when the actor is neither its owner nor the command line
    :raises Invalid: when the name is empty or too long, the end has passed, or the owner has too many already
    """
    require(ctx.actor, Permission.OWN_TOKEN_MANAGE)
    _require_own(user_id, ctx)
    name = name.strip()
    if not 0 < len(name) <= LONGEST_NAME:
        raise _bad("name", f"Give it a name of up to {LONGEST_NAME} characters, such as the program that will use it.")
    if expires_at is not None and expires_at <= ctx.now:
        raise _bad("expires_at", "Choose an end in the future.")
    secret = new_secret(PREFIX)
    with transaction():
        # Locks the owner, so that two requests cannot both take the last free place.
        db.session.execute(select(User.id).where(User.id == user_id).with_for_update(key_share=True))
        if len(live_tokens(user_id, now=ctx.now)) >= MOST_TOKENS:
            raise _bad("name", f"You have {MOST_TOKENS} tokens already. Revoke one that is no longer used.")
        token = ApiToken(
            user_id=user_id,
            name=name,
            token_hash=secret_hash(secret),
            scopes=sorted(Scope(scope).value for scope in scopes),
            created_at=ctx.now,
            expires_at=expires_at,
        )
        db.session.add(token)
    return token, secret


def authenticate_token(secret: str, *, now: datetime) -> tuple[ApiToken, User] | None:
    """The live token and its owner; None when it is unknown, revoked, past its end, or the owner may not sign in."""
    if not secret.startswith(PREFIX):
        return None
    found = db.session.execute(
        select(ApiToken, User)
        .join(User, User.id == ApiToken.user_id)
        .where(ApiToken.token_hash == secret_hash(secret), *_live(now))
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None or not found[1].can_sign_in:
        return None
    token, user = found
    if token.last_used_at is None or now - token.last_used_at >= _USED_EVERY:
        with transaction():
            db.session.execute(update(ApiToken).where(ApiToken.id == token.id).values(last_used_at=now))
    return token, user


def still_live(token_ids: Collection[UUID], *, now: datetime) -> set[UUID]:
    """Which of these tokens still work."""
    rows = db.session.execute(
        select(ApiToken.id, User)
        .join(User, User.id == ApiToken.user_id)
        .where(ApiToken.id.in_(list(token_ids)), *_live(now))
        .execution_options(populate_existing=True)
    )
    return {token_id for token_id, user in rows if user.can_sign_in}


def revoke_token(token_id: UUID, *, user_id: UUID, ctx: Context) -> None:
    """This function will end a token at once.

    :raises NotFound: when the user has no such live token
    """
    _require_own(user_id, ctx)
    with transaction():
        ended = db.session.execute(
            update(ApiToken)
            .where(ApiToken.id == token_id, ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None))
            .values(revoked_at=ctx.now)
            .returning(ApiToken.id)
        ).scalar()
        if ended is None:
            raise NotFound


def revoke_tokens_of(user_id: UUID, *, ctx: Context) -> int:
    """This function will end all tokens of a user, and give how many that were."""
    with transaction():
        ended = db.session.execute(
            update(ApiToken)
            .where(ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None))
            .values(revoked_at=ctx.now)
            .returning(ApiToken.id)
        )
        return len(ended.all())


def live_tokens(user_id: UUID, *, now: datetime) -> Sequence[ApiToken]:
    """A user's tokens that work, newest first."""
    return db.session.scalars(
        select(ApiToken)
        .where(ApiToken.user_id == user_id, *_live(now))
        .order_by(ApiToken.created_at.desc(), ApiToken.id)
        .execution_options(populate_existing=True)
    ).all()


def scope_allows(scopes: Collection[str], scope: Scope) -> bool:
    """Whether a token with these scopes is good for ``scope``."""
    return not scopes or scope.value in scopes


def _live(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return ApiToken.revoked_at.is_(None), or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > now)


def _require_own(user_id: UUID, ctx: Context) -> None:
    if ctx.actor.role is not None and ctx.actor.user_id != user_id:
        raise NotFound


def _bad(field: str, message: str) -> Invalid:
    return Invalid(message, fields={field: message})
