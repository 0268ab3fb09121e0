"""``/healthz``: this process lives. ``/readyz``: the product works, or which part of it does not (OPS-5).

Both are plain, open to everybody, name no secret, and are never cached.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

import structlog
from alembic.script import ScriptDirectory
from flask import Blueprint, current_app, jsonify
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.domain.errors import DomainError
from app.extensions import db, doorbell
from app.foundation import heartbeats
from app.foundation.transaction import transaction
from app.http import clock

if TYPE_CHECKING:
    from flask import Flask, Response

health = Blueprint("health", __name__)
_log = structlog.get_logger(__name__)

# The relay looks every two seconds and waits at most fifteen when something is away; the clock looks each minute.
_SEEN_WITHIN = {heartbeats.RELAY: timedelta(seconds=45), heartbeats.CLOCK: timedelta(seconds=150)}


@health.get("/healthz")
def healthz() -> Response:
    """This process answers."""
    return _never_cached(jsonify(status="ok"))


@health.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Each part with ``ok`` or what is wrong with it; 503 when any is."""
    parts = {"database": _database(), "redis": _redis()}
    if parts["database"] == "ok":
        parts |= {"migrations": _migrations(), **_processes()}
    is_ready = all(state == "ok" for state in parts.values())
    if not is_ready:
        _log.warning("not_ready", **parts)
    return _never_cached(jsonify(status="ok" if is_ready else "not ready", parts=parts)), 200 if is_ready else 503


def _asked(question: Callable[[], str]) -> str:
    try:
        with transaction():
            return question()
    except (DBAPIError, DomainError) as error:
        _log.warning("health_question_failed", error=str(error).splitlines()[0])
        return "does not answer"


def _database() -> str:
    return _asked(lambda: "ok" if db.session.scalar(text("SELECT 1")) == 1 else "does not answer")


def _redis() -> str:
    try:
        doorbell.redis.ping()
    except RedisError:
        return "does not answer"
    return "ok"


def _migrations() -> str:
    def question() -> str:
        applied = set(db.session.scalars(text("SELECT version_num FROM alembic_version")))
        return "ok" if applied == set(_heads(current_app.extensions["migrate"].directory)) else "not at head"

    return _asked(question)


@lru_cache(maxsize=1)
def _heads(directory: str) -> tuple[str, ...]:
    return tuple(ScriptDirectory(directory).get_heads())


def _processes() -> Mapping[str, str]:
    seen: dict[str, datetime] = {}

    def question() -> str:
        seen.update(heartbeats.seen())
        return "ok"

    answer = _asked(question)
    if answer != "ok":
        return dict.fromkeys(_SEEN_WITHIN, answer)
    now = clock.now()
    return {name: _how_long_ago(seen.get(name), now, limit) for name, limit in _SEEN_WITHIN.items()}


def _how_long_ago(seen: datetime | None, now: datetime, limit: timedelta) -> str:
    if seen is None:
        return "never seen"
    return "ok" if now - seen <= limit else f"last seen {round((now - seen).total_seconds())} seconds ago"


def _never_cached(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def init_app(app: Flask) -> None:
    """Register both addresses."""
    app.register_blueprint(health)
