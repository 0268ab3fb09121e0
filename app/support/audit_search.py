"""Searching the audit trails: the newest rows that any of several indexes finds, quick at millions of rows (AUD-1).

One OR over actions, people and words leaves PostgreSQL two bad plans: to take every row that any of them finds, or to
walk the whole trail backwards for a word that nobody ever wrote. Here each way of finding is asked by itself, for no
more rows than are counted anyway; only a way that finds more than that is read in the order of the list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, CTE, ColumnElement, Select, Subquery, Uuid, any_, cast, func, literal, select, text, union
from sqlalchemy import union_all as together
from sqlalchemy.dialects.postgresql import TSQUERY

from app.extensions import db
from app.support.person_search import people_of
from app.support.session_shape import Terms, terms_of

# Of a frequent word: among so many of the newest rows it is looked for before all rows with it are gathered.
_RECENT: Final = 20_000
# More people than that are not asked for one by one.
_NAMED: Final = 12


# Columns that are never NULL, each with whether it is descending; the last is the id.
Order = Sequence[tuple[Any, bool]]
# Of the table, or of an alias of it.
Condition = Callable[[Any], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Way:
    """One way of finding rows.

    :param of: the condition on the table, as its index answers it
    :param column: the one that it looks at
    :param row_by_row: the same as it is asked of one row after the other; None where that is never done, since the
        index of the column has the rows in the order of the list
    """

    of: Condition
    column: str
    row_by_row: Condition | None = None


def ways_to(
    searched: str,
    *,
    ids: Sequence[Any],
    exact: Sequence[Any],
    actor: Any,
    words: Any,
    is_by_few: bool,
) -> list[Way]:
    """In which ways a text may find a row: an id, a whole text, somebody's name or e-mail, words.

    :param ids: columns of ids; ``exact``: of texts; ``actor``: of who did it
    :param words: the column whose words have an index
    :param is_by_few: whether all rows are by some hundred people at most, as the staff are
    """
    found = [_is(column.key, searched) for column in exact]
    try:
        wanted = UUID(searched)
    except ValueError:
        terms = terms_of(searched)
        found += _by(actor, terms, is_by_few=is_by_few)
        if terms.title is not None:
            having = _has_words(words.key, terms.title)
            found.append(Way(having, words.key, having))
        return found
    return found + [_is(column.key, wanted) for column in (*ids, actor)]


def _is(name: str, value: Any) -> Way:
    # A range of one value, ordered by it: whether the value is frequent or rare, only its index can answer that.
    return Way(lambda table: getattr(table, name).between(value, value), column=name)


def _has_words(name: str, words: str) -> Condition:
    # As a subquery: of a word that is rare PostgreSQL believes that it is as frequent as the others.
    query = select(cast(words, TSQUERY)).scalar_subquery()
    return lambda table: func.to_tsvector(text("'simple'"), getattr(table, name)).op("@@")(query)


def _by(actor: Any, terms: Terms, *, is_by_few: bool) -> list[Way]:
    matching = people_of(terms).subquery()
    people = select(matching.c.id).distinct()
    if is_by_few:
        people = people.where(matching.c.id.in_(select(_everybody(actor).c.id)))
    named = db.session.scalars(people.limit(_NAMED + 1)).all()
    if len(named) <= _NAMED:
        return [_is(actor.key, person) for person in named]
    array = cast(func.array(people.scalar_subquery()), ARRAY(Uuid))
    # IS TRUE keeps it a look-up by hash.
    return [
        Way(
            lambda table: getattr(table, actor.key) == any_(array),
            actor.key,
            lambda table: getattr(table, actor.key).in_(people).is_(True),
        )
    ]


def _everybody(actor: Any) -> CTE:
    """All who did something, from one to the next by the index."""
    first = select(actor.label("id")).where(actor.is_not(None)).order_by(actor).limit(1)
    known = first.cte("everybody", recursive=True)
    following = select(actor).where(actor > known.c.id).order_by(actor).limit(1).scalar_subquery()
    return known.union_all(select(following).where(known.c.id.is_not(None)))


def ids_found(base: Select[Any], model: Any, ways: Sequence[Way]) -> Select[Any]:
    """The ids of all rows that are found in any of the ways, each once."""
    chosen = base.with_only_columns(model.id)
    return select(union(*(chosen.where(way.of(model)) for way in ways)).subquery("found"))


def page_found(
    base: Select[Any], model: Any, ways: Sequence[Way], order: Order, *, size: int, offset: int, cap: int
) -> tuple[Subquery, Select[tuple[int]]]:
    """One page of ids out of all that is found, and how many there are, counted up to ``cap`` and one.

    :param base: FROM and the conditions of the filters; its columns are replaced
    """
    names = [column.key for column, _ in order]
    columns = [getattr(model, name) for name in names]
    chosen = base.with_only_columns(*columns)
    newest = offset + size
    most = max(cap + 1, newest)
    few = [
        _first(chosen.where(way.of(model)), model, way, order, most).cte(f"few_{index}").prefix_with("MATERIALIZED")
        for index, way in enumerate(ways)
    ]
    counted = union(*(select(each.c.id) for each in few)).subquery("counted")
    total = select(func.least(func.count(), cap + 1)).select_from(counted)
    pieces = []
    for index, (way, mine) in enumerate(zip(ways, few, strict=True)):
        if way.row_by_row is None:
            pieces.append(select(mine).order_by(*_ordered(mine.c, order)).limit(newest))
            continue
        number = select(func.count()).select_from(mine).scalar_subquery()
        pieces.append(select(mine).where(number <= cap).order_by(*_ordered(mine.c, order)).limit(newest))
        # The newest rows are likely to do; a word of long ago is gathered.
        seen = base.with_only_columns(*columns, getattr(model, way.column))
        row = seen.order_by(*_ordered(model, order)).limit(_RECENT).subquery().c
        recent = (
            select(*(getattr(row, name) for name in names))
            .where(way.row_by_row(row))
            .order_by(*_ordered(row, order))
            .limit(newest)
            .cte(f"recent_{index}")
            .prefix_with("MATERIALIZED")
        )
        is_short = select(func.count()).select_from(recent).scalar_subquery() < newest
        # OFFSET keeps the order out, by which PostgreSQL would walk the trail.
        every = chosen.where(way.of(model)).offset(literal(0)).subquery()
        pieces += [
            select(recent).where(number > cap, ~is_short),
            select(every).where(number > cap, is_short).order_by(*_ordered(every.c, order)).limit(newest),
        ]
    pool = together(*(select(piece.subquery()) for piece in pieces)).subquery("pool")
    page = select(pool).distinct().order_by(*_ordered(pool.c, order)).limit(size).offset(offset)
    return page.subquery("page"), total


def _ordered(table: Any, order: Order) -> list[ColumnElement[Any]]:
    columns = [(getattr(table, column.key), down) for column, down in order]
    return [column.desc() if down else column.asc() for column, down in columns]


def _first(found: Select[Any], model: Any, way: Way, order: Order, most: int) -> Select[Any]:
    """The newest rows that a way finds, or any where no index has them in order; all of them when they are few."""
    if way.row_by_row is None:
        leading = (getattr(model, way.column), not order[0][1])
        found = found.order_by(*_ordered(model, [leading, *order]))
    return found.limit(most)
