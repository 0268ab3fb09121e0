"""Paying for a booking: to the gateway's page and back, and what a verified payment does to the session (BK-3, BK-7).

The gateway is never called inside a transaction (OPS-1). What it says is re-read from its books, never believed from a
return page or a webhook; whichever brings the news first wins, and the second changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select

from app.booking import announce, calendar, why
from app.booking.access import load_for_change
from app.booking.book import AROUND
from app.booking.confirm import confirm
from app.booking.decisions import decide_payable
from app.booking.engine import move, touch
from app.booking.expiry import end_hold, lock_people_and_free_stale_holds
from app.booking.facts import load_availability
from app.domain.availability import is_covered
from app.domain.context import PAYMENT, Context
from app.domain.errors import Forbidden, NotFound, SlotTaken
from app.domain.money import Money
from app.domain.permissions import Permission, require
from app.domain.requests import LatePayment, PaymentDecision, PaymentFacts, decide_payment, is_due
from app.domain.times import Interval
from app.domain.vocabulary import CancellationCategory, PaymentState, PaymentStatus, RefundType, SessionStatus
from app.extensions import db
from app.foundation import audit
from app.foundation.transaction import in_transaction, savepoint, transaction
from app.integrations.payments.base import Charge, PaymentGateway
from app.models import MentoringSession, Payment
from app.money.payments import (
    BY_CREDIT,
    PaymentOutcome,
    abandon_payment,
    find_payment,
    open_payment,
    record_charge,
    record_checkout,
)
from app.money.refunds import request_refund

_AWAITS: Final = frozenset({SessionStatus.DRAFT, SessionStatus.SCHEDULED})
_LOST: Final = frozenset({SessionStatus.EXPIRED, SessionStatus.CANCELLED})


@dataclass(frozen=True, slots=True)
class CheckoutStarted:
    """Where the mentee pays; without an address nothing is left to pay, because credit covered it (MN-7).

    :param amount: what the gateway asks for
    :param credit: what the mentee's credit pays of it
    """

    reference: str
    authorization_url: str | None
    amount: Money
    credit: Money

    @classmethod
    def of(cls, payment: Payment, authorization_url: str | None) -> CheckoutStarted:
        amount, credit = (Money(minor, payment.currency) for minor in (payment.amount_minor, payment.credit_minor))
        return cls(payment.reference, authorization_url, amount, credit)


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a payment and its session.

    :param became: ``confirms``, ``revives`` or ``refunded`` when this call captured it; None when nothing was decided
    """

    session_id: UUID
    payment: PaymentOutcome
    status: SessionStatus
    became: LatePayment | None = None


def start_checkout(session_id: UUID, *, gateway: PaymentGateway, return_url: str, ctx: Context) -> CheckoutStarted:
    """This function will give the mentee the payment page of a booking; an open payment is resumed (MN-1).

    Recorded first, then asked of the gateway outside any transaction, then recorded again: whoever is cut off between
    comes back to the same reference, and the gateway answers with the same page.

    :raises Conflict: the session awaits no payment, or its hold is over
    :raises Forbidden: somebody else's booking
    :raises ProviderFailed: the gateway did not answer; nothing is lost by trying again
    """
    require(ctx.actor, Permission.OWN_BOOKING_PAY)
    _require_no_transaction()
    with transaction():
        session = load_for_change(ctx, session_id)
        _require_payable(session, ctx)
        before = _Before.of(session)
        payment = _open(session, gateway, ctx)
        if payment.status is PaymentState.SUCCEEDED:
            _apply(session, before, payment, ctx.acting_as(PAYMENT))
            return CheckoutStarted.of(payment, None)
        email, title = session.mentee.email, session.title
    if payment.authorization_url is not None:
        return CheckoutStarted.of(payment, payment.authorization_url)
    checkout = gateway.start(
        reference=payment.reference,
        amount=Money(payment.amount_minor, payment.currency),
        email=email,
        description=title,
        return_url=return_url,
    )
    record_checkout(payment.id, checkout, ctx)
    return CheckoutStarted.of(payment, checkout.authorization_url)


def settle_payment(reference: str, *, gateway: PaymentGateway, ctx: Context) -> Settled:
    """This function will ask the gateway how a payment stands, and do what follows from it (BK-3, BK-7, MN-1).

    Call it as often as there is news, from the return page, a webhook or the clock: a captured payment has one effect.

    :raises NotFound: there is no such payment
    :raises ProviderFailed: the gateway did not answer; nothing was recorded
    """
    _require_no_transaction()
    with transaction():
        payment = find_payment(reference)
        if payment is None:
            raise NotFound
    if payment.gateway == BY_CREDIT:
        return _recorded(payment)
    charge = gateway.verify(reference)
    with transaction():
        return _record(payment, charge, ctx.acting_as(PAYMENT))


def _record(payment: Payment, charge: Charge, ctx: Context) -> Settled:
    session = _load(payment.session_id, ctx)
    before = _Before.of(session)
    result = record_charge(payment.id, charge, ctx)
    became = None
    if result.kind is PaymentOutcome.CAPTURED:
        became = _apply(session, before, result.payment, ctx)
    elif result.kind is PaymentOutcome.FAILED and before.status in _AWAITS:
        announce.payment_failed(session, ctx=ctx)
    return Settled(session.id, result.kind, session.status, became)


