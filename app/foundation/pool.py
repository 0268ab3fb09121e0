"""Taking a database connection out of the pool without asking the server first (PERF-1).

A connection that the server has closed says so by itself: its socket has something to read. Looking costs nothing, and
a ping costs every request a round trip. One that rested for long is pinged, since a lost network says nothing.
"""

from __future__ import annotations

import select
import time
from typing import Any

import psycopg
from psycopg import _queries
from sqlalchemy.exc import DisconnectionError

_RESTED_SECONDS = 30
_PREPARED_MOST = 500
# psycopg takes a statement apart once and remembers how, but not for long ones, which it takes for an ORM's, new each
# time. Ours are put together once and are few.
_queries.MAX_CACHED_STATEMENT_LENGTH = 32_768
_queries.MAX_CACHED_STATEMENT_PARAMS = 200
_RETURNED = "returned_at"


def connected(connection: Any, _record: Any) -> None:
    """Let the server keep the plan of every statement that the product has, not of a hundred."""
    connection.prepared_max = _PREPARED_MOST


def check_out(connection: Any, record: Any, _proxy: Any) -> None:
    """Refuse a connection that is dead, so that the pool makes another.

    :raises DisconnectionError: the server has closed it, or does not answer
    """
    if connection.closed or _has_word(connection.fileno()):
        raise DisconnectionError("the server has closed this connection")
    if time.monotonic() - record.info.get(_RETURNED, time.monotonic()) > _RESTED_SECONDS:
        try:
            connection.execute("SELECT 1")
            connection.rollback()
        except psycopg.Error as error:
            raise DisconnectionError("the server does not answer") from error


def check_in(_connection: Any, record: Any) -> None:
    """Remember when the connection began to rest."""
    record.info[_RETURNED] = time.monotonic()


def _has_word(socket: int) -> bool:
    poll = select.poll()
    poll.register(socket, select.POLLIN)
    return bool(poll.poll(0))


EVENTS: list[tuple[Any, str]] = [(connected, "connect"), (check_out, "checkout"), (check_in, "checkin")]
