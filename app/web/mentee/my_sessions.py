"""A mentee's sessions: what comes next, what waits, what was (DB-1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, render_template, request

from app.booking.queries import MENTEE_TABS, count_tabs, list_sessions
from app.domain.permissions import Permission
from app.domain.vocabulary import SessionStatus
from app.http.context import current_context
from app.http.login import requires
from app.web.asking import id_arg, page_arg, text_arg, url_with
from app.web.session_lists import ROWS_PER_PAGE, asked_sessions, has_filter, starts_in, tab_entries
from app.web.sessions.words import status_sentence

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

bp = Blueprint("my_sessions", __name__)

LABELS = {"upcoming": "Upcoming", "awaiting": "Awaiting approval", "past": "Past", "rejected": "Rejected"}
_AHEAD = frozenset({SessionStatus.SCHEDULED, SessionStatus.IN_PROGRESS})


@bp.get("/my/sessions")
@requires(Permission.OWN_BOOKING_CREATE)
def overview() -> ResponseReturnValue:
    tab = request.args.get("tab", "")
    tab = tab if tab in MENTEE_TABS else "upcoming"
    wanted, ctx, page = asked_sessions(tab), current_context(), page_arg()
    found = list_sessions(wanted, page=page, limit=ROWS_PER_PAGE, ctx=ctx)
    is_top = tab == "upcoming" and page == 1 and not has_filter(wanted)
    hero = next((row for row in found.items if row.status in _AHEAD and not row.awaits_payment), None)
    return render_template(
        "mentee/my_sessions.html",
        found=found,
        hero=hero if is_top else None,
        tab=tab,
        tabs=tab_entries(LABELS, count_tabs(ctx), tab, "my_sessions.overview"),
        wanted=wanted,
        is_filtered=has_filter(wanted),
        new=id_arg("new"),
        first_day=text_arg("from", 10),
        last_day=text_arg("to", 10),
        url_with=url_with,
        starts_in=starts_in,
        told_status=status_sentence,
    )
