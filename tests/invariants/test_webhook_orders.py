"""Webhooks in every order, twice, and late: the books end the same (MN-3, INV of webhooks)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import permutations

import pytest
from flask import Flask
from sqlalchemy import text

from app.booking.tick import tick
from app.domain.context import CLOCK, SYSTEM
from app.extensions import db
from app.http.clock import now
from app.integrations.payments.base import ChargeState, ReturnKind
from app.integrations.payments.sandbox import SIGNATURE_HEADER
from app.money.checks import CHECKS
from app.money.webhooks import keep_event
from tests.factories.sessions import a_draft, checkout, sandbox
from tests.invariants.test_money_random import a_world_of_its_own
from tests.outbox import drain
from tests.world import context

# What the payer and the gateway did, in this order; the product hears of it in any.
EVENTS = ("closed", "paid", "returned")
ONCE = list(permutations(EVENTS))
ONE_TWICE = sorted({order for twice in EVENTS for order in permutations([*EVENTS, twice])})

# Everything that lasts, without ids and without times.
TABLES = {
    "sessions": "status, payment_status, refund_status, refund_amount_minor, refund_percentage",
    "payments": "status, amount_minor, credit_minor, flagged_reason",
    "refunds": "status, type, amount_minor, credit_minor, reason, percentage",
    "ledger_transactions": "kind, note",
    "ledger_postings p JOIN ledger_accounts a ON a.id = p.account_id": "a.kind, p.amount_minor, p.currency",
    "notifications": "type, title",
    "email_events": "template",
    "session_audit_log": "action, previous_status, new_status",
    "reconciliation_findings": "\"check\", facts ->> 'kind'",
    "calendar_entries": "1",
    "webhook_events": "kind",
}


def state_of_the_books() -> tuple[str, list[str]]:
    rows = [
        f"{table}: {row}"
        for table, columns in TABLES.items()
        for row in sorted(str(tuple(found)) for found in db.session.execute(text(f"SELECT {columns} FROM {table}")))
    ]
    return hashlib.sha256("\n".join(rows).encode()).hexdigest(), rows


def end_of(app: Flask, order: Sequence[str], *, is_late: bool, is_live: bool = False) -> tuple[str, list[str]]:
    """What stands in the books after these webhooks, the gateway's own story being the same each time."""
    with a_world_of_its_own(app):
        gateway = sandbox()
        session = a_draft()
        reference = checkout(session)
        ids: dict[str, str | None] = {}

        def happens(name: str) -> None:
            if name == "returned":
                ids[name] = gateway.give_back(reference, 2_000, ReturnKind.CHARGEBACK)
            else:
                state = ChargeState.ABANDONED if name == "closed" else ChargeState.SUCCEEDED
                ids[name] = gateway.decide(reference, state)

        def is_heard_of(name: str) -> None:
            event_id = ids[name]
            assert event_id
            for body in gateway.outgoing(reference, event_id):
                event = gateway.parse_webhook(body, {SIGNATURE_HEADER: gateway.sign(body)})
                keep_event(gateway.name, event, context(SYSTEM, now()))
            drain(kind="payment.verify")

        if is_live:
            for name in order:
                happens(name)
                is_heard_of(name)
        else:
            for name in EVENTS:
                happens(name)
            if is_late:
                assert session.hold_expires_at
                app.extensions["desk-clock"].set(session.hold_expires_at)
                tick(ctx=context(CLOCK, now()))
            for name in order:
                is_heard_of(name)
        db.session.expire_all()
        assert [str(problem) for check in CHECKS for problem in check.run()] == []
        return state_of_the_books()


@pytest.mark.spec("MN-3", "INV-3")
@pytest.mark.parametrize("is_late", [False, True], ids=["in time", "after the hold"])
def test_any_order_and_any_repetition_of_webhooks_ends_the_same(shared_app: Flask, is_late: bool) -> None:
    wanted, rows = end_of(shared_app, EVENTS, is_late=is_late)
    assert any("partially_refunded" in row for row in rows), "all three had their effect"
    for order in [*ONCE, *ONE_TWICE]:
        found, others = end_of(shared_app, order, is_late=is_late)
        assert found == wanted, (order, sorted(set(rows) ^ set(others)))


@pytest.mark.spec("MN-3")
def test_hearing_at_once_ends_as_hearing_of_it_all_afterwards(shared_app: Flask) -> None:
    live, rows = end_of(shared_app, EVENTS, is_late=False, is_live=True)
    wanted, others = end_of(shared_app, EVENTS, is_late=False)
    assert live == wanted, sorted(set(rows) ^ set(others))
