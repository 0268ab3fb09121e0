"""What must be true of all money at any time, as queries that find where it is not (INV-3, INV-4, MN-11).

Read-only; `flask money check` and `flask doctor` ask them, and so does the nightly reconciliation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from app.extensions import db

_MOST = 1_000


@dataclass(frozen=True, slots=True)
class Problem:
    """One disagreement: which thing, and what is wrong with it."""

    subject: str
    what: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.what}"


@dataclass(frozen=True, slots=True)
class Check:
    """One question to the database; every row of its answer is a problem.

    :param sql: gives the subject's id and what is wrong
    :param given: what stands before it, a ``WITH``
    """

    invariant: str
    says: str
    sql: str
    given: str = ""

    def run(self) -> list[Problem]:
        """The problems, at most a thousand."""
        query = f"{self.given} SELECT subject::text, what::text FROM ({self.sql}) AS problems LIMIT {_MOST}"  # noqa: S608 - constants
        rows = db.session.execute(text(query))
        return [Problem(row.subject, row.what) for row in rows]


_UNBALANCED: Final = """
SELECT t.id AS subject, 'the entry ' || t.kind || ' does not sum to zero' AS what
FROM ledger_transactions t LEFT JOIN ledger_postings p ON p.transaction_id = t.id
GROUP BY t.id, p.currency HAVING count(p.id) < 2 OR sum(p.amount_minor) <> 0
UNION ALL
SELECT p.transaction_id, 'a posting in ' || p.currency || ' stands on an account in ' || a.currency
FROM ledger_postings p JOIN ledger_accounts a ON a.id = p.account_id WHERE a.currency <> p.currency
"""

# Per session: what its rows say (paid, refunded, …) beside what its ledger entries say (mentor, platform, held, …).
_PER_SESSION: Final = """
WITH paid AS (
    SELECT session_id, sum(amount_minor + credit_minor) AS paid, sum(amount_minor) AS captured
    FROM payments WHERE status = 'succeeded' GROUP BY session_id
), back AS (
    SELECT r.session_id,
           sum(r.amount_minor) FILTER (WHERE r.type <> 'bonus') AS refunded,
           sum(r.amount_minor) FILTER (WHERE r.type = 'bonus') AS bonus,
           sum(r.amount_minor) FILTER (WHERE r.type <> 'bonus' AND r.status <> 'processed') AS owed,
           sum(r.amount_minor - r.credit_minor) FILTER (
               WHERE r.type <> 'bonus' AND r.status = 'processed' AND o.id IS NULL) AS sent
    FROM refunds r
    LEFT JOIN ledger_transactions o ON o.kind = 'refund_settled_outside' AND o.source_id = r.id::text
    WHERE r.status IN ('pending', 'processed', 'failed') GROUP BY r.session_id
), led AS (
    SELECT t.session_id,
           -sum(p.amount_minor) FILTER (WHERE a.kind = 'mentor_payable') AS mentor,
           -sum(p.amount_minor) FILTER (WHERE a.kind = 'platform_revenue') AS platform,
           -sum(p.amount_minor) FILTER (WHERE a.kind = 'held') AS held,
           -sum(p.amount_minor) FILTER (WHERE a.kind = 'held' AND a.owner_id IS NOT NULL) AS held_mentor,
           -sum(p.amount_minor) FILTER (WHERE a.kind = 'refunds_payable') AS payable,
           sum(p.amount_minor) FILTER (WHERE a.kind = 'gateway_clearing') AS gateway,
           sum(p.amount_minor) FILTER (WHERE a.kind = 'goodwill_expense') AS goodwill
    FROM ledger_transactions t JOIN ledger_postings p ON p.transaction_id = t.id
    JOIN ledger_accounts a ON a.id = p.account_id
    WHERE t.session_id IS NOT NULL AND t.kind <> 'chargeback' GROUP BY t.session_id
), sums AS (
    SELECT session_id, coalesce(paid, 0) AS paid, coalesce(captured, 0) AS captured,
           coalesce(refunded, 0) AS refunded, coalesce(owed, 0) AS owed, coalesce(sent, 0) AS sent,
           coalesce(mentor, 0) AS mentor, coalesce(platform, 0) AS platform, coalesce(held, 0) AS held,
           coalesce(held_mentor, 0) AS held_mentor, coalesce(payable, 0) AS payable, coalesce(gateway, 0) AS gateway,
           coalesce(goodwill, 0) - coalesce(bonus, 0) AS borne
    FROM paid FULL JOIN back USING (session_id) FULL JOIN led USING (session_id)
)
"""

_EQUATION: Final = """
SELECT session_id AS subject, 'paid ' || paid || ' is not refunded ' || refunded || ' + mentor ' || mentor
       || ' + platform ' || platform || ' + held ' || held AS what
FROM sums WHERE paid + borne <> refunded + mentor + platform + held
"""
_ROWS_AND_LEDGER: Final = """
SELECT session_id AS subject, 'captured ' || captured || ' less sent back ' || sent || ', but the ledger has '
       || gateway || ' at the gateway' AS what FROM sums WHERE gateway <> captured - sent
