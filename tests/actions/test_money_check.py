"""``flask money check`` says whether every minor unit is where it belongs (MN-11, RUN-6)."""

from __future__ import annotations

import pytest
from flask import Flask

from app.foundation.transaction import transaction
from app.integrations.payments.base import ChargeState
from app.money.refunds import request_refund
from app.money.rows import lock_session
from tests.factories.money import an_open_payment, an_unpaid_session
from tests.factories.sessions import a_completed_session, a_paid_session, empty_books, sandbox
from tests.invariants.planted import money_the_gateway_has_and_we_do_not_know, shares_moved_between_mentor_and_platform
from tests.outbox import RunOutbox
from tests.world import Clock, context


@pytest.fixture(autouse=True)
def books_of_its_own(app: Flask, clock: Clock) -> None:
    """The gateway's books outlive a rolled-back test; each of these starts with none."""
    empty_books()


def check(app: Flask) -> tuple[int, str]:
    done = app.test_cli_runner().invoke(args=["money", "check"])
    return done.exit_code, done.output


@pytest.mark.spec("MN-11")
def test_books_without_a_fault_pass(app: Flask, run_outbox: RunOutbox) -> None:
    a_completed_session()
    session = a_paid_session()
    with transaction():
        request_refund(lock_session(session.id), percentage=70, reason="A test", ctx=context())
    assert check(app)[0] == 0, "a refund on its way is no fault"
    run_outbox()
    code, told = check(app)
    assert (code, "NOT" in told) == (0, False), told


@pytest.mark.spec("MN-11")
def test_a_fault_in_our_books_is_shown_and_fails(app: Flask) -> None:
    shares_moved_between_mentor_and_platform()
    code, told = check(app)
    assert code == 1
    assert "the mentor has" in told


@pytest.mark.spec("MN-11")
def test_a_disagreement_with_the_gateway_is_shown_and_fails(app: Flask) -> None:
    money_the_gateway_has_and_we_do_not_know()
    code, told = check(app)
    assert code == 1
    assert "we do not know it" in told


@pytest.mark.spec("MN-11")
def test_a_payment_on_its_way_is_no_disagreement_until_a_quarter_of_an_hour_has_passed(
    app: Flask, clock: Clock
) -> None:
    payment = an_open_payment(an_unpaid_session())
    gateway = sandbox()
    with gateway._book(payment.reference) as book:
        book.update(
            reference=payment.reference, amount_minor=payment.amount_minor, currency=payment.currency, id="sbx_1",
            state=ChargeState.SUCCEEDED.value, refunds=[], events=[], return_url="http://localhost/",
        )  # fmt: skip
    assert check(app)[0] == 0
    clock.advance(minutes=16)
    code, told = check(app)
    assert code == 1
    assert "the gateway has it as paid, we as initiated" in told
