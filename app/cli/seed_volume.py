"""Bulk data for benchmarks, made inside PostgreSQL (RUN-6, PERF): plausible in shape, worthless in content.

Set-based SQL instead of actions, because a million sessions through the engine would take hours. The tables end up as
the engine would leave them: figures match the rows, calendars do not overlap, each session has its audit rows.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

MENTORS = 2_000
MENTEES = 20_000
DAYS_BACK = 1_125
_GUARDED = ("sessions", "session_reviews", "session_audit_log", "payments")

_FIRST = "Ada Grace Linus Margaret Alan Barbara Donald Radia Ken Frances Tim Hedy Guido Joan Dennis Karen Bjarne Mary"
_LAST = (
    "Okafor Lindqvist Tanaka Moreau Silva Novak Haddad Kowalski Reyes Iyer Schmidt Olsen Nakamura Costa Weber Dubois"
)
_TOPICS = (
    "Career planning|Portfolio review|Interview practice|System design|First leadership role|Salary negotiation|"
    "Data pipelines|Product strategy|Public speaking|Code review habits|Moving to management|Research proposal"
)

_USERS = """
INSERT INTO users (id, email, name, password_hash, role, timezone, is_active, created_at, preferences, warnings_count)
SELECT gen_random_uuid(), 'volume' || i || '@example.com',
       (string_to_array(:first, ' '))[1 + i % 18] || ' ' || (string_to_array(:last, ' '))[1 + (i / 18) % 16]
       || ' ' || i,
       '!', CASE WHEN i <= CAST(:mentors AS int) THEN 'mentor' ELSE 'mentee' END,
       (ARRAY['Europe/Berlin','America/New_York','Asia/Kolkata','Australia/Sydney','UTC'])[1 + i % 5],
       true, CAST(:now AS timestamptz) - interval '1200 days', '{}', 0
FROM generate_series(1, CAST(:people AS int)) AS i
"""
_MENTORS = """
INSERT INTO mentor_profiles (user_id, headline, bio, expertise, applied_at, verified_at, is_accepting, rating_count)
SELECT id, 'Mentor of many years', '', ARRAY[(string_to_array('design data leadership product research', ' '))
       [1 + abs(hashtext(email)) % 5]], created_at, created_at, true, 0
FROM users WHERE role = 'mentor' AND email LIKE 'volume%';
INSERT INTO mentor_schedules (mentor_id, timezone, is_active, updated_at)
SELECT id, timezone, true, created_at FROM users WHERE role = 'mentor' AND email LIKE 'volume%';
INSERT INTO weekly_patterns (mentor_id, weekday, is_enabled, blocks)
SELECT id, d, true, '[{"start": "08:00", "end": "12:00", "type": "AVAILABLE"},
                      {"start": "13:00", "end": "18:00", "type": "AVAILABLE"}]'::jsonb
FROM users, generate_series(0, 4) AS d WHERE role = 'mentor' AND email LIKE 'volume%';
INSERT INTO mentor_offerings (id, mentor_id, title, description, duration, rate_minor, currency, booking_mode,
                              meeting_types, is_active, created_at, updated_at)
SELECT gen_random_uuid(), id, 'An hour with me', '', 60, 5000, 'EUR', 'instant', ARRAY['video'], true,
       created_at, created_at
FROM users WHERE role = 'mentor' AND email LIKE 'volume%';
"""
# Numbered people make the pairs; one mentor has one session per hour of a day at most, so that nobody is double-booked.
_PEOPLE = """
CREATE TEMP TABLE volume_mentors ON COMMIT DROP AS
    SELECT u.id, (row_number() OVER (ORDER BY u.email))::int - 1 AS n, o.id AS offering_id
    FROM users u JOIN mentor_offerings o ON o.mentor_id = u.id WHERE u.role = 'mentor' AND u.email LIKE 'volume%';
CREATE TEMP TABLE volume_mentees ON COMMIT DROP AS
    SELECT id, (row_number() OVER (ORDER BY email))::int - 1 AS n
    FROM users WHERE role = 'mentee' AND email LIKE 'volume%';
