"""Payouts are recorded in a batch, once, and never more than a mentor has (MN-10, MN-13)."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from sqlalchemy import select

from app.domain.errors import Conflict, Forbidden, Invalid, StalePreview
from app.domain.ledger import PAYOUTS
from app.domain.money import Money
from app.domain.vocabulary import NotificationType
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import AdminAuditTrail, MentoringSession, Notification, Payout, User
from app.money.checks import CHECKS
from app.money.ledger import balance
from app.money.payouts import (
    PayoutBatch,
    payout_batches,
    payout_currencies,
    payouts_of,
    preview_payouts,
    record_payouts,
)
from app.money.refunds import request_refund
from app.money.rows import lock_session
from app.money.wallets import wallet_of
from app.people.suspension import suspend_user
from app.support.payout_file import payout_file
from tests.factories.people import a_mentor, a_support_agent, an_admin, ctx_of
from tests.factories.sessions import a_completed_session, a_paid_session
from tests.world import context

pytestmark = pytest.mark.usefixtures("app", "clock")

TEN = Money(1_000, "EUR")


@pytest.fixture
def admin() -> User:
    return an_admin()


def record(admin: User, fingerprint: str | None = None, currency: str = "EUR") -> PayoutBatch:
    minimum = Money(1_000, currency)
    seen = preview_payouts(currency, minimum=minimum, ctx=ctx_of(admin)).fingerprint
    return record_payouts(
        currency, minimum=minimum, reference="March", fingerprint=fingerprint or seen, reason="Monthly payout",
        ctx=ctx_of(admin),
    )  # fmt: skip


def available(session: MentoringSession) -> int:
    return wallet_of(session.mentor_id).in_currency("EUR").available.minor


@pytest.mark.spec("MN-10")
def test_a_batch_sends_all_that_is_available_and_nothing_that_is_pending(admin: User) -> None:
    done, ahead = a_completed_session(), a_paid_session()
    batch = record(admin)
    assert (batch.total.minor, batch.count) == (3_500, 1)
    assert available(done) == 0
    assert wallet_of(ahead.mentor_id).in_currency("EUR").pending.minor == 3_500
    (row,) = payouts_of(done.mentor_id)
    assert (row.amount_minor, row.reference, row.recorded_by) == (3_500, "March-1", admin.id)
    assert balance(PAYOUTS, "EUR") == -3_500
    (act,) = db.session.scalars(select(AdminAuditTrail)).all()
    assert (act.action, act.details["total"], act.details["mentors"]) == ("ADMIN_PAYOUT_RECORDED", "35.00", 1)
    told = db.session.scalars(
        select(Notification.title).where(
            Notification.user_id == done.mentor_id, Notification.type == NotificationType.PAYMENT_RECEIVED
        )
    ).all()
    assert "Payout Sent" in told
    assert [each.id for each in payout_batches()] == [batch.id]
    assert [problem for check in CHECKS for problem in check.run()] == []


@pytest.mark.spec("MN-10")
def test_sent_twice_it_pays_once(admin: User) -> None:
    a_completed_session()
    seen = preview_payouts("EUR", minimum=TEN, ctx=ctx_of(admin)).fingerprint
    record(admin, seen)
    with pytest.raises(StalePreview):
        record(admin, seen)
    with pytest.raises(Conflict):
        record(admin)
    assert balance(PAYOUTS, "EUR") == -3_500


@pytest.mark.spec("MN-10", "MN-13")
def test_small_negative_and_suspended_balances_stay(admin: User) -> None:
    small = a_completed_session(mentor=a_mentor(rate_minor=1_000))
    suspended = a_completed_session()
    negative = a_completed_session()
    record(admin)
    with transaction():
        request_refund(lock_session(negative.id), percentage=100, reason="A complaint", ctx=context())
    a_completed_session(
        mentor=db.session.get_one(User, suspended.mentor_id), at=suspended.scheduled_at.replace(hour=14)
    )
    suspend_user(suspended.mentor_id, reason="Abuse in the chat", ctx=ctx_of(admin))
    plan = preview_payouts("EUR", minimum=TEN, ctx=ctx_of(admin))
    assert plan.sent == []
    left = {line.mentor.id: (line.available.minor, line.why_not) for line in plan.left}
    assert left[small.mentor_id] == (700, "Less than the smallest payout")
    assert left[negative.mentor_id] == (-3_500, "Below zero: future earnings settle it first")
    assert left[suspended.mentor_id] == (3_500, "The account is suspended")


@pytest.mark.spec("MN-10")
def test_each_currency_is_a_batch_of_its_own(admin: User) -> None:
    a_completed_session()
    a_completed_session(mentor=a_mentor(rate_minor=5_000, currency="JPY"))
    assert payout_currencies() == ["EUR", "JPY"]
    assert record(admin, currency="JPY").total == Money(3_500, "JPY")
    assert balance(PAYOUTS, "EUR") == 0


@pytest.mark.spec("MN-10")
def test_a_refund_between_the_preview_and_the_record_stops_it(admin: User) -> None:
    session = a_completed_session()
    seen = preview_payouts("EUR", minimum=TEN, ctx=ctx_of(admin)).fingerprint
    with transaction():
        request_refund(lock_session(session.id), percentage=50, reason="A complaint", ctx=context())
    with pytest.raises(StalePreview):
        record(admin, seen)
    assert db.session.scalars(select(Payout)).all() == []


@pytest.mark.spec("ADM-2")
def test_only_an_admin_pays_out() -> None:
    agent = a_support_agent()
    with pytest.raises(Forbidden):
        preview_payouts("EUR", minimum=TEN, ctx=ctx_of(agent))
    with pytest.raises(Forbidden):
        record_payouts("EUR", minimum=TEN, reference="", fingerprint="", reason="Mine", ctx=ctx_of(agent))


def test_a_minimum_below_zero_is_refused(admin: User) -> None:
    with pytest.raises(Invalid) as refused:
        preview_payouts("EUR", minimum=Money(-1, "EUR"), ctx=ctx_of(admin))
    assert list(refused.value.fields) == ["minimum"]


@pytest.mark.spec("MN-10", "AUD-4", "SEC-4")
def test_the_file_for_the_bank_has_a_line_a_mentor_and_no_formula(admin: User) -> None:
    a_completed_session(mentor=a_mentor(name="=HYPERLINK(1)"))
    batch = record(admin)
    (line,) = csv.DictReader(StringIO(payout_file(batch.id, ctx=ctx_of(admin))))
    assert (line["amount"], line["currency"], line["reference"]) == ("35.00", "EUR", "March-1")
    assert line["name"] == "'=HYPERLINK(1)"
    acts = db.session.scalars(select(AdminAuditTrail.action).order_by(AdminAuditTrail.seq)).all()
    assert acts == ["ADMIN_PAYOUT_RECORDED", "ADMIN_EXPORT"]
