"""What must always be true, each as a query that finds the rows for which it is not (quality.md, INV).

Read-only and without a lock, so that it can run beside the product at any time; on a large database it takes seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from sqlalchemy import text

from app.domain.states import TRANSITIONS
from app.domain.vocabulary import OCCUPYING_STATUSES
from app.extensions import db
from app.foundation.audit import verify_chain
from app.money import checks as money_checks

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One invariant's answer: how many rows break it, and the first of them."""

    invariant: str
    says: str
    rows: int
    examples: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return self.rows == 0


_OCCUPYING = ", ".join(f"'{status.value}'" for status in sorted(OCCUPYING_STATUSES))
_EDGES = ", ".join(
    f"('{source.value if source else ''}', '{target.value}')" for source, target in sorted(TRANSITIONS, key=str)
)

# A hold that ran out no longer occupies, and a mentor who cancelled is not busy (AV-4, RA-2).
_OVERLAPS = """
SELECT a.session_id || ' and ' || b.session_id || ' of ' || a.user_id
FROM (SELECT user_id, session_id, unnest(busy) AS piece FROM calendar_entries) a
JOIN (SELECT user_id, session_id, unnest(busy) AS piece FROM calendar_entries) b
  ON a.user_id = b.user_id AND a.session_id < b.session_id AND a.piece && b.piece
"""
_NOT_IN_CALENDAR = f"""
SELECT s.id || ' of ' || p.user_id FROM sessions s, LATERAL (VALUES (s.mentor_id), (s.mentee_id)) AS p(user_id)
WHERE s.status IN ({_OCCUPYING}) AND s.scheduled_at IS NOT NULL
  AND NOT (p.user_id = s.mentor_id AND p.user_id = ANY(s.cancelled_mentor_ids))
  AND NOT EXISTS (SELECT 1 FROM calendar_entries c WHERE c.session_id = s.id AND c.user_id = p.user_id
                  AND c.busy @> tstzrange(s.scheduled_at, s.scheduled_at + s.duration * interval '1 minute'))
"""
_STILL_IN_CALENDAR = """
SELECT c.session_id || ' of ' || c.user_id FROM calendar_entries c JOIN sessions s ON s.id = c.session_id
WHERE s.status IN ('cancelled', 'rejected', 'expired') OR c.user_id NOT IN (s.mentor_id, s.mentee_id)
"""
_STATUS_WITHOUT_AUDIT = """
SELECT s.id || ' is ' || s.status || ', its last audit row says ' || coalesce(l.new_status, 'nothing')
FROM sessions s LEFT JOIN LATERAL (
    SELECT new_status FROM session_audit_log a
    WHERE a.session_id = s.id AND a.new_status IS NOT NULL ORDER BY a.number DESC LIMIT 1
) l ON true
WHERE l.new_status IS DISTINCT FROM s.status
"""
_ILLEGAL_EDGE = f"""
SELECT session_id || ' from ' || coalesce(nullif(before, ''), 'new') || ' to ' || after FROM (
    SELECT session_id, number, coalesce(previous_status, '') AS before, new_status AS after,
           coalesce(lag(new_status) OVER (PARTITION BY session_id ORDER BY number), '') AS last
    FROM session_audit_log WHERE new_status IS NOT NULL AND new_status IS DISTINCT FROM previous_status
) AS steps
WHERE before <> last OR (before, after) NOT IN (VALUES {_EDGES})
"""
_FORGOTTEN_MAIL = """
SELECT e.id || ' ' || e.template FROM email_events e
WHERE e.status = 'queued' AND NOT EXISTS (
    SELECT 1 FROM outbox o WHERE o.key LIKE 'mail:' || e.id || '%' AND o.state IN ('queued', 'claimed', 'dead'))
"""
_UNTOLD = """
SELECT s.id || ' has ' || count(e.id) || ' confirmations' FROM sessions s
LEFT JOIN email_events e ON e.session_id = s.id AND e.template IN ('booking_confirmed', 'new_booking_alert')
WHERE s.status IN ('scheduled', 'in_progress', 'completed') AND s.booking_mode = 'instant'
  AND s.meeting_ref NOT LIKE 'volume-%'
GROUP BY s.id HAVING count(e.id) < 2
"""
_PENDING_FIELDS = """
SELECT s.id::text FROM sessions s
FULL JOIN (SELECT * FROM reschedule_requests WHERE status IN ('pending', 'counter_proposed')) r ON r.session_id = s.id
WHERE (s.pending_reschedule_request_id IS NOT NULL OR r.id IS NOT NULL)
  AND (s.pending_reschedule_request_id IS DISTINCT FROM r.id
       OR s.pending_reschedule_time IS DISTINCT FROM coalesce(r.counter_proposed_time, r.proposed_time))
"""
_LINK_IN_MAIL = """
SELECT e.id || ' ' || e.template FROM email_events e JOIN sessions s ON s.id = e.session_id
WHERE s.meeting_url IS NOT NULL AND strpos(e.details::text, s.meeting_url) > 0
"""
_FIGURES = """
SELECT coalesce(f.day, r.day) || ' ' || coalesce(f.status, r.status) || ': kept ' || coalesce(f.sessions, 0)
       || ', counted ' || coalesce(r.sessions, 0)
FROM (SELECT day, status, currency, sum(sessions) AS sessions, sum(rate_minor) AS rate, sum(refund_amount_minor) AS back
      FROM session_daily_figures GROUP BY 1, 2, 3) f
FULL JOIN (SELECT (coalesce(scheduled_at, created_at) AT TIME ZONE 'UTC')::date AS day, status, currency,
                  count(*) AS sessions, sum(rate_minor) AS rate, sum(refund_amount_minor) AS back
           FROM sessions GROUP BY 1, 2, 3) r USING (day, status, currency)
WHERE coalesce(f.sessions, 0) <> coalesce(r.sessions, 0) OR coalesce(f.rate, 0) <> coalesce(r.rate, 0)
   OR coalesce(f.back, 0) <> coalesce(r.back, 0)
"""

