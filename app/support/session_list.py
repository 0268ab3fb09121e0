"""The sessions list of the console, built for a million rows (SL-1, SL-4).

Three statements at most: the count out of figures kept per day, or one that stops at 10,000; the ids of the page, with
the rows joined to them once they are chosen; the names of the people in the filter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    Row,
    Select,
    SelectBase,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal_column,
    or_,
    select,
    text,
    true,
    union,
)  # fmt: skip
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY
from sqlalchemy.orm import aliased
from sqlalchemy.types import Uuid

from app.domain.errors import Invalid
from app.extensions import UtcDateTime, db
from app.foundation.prepared import Prepared
from app.models import MentoringSession, User
from app.support.figures import counts_in_net
from app.support.keyset import Cursor, Key, page_of_keys, read_cursor, reverse
from app.support.person_search import people_of
from app.support.queues import session_condition
from app.support.session_counts import Count, count_from_figures
from app.support.session_filter import SessionFilter
from app.support.session_shape import Parameters, Shape, Terms, terms_of, values_of

S = MentoringSession
PAGE_SIZE = 50
COUNT_CAP = 10_000
DEEPEST_PAGE = 20_000
# A filter, or one whose values are parameters of a statement.
Chosen = SessionFilter | Parameters
_ONE, _CAP = literal_column("1", Integer()), literal_column(str(COUNT_CAP), Integer())
_NOW = bindparam("now", type_=UtcDateTime())
_Mentor = aliased(User)
_Mentee = aliased(User)
_WHEN = Key(S.scheduled_at, "t", descending=True, nulls_last=True)
_ID = Key(S.id, "u", descending=True)

# Each order is that of one index, forwards; the other direction reads the same index backwards.
_ORDERS: dict[str, tuple[Key, ...]] = {
    "id": (Key(S.id, "u"),),
    "title": (Key(S.title, "s"), _ID),
    "mentor": (Key(User.name, "s"), Key(User.id, "u"), _WHEN, _ID),
    "mentee": (Key(User.name, "s"), Key(User.id, "u"), _WHEN, _ID),
    "scheduled_at": (_WHEN, _ID),
    "duration": (Key(S.duration, "i"), _ID),
    "status": (Key(S.status, "s"), _WHEN, _ID),
    "rate": (Key(S.rate_minor, "i"), _ID),
    "refund": (Key(S.refund_status, "s"), _WHEN, _ID),
    "reschedules": (Key(S.reschedules_total, "i"), _ID),
    "created_at": (Key(S.created_at, "t", descending=True), _ID),
}
_COLUMNS: tuple[Any, ...] = (
    S.id, S.title, S.status, S.scheduled_at, S.duration, S.meeting_type, S.rate_minor, S.currency, S.payment_status,
    S.refund_status, S.refund_amount_minor, S.reschedule_count, S.mentor_reschedule_count, S.was_reassigned,
    S.pending_reschedule_request_id, S.created_at, S.mentor_id, S.mentee_id,
    _Mentor.name.label("mentor_name"), _Mentor.avatar.label("mentor_avatar"),
    _Mentee.name.label("mentee_name"), _Mentee.avatar.label("mentee_avatar"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SessionPage:
    """One page of rows, the cursors that lead on, and how many there are in all."""

    rows: Sequence[Row[Any]]
    position: int
    newer: str | None
    older: str | None
    count: Count


@dataclass(frozen=True, slots=True)
class _Place:
    """Which page is wanted, and the order in which to walk to it: backwards for the one before a cursor."""

    keys: list[Key]
    cursor: Cursor | None
    backwards: bool
    offset: int
    size: int

    def walk(self) -> _Walk:
        after = tuple(value is None for value in self.cursor.values) if self.cursor else None
        return _Walk(self.backwards, after, self.size + 1, has_offset=self.offset > 0)

    def values(self) -> dict[str, Any]:
        if self.cursor is None:
            return {"offset": self.offset} if self.offset else {}
        return {f"after_{index}": value for index, value in enumerate(self.cursor.values) if value is not None}


@dataclass(frozen=True, slots=True)
class _Walk:
    """The part of a place that makes another statement of it; ``after``: which values of the cursor are NULL.

    The size stands in the statement as it is: for one that it does not know PostgreSQL makes a new plan each time.
    """

    backwards: bool
    after: tuple[bool, ...] | None
    size: int
    has_offset: bool

    def order(self, keys: list[Key]) -> list[Key]:
        return reverse(keys) if self.backwards else keys

    def keys_in(self, base: Select[Any], keys: list[Key]) -> Select[Any]:
        size = literal_column(str(self.size), Integer())
        if self.after is None:
            offset = bindparam("offset", type_=Integer()) if self.has_offset else None
            return page_of_keys(base, self.order(keys), limit=size, after=None, offset=offset)
        after = [
            None if is_null else bindparam(f"after_{index}", type_=key.column.type)
            for index, (key, is_null) in enumerate(zip(keys, self.after, strict=True))
        ]
        return page_of_keys(base, self.order(keys), limit=size, after=after)


def keys_of(chosen: Chosen) -> list[Key]:
    """The full order of a list, ending in the id, so that no two rows are alike."""
    keys = list(_ORDERS[chosen.sort])
    return keys if chosen.descending == keys[0].descending else reverse(keys)


def list_sessions(
    chosen: SessionFilter, *, now: datetime, after: str = "", before: str = "", page: int = 1, size: int = PAGE_SIZE
) -> SessionPage:
    """One page and the count, in two statements whatever it shows.

    Few rows are gathered and sorted; many are met soon by walking the order's own index. Which of both it is, the
    planner cannot know, because the columns depend on one another; so what was counted decides.

    :param after: the cursor of the page before; or ``before``, that of the page behind; or a page number
    :raises Invalid: when the cursor is not ours or the page number out of bounds
    """
    if not 1 <= page <= DEEPEST_PAGE:
        message = f"Pages go from 1 to {DEEPEST_PAGE}. Narrow the list with a filter instead."
        raise Invalid(message, fields={"page": message})
    keys = keys_of(chosen)
    cursor = read_cursor(after or before, keys) if after or before else None
    place = _Place(keys, cursor, bool(before), 0 if cursor else (page - 1) * size, size)
    count = count_from_figures(chosen)
    if count is None:
        count, rows = _gather(chosen, place, now)
        if count.value <= COUNT_CAP:
            return _page(rows, place, count)
    elif count.value <= COUNT_CAP and not _is_one_range(chosen):
        statement = _sort_statement(Shape.of(chosen), place.walk())
        return _page(list(statement.run(**values_of(chosen, now), **place.values()).all()), place, count)
    return _page(_walk(chosen, place, now), place, count)


def _is_one_range(chosen: SessionFilter) -> bool:
    """Whether the order's own index holds the rows side by side."""
    kinds = set(chosen.arguments(with_order=False))
    if not kinds:
        return True
    if chosen.sort == "scheduled_at":
        return kinds <= {"from", "to"} or (kinds <= {"status", "from", "to"} and len(chosen.statuses) == 1)
    return kinds <= {"status"} and len(chosen.statuses) == 1 and chosen.sort == "created_at"


