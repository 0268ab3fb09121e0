"""Refunds on their way to the gateway: killed, cut off, refused, sent twice; the gateway pays once (MN-6, INV-4)."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.domain.errors import ProviderFailed
from app.domain.vocabulary import OutboxState, PaymentStatus, RefundState, RefundStatus
from app.extensions import db
from app.foundation.outbox import LEASE
from app.foundation.transaction import in_transaction, transaction
from app.integrations.payments.sandbox import SandboxGateway
from app.integrations.payments.sandbox_behavior import Operation, Trouble
from app.models import EmailEvent, LedgerTransaction, MentoringSession, Notification, OutboxRow, Payment, Refund
from app.money.overview import session_money
from app.money.refunds import request_refund, retry_refund
from app.money.rows import lock_session
from app.money.sending import load_for_send, record_refund_result, send_refund
from tests.factories.people import a_support_agent, ctx_of
from tests.factories.sessions import a_paid_session, fresh, sandbox
from tests.outbox import KillPoint, RunOutbox
from tests.world import Clock, context

pytestmark = pytest.mark.usefixtures("app", "clock")


@pytest.fixture(autouse=True)
def well_behaved(app: object) -> object:
    yield
    sandbox().behavior.behave()


@pytest.fixture
def session() -> MentoringSession:
    return a_paid_session()


@pytest.fixture
def refund(session: MentoringSession) -> Refund:
    with transaction():
        row = request_refund(
            lock_session(session.id), percentage=70, reason="A test", ctx=context(now=session.created_at)
        )
    assert row is not None
    return row


def paid_back(session: MentoringSession) -> list[int]:
    """What the gateway's own books say that it paid back."""
    reference = db.session.scalars(select(Payment.reference).where(Payment.session_id == session.id)).one()
    book = sandbox().read(reference)
    assert book is not None
    return [entry["amount_minor"] for entry in book["refunds"]]


def trouble(do: Trouble, *, on: Operation = Operation.REFUND, times: int | None = 1, words: str = "") -> None:
    sandbox().behavior.misbehave(on, do, times=times, words=words)


def is_done(session: MentoringSession, refund: Refund) -> bool:
    db.session.expire_all()
    kinds = db.session.scalars(
        select(LedgerTransaction.kind).where(LedgerTransaction.source_id == str(refund.id))
    ).all()
    return (
        paid_back(session) == [3_500]
        and refund.status is RefundState.PROCESSED
        and sorted(kinds) == ["refund_processed", "refund_requested"]
        and fresh(session).payment_status is PaymentStatus.PARTIALLY_REFUNDED
        and session_money(session.id).is_balanced
    )


@pytest.mark.spec("MN-6")
def test_a_refund_reaches_the_gateway_and_the_mentee_is_told(
    session: MentoringSession, refund: Refund, run_outbox: RunOutbox
) -> None:
    assert ("refund.send", "done") in run_outbox()
    assert is_done(session, refund)
    told = db.session.scalars(select(Notification.title).where(Notification.user_id == session.mentee_id)).all()
    assert told.count("Refund Processed") == 1
    mails = db.session.scalars(select(EmailEvent.template).where(EmailEvent.user_id == session.mentee_id)).all()
    assert mails.count("refund_processed") == 1


@pytest.mark.spec("INV-4", "OPS-1")
@pytest.mark.parametrize("point", ["claim", "act"])
def test_a_worker_killed_at_any_point_pays_back_once(
    session: MentoringSession, refund: Refund, run_outbox: RunOutbox, clock: Clock, point: KillPoint
) -> None:
    assert run_outbox(kill_after=point, kind="refund.send") == [("refund.send", "killed")]
    clock.advance(seconds=LEASE.total_seconds() + 1)
    run_outbox(kind="refund.send")
    assert is_done(session, refund)


@pytest.mark.spec("INV-4")
def test_killed_between_the_call_and_the_record_again_and_again_pays_back_once(
    session: MentoringSession, refund: Refund, run_outbox: RunOutbox, clock: Clock
) -> None:
    for _ in range(5):
        run_outbox(kill_after="act", kind="refund.send")
        clock.advance(seconds=LEASE.total_seconds() + 1)
    assert paid_back(session) == [3_500]
    run_outbox(kind="refund.send")
    assert is_done(session, refund)


class Forgetful(SandboxGateway):
    """A gateway that keeps no keys, as Paystack: every call that it understands pays."""

    name = "sandbox"

    def refund(self, *, reference: str, amount: object, key: str) -> object:  # type: ignore[override]
        used = len((self.read(reference) or {})["refunds"])
        return super().refund(reference=reference, amount=amount, key=f"{key}#{used}")  # type: ignore[arg-type]

    def find_refund(self, *, reference: str, key: str) -> object:  # type: ignore[override]
        return super().find_refund(reference=reference, key=f"{key}#0")


