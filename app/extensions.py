"""The extension objects, bare: ``app.factory`` connects them to an application."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog
from flask_login import LoginManager
from flask_mail import Mail
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from flask_wtf.csrf import CSRFProtect
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import BigInteger, DateTime, MetaData, Text, TypeDecorator, Uuid
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.orm import DeclarativeBase, registry

if TYPE_CHECKING:
    from app.foundation.reading import Reader

QUEUE_NAME = "default"
LIVE_CHANNEL = "desk:live"
_DELIVER = "app.tasks.jobs.deliver"
# Shorter than the claim on an outbox row (foundation.outbox.LEASE): a job that hangs ends before its row is taken over.
_JOB_TIMEOUT_SECONDS = 60
_QUIET_SECONDS = 10.0

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: stored as ``timestamptz``, aware in Python, and refused when naive (ID-7)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            message = f"{value!r} has no offset; every time is stored as an instant (ID-7)"
            raise ValueError(message)
        return value


class Base(DeclarativeBase):
    """The base of every table. Annotated ``datetime`` is an instant, ``UUID`` a uuid, ``int`` a bigint."""

    # The map goes in through the registry: Flask-SQLAlchemy refuses a base that has both attributes.
    registry = registry(
        metadata=MetaData(naming_convention=NAMING),
        type_annotation_map={datetime: UtcDateTime, UUID: Uuid, str: Text, int: BigInteger},
    )


# Objects stay readable after a commit; whoever changes one loads it anew under a lock (booking.access).
# ``create_savepoint`` lets a test wrap a whole request in a transaction of its own; without an outer one it changes
# nothing.
_SESSION_OPTIONS: dict[str, Any] = {"expire_on_commit": False, "join_transaction_mode": "create_savepoint"}


class DeskSession(Session):
    """A session that can do without the engine's pool while it only reads (``app.foundation.reading``).

    :ivar reader: whose connection its statements take, if any
    :ivar give_back: what is done with that one afterwards
    """

    reader: Reader | None = None
    give_back: Callable[[Reader], None]

    def get_bind(self, *args: Any, **options: Any) -> Engine | Connection:
        """The reader's, while there is one."""
        return super().get_bind(*args, **options) if self.reader is None else self.reader.connection

    def release_reader(self) -> None:
        """Let another have the reader; the next statement takes the engine's pool."""
        reader, self.reader = self.reader, None
        if reader is not None:
            self.give_back(reader)

    def close(self) -> None:
        """As always; and the reader is free."""
        try:
            # A page that was drawn out of rows alone leaves nothing behind.
            if self.in_transaction() or self.identity_map or self.new:
                super().close()
        finally:
            self.release_reader()


class DeskLogins(LoginManager):  # type: ignore[misc]  # Flask-Login publishes no types
    """Flask-Login that knows a browser by its cookie alone: one that updates itself stays signed in."""

    def _session_protection_failed(self) -> bool:
        # Its own makes a mark of the browser at each request, also where there is nothing to compare it with.
        return False


db = SQLAlchemy(model_class=Base, session_options={"class_": DeskSession, **_SESSION_OPTIONS}, disable_autonaming=True)
migrate = Migrate()
login = DeskLogins()
mail = Mail()
csrf = CSRFProtect()


class Doorbell:
    """Redis and the one RQ queue. Ringing may fail: the relay finds in the database what was not rung for (OPS-2)."""

    def __init__(self) -> None:
        self._redis: Redis | None = None
        self._is_silent = True
        self._quiet_until = 0.0

    def connect(self, url: str, *, is_silent: bool = False) -> None:
        """Point it at ``url``; silent, it never rings (tests run the outbox by hand)."""
        # A ringing web request must not hang on a dead Redis: two seconds, one try.
        self._redis = Redis.from_url(
            url, socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0), health_check_interval=30
        )
        self._url = url
        self._is_silent = is_silent

    def silence(self) -> None:
        """Ring no more in this process; the relay finds what is due."""
        self._is_silent = True

    @property
    def redis(self) -> Redis:
        """The connection for short commands.

        :raises RuntimeError: before ``connect``
        """
        if self._redis is None:
            message = "The queue is not connected yet"
            raise RuntimeError(message)
        return self._redis

    def blocking_redis(self) -> Redis:
        """A connection of its own for a worker, without a read time-out, because waiting for a job may take long."""
        return Redis.from_url(self._url, socket_connect_timeout=5, health_check_interval=30)

    def queue(self, connection: Redis | None = None) -> Queue:
        # JSON, never pickle: whoever reaches Redis must not be able to run code (B-19).
        return Queue(QUEUE_NAME, connection=connection or self.redis, serializer=JSONSerializer)

    def ring(self, row_ids: Iterable[UUID]) -> bool:
        """Ask the worker to deliver these outbox rows; False when Redis could not be reached."""
        if self._is_silent:
            return False
        jobs = [
            Queue.prepare_data(
                _DELIVER, args=(str(row_id),), timeout=_JOB_TIMEOUT_SECONDS, result_ttl=0, failure_ttl=3600
            )
            for row_id in row_ids
        ]
        if not jobs:
            return True
        try:
            self.queue().enqueue_many(jobs)
        except RedisError as error:
            structlog.get_logger(__name__).warning("doorbell_unreachable", error=str(error), rows=len(jobs))
            return False
        return True

    def call(self, word: str = "") -> None:
        """Tell every web process that something changed. Nobody waits for a Redis that is away: it is left alone."""
        if self._is_silent or time.monotonic() < self._quiet_until:
            return
        try:
            self.redis.publish(LIVE_CHANNEL, word)
        except RedisError:
            self._quiet_until = time.monotonic() + _QUIET_SECONDS


doorbell = Doorbell()

# The same class under two names: a type checker cannot see through Flask-SQLAlchemy's dynamic attribute.
if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model
