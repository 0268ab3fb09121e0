"""The overview's figures (KPI-1, KPI-2): from figures kept per day, exact to the reader's own midnight.

Every card counts exactly the list that it links to. Drafts and expired holds are no sessions yet and are left out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    Date,
    Select,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    null,
    select,
    union_all,
)

from app.domain.kpis import rate
from app.domain.money import Money
from app.domain.vocabulary import CancelledBy, RefundStatus, SessionStatus
from app.foundation.prepared import Prepared
from app.models import ReviewDailyFigure
from app.support.figures import Figures, Shape, Span, pieces_of
from app.support.session_filter import SessionFilter, day_start

COUNTED = tuple(status for status in SessionStatus if status not in {SessionStatus.DRAFT, SessionStatus.EXPIRED})
_COUNTED = Figures(COUNTED)
LONGEST_DAYS = 366
_NOW, _BEFORE, _TODAY, _DAYS = "now", "before", "today", "days"
_GROUPS = ("status", "refund_status", "cancelled_by", "currency")


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days of the reader, both included, and as many before them."""

    first: date
    last: date
    zone: str

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def start(self) -> datetime:
        return day_start(self.first, self.zone)

    @property
    def end(self) -> datetime:
        return day_start(self.last + timedelta(days=1), self.zone)

    def before(self) -> Period:
        return Period(self.first - timedelta(days=self.days), self.first - timedelta(days=1), self.zone)

    def all_days(self) -> list[date]:
        return [self.first + timedelta(days=index) for index in range(self.days)]


def period_ending_today(days: int, *, zone: str, now: datetime) -> Period:
    """The last ``days`` days of the reader, today included; between 1 and 366."""
    today = now.astimezone(ZoneInfo(zone)).date()
    days = min(max(days, 1), LONGEST_DAYS)
    return Period(today - timedelta(days=days - 1), today, zone)


@dataclass(slots=True)
class Totals:
    """The sums of one period."""

    by_status: Counter[str] = field(default_factory=Counter)
    by_canceller: Counter[str] = field(default_factory=Counter)
    revenue: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    refunds: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    refunded_sessions: int = 0
    reviews: int = 0
    rating_sum: int = 0

    @property
    def sessions(self) -> int:
        return self.by_status.total()

    @property
    def no_show_rate(self) -> Decimal:
        """In percent."""
        return rate(self.by_status[SessionStatus.NO_SHOW], self.sessions)

    @property
    def average_rating(self) -> Decimal | None:
        return Decimal(self.rating_sum) / self.reviews if self.reviews else None

    def net(self) -> dict[str, int]:
        """Revenue less processed refunds, per currency in minor units; may be below zero."""
        return {currency: self.revenue[currency] - self.refunds[currency] for currency in currencies(self)}

    def add(self, row: Any) -> None:
        self.by_status[row.status] += row.sessions
        if row.status == SessionStatus.CANCELLED:
            self.by_canceller[row.cancelled_by] += row.sessions
        if row.status == SessionStatus.COMPLETED:
            self.revenue[row.currency] += row.rate_minor
        if row.refund_status == RefundStatus.PROCESSED:
            self.refunds[row.currency] += row.refund_minor
            self.refunded_sessions += row.sessions


@dataclass(frozen=True, slots=True)
class Overview:
    """Both periods side by side, today, and each UTC day's sessions by status."""

    period: Period
    now: Totals
    before: Totals
    today: int
    by_day: Mapping[date, Mapping[str, int]]


def currencies(*totals: Totals) -> list[str]:
    """Every currency that has money in it, the one with the most first."""
    volume: Counter[str] = Counter()
    for one in totals:
        volume.update({code: abs(minor) for code, minor in one.revenue.items()})
        volume.update({code: abs(minor) for code, minor in one.refunds.items()})
    return [code for code, minor in volume.most_common() if minor]


def money_of(amounts: Mapping[str, int], order: Iterable[str]) -> list[Money]:
    return [Money(amounts.get(code, 0), code) for code in order]