CREATE UNIQUE INDEX ON volume_mentors (n);
CREATE UNIQUE INDEX ON volume_mentees (n);
"""
_SESSIONS = """
INSERT INTO sessions (id, mentor_id, mentee_id, offering_id, title, description, status, booking_mode, scheduled_at,
    duration, buffer_minutes, started_at, ended_at, meeting_type, rate_minor, currency, payment_status, cancelled_by,
    cancelled_at, cancellation_category, cancellation_reason, reschedule_count, mentor_reschedule_count,
    refund_amount_minor, refund_percentage, refund_status, was_reassigned, no_show_party, policy_version_id,
    created_at, updated_at, version, meeting_provider, meeting_url, meeting_ref)
SELECT gen_random_uuid(), m.id, e.id, m.offering_id,
       (string_to_array(:topics, '|'))[1 + i % 12] || ' ' || i, '', s.status, 'instant', s.at, 60, 15,
       CASE WHEN s.status IN ('completed', 'no_show') THEN s.at END,
       CASE WHEN s.status IN ('completed', 'no_show') THEN s.at + interval '1 hour' END,
       (ARRAY['video','video','video','audio','chat','in_person'])[1 + i % 6], 2000 + 500 * (i % 17), 'EUR',
       CASE WHEN s.status = 'cancelled' AND i % 3 < 2 THEN 'refunded' ELSE 'paid' END,
       CASE WHEN s.status = 'cancelled' THEN (ARRAY['mentee','mentor','admin'])[1 + i % 3] END,
       CASE WHEN s.status = 'cancelled' THEN s.at - interval '2 days' END,
       CASE WHEN s.status = 'cancelled'
            THEN (ARRAY['schedule_conflict','emergency','technical','other'])[1 + (i / 3) % 4] END,
       CASE WHEN s.status = 'cancelled' THEN 'Something came up' END,
       (i % 11 = 0)::int, (i % 17 = 0)::int,
       CASE WHEN s.status = 'cancelled' AND i % 3 < 2 THEN 2000 + 500 * (i % 17) ELSE 0 END,
       CASE WHEN s.status = 'cancelled' AND i % 3 < 2 THEN 100 END,
       CASE WHEN s.status = 'cancelled' AND i % 3 < 2
            THEN CASE WHEN i % 50 = 0 THEN 'failed' ELSE 'processed' END ELSE 'none' END,
       i % 97 = 0, CASE WHEN s.status = 'no_show' THEN 'mentee' END,
       (SELECT id FROM policy_versions ORDER BY number DESC LIMIT 1),
       s.at - interval '9 days' - (i % 1440) * interval '1 minute', s.at, 3,
       'jitsi', 'https://meet.example/' || i, 'volume-' || i
FROM generate_series(CAST(:start AS int), CAST(:stop AS int)) AS i
JOIN volume_mentors m ON m.n = i % CAST(:mentors AS int)
JOIN volume_mentees e ON e.n = (i * 7) % CAST(:mentees AS int),
LATERAL (
    SELECT date_trunc('day', cast(:now AS timestamptz)) + interval '30 days'
           - ((i / CAST(:mentors AS int)) * CAST(:days AS int) / CAST(:each AS int)) * interval '1 day'
           + (8 + (i / CAST(:mentors AS int) + m.n) % 8) * interval '1 hour' AS at
) AS t,
LATERAL (
    SELECT t.at, CASE WHEN t.at > CAST(:now AS timestamptz)
                      THEN CASE WHEN i % 20 = 0 THEN 'cancelled' ELSE 'scheduled' END
                      WHEN i % 100 < 82 THEN 'completed' WHEN i % 100 < 94 THEN 'cancelled' ELSE 'no_show' END AS status
) AS s
"""
_REST = """
INSERT INTO calendar_entries (user_id, session_id, busy)
SELECT p.user_id, s.id, tstzmultirange(tstzrange(s.scheduled_at, s.scheduled_at + p.minutes * interval '1 minute'))
FROM sessions s, LATERAL (VALUES (s.mentor_id, 60), (s.mentee_id, 60)) AS p(user_id, minutes)
WHERE s.status = 'scheduled' AND s.scheduled_at > :now AND s.meeting_ref LIKE 'volume-%'
ON CONFLICT DO NOTHING;
INSERT INTO session_audit_log (id, session_id, user_id, actor_role, action, previous_status, new_status, created_at)
SELECT gen_random_uuid(), id, mentee_id, 'mentee', 'booking_created', NULL, 'draft', created_at
FROM sessions WHERE meeting_ref LIKE 'volume-%';
INSERT INTO session_audit_log (id, session_id, actor_role, action, previous_status, new_status, created_at)
SELECT gen_random_uuid(), id, 'clock', 'session_' || status, 'draft', status, updated_at
FROM sessions WHERE meeting_ref LIKE 'volume-%';
INSERT INTO session_reviews (id, session_id, mentor_id, mentee_id, author_id, rating, comment, created_at, updated_at)
SELECT gen_random_uuid(), id, mentor_id, mentee_id, mentee_id, 3 + abs(hashtext(id::text)) % 3, 'Thank you',
       ended_at + interval '1 day', ended_at + interval '1 day'
