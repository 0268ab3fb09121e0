"""The sessions list as its template draws it: every value ready to print, so that the loop is one plain pass (SL-1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from app.admin.filters import words_of
from app.admin.theme import FilterChip
from app.domain.vocabulary import SessionStatus
from app.support.kpis import period_ending_today
from app.support.queues import SPECS
from app.support.session_filter import SORTS, SessionFilter

LIST_PATH = "/admin/sessions/"


@dataclass(frozen=True, slots=True)
class Head:
    """One column's head: where a click leads, and how the column is sorted now."""

    label: str
    url: str | None
    state: str | None
    css: str = ""


COLUMNS = (
    ("title", "Session", "title"),
    ("id", "Id", ""),
    ("mentor", "Mentor", ""),
    ("mentee", "Mentee", ""),
    ("scheduled_at", "When", ""),
    ("duration", "Length", "num"),
    ("status", "Status", ""),
    ("meeting_type", "Type", ""),
    ("rate", "Rate", "num"),
    ("refund", "Refund", ""),
    ("reschedules", "Moves", "num"),
    ("created_at", "Booked", ""),
)


def heads(chosen: SessionFilter) -> list[Head]:
    """The head of the table; all but the meeting type sort (SL-1)."""
    return [
        Head(
            label,
            address(chosen.sorted_by(name)) if name in SORTS else None,
            ("desc" if chosen.descending else "asc") if name == chosen.sort else None,
            css,
        )
        for name, label, css in COLUMNS
        if not chosen.columns or name in chosen.columns
    ]


def address(chosen: SessionFilter, **more: str | int | None) -> str:
    """The list with this filter."""
    kept = {name: value for name, value in more.items() if value}
    query = query_of(chosen) + ("&" + urlencode(kept) if kept else "")
    return f"{LIST_PATH}?{query.removeprefix('&')}" if query else LIST_PATH


@lru_cache(maxsize=2048)
def query_of(chosen: SessionFilter) -> str:
    """The arguments of its address."""
    # A chart's pieces lead to a hundred lists, the same on each visit of a day.
    return urlencode(chosen.arguments(), doseq=True)


def chips(chosen: SessionFilter, names: Mapping[UUID, str]) -> list[FilterChip]:
    """The filters in force in words, each with the address of the list without it."""
    found: list[tuple[str, str, str]] = []
    if chosen.queue:
        found.append(("queue", "Queue", SPECS[chosen.queue].label))
    if chosen.search:
        found.append(("q", "Search", chosen.search))
    if chosen.statuses:
        found.append(("status", "Status", _statuses(chosen.statuses)))
    if chosen.day_from or chosen.day_to:
        found.append(("from", "When", _range(chosen)))
    if chosen.mentor_id:
        found.append(("mentor", "Mentor", names.get(chosen.mentor_id, "unknown")))
    if chosen.mentee_id:
        found.append(("mentee", "Mentee", names.get(chosen.mentee_id, "unknown")))
    if chosen.mentor_name:
        found.append(("mentor_name", "Mentor named", chosen.mentor_name))
    if chosen.mentee_name:
        found.append(("mentee_name", "Mentee named", chosen.mentee_name))
    for name, label, values in (
        ("meeting_type", "Type", chosen.meeting_types),
        ("refund", "Refund", chosen.refund_statuses),
        ("cancelled_by", "Cancelled by", chosen.cancelled_by),
        ("reason", "Reason", chosen.reasons),
    ):
        if values:
            found.append((name, label, ", ".join(words_of(value) for value in values)))
    if chosen.currencies:
        found.append(("currency", "Currency", ", ".join(chosen.currencies)))
    if chosen.in_net:
        found.append(("in_net", "Net revenue", "completed or refunded"))
    if chosen.reassigned is not None:
        found.append(("reassigned", "Reassigned", "yes" if chosen.reassigned else "no"))
    if chosen.pending_reschedule is not None:
        found.append(("pending_reschedule", "Proposal open", "yes" if chosen.pending_reschedule else "no"))
    return [FilterChip(label, value, address(chosen.without(name))) for name, label, value in found]


def _statuses(statuses: Sequence[SessionStatus]) -> str:
    left_out = [status for status in SessionStatus if status not in statuses]
    if len(statuses) > 3 and len(left_out) <= 3:
        return "all but " + ", ".join(words_of(status).lower() for status in left_out)
    return ", ".join(words_of(status) for status in statuses)


def _range(chosen: SessionFilter) -> str:
    first = chosen.day_from.isoformat() if chosen.day_from else ""
    last = chosen.day_to.isoformat() if chosen.day_to else ""
    if first == last:
        return first
    return f"{first} to {last}" if first and last else f"from {first}" if first else f"until {last}"


def tabs(chosen: SessionFilter, now: datetime) -> list[dict[str, Any]]:
    """Parts of the list that are asked for every day, one click away."""
    today = period_ending_today(1, zone=chosen.zone, now=now).first
    views = {
        "All": SessionFilter(zone=chosen.zone),
        "Today": SessionFilter(zone=chosen.zone, day_from=today, day_to=today, sort="scheduled_at"),
        "In progress": SessionFilter(zone=chosen.zone, statuses=(SessionStatus.IN_PROGRESS,)),
        "Upcoming": SessionFilter(
            zone=chosen.zone, statuses=(SessionStatus.SCHEDULED,), day_from=today, sort="scheduled_at", descending=False
        ),
        "No-shows": SessionFilter(zone=chosen.zone, statuses=(SessionStatus.NO_SHOW,)),
    }
    here = chosen.arguments(with_order=False)
    return [
        {
            "label": label,
            "url": address(replace(view, columns=chosen.columns)),
            "active": view.arguments(with_order=False) == here,
        }
        for label, view in views.items()
    ]
