"""The overview's charts: each a table of numbers that lead to their lists, which a script draws (KPI-2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from app.admin.cases.rows import address
from app.admin.filters import words_of
from app.domain.money import Money
from app.domain.vocabulary import CancellationCategory, CancelledBy, RefundStatus, SessionStatus
from app.domain.wording import format_money, format_number
from app.support.charts import Charts
from app.support.session_filter import SessionFilter

_STATUSES = (
    (SessionStatus.COMPLETED, "Completed", "green"),
    (SessionStatus.SCHEDULED, "Scheduled", "blue"),
    (SessionStatus.IN_PROGRESS, "In progress", "teal"),
    (SessionStatus.PENDING_MENTOR_REVIEW, "Awaiting mentor", "amber"),
    (SessionStatus.CANCELLED, "Cancelled", "gray"),
    (SessionStatus.NO_SHOW, "No-show", "orange"),
    (SessionStatus.REJECTED, "Declined", "red"),
)
_CANCELLERS = (
    (CancelledBy.MENTEE, "By mentees", "blue"),
    (CancelledBy.MENTOR, "By mentors", "orange"),
    (CancelledBy.ADMIN, "By support", "accent"),
    (CancelledBy.SYSTEM, "By the clock", "gray"),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One number: as a script draws it, as it is read, and the list that it counts."""

    value: float | int
    shown: str
    href: str | None


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart as its table.

    :param kind: bar, or doughnut, which has one series and a tone a row
    :param series: the columns' names, each with its tone
    :param rows: each row's name, its tone in a doughnut, and a cell a column
    :param money: the currency of what is drawn
    """

    name: str
    title: str
    kind: str
    head: str
    series: Sequence[tuple[str, str]]
    rows: Sequence[tuple[str, str, Sequence[Cell]]]
    stacked: bool = False
    lying: bool = False
    money: str = ""
    note: str = ""


def charts_of(found: Charts) -> list[Chart]:
    """All charts of a period; one without any number is left out."""
    over_time = "Days are counted in UTC." if not found.is_by_week else "Each bar is a week; days are counted in UTC."
    money = [_money(found, currency, over_time) for currency in found.currencies]
    drawn = [_over_time(found, over_time), _breakdown(found), *money[:1], _reasons(found), *money[1:]]
    return [chart for chart in drawn if chart.rows]


def _over_time(found: Charts, note: str) -> Chart:
    shown = [each for each in _STATUSES if any(found.sessions.get(each[0], ()))]
    rows = [
        (
            _day(first),
            "",
            [
                _counted(
                    found.sessions[status][at], SessionFilter(zone="UTC", statuses=(status,), **_days(first, last))
                )
                for status, _, _ in shown
            ],
        )
        for at, (first, last) in enumerate(found.pieces)
    ]
    return Chart(
        "over-time", "Sessions over time", "bar", "Week from" if found.is_by_week else "Day",
        [(label, tone) for _, label, tone in shown], rows if shown else (), stacked=True, note=note,
    )  # fmt: skip


def _breakdown(found: Charts) -> Chart:
    period = found.period
    days = _days(period.first, period.last)
    rows = [
        (
            label,
            tone,
            [_counted(found.by_status[status], SessionFilter(zone=period.zone, statuses=(status,), **days))],
        )
        for status, label, tone in _STATUSES
        if found.by_status.get(status)
    ]
    return Chart("by-status", "By status", "doughnut", "Status", [("Sessions", "")], rows)


def _money(found: Charts, currency: str, note: str) -> Chart:
    revenue, refunds = found.revenue.get(currency), found.refunds.get(currency)

    def cell(minor: int, first: date, last: date, **only: Any) -> Cell:
        chosen = SessionFilter(zone="UTC", currencies=(currency,), **_days(first, last), **only)
        major = float(Money(minor, currency).amount)
        return Cell(major, format_money(minor, currency), _link(chosen) if minor else None)

    rows = [
        (
            _day(first),
            "",
            [
                cell(revenue[at] if revenue else 0, first, last, statuses=(SessionStatus.COMPLETED,)),
                cell(refunds[at] if refunds else 0, first, last, refund_statuses=(RefundStatus.PROCESSED,)),
            ],
        )
        for at, (first, last) in enumerate(found.pieces)
    ]
    return Chart(
        f"money-{currency}", f"Revenue and refunds, {currency}", "bar", "Week from" if found.is_by_week else "Day",
        [("Revenue", "green"), ("Refunds", "amber")], rows, money=currency,
        note=f"By the day of the session. {note}",
    )  # fmt: skip


def _reasons(found: Charts) -> Chart:
    period = found.period
    totals: dict[str, int] = {}
    for (reason, _), count in found.cancelled.items():
        totals[reason] = totals.get(reason, 0) + count
    who = [each for each in _CANCELLERS if any(found.cancelled.get((reason, each[0])) for reason in totals)]
    rows = []
    for reason in sorted((each for each in totals if totals[each]), key=lambda each: (-totals[each], each)):
        chosen = CancellationCategory(reason) if reason else None
        cells = [
            _counted(
                found.cancelled.get((reason, by), 0),
                SessionFilter(
                    zone=period.zone, statuses=(SessionStatus.CANCELLED,), reasons=(chosen,), cancelled_by=(by,),
                    **_days(period.first, period.last),
                ) if chosen else None,
            )
            for by, _, _ in who
        ]  # fmt: skip
        rows.append((words_of(chosen) if chosen else "Not said", "", cells))
    series = [(label, tone) for _, label, tone in who]
    return Chart("reasons", "Cancellations by reason", "bar", "Reason", series, rows, stacked=True, lying=True)


def _days(first: date, last: date) -> dict[str, Any]:
    return {"day_from": first, "day_to": last, "sort": "scheduled_at"}


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


def _counted(count: int, chosen: SessionFilter | None) -> Cell:
    return Cell(count, format_number(count), _link(chosen) if count and chosen else None)


@lru_cache(maxsize=4096)
def _link(chosen: SessionFilter) -> str:
    # A UTC day is asked for as such; the reader's own days are what the list takes by itself.
    return address(chosen, zone="UTC") if chosen.zone == "UTC" else address(chosen)
