"""Reconciliation: what does not agree is found once; what the gateway gave back by itself is booked (MN-11, MN-14)."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.domain.context import CLOCK
from app.domain.errors import Conflict, Forbidden
from app.domain.ledger import GATEWAY, GOODWILL
from app.domain.money import Money
from app.domain.vocabulary import NotificationType, PaymentStatus, RefundState, RefundStatus
from app.extensions import db
from app.foundation.transaction import transaction
from app.integrations.payments.base import ReturnKind
from app.integrations.payments.sandbox_behavior import Operation, Trouble
from app.models import AdminAuditTrail, MentoringSession, Notification, Payment, ReconciliationFinding, Refund
from app.money.checks import CHECKS
from app.money.findings import close_finding
from app.money.ledger import balance
from app.money.outside import RETURNED, book_returns
from app.money.overview import session_money
from app.money.reconciliation import reconcile
from app.money.refunds import request_refund
from app.money.rows import lock_session
from app.money.wallets import wallet_of
from app.tasks.rounds import EACH_NIGHT
from tests.factories.people import a_mentor, a_support_agent, an_admin, an_ops, ctx_of
from tests.factories.sessions import a_completed_session, a_paid_session, empty_books, fresh, sandbox
from tests.invariants.planted import FAULTS, a_session_paid_by_hand
from tests.outbox import RunOutbox
from tests.world import Clock, context

pytestmark = pytest.mark.usefixtures("app", "clock")


@pytest.fixture(autouse=True)
def books_of_its_own(app: Flask) -> object:
    """The gateway's books outlive a rolled-back test; each of these starts with none."""
    empty_books()
    yield
    sandbox().behavior.behave()


def night(clock: Clock) -> dict[str, Any]:
    report: dict[str, Any] = reconcile(sandbox(), context(CLOCK, clock.advance(days=1)))["counts"]
    return report


def findings(*, is_open: bool = True) -> list[ReconciliationFinding]:
    chosen = select(ReconciliationFinding).order_by(ReconciliationFinding.found_at)
    db.session.expire_all()
    return list(db.session.scalars(chosen.where(ReconciliationFinding.resolved_at.is_(None)) if is_open else chosen))


def reference_of(session: MentoringSession) -> str:
    return db.session.scalars(select(Payment.reference).where(Payment.session_id == session.id)).one()


def hear(session: MentoringSession) -> list[Any]:
    reference = reference_of(session)
    return book_returns(reference, sandbox().returns_of(reference), context())


def give_back(session: MentoringSession, minor: int, kind: ReturnKind = ReturnKind.REFUND) -> list[Any]:
    sandbox().give_back(reference_of(session), minor, kind)
    return hear(session)


def books_agree() -> bool:
    return [problem for check in CHECKS for problem in check.run()] == []


@pytest.mark.spec("MN-11")
def test_books_that_agree_have_no_findings(clock: Clock, run_outbox: RunOutbox) -> None:
    a_completed_session()
    run_outbox()
    assert night(clock) == {"found": 0, "new": 0, "closed": 0, "returns_booked": 0}
    assert findings(is_open=False) == []
    assert "money" in {each.name for each in EACH_NIGHT}


@pytest.mark.spec("MN-11")
def test_a_disagreement_is_found_once_told_once_and_closed_when_it_is_gone(clock: Clock) -> None:
    ops = an_ops()
    a_session_paid_by_hand()
    assert night(clock)["new"] == 1
    assert night(clock)["new"] == 0
    (finding,) = findings()
    assert finding.session_id is not None
    assert "its payment says not paid" in finding.facts["what"]
    told = db.session.scalars(select(Notification.title).where(Notification.user_id == ops.id)).all()
    assert told == ["The books do not agree"]
    with transaction():
        db.session.get_one(MentoringSession, finding.session_id).payment_status = PaymentStatus.PENDING
    assert night(clock)["closed"] == 1
    assert findings() == []
    with transaction():
        db.session.get_one(MentoringSession, finding.session_id).payment_status = PaymentStatus.PAID
    assert night(clock)["new"] == 1, "and found again when it comes back"
    assert len(findings(is_open=False)) == 1


