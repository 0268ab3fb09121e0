"""What the database itself guards and keeps: immutability, ledger balance, daily figures, the first policies."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# (key, value, type, description, group), as the product shipped them. Later changes are new versions.
POLICIES = [
    (
        "cancellation_cutoff_hours",
        2,
        "integer",
        "Hours before the start below which a mentee's cancellation is late.",
        "cancellation",
    ),
    (
        "free_cancellation_hours",
        24,
        "integer",
        "Hours before the start from which on up a mentee gets a full refund.",
        "cancellation",
    ),
    (
        "partial_refund_percentage",
        70,
        "integer",
        "Refund in percent between the cut-off and the free period.",
        "cancellation",
    ),
    (
        "late_refund_percentage",
        0,
        "integer",
        "Refund in percent below the cut-off, where late cancellation is possible.",
        "cancellation",
    ),
    (
        "late_cancellation_rule",
        "no_refund",
        "choice",
        "Below the cut-off: cancel with the late refund, or not at all.",
        "cancellation",
    ),
    ("require_cancellation_reason", True, "boolean", "Whether a reason must be chosen to cancel.", "cancellation"),
    (
        "frequent_canceller_threshold",
        3,
        "integer",
        "Late cancellations in 30 days that put a person into the support queue.",
        "cancellation",
    ),
    (
        "reschedule_cutoff_hours",
        4,
        "integer",
        "Hours before the start until which a mentee may propose another time.",
        "rescheduling",
    ),
    (
        "mentor_reschedule_cutoff_hours",
        2,
        "integer",
        "Hours before the start until which a mentor may propose another time.",
        "rescheduling",
    ),
    ("max_reschedules_per_session", 2, "integer", "How often a mentee may move one session.", "rescheduling"),
    ("mentor_max_reschedules_per_session", 2, "integer", "How often a mentor may move one session.", "rescheduling"),
    (
        "reschedule_request_expiry_hours",
        48,
        "integer",
        "Hours a proposal stays open; never beyond the session's start.",
        "rescheduling",
    ),
    (
        "max_counter_proposals",
        3,
        "integer",
        "Counter-proposals in one negotiation, both sides together.",
        "rescheduling",
    ),
    (
        "request_review_expiry_hours",
        72,
        "integer",
        "Hours a mentor has to answer a request; never beyond the named slot's start.",
        "booking",
    ),
    ("payment_hold_minutes", 15, "integer", "Minutes an unpaid draft keeps its slot.", "booking"),
    (
        "request_payment_window_hours",
        24,
        "integer",
        "Hours to pay an approved request; never beyond the start.",
        "booking",
    ),
    (
        "max_open_requests_per_mentee",
        5,
        "integer",
        "Requests awaiting review that a mentee may have at once.",
        "booking",
    ),
    ("max_open_holds_per_mentee", 2, "integer", "Unpaid drafts that a mentee may have at once.", "booking"),
    (
        "reassignment_response_hours",
        24,
        "integer",
        "Hours a mentee has to answer a reassignment; then cancelled with full refund.",
        "reassignment",
    ),
    (
        "join_opens_minutes_before",
        15,
        "integer",
        "Minutes before the start at which the meeting link is released.",
        "joining",
    ),
    (
        "join_closes_minutes_after_end",
        60,
        "integer",
        "Minutes after the end at which the meeting link dies.",
        "joining",
    ),
    (
        "auto_complete_minutes_after_end",
        60,
        "integer",
        "Minutes after the end at which the clock completes a session.",
        "joining",
    ),
    (
        "no_show_grace_minutes",
        10,
        "integer",
        "Minutes after the start before a party can be reported absent.",
        "joining",
    ),
    (
        "auto_no_show_detection",
        True,
        "boolean",
        "Flag video sessions that somebody did not join, from the join log.",
        "joining",
    ),
    (
        "suggestion_hold_hours",
        48,
        "integer",
        "Hours a no-show suggestion waits for a person before the session is completed.",
        "joining",
    ),
    ("recordings_visible_to_parties", False, "boolean", "Whether both parties see recording links.", "joining"),
    ("reminder_hours", [24, 1], "integer_list", "Hours before the start at which reminders are sent.", "joining"),
    ("mentor_share_percentage", 70, "integer", "The mentor's share of what is paid, in percent.", "money"),
    (
        "refund_approval_threshold",
        "200.00",
        "decimal",
        "Staff refunds of one session above this sum need a second admin.",
        "money",
    ),
    ("review_window_days", 14, "integer", "Days after the end in which a review can be written or changed.", "support"),
    ("dispute_window_days", 30, "integer", "Days after the end in which a problem can be reported.", "support"),
    (
        "undo_window_seconds",
        60,
        "integer",
        "Seconds in which a staff action can be undone before anybody is told.",
        "support",
    ),
]

# AUD-2, MN-4, POL-5: rows that are written once and never again touched.
IMMUTABLE = [
    "session_audit_log",
    "admin_session_audit_trail",
    "ledger_transactions",
    "ledger_postings",
    "policy_versions",
    "policy_history",
    "decision_records",
    "note_history",
]
# Rows that change while they live, but are never deleted: nothing that happened is.
KEPT = [
    "sessions",
    "users",
    "payments",
    "refunds",
    "payouts",
    "ledger_accounts",
    "messages",
    "email_events",
    "reschedule_requests",
    "session_reviews",
    "session_joins",
    "session_disputes",
    "admin_session_notes",
    "policy_overrides",
    "webhook_events",
]

REFUSE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: what happened is kept', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$
"""

