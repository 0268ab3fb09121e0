"""Manual refund (ACT-3): seen before, limited, approved by a second person, audited once; failed ones end well."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from app.domain.errors import Conflict, Forbidden, Invalid, ProviderFailed, StalePreview
from app.domain.ledger import PAYOUTS, REFUNDS
from app.domain.money import Money
from app.domain.vocabulary import NotificationType, RefundState, RefundStatus, RefundType
from app.extensions import db
from app.integrations.payments.base import GatewayRefund, GatewayRefundState
from app.integrations.payments.sandbox_behavior import Operation, Trouble
from app.models import AdminAuditTrail, EmailEvent, MentoringSession, Notification, Refund, User
from app.money.checks import CHECKS
from app.money.ledger import balance
from app.money.overview import session_money
from app.money.sending import load_for_send, record_refund_result, send_refund
from app.money.wallets import credit_of, wallet_of
from app.support.manual_refund import manual_refund, preview_manual_refund
from app.support.refund_decisions import RefundAct, decide_about_refund, refund_case, refund_cases
from tests.factories.people import a_mentor, a_support_agent, an_admin, an_ops, ctx_of, offering_of
from tests.factories.sessions import a_completed_session, a_paid_session, fresh, sandbox
from tests.outbox import RunOutbox
from tests.world import context

pytestmark = pytest.mark.usefixtures("app", "clock")


@pytest.fixture(autouse=True)
def well_behaved(app: object) -> object:
    yield
    sandbox().behavior.behave()


@pytest.fixture
def agent() -> User:
    return a_support_agent()


@pytest.fixture
def admin() -> User:
    return an_admin()


@pytest.fixture
def session() -> MentoringSession:
    return a_paid_session()


def dear_session() -> MentoringSession:
    return a_paid_session(mentor=a_mentor(rate_minor=30_000))


def give(session: MentoringSession, who: User, minor: int = 1_000, **options: Any) -> Any:
    arguments = {
        "type": RefundType.PARTIAL, "amount": Money(minor, session.currency), "reason": "The sound was bad",
        "fingerprint": None, "ctx": ctx_of(who), **options,
    }  # fmt: skip
    return manual_refund(session.id, **arguments)


def acts() -> list[AdminAuditTrail]:
    return list(db.session.scalars(select(AdminAuditTrail).order_by(AdminAuditTrail.seq)))


def mails(template: str) -> list[EmailEvent]:
    return list(db.session.scalars(select(EmailEvent).where(EmailEvent.template == template)))


def refund_of(session: MentoringSession) -> Refund:
    return db.session.scalars(select(Refund).where(Refund.session_id == session.id)).one()


@pytest.mark.spec("ACT-3", "MN-6")
def test_a_partial_refund_goes_back_is_audited_once_and_told(session: MentoringSession, agent: User) -> None:
    done = give(session, agent, 1_000)
    assert not done.awaits_approval
    money = session_money(session.id)
    assert (money.refunded.minor, money.held_mentor.minor, money.is_balanced) == (1_000, 2_800, True)
    (row,) = acts()
    assert (row.action, row.reason, row.session_id) == ("ADMIN_MANUAL_REFUND", "The sound was bad", session.id)
    assert row.details["refundAmount"] == "10.00"
    assert row.details["refundType"] == "partial"
    assert row.details["originalRate"] == "50.00"
    assert row.details["notificationsSent"] == 3
    (mail,) = mails("admin_refund_issued")
    assert mail.user_id == session.mentee_id
    told = db.session.execute(
        select(Notification.user_id, Notification.body).where(Notification.type == NotificationType.ADMIN_REFUND)
    ).all()
    assert {who for who, _ in told} == {session.mentee_id, session.mentor_id}
    assert fresh(session).refund_status is RefundStatus.PENDING


@pytest.mark.spec("ACT-3")
def test_nobody_is_told_when_the_box_is_unticked(session: MentoringSession, agent: User) -> None:
    before = db.session.scalar(select(func.count()).select_from(Notification))
    assert give(session, agent, notify_parties=False).notifications_sent == 0
    assert db.session.scalar(select(func.count()).select_from(Notification)) == before
    assert mails("admin_refund_issued") == []


@pytest.mark.spec("MN-7")
def test_a_bonus_is_credit_told_as_credit_and_leaves_the_mentor_alone(session: MentoringSession, agent: User) -> None:
    give(session, agent, 2_000, type=RefundType.BONUS)
    assert credit_of(session.mentee_id, "EUR").minor == 2_000
    assert session_money(session.id).held_mentor.minor == 3_500
    (mail,) = mails("admin_refund_issued")
    assert mail.details["facts"]["is_credit"] is True
    told = db.session.scalars(select(Notification.title).where(Notification.user_id == session.mentee_id)).all()
    assert told.count("Credit Added") == 1
    assert "Refund Issued" not in told


@pytest.mark.spec("ACT-3", "MN-7")
@pytest.mark.parametrize(
    "kind, minor, words",
    [
        (RefundType.FULL, 4_999, "exactly what is left"),
        (RefundType.PARTIAL, 5_001, "At most"),
        (RefundType.PARTIAL, 0, "above zero"),
    ],
)
def test_an_amount_that_does_not_fit_is_refused_and_changes_nothing(
    session: MentoringSession, agent: User, kind: RefundType, minor: int, words: str
) -> None:
    with pytest.raises(Invalid, match=words) as refused:
        give(session, agent, minor, type=kind)
    assert list(refused.value.fields) == ["amount"]
    assert acts() == []
    assert db.session.scalar(select(func.count()).select_from(Refund)) == 0


@pytest.mark.spec("ACT-3")
def test_the_preview_says_what_the_act_does_and_a_changed_case_is_not_acted_on(
    session: MentoringSession, agent: User
) -> None:
    plan = preview_manual_refund(session.id, type=RefundType.FULL, amount=None, ctx=ctx_of(agent))
    assert plan.button == "Refund €50.00"
    assert plan.sentence == (f"{session.mentee.name} gets €50.00 back. {session.mentor.name}'s share falls by €35.00.")
    give(session, agent, 1_000)
    with pytest.raises(StalePreview):
        give(session, agent, 5_000, type=RefundType.FULL, fingerprint=plan.fingerprint)
    assert session_money(session.id).refunded.minor == 1_000
    again = preview_manual_refund(session.id, type=RefundType.FULL, amount=None, ctx=ctx_of(agent))
    give(session, agent, 4_000, type=RefundType.FULL, fingerprint=again.fingerprint)
    assert session_money(session.id).refunded.minor == 5_000


@pytest.mark.spec("ADM-2")
def test_only_support_and_admins_refund_and_nobody_a_case_of_their_own(session: MentoringSession) -> None:
    for who in (an_ops(), session.mentee, session.mentor):
        with pytest.raises(Forbidden):
            give(session, who)
    assert acts() == []


@pytest.mark.spec("MN-9")
def test_above_the_threshold_it_waits_and_the_mentee_is_told_when_another_admin_agrees(
    agent: User, admin: User
) -> None:
    session = dear_session()
    assert give(session, agent, 20_001).awaits_approval
    assert mails("admin_refund_issued") == []
    assert session_money(session.id).refunded.minor == 0
    (waiting,) = refund_cases(RefundState.AWAITING_APPROVAL, ctx=ctx_of(admin))
    assert waiting.why_not[RefundAct.APPROVE] is None
    assert RefundAct.APPROVE not in refund_cases(RefundState.AWAITING_APPROVAL, ctx=ctx_of(agent))[0].why_not
    decide_about_refund(
        waiting.refund.id, RefundAct.APPROVE, reason="It is right", gateway=sandbox(), ctx=ctx_of(admin)
    )
    assert refund_of(session).status is RefundState.PENDING
    (mail,) = mails("admin_refund_issued")
    assert mail.user_id == session.mentee_id
    assert [row.action for row in acts()] == ["ADMIN_MANUAL_REFUND", "ADMIN_REFUND_APPROVED"]
    assert acts()[1].details["refundAmount"] == "200.01"


@pytest.mark.spec("MN-9")
def test_many_small_refunds_are_a_large_one(agent: User) -> None:
    session = dear_session()
    assert [give(session, agent, 10_000).awaits_approval for _ in range(3)] == [False, False, True]


@pytest.mark.spec("MN-9")
def test_an_admin_cannot_approve_an_own_request_and_a_declined_one_is_never_heard_of(admin: User) -> None:
    session = dear_session()
    refund_id = give(session, admin, 30_000, type=RefundType.FULL).refund_id
    with pytest.raises(Forbidden, match="somebody else"):
        refund_case(refund_id, RefundAct.APPROVE, ctx=ctx_of(admin))
    decide_about_refund(refund_id, RefundAct.DECLINE, reason="Too much", gateway=sandbox(), ctx=ctx_of(an_admin()))
    assert refund_of(session).status is RefundState.DECLINED
    assert mails("admin_refund_issued") == []
    assert session_money(session.id).held.minor == 30_000
    with pytest.raises(Conflict):
        decide_about_refund(refund_id, RefundAct.APPROVE, reason="Yes", gateway=sandbox(), ctx=ctx_of(an_admin()))


@pytest.mark.spec("MN-13")
def test_a_refund_after_the_end_takes_the_share_back_below_zero(agent: User) -> None:
    session = a_completed_session()
    give(session, agent, 5_000, type=RefundType.FULL)
    wallet = wallet_of(session.mentor_id).in_currency("EUR")
    assert (wallet.available.minor, wallet.payable.minor) == (0, 0)
    assert session_money(session.id).is_balanced


def a_failed_refund(session: MentoringSession, agent: User, run_outbox: RunOutbox) -> Refund:
    sandbox().behavior.misbehave(Operation.REFUND, Trouble.REFUSE, times=1, words="The card was closed.")
    give(session, agent, 1_000)
    run_outbox(kind="refund.send")
    db.session.expire_all()
    return refund_of(session)


@pytest.mark.spec("MN-8")
def test_a_failed_refund_is_told_to_support_by_mail_and_to_the_mentee_not_at_all(
    session: MentoringSession, agent: User, run_outbox: RunOutbox
) -> None:
    refund = a_failed_refund(session, agent, run_outbox)
    assert (refund.status, refund.error) == (RefundState.FAILED, "The card was closed.")
    (mail,) = mails("refund_failed")
    assert mail.user_id == agent.id
    assert mail.details["facts"]["error"] == "The card was closed."
    assert mails("refund_processed") == []


@pytest.mark.spec("MN-8")
def test_a_failed_refund_that_was_paid_by_bank_is_settled_outside(
    session: MentoringSession, agent: User, admin: User, run_outbox: RunOutbox
) -> None:
    refund = a_failed_refund(session, agent, run_outbox)
    with pytest.raises(Forbidden):
        decide_about_refund(refund.id, RefundAct.SETTLE, reason="By bank", gateway=sandbox(), ctx=ctx_of(agent))
    decide_about_refund(refund.id, RefundAct.SETTLE, reason="By bank, 12 March", gateway=sandbox(), ctx=ctx_of(admin))
    db.session.expire_all()
    assert refund.status is RefundState.PROCESSED
    assert (balance(PAYOUTS, "EUR"), balance(REFUNDS, "EUR")) == (-1_000, 0)
    assert acts()[-1].action == "ADMIN_REFUND_SETTLED_OUTSIDE"
    (mail,) = mails("refund_processed")
    assert mail.details["facts"]["by_bank"] is True
    assert [problem for check in CHECKS for problem in check.run()] == []
    run_outbox()
    assert load_for_send(refund.id) is None, "nothing is sent any more"


@pytest.mark.spec("MN-8", "INV-4")
def test_what_the_gateway_paid_after_all_is_not_settled_outside(
    session: MentoringSession, agent: User, admin: User
) -> None:
    give(session, agent, 1_000)
    refund = refund_of(session)
    order = load_for_send(refund.id)
    assert order is not None
    send_refund(order, sandbox())  # it arrived, and its answer was lost
    record_refund_result(refund.id, GatewayRefund(GatewayRefundState.FAILED, None, "No answer"), context())
    with pytest.raises(Conflict, match="paid this refund after all"):
        decide_about_refund(refund.id, RefundAct.SETTLE, reason="By bank", gateway=sandbox(), ctx=ctx_of(admin))
    assert refund.status is RefundState.PROCESSED
    assert balance(PAYOUTS, "EUR") == 0


@pytest.mark.spec("MN-8")
def test_while_the_gateway_is_silent_nothing_is_settled_outside(
    session: MentoringSession, agent: User, admin: User, run_outbox: RunOutbox
) -> None:
    refund = a_failed_refund(session, agent, run_outbox)
    sandbox().behavior.misbehave(Operation.FIND_REFUND, Trouble.FAIL, times=1)
    with pytest.raises(ProviderFailed):
        decide_about_refund(refund.id, RefundAct.SETTLE, reason="By bank", gateway=sandbox(), ctx=ctx_of(admin))
    assert refund.status is RefundState.FAILED


@pytest.mark.spec("MN-8", "MN-6")
def test_a_failed_refund_is_tried_again(session: MentoringSession, agent: User, run_outbox: RunOutbox) -> None:
    refund = a_failed_refund(session, agent, run_outbox)
    decide_about_refund(refund.id, RefundAct.RETRY, reason="It is open", gateway=sandbox(), ctx=ctx_of(agent))
    run_outbox(kind="refund.send")
    db.session.expire_all()
    assert refund.status is RefundState.PROCESSED
    with pytest.raises(Conflict):
        decide_about_refund(refund.id, RefundAct.RETRY, reason="Again", gateway=sandbox(), ctx=ctx_of(agent))


@pytest.mark.parametrize("act", list(RefundAct), ids=str)
def test_every_decision_needs_a_reason(act: RefundAct, agent: User, admin: User, run_outbox: RunOutbox) -> None:
    if act in {RefundAct.APPROVE, RefundAct.DECLINE}:
        refund_id = give(dear_session(), agent, 30_000, type=RefundType.FULL).refund_id
    else:
        refund_id = a_failed_refund(a_paid_session(), agent, run_outbox).id
    with pytest.raises(Invalid):
        decide_about_refund(refund_id, act, reason=" ", gateway=sandbox(), ctx=ctx_of(admin))
    assert [row.action for row in acts()] == ["ADMIN_MANUAL_REFUND"]


def test_an_offering_of_another_currency_is_refunded_in_it(agent: User) -> None:
    mentor = a_mentor(rate_minor=5_000, currency="JPY")
    assert offering_of(mentor).currency == "JPY"
    session = a_paid_session(mentor=mentor)
    with pytest.raises(Invalid, match="JPY"):
        manual_refund(
            session.id, type=RefundType.PARTIAL, amount=Money(100, "EUR"), reason="Sorry", fingerprint=None,
            ctx=ctx_of(agent),
        )  # fmt: skip
    give(session, agent, 100)
    assert session_money(session.id).refunded == Money(100, "JPY")
