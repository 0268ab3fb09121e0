"""Rows of which the first one counts: written unless there is one with the same key already (OPS-3)."""

from __future__ import annotations

from functools import cache
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Table, bindparam
from sqlalchemy.dialects.postgresql import insert

from app.extensions import db


def insert_once(model: Any, *unique: str, **values: Any) -> UUID | None:
    """This function will write a row and give its id; None when there is one already with these values in ``unique``.

    What the session has still to write is written before, since the row may refer to it. Past the ORM's own insert,
    which takes twice as long (PERF-1): no object of the model is made.
    """
    db.session.flush()
    statement = _statement(model.__table__, unique, tuple(sorted(values)))
    written: UUID | None = db.session.execute(statement, {"id": uuid4(), **values}).scalar()
    return written


@cache
def _statement(table: Table, unique: tuple[str, ...], names: tuple[str, ...]) -> Any:
    columns = {name: bindparam(name, type_=table.c[name].type) for name in ("id", *names)}
    return insert(table).values(columns).on_conflict_do_nothing(index_elements=unique).returning(table.c.id)
