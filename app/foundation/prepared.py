"""Statements that are put together and compiled once, and sent with values from then on (PERF-1).

Building a large SELECT out of expressions takes longer than PostgreSQL takes to answer it. What differs from request to
request is in ``bindparam``s; what differs in shape is another statement.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, CursorResult, Executable

from app.extensions import db
from app.foundation.transaction import ALONE


class Prepared:
    """One SELECT of columns, not of entities: its rows are plain tuples by name."""

    def __init__(self, statement: Executable) -> None:
        # Kept as it is: SQLAlchemy remembers with the object how it compiled it.
        self._statement = statement

    def run(self, **values: Any) -> CursorResult[Any]:
        """Send it in the session's own transaction, behind what the session has still to write."""
        session = db.session()
        # Past the session's execute, which prepares for entities and takes as long as a small statement.
        connection: Connection | None = session.info.get(ALONE)
        if connection is None or connection.closed:
            session.flush()
            connection = session.connection()
        return connection.execute(self._statement, values)
