"""The overview: what needs somebody now, then the figures, then the charts (KPI-1, KPI-2, KPI-3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import AdminIndexView, expose
from markupsafe import Markup, escape

from app.admin.cases.rows import address
from app.admin.guard import Guarded
from app.admin.menu import open_queues, queue_url, waiting_now
from app.domain.kpis import change
from app.domain.permissions import Permission
from app.domain.vocabulary import SessionStatus
from app.domain.wording import format_money, format_number
from app.http.context import request_now
from app.support.kpis import LISTS, Overview, Period, Totals, currencies, period_ending_today, read_overview
from app.support.queues import COUNT_CAP, Queue
from app.support.session_filter import SessionFilter

_RANGES = (7, 30, 90, 365)
_DEFAULT_DAYS = 30
_MOST_BARS = 92
_CHART = (
    (SessionStatus.COMPLETED, "Completed", "green"),
    (SessionStatus.SCHEDULED, "Scheduled", "blue"),
    (SessionStatus.CANCELLED, "Cancelled", "gray"),
    (SessionStatus.NO_SHOW, "No-show", "orange"),
)
_BREAKDOWN = (
    *_CHART,
    (SessionStatus.IN_PROGRESS, "In progress", "teal"),
    (SessionStatus.PENDING_MENTOR_REVIEW, "Awaiting mentor", "amber"),
    (SessionStatus.REJECTED, "Declined", "red"),
)


@dataclass(frozen=True, slots=True)
class Card:
    """One figure. ``good``: whether more of it is good; None for neither. ``change`` is a share."""

    label: str
    value: str
    href: str
    change: float | None = None
    good: bool | None = None
    trend: Sequence[float] = ()
    note: str = ""


class OverviewView(Guarded, AdminIndexView):
    permission = Permission.OVERVIEW_VIEW
    section, icon = "", "speedometer2"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.static_folder = None  # Flask-Admin's own skin: scripts of other days, which no page of ours loads

    @expose("/")
    def index(self) -> ResponseReturnValue:
        now, zone = request_now(), _zone()
        days = _days()
        period = period_ending_today(days, zone=zone, now=now)
        figures = read_overview(period, now=now)
        return self.render(
            "admin/pages/overview.html",
            days=days,
            ranges=[{"label": _named(count), "url": url_for("console.index", days=count), "active": count == days}
                    for count in _RANGES],
            queues=[(found, queue_url(found.queue)) for found in open_queues() if found.count],
            count_cap=COUNT_CAP,
            cards=_cards(figures, now_today=period_ending_today(1, zone=zone, now=now)),
            chart=_over_time(figures),
            breakdown=_breakdown(figures),
        )  # fmt: skip


def _zone() -> str:
    zone: str = g.get("viewer_zone") or "UTC"
    return zone


def _days() -> int:
    text = request.args.get("days", "")
    return int(text) if text in {str(count) for count in _RANGES} else _DEFAULT_DAYS


def _named(days: int) -> str:
    return "Year" if days == 365 else f"{days} days"


def _share(now: int | Decimal, before: int | Decimal) -> float | None:
    percent = change(now, before)
    return None if percent is None else float(percent) / 100


def _link(name: str, period: Period) -> str:
    return address(LISTS[name](period))


def _cards(figures: Overview, *, now_today: Period) -> list[Card]:
    now, before, period = figures.now, figures.before, figures.period
    trend = _trends(figures)
    return [
        _counted("Total sessions", "sessions", now.sessions, before.sessions, period, good=True, trend=trend[None]),
        _of_status(SessionStatus.COMPLETED, "Completed", figures, good=True, trend=trend),
        _of_status(SessionStatus.CANCELLED, "Cancelled", figures, good=False, trend=trend),
        Card(
            "No-show rate", f"{now.no_show_rate} %", _link("no_show", period),
            _share(now.no_show_rate, before.no_show_rate), good=False, trend=trend[SessionStatus.NO_SHOW],
        ),
        Card("Sessions today", format_number(figures.today), _link("sessions", now_today), note="In your time zone"),
        Card(
            "Average rating",
            f"{now.average_rating:.2f}" if now.average_rating is not None else "\N{EN DASH}",
            url_for("console_session_reviews.index_view"),
            _share(now.average_rating, before.average_rating) if now.average_rating and before.average_rating else None,
            good=True,
            note=f"{format_number(now.reviews)} reviews",
        ),
        *_money_cards(now, before, period),
        _counted(
            "Cancelled by mentors", "cancelled_by_mentor", now.by_canceller["mentor"], before.by_canceller["mentor"],
            period, good=False,
        ),
        _counted(
            "Cancelled by mentees", "cancelled_by_mentee", now.by_canceller["mentee"], before.by_canceller["mentee"],
            period, good=False,
        ),
        *_waiting_cards(),
    ]  # fmt: skip


def _counted(
    label: str, name: str, now: int, before: int, period: Period, *, good: bool, trend: Sequence[float] = ()
) -> Card:
    return Card(label, format_number(now), _link(name, period), _share(now, before), good, trend)


def _of_status(
    status: SessionStatus, label: str, figures: Overview, *, good: bool, trend: Mapping[Any, Sequence[float]]
) -> Card:
    now, before = figures.now.by_status[status], figures.before.by_status[status]
    return _counted(label, status.value, now, before, figures.period, good=good, trend=trend[status])


def _money_cards(now: Totals, before: Totals, period: Period) -> list[Card]:
    """The currency with the most money leads, the others stand below; they are never added up. Net: less refunds."""
    order = currencies(now, before) or ["EUR"]
    found = []
    for label, name, amounts, earlier, good in (
        ("Revenue", "completed", now.revenue, before.revenue, True),
        ("Refunds issued", "refunded", now.refunds, before.refunds, False),
        ("Net revenue", "sessions", now.net(), before.net(), True),
    ):
        first, *others = [format_money(amounts.get(code, 0), code, whole=True) for code in order]
        value = Markup("{}<small>{}</small>").format(first, " · ".join(others)) if others else escape(first)
        share = _share(amounts.get(order[0], 0), earlier.get(order[0], 0))
        found.append(Card(label, value, _link(name, period), share, good))
    return found


def _waiting_cards() -> list[Card]:
    waiting = waiting_now()
    disputes = waiting[Queue.DISPUTES]
    breached = f"{disputes.breached} past their promise" if disputes.breached else "All within their promise"
    cards = [
        ("Open disputes", Queue.DISPUTES, breached if disputes.count else ""),
        ("Pending reschedules", Queue.PENDING_RESCHEDULES, ""),
        ("Failed refunds", Queue.REFUNDS_FAILED, ""),
        ("Suggestions waiting", Queue.NO_SHOW_SUGGESTIONS, ""),
    ]
    seen = {found.queue for found in open_queues()}
    return [
        Card(
            label,
            f"{COUNT_CAP}+" if waiting[queue].count > COUNT_CAP else format_number(waiting[queue].count),
            queue_url(queue),
            note=note,
        )
        for label, queue, note in cards
        if queue in seen
    ]


def _trends(figures: Overview) -> dict[Any, list[float]]:
    """About a dozen points a line, whatever the period's length."""
    days = sorted(figures.by_day)
    step = max(1, len(days) // 14)
    groups = [days[index : index + step] for index in range(0, len(days), step)]
    lines: dict[Any, list[float]] = {
        status: [float(sum(figures.by_day[day].get(status, 0) for day in group)) for group in groups]
        for status in SessionStatus
    }
    lines[None] = [sum(values) for values in zip(*lines.values(), strict=True)]
    return lines


def _over_time(figures: Overview) -> dict[str, Any]:
    """Sessions a UTC day, or a week of them in a long period; a click leads to the list of exactly that piece."""
    days = sorted(figures.by_day)
    step = 7 if len(days) > _MOST_BARS else 1
    pieces = [days[index : index + step] for index in range(0, len(days), step)]
    return {
        "labels": [f"{piece[0].day} {piece[0]:%b}" for piece in pieces],
        "stacked": True,
        "series": [
            {
                "label": label,
                "tone": tone,
                "values": [sum(figures.by_day[day].get(status, 0) for day in piece) for piece in pieces],
                "links": [_piece_link(piece[0], piece[-1], status) for piece in pieces],
            }
            for status, label, tone in _CHART
        ],
    }


@lru_cache(maxsize=4096)
def _piece_link(first: date, last: date, status: SessionStatus) -> str:
    chosen = SessionFilter(zone="UTC", statuses=(status,), day_from=first, day_to=last, sort="scheduled_at")
    return address(chosen, zone="UTC")


def _breakdown(figures: Overview) -> dict[str, Any]:
    shown = [entry for entry in _BREAKDOWN if figures.now.by_status[entry[0]]]
    links = []
    for status, _, _ in shown:
        chosen = SessionFilter(
            zone=figures.period.zone, statuses=(status,), day_from=figures.period.first, day_to=figures.period.last,
            sort="scheduled_at",
        )  # fmt: skip
        links.append(address(chosen))
    series = {
        "label": "Sessions",
        "values": [figures.now.by_status[status] for status, _, _ in shown],
        "tones": [tone for _, _, tone in shown],
        "links": links,
    }
    return {"labels": [label for _, label, _ in shown], "series": [series]}