_QUERIES = (
    ("INV-1", "no two sessions of one person overlap", _OVERLAPS),
    ("INV-1", "every occupying session is in both calendars", _NOT_IN_CALENDAR),
    ("INV-1", "no ended session holds anybody's time", _STILL_IN_CALENDAR),
    ("INV-2", "the last audit row tells the session's status", _STATUS_WITHOUT_AUDIT),
    ("INV-2", "every audited step is in the table of transitions and continues the one before", _ILLEGAL_EDGE),
    ("INV-5", "no queued e-mail is forgotten by the outbox", _FORGOTTEN_MAIL),
    ("INV-5", "both parties of a confirmed booking are told", _UNTOLD),
    ("INV-6", "pending fields and the open proposal agree", _PENDING_FIELDS),
    ("INV-9", "no e-mail carries a meeting link", _LINK_IN_MAIL),
    ("KPI-1", "the kept daily figures equal a recount", _FIGURES),
)


def check_invariants() -> list[Finding]:
    """This function will ask every query, the money checks and the audit chain, and give an answer to each."""
    found = [_ask(*query) for query in _QUERIES]
    found += [_money(check) for check in money_checks.CHECKS]
    chain = verify_chain()
    broken = () if chain.is_intact else (f"row {chain.first_bad_seq}: {chain.problem}",)
    found.append(Finding("INV-7", f"the staff audit trail verifies ({chain.rows:,} rows)", len(broken), broken))
    return sorted(found, key=lambda finding: finding.invariant)


def _ask(invariant: str, says: str, sql: str) -> Finding:
    # One answer streamed: counting first would read everything twice.
    rows = db.session.execute(text(sql)).scalars()
    examples = tuple(str(row) for row in islice(rows, _SHOWN))
    return Finding(invariant, says, len(examples) + sum(1 for _ in rows), examples)


def _money(check: money_checks.Check) -> Finding:
    problems = check.run()
    return Finding(check.invariant, check.says, len(problems), tuple(str(problem) for problem in problems[:_SHOWN]))
