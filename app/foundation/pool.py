"""Taking a database connection out of the pool without asking the server first (PERF-1).

A connection that the server has closed says so by itself: its socket has something to read. Looking costs nothing, and
a ping costs every request a round trip. One that rested for long is pinged, since a lost network says nothing.
"""

from __future__ import annotations

import select
import time
from typing import Any

import psycopg
from sqlalchemy.exc import DisconnectionError

_RESTED_SECONDS = 30
_RETURNED = "returned_at"


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


EVENTS: list[tuple[Any, str]] = [(check_out, "checkout"), (check_in, "checkin")]
