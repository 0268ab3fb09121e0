"""The queue of disputes as its template draws it, and what a dispute is called in words (DSP-2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from app.admin.filters import words_of
from app.admin.theme import FilterChip
from app.domain.dispute_clock import Deadlines, DisputeClock, SlaLevel, Targets
from app.domain.disputes import OPEN_DISPUTES
from app.domain.vocabulary import DisputeResolution
from app.support.disputes.dispute_filter import TAB_LABELS, DisputeFilter, Tab

LIST_PATH = "/admin/disputes/"
OUTCOME_LABELS = {
    DisputeResolution.REFUND_ISSUED: "Refund",
    DisputeResolution.WARNING_SENT: "Warning",
    DisputeResolution.ACCOUNT_SUSPENDED: "Account suspended",
    DisputeResolution.SESSION_RESCHEDULED: "New time",
    DisputeResolution.NO_ACTION: "No step",
}
_TONES = {SlaLevel.ON_TIME: "green", SlaLevel.WARNING: "amber", SlaLevel.BREACHED: "red"}


@dataclass(frozen=True, slots=True)
class Sla:
    """A clock as a bar: how much of the time is used, and in words what is due when.

    :param due_at: the next deadline; None while the clock stands still
    """

    used: int
    tone: str
    words: str
    due_at: datetime | None


def sla_of(clock: DisputeClock, now: datetime, targets: Targets) -> Sla:
    """The bar of an open dispute."""
    level = clock.level(now, targets)
    what = "Resolution due" if clock.answered_at else "First answer due"
    if clock.waiting_since is not None:
        return Sla(clock.share_used(now, targets), "gray", "Waits for the reporter", None)
    return Sla(clock.share_used(now, targets), _TONES[level], what, clock.due_at)


@dataclass(frozen=True, slots=True)
class DisputeRow:
    """One line of the queue."""

    id: UUID
    reason: str
    category: str
    title: str
    session_id: UUID
    reporter: str
    reporter_role: str
    priority: Any
    status: Any
    is_open: bool
    awaits_approval: bool
    assignee: str | None
    is_mine: bool
    created_at: datetime
    resolved_at: datetime | None
    outcome: str
    was_late: bool
    sla: Sla | None


def dispute_rows(rows: Sequence[Any], *, now: datetime, targets: Targets, me: UUID | None) -> list[DisputeRow]:
    """The rows for a reader who is ``me``."""
    return [
        DisputeRow(
            id=row.id,
            reason=row.reason,
            category=words_of(row.category),
            title=row.title,
            session_id=row.session_id,
            reporter=row.reporter_name,
            reporter_role=words_of(row.reporter_role),
            priority=row.priority,
            status=row.status,
            is_open=row.status in OPEN_DISPUTES,
            awaits_approval=row.awaiting_refund_id is not None,
            assignee=row.assignee_name,
            is_mine=me is not None and row.assigned_to == me,
            created_at=row.created_at,
            resolved_at=row.resolved_at,
            outcome=OUTCOME_LABELS[row.resolution_action] if row.resolution_action else "",
            was_late=row.breached_at is not None,
            sla=sla_of(_clock(row), now, targets) if row.status in OPEN_DISPUTES else None,
        )
        for row in rows
    ]


def _clock(row: Any) -> DisputeClock:
    return DisputeClock(
        priority=row.priority,
        opened_at=row.created_at,
        deadlines=Deadlines(row.first_response_due_at, row.resolution_due_at),
        answered_at=row.first_responded_at,
        waiting_since=row.waiting_since,
        waited=timedelta(seconds=row.waited_seconds),
        warned_at=row.warned_at,
        breached_at=row.breached_at,
    )


def address(chosen: DisputeFilter, **more: str | None) -> str:
    """The list with this filter."""
    query = urlencode(
        [*((k, v) for k, vs in chosen.arguments().items() for v in vs), *((k, v) for k, v in more.items() if v)]
    )
    return f"{LIST_PATH}?{query}" if query else LIST_PATH


def tabs(chosen: DisputeFilter) -> list[dict[str, Any]]:
    """The parts of the queue, each with the filter in force."""
    return [
        {"label": label, "url": address(chosen.on(tab)), "active": tab is chosen.tab}
        for tab, label in TAB_LABELS.items()
    ]


def chips(chosen: DisputeFilter, names: Mapping[UUID, str]) -> list[FilterChip]:
    """The filters in force in words, each with the address of the list without it."""
    found = []
    if chosen.priorities:
        found.append(("priority", "Priority", ", ".join(words_of(each) for each in chosen.priorities)))
    if chosen.categories:
        found.append(("category", "Category", ", ".join(words_of(each) for each in chosen.categories)))
    if chosen.assignee_id:
        found.append(("assignee", "Assignee", names.get(chosen.assignee_id, "unknown")))
    return [FilterChip(label, value, address(chosen.without(name))) for name, label, value in found]


EMPTY_WORDS = {
    Tab.OPEN: ("No open disputes", "When somebody reports a problem with a session, it waits here."),
    Tab.MINE: ("Nothing is yours", "Take a dispute, or let a colleague give you one."),
    Tab.UNASSIGNED: ("Everything has somebody", "What nobody has taken yet waits here."),
    Tab.WAITING: ("Nobody is asked", "Disputes whose reporter you asked wait here; their clock stands still."),
    Tab.RESOLVED: ("Nothing is closed yet", "What was resolved or dismissed is kept here."),
}
