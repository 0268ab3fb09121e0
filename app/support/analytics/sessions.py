"""Why sessions do not take place, and how they are moved (AN-1)."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import text

from app.domain.kpis import rate
from app.domain.vocabulary import CancelledBy, SessionStatus
from app.extensions import db
from app.support.analytics.report import Column, Kind, Person, Report
from app.support.kpis import Period

_SHARE: Final = Column("share", "Share", Kind.PERCENT)

_REASONS: Final = text("""
SELECT cancelled_by, coalesce(cancellation_category, 'other') AS category, count(*) AS sessions
FROM sessions WHERE status = 'cancelled' AND scheduled_at >= :start AND scheduled_at < :end
GROUP BY 1, 2 ORDER BY sessions DESC, 1, 2
""")
_BY_STATUS: Final = text("""
SELECT status, coalesce(cancelled_by, '') AS cancelled_by, count(*) AS sessions
FROM sessions WHERE scheduled_at >= :start AND scheduled_at < :end AND status NOT IN ('draft', 'expired')
GROUP BY 1, 2
""")
_RESCHEDULES: Final = text("""
SELECT initiated_by, count(*) AS requests,
       count(*) FILTER (WHERE status = 'accepted') AS accepted,
       count(*) FILTER (WHERE status = 'rejected') AS rejected,
       count(*) FILTER (WHERE status = 'withdrawn') AS withdrawn,
       count(*) FILTER (WHERE status = 'expired') AS expired,
       round(avg(1 + counter_proposal_count), 2) AS rounds
FROM reschedule_requests WHERE created_at >= :start AND created_at < :end GROUP BY 1 ORDER BY 1
""")
_REPEATED: Final = text("""
SELECT u.id, u.name, missed.role, missed.sessions FROM (
    SELECT CASE no_show_party WHEN 'mentor' THEN mentor_id ELSE mentee_id END AS user_id, no_show_party AS role,
           count(*) AS sessions
    FROM sessions WHERE status = 'no_show' AND scheduled_at >= :start AND scheduled_at < :end
    GROUP BY 1, 2 HAVING count(*) > 1
) AS missed JOIN users u ON u.id = missed.user_id
ORDER BY missed.sessions DESC, u.name, u.id LIMIT 100
""")


def rows(statement: Any, period: Period, **more: Any) -> list[Any]:
    """The rows of a statement over a period: ``:start`` and ``:end`` are its instants."""
    return list(db.session.execute(statement, {"start": period.start, "end": period.end, **more}))


def cancellation_reasons(period: Period, _now: datetime) -> Report:
    found = rows(_REASONS, period)
    total = sum(row.sessions for row in found)
    return Report(
        columns=(
            Column("by", "Cancelled by"),
            Column("reason", "Reason"),
            Column("sessions", "Sessions", Kind.NUMBER),
            _SHARE,
        ),
        rows=[(named(row.cancelled_by), named(row.category), row.sessions, rate(row.sessions, total)) for row in found],
        chart=("reason", "sessions"),
        links=[{"status": "cancelled", "cancelled_by": row.cancelled_by} for row in found],
    )


def cancellation_rates(period: Period, _now: datetime) -> Report:
    found = rows(_BY_STATUS, period)
    total = sum(row.sessions for row in found)
    by = Counter(dict.fromkeys(CancelledBy, 0))
    for row in found:
        if row.status == SessionStatus.CANCELLED:
            by[CancelledBy(row.cancelled_by)] += row.sessions
    return Report(
        columns=(
            Column("by", "Cancelled by"),
            Column("sessions", "Cancelled", Kind.NUMBER),
            Column("of", "Of all sessions", Kind.NUMBER),
            Column("rate", "Rate", Kind.PERCENT),
        ),
        rows=[(named(who), count, total, rate(count, total)) for who, count in by.items()],
        chart=("by", "sessions"),
        links=[{"status": "cancelled", "cancelled_by": who.value} for who in by],
    )


def reschedules(period: Period, _now: datetime) -> Report:
    found = rows(_RESCHEDULES, period)
    return Report(
        columns=(
            Column("by", "Asked by"),
            Column("requests", "Requests", Kind.NUMBER),
            Column("accepted", "Accepted", Kind.NUMBER),
            Column("rejected", "Declined", Kind.NUMBER),
            Column("withdrawn", "Withdrawn", Kind.NUMBER),
            Column("expired", "Expired", Kind.NUMBER),
            Column("rounds", "Average rounds", Kind.SCORE),
            Column("accepted_share", "Accepted share", Kind.PERCENT),
        ),
        rows=[
            (
                named(row.initiated_by), row.requests, row.accepted, row.rejected, row.withdrawn, row.expired,
                Decimal(row.rounds), rate(row.accepted, row.requests),
            )
            for row in found
        ],
        chart=("by", "requests"),
    )  # fmt: skip


def repeated_no_shows(period: Period, _now: datetime) -> Report:
    found = rows(_REPEATED, period)
    return Report(
        columns=(
            Column("person", "Person", Kind.PERSON),
            Column("role", "As"),
            Column("sessions", "No-shows", Kind.NUMBER),
        ),
        rows=[(Person(row.id, row.name), named(row.role), row.sessions) for row in found],
        links=[{"status": "no_show", row.role: str(row.id)} for row in found],
    )


_SIDES: Final = {"admin": "Support", "system": "The clock"}


def named(value: str) -> str:
    words = _SIDES.get(value, value).replace("_", " ")
    return words[:1].upper() + words[1:]