LEDGER = """
CREATE FUNCTION require_balanced_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    transaction uuid;
BEGIN
    -- Two statements, not one CASE: an expression that names a column the row has not fails as a whole.
    IF TG_TABLE_NAME = 'ledger_postings' THEN
        transaction := NEW.transaction_id;
    ELSE
        transaction := NEW.id;
    END IF;
    IF (SELECT count(*) FROM ledger_postings WHERE transaction_id = transaction) < 2
       OR EXISTS (SELECT 1 FROM ledger_postings WHERE transaction_id = transaction
                  GROUP BY currency HAVING sum(amount_minor) <> 0)
       OR EXISTS (SELECT 1 FROM ledger_postings p JOIN ledger_accounts a ON a.id = p.account_id
                  WHERE p.transaction_id = transaction AND a.currency <> p.currency) THEN
        RAISE EXCEPTION 'ledger transaction % does not balance', transaction USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
"""

# One statement, ordered by key, so that two transactions that touch the same days never wait for each other crosswise.
SESSION_FIGURES = """
CREATE FUNCTION keep_session_figures() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO session_daily_figures AS f
        (day, status, refund_status, cancelled_by, cancellation_category, currency,
         sessions, rate_minor, refund_amount_minor)
    SELECT day, status, refund_status, cancelled_by, category, currency, sum(n), sum(n * rate), sum(n * refund)
    FROM (
        SELECT (coalesce(NEW.scheduled_at, NEW.created_at) AT TIME ZONE 'UTC')::date AS day, NEW.status AS status,
               NEW.refund_status AS refund_status, coalesce(NEW.cancelled_by, '') AS cancelled_by,
               coalesce(NEW.cancellation_category, '') AS category, NEW.currency AS currency,
               1 AS n, NEW.rate_minor AS rate, NEW.refund_amount_minor AS refund
        UNION ALL
        SELECT (coalesce(OLD.scheduled_at, OLD.created_at) AT TIME ZONE 'UTC')::date, OLD.status,
               OLD.refund_status, coalesce(OLD.cancelled_by, ''), coalesce(OLD.cancellation_category, ''),
               OLD.currency, -1, OLD.rate_minor, OLD.refund_amount_minor
        WHERE TG_OP = 'UPDATE'
    ) AS change
    GROUP BY day, status, refund_status, cancelled_by, category, currency
    HAVING sum(n) <> 0 OR sum(n * rate) <> 0 OR sum(n * refund) <> 0
    ORDER BY day, status, refund_status, cancelled_by, category, currency
    ON CONFLICT (day, status, refund_status, cancelled_by, cancellation_category, currency) DO UPDATE
        SET sessions = f.sessions + excluded.sessions,
            rate_minor = f.rate_minor + excluded.rate_minor,
            refund_amount_minor = f.refund_amount_minor + excluded.refund_amount_minor;
    RETURN NULL;
END $$
"""

