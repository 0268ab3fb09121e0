"""The sessions list of the console, built for a million rows (SL-1, SL-4).

Three statements at most: the count out of figures kept per day, or one that stops at 10,000; the ids of the page, with
the rows joined to them once they are chosen; the names of the people in the filter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, cast, func, or_, select, text, true, union
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY
from sqlalchemy.orm import aliased
from sqlalchemy.types import Uuid

from app.domain.errors import Invalid
from app.extensions import db
from app.models import MentoringSession, User
from app.support.figures import Figures, figures_between
from app.support.keyset import Cursor, Key, page_of_keys, read_cursor, reverse
from app.support.queues import session_condition
from app.support.session_filter import SessionFilter

S = MentoringSession
PAGE_SIZE = 50
COUNT_CAP = 10_000
DEEPEST_PAGE = 20_000
_WORDS = re.compile(r"\w+")
_ID_START = re.compile(r"[0-9a-f]{4,32}")
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
class Count:
    """How many there are; more than ``cap`` means that counting stopped there."""

    value: int
    cap: int | None = None


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

    @property
    def walked(self) -> list[Key]:
        return reverse(self.keys) if self.backwards else self.keys

    def keys_in(self, base: Select[Any]) -> Select[Any]:
        after = self.cursor.values if self.cursor else None
        return page_of_keys(base, self.walked, limit=self.size + 1, after=after, offset=self.offset)


def keys_of(chosen: SessionFilter) -> list[Key]:
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
    if count is None or (count.value <= COUNT_CAP and not _is_one_range(chosen)):
        gathered, rows = _gather(chosen, place, now)
        if gathered.cap is None or gathered.value <= COUNT_CAP:
            return _page(rows, place, count or gathered)
        count = count or gathered
    return _page(_walk(chosen, place, now), place, count)


def _is_one_range(chosen: SessionFilter) -> bool:
    """Whether the order's own index holds the rows side by side."""
    kinds = set(chosen.arguments(with_order=False))
    if chosen.sort == "scheduled_at":
        return kinds <= {"from", "to"} or (kinds <= {"status", "from", "to"} and len(chosen.statuses) == 1)
    return kinds <= {"status"} and len(chosen.statuses) == 1 and chosen.sort == "created_at"


def _walk(chosen: SessionFilter, place: _Place, now: datetime) -> list[Row[Any]]:
    """The page out of the order's index, most of whose rows the filter lets through."""
    ids = place.keys_in(sessions_of(chosen).where(*all_conditions(chosen, now))).subquery("page")
    return list(db.session.execute(_joined(ids, place)))


def _gather(chosen: SessionFilter, place: _Place, now: datetime) -> tuple[Count, list[Row[Any]]]:
    """The count, capped, and the page out of all rows of a set that is not too large."""
    columns = [key.column.label(f"g{index}") for index, key in enumerate(place.keys)]
    base = sessions_of(chosen).with_only_columns(*columns).where(*conditions(chosen, now))
    pieces = _search_pieces(chosen.search) if chosen.search else [true()]
    parts = [base.where(piece).limit(COUNT_CAP + 1) for piece in pieces]
    # UNION and not OR: each part has an index of its own, and a session found twice is counted once.
    found = (union(*(select(part.subquery()) for part in parts)) if len(parts) > 1 else parts[0]).cte("found")
    total = select(func.count().label("total")).select_from(found).cte("counted")
    own = [replace(key, column=found.c[f"g{index}"]) for index, key in enumerate(place.keys)]
    small = select(total.c.total).scalar_subquery() <= COUNT_CAP
    page = replace(place, keys=own).keys_in(select(*found.c).where(small)).subquery("page")
    shown = _joined(page, place).subquery("shown")
    ordered = [key.clause(shown.c[f"k{index}"]) for index, key in enumerate(place.walked)]
    rows = db.session.execute(
        select(total.c.total, shown).select_from(total).join(shown, true(), isouter=True).order_by(*ordered)
    ).all()
    return Count(rows[0].total, COUNT_CAP), [row for row in rows if row.id is not None]


def sessions_of(chosen: SessionFilter) -> Select[Any]:
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


def _joined(page: Any, place: _Place) -> Select[Any]:
    """Everything that a row shows, joined after the ids are chosen."""
    names = [f"k{index}" for index in range(len(place.keys))]
    joined: Select[Any] = (
        select(*_COLUMNS, *(page.c[name] for name in names))
        .select_from(page)
        .join(S, S.id == page.c[names[-1]])
        .join(_Mentor, _Mentor.id == S.mentor_id)
        .join(_Mentee, _Mentee.id == S.mentee_id)
        .order_by(*(key.clause(page.c[name]) for key, name in zip(place.walked, names, strict=True)))
    )
    return joined


