"""The overview's figures (KPI-1, KPI-2): from figures kept per day, exact to the reader's own midnight.

Every card counts exactly the list that it links to. Drafts and expired holds are no sessions yet and are left out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Select, cast, func, literal, select, union_all

from app.domain.kpis import rate
from app.domain.money import Money
from app.domain.vocabulary import CancelledBy, RefundStatus, SessionStatus
from app.extensions import db
from app.models import ReviewDailyFigure
from app.support.figures import Figures, pieces_between
from app.support.session_filter import SessionFilter, day_start

COUNTED = tuple(status for status in SessionStatus if status not in {SessionStatus.DRAFT, SessionStatus.EXPIRED})
_COUNTED = Figures(COUNTED)
LONGEST_DAYS = 366


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
    """All session and review figures, in three statements whatever the history holds."""
    before = period.before()
    today = period_ending_today(1, zone=period.zone, now=now)
    totals = {"now": Totals(), "before": Totals(), "today": Totals()}
    parts = [_grouped(name, span) for name, span in (("now", period), ("before", before), ("today", today))]
    for row in db.session.execute(union_all(*parts)):
        totals[row.bucket].add(row)
    for row in db.session.execute(union_all(_reviews("now", period), _reviews("before", before))):
        totals[row.bucket].reviews, totals[row.bucket].rating_sum = row.reviews or 0, row.rating_sum or 0
    return Overview(period, totals["now"], totals["before"], totals["today"].sessions, _by_day(period))


def _grouped(bucket: str, span: Period) -> Select[Any]:
    piece = pieces_between(_COUNTED, span.start, span.end).subquery()
    grouped: Select[Any] = select(
        literal(bucket).label("bucket"),
        piece.c.status,
        piece.c.refund_status,
        piece.c.cancelled_by,
        piece.c.currency,
        *(cast(func.sum(piece.c[name]), BigInteger).label(name) for name in ("sessions", "rate_minor", "refund_minor")),
    ).group_by(piece.c.status, piece.c.refund_status, piece.c.cancelled_by, piece.c.currency)
    return grouped


def _reviews(bucket: str, span: Period) -> Select[Any]:
    # Reviews are kept by the UTC day of writing; an average over many days does not move by a few hours at its edge.
    sums: tuple[Any, ...] = (
        literal(bucket).label("bucket"),
        cast(func.sum(ReviewDailyFigure.reviews), BigInteger).label("reviews"),
        cast(func.sum(ReviewDailyFigure.rating_sum), BigInteger).label("rating_sum"),
    )
    return select(*sums).where(ReviewDailyFigure.day.between(span.first, span.last))


def _by_day(period: Period) -> Mapping[date, Mapping[str, int]]:
    """Sessions by UTC day and status: the days of the chart, each of which links to the list of that UTC day."""
    utc = Period(period.first, period.last, "UTC")
    piece = pieces_between(_COUNTED, utc.start, utc.end).subquery()
    counted = cast(func.sum(piece.c.sessions), BigInteger)
    rows = db.session.execute(select(piece.c.day, piece.c.status, counted).group_by(piece.c.day, piece.c.status))
    found: dict[date, dict[str, int]] = {day: {} for day in period.all_days()}
    for day, status, count in rows:
        found.setdefault(day, {})[status] = count
    return found


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
