"""Credit where a mentee meets it: in the wizard, on the session, on its own page, over the API (MN-7)."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.domain.money import Money
from app.domain.vocabulary import RefundType
from app.foundation.transaction import transaction
from app.models import User
from app.money.refunds import request_refund
from app.money.rows import lock_session
from tests.factories.people import a_mentee, a_mentor, offering_of, sign_in
from tests.factories.sessions import START_AT, a_draft, a_paid_session, checkout
from tests.world import Clock, context

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def mentee(app: Flask, clock: Clock) -> User:
    """Somebody with 20.00 EUR of credit."""
    found = a_mentee()
    earlier = a_paid_session(mentee=found, title="A session without sound", at=START_AT.replace(day=2))
    with transaction():
        request_refund(
            lock_session(earlier.id), amount=Money(2_000, "EUR"), type=RefundType.BONUS, reason="x", ctx=context()
        )
    return found


@pytest.fixture
def browser(app: Flask, mentee: User) -> FlaskClient:
    return sign_in(app.test_client(), mentee)


def wish(mentor: User) -> dict[str, Any]:
    return {
        "mentorId": str(mentor.id), "offeringId": str(offering_of(mentor).id), "scheduledAt": "2028-03-01T14:00:00Z",
        "meetingType": "video", "title": "How to lead a team",
    }  # fmt: skip


@pytest.mark.spec("MN-7", "DB-5")
def test_the_session_page_says_what_credit_pays_before_and_after(browser: FlaskClient, mentee: User) -> None:
    session = a_draft(mentee=mentee)
    before = browser.get(f"/sessions/{session.id}").text
    assert "€30.00 to pay until" in before
    assert "By credit" in before
    checkout(session)
    assert "€30.00 to pay until" in browser.get(f"/sessions/{session.id}").text


@pytest.mark.spec("MN-7")
def test_its_own_page_tells_how_much_there_is_and_where_it_came_from(browser: FlaskClient) -> None:
    page = browser.get("/my/credit").text
    assert "€20.00" in page
    assert "A gift from us" in page
    assert "A session without sound" in page


def test_nobody_without_credit_is_left_before_an_empty_page(app: Flask) -> None:
    assert "No credit yet" in sign_in(app.test_client(), a_mentee()).get("/my/credit").text


@pytest.mark.spec("MN-7", "API-1")
def test_a_booking_over_the_api_says_what_credit_pays_of_it(browser: FlaskClient) -> None:
    headers = {"X-CSRFToken": _token(browser), "Idempotency-Key": "one"}
    made = browser.post("/api/bookings", json=wish(a_mentor()), headers=headers).get_json()["data"]
    assert (made["creditUsed"], made["payment"]["amount"], made["payment"]["creditUsed"]) == (20.0, 30.0, 20.0)
    told = browser.get("/api/credit").get_json()["data"]
    assert [(each["currency"], each["amount"]) for each in told["balances"]] == [("EUR", 20.0)]
    assert [(each["event"], each["amount"]) for each in told["movements"]] == [("goodwill", 20.0)]


@pytest.mark.spec("MN-7", "API-1")
def test_a_booking_that_credit_covers_has_no_payment_page(browser: FlaskClient) -> None:
    headers = {"X-CSRFToken": _token(browser), "Idempotency-Key": "two"}
    made = browser.post("/api/bookings", json=wish(a_mentor(rate_minor=2_000)), headers=headers).get_json()["data"]
    assert (made["status"], made["payment"], made["creditUsed"]) == ("scheduled", None, 20.0)


def _token(browser: FlaskClient) -> str:
    page = browser.get("/my/credit").text
    return page.split('name="csrf-token" content="')[1].split('"')[0] if 'name="csrf-token"' in page else ""
