"""Taking a database connection out of the pool without asking the server first (PERF-1).

A connection that the server has closed says so by itself: its socket has something to read. Looking costs nothing, and
a ping costs every request a round trip. One that rested for long is pinged, since a lost network says nothing.
"""

from __future__ import annotations

import contextlib
import json
import select
import time
from collections.abc import Iterator, Sequence
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


_read_json = json.JSONDecoder().raw_decode


def read_json(text: bytes | str) -> Any:
    """What PostgreSQL sends as JSON, without guessing at its encoding as ``json.loads`` does for bytes.

    :raises ValueError: it is none
    """
    text = (text.decode() if isinstance(text, bytes) else text).strip()
    value, end = _read_json(text)
    return value if end == len(text) else json.loads(text)


class _Columns(Sequence[Any]):
    """The columns of one result, described when somebody looks at them."""

    def __init__(self, cursor: psycopg.Cursor[Any]) -> None:
        self._cursor, self._result = cursor, cursor.pgresult
        self._columns: list[psycopg.Column] | None = None

    def __getitem__(self, index: Any) -> Any:
        return self._described()[index]

    def __iter__(self) -> Iterator[psycopg.Column]:
        return iter(self._described())

    def __len__(self) -> int:
        return self._result.nfields if self._result else 0

    def _described(self) -> list[psycopg.Column]:
        if self._columns is None:
            if self._cursor.pgresult is not self._result:
                raise psycopg.InterfaceError("the cursor has gone on to another result")
            self._columns = [psycopg.Column(self._cursor, index) for index in range(len(self))]
        return self._columns


class QuietCursor(psycopg.Cursor[Any]):
    """SQLAlchemy asks each result whether it has columns, and knows them after the first time: they are not described.

    Describing twenty columns takes as long as half of what else SQLAlchemy does for a result (PERF-1).
    """

    _under_way: tuple[Any, Any] | None = None

    def begin(self, query: str, values: dict[str, Any]) -> None:
        """Send a statement; ``finish`` waits for the answer. Nothing else can be sent over the connection between them.

        :raises psycopg.Error: it could not be sent
        """
        steps = self._execute_gen(query, values)  # what execute() waits through from the first step to the last
        with contextlib.suppress(StopIteration):
            self._under_way = (steps, next(steps))

    def finish(self) -> None:
        """Wait for the answer to what was begun.

        :raises psycopg.Error: as ``execute`` does
        """
        if self._under_way is not None:
            (steps, awaited), self._under_way = self._under_way, None
            self.connection.wait(_going_on(steps, awaited))

    @property
    def is_under_way(self) -> bool:
        """Whether an answer is still to come."""
        return self._under_way is not None

    @property
    def description(self) -> Any:
        """As psycopg has it: a sequence of columns, or None for a result without rows."""
        result = self.pgresult
        if result and (result.nfields or result.status == psycopg.pq.ExecStatus.TUPLES_OK):
            return _Columns(self)
        return None


def _going_on(steps: Any, awaited: Any) -> Any:
    try:
        while True:
            awaited = steps.send((yield awaited))
    except StopIteration:
        return


def connected(connection: Any, _record: Any) -> None:
    """Let the server keep the plan of every statement that the product has, not of a hundred."""
    connection.prepared_max = _PREPARED_MOST
    connection.cursor_factory = QuietCursor


def check_out(connection: Any, record: Any, _proxy: Any) -> None:
    """Refuse a connection that is dead, so that the pool makes another.

    :raises DisconnectionError: the server has closed it, or does not answer
    """
    now = time.monotonic()
    if not is_alive(connection, rested=now - record.info.get(_RETURNED, now)):
        raise DisconnectionError("the server has closed this connection, or does not answer")


def is_alive(connection: Any, *, rested: float) -> bool:
    """Whether a connection of the driver's that nobody used for ``rested`` seconds still has its server."""
    if connection.closed or _has_word(connection.fileno()):
        return False
    if rested > _RESTED_SECONDS:
        try:
            connection.execute("SELECT 1")
            connection.rollback()
        except psycopg.Error:
            return False
    return True


def check_in(_connection: Any, record: Any) -> None:
    """Remember when the connection began to rest."""
    record.info[_RETURNED] = time.monotonic()


def _has_word(socket: int) -> bool:
    poll = select.poll()
    poll.register(socket, select.POLLIN)
    return bool(poll.poll(0))


EVENTS: list[tuple[Any, str]] = [(connected, "connect"), (check_out, "checkout"), (check_in, "checkin")]
