"""Counting sessions without reading them: kept figures for whole days, rows for the edges (KPI-1, SL-4).

The figures are kept per UTC day. A reader's day begins at another hour, so that a range has an edge of less than a day
on either side, which is counted from the sessions themselves. A session that never got a time stands in the figures on
the day of its creation; a range of times leaves it out, so it is taken off again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Date,
    Select,
    and_,
    cast,
    func,
    literal,
    or_,
    select,
    union_all,
)

from app.domain.vocabulary import CancelledBy, RefundStatus, SessionStatus
from app.models import MentoringSession, SessionDailyFigure

S = MentoringSession
F = SessionDailyFigure
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Figures:
    """Which sessions to count; empty takes all."""

    statuses: tuple[SessionStatus, ...] = ()
    refund_statuses: tuple[RefundStatus, ...] = ()
    cancelled_by: tuple[CancelledBy, ...] = ()

    def of(self, table: Any) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.statuses:
            found.append(table.status.in_([item.value for item in self.statuses]))
        if self.refund_statuses:
            found.append(table.refund_status.in_([item.value for item in self.refund_statuses]))
        if self.cancelled_by:
            found.append(table.cancelled_by.in_([item.value for item in self.cancelled_by]))
        return found


@dataclass(frozen=True, slots=True)
class _Range:
    """A range of instants as whole UTC days and the edges around them."""

    first: date | None
    last: date | None
    edges: tuple[tuple[datetime, datetime], ...]
    has_days: bool


def figures_between(wanted: Figures, start: datetime | None, end: datetime | None) -> Select[Any]:
    """A statement that gives the number of sessions whose time lies in ``[start, end)``.

    Without either it is the number of all sessions, those without a time included.
    """
    pieces = pieces_between(wanted, start, end)
    return select(cast(func.coalesce(func.sum(pieces.subquery().c.sessions), 0), BigInteger))


def pieces_between(wanted: Figures, start: datetime | None, end: datetime | None) -> CompoundSelect[Any] | Select[Any]:
    """Rows to be summed: day, status, refund_status, cancelled_by, currency, sessions, rate_minor, refund_minor."""
    if start is None and end is None:
        return _kept(wanted, None, None)
    span = _split(start, end)
    parts: list[Select[Any]] = []
    if span.has_days:
        parts += [_kept(wanted, span.first, span.last), _untimed(wanted, span.first, span.last)]
    if span.edges:
        parts.append(_counted(wanted, span.edges))
    return union_all(*parts) if len(parts) > 1 else parts[0]


def _split(start: datetime | None, end: datetime | None) -> _Range:
    first = _next_midnight(start) if start else None
    last = _midnight(end) if end else None
    if first and last and first > last:
        assert start is not None
        assert end is not None
        return _Range(None, None, ((start, end),), has_days=False)
    edges = []
    if start and first and start < first:
        edges.append((start, first))
    if end and last and last < end:
        edges.append((last, end))
    return _Range(
        first.date() if first else None,
        (last - _DAY).date() if last else None,
        tuple(edges),
        has_days=not (first and last and first == last),
    )


def _midnight(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _next_midnight(instant: datetime) -> datetime:
    floor = _midnight(instant)
    return floor if floor == instant else floor + _DAY


def _kept(wanted: Figures, first: date | None, last: date | None) -> Select[Any]:
    columns: tuple[Any, ...] = (
        F.day.label("day"), F.status.label("status"), F.refund_status.label("refund_status"),
        F.cancelled_by.label("cancelled_by"), F.currency.label("currency"), F.sessions.label("sessions"),
        F.rate_minor.label("rate_minor"), F.refund_amount_minor.label("refund_minor"),
    )  # fmt: skip
    chosen = select(*columns).where(*wanted.of(F))
    if first:
        chosen = chosen.where(F.day >= first)
    if last:
        chosen = chosen.where(F.day <= last)
    return chosen


def _untimed(wanted: Figures, first: date | None, last: date | None) -> Select[Any]:
    inside: list[ColumnElement[bool]] = [S.scheduled_at.is_(None)]
    if first:
        inside.append(S.created_at >= datetime(first.year, first.month, first.day, tzinfo=UTC))
    if last:
        inside.append(S.created_at < datetime(last.year, last.month, last.day, tzinfo=UTC) + _DAY)
    return _rows(wanted, and_(*inside), moment=S.created_at, sign=-1)


def _counted(wanted: Figures, edges: tuple[tuple[datetime, datetime], ...]) -> Select[Any]:
    inside = or_(*(and_(S.scheduled_at >= start, S.scheduled_at < end) for start, end in edges))
    return _rows(wanted, inside, moment=S.scheduled_at, sign=1)


def _rows(wanted: Figures, inside: ColumnElement[bool], *, moment: Any, sign: int) -> Select[Any]:
    columns: tuple[Any, ...] = (
        cast(func.timezone("UTC", moment), Date).label("day"),
        cast(S.status, F.status.type).label("status"),
        cast(S.refund_status, F.status.type).label("refund_status"),
        func.coalesce(cast(S.cancelled_by, F.status.type), "").label("cancelled_by"),
        S.currency.label("currency"),
        literal(sign).label("sessions"),
        (S.rate_minor * sign).label("rate_minor"),
        (S.refund_amount_minor * sign).label("refund_minor"),
    )
    return select(*columns).where(inside, *wanted.of(S))
