"""Doing a thing once although it is asked for twice (BK-9, API-2)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from app.domain.context import Context
from app.domain.errors import Busy, IdempotencyMismatch, Invalid, SignInRequired
from app.extensions import db
from app.foundation.audit import plain
from app.foundation.transaction import transaction
from app.models import IdempotencyKey

_LONGEST = 255


def once(
    key: str | None, *, scope: str, body: Mapping[str, Any], ctx: Context, run: Callable[[], Mapping[str, Any]]
) -> tuple[dict[str, Any], bool]:
    """This function will run ``run`` in one transaction with its key, or answer what it answered the first time.

    The second of two simultaneous calls waits on the key's row until the first commits, and then replays it.

    :param key: the caller's ``Idempotency-Key``; None runs without this protection
    :param scope: the action, so that one key cannot answer for another action
    :param run: performs the action and gives a JSON-able result
    :returns: the result, and whether it is a replay
    :raises IdempotencyMismatch: when the key was used with another body
    :raises Invalid: when the key is empty or too long
    """
    if key is None:
        with transaction():
            return plain(run()), False
    if not 0 < len(key) <= _LONGEST or not key.isprintable():
        message = f"An Idempotency-Key has 1 to {_LONGEST} printable characters."
        raise Invalid(message, fields={"Idempotency-Key": message})
    if ctx.actor.user_id is None:
        raise SignInRequired("Sign in first.")
    digest = hashlib.sha256(json.dumps(plain(body), sort_keys=True).encode()).hexdigest()
    identity = {"user_id": ctx.actor.user_id, "key": key, "scope": scope}
    with transaction():
        is_first = db.session.execute(
            insert(IdempotencyKey)
            .values(**identity, request_hash=digest, created_at=ctx.now)
            .on_conflict_do_nothing()
            .returning(IdempotencyKey.key)
        ).scalar()
        if not is_first:
            return _replay(identity, digest), True
        result: dict[str, Any] = plain(run())
        db.session.execute(update(IdempotencyKey).filter_by(**identity).values(result=result))
        return result, False


def keep_answer(key: str, *, scope: str, result: Mapping[str, Any], ctx: Context) -> None:
    """This function will replace what ``once`` kept, when the answer is complete only after its transaction.

    A payment page is asked for between two transactions; whoever is cut off there finds what ``run`` gave, and goes on
    from it.
    """
    with transaction():
        db.session.execute(
            update(IdempotencyKey)
            .filter_by(user_id=ctx.actor.user_id, key=key, scope=scope)
            .values(result=plain(result))
        )


def _replay(identity: Mapping[str, Any], digest: str) -> dict[str, Any]:
    stored = db.session.scalars(select(IdempotencyKey).filter_by(**identity)).one()
    if stored.request_hash != digest:
        raise IdempotencyMismatch("This Idempotency-Key was used with another request. Use a new key.")
    if stored.result is None:
        raise Busy("The first request with this key is still under way. Try again in a moment.")
    return stored.result