def _walk(chosen: SessionFilter, place: _Place, now: datetime) -> list[Row[Any]]:
    """The page out of the order's index, most of whose rows the filter lets through."""
    statement = _walk_statement(Shape.of(chosen), place.walk())
    return list(statement.run(**values_of(chosen, now), **place.values()).all())


@lru_cache(maxsize=512)
def _walk_statement(shape: Shape, walk: _Walk) -> Prepared:
    chosen = Parameters.of(shape)
    keys = keys_of(chosen)
    ids = walk.keys_in(sessions_of(chosen).where(*all_conditions(chosen, _NOW)), keys).subquery("page")
    return Prepared(_joined(ids, walk.order(keys)))


@lru_cache(maxsize=512)
def _sort_statement(shape: Shape, walk: _Walk) -> Prepared:
    """The page out of a set that is known to be small: gathered, then sorted."""
    chosen = Parameters.of(shape)
    keys = keys_of(chosen)
    columns = [key.column.label(f"g{index}") for index, key in enumerate(keys)]
    base = sessions_of(chosen).with_only_columns(*columns).where(*conditions(chosen, _NOW))
    found = base.cte("found").prefix_with("MATERIALIZED")
    own = [replace(key, column=found.c[f"g{index}"]) for index, key in enumerate(keys)]
    page = walk.keys_in(select(*found.c), own).subquery("page")
    return Prepared(_joined(page, walk.order(own)))


