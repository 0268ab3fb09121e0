"""The overview's figures (KPI-1, KPI-2): from figures kept per day, exact to the reader's own midnight.

Every card counts exactly the list that it links to. Drafts and expired holds are no sessions yet and are left out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    func,
    literal,
    literal_column,
    null,
    select,
    union_all,
)

from app.domain.kpis import rate
from app.domain.vocabulary import CancelledBy, RefundStatus, SessionStatus
from app.extensions import db
from app.foundation.prepared import Prepared
from app.models import MentoringSession, ReviewDailyFigure, SessionReview
from app.support.figures import Figures, Shape, Span, pieces_of
from app.support.session_filter import SessionFilter, day_start

R = SessionReview
COUNTED = tuple(status for status in SessionStatus if status not in {SessionStatus.DRAFT, SessionStatus.EXPIRED})
_COUNTED = Figures(COUNTED)
LONGEST_DAYS = 366
_NOW, _BEFORE, _TODAY, _YESTERDAY, _TREND = "now", "before", "today", "yesterday", "trend"
_MOST_POINTS = 14
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

    def in_utc(self) -> Period:
        """The same days, from midnight to midnight in UTC."""
        return Period(self.first, self.last, "UTC")


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

    def add(
        self, status: str | None, refund_status: str, cancelled_by: str, currency: str, sessions: int, rate_minor: int,
        refund_minor: int,
    ) -> None:  # fmt: skip
        """Take in one row; the one without a status tells of reviews."""
        if status is None:
            self.reviews, self.rating_sum = sessions or 0, rate_minor or 0
            return
        self.by_status[status] += sessions
        if status == SessionStatus.CANCELLED:
            self.by_canceller[cancelled_by] += sessions
        if status == SessionStatus.COMPLETED:
            self.revenue[currency] += rate_minor
        if refund_status == RefundStatus.PROCESSED:
            self.refunds[currency] += refund_minor
            self.refunded_sessions += sessions


@dataclass(frozen=True, slots=True)
class Overview:
    """What the cards tell, as the rows that it is made of: as long as they are the same, so is what they say.

    :param today: sessions of the reader's day, and of the day before
    """

    period: Period
    rows: tuple[tuple[Any, ...], ...]
    today: int
    yesterday: int

    def totals(self) -> tuple[Totals, Totals]:
        """The period's sums, and those of the period before."""
        found = {_NOW: Totals(), _BEFORE: Totals()}
        for bucket, _, *values in self.rows:
            if bucket in found:
                found[bucket].add(*values)
        return found[_NOW], found[_BEFORE]

    def trends(self) -> dict[str | None, list[int]]:
        """About a dozen points a line: by status, and of all under None."""
        lines: dict[str | None, list[int]] = defaultdict(lambda: [0] * _points(self.period))
        for bucket, piece, status, _, _, _, sessions, *_ in self.rows:
            if bucket == _TREND:
                lines[status][piece] += sessions
                lines[None][piece] += sessions
        return lines


def currencies(*totals: Totals) -> list[str]:
    """Every currency that has money in it, the one with the most first."""
    volume: Counter[str] = Counter()
    for one in totals:
        volume.update({code: abs(minor) for code, minor in one.revenue.items()})
        volume.update({code: abs(minor) for code, minor in one.refunds.items()})
    return [code for code, minor in volume.most_common() if minor]


def read_overview(period: Period, *, now: datetime) -> Overview:
    """All session and review figures, in one statement whatever the history holds."""
    return start_overview(period, now=now)()


def start_overview(period: Period, *, now: datetime) -> Callable[[], Overview]:
    """The same, asked now and waited for when the result is called."""
    shapes, values = _asked(period, period_ending_today(1, zone=period.zone, now=now))
    answer = _overview(shapes).start(**values)

    def read() -> Overview:
        rows = tuple(tuple(row) for row in answer())
        counts = {row[0]: row[6] for row in rows if row[0] in {_TODAY, _YESTERDAY}}
        return Overview(period, rows, counts.get(_TODAY) or 0, counts.get(_YESTERDAY) or 0)

    return cache(read)


@lru_cache(maxsize=256)
def _asked(period: Period, today: Period) -> tuple[tuple[tuple[str, Shape], ...], dict[str, Any]]:
    """What kind of statement a range needs, and its parameters."""
    periods = {
        _NOW: period, _BEFORE: period.before(), _TODAY: today, _YESTERDAY: today.before(), _TREND: period.in_utc(),
    }  # fmt: skip
    spans = {name: Span.between(each.start, each.end) for name, each in periods.items()}
    values: dict[str, Any] = {"trend_from": period.first, "trend_step": _step(period)}
    for name, span in spans.items():
        values |= span.values(name)
    return tuple((name, span.shape()) for name, span in spans.items()), values