UNION ALL
SELECT session_id, 'refunds of ' || owed || ' are on their way, but the ledger owes ' || payable
FROM sums WHERE payable <> owed
"""
_SPLIT: Final = """
SELECT s.id AS subject, 'of the net ' || (paid - refunded) || ' the mentor has ' || (mentor + held_mentor) AS what
FROM sums JOIN sessions s ON s.id = session_id JOIN policy_versions v ON v.id = s.policy_version_id
WHERE borne = 0
  AND mentor + held_mentor <> CASE WHEN s.reassignment_status = 'rejected' THEN 0
      ELSE floor((paid - refunded) * (v.values ->> 'mentor_share_percentage')::int / 100) END
"""
_HELD_AFTER_THE_END: Final = """
SELECT s.id AS subject, held || ' ' || s.currency || ' is still held although the session is ' || s.status AS what
FROM sums JOIN sessions s ON s.id = session_id
WHERE held <> 0 AND s.status NOT IN ('pending_mentor_review', 'scheduled', 'in_progress')
  AND NOT EXISTS (SELECT 1 FROM refunds r WHERE r.session_id = s.id AND r.status = 'awaiting_approval')
"""
_TOO_MUCH_BACK: Final = """
SELECT p.id AS subject, 'refunds of ' || sum(r.amount_minor) || ' exceed the payment of '
       || (p.amount_minor + p.credit_minor) AS what
FROM payments p JOIN refunds r ON r.payment_id = p.id AND r.status <> 'declined'
GROUP BY p.id HAVING sum(r.amount_minor - r.credit_minor) > p.amount_minor OR sum(r.credit_minor) > p.credit_minor
                  OR p.status <> 'succeeded'
UNION ALL
SELECT r.id, 'a refund of no payment that is no bonus' FROM refunds r WHERE r.payment_id IS NULL AND r.type <> 'bonus'
"""
_CREDIT_BELOW_ZERO: Final = """
SELECT a.owner_id AS subject, 'the credit is ' || -sum(p.amount_minor) || ' ' || a.currency AS what
FROM ledger_accounts a JOIN ledger_postings p ON p.account_id = a.id
WHERE a.kind = 'mentee_credit' GROUP BY a.owner_id, a.currency HAVING sum(p.amount_minor) > 0
"""

# The volume data of the benchmarks has sessions without any money behind them.
_SUMMARIES: Final = """
WITH main AS (
    SELECT id, session_id, amount_minor + credit_minor AS paid FROM payments
    WHERE status = 'succeeded' AND flagged_reason IS DISTINCT FROM 'paid_twice'
      AND flagged_reason IS DISTINCT FROM 'credit_gone'
), back AS (
    SELECT m.session_id, sum(r.amount_minor) AS decided,
           sum(r.amount_minor) FILTER (WHERE r.status = 'processed') AS gone,
           CASE WHEN bool_or(r.status = 'failed') THEN 'failed' WHEN bool_or(r.status = 'pending') THEN 'pending'
                ELSE 'processed' END AS state
    FROM refunds r JOIN main m ON m.id = r.payment_id
    WHERE r.status IN ('pending', 'processed', 'failed') GROUP BY m.session_id
), said AS (
    SELECT s.id, s.refund_amount_minor, s.refund_status, s.payment_status, coalesce(b.decided, 0) AS decided,
           coalesce(b.state, 'none') AS state,
           CASE WHEN m.id IS NULL THEN NULL WHEN coalesce(b.gone, 0) = 0 THEN 'paid'
                WHEN b.gone >= m.paid THEN 'refunded' ELSE 'partially_refunded' END AS is_paid
    FROM sessions s LEFT JOIN main m ON m.session_id = s.id LEFT JOIN back b ON b.session_id = s.id
    WHERE s.meeting_ref IS NULL OR s.meeting_ref NOT LIKE 'volume-%'
)
SELECT id AS subject, 'the session says refund ' || refund_status || ' of ' || refund_amount_minor || ', its rows say '
       || state || ' of ' || decided AS what
FROM said WHERE refund_amount_minor <> decided OR refund_status <> state
UNION ALL
SELECT id, 'the session says ' || payment_status || ', its payment says ' || coalesce(is_paid, 'not paid')
FROM said WHERE CASE WHEN is_paid IS NULL THEN payment_status IN ('paid', 'refunded', 'partially_refunded')
                     ELSE payment_status <> is_paid END
UNION ALL
SELECT session_id, count(*) || ' payments count for one session' FROM main GROUP BY session_id HAVING count(*) > 1
"""

CHECKS: Final = (
    Check("INV-3", "every ledger entry sums to zero in its currency", _UNBALANCED),
    Check("INV-3", "paid = refunded + mentor + platform + held, for every session", _EQUATION, _PER_SESSION),
    Check("INV-3", "payments and refunds are in the ledger to the minor unit", _ROWS_AND_LEDGER, _PER_SESSION),
    Check("INV-3", "the mentor has the promised share of every net amount", _SPLIT, _PER_SESSION),
    Check("INV-3", "nothing stays held once a session is over", _HELD_AFTER_THE_END, _PER_SESSION),
    Check("INV-3", "no mentee's credit is below zero", _CREDIT_BELOW_ZERO),
    Check("INV-3", "each session's summary agrees with its payments and refunds", _SUMMARIES),
    Check("INV-4", "no more goes back than was paid", _TOO_MUCH_BACK),
)