@pytest.mark.spec("MN-11")
@pytest.mark.parametrize(
    "plant, words", FAULTS, ids=[f"{plant.__name__}-{number}" for number, (plant, _) in enumerate(FAULTS)]
)
def test_everything_planted_is_found(app: Flask, clock: Clock, plant: Any, words: str) -> None:
    plant()
    if plant.__name__ != "a_refund_made_at_the_gateway_by_hand":
        night(clock)
        assert any(words in finding.facts["what"] for finding in findings()), [f.facts for f in findings()]
    checked = app.test_cli_runner().invoke(args=["money", "check"])
    found_by_night = plant.__name__ == "a_refund_made_at_the_gateway_by_hand"
    assert checked.exit_code == 1, checked.output
    if found_by_night:
        assert night(clock)["returns_booked"] == 1


@pytest.mark.spec("MN-11")
def test_a_silent_gateway_is_no_agreement_and_closes_nothing(app: Flask, clock: Clock) -> None:
    session = a_paid_session()
    with sandbox()._book(reference_of(session)) as book:
        book["amount_minor"] += 1
    assert night(clock)["new"] == 1
    sandbox().behavior.misbehave(Operation.LIST, Trouble.FAIL)
    report = reconcile(sandbox(), context(CLOCK, clock.advance(days=1)))
    assert (report["gateway"], report["counts"]["closed"]) == ("silent", 0)
    assert len(findings()) == 1
    checked = app.test_cli_runner().invoke(args=["money", "check"])
    assert checked.exit_code == 1
    assert "did not answer" in checked.output


@pytest.mark.spec("MN-14")
@pytest.mark.parametrize("kind", list(ReturnKind), ids=str)
def test_money_taken_back_at_the_gateway_is_booked_shown_and_a_task(kind: ReturnKind) -> None:
    agent = a_support_agent()
    session = a_completed_session()
    (booked,) = give_back(session, 2_000, kind)
    assert booked.borne_minor == 0
    money = session_money(session.id)
    assert (money.refunded.minor, money.mentor.minor, money.platform.minor) == (2_000, 2_100, 900)
    assert money.is_balanced
    assert balance(GATEWAY, "EUR") == 3_000
    assert fresh(session).payment_status is PaymentStatus.PARTIALLY_REFUNDED
    (task,) = findings()
    assert (task.check, task.session_id) == (RETURNED, session.id)
    told = db.session.scalars(select(Notification.title).where(Notification.user_id == agent.id)).all()
    assert told == ["Money went back at the gateway"]
    assert books_agree()
    assert hear(session) == [], "once"


@pytest.mark.spec("MN-13", "MN-14")
def test_a_chargeback_after_the_payout_makes_the_mentors_balance_negative() -> None:
    session = a_completed_session()
    give_back(session, 5_000, ReturnKind.CHARGEBACK)
    wallet = wallet_of(session.mentor_id).in_currency("EUR")
    assert wallet.available.minor == 0
    told = db.session.scalars(
        select(Notification.body).where(
            Notification.user_id == session.mentor_id, Notification.type == NotificationType.ADMIN_REFUND
        )
    ).all()
    assert len(told) == 1
    assert "€35.00" in told[0]


@pytest.mark.spec("MN-14")
def test_what_had_gone_back_before_the_platform_bears(run_outbox: RunOutbox) -> None:
    session = a_paid_session()
    with transaction():
        request_refund(lock_session(session.id), percentage=100, reason="Cancelled", ctx=context())
    run_outbox()
    (booked,) = give_back(session, 5_000, ReturnKind.CHARGEBACK)
    assert (booked.refund, booked.borne_minor) == (None, 5_000)
    assert balance(GOODWILL, "EUR") == 5_000
    money = session_money(session.id)
    assert (money.is_balanced, money.lost.minor, money.refunded.minor) == (True, 5_000, 5_000)
    assert books_agree()
    assert hear(session) == []


