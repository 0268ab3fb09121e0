"""Who can be relied upon, whose sessions are good, and what the desk has done (AN-1, AN-2)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import text

from app.domain.kpis import rate
from app.domain.reliability import QualityFacts, Record, quality, reliability
from app.support.analytics.report import Column, Kind, Person, Report
from app.support.analytics.sessions import rows
from app.support.kpis import Period

# A page of the least reliable; everybody is in the download of the sessions list.
_MOST: Final = 200

# A mentor who called off stays on record although the session went to another (RA-8).
_MENTORS: Final = text("""
SELECT u.id, u.name, p.completed, p.cancelled, p.no_shows FROM (
    SELECT user_id, sum(completed)::int AS completed, sum(cancelled)::int AS cancelled, sum(no_shows)::int AS no_shows
    FROM (
        SELECT mentor_id AS user_id, count(*) FILTER (WHERE status = 'completed') AS completed,
               count(*) FILTER (WHERE status = 'cancelled' AND cancelled_by = 'mentor'
                                AND cancelled_mentor_ids = '{}') AS cancelled,
               count(*) FILTER (WHERE status = 'no_show' AND no_show_party = 'mentor') AS no_shows
        FROM sessions WHERE scheduled_at >= :start AND scheduled_at < :end
          AND status IN ('completed', 'cancelled', 'no_show')
        GROUP BY mentor_id
        UNION ALL
        SELECT unnest(cancelled_mentor_ids), 0, count(*), 0 FROM sessions
        WHERE scheduled_at >= :start AND scheduled_at < :end AND cancelled_mentor_ids <> '{}' GROUP BY 1
    ) AS parts GROUP BY user_id
) AS p JOIN users u ON u.id = p.user_id
""")
_MENTEES: Final = text("""
SELECT u.id, u.name, p.completed, p.cancelled, p.no_shows FROM (
    SELECT mentee_id AS user_id, count(*) FILTER (WHERE status = 'completed') AS completed,
           count(*) FILTER (WHERE status = 'cancelled' AND cancelled_by = 'mentee') AS cancelled,
           count(*) FILTER (WHERE status = 'no_show' AND no_show_party = 'mentee') AS no_shows
    FROM sessions WHERE scheduled_at >= :start AND scheduled_at < :end
      AND status IN ('completed', 'cancelled', 'no_show')
    GROUP BY mentee_id
) AS p JOIN users u ON u.id = p.user_id WHERE p.cancelled > 0 OR p.no_shows > 0
""")
_QUALITY: Final = text("""
WITH held AS (
    SELECT mentor_id, count(*) AS sessions, count(*) FILTER (WHERE status = 'completed') AS completed
    FROM sessions WHERE scheduled_at >= :start AND scheduled_at < :end
      AND (status IN ('completed', 'no_show') OR (status = 'cancelled' AND cancelled_by = 'mentor'))
    GROUP BY mentor_id
), said AS (
    SELECT mentor_id, count(*) AS reviews, sum(rating) AS rating_sum FROM session_reviews
    WHERE created_at >= :start AND created_at < :end AND hidden_at IS NULL AND author_id = mentee_id GROUP BY mentor_id
), trouble AS (
    SELECT s.mentor_id, count(DISTINCT s.id) AS disputed FROM session_disputes d JOIN sessions s ON s.id = d.session_id
    WHERE s.scheduled_at >= :start AND s.scheduled_at < :end GROUP BY s.mentor_id
)
SELECT u.id, u.name, held.sessions, held.completed, coalesce(said.reviews, 0) AS reviews,
       coalesce(said.rating_sum, 0) AS rating_sum, coalesce(trouble.disputed, 0) AS disputed
