"""Amounts that nobody may mean (B-14)."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.domain.errors import DomainError
from app.domain.money import Money
from app.domain.vocabulary import RefundType
from app.extensions import db
from app.support.manual_refund import manual_refund
from tests.admin.test_force_cancel import dialog as cancel_dialog
from tests.admin.test_money_acts import dialog as refund_dialog
from tests.architecture.world_of_roles import World
from tests.factories import people, sessions

# Fullwidth and Arabic digits are digits to Python and to nobody's bank.
AMOUNTS = [
    "-1", "-0.01", "0", "0.00", "0.001", "1e3", "NaN", "Infinity", "9223372036854775808", "92233720368547758.08",
    "1,00,0", "0x10", "\uff11\uff10", "\u0661", "50.00 EUR", "JPY 50", "\u221210", "1_0", "", " ", "50.01", "--1",
    "+-1",
]  # fmt: skip


def _books() -> list[object]:
    """Everything that money leaves behind."""
    asked = ("SELECT count(*), coalesce(sum(amount_minor), 0) FROM refunds",
             "SELECT count(*), coalesce(sum(abs(amount_minor)), 0) FROM ledger_postings",
             "SELECT count(*) FROM payouts", "SELECT sum(rate_minor) FROM sessions",
             "SELECT string_agg(status, ',' ORDER BY id) FROM sessions")  # fmt: skip
    return [db.session.execute(text(each)).one() for each in asked]


def _refused(answer: TestResponse, what: str) -> None:
    assert answer.status_code in {400, 422}, f"{what}: {answer.status_code}"


@pytest.mark.spec("ACT-3", "MN-7", "MN-12")
@pytest.mark.parametrize("kind", ["partial", "full"])
def test_b14_no_amount_that_is_none_is_paid_back(world: World, kind: str) -> None:
    browser, session = world.browser("support"), world.session
    form = refund_dialog(browser, session)
    before = _books()
    for amount in AMOUNTS:
        page = browser.get(f"/admin/sessions/{session.id}/refund", query_string={"shown": 1, "amount": amount})
        assert page.status_code in {200, 422}, amount
        answer = browser.post(
            f"/admin/sessions/{session.id}/refund", data={**form, "refundType": kind, "amount": amount, "key": amount}
        )
        assert answer.status_code in {200, 422}, f"{amount!r}: {answer.status_code}"  # 200: nothing typed, shown anew
        assert _books() == before, amount


@pytest.mark.spec("ACT-1", "MN-7")
def test_b14_a_share_of_nothing_and_of_more_than_all_is_none(world: World) -> None:
    browser, session = world.browser("support"), world.session
    form = cancel_dialog(browser, session)
    before = _books()
    for share in ("-1", "101", "1e2", "99.9", "NaN", "\uff11\uff10\uff10", "0x64", "9223372036854775808", "100%"):
        answer = browser.post(f"/admin/sessions/{session.id}/cancel", data={**form, "refundPercentage": share})
        _refused(answer, share)
        assert _books() == before, share


@pytest.mark.spec("MN-10")
def test_b14_no_batch_has_a_minimum_or_a_currency_that_is_none(world: World) -> None:
    browser = world.browser("admin")
    assert world.completed.currency == "EUR"
    before = _books()
    for currency in ("eur", "EURO", "XXX", "€", "JPY;DROP", "../EUR"):
        assert browser.get(f"/admin/pay-out/next/{currency}").status_code in {200, 404, 422}
        assert browser.post(f"/admin/pay-out/next/{currency}", data={"reason": "Monthly"}).status_code < 500
    for minimum in AMOUNTS:
        data = {"reason": "Monthly", "minimum": minimum, "fingerprint": "0" * 32}
        assert browser.post("/admin/pay-out/next/EUR", data=data).status_code < 500, minimum
    assert _books() == before


@pytest.mark.spec("AV-7", "MN-12")
def test_b14_no_mentor_sells_for_less_than_nothing_or_more_than_a_number(world: World) -> None:
    browser, before = world.browser("mentor"), _offers(world)
    for rate in (*AMOUNTS[:-5], "100000000000"):
        if rate in {"0", "0.00"}:
            continue  # a free session is one
        form = {"title": "An hour", "duration": "60", "rate": rate, "currency": "EUR", "booking_mode": "instant",
                "meeting_types": "video"}  # fmt: skip
        answer = browser.post("/mentor/offerings/new", data=form)
        assert answer.status_code == 422, f"{rate!r}: {answer.status_code}"
    assert _offers(world) == before


def _offers(world: World) -> int:
    _ = world.offering
    return int(db.session.scalar(text("SELECT count(*) FROM mentor_offerings")) or 0)


@pytest.mark.spec("MN-7", "MN-12")
def test_b14_money_of_another_currency_pays_nothing_back(world: World) -> None:
    session, before = world.session, _books()
    for amount in (Money(5_000, "JPY"), Money(5_000, "USD"), Money(-1, "EUR"), Money(2**63, "EUR")):
        with pytest.raises((DomainError, ValueError)):
            manual_refund(
                session.id, type=RefundType.PARTIAL, amount=amount, reason="Because", fingerprint=None,
                ctx=people.ctx_of(world.support),
            )  # fmt: skip
        db.session.rollback()
        assert _books() == before


@pytest.mark.spec("INV-4", "MN-7")
def test_b14_two_tabs_pay_back_no_more_than_was_paid(world: World) -> None:
    """Each tab shows what is left when it was opened; the second one is shown anew instead of obeyed."""
    browser, session = world.browser("support"), world.session
    first, second = (refund_dialog(browser, session, "partial", "30.00") for _ in range(2))
    address = f"/admin/sessions/{session.id}/refund"
    assert browser.post(address, data=first).status_code == 303
    again = browser.post(address, data=second)
    assert again.status_code in {200, 409, 422}
    assert db.session.scalar(text("SELECT sum(amount_minor) FROM refunds")) == 3_000


@pytest.mark.spec("MN-2")
def test_b14_a_price_that_changed_after_booking_changes_no_booking(world: World) -> None:
    session = world.draft
    offering = people.offering_of(world.mentor)
    db.session.execute(text("UPDATE mentor_offerings SET rate_minor = 1 WHERE id = :id"), {"id": offering.id})
    db.session.commit()
    sessions.pay(session)
    assert db.session.scalar(text("SELECT amount_minor FROM payments")) == 5_000