FROM sessions WHERE status = 'completed' AND meeting_ref LIKE 'volume-%' AND abs(hashtext(id::text)) % 2 = 0;
"""
_FIGURES = """
DELETE FROM session_daily_figures;
INSERT INTO session_daily_figures
SELECT (coalesce(scheduled_at, created_at) AT TIME ZONE 'UTC')::date, status, refund_status,
       coalesce(cancelled_by, ''), coalesce(cancellation_category, ''), currency,
       count(*), sum(rate_minor), sum(refund_amount_minor)
FROM sessions GROUP BY 1, 2, 3, 4, 5, 6;
DELETE FROM review_daily_figures;
INSERT INTO review_daily_figures
SELECT (created_at AT TIME ZONE 'UTC')::date, count(*), sum(rating) FROM session_reviews
WHERE author_id = mentee_id AND hidden_at IS NULL GROUP BY 1;
"""
_BATCH = 100_000


def seed_volume(db: Session, *, sessions: int, now: datetime, say: Callable[[str], None]) -> None:
    """Fill the database with ``sessions`` sessions around ``now`` and commit; ``say`` reports progress.

    Ends with ANALYZE, so that the first page is planned with true figures.
    """
    # The owner may do this; the audit's own guard comes back with the commit, or never went on a failure.
    for table in _GUARDED:
        db.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
    numbers = {"mentors": MENTORS, "mentees": MENTEES, "people": MENTORS + MENTEES}
    db.execute(text("SET LOCAL synchronous_commit = off"))
    db.execute(text(_USERS), {**numbers, "first": _FIRST, "last": _LAST, "now": now})
    _each(db, _MENTORS)
    _each(db, _PEOPLE)
    say(f"{MENTORS:,} mentors and {MENTEES:,} mentees")
    each = -(-sessions // MENTORS)
    for start in range(0, sessions, _BATCH):
        stop = min(start + _BATCH, sessions) - 1
        db.execute(
            text(_SESSIONS),
            {"topics": _TOPICS, "start": start, "stop": stop, "now": now, "days": DAYS_BACK,
             "each": each, "mentors": MENTORS, "mentees": MENTEES},
        )  # fmt: skip
        say(f"{stop + 1:,} sessions")
    _each(db, _REST, {"now": now})
    say("audit rows, calendars and reviews")
    _each(db, _FIGURES)
    for table in _GUARDED:
        db.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
    db.execute(text("ANALYZE"))
    db.commit()
    say("figures and statistics")


def _each(db: Session, script: str, values: dict[str, object] | None = None) -> None:
    """Run a script's statements one by one, giving each only the values it names."""
    for statement in script.split(";\n"):
        if statement.strip():
            given = {key: value for key, value in (values or {}).items() if f":{key}" in statement}
            db.execute(text(statement), given)