def _gather(chosen: SessionFilter, place: _Place, now: datetime) -> tuple[Count, list[Row[Any]]]:
    """The count, capped, and the page out of all rows of a set that is not too large."""
    statement = _gather_statement(Shape.of(chosen), place.walk())
    rows = statement.run(**values_of(chosen, now), **place.values()).all()
    return Count(rows[0].total, COUNT_CAP), [row for row in rows if row.id is not None]


@lru_cache(maxsize=512)
def _gather_statement(shape: Shape, walk: _Walk) -> Prepared:
    chosen = Parameters.of(shape)
    keys = keys_of(chosen)
    columns = [key.column.label(f"g{index}") for index, key in enumerate(keys)]
    base = sessions_of(chosen).with_only_columns(*columns).where(*conditions(chosen, _NOW))
    found, total = _found(base, chosen.search)
    own = [replace(key, column=found.c[f"g{index}"]) for index, key in enumerate(keys)]
    small = select(total.c.total).scalar_subquery() <= COUNT_CAP
    page = walk.keys_in(select(*found.c).where(small), own).subquery("page")
    shown = _joined(page, walk.order(own)).subquery("shown")
    ordered = [key.clause(shown.c[f"k{index}"]) for index, key in enumerate(walk.order(own))]
    return Prepared(
        select(total.c.total, shown).select_from(total).join(shown, true(), isouter=True).order_by(*ordered)
    )


def _found(base: Select[Any], search: Any) -> tuple[CTE, CTE]:
    """The rows of a set and their number; more than the cap allows are not gathered but counted only so far."""
    if not search:
        found = base.limit(COUNT_CAP + 1).cte("found")
        return found, select(func.count().label("total")).select_from(found).cte("counted")
    people = people_of(search).cte("people").prefix_with("MATERIALIZED")
    ids = _ids(select(people.c.id))
    parts = [base.where(piece) for piece in _search_pieces(search, lambda column: column == func.any(ids))]
    # A name that many have: its index alone says so, without the rows.
    beyond = [exists(part.with_only_columns(_ONE).offset(_CAP).limit(_ONE)) for part in parts]
    many = select(or_(*beyond).label("many")).cte("probed").prefix_with("MATERIALIZED")
    is_many = select(many.c.many).scalar_subquery()
    # UNION and not OR: each part has an index of its own, and a session found twice is counted once.
    found = union(*(part.where(~is_many).limit(COUNT_CAP + 1) for part in parts)).cte("found")
    counted = select(func.count()).select_from(found).scalar_subquery()
    return found, select(case((is_many, COUNT_CAP + 1), else_=counted).label("total")).cte("counted")


def sessions_of(chosen: Chosen) -> Select[Any]:
    """FROM, with the people where the order needs them."""
    base: Select[Any] = select(S.id)
    if chosen.sort in {"mentor", "mentee"}:
        person = S.mentor_id if chosen.sort == "mentor" else S.mentee_id
        base = base.select_from(User).join(S, person == User.id)
    return base


def _page(rows: list[Row[Any]], place: _Place, count: Count) -> SessionPage:
    more = len(rows) > place.size
    rows = rows[: place.size]
    before = place.cursor.position if place.cursor else place.offset
    if place.backwards:
        rows.reverse()
        before = max(0, before - len(rows))
    has_newer, has_older = (more, True) if place.backwards else (before > 0, more)

    def key(row: Row[Any]) -> tuple[Any, ...]:
        return tuple(getattr(row, f"k{index}") for index in range(len(place.keys)))

    return SessionPage(
        rows,
        before,
        newer=Cursor(key(rows[0]), before).token() if has_newer and rows else None,
        older=Cursor(key(rows[-1]), before + len(rows)).token() if has_older and rows else None,
        count=count,
    )


def _joined(page: Any, keys: Sequence[Key]) -> Select[Any]:
    """Everything that a row shows, joined after the ids are chosen."""
    names = [f"k{index}" for index in range(len(keys))]
    joined: Select[Any] = (
        select(*_COLUMNS, *(page.c[name] for name in names))
        .select_from(page)
        .join(S, S.id == page.c[names[-1]])
        .join(_Mentor, _Mentor.id == S.mentor_id)
        .join(_Mentee, _Mentee.id == S.mentee_id)
        .order_by(*(key.clause(page.c[name]) for key, name in zip(keys, names, strict=True)))
    )
    return joined


