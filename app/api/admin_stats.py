"""The overview's figures as data (KPI-1)."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final

from pydantic import Field, WithJsonSchema

from app.api.admin_analytics import Range, period_of
from app.api.fields import Amount, Day, Told, amount
from app.api.schema import api
from app.domain.permissions import Permission
from app.domain.vocabulary import CancelledBy, SessionStatus
from app.http.context import current_context
from app.http.formatting import reader_zone
from app.support.kpis import (
    COUNTED,
    Totals,
    count_pending_reschedules,
    currencies,
    period_ending_today,
    read_overview,
    sessions_by_day,
)

_WITHOUT_MONEY: Final = "EUR"
Share = Annotated[Decimal, WithJsonSchema({"type": "number", "examples": [4.2]})]


class MoneyFigures(Told):
    """In one currency."""

    currency: str
    total_revenue: Amount
    refunds_issued: Amount
    net_revenue: Amount


class DayCount(Told):
    date: Day
    count: int


class StatusCount(Told):
    status: SessionStatus
    count: int


class SessionStats(Told):
    """Drafts and expired holds are no sessions yet, and are not counted."""

    start_date: Day
    end_date: Day
    total_sessions: int
    completed_sessions: int
    cancelled_sessions: int
    no_show_count: int
    no_show_rate: Share = Field(description="Percent of all sessions.")
    avg_session_rating: Share | None = Field(description="1 to 5; none without a review.")
    currency: str = Field(description="Of the three sums that follow: the currency with the most money in it.")
    total_revenue: Amount = Field(description="The price of what was completed.")
    refunds_issued: Amount
    net_revenue: Amount
    money: list[MoneyFigures] = Field(description="The same in every currency that has money in it.")
    sessions_today: int = Field(description="In your zone.")
    pending_reschedules: int = Field(description="Open now, whatever the range.")
    cancellations_by_mentor: int
    cancellations_by_mentee: int
    sessions_over_time: list[DayCount] = Field(description="Per day in UTC.")
    status_breakdown: list[StatusCount]


@api.declare(
    "GET",
    "/admin/sessions/stats",
    tag="Staff",
    summary="Figures of a range of days",
    needs=Permission.OVERVIEW_VIEW,
    query=Range,
    answer=SessionStats,
)
def admin_session_stats(query: Range) -> SessionStats:
    """By the start of the session, at most 366 days; read from figures that are kept per day."""
    now = current_context().now
    period = period_of(query, period_ending_today(1, zone=str(reader_zone()), now=now))
    found = read_overview(period, now=now)
    totals, _ = found.totals()
    money = [_money(totals, code) for code in currencies(totals)]
    main = money[0] if money else _money(totals, _WITHOUT_MONEY)
    return SessionStats(
        start_date=period.first,
        end_date=period.last,
        total_sessions=totals.sessions,
        completed_sessions=totals.by_status[SessionStatus.COMPLETED],
        cancelled_sessions=totals.by_status[SessionStatus.CANCELLED],
        no_show_count=totals.by_status[SessionStatus.NO_SHOW],
        no_show_rate=totals.no_show_rate,
        avg_session_rating=None if totals.average_rating is None else round(totals.average_rating, 2),
        **dict(main),
        money=money,
        sessions_today=found.today,
        pending_reschedules=count_pending_reschedules(),
        cancellations_by_mentor=totals.by_canceller[CancelledBy.MENTOR],
        cancellations_by_mentee=totals.by_canceller[CancelledBy.MENTEE],
        sessions_over_time=[DayCount(date=day, count=count) for day, count in sessions_by_day(period).items()],
        status_breakdown=[StatusCount(status=status, count=totals.by_status[status]) for status in COUNTED],
    )


def _money(totals: Totals, currency: str) -> MoneyFigures:
    return MoneyFigures(
        currency=currency,
        total_revenue=amount(totals.revenue[currency], currency),
        refunds_issued=amount(totals.refunds[currency], currency),
        net_revenue=amount(totals.revenue[currency] - totals.refunds[currency], currency),
    )