def _step(period: Period) -> int:
    """Days a point of a trend."""
    return max(1, period.days // _MOST_POINTS)


def _points(period: Period) -> int:
    return -(-period.days // _step(period))


def count_pending_reschedules() -> int:
    """How many sessions have an open proposal; those alone stand in an index."""
    pending = MentoringSession.pending_reschedule_request_id.is_not(None)
    return db.session.execute(select(func.count()).select_from(MentoringSession).where(pending)).scalar_one()


def sessions_by_day(period: Period) -> dict[date, int]:
    """How many sessions start on each UTC day of the period, those without any among them."""
    utc = period.in_utc()
    span = Span.between(utc.start, utc.end)
    found = {row.day: row.sessions for row in _by_day(span.shape()).run(**span.values())}
    days = (period.first + timedelta(days=index) for index in range(period.days))
    return {day: found.get(day, 0) for day in days}


@lru_cache(maxsize=4)
def _by_day(shape: Shape) -> Prepared:
    piece = pieces_of(_COUNTED, Span.of_shape(shape)).subquery()
    counted: tuple[Any, ...] = (piece.c.day, cast(func.sum(piece.c.sessions), BigInteger).label("sessions"))
    return Prepared(select(*counted).group_by(piece.c.day))


@lru_cache(maxsize=64)
def _overview(shapes: tuple[tuple[str, Shape], ...]) -> Prepared:
    spans = {name: Span.of_shape(shape, name) for name, shape in shapes}
    parts = [_grouped(name, span) for name, span in spans.items()]
    return Prepared(union_all(*parts, *(_reviews(name, spans[name]) for name in (_NOW, _BEFORE))))


def _grouped(bucket: str, span: Span) -> Select[Any]:
    """A trend's days are UTC days."""
    piece = pieces_of(_COUNTED, span).subquery()
    by: dict[str, Any] = {}
    if bucket in {_NOW, _BEFORE}:
        by = {name: piece.c[name] for name in _GROUPS}
    if bucket == _TREND:
        first, step = bindparam("trend_from", type_=Date()), bindparam("trend_step", type_=Integer())
        by = {"piece": cast(piece.c.day - first, Integer) // step, "status": piece.c.status}
    grouped: Select[Any] = select(
        literal_column(f"'{bucket}'", Text()).label("bucket"),
        cast(by.get("piece", null()), Integer()).label("piece"),
        *(by.get(name, cast(null(), Text())).label(name) for name in _GROUPS),
        *(cast(func.sum(piece.c[name]), BigInteger).label(name) for name in ("sessions", "rate_minor", "refund_minor")),
    )
    return grouped.group_by(*by.values()) if by else grouped


def _reviews(bucket: str, span: Span) -> Select[Any]:
    """Kept days and what lies at the edges, in the columns of ``sessions`` and ``rate_minor``, without a status."""
    parts: list[Any] = []
    if span.has_days:
        kept: Any = select(ReviewDailyFigure.reviews, ReviewDailyFigure.rating_sum)
        parts.append(kept.where(ReviewDailyFigure.day >= span.first, ReviewDailyFigure.day <= span.last))
    for start, end in span.edges:
        inside = and_(R.created_at >= start, R.created_at < end)
        edge: Any = select(literal(1).label("reviews"), R.rating.label("rating_sum"))
        parts.append(edge.where(inside, counted_review()))
    pieces = union_all(*parts).subquery()
    sums: tuple[Any, ...] = (
        literal_column(f"'{bucket}'", Text()).label("bucket"),
        cast(null(), Integer()).label("piece"),
        *(cast(null(), Text()).label(name) for name in _GROUPS),
        cast(func.sum(pieces.c.reviews), BigInteger).label("sessions"),
        cast(func.sum(pieces.c.rating_sum), BigInteger).label("rate_minor"),
        literal_column("0", BigInteger()).label("refund_minor"),
    )
    return select(*sums)


def counted_review() -> ColumnElement[bool]:
    """Which reviews an average counts: those by mentees, as long as they are shown."""
    return and_(R.author_id == R.mentee_id, R.hidden_at.is_(None))


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
    "net": _only(in_net=True),
}
