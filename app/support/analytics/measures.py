"""The measures of success beside their target lines (AN-3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import text

from app.domain.kpis import rate
from app.extensions import db
from app.support.analytics.report import Column, Kind, Report
from app.support.kpis import Period

_SESSIONS: Final = text("""
SELECT count(*) FILTER (WHERE status IN ('completed', 'cancelled', 'no_show')) AS over,
       count(*) FILTER (WHERE status = 'completed') AS completed,
       count(*) FILTER (WHERE status = 'no_show') AS no_shows,
       count(*) FILTER (WHERE status = 'cancelled' AND cancelled_by IN ('mentor', 'mentee')) AS cancelled,
       count(*) FILTER (WHERE status = 'cancelled' AND cancellation_category = 'technical'
                        AND meeting_type = 'video') AS technical,
       count(*) FILTER (WHERE meeting_type IN ('video', 'audio') AND status IN ('completed', 'no_show')) AS met,
       count(*) FILTER (WHERE meeting_type IN ('video', 'audio') AND status IN ('completed', 'no_show')
                        AND meeting_url IS NOT NULL) AS linked,
       count(*) FILTER (WHERE booking_mode = 'request' AND status NOT IN ('draft', 'pending_mentor_review')
                        AND rejected_at IS NULL) AS approved,
       count(*) FILTER (WHERE booking_mode = 'request' AND rejected_at IS NOT NULL) AS declined
FROM sessions WHERE scheduled_at >= :start AND scheduled_at < :end
""")
_REVIEWED: Final = text("""
SELECT count(*) FROM session_reviews r JOIN sessions s ON s.id = r.session_id
WHERE s.status = 'completed' AND s.scheduled_at >= :start AND s.scheduled_at < :end AND r.author_id = s.mentee_id
""")
_PAYMENTS: Final = text("""
SELECT count(*) FILTER (WHERE status = 'succeeded') AS succeeded,
       count(*) FILTER (WHERE status IN ('succeeded', 'failed')) AS tried
FROM payments WHERE created_at >= :start AND created_at < :end AND amount_minor > 0
""")
# Whoever had a session ahead or behind within a month is expected to look in.
_USERS: Final = text("""
WITH active AS (
    SELECT mentor_id AS user_id FROM sessions WHERE scheduled_at >= :month AND scheduled_at < :now
    UNION SELECT mentee_id FROM sessions WHERE scheduled_at >= :month AND scheduled_at < :now
)
SELECT count(*) AS people,
       count(*) FILTER (WHERE EXISTS (SELECT 1 FROM logins l WHERE l.user_id = active.user_id
                                      AND l.last_seen_at >= :week)) AS seen
FROM active
""")
_FAULTS: Final = text("""
SELECT count(*) FROM outbox WHERE state = 'dead' AND created_at >= :start AND created_at < :end
  AND (kind LIKE 'meeting.%' OR kind LIKE 'refund.%' OR kind LIKE 'payment.%')
""")


@dataclass(frozen=True, slots=True)
class Measure:
    """One line.

    :param is_floor: whether at least the target is wanted, or less than it; None where there is no target
    """

    label: str
    part: int
    whole: int
    target: int | None = None
    is_floor: bool = True

    @property
    def value(self) -> Decimal | None:
        return rate(self.part, self.whole) if self.whole else None

    @property
    def is_met(self) -> bool | None:
        if self.value is None or self.target is None:
            return None
        return self.value >= self.target if self.is_floor else self.value < self.target

    @property
    def target_in_words(self) -> str:
        if self.target is None:
            return ""
        return f"{'at least' if self.is_floor else 'below'} {self.target} %"


def success_measures(period: Period, now: datetime) -> Report:
    """Shares that have nothing to be shares of are left empty, not called zero."""
    found = [*_of_sessions(period), *_around_them(period, now)]
    return Report(
        columns=(
            Column("measure", "Measure"),
            Column("value", "Now", Kind.PERCENT),
            Column("target", "Target"),
            Column("met", "Met", Kind.MET),
            Column("part", "Count", Kind.NUMBER),
            Column("whole", "Of", Kind.NUMBER),
        ),
        rows=[(each.label, each.value, each.target_in_words, each.is_met, each.part, each.whole) for each in found],
    )


def _of_sessions(period: Period) -> Sequence[Measure]:
    row = _one(_SESSIONS, period)
    reviewed = db.session.scalar(_REVIEWED, {"start": period.start, "end": period.end}) or 0
    return (
        Measure("Sessions completed", row.completed, row.over, 85),
        Measure("No-shows", row.no_shows, row.over, 10, is_floor=False),
        Measure("Cancelled by a party", row.cancelled, row.over, 5, is_floor=False),
        Measure("Cancelled for video trouble", row.technical, row.over, 1, is_floor=False),
        Measure("Calls that had their link", row.linked, row.met, 95),
        Measure("Completed sessions with a review", reviewed, row.completed, 40),
        Measure("Requests approved", row.approved, row.approved + row.declined),
    )


def _around_them(period: Period, now: datetime) -> Sequence[Measure]:
    payments = _one(_PAYMENTS, period)
    users = db.session.execute(
        _USERS, {"month": now - timedelta(days=30), "week": now - timedelta(days=7), "now": now}
    ).one()
    faults = db.session.scalar(_FAULTS, {"start": period.start, "end": period.end}) or 0
    return (
        Measure("Payments that went through", payments.succeeded, payments.tried),
        Measure("Active people who looked in this week", users.seen, users.people, 60),
        Measure("Provider errors that nobody could mend", faults, 0),
    )


def _one(statement: Any, period: Period) -> Any:
    return db.session.execute(statement, {"start": period.start, "end": period.end}).one()
