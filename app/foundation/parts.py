"""Rows of many tables in one statement: each table gives its rows the same shape (PERF-1).

What a case shows stands in some fifteen tables, with a few rows in each; asking each table by itself costs more than
all of the rows. Another table is another part of the one statement.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, Text, Uuid, cast, func, literal_column, null
from sqlalchemy import select as choose
from sqlalchemy.dialects.postgresql import JSONB

from app.extensions import UtcDateTime


class PartRow(NamedTuple):
    """One row of one part. ``facts`` are its own columns, in the order in which the part names them."""

    source: str
    at: Any
    actor_id: UUID | None
    role: str | None
    facts: list[Any]


def part(source: str, facts: list[Any], *, at: Any = None, actor: Any = None, role: Any = None) -> Select[Any]:
    """The columns of one part; the caller says where its rows come from.

    :param source: its name, a word of ours: it stands in the statement as it is
    """
    return choose(
        literal_column(f"'{source}'", Text()).label("source"),
        (cast(null(), UtcDateTime()) if at is None else at).label("at"),
        (cast(null(), Uuid()) if actor is None else actor).label("actor_id"),
        (cast(null(), Text()) if role is None else cast(role, Text())).label("role"),
        func.jsonb_build_array(*facts, type_=JSONB()).label("facts"),
    )
