"""Payments of sessions: opened, sent to the gateway, and recorded as the gateway's own books have them (MN-1).

Nothing here touches a session's status; what a payment means for the booking is ``booking.pay``'s to decide. The caller
has locked the people and the session.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import select

from app.domain.context import Context
from app.domain.errors import Conflict, NotFound
from app.domain.ledger import payment_captured, payment_unwanted
from app.domain.money import Money
from app.domain.refunds import Split
from app.domain.vocabulary import NotificationType, PaymentState, PaymentStatus
from app.extensions import db
from app.foundation import audit
from app.foundation.audit import plain
from app.foundation.transaction import transaction
from app.integrations.payments.base import Charge, ChargeState, Checkout
from app.models import MentoringSession, Payment, Refund
from app.money.ledger import post
from app.money.refunds import refund_unwanted
from app.money.rows import CREDIT_GONE, PAID_TWICE, UNWANTED, MoneyRows, keep_summary, lock_rows, terms_of
from app.money.telling import tell_support
from app.money.wallets import available_credit, lock_credit

AMOUNT_DIFFERS = "amount_differs"
CURRENCY_DIFFERS = "currency_differs"
BY_CREDIT = "credit"


class PaymentOutcome(StrEnum):
    """What recording a charge came to."""

    CAPTURED = "captured"  # the session is paid by it, from now on
    DUPLICATE = "duplicate"  # captured, not wanted, and on its way back in full
    FLAGGED = "flagged"  # captured, but not what was asked: a person has to look
    FAILED = "failed"
    ABANDONED = "abandoned"
    PENDING = "pending"  # the gateway has not decided yet
    UNCHANGED = "unchanged"  # recorded before


@dataclass(frozen=True, slots=True)
class PaymentResult:
    """``refund`` is set when the money goes back by itself."""

    kind: PaymentOutcome
    payment: Payment
    refund: Refund | None = None


def find_payment(reference: str) -> Payment | None:
    """The payment with this reference, not locked: it tells which session to lock."""
    return db.session.scalars(select(Payment).where(Payment.reference == reference)).one_or_none()


def open_payment(session: MentoringSession, *, ctx: Context, gateway_name: str) -> Payment:
    """This function will open the session's payment, or give the one that is open; credit is used first (MN-7).

    When credit covers all of it, the payment is ``succeeded`` and the session ``paid`` at once; there is no page then.

    :raises Conflict: nothing to pay, paid already, or an earlier payment needs a person first
    """
    rows = lock_rows(session)
    if session.rate_minor == 0:
        raise Conflict("There is nothing to pay for this session.", code="nothing_to_pay")
    if rows.paid_by is not None:
        raise Conflict("This session is paid already.", code="already_paid")
    if rows.open_payment is not None:
        if rows.open_payment.flagged_reason:
            raise Conflict(
                "Your payment arrived with another amount than we asked for. Support is looking at it; please do not "
                "pay again.",
                code="payment_flagged",
            )
        return rows.open_payment
    lock_credit(session.mentee_id, session.currency)
    used = min(available_credit(session.mentee_id, session.currency).minor, session.rate_minor)
    payment = Payment(
        id=uuid4(),
        session_id=session.id,
        gateway=gateway_name,
        reference=f"md-{uuid4().hex}",
        amount_minor=session.rate_minor - used,
        credit_minor=used,
        currency=session.currency,
        status=PaymentState.INITIATED,
        raw={},
        created_at=ctx.now,
        updated_at=ctx.now,
    )
    db.session.add(payment)
    session.payment_status = PaymentStatus.PENDING
    db.session.flush()
    if payment.amount_minor == 0:
        payment.gateway = BY_CREDIT
        _capture(session, payment, ctx)
    return payment


def record_checkout(payment_id: UUID, checkout: Checkout, ctx: Context) -> Payment:
    """This function will keep where the payment page is, so that an unfinished payment can be resumed."""
    with transaction():
        payment = _locked(payment_id)
        payment.authorization_url = checkout.authorization_url
        payment.gateway_payment_id = checkout.gateway_payment_id
        payment.updated_at = ctx.now
        return payment


def abandon_payment(session: MentoringSession, *, ctx: Context) -> Payment | None:
    """This function will close a locked session's open payment, because its hold ran out or the booking was withdrawn.

    Credit that it had set aside is free again. If the mentee pays all the same, ``record_charge`` takes it up (BK-7).
    """
    payment = lock_rows(session).open_payment
    if payment is None or payment.flagged_reason:
        return None
    payment.status, payment.updated_at = PaymentState.ABANDONED, ctx.now
    return payment


def record_charge(payment_key: UUID | str, charge: Charge, ctx: Context) -> PaymentResult:
    """This function will record what the gateway's books say of a payment; twice is harmless (BK-3, MN-1).

    The charge decides, not the order in which its news arrived: once captured, older news changes nothing.

    :param payment_key: the payment's id or its reference; its session is locked by the caller
    :raises NotFound: there is no such payment
    """
    with transaction():
        payment = _locked(payment_key)
        session = db.session.get_one(MentoringSession, payment.session_id)
        rows = lock_rows(session)
        if charge.reference != payment.reference:
            raise ValueError(f"{charge.reference} is the charge of another payment than {payment.reference}")
        if payment.status is PaymentState.SUCCEEDED:
            return PaymentResult(PaymentOutcome.UNCHANGED, payment)
        payment.raw, payment.updated_at = plain(charge.raw), ctx.now
        payment.gateway_payment_id = payment.gateway_payment_id or charge.gateway_payment_id
        match charge.state:
            case ChargeState.PENDING:
                return PaymentResult(PaymentOutcome.PENDING, payment)
            case ChargeState.SUCCEEDED:
                return _record_success(session, rows, payment, charge, ctx)
            case _:
                return _record_failure(session, rows, payment, charge.state)


def _record_success(
    session: MentoringSession, rows: MoneyRows, payment: Payment, charge: Charge, ctx: Context
) -> PaymentResult:
    asked = Money(payment.amount_minor, payment.currency)
    if charge.amount != asked:
        return _flag(session, payment, asked, charge.amount, ctx)
    payment.flagged_reason = None
    if rows.paid_by is not None:
        return _send_back(session, payment, PAID_TWICE, ctx)
    if payment.credit_minor and not _credit_is_there(session, payment):
        return _send_back(session, payment, CREDIT_GONE, ctx)
    other = rows.open_payment
    if other is not None and other.id != payment.id and not other.flagged_reason:
        other.status, other.updated_at = PaymentState.ABANDONED, ctx.now
    _capture(session, payment, ctx)
    return PaymentResult(PaymentOutcome.CAPTURED, payment)


def _credit_is_there(session: MentoringSession, payment: Payment) -> bool:
    """Whether the credit that a payment counts on was not spent since; an abandoned one sets none aside (MN-7)."""
    lock_credit(session.mentee_id, payment.currency)
    free = available_credit(session.mentee_id, payment.currency, apart_from=payment.id)
    return payment.credit_minor <= free.minor


def _capture(session: MentoringSession, payment: Payment, ctx: Context) -> None:
    _succeed(payment, ctx)
    paid = Split(payment.amount_minor, payment.credit_minor)
    post(payment_captured(terms_of(session), paid), source_id=payment.id, ctx=ctx, session_id=session.id)
    keep_summary(session, lock_rows(session))


def _send_back(session: MentoringSession, payment: Payment, reason: str, ctx: Context) -> PaymentResult:
    """A capture that does not count goes back whole, and never enters anybody's share (MN-1)."""
    _succeed(payment, ctx)
    payment.flagged_reason = reason
    payment.credit_minor = 0  # what it had set aside was never taken
    post(
        payment_unwanted(terms_of(session), payment.amount_minor),
        source_id=payment.id,
        ctx=ctx,
        session_id=session.id,
        note=reason,
    )
    refund = refund_unwanted(session, payment, ctx)
    audit.record(
        session,
        action="payment_returned",
        ctx=ctx,
        details={"reason": reason, "reference": payment.reference, "amount_minor": payment.amount_minor},
    )
    return PaymentResult(PaymentOutcome.DUPLICATE, payment, refund)


