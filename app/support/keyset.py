"""Paging by key: the next page starts where the last one ended, so that every page costs the same (SL-4).

An order of several columns with mixed directions is no single range of an index. It is a few ranges, one per column:
the same in all columns before it, and beyond in this one. Each is read in index order and stopped after a page.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Label, Select, and_, select, tuple_, union_all

from app.domain.errors import Invalid

Value = str | int | datetime | UUID | None
_READERS: dict[str, Callable[[str], Value]] = {
    "s": str,
    "i": int,
    "t": lambda text: datetime.fromisoformat(text).astimezone(UTC),
    "u": UUID,
}
_LONGEST = 1_000


@dataclass(frozen=True, slots=True)
class Key:
    """One column of an order. ``kind``: ``s`` text, ``i`` number, ``t`` instant, ``u`` uuid.

    :param nulls_last: for a column that may be NULL: where those rows come; None for one that may not
    """

    column: Any  # a column, or an attribute of a mapped class
    kind: str
    descending: bool = False
    nulls_last: bool | None = None

    def reversed(self) -> Key:
        return replace(
            self,
            descending=not self.descending,
            nulls_last=None if self.nulls_last is None else not self.nulls_last,
        )

    def clause(self, column: ColumnElement[Any] | None = None) -> ColumnElement[Any]:
        """The ORDER BY element, of this column or of another that carries its value."""
        target = self.column if column is None else column
        ordered: ColumnElement[Any] = target.desc() if self.descending else target.asc()
        if self.nulls_last is None:
            return ordered
        return ordered.nulls_last() if self.nulls_last else ordered.nulls_first()

    def same(self, value: Any) -> ColumnElement[bool]:
        found: ColumnElement[bool] = self.column.is_(None) if value is None else self.column == value
        return found

    def beyond(self, value: Any) -> list[ColumnElement[bool]]:
        """The ranges that come after ``value``; none when nothing can."""
        if value is None:
            return [] if self.nulls_last else [self.column.is_not(None)]
        ranges = [self.column < value if self.descending else self.column > value]
        if self.nulls_last:
            ranges.append(self.column.is_(None))
        return ranges


def reverse(keys: Sequence[Key]) -> list[Key]:
    return [key.reversed() for key in keys]


def page_of_keys(
    base: Select[Any], keys: Sequence[Key], *, limit: Any, after: Sequence[Any] | None, offset: Any = None
) -> Select[Any]:
    """The keys of one page, as columns ``k0``, ``k1`` …, in order.

    :param base: FROM and WHERE only; its columns are replaced
    :param limit: how many; like ``offset`` and ``after`` values, or the parameters that stand for them
    :param after: the key of the row before this page; None starts at the beginning
    """
    columns: list[Label[Any]] = [key.column.label(f"k{index}") for index, key in enumerate(keys)]
    order = [key.clause() for key in keys]
    chosen = base.with_only_columns(*columns)
    if after is None:
        return chosen.order_by(*order).limit(limit).offset(offset)
    if len(after) != len(keys):
        raise _unreadable()
    pieces = [chosen.where(piece).order_by(*order).limit(limit) for piece in _ranges(keys, after)]
    if len(pieces) == 1:
        return pieces[0]
    together = union_all(*(select(piece.subquery()) for piece in pieces)).subquery("pages")
    ordered = [key.clause(together.c[f"k{index}"]) for index, key in enumerate(keys)]
    return select(together).order_by(*ordered).limit(limit)


def _ranges(keys: Sequence[Key], after: Sequence[Any]) -> list[ColumnElement[bool]]:
    if len({key.descending for key in keys}) == 1 and all(key.nulls_last is None for key in keys):
        mine = tuple_(*(key.column for key in keys))
        return [mine < tuple_(*after) if keys[0].descending else mine > tuple_(*after)]
    found = []
    for index in reversed(range(len(keys))):
        before = [key.same(value) for key, value in zip(keys[:index], after[:index], strict=True)]
        found += [and_(*before, piece) for piece in keys[index].beyond(after[index])]
    return found


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: beyond ``values``; ``position`` is the number of rows before the page, for the reader."""

    values: tuple[Value, ...]
    position: int

    def token(self) -> str:
        text = json.dumps([self.position, *(_written(value) for value in self.values)], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(token: str, keys: Sequence[Key]) -> Cursor:
    """The cursor that a page address carries.

    :raises Invalid: when it is none of ours, or belongs to another order
    """
    try:
        if len(token) > _LONGEST:
            raise _unreadable()
        position, *texts = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        values = tuple(
            None if text is None else _READERS[key.kind](text) for key, text in zip(keys, texts, strict=True)
        )
        if any(value is None and key.nulls_last is None for key, value in zip(keys, values, strict=True)):
            raise _unreadable()
        if any(isinstance(value, str) and "\0" in value for value in values):
            raise _unreadable()
        return Cursor(values, max(0, int(position)))
    except (ValueError, TypeError, AttributeError, OverflowError, binascii.Error) as error:
        raise _unreadable() from error


def _written(value: Value) -> str | int | None:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value) if isinstance(value, UUID) else value


def _unreadable() -> Invalid:
    message = "This page address is no longer right. Start again on the first page."
    return Invalid(message, fields={"page": message})