@pytest.mark.spec("MN-14", "MN-8")
def test_a_failed_refund_that_somebody_made_by_hand_is_settled_by_it(run_outbox: RunOutbox) -> None:
    session = a_paid_session()
    sandbox().behavior.misbehave(Operation.REFUND, Trouble.REFUSE, times=1, words="Try the dashboard.")
    with transaction():
        refund = request_refund(lock_session(session.id), percentage=40, reason="Cancelled", ctx=context())
    assert refund is not None
    run_outbox(kind="refund.send")
    (booked,) = give_back(session, 2_000)
    db.session.expire_all()
    assert booked.refund is refund
    assert refund.status is RefundState.PROCESSED
    assert session_money(session.id).refunded.minor == 2_000
    assert fresh(session).refund_status is RefundStatus.PROCESSED
    assert books_agree()


@pytest.mark.spec("MN-14", "INV-4")
def test_an_entry_that_may_be_our_own_waits_until_the_answer_is_known() -> None:
    session = a_paid_session()
    with transaction():
        refund = request_refund(lock_session(session.id), percentage=40, reason="Cancelled", ctx=context())
    assert refund is not None
    with transaction():
        refund.attempts = 1
    assert give_back(session, 2_000) == []
    assert db.session.scalars(select(Refund)).all() == [refund]


@pytest.mark.spec("MN-14", "MN-3")
def test_the_gateways_webhook_brings_it_at_once_and_the_night_what_no_webhook_told(
    app: Flask, clock: Clock, run_outbox: RunOutbox
) -> None:
    told, untold = a_paid_session(), a_paid_session()
    run_outbox()
    event_id = sandbox().give_back(reference_of(told), 5_000, ReturnKind.CHARGEBACK)
    (body,) = sandbox().outgoing(reference_of(told), event_id)
    headers = {"X-Sandbox-Signature": sandbox().sign(body), "Content-Type": "application/json"}
    assert app.test_client().post("/api/webhooks/sandbox", data=body, headers=headers).status_code == 200
    run_outbox()
    assert fresh(told).payment_status is PaymentStatus.REFUNDED
    sandbox().give_back(reference_of(untold), 5_000)
    assert night(clock)["returns_booked"] == 1
    assert fresh(untold).payment_status is PaymentStatus.REFUNDED
    assert len(findings()) == 2


@pytest.mark.spec("MN-14", "AUD-1")
def test_a_task_stays_until_somebody_says_what_became_of_it(clock: Clock) -> None:
    admin = an_admin()
    give_back(a_paid_session(), 100)
    night(clock)
    (task,) = findings()
    with pytest.raises(Forbidden):
        close_finding(task.id, reason="Seen", ctx=ctx_of(a_mentor()))
    close_finding(task.id, reason="Called the bank", ctx=ctx_of(admin))
    assert findings() == []
    (act,) = db.session.scalars(select(AdminAuditTrail)).all()
    assert (act.action, act.reason) == ("ADMIN_FINDING_CLOSED", "Called the bank")
    night(clock)
    assert findings() == [], "a task that was done does not come back"
    with pytest.raises(Conflict):
        close_finding(task.id, reason="Again", ctx=ctx_of(admin))


@pytest.mark.spec("MN-14")
def test_the_command_line_has_the_sandbox_give_back(app: Flask, run_outbox: RunOutbox) -> None:
    reference = reference_of(a_paid_session())
    done = app.test_cli_runner().invoke(args=["money", "sandbox-return", reference, "12.50", "--chargeback"])
    assert done.exit_code == 0, done.output
    assert [each.amount for each in sandbox().returns_of(reference)] == [Money(1_250, "EUR")]
    wrong = app.test_cli_runner().invoke(args=["money", "sandbox-return", "unknown"])
    assert wrong.exit_code == 1
