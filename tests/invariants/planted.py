"""Faults planted into the books by hand, each with the words by which a check must name it."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from sqlalchemy import text

from app.domain.vocabulary import PaymentStatus, RefundState, RefundStatus, SessionStatus
from app.extensions import db
from app.foundation.transaction import transaction
from app.integrations.payments.base import ChargeState, GatewayRefund, GatewayRefundState
from app.models import MentoringSession, Payment, Refund
from app.money.refunds import request_refund
from app.money.rows import lock_session
from app.money.sending import record_refund_result
from tests.factories.money import a_session_with_money, an_unpaid_session
from tests.factories.sessions import a_paid_session, sandbox
from tests.world import context


def unguarded(statement: str, **values: object) -> None:
    """Run one statement as somebody who can switch the database's guards off."""
    with transaction():
        db.session.execute(text("SET LOCAL session_replication_role = replica"))
        db.session.execute(text(statement), values)
        db.session.execute(text("SET LOCAL session_replication_role = origin"))


def refunded(session: MentoringSession, percentage: int = 50, *, is_processed: bool = False) -> Refund:
    with transaction():
        refund = request_refund(lock_session(session.id), percentage=percentage, reason="A test", ctx=context())
    assert refund is not None
    if is_processed:
        record_refund_result(refund.id, GatewayRefund(GatewayRefundState.PROCESSED, f"sbr_{refund.id}"), context())
    return refund


def a_posting_changed() -> None:
    a_session_with_money()
    unguarded("UPDATE ledger_postings SET amount_minor = amount_minor + 1 WHERE amount_minor > 0")


def a_posting_lost() -> None:
    a_session_with_money(rate_minor=1)
    unguarded("DELETE FROM ledger_postings WHERE amount_minor > 0")


def a_posting_in_another_currency() -> None:
    a_session_with_money()
    unguarded("UPDATE ledger_postings SET currency = 'USD'")


def a_payment_raised() -> None:
    session = a_session_with_money()
    unguarded("UPDATE payments SET amount_minor = amount_minor + 1 WHERE session_id = :id", id=session.id)


def a_capture_without_an_entry() -> None:
    session = an_unpaid_session()
    unguarded(
        "INSERT INTO payments "
        "(id, session_id, gateway, reference, amount_minor, currency, status, created_at, updated_at) "
        "VALUES (:key, :id, 'sandbox', 'planted', 5000, 'EUR', 'succeeded', now(), now())",
        key=uuid4(),
        id=session.id,
    )


def a_refund_processed_by_hand() -> None:
    refunded(a_session_with_money()).status = RefundState.PROCESSED
    with transaction():
        db.session.flush()


def a_refund_larger_than_the_payment() -> None:
    refund = refunded(a_session_with_money())
    unguarded("UPDATE refunds SET amount_minor = 5001 WHERE id = :id", id=refund.id)


def a_refund_of_no_payment() -> None:
    refund = refunded(a_session_with_money())
    unguarded("UPDATE refunds SET payment_id = NULL WHERE id = :id", id=refund.id)


def shares_moved_between_mentor_and_platform() -> None:
    a_session_with_money()
    unguarded(
        "UPDATE ledger_postings p SET amount_minor = amount_minor + CASE WHEN a.owner_id IS NULL THEN 1 ELSE -1 END "
        "FROM ledger_accounts a WHERE a.id = p.account_id AND a.kind = 'held'"
    )


def a_session_over_and_not_settled() -> None:
    session = a_session_with_money()
    unguarded("UPDATE sessions SET status = :status WHERE id = :id", status=SessionStatus.COMPLETED, id=session.id)


def credit_overdrawn() -> None:
    session = a_session_with_money()
    unguarded(
        "INSERT INTO ledger_accounts (id, kind, owner_id, currency, created_at) "
        "VALUES (gen_random_uuid(), 'mentee_credit', :owner, 'EUR', now())",
        owner=session.mentee_id,
    )
    unguarded(
        "INSERT INTO ledger_postings (id, transaction_id, account_id, amount_minor, currency) "
        "SELECT gen_random_uuid(), t.id, a.id, 1, 'EUR' FROM ledger_transactions t, ledger_accounts a "
        "WHERE a.kind = 'mentee_credit'"
    )