REVIEW_FIGURES = """
CREATE FUNCTION keep_review_figures() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO review_daily_figures AS f (day, reviews, rating_sum)
    SELECT day, sum(n), sum(n * rating)
    FROM (
        SELECT (NEW.created_at AT TIME ZONE 'UTC')::date AS day, 1 AS n, NEW.rating AS rating
        WHERE NEW.author_id = NEW.mentee_id AND NEW.hidden_at IS NULL
        UNION ALL
        SELECT (OLD.created_at AT TIME ZONE 'UTC')::date, -1, OLD.rating
        WHERE TG_OP = 'UPDATE' AND OLD.author_id = OLD.mentee_id AND OLD.hidden_at IS NULL
    ) AS change
    GROUP BY day
    HAVING sum(n) <> 0 OR sum(n * rating) <> 0
    ON CONFLICT (day) DO UPDATE
        SET reviews = f.reviews + excluded.reviews, rating_sum = f.rating_sum + excluded.rating_sum;
    RETURN NULL;
END $$
"""


def upgrade():
    op.execute(REFUSE)
    for table in IMMUTABLE:
        op.execute(
            f"CREATE TRIGGER {table}_immutable BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    for table in KEPT:
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    for table in [*IMMUTABLE, *KEPT]:
        op.execute(
            f"CREATE TRIGGER {table}_whole BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(LEDGER)
    for table in ["ledger_postings", "ledger_transactions"]:
        op.execute(
            f"CREATE CONSTRAINT TRIGGER {table}_balanced AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION require_balanced_ledger()"
        )
    # At the end of the transaction, so that a day's row is locked for the commit only (KPI-1).
    op.execute(SESSION_FIGURES)
    op.execute(
        "CREATE CONSTRAINT TRIGGER sessions_figures AFTER INSERT OR UPDATE OF status, scheduled_at, refund_status, "
        "cancelled_by, cancellation_category, rate_minor, refund_amount_minor ON sessions "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keep_session_figures()"
    )
    op.execute(REVIEW_FIGURES)
    op.execute(
        "CREATE CONSTRAINT TRIGGER session_reviews_figures AFTER INSERT OR UPDATE OF rating, hidden_at "
        "ON session_reviews DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keep_review_figures()"
    )
    _first_policies()


def _first_policies():
    connection = op.get_bind()
    connection.execute(
        sa.text(
            "INSERT INTO policy_versions (id, values, reason, created_at) "
            "VALUES (gen_random_uuid(), cast(:values AS jsonb), 'The values the product ships with', now())"
        ),
        {"values": json.dumps({key: value for key, value, *_ in POLICIES})},
    )
    for key, value, kind, description, group in POLICIES:
        connection.execute(
            sa.text(
                'INSERT INTO session_policies (key, value, type, description, "group", updated_at) '
                "VALUES (:key, cast(:value AS jsonb), :type, :description, :group, now())"
            ),
            {"key": key, "value": json.dumps(value), "type": kind, "description": description, "group": group},
        )


def downgrade():
    op.execute("DROP TRIGGER session_reviews_figures ON session_reviews")
    op.execute("DROP FUNCTION keep_review_figures")
    op.execute("DROP TRIGGER sessions_figures ON sessions")
    op.execute("DROP FUNCTION keep_session_figures")
    for table in ["ledger_postings", "ledger_transactions"]:
        op.execute(f"DROP TRIGGER {table}_balanced ON {table}")
    op.execute("DROP FUNCTION require_balanced_ledger")
    for table in [*IMMUTABLE, *KEPT]:
        op.execute(f"DROP TRIGGER {table}_whole ON {table}")
    for table in KEPT:
        op.execute(f"DROP TRIGGER {table}_kept ON {table}")
    for table in IMMUTABLE:
        op.execute(f"DROP TRIGGER {table}_immutable ON {table}")
    op.execute("DROP FUNCTION refuse_change")
    op.execute("DELETE FROM session_policies")
    op.execute("DELETE FROM policy_versions")
