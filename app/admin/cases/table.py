"""The rows of the sessions list, every value ready to print, so that the template's loop only prints (SL-1, PERF-1).

What people wrote is escaped here; the rest is numbers, times and words of ours, so that the loop need not look again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from app.domain.vocabulary import MeetingType, RefundStatus, SessionStatus
from app.domain.wording import (
    avatar_color,
    format_exact,
    format_iso,
    format_money,
    format_relative,
    format_short,
    initials,
    zone_of,
)

_name = lru_cache(maxsize=8192)(escape)
_color = lru_cache(maxsize=8192)(avatar_color)


class TableRow(NamedTuple):
    """One session; ``moves`` is how often it was moved, ``moved`` by whom."""

    id: str
    short: str
    title: Markup
    color: int
    initials: Markup
    mentor: Markup
    mentee: Markup
    when: str
    minutes: int
    status: SessionStatus
    meeting: MeetingType
    rate: str
    refund: RefundStatus
    moves: int
    moved: str
    is_proposed: bool
    booked_iso: str
    booked_exact: str
    booked: str


def table_rows(rows: Sequence[Any], *, zone: str, now: datetime) -> Iterator[TableRow]:
    """The rows for a reader in ``zone``."""
    place = zone_of(zone)
    quarter = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    for row in rows:
        yield TableRow._make((*_steady(row, place, quarter), format_relative(row.created_at, now)))


@lru_cache(maxsize=4096)
def _steady(row: Any, place: ZoneInfo, quarter: datetime) -> tuple[Any, ...]:
    """All but how long ago it was booked: the newest sessions are looked at again and again, by everybody (PERF-1).

    :param quarter: the quarter of an hour in which it is read, which tells the present year: dates leave it out
    """
    by_mentee, by_mentor = row.reschedule_count, row.mentor_reschedule_count
    at, booked, key = row.scheduled_at, row.created_at, str(row.id)
    return (
        key,
        key[:8],
        escape(row.title),
        _color(row.mentor_id),
        _name(initials(row.mentor_name)),
        _name(row.mentor_name),
        _name(row.mentee_name),
        format_short(at, place, quarter) if at else "\N{EN DASH}",
        row.duration,
        row.status,
        row.meeting_type,
        format_money(row.rate_minor, row.currency) if row.rate_minor else "Free",
        row.refund_status,
        by_mentee + by_mentor,
        f"Mentee {by_mentee}, mentor {by_mentor}" if by_mentee or by_mentor else "",
        row.pending_reschedule_request_id is not None,
        format_iso(booked),
        format_exact(booked, place),
    )
