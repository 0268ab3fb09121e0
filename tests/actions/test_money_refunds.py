"""Refunds: decided, split, approved by a second person, withdrawn; settlement and wallets (MN-4 to MN-9, MN-13)."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from app.domain.context import Context
from app.domain.errors import Conflict, Forbidden, Invalid
from app.domain.ledger import GATEWAY, GOODWILL, REFUNDS, goodwill_bonus, payout
from app.domain.money import Money
from app.domain.vocabulary import (
    NotificationType,
    PaymentStatus,
    RefundState,
    RefundStatus,
    RefundType,
    SessionStatus,
)
from app.extensions import db
from app.foundation.audit import verify_chain
from app.foundation.transaction import transaction
from app.integrations.payments.base import GatewayRefund, GatewayRefundState
from app.models import AdminAuditTrail, EmailEvent, MentoringSession, Notification, OutboxRow, Refund, User
from app.money.ledger import balance, balances_of_session, post
from app.money.overview import session_money
from app.money.refunds import (
    approve_refund,
    decline_refund,
    load_for_send,
    record_refund_result,
    request_refund,
    retry_refund,
    withdraw_refund,
)
from app.money.rows import lock_session, terms_of
from app.money.settlement import settle_session, split_of, unsettle_session
from app.money.wallets import credit_of, wallet_lines, wallet_of
from tests.factories.money import a_session_with_money, an_open_payment, an_unpaid_session, change_status, record
from tests.factories.people import a_support_agent, an_admin, ctx_of
from tests.world import START, context

pytestmark = pytest.mark.usefixtures("app", "clock")


def refund(session: MentoringSession, *, ctx: Context | None = None, **options: object) -> Refund | None:
    arguments = {"reason": "A test", "ctx": ctx or context(now=session.created_at), **options}
    with transaction():
        return request_refund(lock_session(session.id), **arguments)  # type: ignore[arg-type]


def settle(session: MentoringSession) -> None:
    with transaction():
        settle_session(lock_session(session.id), context())


def processed(row: Refund | None) -> Refund:
    assert row is not None
    result = GatewayRefund(GatewayRefundState.PROCESSED, f"sbr_{row.id.hex}")
    return record_refund_result(row.id, result, context())


def keys() -> list[str]:
    return list(db.session.scalars(select(OutboxRow.key).where(OutboxRow.kind == "refund.send")))


@pytest.mark.spec("MN-6")
def test_a_percentage_refunds_what_is_missing_to_it_and_takes_the_shares_back_in_proportion() -> None:
    session = a_session_with_money(rate_minor=5_001)
    row = refund(session, percentage=70)

    assert row is not None
    assert (row.amount_minor, row.percentage, row.status) == (3_501, 70, RefundState.PENDING)  # 3500.7, half up
    assert keys() == [f"refund:{row.id}"] == [row.idempotency_key]
    assert (session.refund_amount_minor, session.refund_percentage) == (3_501, 70)
    assert session.refund_status is RefundStatus.PENDING
    assert session.payment_status is PaymentStatus.PAID, "the money has not gone back yet"
    money = session_money(session.id)
    assert (money.held_mentor.minor, money.held_platform.minor) == (1_050, 450)
    assert money.is_balanced
    assert money.on_its_way.minor == 3_501


@pytest.mark.spec("MN-6", "INV-4")
def test_a_double_click_on_the_same_percentage_refunds_once() -> None:
    session = a_session_with_money()
    assert refund(session, percentage=100) is not None
    assert refund(session, percentage=100) is None
    assert refund(session, percentage=50) is None
    assert (session.refund_amount_minor, session.refund_percentage) == (5_000, 100)
    assert len(keys()) == 1


@pytest.mark.spec("MN-7")
def test_a_double_click_on_a_full_refund_is_refused_the_second_time() -> None:
    session = a_session_with_money()
    amount = Money(5_000, "EUR")
    refund(session, amount=amount, type=RefundType.FULL)
    with pytest.raises(Invalid, match="exactly what is left"):
        refund(session, amount=amount, type=RefundType.FULL)


@pytest.mark.spec("MN-6")
def test_a_decision_for_no_refund_is_kept_and_makes_no_row() -> None:
    session = a_session_with_money()
    assert refund(session, percentage=0) is None
    assert (session.refund_percentage, session.refund_status) == (0, RefundStatus.NONE)
    assert keys() == []


@pytest.mark.spec("MN-7")
@pytest.mark.parametrize(
    "kind, minor",
    [(RefundType.FULL, 4_999), (RefundType.PARTIAL, 5_001), (RefundType.PARTIAL, 0), (RefundType.PARTIAL, -1)],
)
def test_an_amount_that_does_not_fit_is_refused_and_changes_nothing(kind: RefundType, minor: int) -> None:
    session = a_session_with_money(rate_minor=5_000)
    with pytest.raises(Invalid) as refused:
        refund(session, amount=Money(minor, "EUR"), type=kind)
    assert list(refused.value.fields) == ["amount"]
    assert db.session.scalar(select(func.count()).select_from(Refund)) == 0
    assert session_money(session.id).held.minor == 5_000


def test_nothing_paid_means_nothing_to_refund() -> None:
    assert refund(an_unpaid_session(), percentage=100) is None


@pytest.mark.spec("MN-7")
def test_the_gateway_payment_is_refunded_first_and_the_rest_goes_back_to_credit() -> None:
    session = an_unpaid_session(rate_minor=5_000)
    with transaction():
        post(goodwill_bonus(terms_of(session), 2_000), source_id="gift", ctx=context())
    record(an_open_payment(session))
    first = refund(session, percentage=40)
    second = refund(session, percentage=100)

    assert first is not None
    assert second is not None
    assert (first.amount_minor, first.credit_minor) == (2_000, 0)
    assert (second.amount_minor, second.credit_minor) == (3_000, 2_000)
    order = load_for_send(second.id)
    assert order is not None
    assert order.amount == Money(1_000, "EUR"), "the gateway hears of its part only"
    assert credit_of(session.mentee_id, "EUR").minor == 0, "credit comes back when the refund has gone through"
    processed(first)
    processed(second)
    assert credit_of(session.mentee_id, "EUR").minor == 2_000
    assert balance(GATEWAY, "EUR") == balance(REFUNDS, "EUR") == 0
    assert session.payment_status is PaymentStatus.REFUNDED


@pytest.mark.spec("MN-7")
def test_what_was_paid_by_credit_alone_goes_back_to_credit_at_once() -> None:
    session = an_unpaid_session(rate_minor=5_000)
    with transaction():
        post(goodwill_bonus(terms_of(session), 5_000), source_id="gift", ctx=context())
    an_open_payment(session)
    row = refund(session, percentage=50)
    assert row is not None
    assert row.status is RefundState.PROCESSED
    assert credit_of(session.mentee_id, "EUR").minor == 2_500
    assert keys() == []
    assert session.payment_status is PaymentStatus.PARTIALLY_REFUNDED
    assert session_money(session.id).is_balanced


@pytest.mark.spec("MN-7")
def test_a_bonus_is_credit_at_the_platforms_cost_and_leaves_the_shares_alone() -> None:
    session = a_session_with_money(rate_minor=5_000)
    row = refund(session, amount=Money(6_000, "EUR"), type=RefundType.BONUS)
    assert row is not None
    assert (row.status, row.payment_id) == (RefundState.PROCESSED, None)
    assert credit_of(session.mentee_id, "EUR").minor == 6_000
    assert balance(GOODWILL, "EUR") == 6_000
    money = session_money(session.id)
    assert (money.held_mentor.minor, money.refunded.minor, money.bonus.minor) == (3_500, 0, 6_000)
    assert money.is_balanced
    assert session.refund_amount_minor == 0
    assert an_open_payment(an_unpaid_session(mentee=db.session.get_one(User, session.mentee_id))).credit_minor == 5_000


@pytest.mark.spec("MN-9")
def test_staff_refunds_above_the_threshold_wait_for_a_second_person() -> None:
    agent, admin = a_support_agent(), an_admin()
    session = a_session_with_money(rate_minor=30_000)
    row = refund(session, percentage=100, by_staff=True, ctx=ctx_of(agent))

    assert row is not None
    assert row.status is RefundState.AWAITING_APPROVAL
    assert keys() == []
    assert session_money(session.id).held.minor == 30_000, "nothing moves yet"
    assert (session.refund_amount_minor, session.refund_status) == (0, RefundStatus.NONE)
    told = {row.user_id: row.type for row in db.session.scalars(select(Notification))}
    assert told == {admin.id: NotificationType.REFUND_AWAITING_APPROVAL}, "the mentee hears nothing yet"

    approve_refund(row.id, reason="It is right.", ctx=ctx_of(admin))
    assert (row.status, row.approved_by) == (RefundState.PENDING, admin.id)
    assert keys() == [row.idempotency_key]
    assert session.refund_status is RefundStatus.PENDING
    acts = db.session.scalars(select(AdminAuditTrail.action)).all()
    assert acts == ["ADMIN_REFUND_APPROVED"]
    assert verify_chain().is_intact


@pytest.mark.spec("MN-9")
def test_the_threshold_counts_all_staff_refunds_of_a_session_bonuses_too() -> None:
    agent = a_support_agent()
    session = a_session_with_money(rate_minor=30_000)
    first = refund(session, amount=Money(15_000, "EUR"), type=RefundType.PARTIAL, ctx=ctx_of(agent))
    second = refund(session, amount=Money(5_000, "EUR"), type=RefundType.BONUS, ctx=ctx_of(agent))
    third = refund(session, amount=Money(1, "EUR"), type=RefundType.PARTIAL, ctx=ctx_of(agent))
    states = [row.status for row in (first, second, third) if row]
    assert states == [RefundState.PENDING, RefundState.PROCESSED, RefundState.AWAITING_APPROVAL]


@pytest.mark.spec("MN-9")
def test_a_rule_may_refund_any_amount_without_approval() -> None:
    row = refund(a_session_with_money(rate_minor=90_000), percentage=100)
    assert row is not None
    assert row.status is RefundState.PENDING


@pytest.mark.spec("MN-9")
def test_nobody_approves_an_own_request_and_support_approves_none() -> None:
    admin, agent = an_admin(), a_support_agent()
    row = refund(a_session_with_money(rate_minor=30_000), percentage=100, by_staff=True, ctx=ctx_of(admin))
    assert row is not None
    for who, code in ((admin, "own_request"), (agent, "forbidden")):
        for decide in (approve_refund, decline_refund):
            with pytest.raises(Forbidden) as refused:
                decide(row.id, reason="Mine", ctx=ctx_of(who))
            assert refused.value.error_code == code
    assert row.status is RefundState.AWAITING_APPROVAL


@pytest.mark.spec("MN-9")
def test_a_refund_is_decided_once() -> None:
    row = refund(a_session_with_money(rate_minor=30_000), percentage=100, by_staff=True, ctx=ctx_of(a_support_agent()))
    assert row is not None
    decline_refund(row.id, reason="No.", ctx=ctx_of(an_admin()))
    with pytest.raises(Conflict, match="decided already"):
        approve_refund(row.id, reason="Yes.", ctx=ctx_of(an_admin()))
    assert row.status is RefundState.DECLINED


@pytest.mark.spec("MN-9", "MN-5")
def test_what_is_kept_of_a_cancelled_session_settles_once_the_waiting_refund_is_decided() -> None:
    agent, admin = a_support_agent(), an_admin()
    declined, approved = a_session_with_money(rate_minor=30_000), a_session_with_money(rate_minor=60_000)
    rows = [refund(one, percentage=50, by_staff=True, ctx=ctx_of(agent)) for one in (declined, approved)]
    assert rows[1] is not None
    assert rows[1].status is RefundState.AWAITING_APPROVAL
    small = rows[0]
    assert small is not None
    assert small.status is RefundState.PENDING, "150.00 is below the threshold"

    other = a_session_with_money(rate_minor=30_000)
    waiting = refund(other, percentage=100, by_staff=True, ctx=ctx_of(agent))
    for session in (approved, other):
        with transaction():
            locked = lock_session(session.id)
            locked.status, locked.cancelled_at = SessionStatus.CANCELLED, START
        settle(session)
        assert session_money(session.id).mentor.minor == 0
    assert waiting is not None
    decline_refund(waiting.id, reason="No.", ctx=ctx_of(admin))
    approve_refund(rows[1].id, reason="Yes.", ctx=ctx_of(admin))
    assert session_money(other.id).mentor.minor == 21_000
    assert session_money(approved.id).mentor.minor == 21_000
    assert all(session_money(session.id).is_balanced for session in (declined, approved, other))


@pytest.mark.spec("MN-5")
def test_settling_makes_the_share_available_once() -> None:
    session = a_session_with_money(rate_minor=5_001)
    assert split_of(session).mentor == Money(3_500, "EUR")
    change_status(session, SessionStatus.IN_PROGRESS)
    change_status(session, SessionStatus.COMPLETED)
    settle(session)
    settle(session)
    wallet = wallet_of(session.mentor_id).in_currency("EUR")
    assert (wallet.pending.minor, wallet.available.minor) == (0, 3_500)
    money = session_money(session.id)
    assert (money.mentor.minor, money.platform.minor, money.held.minor) == (3_500, 1_501, 0)
    line = wallet_lines(session.mentor_id, limit=10)[0]
    assert (line.session_id, line.available.minor) == (session.id, 3_500)


@pytest.mark.spec("LEAD-1")
def test_a_settlement_taken_back_can_be_made_again() -> None:
    session = a_session_with_money()
    for _ in range(2):
        settle(session)
        with transaction():
            unsettle_session(lock_session(session.id), context())
        assert wallet_of(session.mentor_id).in_currency("EUR").pending.minor == 3_500
    settle(session)
    assert wallet_of(session.mentor_id).in_currency("EUR").available.minor == 3_500


@pytest.mark.spec("MN-13")
def test_a_late_refund_makes_the_mentors_balance_negative_and_future_earnings_settle_it_first() -> None:
    session = a_session_with_money(rate_minor=5_000)
    settle(session)
    with transaction():  # all of it was paid out meanwhile
        post(payout(session.mentor_id, 3_500, "EUR", available_minor=3_500), source_id="payout", ctx=context())
    refund(session, percentage=100)
    wallet = wallet_of(session.mentor_id).in_currency("EUR")
    assert wallet.available.minor == -3_500
    assert wallet.payable.minor == 0
    assert session_money(session.id).is_balanced

    mentor = db.session.get_one(User, session.mentor_id)
    settle(a_session_with_money(rate_minor=10_000, mentor=mentor))
    assert wallet_of(session.mentor_id).in_currency("EUR").payable.minor == 3_500


@pytest.mark.spec("MN-6")
def test_the_answer_of_the_gateway_is_recorded_once_and_the_mentee_is_told_once() -> None:
    session = a_session_with_money()
    row = refund(session, percentage=100)
    processed(row)
    processed(row)
    assert row is not None
    assert (row.status, row.gateway_refund_id) == (RefundState.PROCESSED, f"sbr_{row.id.hex}")
    assert (session.refund_status, session.payment_status) == (RefundStatus.PROCESSED, PaymentStatus.REFUNDED)
    assert balance(GATEWAY, "EUR") == balance(REFUNDS, "EUR") == 0
    told = db.session.scalars(select(Notification.title).where(Notification.user_id == session.mentee_id)).all()
    assert told == ["Refund Processed"]
    mails = db.session.scalars(select(EmailEvent.template).where(EmailEvent.user_id == session.mentee_id)).all()
    assert mails == ["refund_processed"]


def test_parties_that_are_not_to_be_told_are_not_told() -> None:
    session = a_session_with_money()
    processed(refund(session, percentage=100, notify_parties=False))
    assert db.session.scalar(select(func.count()).select_from(Notification)) == 0


@pytest.mark.spec("MN-8")
def test_a_refund_that_fails_for_good_is_supports_and_the_mentee_hears_nothing_false() -> None:
    agent = a_support_agent()
    session = a_session_with_money()
    row = refund(session, percentage=100)
    assert row is not None
    failed = GatewayRefund(GatewayRefundState.FAILED, None, "Card closed")
    record_refund_result(row.id, failed, context())
    record_refund_result(row.id, failed, context())

    assert (row.status, row.error) == (RefundState.FAILED, "Card closed")
    assert session.refund_status is RefundStatus.FAILED
    assert session.payment_status is PaymentStatus.PAID
    told = db.session.scalars(select(Notification)).all()
    assert [(note.user_id, note.type) for note in told] == [(agent.id, NotificationType.REFUND_FAILED)]
    assert "Card closed" in told[0].body
    assert balance(REFUNDS, "EUR") == -5_000, "still owed"
    assert refund(session, percentage=100) is None, "no second refund beside the failed one"


@pytest.mark.spec("MN-8", "INV-4")
def test_a_failed_refund_is_tried_again_under_its_one_key() -> None:
    agent = a_support_agent()
    session = a_session_with_money()
    row = refund(session, percentage=100)
    assert row is not None
    first = load_for_send(row.id)
    record_refund_result(row.id, GatewayRefund(GatewayRefundState.FAILED, None, "Card closed"), context())
    retry_refund(row.id, reason="The bank says it is open.", ctx=ctx_of(agent))
    assert session.refund_status is RefundStatus.PENDING
    again = load_for_send(row.id)
    assert first is not None
    assert again is not None
    assert first.key == again.key == row.idempotency_key
    assert (first.may_have_been_sent, again.may_have_been_sent) == (False, True)
    assert len(keys()) == 2
    processed(row)
    assert session.payment_status is PaymentStatus.REFUNDED
    with pytest.raises(Conflict):
        retry_refund(row.id, reason="Again", ctx=ctx_of(agent))


@pytest.mark.spec("LEAD-1")
def test_a_refund_nobody_has_begun_to_send_can_be_withdrawn() -> None:
    session = a_session_with_money()
    row = refund(session, percentage=100)
    assert row is not None
    with transaction():
        assert withdraw_refund(lock_session(session.id), row, reason="Undone", ctx=context())
    assert row.status is RefundState.DECLINED
    money = session_money(session.id)
    assert (money.held_mentor.minor, money.refunded.minor, money.is_balanced) == (3_500, 0, True)
    assert (session.refund_percentage, session.refund_status) == (None, RefundStatus.NONE)
    assert load_for_send(row.id) is None
    assert refund(session, percentage=100) is not None, "and can be decided anew"


@pytest.mark.spec("LEAD-1", "INV-4")
def test_a_refund_that_may_have_reached_the_gateway_cannot_be_withdrawn() -> None:
    session = a_session_with_money()
    row = refund(session, percentage=100)
    assert row is not None
    load_for_send(row.id)  # a try began; its row may wait in the queue for another
    with transaction():
        assert not withdraw_refund(lock_session(session.id), row, reason="Undone", ctx=context())
    assert row.status is RefundState.PENDING


def test_a_bonus_can_be_withdrawn() -> None:
    session = a_session_with_money()
    row = refund(session, amount=Money(500, "EUR"), type=RefundType.BONUS)
    assert row is not None
    with transaction():
        assert withdraw_refund(lock_session(session.id), row, reason="Undone", ctx=context())
    assert credit_of(session.mentee_id, "EUR").minor == 0


def test_every_entry_of_a_session_sums_to_zero() -> None:
    session = a_session_with_money(rate_minor=3_333)
    for percentage in (10, 33, 77):
        processed(refund(session, percentage=percentage))
    settle(session)
    assert sum(balances_of_session(session.id).values()) == 0
