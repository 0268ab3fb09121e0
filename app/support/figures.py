"""Counting sessions without reading them: kept figures for whole days, rows for the edges (KPI-1, SL-4).

The figures are kept per UTC day. A reader's day begins at another hour, so that a range has an edge of less than a day
on either side, which is counted from the sessions themselves. A session that never got a time stands in the figures on
the day of its creation; a range of times leaves it out, so it is taken off again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Date,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    func,
    literal_column,
    or_,
    select,
    union_all,
)

from app.domain.vocabulary import CancellationCategory, CancelledBy, RefundStatus, SessionStatus
from app.extensions import UtcDateTime
from app.foundation.prepared import Prepared
from app.models import MentoringSession, SessionDailyFigure

S = MentoringSession
F = SessionDailyFigure
Shape = tuple[bool, bool, int, bool, bool]
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Figures:
    """Which sessions to count; empty takes all."""

    statuses: tuple[SessionStatus, ...] = ()
    refund_statuses: tuple[RefundStatus, ...] = ()
    cancelled_by: tuple[CancelledBy, ...] = ()
    reasons: tuple[CancellationCategory, ...] = ()
    currencies: tuple[str, ...] = ()
    in_net: bool = False

    def of(self, table: Any) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.statuses:
            found.append(table.status.in_(_written(table.status, self.statuses)))
        if self.refund_statuses:
            found.append(table.refund_status.in_(_written(table.refund_status, self.refund_statuses)))
        if self.cancelled_by:
            found.append(table.cancelled_by.in_(_written(table.cancelled_by, self.cancelled_by)))
        if self.reasons:
            found.append(table.cancellation_category.in_(_written(table.cancellation_category, self.reasons)))
        if self.currencies:
            found.append(table.currency.in_(self.currencies))
        if self.in_net:
            found.append(counts_in_net(table))
        return found


def counts_in_net(table: Any) -> ColumnElement[bool]:
    """What stands behind net revenue: what a completed session brought, and what was given back (KPI-1)."""
    completed = table.status == literal_column(f"'{SessionStatus.COMPLETED.value}'", table.status.type)
    refunded = table.refund_status == literal_column(f"'{RefundStatus.PROCESSED.value}'", table.refund_status.type)
    return or_(completed, refunded)


def _written(column: Any, chosen: Sequence[StrEnum]) -> list[ColumnElement[Any]]:
    # Words of ours, which stand in the statement as they are: as parameters they would be handed over at each request.
    return [literal_column(f"'{item.value}'", column.type) for item in chosen]


@dataclass(frozen=True, slots=True)
class Span:
    """A range of instants as whole UTC days (``first`` to ``last``, either may be open) and the edges around them.

    :param days: the instants at which those days begin and end
    """

    first: Any = None
    last: Any = None
    days: tuple[Any, Any] = (None, None)
    edges: tuple[tuple[Any, Any], ...] = ()
    has_days: bool = True
    is_everything: bool = False

    @classmethod
    def between(cls, start: datetime | None, end: datetime | None) -> Span:
        """The instants in ``[start, end)``; without either it is everything, sessions without a time included."""
        if start is None and end is None:
            return cls(is_everything=True)
        first = _next_midnight(start) if start else None
        last = _midnight(end) if end else None
        if start and end and first and last and first > last:
            return cls(edges=((start, end),), has_days=False)
        edges = []
        if start and first and start < first:
            edges.append((start, first))
        if end and last and last < end:
            edges.append((last, end))
        return cls(
            first.date() if first else None,
            (last - _DAY).date() if last else None,
            (first, last),
            tuple(edges),
            has_days=not (first and last and first == last),
        )

    def shape(self) -> Shape:
        """What makes its statement another one than that of a second span."""
        return (self.first is not None, self.last is not None, len(self.edges), self.has_days, self.is_everything)

    def values(self, prefix: str = "") -> dict[str, Any]:
        """What the parameters of its shape stand for."""
        found = {f"{prefix}first": self.first, f"{prefix}last": self.last}
        found |= {f"{prefix}begins": self.days[0], f"{prefix}ends": self.days[1]}
        for index, (start, end) in enumerate(self.edges):
            found |= {f"{prefix}from_{index}": start, f"{prefix}to_{index}": end}
        return {name: value for name, value in found.items() if value is not None}

    @classmethod
    def of_shape(cls, shape: Shape, prefix: str = "") -> Span:
        """The span whose values are parameters."""
        has_first, has_last, edges, has_days, is_everything = shape

        def moment(name: str) -> Any:
            return bindparam(prefix + name, type_=UtcDateTime())

        return cls(
            bindparam(f"{prefix}first", type_=Date()) if has_first else None,
            bindparam(f"{prefix}last", type_=Date()) if has_last else None,
            (moment("begins") if has_first else None, moment("ends") if has_last else None),
            tuple((moment(f"from_{index}"), moment(f"to_{index}")) for index in range(edges)),
            has_days,
            is_everything,
        )


def count_between(wanted: Figures, start: datetime | None, end: datetime | None) -> int:
    """The number of sessions whose time lies in ``[start, end)``.

    Without either it is the number of all sessions, those without a time included.
    """
    span = Span.between(start, end)
    found: int = _count(wanted, span.shape()).run(**span.values()).scalar_one()
    return found


@lru_cache(maxsize=256)
def _count(wanted: Figures, shape: Shape) -> Prepared:
    return Prepared(total_of(wanted, Span.of_shape(shape)))


def total_of(wanted: Figures, span: Span) -> Select[Any]:
    """A statement that gives the number of sessions in a span."""
    pieces = pieces_of(wanted, span).subquery()
    return select(cast(func.coalesce(func.sum(pieces.c.sessions), 0), BigInteger))


def pieces_of(wanted: Figures, span: Span) -> CompoundSelect[Any] | Select[Any]:
    """Rows to be summed: day, what they are counted by, sessions, rate_minor, refund_minor."""
    if span.is_everything:
        return _kept(wanted, span)
    parts: list[Select[Any]] = []
    if span.has_days:
        parts += [_kept(wanted, span), _untimed(wanted, span)]
    if span.edges:
        parts.append(_counted(wanted, span.edges))
    return union_all(*parts) if len(parts) > 1 else parts[0]


def _midnight(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _next_midnight(instant: datetime) -> datetime:
    floor = _midnight(instant)
    return floor if floor == instant else floor + _DAY


def _kept(wanted: Figures, span: Span) -> Select[Any]:
    columns: tuple[Any, ...] = (
        F.day.label("day"), F.status.label("status"), F.refund_status.label("refund_status"),
        F.cancelled_by.label("cancelled_by"), F.cancellation_category.label("reason"), F.currency.label("currency"),
        F.sessions.label("sessions"), F.rate_minor.label("rate_minor"), F.refund_amount_minor.label("refund_minor"),
    )  # fmt: skip
    chosen = select(*columns).where(*wanted.of(F))
    if span.first is not None:
        chosen = chosen.where(F.day >= span.first)
    if span.last is not None:
        chosen = chosen.where(F.day <= span.last)
    return chosen


def _untimed(wanted: Figures, span: Span) -> Select[Any]:
    inside: list[ColumnElement[bool]] = [S.scheduled_at.is_(None)]
    begins, ends = span.days
    if begins is not None:
        inside.append(S.created_at >= begins)
    if ends is not None:
        inside.append(S.created_at < ends)
    return _rows(wanted, and_(*inside), moment=S.created_at, sign=-1)


def _counted(wanted: Figures, edges: tuple[tuple[Any, Any], ...]) -> Select[Any]:
    inside = or_(*(and_(S.scheduled_at >= start, S.scheduled_at < end) for start, end in edges))
    return _rows(wanted, inside, moment=S.scheduled_at, sign=1)


def _rows(wanted: Figures, inside: ColumnElement[bool], *, moment: Any, sign: int) -> Select[Any]:
    empty, times = literal_column("''", Text()), literal_column(str(sign), Integer())
    columns: tuple[Any, ...] = (
        cast(func.timezone(literal_column("'UTC'", Text()), moment), Date).label("day"),
        cast(S.status, F.status.type).label("status"),
        cast(S.refund_status, F.status.type).label("refund_status"),
        func.coalesce(cast(S.cancelled_by, F.status.type), empty).label("cancelled_by"),
        func.coalesce(cast(S.cancellation_category, F.status.type), empty).label("reason"),
        S.currency.label("currency"),
        times.label("sessions"),
        (S.rate_minor * times).label("rate_minor"),
        (S.refund_amount_minor * times).label("refund_minor"),
    )
    return select(*columns).where(inside, *wanted.of(S))
