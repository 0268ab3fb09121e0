"""A mentor's dashboard and wallet (DB-2, MN-10)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import Blueprint, render_template, request

from app.booking.queries import MENTOR_TABS, SessionFilter, count_tabs, list_sessions, mentor_figures
from app.booking.read_models import SessionRow
from app.domain.permissions import Permission
from app.domain.times import days_bounds, zone
from app.domain.vocabulary import SessionStatus
from app.http.context import current_actor, current_context, request_now
from app.http.login import requires
from app.money.payouts import payouts_of
from app.money.wallets import wallet_lines, wallet_of
from app.web.asking import date_arg, page_arg, text_arg, url_with, viewer_zone
from app.web.session_lists import ROWS_PER_PAGE, asked_sessions, has_filter, starts_in, tab_entries
from app.web.sessions.words import status_sentence

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

bp = Blueprint("mentor", __name__)

LABELS = {"approvals": "Approvals", "pending": "Pending", "active": "Active", "past": "Past"}
_AHEAD = (SessionStatus.SCHEDULED, SessionStatus.IN_PROGRESS)
_LINES = 30
_MOST_IN_A_WEEK = 100


@bp.get("/mentor/schedule")
@requires(Permission.OWN_SCHEDULE_EDIT)
def schedule() -> ResponseReturnValue:
    """Header cards, tabs, and the rows of one of them; or a week at a glance (DB-2)."""
    ctx = current_context()
    counts = count_tabs(ctx)
    if request.args.get("view") == "week":
        return _week(counts)
    tab = request.args.get("tab", "")
    tab = tab if tab in MENTOR_TABS else ("approvals" if counts["approvals"] else "pending")
    wanted, page = asked_sessions(tab), page_arg()
    found = list_sessions(wanted, page=page, limit=ROWS_PER_PAGE, ctx=ctx)
    return render_template(
        "mentor/schedule.html",
        figures=mentor_figures(ctx),
        found=found,
        hero=_hero(tab, found.items, page) if not has_filter(wanted) else None,
        tab=tab,
        tabs=tab_entries(LABELS, counts, tab, "mentor.schedule", approvals="amber"),
        wanted=wanted,
        is_filtered=has_filter(wanted),
        first_day=text_arg("from", 10),
        last_day=text_arg("to", 10),
        url_with=url_with,
        starts_in=starts_in,
        told_status=status_sentence,
    )


@bp.get("/mentor/wallet")
@requires(Permission.OWN_WALLET_VIEW)
def wallet() -> ResponseReturnValue:
    """What is pending until sessions are over, what is available, and what each session brought."""
    mentor_id = current_actor().user_id
    assert mentor_id is not None  # `requires` has let a mentor in
    page = page_arg()
    lines = wallet_lines(mentor_id, limit=_LINES + 1, offset=(page - 1) * _LINES)
    return render_template(
        "mentor/wallet.html",
        wallet=wallet_of(mentor_id),
        lines=lines[:_LINES],
        payouts=payouts_of(mentor_id) if page == 1 else (),
        has_more=len(lines) > _LINES,
        page=page,
        url_with=url_with,
    )


def _hero(tab: str, rows: Any, page: int) -> SessionRow | None:
    if tab not in {"pending", "active"} or page > 1:
        return None
    return next((row for row in rows if row.status in _AHEAD and row.join_opens_at), None)


def _week(counts: dict[str, int]) -> ResponseReturnValue:
    where = zone(viewer_zone())
    today = request_now().astimezone(where).date()
    day = date_arg("day") or today
    monday = day - timedelta(days=day.weekday())
    bounds = days_bounds(monday, monday + timedelta(days=6), where)
    ctx = current_context()
    wanted = SessionFilter(
        statuses=(*_AHEAD, SessionStatus.COMPLETED, SessionStatus.PENDING_MENTOR_REVIEW, SessionStatus.NO_SHOW),
        start=bounds.start,
        end=bounds.end,
    )
    found = list_sessions(wanted, page=1, limit=_MOST_IN_A_WEEK, ctx=ctx)
    days: list[tuple[Any, list[SessionRow]]] = [(monday + timedelta(days=number), []) for number in range(7)]
    for row in sorted(found.items, key=lambda row: row.scheduled_at or bounds.start):
        if row.scheduled_at is not None:
            days[(row.scheduled_at.astimezone(where).date() - monday).days][1].append(row)
    return render_template(
        "mentor/week.html",
        figures=mentor_figures(ctx),
        days=days,
        today=today,
        monday=monday,
        previous=(monday - timedelta(days=7)).isoformat(),
        following=(monday + timedelta(days=7)).isoformat(),
        tabs=tab_entries(LABELS, counts, "", "mentor.schedule", approvals="amber"),
    )