def conditions(chosen: SessionFilter, now: datetime) -> list[ColumnElement[bool]]:
    """The filter, but for its search, as conditions on ``sessions`` alone, each of which an index can serve."""
    found: list[ColumnElement[bool]] = []
    for column, values in (
        (S.status, chosen.statuses),
        (S.meeting_type, chosen.meeting_types),
        (S.refund_status, chosen.refund_statuses),
        (S.cancelled_by, chosen.cancelled_by),
    ):
        if values:
            found.append(column == values[0] if len(values) == 1 else column.in_(values))
    if chosen.start:
        found.append(S.scheduled_at >= chosen.start)
    if chosen.end:
        found.append(S.scheduled_at < chosen.end)
    if chosen.mentor_id:
        found.append(S.mentor_id == chosen.mentor_id)
    if chosen.mentee_id:
        found.append(S.mentee_id == chosen.mentee_id)
    if chosen.reassigned is not None:
        found.append(S.was_reassigned.is_(chosen.reassigned))
    if chosen.pending_reschedule is not None:
        pending = S.pending_reschedule_request_id
        found.append(pending.is_not(None) if chosen.pending_reschedule else pending.is_(None))
    if chosen.queue:
        found.append(session_condition(chosen.queue, now))
    return found


def all_conditions(chosen: SessionFilter, now: datetime) -> list[ColumnElement[bool]]:
    """The whole filter, its search as one OR, for walking an order of which most rows fit."""
    found = conditions(chosen, now)
    return [*found, or_(*_search_pieces(chosen.search))] if chosen.search else found


def _search_pieces(search: str) -> list[ColumnElement[bool]]:
    """Words of the title, or of a party's name, the start of a party's e-mail, or the start of an id.

    The people come first, as one array, so that each piece is a condition on one index of sessions.
    """
    people = person_ids(search)
    found: list[ColumnElement[bool]] = [
        S.mentor_id == func.any(people),
        S.mentee_id == func.any(people),
    ]
    query = prefix_query(search)
    if query is not None:
        found.append(func.to_tsvector(text("'simple'"), S.title).op("@@")(query))
    ids = _id_range(search)
    if ids:
        found.append(and_(S.id >= ids[0], S.id <= ids[1]))
    return found


def person_ids(search: str) -> ColumnElement[Any]:
    """The ids of everybody whose name has these words or whose e-mail begins so, as one array."""
    return cast(func.array(select(User.id).where(person_matches(search)).scalar_subquery()), ARRAY(Uuid))


def person_matches(search: str) -> ColumnElement[bool]:
    """Words of the name, each of which may be cut short, or the start of the e-mail address."""
    address = search.lower().replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
    by_address = User.email.like(address)
    query = prefix_query(search)
    if query is None or "@" in search:
        return by_address
    return or_(func.to_tsvector(text("'simple'"), User.name).op("@@")(query), by_address)


def prefix_query(search: str) -> ColumnElement[Any] | None:
    """All words of a search, each as the start of a word; None when there is no word in it."""
    words = _WORDS.findall(search.lower())
    if not words:
        return None
    return cast(" & ".join(f"'{word}':*" for word in words), TSQUERY)


def _id_range(search: str) -> tuple[UUID, UUID] | None:
    start = search.lower().replace("-", "")
    if not _ID_START.fullmatch(start):
        return None
    return UUID(start.ljust(32, "0")), UUID(start.ljust(32, "f"))


def count_from_figures(chosen: SessionFilter) -> Count | None:
    """The exact count where figures are kept for such a filter, else None."""
    if set(chosen.arguments(with_order=False)) - {"status", "refund", "cancelled_by", "from", "to"}:
        return None
    wanted = Figures(chosen.statuses, chosen.refund_statuses, chosen.cancelled_by)
    return Count(db.session.scalars(figures_between(wanted, chosen.start, chosen.end)).one())


def names_of(ids: Sequence[UUID | None]) -> dict[UUID, str]:
    """The names of these people, for the chips; no statement when there is nobody."""
    wanted = [person for person in ids if person]
    if not wanted:
        return {}
    return {row.id: row.name for row in db.session.execute(select(User.id, User.name).where(User.id.in_(wanted)))}
