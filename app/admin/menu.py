"""The sidebar: what this reader may open, and the queues in which something waits (DESIGN, KPI-3)."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, Response, current_app, g, request, url_for

from app.admin.theme import MenuEntry, MenuSection
from app.domain.permissions import may
from app.http.context import current_actor, request_globals, request_now
from app.support.queues import COUNT_CAP, SPECS, Queue, Waiting, waited_then, waiting

SECTIONS = ("", "Cases", "Money", "People", "Rules", "Messages", "Audit", "Operations")
MENU = "desk-console-menu"
_COUNTS = "desk-console-counts"
_PAST = "desk-console-past-counts"
_MOST_MOMENTS = 500

# Where a queue that is none of sessions is listed: view and the tab of its list.
_LISTS: dict[Queue, tuple[str, str]] = {
    Queue.DISPUTES: ("console_disputes.index", "open"),
    Queue.REFUNDS_FAILED: ("console_refund_queue.index", "failed"),
    Queue.REFUNDS_AWAITING: ("console_refund_queue.index", "awaiting"),
    Queue.FINDINGS: ("console_reconciliation.index", "open"),
    Queue.PAYMENTS_FLAGGED: ("console_payments.index_view", "flagged"),
    Queue.MENTOR_APPLICATIONS: ("console_mentors.index_view", "waiting"),
    Queue.FAILED_EMAILS: ("console_email_events.index_view", "failed"),
    Queue.DEAD_JOBS: ("console_jobs.index_view", "dead"),
}


def waiting_now() -> dict[Queue, Waiting]:
    """The queues, as they were at most ``CONSOLE_COUNTS_SECONDS`` ago; what this process changes shows at once."""
    here = request_globals()
    found: dict[Queue, Waiting] | None = here.get("console_queues")
    if found is None:
        found = here.console_queues = current_app.extensions[_COUNTS].read(request_now())
    return found


def waited_at(moment: datetime) -> dict[Queue, int]:
    """How much waited then; kept as long as the process lives, because what is past stays as it was."""
    if not current_app.config["CONSOLE_COUNTS_SECONDS"]:
        return waited_then(moment)
    known: dict[datetime, dict[Queue, int]] = current_app.extensions.setdefault(_PAST, {})
    if moment not in known:
        if len(known) >= _MOST_MOMENTS:
            known.clear()
        known[moment] = waited_then(moment)
    return known[moment]


class _Counts:
    """A dozen counts stand in every page's sidebar; to ask for them each time costs more than a page's own rows."""

    def __init__(self) -> None:
        self._known: tuple[datetime, dict[Queue, Waiting]] | None = None

    def read(self, now: datetime) -> dict[Queue, Waiting]:
        known = self._known
        longest = timedelta(seconds=current_app.config["CONSOLE_COUNTS_SECONDS"])
        if known is None or not timedelta() <= now - known[0] < longest:
            known = self._known = (now, waiting(now))
        return known[1]

    def forget(self, response: Response) -> Response:
        if request.method not in {"GET", "HEAD"}:
            self._known = None
        return response


def init_app(app: Flask) -> None:
    """Keep the counts of this process. Tests look at what they have just changed, so there nothing is kept."""
    app.config.setdefault("CONSOLE_COUNTS_SECONDS", 0 if app.testing else 5)
    counts = _Counts()
    app.extensions[_COUNTS] = counts
    app.after_request(counts.forget)


def queue_url(queue: Queue) -> str:
    """The list that a queue's count counts."""
    if SPECS[queue].of_sessions:
        return url_for("console_sessions.index", queue=queue.value)
    endpoint, tab = _LISTS[queue]
    return url_for(endpoint, tab=tab)


def open_queues() -> list[Waiting]:
    """The queues that this reader may see, most urgent first."""
    role = current_actor().role
    return [found for found in waiting_now().values() if may(role, found.spec.permission)]


def console_menu(active: Any) -> list[MenuSection]:
    """The sidebar for this request; ``active`` is the view that is being drawn."""
    if g.get("is_broken"):
        return []
    views: list[Any] = current_app.extensions[MENU]
    sections = [_section(label, views, active) for label in SECTIONS]
    queues = [
        MenuEntry(
            found.spec.label, queue_url(found.queue), found.spec.icon,
            f"{COUNT_CAP}+" if found.count > COUNT_CAP else found.count, found.spec.tone,
        )
        for found in open_queues()
        if found.count
    ]  # fmt: skip
    sections.insert(1, MenuSection("Waiting", queues))
    return [section for section in sections if section.entries]


def console_menu_key(active: Any) -> tuple[Hashable, ...] | None:
    """What the sidebar depends on: equal keys are drawn alike. None where it must not be kept."""
    if g.get("is_broken"):
        return None
    counts = tuple((found.queue, found.count) for found in waiting_now().values() if found.count)
    return (current_actor().role, request.root_path, active.endpoint, counts)


def _section(label: str, views: list[Any], active: Any) -> MenuSection:
    entries = [
        MenuEntry(view.name, view.get_url(_start(view)), view.icon, active=view is active)
        for view in views
        if view.section == label and view.is_accessible()
    ]
    return MenuSection(label, entries)


def _start(view: Any) -> str:
    return f"{view.endpoint}.{view._default_view}"  # noqa: SLF001 - where Flask-Admin keeps a view's first page
