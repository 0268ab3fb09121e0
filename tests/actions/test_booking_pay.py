"""Paying: to the gateway and back, twice, late, declined, and when nobody needs the payment any more (BK-3, BK-7)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.booking.cancel import cancel_session
from app.booking.pay import settle_payment, start_checkout
from app.booking.tick import tick
from app.domain.context import CLOCK
from app.domain.errors import Conflict, DomainError, NotFound, ProviderFailed
from app.domain.money import Money
from app.domain.requests import LatePayment
from app.domain.vocabulary import NotificationType, PaymentStatus, RefundStatus, SessionStatus
from app.extensions import db
from app.foundation.transaction import transaction
from app.integrations.payments.base import ChargeState, Checkout
from app.integrations.payments.sandbox import SandboxGateway
from app.models import CalendarEntry, DecisionRecord, MentoringSession, Payment, Refund, SessionAuditLog
from app.money.payments import PaymentOutcome
from app.money.wallets import wallet_of
from tests.actions.traces import actions, mailed, told, work
from tests.factories.people import a_mentee, a_mentor, ctx_of
from tests.factories.sessions import (
    RETURN_URL,
    START_AT,
    a_draft,
    a_paid_session,
    an_approved_request,
    an_expired_draft,
    book,
    checkout,
    fresh,
    pay,
    sandbox,
)
from tests.world import Clock, context

pytestmark = pytest.mark.usefixtures("app", "clock")


def settle(reference: str, session: MentoringSession) -> object:
    return settle_payment(reference, gateway=sandbox(), ctx=ctx_of(session.mentee))


@pytest.mark.spec("BK-3", "MN-5", "SM-3")
def test_a_verified_payment_schedules_the_session_and_tells_both() -> None:
    session = a_draft()
    outcome = pay(session)
    session = fresh(session)

    assert (outcome.payment, outcome.became) == (PaymentOutcome.CAPTURED, LatePayment.CONFIRMS)
    assert (session.status, session.payment_status) == (SessionStatus.SCHEDULED, PaymentStatus.PAID)
    assert session.hold_expires_at is None
    assert actions(session) == ["booking_created", "payment_confirmed"]
    row = db.session.scalars(select(SessionAuditLog).where(SessionAuditLog.action == "payment_confirmed")).one()
    assert (row.actor_role, row.previous_status, row.new_status) == ("payment", "draft", "scheduled")
    assert told(session, session.mentee_id) == [NotificationType.PAYMENT_CONFIRMED]
    assert told(session, session.mentor_id) == [NotificationType.NEW_BOOKING, NotificationType.PAYMENT_RECEIVED]
    assert mailed(session) == {("booking_confirmed", session.mentee_id), ("new_booking_alert", session.mentor_id)}
    assert work(session) == ["meeting.create"]
    assert wallet_of(session.mentor_id).in_currency("EUR").pending == Money(3_500, "EUR")


@pytest.mark.spec("BK-3", "MN-3")
def test_hearing_of_a_payment_twice_changes_nothing_more() -> None:
    session = a_draft()
    reference = checkout(session)
    sandbox().decide(reference, ChargeState.SUCCEEDED)
    settle(reference, session)
    again = settle_payment(reference, gateway=sandbox(), ctx=ctx_of(session.mentee))

    assert (again.payment, again.became) == (PaymentOutcome.UNCHANGED, None)
    assert actions(session) == ["booking_created", "payment_confirmed"]
    assert len(told(session, session.mentor_id)) == 2


@pytest.mark.spec("MN-1")
def test_an_unfinished_payment_is_resumed_and_not_doubled() -> None:
    session = a_draft()
    assert checkout(session) == checkout(session)
    assert db.session.scalar(select(func.count()).select_from(Payment)) == 1


class Unreachable(SandboxGateway):
    """A gateway that does not answer."""

    def start(self, **asked: object) -> Checkout:
        raise ProviderFailed("No answer")


@pytest.mark.spec("MN-1", "OPS-1")
def test_a_gateway_that_does_not_answer_costs_nothing_but_another_try() -> None:
    session = a_draft()
    broken = Unreachable(sandbox()._folder, "http://localhost")
    with pytest.raises(ProviderFailed):
        start_checkout(session.id, gateway=broken, return_url=RETURN_URL, ctx=ctx_of(session.mentee))
    assert pay(session).became is LatePayment.CONFIRMS
    assert db.session.scalar(select(func.count()).select_from(Payment)) == 1


@pytest.mark.spec("OPS-1")
def test_the_gateway_is_never_asked_inside_a_transaction() -> None:
    session = a_draft()
    with pytest.raises(RuntimeError, match="OPS-1"), transaction():
        checkout(session)
    with pytest.raises(RuntimeError, match="OPS-1"), transaction():
        settle("x", session)


@pytest.mark.spec("MN-1")
def test_a_declined_card_is_told_and_can_be_tried_again_while_the_hold_lasts() -> None:
    session = a_draft()
    assert pay(session, ChargeState.FAILED).payment is PaymentOutcome.FAILED
    session = fresh(session)
    assert (session.status, session.payment_status) == (SessionStatus.DRAFT, PaymentStatus.FAILED)
    assert told(session, session.mentee_id) == [NotificationType.PAYMENT_FAILED]

    assert pay(session).became is LatePayment.CONFIRMS


@pytest.mark.spec("BK-6")
def test_nobody_can_pay_once_the_hold_is_over(clock: Clock) -> None:
    session = a_draft()
    assert session.hold_expires_at is not None
    clock.set(session.hold_expires_at)
    with pytest.raises(Conflict) as refused:
        checkout(session)
    assert refused.value.error_code == "hold_expired"


@pytest.mark.spec("INV-8")
def test_nobody_pays_for_anothers_booking() -> None:
    session = a_draft()
    for stranger, error in ((a_mentee(), NotFound), (session.mentor, DomainError)):
        with pytest.raises(error):
            start_checkout(session.id, gateway=sandbox(), return_url=RETURN_URL, ctx=ctx_of(stranger))


@pytest.mark.spec("BK-7")
def test_a_payment_after_the_hold_revives_the_session_while_the_slot_is_free(clock: Clock) -> None:
    session = a_draft()
    reference = checkout(session)
    assert session.hold_expires_at is not None
    tick(ctx=context(CLOCK, session.hold_expires_at))
    assert fresh(session).status is SessionStatus.EXPIRED
    sandbox().decide(reference, ChargeState.SUCCEEDED)

    settle(reference, session)

    session = fresh(session)
    assert (session.status, session.payment_status) == (SessionStatus.SCHEDULED, PaymentStatus.PAID)
    assert actions(session)[-1] == "booking_revived"
    assert db.session.scalar(select(func.count()).where(CalendarEntry.session_id == session.id)) == 2
    assert ("booking_confirmed", session.mentee_id) in mailed(session)
    assert session.refund_status is RefundStatus.NONE


@pytest.mark.spec("BK-7", "MN-1")
def test_a_payment_after_the_slot_was_taken_goes_back_in_full_and_the_mentee_is_told() -> None:
    mentor = a_mentor()
    session = a_draft(mentor=mentor)
    reference = checkout(session)
    assert session.hold_expires_at is not None
    tick(ctx=context(CLOCK, session.hold_expires_at))
    book(mentor=mentor)
    sandbox().decide(reference, ChargeState.SUCCEEDED)

    settle(reference, session)

    session = fresh(session)
    assert session.status is SessionStatus.EXPIRED
    refund = db.session.scalars(select(Refund).where(Refund.session_id == session.id)).one()
    assert (refund.amount_minor, session.refund_status) == (5_000, RefundStatus.PENDING)
    assert ("late_payment_refunded", session.mentee_id) in mailed(session)
    assert told(session, session.mentor_id) == [], "the mentor never knew of it"
    assert work(session) == ["refund.send"]
    assert wallet_of(mentor.id).in_currency("EUR").pending == Money(0, "EUR")
    kinds = db.session.scalars(select(DecisionRecord.rule).where(DecisionRecord.session_id == session.id)).all()
    assert "payment_refunded" in kinds


@pytest.mark.spec("BK-7")
def test_a_late_payment_revives_nothing_whose_time_has_passed(clock: Clock) -> None:
    session = a_draft()
    reference = checkout(session)
    sandbox().decide(reference, ChargeState.SUCCEEDED)
    clock.set(START_AT)

    settle(reference, session)

    session = fresh(session)
    assert session.status is SessionStatus.EXPIRED, "the clock was late; it would have ended it long ago"
    assert session.refund_status is RefundStatus.PENDING


@pytest.mark.spec("BK-7", "ID-4")
def test_a_late_payment_revives_nothing_with_a_mentor_who_was_suspended_meanwhile() -> None:
    session = an_expired_draft_with_payment()
    with transaction():
        session.mentor.suspended_at, session.mentor.suspension_reason = START_AT, "fraud"
    reference = db.session.scalars(select(Payment.reference)).one()
    sandbox().decide(reference, ChargeState.SUCCEEDED)
    settle(reference, session)
    assert fresh(session).status is SessionStatus.EXPIRED


def an_expired_draft_with_payment() -> MentoringSession:
    session = a_draft()
    checkout(session)
    assert session.hold_expires_at is not None
    tick(ctx=context(CLOCK, session.hold_expires_at))
    return fresh(session)


@pytest.mark.spec("MN-1")
def test_a_payment_for_a_booking_that_was_withdrawn_goes_back() -> None:
    session = a_draft()
    reference = checkout(session)
    cancel_session(session.id, category=None, reason="", ctx=ctx_of(session.mentee))
    sandbox().decide(reference, ChargeState.SUCCEEDED)

    settle(reference, session)

    session = fresh(session)
    assert (session.status, session.refund_percentage) == (SessionStatus.CANCELLED, 100)


@pytest.mark.spec("BK-6", "BK-7")
def test_an_approved_request_that_was_cancelled_unpaid_is_revived_by_a_late_payment() -> None:
    session = an_approved_request()
    reference = checkout(session)
    assert session.hold_expires_at is not None
    tick(ctx=context(CLOCK, session.hold_expires_at))
    assert fresh(session).status is SessionStatus.CANCELLED
    sandbox().decide(reference, ChargeState.SUCCEEDED)

    settle(reference, session)

    session = fresh(session)
    assert session.status is SessionStatus.SCHEDULED
    assert session.cancelled_by is session.cancelled_at is session.cancellation_category is None


@pytest.mark.spec("BK-5")
def test_paying_an_approved_request_confirms_it_without_another_move() -> None:
    session = an_approved_request()
    pay(session)
    session = fresh(session)

    assert (session.status, session.hold_expires_at) == (SessionStatus.SCHEDULED, None)
    assert actions(session) == ["booking_requested", "request_approved", "payment_confirmed"]
    assert ("booking_confirmed", session.mentee_id) in mailed(session)


@pytest.mark.spec("MN-1")
def test_a_scheduled_and_paid_session_awaits_no_payment() -> None:
    with pytest.raises(Conflict) as refused:
        checkout(a_paid_session())
    assert refused.value.error_code == "nothing_to_pay"


def test_a_reference_nobody_knows_is_not_found() -> None:
    with pytest.raises(NotFound):
        settle_payment("md-unknown", gateway=sandbox(), ctx=context())


@pytest.mark.spec("BK-7")
def test_an_expired_draft_without_a_payment_stays_expired() -> None:
    session = an_expired_draft()
    with pytest.raises(Conflict):
        checkout(session)
    assert session.scheduled_at == START_AT + timedelta(0)