FROM held JOIN users u ON u.id = held.mentor_id
LEFT JOIN said USING (mentor_id) LEFT JOIN trouble USING (mentor_id)
""")
_WORKLOAD: Final = text("""
WITH acts AS (
    SELECT admin_id, count(*) AS acts, count(DISTINCT session_id) AS cases FROM admin_session_audit_trail
    WHERE created_at >= :start AND created_at < :end AND admin_id IS NOT NULL GROUP BY admin_id
), solved AS (
    SELECT resolved_by AS admin_id, count(*) AS disputes, count(*) FILTER (WHERE breached_at IS NULL) AS in_time,
           avg(extract(epoch FROM resolved_at - created_at) - waited_seconds) / 3600 AS hours
    FROM session_disputes WHERE resolved_at >= :start AND resolved_at < :end AND resolved_by IS NOT NULL
    GROUP BY resolved_by
)
SELECT u.id, u.name, coalesce(acts.acts, 0) AS acts, coalesce(acts.cases, 0) AS cases,
       coalesce(solved.disputes, 0) AS disputes, coalesce(solved.in_time, 0) AS in_time, solved.hours
FROM acts FULL JOIN solved USING (admin_id) JOIN users u ON u.id = admin_id
ORDER BY acts DESC, u.name, u.id
""")


def mentor_reliability(period: Period, _now: datetime) -> Report:
    return _reliability(rows(_MENTORS, period), "mentor")


def mentee_reliability(period: Period, _now: datetime) -> Report:
    """Those who never broke a promise all have the same score, and are left out."""
    return _reliability(rows(_MENTEES, period), "mentee")


def _reliability(found: list[Any], role: str) -> Report:
    scored = sorted(
        ((reliability(Record(row.completed, row.cancelled, row.no_shows)), row) for row in found),
        key=lambda pair: (pair[0], -pair[1].no_shows, -pair[1].cancelled, pair[1].name, pair[1].id),
    )[:_MOST]
    return Report(
        columns=(
            Column("person", role.capitalize(), Kind.PERSON),
            Column("completed", "Completed", Kind.NUMBER),
            Column("cancelled", "Cancelled", Kind.NUMBER),
            Column("no_shows", "No-shows", Kind.NUMBER),
            Column("score", "Reliability", Kind.SCORE),
        ),
        rows=[(Person(row.id, row.name), row.completed, row.cancelled, row.no_shows, score) for score, row in scored],
        links=[{role: str(row.id)} for _, row in scored],
    )


def session_quality(period: Period, _now: datetime) -> Report:
    scored = sorted(
        (
            (quality(QualityFacts(row.sessions, row.completed, row.reviews, row.rating_sum, row.disputed)), row)
            for row in rows(_QUALITY, period)
        ),
        key=lambda pair: (pair[0], pair[1].name, pair[1].id),
    )[:_MOST]
    return Report(
        columns=(
            Column("person", "Mentor", Kind.PERSON),
            Column("sessions", "Sessions", Kind.NUMBER),
            Column("completed", "Completed", Kind.PERCENT),
            Column("rating", "Average rating", Kind.SCORE),
            Column("reviews", "Reviews", Kind.NUMBER),
            Column("disputed", "Disputed", Kind.NUMBER),
            Column("score", "Quality", Kind.SCORE),
        ),
        rows=[
            (
                Person(row.id, row.name), row.sessions, rate(row.completed, row.sessions), _average(row), row.reviews,
                row.disputed, score,
            )
            for score, row in scored
        ],
        links=[{"mentor": str(row.id)} for _, row in scored],
    )  # fmt: skip


def _average(row: Any) -> Decimal | None:
    return round(Decimal(row.rating_sum) / row.reviews, 2) if row.reviews else None


def staff_workload(period: Period, _now: datetime) -> Report:
    return Report(
        columns=(
            Column("person", "Who", Kind.PERSON),
            Column("acts", "Acts", Kind.NUMBER),
            Column("cases", "Cases", Kind.NUMBER),
            Column("disputes", "Disputes resolved", Kind.NUMBER),
            Column("in_time", "Within the promise", Kind.PERCENT),
            Column("hours", "Average time to resolve", Kind.HOURS),
        ),
        rows=[
            (
                Person(row.id, row.name), row.acts, row.cases, row.disputes,
                rate(row.in_time, row.disputes) if row.disputes else None,
                round(Decimal(row.hours), 1) if row.hours is not None else None,
            )
            for row in rows(_WORKLOAD, period)
        ],
        chart=("person", "acts"),
    )  # fmt: skip
