"""What a list of many sessions shows, before and after: sums, pages of its sessions, the report as CSV (SL-3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, Row, Text, cast, func, select
from sqlalchemy.orm import aliased

from app.domain.context import Context
from app.domain.errors import NotFound
from app.domain.money import Money
from app.domain.permissions import Permission, require
from app.domain.vocabulary import BulkItemState
from app.extensions import db
from app.models import BulkCancel, BulkCancelItem, MentoringSession, User
from app.support.export import copy_csv, decimal, guarded, instant, note_export

PAGE_SIZE: Final = 50
_MOST_RECENT: Final = 50
_Item, S = BulkCancelItem, MentoringSession


@dataclass(slots=True)
class Tally:
    """How many sessions stand where, and what goes back to mentees for those that are or will be cancelled."""

    sessions: Counter[BulkItemState] = field(default_factory=Counter)
    refunds: Counter[str] = field(default_factory=Counter)
    awaiting: int = 0

    @property
    def total(self) -> int:
        return self.sessions.total()

    @property
    def pending(self) -> int:
        return self.sessions[BulkItemState.PENDING]

    @property
    def decided(self) -> int:
        return self.total - self.pending

    def money(self) -> list[Money]:
        """What goes back, per currency, the largest first."""
        return [Money(minor, code) for code, minor in self.refunds.most_common() if minor]


def read_bulk(bulk_id: UUID, *, ctx: Context) -> BulkCancel:
    """One list, a colleague's too.

    :raises Forbidden: the role may not cancel many at once
    :raises NotFound: there is none
    """
    require(ctx.actor, Permission.SESSION_BULK_CANCEL)
    bulk = db.session.get(BulkCancel, bulk_id, populate_existing=True)
    if bulk is None:
        raise NotFound
    return bulk


def tally_of(bulk_id: UUID) -> Tally:
    """Where the sessions of a list stand, in one statement."""
    columns: tuple[Any, ...] = (
        _Item.state, _Item.currency, func.count().label("sessions"),
        cast(func.sum(_Item.refund_minor), BigInteger).label("refund_minor"),
        func.count().filter(_Item.awaits_approval).label("awaiting"),
    )  # fmt: skip
    found = Tally()
    for row in db.session.execute(
        select(*columns).where(_Item.bulk_id == bulk_id).group_by(_Item.state, _Item.currency)
    ):
        found.sessions[row.state] += row.sessions
        found.refunds[row.currency] += row.refund_minor
        found.awaiting += row.awaiting
    return found


def items_of(bulk_id: UUID, *, state: BulkItemState | None, page: int) -> Sequence[Row[Any]]:
    """One page of the sessions of a list, in its order; one row more than a page when there is a next one.

    :param page: from 1 on
    """
    mentor, mentee = aliased(User), aliased(User)
    columns: tuple[Any, ...] = (
        _Item.session_id, _Item.state, _Item.status_seen, _Item.refund_minor, _Item.currency, _Item.awaits_approval,
        _Item.outcome, S.title, S.scheduled_at, S.status, mentor.name.label("mentor"), mentee.name.label("mentee"),
    )  # fmt: skip
    chosen = select(*columns).join(S, S.id == _Item.session_id).where(_Item.bulk_id == bulk_id)
    if state is not None:
        chosen = chosen.where(_Item.state == state)
    joined = chosen.join(mentor, mentor.id == S.mentor_id).join(mentee, mentee.id == S.mentee_id)
    return db.session.execute(joined.order_by(_Item.position).offset((page - 1) * PAGE_SIZE).limit(PAGE_SIZE + 1)).all()


def recent_bulks(*, ctx: Context) -> Sequence[Row[Any]]:
    """The lists made last, with who made them and how many sessions they hold.

    :raises Forbidden: the role may not cancel many at once
    """
    require(ctx.actor, Permission.SESSION_BULK_CANCEL)
    last = select(BulkCancel.id).order_by(BulkCancel.created_at.desc()).limit(_MOST_RECENT).subquery()
    columns: tuple[Any, ...] = (
        BulkCancel.id, BulkCancel.state, BulkCancel.reason, BulkCancel.created_at, User.name.label("by"),
        func.count(_Item.session_id).label("sessions"),
        func.count(_Item.session_id).filter(_Item.state == BulkItemState.DONE).label("done"),
    )  # fmt: skip
    chosen = (
        select(*columns)
        .join(last, last.c.id == BulkCancel.id)
        .join(User, User.id == BulkCancel.created_by)
        .join(_Item, _Item.bulk_id == BulkCancel.id, isouter=True)
    )
    return db.session.execute(chosen.group_by(BulkCancel.id, User.id).order_by(BulkCancel.created_at.desc())).all()


def report_csv(bulk_id: UUID, *, ctx: Context) -> Iterator[bytes]:
    """What became of each session as CSV; that it was read is on record (AUD-4).

    :raises Forbidden: the role may not cancel many at once
    :raises NotFound: there is no such list
    """
    read_bulk(bulk_id, ctx=ctx)
    note_export("bulk cancel", {"bulkCancel": [str(bulk_id)]}, ctx=ctx)
    columns: Sequence[Any] = (
        cast(_Item.session_id, Text).label("session_id"),
        guarded(S.title).label("title"),
        instant(S.scheduled_at).label("scheduled_at"),
        _Item.status_seen.label("status_before"),
        _Item.state.label("result"),
        guarded(func.coalesce(_Item.outcome, "")).label("explanation"),
        decimal(_Item.refund_minor, _Item.currency).label("refund"),
        _Item.currency.label("currency"),
        _Item.awaits_approval.label("awaits_approval"),
        instant(_Item.decided_at).label("decided_at"),
    )
    chosen = select(*columns).join(S, S.id == _Item.session_id).where(_Item.bulk_id == bulk_id)
    return copy_csv(chosen.order_by(_Item.position))
