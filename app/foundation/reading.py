"""The connections of requests that only read: each statement stands by itself, and nothing is set or undone (PERF-1).

SQLAlchemy's own way to a connection and back (a transaction of the session's, one of the connection's, the pool, the
isolation level there and back) takes a tenth of a page's time. These are taken from the engine once and then lie ready.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, event

from app.foundation.pool import is_alive

# Requests at once rarely need more; what is beyond goes back to the engine.
_MOST = 10
_ROWS_KEPT = 1000


@dataclass(slots=True, weakref_slot=True)
class Reader:
    """A connection in autocommit.

    :param raw: the driver's
    :param cursor: for one statement after the other, each read to its end: it remembers how values are converted
    :param since: when it was last given back, by the monotonic clock
    :param wait_for: takes the answer that is under way over this connection, if one is
    """

    connection: Connection
    raw: psycopg.Connection[Any]
    cursor: Any
    since: float = 0.0
    wait_for: Callable[[], object] | None = None

    def __post_init__(self) -> None:
        # Whatever is asked next, by whom ever, waits for what is under way.
        event.listen(self.connection, "before_cursor_execute", self._wait_first)

    def _wait_first(self, *_: Any) -> None:
        if self.wait_for is not None:
            self.wait_for()

    def free_cursor(self) -> Any:
        """The cursor; another one after an error, which ends it or even the connection."""
        if self.cursor.closed or self.raw.closed:
            return self.connection.connection.cursor()
        return self.cursor

    def close(self) -> None:
        """Really: it does not go into a pool, which may be one that is gone."""
        self.connection.invalidate()
        self.connection.close()

    @property
    def is_good(self) -> bool:
        """Whether another request may have it."""
        connection = self.connection
        return (
            not connection.closed
            and not self.cursor.closed
            and not self.cursor.is_under_way
            and not connection.invalidated
            and not connection.in_transaction()
            and connection.connection.driver_connection is self.raw
            and not self.raw.closed
            and self.raw.pgconn.transaction_status == TransactionStatus.IDLE
        )


class _Readers:
    """Those of one engine."""

    def __init__(self, engine: Engine) -> None:
        # The last one given back is taken first. Appending and popping are atomic: threads need no lock.
        self._ready: list[Reader] = []
        event.listen(engine, "engine_disposed", lambda _: self._close_all())

    def take(self, engine: Engine) -> Reader:
        while self._ready:
            try:
                reader = self._ready.pop()
            except IndexError:  # another thread was quicker
                break
            if is_alive(reader.raw, rested=time.monotonic() - reader.since):
                return reader
            reader.close()
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        raw: Any = connection.connection.driver_connection
        return Reader(connection, raw, raw.cursor())

    def give_back(self, reader: Reader) -> None:
        reader.wait_for = None
        if reader.is_good and len(self._ready) < _MOST:
            reader.since = time.monotonic()
            if reader.cursor.rowcount > _ROWS_KEPT:
                reader.cursor = reader.raw.cursor()  # it holds its last answer
            self._ready.append(reader)
        elif reader.cursor.is_under_way:
            reader.close()
        else:
            reader.connection.close()

    def _close_all(self) -> None:
        while self._ready:
            self._ready.pop().close()


_OF: WeakKeyDictionary[Engine, _Readers] = WeakKeyDictionary()


def take_reader(engine: Engine) -> Reader:
    """One that was alive a moment ago."""
    if engine not in _OF:
        _OF[engine] = _Readers(engine)
    return _OF[engine].take(engine)


def give_back_reader(reader: Reader) -> None:
    """Let the next request have it, where it is still good."""
    _OF[reader.connection.engine].give_back(reader)