def _succeed(payment: Payment, ctx: Context) -> None:
    payment.status = PaymentState.SUCCEEDED
    payment.succeeded_at = payment.updated_at = ctx.now


def _flag(session: MentoringSession, payment: Payment, asked: Money, given: Money, ctx: Context) -> PaymentResult:
    """Another amount or currency than asked: nothing is booked until a person has looked (MN-1)."""
    if payment.flagged_reason is None:
        payment.flagged_reason = CURRENCY_DIFFERS if given.currency != asked.currency else AMOUNT_DIFFERS
        details = {"reference": payment.reference, "asked": str(asked), "given": str(given)}
        audit.record(session, action="payment_flagged", ctx=ctx, details=details)
        tell_support(
            NotificationType.PAYMENT_FAILED,
            title="A payment needs a look",
            body=f"We asked for {asked}, the gateway reports {given}. The session stays unpaid until somebody decides.",
            session_id=session.id,
            ctx=ctx,
        )
    return PaymentResult(PaymentOutcome.FLAGGED, payment)


def _record_failure(session: MentoringSession, rows: MoneyRows, payment: Payment, state: ChargeState) -> PaymentResult:
    is_failed = state is ChargeState.FAILED
    new = PaymentState.FAILED if is_failed else PaymentState.ABANDONED
    if payment.status in {new, PaymentState.FAILED}:
        return PaymentResult(PaymentOutcome.UNCHANGED, payment)
    was_open = payment.status is PaymentState.INITIATED
    payment.status = new
    # News of an earlier attempt says nothing about the one that is open now, or about a session that is paid.
    if is_failed and was_open and rows.paid_by is None:
        session.payment_status = PaymentStatus.FAILED
    return PaymentResult(PaymentOutcome.FAILED if is_failed else PaymentOutcome.ABANDONED, payment)


def _locked(payment_key: UUID | str) -> Payment:
    column = Payment.id if isinstance(payment_key, UUID) else Payment.reference
    payment = db.session.scalars(
        select(Payment).where(column == payment_key).with_for_update().execution_options(populate_existing=True)
    ).one_or_none()
    if payment is None:
        raise NotFound
    return payment


__all__ = [
    "AMOUNT_DIFFERS",
    "BY_CREDIT",
    "CREDIT_GONE",
    "CURRENCY_DIFFERS",
    "PAID_TWICE",
    "UNWANTED",
    "PaymentOutcome",
    "PaymentResult",
    "abandon_payment",
    "find_payment",
    "open_payment",
    "record_charge",
    "record_checkout",
]