def a_summary_of_another_amount() -> None:
    session = a_session_with_money()
    refunded(session)
    session.refund_amount_minor = 1
    with transaction():
        db.session.flush()


def a_summary_of_another_state() -> None:
    session = a_session_with_money()
    session.refund_status = RefundStatus.PROCESSED
    with transaction():
        db.session.flush()


def a_session_paid_by_hand() -> None:
    an_unpaid_session().payment_status = PaymentStatus.PAID
    with transaction():
        db.session.flush()


def two_payments_that_count() -> None:
    session = a_session_with_money()
    unguarded(
        "INSERT INTO payments "
        "(id, session_id, gateway, reference, amount_minor, currency, status, created_at, updated_at) "
        "VALUES (gen_random_uuid(), :id, 'sandbox', 'planted', 5000, 'EUR', 'succeeded', now(), now())",
        id=session.id,
    )


def a_payment_the_gateway_does_not_know() -> None:
    a_session_with_money()  # its charge was made up, no book was ever opened


def _reference(session: MentoringSession) -> str:
    found: str = db.session.query(Payment.reference).filter_by(session_id=session.id).scalar()
    return found


def a_charge_the_gateway_took_back() -> None:
    with sandbox()._book(_reference(a_paid_session())) as book:
        book["state"] = ChargeState.FAILED.value


def another_amount_at_the_gateway() -> None:
    with sandbox()._book(_reference(a_paid_session())) as book:
        book["amount_minor"] += 1


def money_the_gateway_has_and_we_do_not_know() -> None:
    reference = f"stranger-{uuid4().hex}"
    with sandbox()._book(reference) as book:
        book.update(
            reference=reference, id="sbx_stranger", amount_minor=1, currency="EUR", refunds=[],
            state=ChargeState.SUCCEEDED.value,
        )  # fmt: skip


def a_refund_made_at_the_gateway_by_hand() -> None:
    with sandbox()._book(_reference(a_paid_session())) as book:
        book["refunds"].append({"key": "by-hand", "id": "x", "amount_minor": 7, "state": "processed", "error": None})


def a_refund_the_gateway_never_made() -> None:
    refunded(a_paid_session(), is_processed=True)


def a_refund_of_another_amount_at_the_gateway() -> None:
    session = a_paid_session()
    refund = refunded(session)
    with sandbox()._book(_reference(session)) as book:
        entry = {"key": refund.idempotency_key, "id": "x", "amount_minor": 7, "state": "processed", "error": None}
        book["refunds"].append(entry)


FAULTS: list[tuple[Callable[[], None], str]] = [
    (a_posting_changed, "does not sum to zero"),
    (a_posting_lost, "does not sum to zero"),
    (a_posting_in_another_currency, "stands on an account in EUR"),
    (a_payment_raised, "is not refunded"),
    (a_capture_without_an_entry, "is not refunded"),
    (a_refund_processed_by_hand, "on their way, but the ledger owes"),
    (a_refund_processed_by_hand, "but the ledger has"),
    (a_refund_larger_than_the_payment, "exceed the payment"),
    (a_refund_of_no_payment, "no bonus"),
    (shares_moved_between_mentor_and_platform, "the mentor has"),
    (a_session_over_and_not_settled, "still held although the session is completed"),
    (credit_overdrawn, "the credit is -1 EUR"),
    (a_summary_of_another_amount, "the session says refund pending of 1"),
    (a_summary_of_another_state, "the session says refund processed of 0"),
    (a_session_paid_by_hand, "its payment says not paid"),
    (two_payments_that_count, "2 payments count for one session"),
    (a_payment_the_gateway_does_not_know, "the gateway does not know it"),
    (a_charge_the_gateway_took_back, "we have it as paid, the gateway as failed"),
    (another_amount_at_the_gateway, "we asked for"),
    (money_the_gateway_has_and_we_do_not_know, "we do not know it"),
    (a_refund_made_at_the_gateway_by_hand, "we know of no such"),
    (a_refund_the_gateway_never_made, "the gateway knows nothing of it"),
    (a_refund_of_another_amount_at_the_gateway, "the gateway paid back 7"),
]
