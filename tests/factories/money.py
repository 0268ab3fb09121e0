"""Sessions with money, for tests of money alone: booked and paid through its own actions and the engine."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from app.booking.engine import begin, move
from app.domain.context import CLOCK, PAYMENT
from app.domain.money import Money
from app.domain.vocabulary import BookingMode, MeetingType, PaymentStatus, SessionStatus
from app.foundation.policies import current_policies
from app.foundation.transaction import transaction
from app.integrations.payments.base import Charge, ChargeState
from app.models import MentoringSession, Payment, User
from app.money.payments import PaymentResult, open_payment, record_charge
from app.money.rows import lock_session
from tests.factories.people import a_mentee, a_mentor, ctx_of
from tests.world import context


def an_unpaid_session(
    *, rate_minor: int = 5_000, currency: str = "EUR", mentee: User | None = None, mentor: User | None = None
) -> MentoringSession:
    """A draft that waits to be paid."""
    mentor = mentor or a_mentor(rate_minor=rate_minor, currency=currency)
    mentee = mentee or a_mentee()
    ctx = ctx_of(mentee)
    with transaction():
        return begin(
            MentoringSession(
                mentor_id=mentor.id,
                mentee_id=mentee.id,
                title="A talk about work",
                booking_mode=BookingMode.INSTANT,
                scheduled_at=ctx.now + timedelta(days=3),
                duration=60,
                meeting_type=MeetingType.VIDEO,
                rate_minor=rate_minor,
                currency=currency,
                payment_status=PaymentStatus.PENDING if rate_minor else PaymentStatus.NOT_REQUIRED,
                policy_version_id=current_policies().version_id,
            ),
            status=SessionStatus.DRAFT,
            ctx=ctx,
            action="booking_created",
        )


def an_open_payment(session: MentoringSession) -> Payment:
    """The payment that the mentee's checkout opens."""
    with transaction():
        return open_payment(lock_session(session.id), ctx=context(now=session.created_at), gateway_name="sandbox")


def charge_of(
    payment: Payment, state: ChargeState = ChargeState.SUCCEEDED, amount: Money | None = None, **raw: Any
) -> Charge:
    """What the gateway's books say of it."""
    asked = Money(payment.amount_minor, payment.currency)
    return Charge(payment.reference, state, amount or asked, f"sbx_{payment.id.hex}", raw)


def record(payment: Payment, state: ChargeState = ChargeState.SUCCEEDED, amount: Money | None = None) -> PaymentResult:
    """Record the charge as the return page or a webhook would."""
    with transaction():
        lock_session(payment.session_id)
        return record_charge(payment.id, charge_of(payment, state, amount), context(PAYMENT, payment.created_at))


def a_session_with_money(**options: Any) -> MentoringSession:
    """A scheduled session whose payment is captured."""
    session = an_unpaid_session(**options)
    record(an_open_payment(session))
    change_status(session, SessionStatus.SCHEDULED)
    return session


def change_status(session: MentoringSession, status: SessionStatus) -> None:
    """Take a session along one edge, in the name of whoever may."""
    actor = PAYMENT if status is SessionStatus.SCHEDULED else CLOCK
    with transaction():
        move(lock_session(session.id), to=status, ctx=context(actor, session.created_at), action="test")
