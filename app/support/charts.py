"""The figures behind the overview's charts (KPI-2), out of what is kept per day, in one statement.

What runs over time is told by UTC days, for which figures are kept, so that each point is exactly the list of that
day; what is told of the whole period goes by the reader's own days, as the cards do.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Date,
    Integer,
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

from app.domain.vocabulary import RefundStatus, SessionStatus
from app.foundation.prepared import Prepared
from app.support.figures import Figures, Shape, Span, pieces_of
from app.support.kpis import COUNTED, Period

_MOST_DAYS = 92
_WEEK = 7
_TIME, _WHOLE = "time", "whole"
# By both: nothing of one is told of the other.
_BY_TIME = ("status", "refund_status", "currency")
_BY_KIND = ("status", "cancelled_by", "reason")


@dataclass(frozen=True, slots=True)
class Charts:
    """Sums of one period.

    :param pieces: the first and the last UTC day of each point over time: a day, or a week in a long period
    :param sessions: by status, one number a point
    :param revenue: by currency in minor units, one number a point; ``refunds`` likewise, processed ones
    :param by_status: of the whole period
    :param cancelled: of the whole period by reason and by who
    """

    period: Period
    pieces: Sequence[tuple[date, date]]
    sessions: Mapping[str, Sequence[int]]
    revenue: Mapping[str, Sequence[int]]
    refunds: Mapping[str, Sequence[int]]
    by_status: Mapping[str, int]
    cancelled: Mapping[tuple[str, str], int]

    @property
    def is_by_week(self) -> bool:
        return self.period.days > _MOST_DAYS

    @property
    def currencies(self) -> list[str]:
        """Every currency with money in it, the one with the most first."""
        volume: Counter[str] = Counter()
        for amounts in (self.revenue, self.refunds):
            volume.update({code: sum(values) for code, values in amounts.items()})
        return [code for code, minor in volume.most_common() if minor]


def read_charts(period: Period) -> Charts:
    """The sums of a period, whatever the history holds: some thousand kept rows a month are added up."""
    step = _WEEK if period.days > _MOST_DAYS else 1
    starts = [period.first + timedelta(days=index) for index in range(0, period.days, step)]
    pieces = [(first, min(first + timedelta(days=step - 1), period.last)) for first in starts]
    utc = period.in_utc()
    spans = {_TIME: Span.between(utc.start, utc.end), _WHOLE: Span.between(period.start, period.end)}
    values: dict[str, Any] = {"piece_from": period.first, "piece_step": step}
    for name, span in spans.items():
        values |= span.values(name)

    def line() -> list[int]:
        return [0] * len(pieces)

    sessions, revenue, refunds = (defaultdict[str, list[int]](line) for _ in range(3))
    by_status: Counter[str] = Counter()
    cancelled: Counter[tuple[str, str]] = Counter()
    for row in _statement(spans[_TIME].shape(), spans[_WHOLE].shape()).run(**values):
        if row.piece is None:
            by_status[row.status] += row.sessions
            if row.status == SessionStatus.CANCELLED:
                cancelled[row.reason, row.cancelled_by] += row.sessions
            continue
        sessions[row.status][row.piece] += row.sessions
        if row.status == SessionStatus.COMPLETED:
            revenue[row.currency][row.piece] += row.rate_minor
        if row.refund_status == RefundStatus.PROCESSED:
            refunds[row.currency][row.piece] += row.refund_minor
    return Charts(period, pieces, sessions, revenue, refunds, by_status, cancelled)


@lru_cache(maxsize=16)
def _statement(time: Shape, whole: Shape) -> Prepared:
    piece = pieces_of(Figures(COUNTED), Span.of_shape(time, _TIME)).subquery(_TIME)
    first, step = bindparam("piece_from", type_=Date()), bindparam("piece_step", type_=Integer())
    kind = pieces_of(Figures(COUNTED), Span.of_shape(whole, _WHOLE)).subquery(_WHOLE)
    return Prepared(
        union_all(
            _summed(piece, cast(piece.c.day - first, Integer) // step, _BY_TIME),
            _summed(kind, None, _BY_KIND),
        )
    )


def _summed(rows: Any, point: Any, by: Sequence[str]) -> Select[Any]:
    names = dict.fromkeys([*_BY_TIME, *_BY_KIND])
    empty = cast(null(), Text())
    found: Select[Any] = select(
        (literal_column("NULL", Integer()) if point is None else cast(point, Integer())).label("piece"),
        *((rows.c[name] if name in by else empty).label(name) for name in names),
        *(cast(func.sum(rows.c[name]), BigInteger).label(name) for name in ("sessions", "rate_minor", "refund_minor")),
    )
    return found.group_by(*([] if point is None else [point]), *(rows.c[name] for name in by))