def _recorded(payment: Payment) -> Settled:
    with transaction():
        status = db.session.scalars(
            select(MentoringSession.status).where(MentoringSession.id == payment.session_id)
        ).one()
    return Settled(payment.session_id, PaymentOutcome.UNCHANGED, status)


@dataclass(frozen=True, slots=True)
class _Before:
    """How the session stood before the payment was recorded."""

    status: SessionStatus
    payment_status: PaymentStatus
    category: CancellationCategory | None

    @classmethod
    def of(cls, session: MentoringSession) -> _Before:
        return cls(session.status, session.payment_status, session.cancellation_category)


def _load(session_id: UUID, ctx: Context) -> MentoringSession:
    """Lock the session; what stands in the way of reviving it and ran out itself is ended on the way (AV-4)."""
    row = db.session.execute(
        select(
            MentoringSession.mentor_id,
            MentoringSession.mentee_id,
            MentoringSession.scheduled_at,
            MentoringSession.duration,
        ).where(MentoringSession.id == session_id)
    ).one()
    if row.scheduled_at is not None:
        window = Interval.lasting(row.scheduled_at, row.duration).widened(before=AROUND, after=AROUND)
        lock_people_and_free_stale_holds([row.mentor_id, row.mentee_id], window, leaving_out=session_id, ctx=ctx)
    session = load_for_change(ctx, session_id)
    if is_due(session.scheduled_at, ctx.now):
        # The clock is late: what it would have ended cannot be confirmed for a time that has passed.
        end_hold(session, ctx=ctx)
    return session


def _apply(session: MentoringSession, before: _Before, payment: Payment, ctx: Context) -> LatePayment:
    """Do what a captured payment means for the session."""
    slot_free = before.status in _LOST and not is_due(session.scheduled_at, ctx.now) and _take_back(session, ctx)
    decision = decide_payment(
        PaymentFacts(
            status=before.status,
            payment_status=before.payment_status,
            start=session.scheduled_at,
            slot_free=slot_free,
            cancellation_category=before.category,
        ),
        ctx.now,
    )
    why.remember(decision, session=session, kind="payment", ctx=ctx)
    match decision.outcome:
        case LatePayment.CONFIRMS:
            _confirm(session, payment, ctx)
        case LatePayment.REVIVES:
            _revive(session, payment, ctx)
        case LatePayment.REFUNDED:
            if slot_free:
                calendar.release(session.id)
            _send_back(session, payment, decision, ctx)
    return decision.outcome


def _confirm(session: MentoringSession, payment: Payment, ctx: Context) -> None:
    details = {"reference": payment.reference}
    if session.status is SessionStatus.DRAFT:
        move(session, to=SessionStatus.SCHEDULED, ctx=ctx, action="payment_confirmed", details=details)
    else:
        touch(session, ctx=ctx)
        audit.record(session, action="payment_confirmed", ctx=ctx, details=details)
    confirm(session, ctx=ctx)


def _revive(session: MentoringSession, payment: Payment, ctx: Context) -> None:
    move(
        session,
        to=SessionStatus.SCHEDULED,
        ctx=ctx,
        action="booking_revived",
        details={"reference": payment.reference},
    )
    session.cancelled_by = session.cancelled_by_user_id = session.cancelled_at = None
    session.cancellation_category = session.cancellation_reason = None
    confirm(session, ctx=ctx)


def _send_back(session: MentoringSession, payment: Payment, decision: PaymentDecision, ctx: Context) -> None:
    refund = request_refund(session, percentage=100, type=RefundType.FULL, reason=decision.message, ctx=ctx)
    audit.record(session, action="late_payment_refunded", ctx=ctx, details={"reference": payment.reference})
    announce.late_payment_refunded(
        session,
        refund_minor=refund.amount_minor if refund else 0,
        why=decision.message,
        cause=f"late:{payment.id}",
        ctx=ctx,
    )


def _take_back(session: MentoringSession, ctx: Context) -> bool:
    """Occupy the old slot again, if both are free and the mentor still works then (BK-7)."""
    if session.scheduled_at is None or not session.mentor.can_sign_in:
        return False
    own = Interval.lasting(session.scheduled_at, session.duration)
    facts = load_availability(session.mentor_id, None, own, now=ctx.now)
    if not is_covered(facts.schedule, facts.pattern, facts.exceptions, own):
        return False
    try:
        with savepoint():
            calendar.occupy(session)
    except SlotTaken:
        return False
    return True


def _open(session: MentoringSession, gateway: PaymentGateway, ctx: Context) -> Payment:
    payment = open_payment(session, ctx=ctx, gateway_name=gateway.name)
    if payment.gateway not in {gateway.name, BY_CREDIT}:
        # Another gateway was configured since; its page can still be paid, and then counts (record_charge).
        abandon_payment(session, ctx=ctx)
        payment = open_payment(session, ctx=ctx, gateway_name=gateway.name)
    return payment


def _require_payable(session: MentoringSession, ctx: Context) -> None:
    if ctx.actor.user_id != session.mentee_id:
        raise Forbidden("Only the mentee who booked can pay.")
    decide_payable(session, ctx).require()


def _require_no_transaction() -> None:
    if in_transaction():
        message = "The gateway is never called inside a transaction (OPS-1)"
        raise RuntimeError(message)
