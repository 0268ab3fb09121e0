"""Payments: opened, captured once, flagged, sent back when nobody needs them (MN-1, MN-5, MN-7)."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from app.domain.errors import Conflict
from app.domain.ledger import GATEWAY, REFUNDS, credit, held, payable
from app.domain.money import Money
from app.domain.vocabulary import NotificationType, PaymentState, PaymentStatus, RefundState, SessionStatus
from app.extensions import db
from app.foundation.transaction import transaction
from app.integrations.payments.base import ChargeState
from app.models import LedgerTransaction, MentoringSession, Notification, OutboxRow, Payment, Refund
from app.money.ledger import balance, balances_of_session
from app.money.overview import session_money
from app.money.payments import PaymentOutcome, abandon_payment, record_charge
from app.money.refunds import request_refund
from app.money.rows import lock_session
from app.money.wallets import available_credit, credit_of, wallet_of
from tests.factories.money import (
    a_session_with_money,
    an_open_payment,
    an_unpaid_session,
    charge_of,
    record,
)
from tests.factories.people import a_mentee, a_support_agent
from tests.world import context

pytestmark = pytest.mark.usefixtures("app", "clock")


def with_credit(session: MentoringSession, minor: int) -> None:
    """Give the mentee goodwill credit."""
    from app.domain.ledger import goodwill_bonus
    from app.money.ledger import post
    from app.money.rows import terms_of

    with transaction():
        post(goodwill_bonus(terms_of(session), minor), source_id=f"gift-{session.id}", ctx=context())


@pytest.mark.spec("MN-1", "MN-5")
def test_a_captured_payment_pays_the_session_and_shows_the_mentor_seventy_percent_pending() -> None:
    session = an_unpaid_session(rate_minor=5_001)
    result = record(an_open_payment(session))

    assert result.kind is PaymentOutcome.CAPTURED
    assert result.payment.status is PaymentState.SUCCEEDED
    assert session.payment_status is PaymentStatus.PAID
    assert session.status is SessionStatus.DRAFT, "what it means for the booking is not money's to say"
    assert balances_of_session(session.id)[held(session.mentor_id)] == -3_500, "rounded down"
    wallet = wallet_of(session.mentor_id).in_currency("EUR")
    assert (wallet.pending, wallet.available) == (Money(3_500, "EUR"), Money(0, "EUR"))
    assert session_money(session.id).is_balanced


@pytest.mark.spec("BK-3", "MN-3")
@pytest.mark.parametrize(
    "again", [ChargeState.SUCCEEDED, ChargeState.PENDING, ChargeState.ABANDONED, ChargeState.FAILED]
)
def test_recording_a_charge_again_or_older_news_of_it_changes_nothing(again: ChargeState) -> None:
    session = an_unpaid_session()
    payment = an_open_payment(session)
    record(payment)
    entries = db.session.scalar(select(func.count()).select_from(LedgerTransaction))

    assert record(payment, again).kind is PaymentOutcome.UNCHANGED
    assert db.session.scalar(select(func.count()).select_from(LedgerTransaction)) == entries
    assert session.payment_status is PaymentStatus.PAID


@pytest.mark.spec("MN-4")
def test_the_database_itself_refuses_a_second_entry_for_one_payment(monkeypatch: pytest.MonkeyPatch) -> None:
    payment = an_open_payment(an_unpaid_session())
    record(payment)
    with transaction():
        payment.status = PaymentState.INITIATED  # as if the check before had been lost
    with pytest.raises(DBAPIError, match="uq_ledger_transactions_kind_source_id"):
        record(payment)


@pytest.mark.spec("MN-4")
def test_the_database_refuses_to_change_the_ledger() -> None:
    record(an_open_payment(an_unpaid_session()))
    for statement in ("UPDATE ledger_postings SET amount_minor = 1", "DELETE FROM ledger_transactions"):
        with pytest.raises(DBAPIError, match="what happened is kept"), transaction():
            db.session.execute(text(statement))


@pytest.mark.spec("MN-1")
@pytest.mark.parametrize(
    "given, reason",
    [
        (Money(4_999, "EUR"), "amount_differs"),
        (Money(5_001, "EUR"), "amount_differs"),
        (Money(5_000, "USD"), "currency_differs"),
    ],
)
def test_another_amount_or_currency_than_asked_is_flagged_and_leaves_the_session_unpaid(
    given: Money, reason: str
) -> None:
    agent = a_support_agent()
    session = an_unpaid_session(rate_minor=5_000)
    payment = an_open_payment(session)
    first, second = record(payment, amount=given), record(payment, amount=given)

    assert first.kind is second.kind is PaymentOutcome.FLAGGED
    assert payment.flagged_reason == reason
    assert session.payment_status is PaymentStatus.PENDING
    assert balances_of_session(session.id) == {}
    told = db.session.scalars(select(Notification).where(Notification.user_id == agent.id)).all()
    assert [row.type for row in told] == [NotificationType.PAYMENT_FAILED], "once"
    with pytest.raises(Conflict, match="Support is looking at it"):
        an_open_payment(session)


@pytest.mark.spec("MN-1")
def test_a_second_captured_payment_goes_back_whole_and_the_mentee_is_told() -> None:
    session = an_unpaid_session(rate_minor=5_000)
    first = an_open_payment(session)
    record(first, ChargeState.ABANDONED)
    second = an_open_payment(session)
    record(second)
    result = record(first)  # the abandoned page was paid after all

    assert result.kind is PaymentOutcome.DUPLICATE
    assert result.refund is not None
    assert (result.refund.amount_minor, result.refund.status) == (5_000, RefundState.PENDING)
    assert (
        db.session.scalar(select(OutboxRow.key).where(OutboxRow.kind == "refund.send")) == f"refund:{result.refund.id}"
    )
    told = db.session.scalars(select(Notification).where(Notification.user_id == session.mentee_id)).all()
    assert [row.title for row in told] == ["Payment Returned"]
    money = session_money(session.id)
    assert (money.paid.minor, money.refunded.minor, money.is_balanced) == (10_000, 5_000, True)
    assert wallet_of(session.mentor_id).in_currency("EUR").pending.minor == 3_500, "the mentor earns once"
    assert session.refund_amount_minor == 0, "the booking itself was not refunded"
    assert record(first).kind is PaymentOutcome.UNCHANGED
    assert db.session.scalar(select(func.count()).select_from(Refund)) == 1


def test_when_an_abandoned_payment_arrives_first_the_one_that_is_open_is_given_up() -> None:
    session = an_unpaid_session()
    first = an_open_payment(session)
    record(first, ChargeState.ABANDONED)
    second = an_open_payment(session)

    assert record(first).kind is PaymentOutcome.CAPTURED
    assert second.status is PaymentState.ABANDONED
    assert record(second).kind is PaymentOutcome.DUPLICATE


@pytest.mark.spec("MN-1")
def test_a_declined_payment_fails_and_another_can_be_opened() -> None:
    session = an_unpaid_session()
    first = an_open_payment(session)
    assert record(first, ChargeState.FAILED).kind is PaymentOutcome.FAILED
    assert session.payment_status is PaymentStatus.FAILED
    second = an_open_payment(session)
    assert second.id != first.id
    assert session.payment_status is PaymentStatus.PENDING
    assert record(first, ChargeState.FAILED).kind is PaymentOutcome.UNCHANGED
    assert session.payment_status is PaymentStatus.PENDING


@pytest.mark.spec("MN-1")
def test_opening_a_payment_twice_gives_the_same_one() -> None:
    session = an_unpaid_session()
    assert an_open_payment(session).id == an_open_payment(session).id


@pytest.mark.spec("MN-1")
def test_the_database_refuses_two_open_payments_of_one_session() -> None:
    session = an_unpaid_session()
    payment = an_open_payment(session)
    with pytest.raises(Conflict) as refused, transaction():
        db.session.add(
            Payment(
                session_id=session.id, gateway="sandbox", reference="another", amount_minor=1, currency="EUR",
                status=PaymentState.INITIATED, created_at=payment.created_at, updated_at=payment.created_at,
            )
        )  # fmt: skip
    assert refused.value.error_code == "payment_open"


@pytest.mark.parametrize("rate, code", [(0, "nothing_to_pay"), (5_000, "already_paid")])
def test_nothing_is_opened_for_what_is_free_or_paid(rate: int, code: str) -> None:
    session = a_session_with_money(rate_minor=rate) if rate else an_unpaid_session(rate_minor=0)
    with pytest.raises(Conflict) as refused:
        an_open_payment(session)
    assert refused.value.error_code == code


def test_a_charge_of_another_payment_is_not_recorded() -> None:
    one, other = an_open_payment(an_unpaid_session()), an_open_payment(an_unpaid_session())
    with pytest.raises(ValueError, match="another payment"), transaction():
        record_charge(one.id, charge_of(other), context())


@pytest.mark.spec("MN-7")
def test_credit_is_used_first_and_only_the_rest_is_asked_of_the_gateway() -> None:
    session = an_unpaid_session(rate_minor=5_000)
    with_credit(session, 2_000)
    payment = an_open_payment(session)
    assert (payment.amount_minor, payment.credit_minor) == (3_000, 2_000)
    assert credit_of(session.mentee_id, "EUR").minor == 2_000, "set aside, not yet used"
    assert available_credit(session.mentee_id, "EUR").minor == 0

    assert record(payment).kind is PaymentOutcome.CAPTURED
    assert credit_of(session.mentee_id, "EUR").minor == 0
    assert balances_of_session(session.id)[GATEWAY] == 3_000
    assert wallet_of(session.mentor_id).in_currency("EUR").pending.minor == 3_500, "of the whole price"
    assert session_money(session.id).is_balanced


@pytest.mark.spec("MN-7")
def test_a_session_wholly_paid_by_credit_is_paid_at_once_without_the_gateway() -> None:
    session = an_unpaid_session(rate_minor=5_000)
    with_credit(session, 6_000)
    payment = an_open_payment(session)
    assert (payment.status, payment.amount_minor, payment.credit_minor) == (PaymentState.SUCCEEDED, 0, 5_000)
    assert session.payment_status is PaymentStatus.PAID
    assert credit_of(session.mentee_id, "EUR").minor == 1_000


@pytest.mark.spec("MN-7")
def test_two_checkouts_do_not_count_on_the_same_credit() -> None:
    mentee = a_mentee()
    first, second = an_unpaid_session(mentee=mentee), an_unpaid_session(mentee=mentee)
    with_credit(first, 2_000)
    assert an_open_payment(first).credit_minor == 2_000
    assert an_open_payment(second).credit_minor == 0


@pytest.mark.spec("MN-7")
def test_credit_of_one_currency_pays_nothing_in_another() -> None:
    mentee = a_mentee()
    with_credit(an_unpaid_session(mentee=mentee, currency="EUR"), 2_000)
    assert an_open_payment(an_unpaid_session(mentee=mentee, currency="USD")).credit_minor == 0


@pytest.mark.spec("BK-7", "MN-1")
def test_a_late_payment_whose_credit_was_used_elsewhere_goes_back() -> None:
    mentee = a_mentee()
    session, other = an_unpaid_session(mentee=mentee), an_unpaid_session(mentee=mentee)
    with_credit(session, 2_000)
    late = an_open_payment(session)
    with transaction():
        abandon_payment(lock_session(session.id), ctx=context(now=session.created_at))
    record(an_open_payment(other))

    result = record(late)
    assert result.kind is PaymentOutcome.DUPLICATE
    assert result.refund is not None
    assert result.refund.amount_minor == 3_000
    assert session_money(session.id).is_balanced
    assert session.payment_status is PaymentStatus.PENDING
    assert balance(REFUNDS, "EUR") == -3_000
    assert credit_of(mentee.id, "EUR").minor == 0


@pytest.mark.spec("MN-12")
@pytest.mark.parametrize("currency, rate", [("JPY", 3_501), ("KWD", 12_345), ("EUR", 1)])
def test_amounts_of_every_number_of_decimals_split_to_the_minor_unit(currency: str, rate: int) -> None:
    session = a_session_with_money(rate_minor=rate, currency=currency)
    money = session_money(session.id)
    assert money.held_mentor.minor == rate * 70 // 100
    assert money.held.minor == rate
    assert money.is_balanced


@pytest.mark.spec("BK-7")
def test_a_payment_that_nobody_awaits_is_refunded_in_full() -> None:
    session = an_unpaid_session()
    payment = an_open_payment(session)
    record(payment)
    with transaction():
        refund = request_refund(
            lock_session(session.id), percentage=100, reason="The slot was gone.", ctx=context(now=session.created_at)
        )
    assert refund is not None
    assert refund.amount_minor == 5_000
    assert wallet_of(session.mentor_id).in_currency("EUR").pending.minor == 0
    assert payable(session.mentor_id) not in balances_of_session(session.id)


def test_what_is_open_can_be_resumed_where_it_is(app: Flask) -> None:
    from app.integrations.payments.base import Checkout
    from app.money.payments import find_payment, record_checkout

    payment = an_open_payment(an_unpaid_session())
    record_checkout(payment.id, Checkout(payment.reference, "http://localhost/pay", "sbx_1"), context())
    found = find_payment(payment.reference)
    assert found is not None
    assert found.authorization_url == "http://localhost/pay"
    assert find_payment("unknown") is None


def test_a_credit_account_belongs_to_the_mentee() -> None:
    session = an_unpaid_session()
    with_credit(session, 1)
    assert balance(credit(session.mentee_id), "EUR") == -1
