"""Any history of payments, refunds and settlements keeps the books, to the minor unit (INV-3, INV-4, MN-5, MN-6)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.domain.context import PAYMENT
from app.domain.errors import Conflict, DomainError
from app.domain.money import Money, share_of
from app.domain.times import EPOCH
from app.domain.vocabulary import RefundState, RefundType, SessionStatus
from app.extensions import db
from app.foundation.transaction import transaction
from app.integrations.payments.base import ChargeState, ReturnKind
from app.integrations.payments.sandbox import SandboxGateway
from app.integrations.payments.sandbox_behavior import Operation, Trouble
from app.models import MentoringSession, Payment, Refund, User
from app.money.checks import CHECKS
from app.money.gateway_books import compare_books, read_books
from app.money.outside import book_returns
from app.money.overview import session_money
from app.money.payments import abandon_payment, open_payment, record_charge
from app.money.refunds import approve_refund, decline_refund, request_refund, retry_refund, withdraw_refund
from app.money.rows import lock_session
from app.money.sending import load_for_send, record_refund_result, send_refund
from app.money.settlement import settle_session, unsettle_session
from app.money.wallets import credit_of, wallet_of
from app.support.refund_decisions import RefundAct, decide_about_refund
from tests.conftest import rolled_back
from tests.factories.money import a_session_with_money, an_unpaid_session
from tests.factories.people import a_support_agent, an_admin, ctx_of
from tests.factories.sessions import sandbox
from tests.invariants.planted import FAULTS
from tests.world import START, Clock, context

STEPS = [
    "open", "open", "pay", "pay", "pay_again", "abandon", "decline_card", "percentage", "percentage", "amount", "full",
    "bonus", "send", "send", "send_killed", "send_lost", "send_refused", "retry", "withdraw", "approve", "decline",
    "settle", "unsettle", "settle_outside", "by_hand", "chargeback",
]  # fmt: skip


@dataclass
class History:
    """One session under random steps. A step that is refused by a rule is as good as none."""

    session: MentoringSession
    mentee: User
    agent: User
    admin: User
    gateway: SandboxGateway
    done: list[str] = field(default_factory=list)

    def take(self, step: str, number: int) -> None:
        with suppress(DomainError):
            getattr(self, step)(number)
            self.done.append(step)

    @contextmanager
    def locked(self) -> Iterator[MentoringSession]:
        with transaction():
            yield lock_session(self.session.id)

    # Paying.

    def open(self, number: int) -> None:
        with self.locked() as session:
            payment = open_payment(session, ctx=context(), gateway_name="sandbox")
        if payment.amount_minor:
            self.gateway.start(
                reference=payment.reference,
                amount=Money(payment.amount_minor, payment.currency),
                email="ada@people.example",
                description="A talk",
                return_url="http://localhost/",
            )

    def pay(self, number: int) -> None:
        self._decide(number, ChargeState.SUCCEEDED)

    def decline_card(self, number: int) -> None:
        self._decide(number, ChargeState.FAILED)

    def _decide(self, number: int, state: ChargeState) -> None:
        payment = self._pick(Payment, number, Payment.gateway == "sandbox")
        self.gateway.decide(payment.reference, state)
        self._verify(payment)

    def pay_again(self, number: int) -> None:
        self._verify(self._pick(Payment, number, Payment.gateway == "sandbox"))

    def _verify(self, payment: Payment) -> None:
        charge = self.gateway.verify(payment.reference)
        with self.locked():
            record_charge(payment.id, charge, context(PAYMENT))

    def abandon(self, number: int) -> None:
        with self.locked() as session:
            abandon_payment(session, ctx=context())

    # Giving back.

    def percentage(self, number: int) -> None:
        self._refund(percentage=number % 101, by_staff=number % 3 == 0)

    def amount(self, number: int) -> None:
        self._refund(amount=Money(1 + number, self.session.currency), type=RefundType.PARTIAL)

    def bonus(self, number: int) -> None:
        self._refund(amount=Money(1 + number, self.session.currency), type=RefundType.BONUS)

    def full(self, number: int) -> None:
        left = session_money(self.session.id).held.minor or 1
        self._refund(amount=Money(left, self.session.currency), type=RefundType.FULL)

    def _refund(self, **options: Any) -> None:
        with self.locked() as session:
            request_refund(session, reason="A test", ctx=ctx_of(self.agent), **options)

    def send(self, number: int) -> None:
        self._send(number)

    def send_killed(self, number: int) -> None:
        """The gateway is called, and the worker dies before it can record anything."""
        order = load_for_send(self._pick(Refund, number).id)
        if order is not None:
            send_refund(order, self.gateway)

    def send_lost(self, number: int) -> None:
        self.gateway.behavior.misbehave(Operation.REFUND, Trouble.LOSE_ANSWER, times=1)
        try:
            self._send(number)
        finally:
            self.gateway.behavior.behave()

    def send_refused(self, number: int) -> None:
        self.gateway.behavior.misbehave(Operation.REFUND, Trouble.REFUSE, times=1)
        try:
            self._send(number)
        finally:
            self.gateway.behavior.behave()

    def _send(self, number: int) -> None:
        refund = self._pick(Refund, number)
        order = load_for_send(refund.id)
        if order is not None:
            record_refund_result(refund.id, send_refund(order, self.gateway), context())

    def retry(self, number: int) -> None:
        retry_refund(self._pick(Refund, number).id, reason="Again", ctx=ctx_of(self.agent))

    def withdraw(self, number: int) -> None:
        refund = self._pick(Refund, number)
        # A bonus that was spent meanwhile cannot be taken back; the console offers it within the undo window only.
        if refund.type is RefundType.BONUS:
            raise Conflict("not here")
        with self.locked() as session:
            withdraw_refund(session, refund, reason="Undone", ctx=context())

    def approve(self, number: int) -> None:
        refund = self._pick(Refund, number, Refund.status == RefundState.AWAITING_APPROVAL)
        approve_refund(refund.id, reason="Yes", ctx=ctx_of(self.admin))

    def decline(self, number: int) -> None:
        refund = self._pick(Refund, number, Refund.status == RefundState.AWAITING_APPROVAL)
        decline_refund(refund.id, reason="No", ctx=ctx_of(self.admin))

    # Moved without our asking (MN-8, MN-14).

    def settle_outside(self, number: int) -> None:
        refund = self._pick(Refund, number, Refund.status == RefundState.FAILED)
        done = decide_about_refund(
            refund.id, RefundAct.SETTLE, reason="By bank", gateway=self.gateway, ctx=ctx_of(self.admin)
        )
        assert done.refund.status is RefundState.PROCESSED

    def by_hand(self, number: int) -> None:
        self._return(number, ReturnKind.REFUND)

    def chargeback(self, number: int) -> None:
        self._return(number, ReturnKind.CHARGEBACK)

    def _return(self, number: int, kind: ReturnKind) -> None:
        payment = self._pick(Payment, number, Payment.gateway == "sandbox")
        self.gateway.give_back(payment.reference, 1 + number % (payment.amount_minor or 1), kind)
        self.hear_of_returns()

    def hear_of_returns(self) -> None:
        for reference in self.gateway.references():
            book_returns(reference, self.gateway.returns_of(reference), context(PAYMENT))

    # Settling.

    def settle(self, number: int) -> None:
        with self.locked() as session:
            settle_session(session, context())

    def unsettle(self, number: int) -> None:
        with self.locked() as session:
            unsettle_session(session, context())

    def _pick(self, model: Any, number: int, *conditions: Any) -> Any:
        rows = db.session.scalars(
            select(model).where(model.session_id == self.session.id, *conditions).order_by(model.created_at, model.id)
        ).all()
        if not rows:
            raise Conflict("nothing to pick")
        return rows[number % len(rows)]

    # What must hold after every step.

    def check(self) -> None:
        db.session.expire_all()
        money = session_money(self.session.id)
        assert money.is_balanced, (money, self.done)
        assert money.refunded.minor <= money.paid.minor
        mentors = money.mentor.minor + money.held_mentor.minor
        assert mentors == share_of(money.paid.minor - money.refunded.minor, 70), self.done
        wallet = wallet_of(self.session.mentor_id).in_currency(self.session.currency)
        assert wallet.pending.minor + wallet.available.minor == mentors
        assert credit_of(self.mentee.id, self.session.currency).minor >= 0
        rows = [
            db.session.scalars(select(kind).where(kind.session_id == self.session.id)).all()
            for kind in (Payment, Refund)
        ]
        self._gateway_paid_once(*rows)

    def _gateway_paid_once(self, payments: Any, refunds: Any) -> None:
        by_key = {refund.idempotency_key: refund for refund in refunds}
        for payment in payments:
            entries = (self.gateway.read(payment.reference) or {}).get("refunds", [])
            keys = [entry["key"] for entry in entries]
            assert len(keys) == len(set(keys)), "one payout per refund"
            entries = [entry for entry in entries if not entry["key"].startswith("by-hand-")]
            assert sum(entry["amount_minor"] for entry in entries) <= payment.amount_minor
            for entry in entries:
                refund = by_key[entry["key"]]
                assert entry["amount_minor"] == refund.amount_minor - refund.credit_minor
                assert refund.status in {RefundState.PENDING, RefundState.PROCESSED, RefundState.FAILED}


def broken(gateway: SandboxGateway) -> list[str]:
    """Every check of the books that does not hold now, by its words."""
    found = [str(problem) for check in CHECKS if "stays held" not in check.says for problem in check.run()]
    late = context().now + timedelta(minutes=1)
    in_flight = ("the gateway paid it back", "the gateway has it as paid, we as", "we know of no such")
    found += [
        str(p)
        for p in compare_books(read_books(gateway, since=EPOCH), now=late)
        if not any(words in p.what for words in in_flight)
    ]
    return found


@pytest.mark.spec("INV-3", "INV-4", "MN-4", "MN-5", "MN-6")
@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD"])
@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    rate=st.integers(1, 100) | st.integers(1, 10**9),
    gift=st.integers(0, 60),
    begins_paid=st.booleans(),
    steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 10_000)), min_size=5, max_size=25),
)
def test_any_history_keeps_the_books(
    shared_app: Flask, currency: str, rate: int, gift: int, begins_paid: bool, steps: list[tuple[str, int]]
) -> None:
    with a_world_of_its_own(shared_app):
        session = an_unpaid_session(rate_minor=rate, currency=currency)
        history = History(session, session_mentee(session), a_support_agent(), an_admin(), sandbox())
        if gift:
            history.bonus(gift)
        for step, number in [("open", 0), ("pay", 0), *steps] if begins_paid else steps:
            history.take(step, number)
            history.check()
        assert broken(history.gateway) == [], history.done
        finish(history)
        assert broken(history.gateway) == [], history.done


def finish(history: History) -> None:
    """Everything that is under way arrives; afterwards nothing is owed and nothing is held.

    In rounds, as the clock and the worker go on for ever: what the payer's bank took may only be known after a try.
    """
    for _ in range(3):
        arrive(history)
        history.hear_of_returns()
    history.settle(0)
    history.check()
    money = session_money(history.session.id)
    assert money.on_its_way.minor == 0
    assert money.held.minor == 0


def arrive(history: History) -> None:
    chosen = select(Refund.id).where(Refund.session_id == history.session.id).order_by(Refund.created_at, Refund.id)
    for refund_id in db.session.scalars(chosen).all():
        refund = db.session.get_one(Refund, refund_id, populate_existing=True)
        if refund.status is RefundState.AWAITING_APPROVAL:
            approve_refund(refund_id, reason="Yes", ctx=ctx_of(history.admin))
        if refund.status is RefundState.FAILED:
            retry_refund(refund_id, reason="Again", ctx=ctx_of(history.agent))
        order = load_for_send(refund_id)
        if order is not None:
            record_refund_result(refund_id, send_refund(order, history.gateway), context())
        refund = db.session.get_one(Refund, refund_id, populate_existing=True)
        if refund.status is RefundState.FAILED:  # what the payer's bank took is not there to be paid back
            history.settle_outside(0)


def session_mentee(session: MentoringSession) -> User:
    return db.session.get_one(User, session.mentee_id)


@contextmanager
def a_world_of_its_own(app: Flask) -> Iterator[None]:
    """Each example starts from the same database, in a transaction of its own, and with a gateway of empty books.

    Not savepoints in one long transaction: the database ends it for idleness, and thousands would slow it down.
    """
    before = dict(app.extensions)
    with rolled_back(app), tempfile.TemporaryDirectory() as folder:
        gateway = SandboxGateway(Path(folder), "http://localhost")
        app.extensions["desk-adapters"] = replace(before["desk-adapters"], gateway=gateway)
        app.extensions["desk-clock"] = Clock()
        try:
            yield
        finally:
            app.extensions.update(before)


@pytest.mark.spec("INV-4", "INV-3")
def test_the_checks_find_what_was_planted(shared_app: Flask) -> None:
    """Every check is broken once by hand, and says so; the database's own guards are lifted for it."""
    for plant, words in FAULTS:
        with a_world_of_its_own(shared_app):
            plant()
            found = [str(problem) for check in CHECKS for problem in check.run()]
            found += [
                str(problem)
                for problem in compare_books(read_books(sandbox(), since=EPOCH), now=START + timedelta(hours=1))
            ]
            assert any(words in problem for problem in found), (plant.__name__, words, found)


def test_a_history_without_a_fault_is_clean(shared_app: Flask) -> None:
    with a_world_of_its_own(shared_app):
        session = a_session_with_money()
        assert session.status is SessionStatus.SCHEDULED
        assert [problem for check in CHECKS for problem in check.run()] == []