@pytest.mark.spec("MN-6", "INV-4")
def test_even_a_gateway_without_keys_pays_once_because_its_books_are_asked_first(
    session: MentoringSession, refund: Refund
) -> None:
    gateway = Forgetful(sandbox()._folder, "http://localhost")
    trouble(Trouble.LOSE_ANSWER)
    first = load_for_send(refund.id)
    assert first is not None
    with pytest.raises(ProviderFailed) as lost:
        send_refund(first, gateway)
    assert lost.value.unknown
    again = load_for_send(refund.id)
    assert again is not None
    assert again.may_have_been_sent
    record_refund_result(refund.id, send_refund(again, gateway), context())
    assert is_done(session, refund)


@pytest.mark.spec("MN-6", "INV-4")
def test_a_lost_answer_is_looked_up_and_never_sent_twice(
    session: MentoringSession, refund: Refund, run_outbox: RunOutbox, clock: Clock
) -> None:
    trouble(Trouble.LOSE_ANSWER, times=3)
    assert run_outbox(kind="refund.send") == [("refund.send", "later")]
    db.session.expire_all()
    assert refund.status is RefundState.PENDING, "nobody is told anything yet"
    clock.advance(seconds=60)
    run_outbox(kind="refund.send")
    assert is_done(session, refund)


@pytest.mark.spec("MN-6")
def test_a_gateway_that_is_away_is_tried_again_until_it_answers(
    session: MentoringSession, refund: Refund, run_outbox: RunOutbox, clock: Clock
) -> None:
    trouble(Trouble.FAIL, times=2)
    trouble(Trouble.FAIL, on=Operation.FIND_REFUND)
    for _ in range(4):
        run_outbox(kind="refund.send")
        clock.advance(hours=1)
    run_outbox(kind="refund.send")
    assert is_done(session, refund)


@pytest.mark.spec("MN-6")
def test_a_refund_the_gateway_pays_later_is_pending_until_then(
    session: MentoringSession, refund: Refund, run_outbox: RunOutbox, clock: Clock
) -> None:
    trouble(Trouble.PENDING)
    assert run_outbox(kind="refund.send") == [("refund.send", "later")]
    assert fresh(session).refund_status is RefundStatus.PENDING
    sandbox().settle_refunds(db.session.scalars(select(Payment.reference)).one())
    clock.advance(hours=1)
    run_outbox(kind="refund.send")
    assert is_done(session, refund)


@pytest.mark.spec("MN-8")
def test_a_refusal_for_good_is_supports_and_can_be_tried_again_later(
    session: MentoringSession, refund: Refund, run_outbox: RunOutbox
) -> None:
    agent = a_support_agent()
    trouble(Trouble.REFUSE, words="The card was closed.")
    run_outbox(kind="refund.send")
    db.session.expire_all()
    assert (refund.status, refund.error) == (RefundState.FAILED, "The card was closed.")
    assert fresh(session).refund_status is RefundStatus.FAILED
    told = db.session.scalars(select(Notification.body).where(Notification.user_id == agent.id)).all()
    assert len(told) == 1
    assert "The card was closed." in told[0]

    retry_refund(refund.id, reason="The bank opened it.", ctx=ctx_of(agent))
    run_outbox(kind="refund.send")
    assert is_done(session, refund)


@pytest.mark.spec("MN-8", "INV-4")
def test_trying_ends_after_a_week_and_a_late_retry_still_finds_what_was_done(
    session: MentoringSession, refund: Refund, run_outbox: RunOutbox, clock: Clock
) -> None:
    agent = a_support_agent()
    trouble(Trouble.LOSE_ANSWER)
    run_outbox(kind="refund.send")
    trouble(Trouble.FAIL, on=Operation.FIND_REFUND, times=None)
    clock.advance(days=8)
    assert run_outbox(kind="refund.send") == [("refund.send", "dead")]
    db.session.expire_all()
    assert refund.status is RefundState.FAILED
    assert db.session.scalars(select(OutboxRow.state).where(OutboxRow.kind == "refund.send")).one() is OutboxState.DEAD

    sandbox().behavior.behave()
    retry_refund(refund.id, reason="They are back.", ctx=ctx_of(agent))
    run_outbox(kind="refund.send")
    assert is_done(session, refund)


@pytest.mark.spec("OPS-1")
def test_no_transaction_is_open_while_the_gateway_is_spoken_to(
    session: MentoringSession, refund: Refund, run_outbox: RunOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    original = SandboxGateway.refund

    def watched(self: SandboxGateway, **arguments: object) -> object:
        seen.append(in_transaction())
        return original(self, **arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(SandboxGateway, "refund", watched)
    run_outbox(kind="refund.send")
    assert seen == [False]


def test_there_is_nothing_to_send_once_it_is_done(refund: Refund, run_outbox: RunOutbox) -> None:
    run_outbox(kind="refund.send")
    assert load_for_send(refund.id) is None
