"""The queue of disputes, in one statement a page: late ones first, then by what is due next (DSP-2, KPI-3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, literal, select
from sqlalchemy.orm import aliased

from app.domain.context import Context
from app.domain.disputes import OPEN_DISPUTES
from app.domain.errors import Invalid
from app.domain.permissions import Permission, require
from app.extensions import db
from app.models import MentoringSession, SessionDispute, User
from app.support.disputes.dispute_filter import DisputeFilter, Tab
from app.support.keyset import Cursor, Key, page_of_keys, read_cursor, reverse

D = SessionDispute
S = MentoringSession
PAGE_SIZE = 50
COUNT_CAP = 999
_Reporter = aliased(User)
_Assignee = aliased(User)
_Mentor = aliased(User)
_Mentee = aliased(User)

NEXT_DUE: ColumnElement[Any] = case(
    (D.first_responded_at.is_(None), D.first_response_due_at), else_=D.resolution_due_at
)
# Late ones first, those that wait for the reporter last; both are few among few, so that no index is asked.
_RANK: ColumnElement[Any] = case(
    (and_(D.waiting_since.is_not(None), D.breached_at.is_(None)), literal(2)), (D.breached_at.is_not(None), literal(0)),
    else_=literal(1),
)  # fmt: skip
_ID = Key(D.id, "u")
_OPEN_ORDER = (Key(_RANK, "i"), Key(NEXT_DUE, "t"), _ID)
_CLOSED_ORDER = (Key(D.resolved_at, "t", descending=True), Key(D.id, "u", descending=True))
_COLUMNS: tuple[Any, ...] = (
    D.id, D.session_id, D.category, D.reason, D.status, D.priority, D.created_at, D.updated_at, D.resolved_at,
    D.first_response_due_at, D.first_responded_at, D.resolution_due_at, D.waiting_since, D.waited_seconds, D.warned_at,
    D.breached_at, D.awaiting_refund_id, D.resolution_action, D.assigned_to, D.reported_by, D.reporter_role,
    S.title, S.scheduled_at, S.mentor_id, S.mentee_id,
    _Reporter.name.label("reporter_name"), _Assignee.name.label("assignee_name"),
    _Mentor.name.label("mentor_name"), _Mentee.name.label("mentee_name"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DisputePage:
    """One page of rows, the cursors that lead on, how many there are (counted up to one more than ``COUNT_CAP``)."""

    rows: Sequence[Row[Any]]
    position: int
    newer: str | None
    older: str | None
    total: int


def list_disputes(
    chosen: DisputeFilter, *, ctx: Context, after: str = "", before: str = "", page: int = 1, size: int = PAGE_SIZE
) -> DisputePage:
    """One page of the queue, as ``ctx.actor`` may see it.

    :param after: the cursor of the page before; or ``before``, that of the page behind; or a page number
    :raises Forbidden: the role may not see disputes
    :raises Invalid: the cursor is not ours, or the page lies beyond what is counted
    """
    require(ctx.actor, Permission.DISPUTE_VIEW)
    if not 1 <= page <= 1_000:
        message = "Pages go from 1 to 1,000. Narrow the list with a filter instead."
        raise Invalid(message, fields={"page": message})
    keys = list(_CLOSED_ORDER if chosen.tab is Tab.RESOLVED else _OPEN_ORDER)
    cursor = read_cursor(after or before, keys) if after or before else None
    walked = reverse(keys) if before else keys
    base = select(D.id).where(*_conditions(chosen, ctx))
    offset = 0 if cursor else (page - 1) * size
    found = page_of_keys(base, walked, limit=size + 1, after=cursor.values if cursor else None, offset=offset).subquery(
        "page"
    )
    rows = list(db.session.execute(_joined(found, walked, base)).all())
    total = rows[0].total if rows else (_count(base) if cursor or offset else 0)
    return _page(rows, keys, cursor, offset, size, total, backwards=bool(before))


def neighbors(dispute_id: UUID, chosen: DisputeFilter, *, ctx: Context) -> tuple[UUID | None, UUID | None]:
    """The disputes before and behind this one in a list, by where it would stand there (SD-2).

    One that was just resolved stands in the open list no more, and still has a next one.

    :raises Forbidden: the role may not see disputes
    """
    require(ctx.actor, Permission.DISPUTE_VIEW)
    keys = list(_CLOSED_ORDER if chosen.tab is Tab.RESOLVED else _OPEN_ORDER)
    here = db.session.execute(select(*(key.column for key in keys)).where(D.id == dispute_id)).one_or_none()
    if here is None or None in here:
        return None, None
    base, last = select(D.id).where(*_conditions(chosen, ctx)), f"k{len(keys) - 1}"
    sides = [
        page_of_keys(base, walked, limit=1, after=tuple(here)).subquery(name)
        for name, walked in (("before", reverse(keys)), ("behind", keys))
    ]
    found = db.session.execute(select(*(select(side.c[last]).scalar_subquery() for side in sides))).one()
    return found[0], found[1]


def _conditions(chosen: DisputeFilter, ctx: Context) -> list[ColumnElement[bool]]:
    is_open = D.status.in_(OPEN_DISPUTES)
    found: list[ColumnElement[bool]] = []
    match chosen.tab:
        case Tab.OPEN:
            found.append(is_open)
        case Tab.MINE:
            found += [is_open, D.assigned_to == ctx.actor.user_id]
        case Tab.UNASSIGNED:
            found += [is_open, D.assigned_to.is_(None)]
        case Tab.WAITING:
            found += [is_open, D.waiting_since.is_not(None)]
        case Tab.RESOLVED:
            found += [D.status.not_in(OPEN_DISPUTES), D.resolved_at.is_not(None)]
    if chosen.priorities:
        found.append(D.priority.in_(chosen.priorities))
    if chosen.categories:
        found.append(D.category.in_(chosen.categories))
    if chosen.assignee_id:
        found.append(D.assigned_to == chosen.assignee_id)
    return found


def _counted(base: Select[Any]) -> Any:
    return select(func.count()).select_from(base.limit(COUNT_CAP + 1).subquery())


def _count(base: Select[Any]) -> int:
    return db.session.scalar(_counted(base)) or 0


def _joined(page: Any, keys: Sequence[Key], base: Select[Any]) -> Select[Any]:
    names = [f"k{index}" for index in range(len(keys))]
    joined: Select[Any] = (
        select(*_COLUMNS, *(page.c[name] for name in names), _counted(base).scalar_subquery().label("total"))
        .select_from(page)
        .join(D, D.id == page.c[names[-1]])
        .join(S, S.id == D.session_id)
        .join(_Reporter, _Reporter.id == D.reported_by)
        .join(_Mentor, _Mentor.id == S.mentor_id)
        .join(_Mentee, _Mentee.id == S.mentee_id)
        .outerjoin(_Assignee, _Assignee.id == D.assigned_to)
        .order_by(*(key.clause(page.c[name]) for key, name in zip(keys, names, strict=True)))
    )
    return joined


def _page(
    rows: list[Row[Any]],
    keys: Sequence[Key],
    cursor: Cursor | None,
    offset: int,
    size: int,
    total: int,
    *,
    backwards: bool,
) -> DisputePage:
    more, rows = len(rows) > size, rows[:size]
    position = cursor.position if cursor else offset
    if backwards:
        rows.reverse()
        position = max(0, position - len(rows))
    has_newer, has_older = (more, True) if backwards else (position > 0, more)

    def key(row: Row[Any]) -> tuple[Any, ...]:
        return tuple(getattr(row, f"k{index}") for index in range(len(keys)))

    return DisputePage(
        rows,
        position,
        newer=Cursor(key(rows[0]), position).token() if has_newer and rows else None,
        older=Cursor(key(rows[-1]), position + len(rows)).token() if has_older and rows else None,
        total=total,
    )
