"""`flask doctor` finds what it is for: each fault is planted by the database's owner, past every guard."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import text

from app.extensions import db
from app.support.invariants import check_invariants
from tests.factories.people import a_support_agent, ctx_of
from tests.factories.sessions import a_cancelled_session, a_completed_session, a_scheduled_session
from tests.world import Clock

# What is planted, and which sentence of the doctor tells of it.
PLANTS = {
    "a session moved in the table only": (
        "UPDATE sessions SET status = 'completed' WHERE status = 'scheduled'",
        "the last audit row tells the session's status",
    ),
    "an audited step that the table does not have": (
        (
            "INSERT INTO session_audit_log (id, session_id, actor_role, action, previous_status, new_status,"
            " created_at) SELECT gen_random_uuid(), id, 'system', 'forged', 'completed', 'draft', now() FROM sessions "
            "WHERE status = 'completed'"
        ),
        "every audited step is in the table of transitions",
    ),
    "a calendar entry removed": (
        "DELETE FROM calendar_entries WHERE session_id IN (SELECT id FROM sessions WHERE status = 'scheduled')",
        "every occupying session is in both calendars",
    ),
    "a cancelled session that still holds its time": (
        (
            "INSERT INTO calendar_entries (user_id, session_id, busy) SELECT mentee_id, id, "
            "tstzmultirange(tstzrange(now() + interval '900 days', now() + interval '901 days')) FROM sessions "
            "WHERE status = 'cancelled'"
        ),
        "no ended session holds anybody's time",
    ),
    "a posting changed by a cent": (
        "UPDATE ledger_postings SET amount_minor = 7 WHERE id = (SELECT min(id::text)::uuid FROM ledger_postings)",
        "every ledger entry sums to zero in its currency",
    ),
    "a summary that says less came back": (
        "UPDATE sessions SET refund_amount_minor = refund_amount_minor - 1 WHERE status = 'cancelled'",
        "each session's summary agrees with its payments and refunds",
    ),
    "an e-mail whose work is gone": (
        "UPDATE outbox SET state = 'done' WHERE kind = 'mail.send'",
        "no queued e-mail is forgotten by the outbox",
    ),
    "a pending time without a proposal": (
        (
            "UPDATE sessions SET pending_reschedule_request_id = gen_random_uuid(), pending_reschedule_time = now() "
            "WHERE status = 'scheduled'"
        ),
        "pending fields and the open proposal agree",
    ),
    "a day's figure that is off by one": (
        "UPDATE session_daily_figures SET sessions = sessions + 1 WHERE status = 'completed'",
        "the kept daily figures equal a recount",
    ),
    "a staff act rewritten": (
        "UPDATE admin_session_audit_trail SET reason = 'another'",
        "the staff audit trail verifies",
    ),
}


@pytest.fixture
def lived_in(app: Flask, clock: Clock) -> Flask:
    """A scheduled, a completed and a cancelled session, and one staff act."""
    from app.support.notes import add_note

    a_cancelled_session()
    a_completed_session()
    session = a_scheduled_session()
    add_note(session.id, note="Seen.", ctx=ctx_of(a_support_agent()))
    return app


def test_nothing_is_found_where_nothing_is_wrong(lived_in: Flask) -> None:
    assert [finding for finding in check_invariants() if not finding.holds] == []


@pytest.mark.spec("INV-1", "INV-2", "INV-3", "INV-5", "INV-6", "INV-7")
@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_fault_is_found(lived_in: Flask, plant: str) -> None:
    sql, sentence = PLANTS[plant]
    db.session.execute(text("SET session_replication_role = replica"))
    db.session.execute(text(sql))
    db.session.execute(text("SET session_replication_role = DEFAULT"))

    broken = [finding.says for finding in check_invariants() if not finding.holds]

    assert any(says.startswith(sentence) for says in broken), broken


@pytest.mark.spec("RUN-6")
def test_the_command_answers_each_invariant_and_ends_with_one_when_one_is_broken(lived_in: Flask) -> None:
    asked = lived_in.test_cli_runner().invoke(args=["doctor"])
    assert asked.exit_code == 0, asked.output
    assert {f"INV-{number}" for number in (1, 2, 3, 5, 6, 7, 9)} <= set(asked.output.split())
    assert "NOT" not in asked.output.split()

    db.session.execute(text("SET session_replication_role = replica"))
    db.session.execute(text("UPDATE sessions SET status = 'completed' WHERE status = 'scheduled'"))
    db.session.execute(text("SET session_replication_role = DEFAULT"))
    again = lived_in.test_cli_runner().invoke(args=["doctor"])
    assert again.exit_code == 1
    assert "NOT  INV-2  the last audit row tells the session's status: 1 rows" in again.output
