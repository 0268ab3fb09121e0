"""Credit: given by the platform, used by itself at the next checkout, set aside and set free again (MN-7)."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.booking.cancel import cancel_session
from app.booking.pay import settle_payment, start_checkout
from app.booking.tick import tick
from app.domain.context import CLOCK
from app.domain.money import Money
from app.domain.vocabulary import (
    CancellationCategory,
    NotificationType,
    PaymentState,
    PaymentStatus,
    RefundType,
    SessionStatus,
)
from app.extensions import db
from app.foundation.transaction import transaction
from app.integrations.payments.base import ChargeState
from app.models import Notification, Payment, User
from app.money.checks import CHECKS
from app.money.credit import credit_history, credits_of
from app.money.refunds import request_refund, withdraw_refund
from app.money.rows import lock_session
from app.money.wallets import available_credit, credit_of
from tests.factories.people import a_mentee, a_mentor, ctx_of
from tests.factories.sessions import RETURN_URL, START_AT, a_draft, a_paid_session, book, checkout, fresh, pay, sandbox
from tests.world import Clock, context

pytestmark = pytest.mark.usefixtures("app", "clock")


def give(mentee: User, minor: int, currency: str = "EUR") -> None:
    """Goodwill for an earlier session in that currency."""
    earlier = a_paid_session(mentee=mentee, mentor=a_mentor(currency=currency), at=START_AT.replace(day=2))
    with transaction():
        request_refund(
            lock_session(earlier.id),
            amount=Money(minor, currency),
            type=RefundType.BONUS,
            reason="Sorry",
            ctx=context(),
        )


def free_credit(mentee: User) -> int:
    return available_credit(mentee.id, "EUR").minor


def payment_of(session_id: object) -> Payment:
    return db.session.scalars(select(Payment).where(Payment.session_id == session_id)).one()


@pytest.fixture
def mentee() -> User:
    return a_mentee()


@pytest.mark.spec("MN-7")
def test_a_session_wholly_paid_by_credit_is_scheduled_at_once_and_the_gateway_hears_nothing(mentee: User) -> None:
    give(mentee, 6_000)
    before = set(sandbox().references())
    session = book(mentee=mentee)
    assert (session.status, session.payment_status) == (SessionStatus.SCHEDULED, PaymentStatus.PAID)
    assert set(sandbox().references()) == before
    assert credit_of(mentee.id, "EUR").minor == 1_000


@pytest.mark.spec("MN-7")
def test_the_gateway_is_asked_for_what_the_credit_does_not_cover(mentee: User) -> None:
    give(mentee, 2_000)
    session = a_draft(mentee=mentee)
    started = start_checkout(session.id, gateway=sandbox(), return_url=RETURN_URL, ctx=ctx_of(mentee))
    assert (started.amount, started.credit) == (Money(3_000, "EUR"), Money(2_000, "EUR"))
    book_there = sandbox().read(started.reference)
    assert book_there is not None
    assert book_there["amount_minor"] == 3_000
    sandbox().decide(started.reference, ChargeState.SUCCEEDED)
    settle_payment(started.reference, gateway=sandbox(), ctx=ctx_of(mentee))
    assert fresh(session).status is SessionStatus.SCHEDULED
    assert credit_of(mentee.id, "EUR").minor == 0
    assert [problem for check in CHECKS for problem in check.run()] == []


@pytest.mark.spec("MN-7")
def test_credit_of_one_currency_pays_nothing_in_another(mentee: User) -> None:
    give(mentee, 6_000, "USD")
    session = a_draft(mentee=mentee)
    checkout(session)
    assert payment_of(session.id).credit_minor == 0
    assert [each.currency for each in credits_of(mentee.id)] == ["USD"]


@pytest.mark.spec("MN-7")
@pytest.mark.parametrize("how", ["closed", "declined", "expired", "withdrawn"])
def test_a_checkout_that_comes_to_nothing_sets_its_credit_free(mentee: User, clock: Clock, how: str) -> None:
    give(mentee, 2_000)
    session = a_draft(mentee=mentee)
    reference = checkout(session)
    assert free_credit(mentee) == 0
    if how in {"closed", "declined"}:
        sandbox().decide(reference, ChargeState.ABANDONED if how == "closed" else ChargeState.FAILED)
        settle_payment(reference, gateway=sandbox(), ctx=ctx_of(mentee))
    elif how == "expired":
        assert session.hold_expires_at
        tick(ctx=context(CLOCK, session.hold_expires_at))
    else:
        cancel_session(session.id, category=CancellationCategory.OTHER, reason="Changed my mind", ctx=ctx_of(mentee))
    assert free_credit(mentee) == 2_000
    assert payment_of(session.id).status is not PaymentState.INITIATED


@pytest.mark.spec("MN-7", "BK-7")
def test_a_late_payment_whose_credit_was_spent_meanwhile_goes_back_whole(mentee: User) -> None:
    give(mentee, 2_000)
    late = a_draft(mentee=mentee)
    reference = checkout(late)
    assert late.hold_expires_at
    tick(ctx=context(CLOCK, late.hold_expires_at))
    other = a_draft(mentee=mentee, at=START_AT.replace(hour=14))
    pay(other)
    sandbox().decide(reference, ChargeState.SUCCEEDED)
    settled = settle_payment(reference, gateway=sandbox(), ctx=ctx_of(mentee))
    assert settled.payment.value == "duplicate"
    assert credit_of(mentee.id, "EUR").minor == 0
    assert fresh(late).status is SessionStatus.EXPIRED
    assert [problem for check in CHECKS for problem in check.run()] == []


@pytest.mark.spec("MN-7")
def test_credit_that_was_used_cannot_be_taken_back(mentee: User) -> None:
    session = a_paid_session(mentee=mentee)
    with transaction():
        bonus = request_refund(
            lock_session(session.id), amount=Money(2_000, "EUR"), type=RefundType.BONUS, reason="Sorry", ctx=context()
        )
    assert bonus is not None
    next_one = a_draft(mentee=mentee, at=START_AT.replace(hour=14))
    checkout(next_one)
    with transaction():
        assert not withdraw_refund(lock_session(session.id), bonus, reason="Undone", ctx=context())
    assert credit_of(mentee.id, "EUR").minor == 2_000


@pytest.mark.spec("MN-7")
def test_the_history_tells_where_credit_came_from_and_went(mentee: User) -> None:
    give(mentee, 6_000)
    session = book(mentee=mentee)
    cancel_session(session.id, category=CancellationCategory.OTHER, reason="Changed my mind", ctx=ctx_of(mentee))
    lines = credit_history(mentee.id, limit=10)
    assert sorted((line.amount.minor, line.event.value) for line in lines) == [
        (-5_000, "payment"),
        (5_000, "refund_processed"),
        (6_000, "goodwill"),
    ]
    assert [line.session_id for line in lines if line.amount.minor < 0] == [session.id]
    assert credits_of(mentee.id) == [Money(6_000, "EUR")]
    told = db.session.scalars(
        select(Notification.title).where(
            Notification.user_id == mentee.id, Notification.type == NotificationType.REFUND_PROCESSED
        )
    ).all()
    assert sorted(told) == ["Credit Added", "Refund Processed"]
