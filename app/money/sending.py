"""Sending a refund: the row is there, the gateway is called outside any transaction, the answer is recorded (MN-6).

The refund has one idempotency key for ever. When an earlier attempt may have reached the gateway, its books are asked
before anything is repeated, so that a crash, a lost answer or a retry never pays twice (INV-4).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from app.domain.context import Context
from app.domain.errors import ProviderFailed
from app.domain.ledger import refund_processed
from app.domain.money import Money
from app.domain.refunds import Split
from app.domain.vocabulary import RefundState
from app.extensions import db
from app.foundation import audit
from app.foundation.outbox import Work
from app.foundation.transaction import transaction
from app.integrations.payments.base import GatewayRefund, GatewayRefundState, PaymentGateway
from app.models import Payment, Refund
from app.money.ledger import post
from app.money.rows import keep_summary, lock_rows, lock_session, terms_of
from app.money.telling import tell_refund_arrived, tell_refund_failed

KIND = "refund.send"

# A failed one is still owed: whoever puts its work back into the queue wants it sent.
_OWED = frozenset({RefundState.PENDING, RefundState.FAILED})


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """What the gateway is asked to do.

    :param may_have_been_sent: an earlier attempt may have reached the gateway; look before repeating it
    """

    refund_id: UUID
    reference: str
    amount: Money
    key: str
    may_have_been_sent: bool


def load_for_send(refund_id: UUID) -> RefundOrder | None:
    """This function will count an attempt and give what to send; None when there is nothing to send (any more).

    The attempt is committed before the gateway is called: whoever comes after a crash knows that one was begun.
    """
    with transaction():
        refund = db.session.scalars(
            select(Refund).where(Refund.id == refund_id).with_for_update().execution_options(populate_existing=True)
        ).one_or_none()
        if refund is None or refund.status not in _OWED or refund.payment_id is None:
            return None
        payment = db.session.get_one(Payment, refund.payment_id)
        refund.attempts += 1
        return RefundOrder(
            refund_id=refund.id,
            reference=payment.reference,
            amount=Money(refund.amount_minor - refund.credit_minor, refund.currency),
            key=refund.idempotency_key,
            may_have_been_sent=refund.attempts > 1,
        )


def send_refund(order: RefundOrder, gateway: PaymentGateway) -> GatewayRefund:
    """This function will have the gateway pay back, once, whatever happened to earlier attempts.

    A refusal for good comes back as a failed refund with the gateway's words.

    :raises ProviderFailed: trying again later is right
    """
    try:
        if order.may_have_been_sent:
            earlier = gateway.find_refund(reference=order.reference, key=order.key)
            if earlier is not None and earlier.state is not GatewayRefundState.FAILED:
                return earlier
        return gateway.refund(reference=order.reference, amount=order.amount, key=order.key)
    except ProviderFailed as error:
        if error.retryable or error.unknown:
            raise
        return GatewayRefund(GatewayRefundState.FAILED, None, error.message)


def record_refund_result(refund_id: UUID, result: GatewayRefund, ctx: Context) -> Refund:
    """This function will record what the gateway did; recording it twice is harmless."""
    with transaction():
        session = lock_session(db.session.scalars(select(Refund.session_id).where(Refund.id == refund_id)).one())
        rows = lock_rows(session)
        refund = next(row for row in rows.refunds if row.id == refund_id)
        if refund.status not in _OWED:
            return refund
        was_failed = refund.status is RefundState.FAILED
        refund.gateway_refund_id = result.gateway_refund_id or refund.gateway_refund_id
        refund.error = result.error
        if result.state is GatewayRefundState.PROCESSED:
            split = Split(refund.amount_minor - refund.credit_minor, refund.credit_minor)
            post(refund_processed(terms_of(session), split), source_id=refund.id, ctx=ctx, session_id=session.id)
            refund.status, refund.processed_at, refund.error = RefundState.PROCESSED, ctx.now, None
            tell_refund_arrived(session, refund, ctx)
        elif result.state is GatewayRefundState.FAILED:
            refund.status = RefundState.FAILED
            refund.error = result.error or "The gateway gave no reason."
            if was_failed:
                return refund  # told before
            tell_refund_failed(session, refund, ctx)
        else:
            return refund
        audit.record(
            session,
            action=f"refund_{refund.status.value}",
            ctx=ctx,
            details={"refund_id": refund.id, "amount_minor": refund.amount_minor, "error": refund.error},
        )
        keep_summary(session, rows)
        return refund


def handle_refund_send(work: Work, ctx: Context, gateway: PaymentGateway) -> Callable[[], None] | None:
    """This function will do the outside part of ``refund.send`` and give what records it.

    :raises ProviderFailed: to be tried again; also while the gateway has accepted the refund but not yet paid
    """
    refund_id = UUID(work.payload["refund_id"])
    order = load_for_send(refund_id)
    if order is None:
        return None
    result = send_refund(order, gateway)
    if result.state is GatewayRefundState.PENDING:
        record_refund_result(refund_id, result, ctx)
        raise ProviderFailed("The gateway has accepted the refund and not paid it yet.")

    def record() -> None:
        record_refund_result(refund_id, result, ctx)

    return record


def give_up_refund(work: Work, error: str, ctx: Context) -> None:
    """This function will record that trying has ended: the refund is support's now (MN-8).

    Whether the last try arrived may be unknown; trying again looks it up first.
    """
    failed = GatewayRefund(GatewayRefundState.FAILED, None, error)
    record_refund_result(UUID(work.payload["refund_id"]), failed, ctx)
