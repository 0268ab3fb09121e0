"""Support takes a no-show back (ACT-5): the money is right in both directions, to the minor unit, however often."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.booking.no_show import report_no_show
from app.domain.errors import Forbidden, Invalid, InvalidTransition, StalePreview
from app.domain.money import Money
from app.domain.vocabulary import CancelledBy, NotificationType, Party, RefundState, SessionStatus
from app.extensions import db
from app.models import AdminAuditTrail, EmailEvent, MentoringSession, Refund
from app.money.checks import CHECKS
from app.money.overview import session_money
from app.money.refunds import approve_refund, decline_refund
from app.money.wallets import wallet_of
from app.support.clear_no_show import clear_no_show, preview_clear_no_show
from app.support.mark_no_show import mark_no_show, preview_mark_no_show
from tests.actions.traces import counts, told
from tests.factories.people import a_mentor, a_support_agent, an_admin, an_ops, ctx_of
from tests.factories.sessions import START_AT, a_completed_session, a_paid_session, a_running_session, fresh
from tests.outbox import RunOutbox
from tests.world import Clock, context

pytestmark = pytest.mark.usefixtures("app")

WHY = "The log of the provider shows both."
COMPLETED, CANCELLED = SessionStatus.COMPLETED, SessionStatus.CANCELLED


@pytest.fixture(autouse=True)
def _half_an_hour_in(clock: Clock) -> None:
    clock.now = START_AT - timedelta(days=1)


def missed(absent: Party, clock: Clock, *, rate_minor: int = 5_000) -> MentoringSession:
    """Reported by the side that came, twenty minutes after the start."""
    came = Party.MENTEE if absent is Party.MENTOR else Party.MENTOR
    session = a_running_session(joined=[came], mentor=a_mentor(rate_minor=rate_minor))
    clock.set(START_AT + timedelta(minutes=20))
    report_no_show(session.id, ctx=ctx_of(session.mentee if came is Party.MENTEE else session.mentor))
    return fresh(session)


def clear(session: MentoringSession, restore: SessionStatus = COMPLETED, percentage: int = 100) -> MentoringSession:
    clear_no_show(
        session.id,
        reason=WHY,
        restore=restore,
        refund_percentage=percentage,
        fingerprint=None,
        ctx=ctx_of(a_support_agent()),
    )
    return fresh(session)


def mark(session: MentoringSession, absent: Party) -> MentoringSession:
    mark_no_show(session.id, absent=absent, reason=WHY, ctx=ctx_of(a_support_agent()))
    return fresh(session)


def available(session: MentoringSession) -> int:
    return wallet_of(session.mentor_id).in_currency("EUR").available.minor


def pending(session: MentoringSession) -> int:
    return wallet_of(session.mentor_id).in_currency("EUR").pending.minor


def refunds(session: MentoringSession) -> list[tuple[int, RefundState]]:
    rows = db.session.scalars(
        select(Refund).where(Refund.session_id == session.id).order_by(Refund.created_at, Refund.id)
    )
    return [(refund.amount_minor, refund.status) for refund in rows]


def assert_books() -> None:
    assert [str(problem) for check in CHECKS for problem in check.run()] == []


def acts(session: MentoringSession) -> list[AdminAuditTrail]:
    found = db.session.scalars(
        select(AdminAuditTrail)
        .where(AdminAuditTrail.session_id == session.id, AdminAuditTrail.action == "ADMIN_CLEAR_NO_SHOW")
        .order_by(AdminAuditTrail.seq)
    )
    return list(found)


@pytest.mark.spec("ACT-5", "INV-3")
def test_to_completed_an_unsent_refund_is_withdrawn_and_the_mentor_is_paid(clock: Clock, run_outbox: RunOutbox) -> None:
    session = missed(Party.MENTOR, clock)

    session = clear(session)

    assert (session.status, session.no_show_party, session.refund_amount_minor) == (COMPLETED, None, 0)
    assert refunds(session) == [(5_000, RefundState.DECLINED)]
    assert (available(session), pending(session)) == (3_500, 0)
    run_outbox()
    assert refunds(session) == [(5_000, RefundState.DECLINED)], "nothing is sent any more"
    assert_books()


@pytest.mark.spec("ACT-5", "INV-3")
def test_to_completed_a_refund_that_has_gone_stays_and_is_the_platforms_cost(
    clock: Clock, run_outbox: RunOutbox
) -> None:
    session = missed(Party.MENTOR, clock)
    run_outbox(kind="refund.send")

    session = clear(session)

    assert refunds(session) == [(5_000, RefundState.PROCESSED)]
    assert (available(session), pending(session)) == (3_500, 0)
    assert session_money(session.id, currency="EUR").borne == Money(3_500, "EUR")
    details = acts(session)[0].details
    assert (details["lostAmount"], details["platformCost"], details["mentorShare"]) == ("50.00", "35.00", "35.00")
    assert_books()


@pytest.mark.spec("ACT-5")
def test_to_completed_after_an_absent_mentee_moves_no_money(clock: Clock) -> None:
    session = missed(Party.MENTEE, clock)
    assert available(session) == 3_500
    session = clear(session)
    assert (session.status, available(session), refunds(session)) == (COMPLETED, 3_500, [])
    assert_books()


@pytest.mark.spec("ACT-5", "MN-6")
@pytest.mark.parametrize("sent", [False, True], ids=["unsent", "sent"])
@pytest.mark.parametrize("percentage", [0, 30, 100])
@pytest.mark.parametrize("absent", list(Party))
def test_to_cancelled_the_mentee_has_the_percentage_and_the_mentor_the_share_of_the_rest(
    absent: Party, percentage: int, sent: bool, clock: Clock, run_outbox: RunOutbox
) -> None:
    session = missed(absent, clock, rate_minor=4_999)
    if sent:
        run_outbox(kind="refund.send")

    session = clear(session, CANCELLED, percentage)

    assert (session.status, session.cancelled_by) == (CANCELLED, CancelledBy.ADMIN)
    back = (4_999 * percentage * 2 + 100) // 200
    is_gone = sent and absent is Party.MENTOR
    assert session.refund_amount_minor == (4_999 if is_gone else back)
    assert (available(session), pending(session)) == ((4_999 - back) * 70 // 100, 0)
    run_outbox()
    assert_books()


@pytest.mark.spec("NS-4", "ACT-5", "INV-3")
@pytest.mark.parametrize("sent", [False, True], ids=["unsent", "sent"])
def test_marked_cleared_and_marked_again_the_books_stay_exact(sent: bool, clock: Clock, run_outbox: RunOutbox) -> None:
    session = a_completed_session(mentor=a_mentor(rate_minor=3_333))
    clock.set(START_AT + timedelta(hours=3))
    share = 3_333 * 70 // 100
    expected = {Party.MENTOR: 0, Party.MENTEE: share}
    for absent in (Party.MENTOR, Party.MENTEE, Party.MENTOR, Party.MENTOR, Party.MENTEE):
        session = mark(session, absent)
        assert (session.status, available(session), pending(session)) == (
            SessionStatus.NO_SHOW, expected[absent], 0,
        )  # fmt: skip
        assert_books()
        if sent:
            run_outbox(kind="refund.send")
        session = clear(session)
        assert (session.status, available(session)) == (COMPLETED, share)
        assert_books()
        clock.advance(minutes=1)
    gone = sum(amount for amount, state in refunds(session) if state is RefundState.PROCESSED)
    assert gone == (3_333 if sent else 0), "never sent twice"
    run_outbox()
    assert_books()


@pytest.mark.spec("MN-9", "ACT-5")
def test_a_new_refund_above_the_threshold_waits_for_a_second_person(clock: Clock, run_outbox: RunOutbox) -> None:
    session = missed(Party.MENTEE, clock, rate_minor=50_000)

    session = clear(session, CANCELLED, 100)

    assert refunds(session) == [(50_000, RefundState.AWAITING_APPROVAL)]
    assert acts(session)[0].details["awaitingApproval"] is True
    letters = db.session.scalars(select(EmailEvent).where(EmailEvent.template == "no_show_cleared"))
    assert {letter.details["facts"]["refund_minor"] for letter in letters} == {None}, "no promise yet"
    refund = db.session.scalars(select(Refund).where(Refund.session_id == session.id)).one()
    approve_refund(refund.id, reason="Seen", ctx=ctx_of(an_admin()))
    run_outbox()
    assert (available(session), refunds(session)) == (0, [(50_000, RefundState.PROCESSED)])
    assert_books()


@pytest.mark.spec("MN-9", "ACT-5")
def test_declined_the_mentor_keeps_what_was_earned(clock: Clock) -> None:
    session = missed(Party.MENTEE, clock, rate_minor=50_000)
    session = clear(session, CANCELLED, 100)
    refund = db.session.scalars(select(Refund).where(Refund.session_id == session.id)).one()
    decline_refund(refund.id, reason="No", ctx=ctx_of(an_admin()))
    assert available(session) == 35_000
    assert_books()


@pytest.mark.spec("ACT-5", "SM-3", "AUD-1")
def test_it_is_one_row_in_each_trail_and_both_are_told(clock: Clock) -> None:
    session = missed(Party.MENTOR, clock)
    agent = a_support_agent()
    clear_no_show(session.id, reason=WHY, fingerprint=None, ctx=ctx_of(agent))
    (act,) = acts(session)
    assert (act.admin_id, act.reason, act.previous_status, act.new_status) == (agent.id, WHY, "no_show", "completed")
    assert (act.details["wasAbsent"], act.details["withdrawnAmount"], act.details["notificationsSent"]) == (
        "mentor", "50.00", 4,
    )  # fmt: skip
    for person in (session.mentee_id, session.mentor_id):
        assert told(session, person)[-1] is NotificationType.NO_SHOW_CLEARED
    facts = {
        row.user_id: row.details["facts"]
        for row in db.session.scalars(select(EmailEvent).where(EmailEvent.template == "no_show_cleared"))
    }
    assert facts[session.mentee_id]["withdrawn_minor"] == 5_000
    assert facts[session.mentor_id]["earnings_minor"] == 3_500


@pytest.mark.spec("ACT-5")
def test_nobody_is_told_when_that_was_chosen(clock: Clock) -> None:
    session = missed(Party.MENTOR, clock)
    done = clear_no_show(session.id, reason=WHY, notify_parties=False, fingerprint=None, ctx=ctx_of(a_support_agent()))
    assert (done.notifications_sent, NotificationType.NO_SHOW_CLEARED in told(session, session.mentee_id)) == (0, False)


@pytest.mark.spec("ACT-5")
def test_the_preview_says_what_the_act_then_does_and_changes_nothing(clock: Clock, run_outbox: RunOutbox) -> None:
    session = missed(Party.MENTOR, clock)
    ctx = ctx_of(a_support_agent())
    before = counts()
    plan = preview_clear_no_show(session.id, ctx=ctx)
    assert counts() == before
    assert (plan.money.withdrawn.minor, plan.money.mentor.minor, plan.money.borne.minor) == (5_000, 3_500, 0)
    done = clear_no_show(session.id, reason=WHY, fingerprint=plan.fingerprint, ctx=ctx)
    assert done.money == plan.money


@pytest.mark.spec("ACT-5")
def test_a_refund_that_left_since_the_preview_makes_it_stale(clock: Clock, run_outbox: RunOutbox) -> None:
    session = missed(Party.MENTOR, clock)
    ctx = ctx_of(a_support_agent())
    plan = preview_clear_no_show(session.id, ctx=ctx)
    run_outbox(kind="refund.send")
    with pytest.raises(StalePreview):
        clear_no_show(session.id, reason=WHY, fingerprint=plan.fingerprint, ctx=ctx)
    assert preview_clear_no_show(session.id, ctx=ctx).money.lost.minor == 5_000


@pytest.mark.spec("ACT-5", "SM-1")
def test_only_a_no_show_can_be_cleared(clock: Clock) -> None:
    session = a_completed_session()
    before = counts()
    with pytest.raises(InvalidTransition):
        clear(session)
    assert counts() == before


@pytest.mark.spec("ACT-5")
@pytest.mark.parametrize(
    "wish", [{"restore": SessionStatus.SCHEDULED}, {"restore": CANCELLED, "refund_percentage": 101}, {"reason": "x"}],
    ids=["another status", "too much", "no reason"],
)  # fmt: skip
def test_what_cannot_be_used_is_named_and_changes_nothing(wish: dict[str, object], clock: Clock) -> None:
    session = missed(Party.MENTOR, clock)
    before = counts()
    with pytest.raises(Invalid):
        clear_no_show(
            session.id,
            **{"reason": WHY, "fingerprint": None, "ctx": ctx_of(a_support_agent()), **wish},  # type: ignore[arg-type]
        )
    assert (counts(), fresh(session).status) == (before, SessionStatus.NO_SHOW)


@pytest.mark.spec("ADM-2")
def test_neither_operations_nor_a_party_may(clock: Clock) -> None:
    session = missed(Party.MENTOR, clock)
    for person in (an_ops(), session.mentee):
        with pytest.raises(Forbidden):
            clear_no_show(session.id, reason=WHY, fingerprint=None, ctx=ctx_of(person))


@pytest.mark.spec("NS-4")
def test_marking_is_previewed_and_goes_stale_too(clock: Clock) -> None:
    session = a_completed_session()
    ctx = context(ctx_of(a_support_agent()).actor, START_AT + timedelta(hours=4))
    plan = preview_mark_no_show(session.id, absent=Party.MENTOR, ctx=ctx)
    assert (plan.money.refund.minor, plan.money.mentor.minor) == (5_000, 0)
    mark_no_show(session.id, absent=Party.MENTOR, reason=WHY, fingerprint=plan.fingerprint, ctx=ctx)
    clear_no_show(session.id, reason=WHY, fingerprint=None, ctx=ctx)
    with pytest.raises(StalePreview):
        mark_no_show(session.id, absent=Party.MENTOR, reason=WHY, fingerprint=plan.fingerprint, ctx=ctx)


@pytest.mark.spec("NS-4")
def test_a_paid_session_that_has_not_begun_cannot_be_missed(clock: Clock) -> None:
    session = a_paid_session()
    plan = preview_mark_no_show(session.id, absent=Party.MENTEE, ctx=ctx_of(a_support_agent()))
    assert (plan.decision.allowed, plan.decision.rule) == (False, "not_started")
