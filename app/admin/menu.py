"""The sidebar: what this reader may open, and the queues in which something waits (DESIGN, KPI-3)."""

from __future__ import annotations

from typing import Any

from flask import current_app, g, url_for

from app.admin.theme import MenuEntry, MenuSection
from app.domain.permissions import may
from app.http.context import current_actor, request_now
from app.support.queues import COUNT_CAP, SPECS, Queue, Waiting, waiting

SECTIONS = ("", "Cases", "Money", "People", "Rules", "Messages", "Audit", "Operations")
MENU = "desk-console-menu"

# Where a queue that is none of sessions is listed: view and the tab of its list.
_LISTS: dict[Queue, tuple[str, str]] = {
    Queue.DISPUTES: ("console_session_disputes.index_view", "open"),
    Queue.REFUNDS_FAILED: ("console_refunds.index_view", "failed"),
    Queue.REFUNDS_AWAITING: ("console_refunds.index_view", "awaiting"),
    Queue.PAYMENTS_FLAGGED: ("console_payments.index_view", "flagged"),
    Queue.MENTOR_APPLICATIONS: ("console_mentors.index_view", "waiting"),
    Queue.FAILED_EMAILS: ("console_email_events.index_view", "failed"),
    Queue.DEAD_JOBS: ("console_jobs.index_view", "dead"),
}


def waiting_now() -> dict[Queue, Waiting]:
    """The queues as they are at this request, asked for once."""
    if "console_queues" not in g:
        g.console_queues = waiting(request_now())
    found: dict[Queue, Waiting] = g.console_queues
    return found


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


def _section(label: str, views: list[Any], active: Any) -> MenuSection:
    entries = [
        MenuEntry(view.name, view.get_url(_start(view)), view.icon, active=view is active)
        for view in views
        if view.section == label and view.is_accessible()
    ]
    return MenuSection(label, entries)


def _start(view: Any) -> str:
    return f"{view.endpoint}.{view._default_view}"  # noqa: SLF001 - where Flask-Admin keeps a view's first page