def read_overview(period: Period, *, now: datetime) -> Overview:
    """All session and review figures, in one statement whatever the history holds."""
    before = period.before()
    today = period_ending_today(1, zone=period.zone, now=now)
    utc = Period(period.first, period.last, "UTC")
    spans = {
        name: Span.between(span.start, span.end)
        for name, span in ((_NOW, period), (_BEFORE, before), (_TODAY, today), (_DAYS, utc))
    }
    values: dict[str, Any] = {}
    for name, days in ((_NOW, period), (_BEFORE, before)):
        values |= {f"{name}_reviews_first": days.first, f"{name}_reviews_last": days.last}
    for name, span in spans.items():
        values |= span.values(name)
    totals = {name: Totals() for name in spans}
    by_day: dict[date, dict[str, int]] = {day: {} for day in period.all_days()}
    for row in _overview(tuple((name, span.shape()) for name, span in spans.items())).run(**values):
        if row.status is None:
            totals[row.bucket].reviews, totals[row.bucket].rating_sum = row.sessions or 0, row.rate_minor or 0
        elif row.bucket == _DAYS:
            by_day.setdefault(row.day, {})[row.status] = row.sessions
        else:
            totals[row.bucket].add(row)
    return Overview(period, totals[_NOW], totals[_BEFORE], totals[_TODAY].sessions, by_day)


@lru_cache(maxsize=64)
def _overview(shapes: tuple[tuple[str, Shape], ...]) -> Prepared:
    parts = [_grouped(name, Span.of_shape(shape, name)) for name, shape in shapes]
    return Prepared(union_all(*parts, _reviews(_NOW), _reviews(_BEFORE)))


def _grouped(bucket: str, span: Span) -> Select[Any]:
    """The chart's days are UTC days, each of which links to the list of that UTC day."""
    piece = pieces_of(_COUNTED, span).subquery()
    by = (piece.c.status,) if bucket == _DAYS else (*(piece.c[name] for name in _GROUPS),)
    day = (piece.c.day,) if bucket == _DAYS else ()
    empty = cast(null(), Text())
    grouped: Select[Any] = select(
        literal_column(f"'{bucket}'", Text()).label("bucket"),
        (piece.c.day if bucket == _DAYS else cast(null(), Date())).label("day"),
        *((piece.c[name] if bucket != _DAYS or name == "status" else empty).label(name) for name in _GROUPS),
        *(cast(func.sum(piece.c[name]), BigInteger).label(name) for name in ("sessions", "rate_minor", "refund_minor")),
    ).group_by(*day, *by)
    return grouped


def _reviews(bucket: str) -> Select[Any]:
    """In the columns of ``sessions`` and ``rate_minor``, and without a status.

    Reviews are kept by the UTC day of writing; an average over many days does not move by a few hours at its edge.
    """
    first, last = (bindparam(f"{bucket}_reviews_{name}", type_=Date()) for name in ("first", "last"))
    sums: tuple[Any, ...] = (
        literal_column(f"'{bucket}'", Text()).label("bucket"),
        cast(null(), Date()).label("day"),
        *(cast(null(), Text()).label(name) for name in _GROUPS),
        cast(func.sum(ReviewDailyFigure.reviews), BigInteger).label("sessions"),
        cast(func.sum(ReviewDailyFigure.rating_sum), BigInteger).label("rate_minor"),
        literal_column("0", BigInteger()).label("refund_minor"),
    )
    return select(*sums).where(ReviewDailyFigure.day.between(first, last))


def _only(**chosen: Any) -> Callable[[Period], SessionFilter]:
    def made(period: Period) -> SessionFilter:
        return SessionFilter(
            zone=period.zone, day_from=period.first, day_to=period.last, sort="scheduled_at",
            **{"statuses": COUNTED, **chosen},
        )  # fmt: skip

    return made


# The list behind each figure.
LISTS: dict[str, Callable[[Period], SessionFilter]] = {
    "sessions": _only(),
    "completed": _only(statuses=(SessionStatus.COMPLETED,)),
    "cancelled": _only(statuses=(SessionStatus.CANCELLED,)),
    "no_show": _only(statuses=(SessionStatus.NO_SHOW,)),
    "cancelled_by_mentor": _only(statuses=(SessionStatus.CANCELLED,), cancelled_by=(CancelledBy.MENTOR,)),
    "cancelled_by_mentee": _only(statuses=(SessionStatus.CANCELLED,), cancelled_by=(CancelledBy.MENTEE,)),
    "refunded": _only(refund_statuses=(RefundStatus.PROCESSED,)),
}