def conditions(chosen: Chosen, now: Any, *, walking: bool = False) -> list[ColumnElement[bool]]:
    """The filter, but for its search, as conditions on ``sessions`` alone, each of which an index can serve."""
    found: list[ColumnElement[bool]] = []
    for column, values in (
        (S.status, chosen.statuses),
        (S.meeting_type, chosen.meeting_types),
        (S.refund_status, chosen.refund_statuses),
        (S.cancelled_by, chosen.cancelled_by),
        (S.cancellation_category, chosen.reasons),
        (S.currency, chosen.currencies),
    ):
        if values:
            found.append(column == values[0] if len(values) == 1 else column.in_(values))
    if chosen.start is not None:
        found.append(S.scheduled_at >= chosen.start)
    if chosen.end is not None:
        found.append(S.scheduled_at < chosen.end)
    if chosen.mentor_id is not None:
        found.append(S.mentor_id == chosen.mentor_id)
    if chosen.mentee_id is not None:
        found.append(S.mentee_id == chosen.mentee_id)
    if chosen.reassigned is not None:
        found.append(S.was_reassigned.is_(chosen.reassigned))
    if chosen.pending_reschedule is not None:
        pending = S.pending_reschedule_request_id
        found.append(pending.is_not(None) if chosen.pending_reschedule else pending.is_(None))
    if chosen.in_net:
        found.append(counts_in_net(S))
    if chosen.queue:
        found.append(session_condition(chosen.queue, now))
    for person, name in ((S.mentor_id, chosen.mentor_name), (S.mentee_id, chosen.mentee_name)):
        if name:
            named = people_of(terms_of(name) if isinstance(name, str) else name)
            # Gathered, those so named come first, by the index of their sessions. Walking, this is asked of every row,
            # and IS TRUE keeps it a look-up by hash.
            found.append(person.in_(named).is_(True) if walking else person == func.any(_ids(named)))
    return found


def _ids(people: SelectBase) -> ColumnElement[Any]:
    return cast(func.array(people.scalar_subquery()), ARRAY(Uuid))


def all_conditions(chosen: Chosen, now: Any) -> list[ColumnElement[bool]]:
    """The whole filter, its search as one OR, for walking an order of which most rows fit."""
    found = conditions(chosen, now, walking=True)
    return [*found, or_(*_search_pieces(chosen.search))] if chosen.search else found


def _search_pieces(
    search: str | Terms, of_people: Callable[[Any], ColumnElement[bool]] | None = None
) -> list[ColumnElement[bool]]:
    """Words of the title, or of a party's name, the start of a party's e-mail, or the start of an id.

    :param of_people: how a column is one of the people found; each piece is a condition on one index of sessions
    """
    terms = terms_of(search) if isinstance(search, str) else search
    if of_people is None:
        people = people_of(terms).subquery()

        def of_people(column: Any) -> ColumnElement[bool]:
            # Looked up by hash: walking, this is asked of every row.
            found: ColumnElement[bool] = column.in_(select(people.c.id))
            return found

    found = [of_people(S.mentor_id), of_people(S.mentee_id)]
    if terms.title is not None:
        found.append(func.to_tsvector(text("'simple'"), S.title).op("@@")(cast(terms.title, TSQUERY)))
    if terms.ids is not None:
        found.append(and_(S.id >= terms.ids[0], S.id <= terms.ids[1]))
    return found


def count_list(chosen: SessionFilter, *, now: datetime) -> Count:
    """How many sessions a filter shows, in one statement; counting by rows stops at 10,000."""
    found = count_from_figures(chosen)
    if found is not None:
        return found
    return Count(_count_statement(Shape.of(chosen)).run(**values_of(chosen, now)).scalar_one(), COUNT_CAP)


@lru_cache(maxsize=512)
def _count_statement(shape: Shape) -> Prepared:
    chosen = Parameters.of(shape)
    base = sessions_of(chosen).with_only_columns(S.id).where(*conditions(chosen, _NOW))
    _, total = _found(base, chosen.search)
    return Prepared(select(total.c.total))


def names_of(ids: Sequence[UUID | None]) -> dict[UUID, str]:
    """The names of these people, for the chips; no statement when there is nobody."""
    wanted = [person for person in ids if person]
    if not wanted:
        return {}
    return {row.id: row.name for row in db.session.execute(select(User.id, User.name).where(User.id.in_(wanted)))}
