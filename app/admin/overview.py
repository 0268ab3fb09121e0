"""The overview: what needs somebody now, then the figures, then the charts (KPI-1, KPI-2, KPI-3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_admin import AdminIndexView, expose
from markupsafe import Markup, escape

from app.admin.cases.rows import address
from app.admin.charts import charts_of
from app.admin.guard import Guarded
from app.admin.menu import open_queues, queue_url, waited_at
from app.admin.periods import chosen_arguments, ending_today, range_entries, usable_period
from app.domain.kpis import change
from app.domain.permissions import Permission
from app.domain.vocabulary import SessionStatus
from app.domain.wording import format_money, format_number, format_relative
from app.http.context import request_now
from app.support.charts import read_charts
from app.support.kpis import LISTS, Overview, Period, Totals, currencies, start_overview
from app.support.queues import COUNT_CAP, Queue, Waiting

_DEFAULT_DAYS = 30


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


@dataclass(frozen=True, slots=True)
class QueueCard:
    """One queue in which something waits, since ``oldest`` at the longest."""

    label: str
    url: str
    icon: str
    tone: str
    count: str
    breached: int
    oldest: datetime | None


class OverviewView(Guarded, AdminIndexView):
    permission = Permission.OVERVIEW_VIEW
    section, icon = "", "speedometer2"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.static_folder = None  # Flask-Admin's own skin: scripts of other days, which no page of ours loads

    @expose("/")
    def index(self) -> ResponseReturnValue:
        period, days, problem = usable_period(_DEFAULT_DAYS)
        # Asked first: the database answers while the page is drawn down to the figures.
        figures, today = start_overview(period, now=request_now()), ending_today(1)
        waiting = _waiting_cards(period)
        html = self.render(
            "admin/pages/overview.html",
            days=days,
            period=period,
            problem=problem,
            ranges=partial(range_entries, "console.index", days),
            queues=_queue_cards(),
            # As long as the figures are the same, so are the cards.
            cards_key=lambda: (period, today, figures().rows, tuple(waiting)),
            cards=lambda: [*_cards(figures(), today), *waiting],
            charts_url=url_for("console.charts", **chosen_arguments(period, days)),
        )
        return html, 422 if problem else 200

    @expose("/charts")
    def charts(self) -> ResponseReturnValue:
        """The charts of a range with their numbers: the overview brings them in, and without a script it is a page."""
        period, days, problem = usable_period(_DEFAULT_DAYS)
        html = self.render(
            "admin/pages/overview_charts.html",
            days=days,
            period=period,
            problem=problem,
            ranges=range_entries("console.charts", days),
            charts=charts_of(read_charts(period)),
            overview_url=url_for("console.index", **chosen_arguments(period, days)),
        )
        return html, 422 if problem else 200


def _queue_cards() -> list[QueueCard]:
    """What waits, in words, most urgent first."""
    return [
        QueueCard(
            found.spec.label, queue_url(found.queue), found.spec.icon, found.spec.tone, _capped(found.count),
            found.breached, found.oldest,
        )
        for found in open_queues()
        if found.count
    ]  # fmt: skip


def _capped(count: int) -> str:
    return f"{COUNT_CAP}+" if count > COUNT_CAP else format_number(count)


def _share(now: int | Decimal, before: int | Decimal) -> float | None:
    percent = change(now, before)
    return None if percent is None else float(percent) / 100


def _link(name: str, period: Period) -> str:
    return address(LISTS[name](period))


def _cards(figures: Overview, today: Period) -> list[Card]:
    (now, before), period = figures.totals(), figures.period
    trend, today_share = figures.trends(), _share(figures.today, figures.yesterday)

    def of_status(status: SessionStatus, label: str, *, good: bool) -> Card:
        found, earlier = now.by_status[status], before.by_status[status]
        return _counted(label, status.value, found, earlier, period, good=good, trend=trend[status])

    return [
        _counted("Total sessions", "sessions", now.sessions, before.sessions, period, good=True, trend=trend[None]),
        of_status(SessionStatus.COMPLETED, "Completed", good=True),
        of_status(SessionStatus.CANCELLED, "Cancelled", good=False),
        Card(
            "No-show rate", f"{now.no_show_rate} %", _link("no_show", period),
            _share(now.no_show_rate, before.no_show_rate), good=False, trend=trend[SessionStatus.NO_SHOW],
        ),
        Card(
            "Sessions today", format_number(figures.today), _link("sessions", today),
            today_share, good=True, note="on yesterday" if today_share is not None else "In your time zone",
        ),
        Card(
            "Average rating",
            f"{now.average_rating:.2f}" if now.average_rating is not None else "\N{EN DASH}",
            _reviews_link(period),
            _share(now.average_rating, before.average_rating) if now.average_rating and before.average_rating else None,
            good=True,
            note=f"{format_number(now.reviews)} {'review' if now.reviews == 1 else 'reviews'}",
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
    ]  # fmt: skip


def _reviews_link(period: Period) -> str:
    """The reviews that the average counts, written on the reader's days of the period."""
    days: dict[str, Any] = {"flt0_created_on_days": f"{period.first} to {period.last}"}
    return url_for("console_session_reviews.index_view", tab="counted", **days)


def _counted(
    label: str, name: str, now: int, before: int, period: Period, *, good: bool, trend: Sequence[float] = ()
) -> Card:
    return Card(label, format_number(now), _link(name, period), _share(now, before), good, trend)


def _money_cards(now: Totals, before: Totals, period: Period) -> list[Card]:
    """The currency with the most money leads, the others stand below; they are never added up. Net: less refunds."""
    order = currencies(now, before) or ["EUR"]
    found = []
    for label, name, amounts, earlier, good in (
        ("Revenue", "completed", now.revenue, before.revenue, True),
        ("Refunds issued", "refunded", now.refunds, before.refunds, False),
        ("Net revenue", "net", now.net(), before.net(), True),
    ):
        first, *others = [format_money(amounts.get(code, 0), code, whole=True) for code in order]
        value = Markup("{}<small>{}</small>").format(first, " · ".join(others)) if others else escape(first)
        share = _share(amounts.get(order[0], 0), earlier.get(order[0], 0))
        found.append(Card(label, value, _link(name, period), share, good))
    return found


def _waiting_cards(period: Period) -> list[Card]:
    """What waits now, compared with the beginning of the period where that is known; else with the oldest's age."""
    labels = {
        Queue.DISPUTES: "Open disputes",
        Queue.PENDING_RESCHEDULES: "Pending reschedules",
        Queue.REFUNDS_FAILED: "Failed refunds",
        Queue.NO_SHOW_SUGGESTIONS: "Suggestions waiting",
    }
    found = {one.queue: one for one in open_queues() if one.queue in labels}
    then = waited_at(period.start) if found else {}
    cards = []
    for queue, label in labels.items():
        if queue not in found:
            continue
        count, share = found[queue].count, None
        if then.get(queue) and count <= COUNT_CAP:
            share = _share(count, then[queue])
        note = _age(found[queue]) if share is None else f"on {period.first.day} {period.first:%b}, {_age(found[queue])}"
        cards.append(Card(label, _capped(count), queue_url(queue), share, good=False, note=note))
    return cards


def _age(waiting: Waiting) -> str:
    if not waiting.count or waiting.oldest is None:
        return "None waits"
    late = f"{waiting.breached} past their promise, " if waiting.breached else ""
    return f"{late}oldest {format_relative(waiting.oldest, request_now())}"
