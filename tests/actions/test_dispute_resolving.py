"""Resolving a dispute does what it says, in one transaction, once (ACT-8, DSP-4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.domain.context import CLOCK
from app.domain.errors import Conflict, Forbidden, Invalid, SlotTaken, StalePreview
from app.domain.vocabulary import (
    DisputeResolution,
    DisputeStatus,
    NotificationType,
    Party,
    PaymentStatus,
    RefundState,
    RefundType,
    SessionStatus,
)
from app.extensions import db
from app.foundation.policies import change_policies
from app.foundation.transaction import transaction
from app.models import (
    AdminAuditTrail,
    EmailEvent,
    MentoringSession,
    Notification,
    Refund,
    SessionDispute,
    Strike,
    User,
)
from app.money.refunds import approve_refund, decline_refund
from app.support.disputes.outcomes import Wish
from app.support.disputes.resolving import (
    offers,
    preview_resolution,
    resolve_dispute,
    settle_all_awaiting,
    settle_awaiting,
)
from app.support.refund_decisions import RefundAct, decide_about_refund
from tests.factories import people, sessions
from tests.factories.disputes import a_dispute, fresh_dispute, session_of
from tests.factories.sessions import sandbox
from tests.world import Clock, context

pytestmark = pytest.mark.usefixtures("clock")

REFUND = Wish(outcome=DisputeResolution.REFUND_ISSUED, notes="The log agrees with the mentee.")
NOTHING = Wish(outcome=DisputeResolution.NO_ACTION, notes="Both were there.")
WARNING = Wish(outcome=DisputeResolution.WARNING_SENT, notes="Second time.", reason="Please be on time.")
SUSPENSION = Wish(outcome=DisputeResolution.ACCOUNT_SUSPENDED, notes="Enough.", reason="Abuse in the call")


def resolution(dispute: SessionDispute) -> AdminAuditTrail:
    return db.session.scalars(
        select(AdminAuditTrail).where(
            AdminAuditTrail.action == "ADMIN_DISPUTE_RESOLVED", AdminAuditTrail.subject_id == str(dispute.id)
        )
    ).one()


def mails(template: str) -> list[EmailEvent]:
    return list(db.session.scalars(select(EmailEvent).where(EmailEvent.template == template)))


def told(user_id: object) -> list[NotificationType]:
    rows = select(Notification.type).where(Notification.user_id == user_id).order_by(Notification.number)
    return list(db.session.scalars(rows))


def lower_the_threshold(amount: str = "20.00") -> None:
    admin = people.an_admin()
    with transaction():
        change_policies({"refund_approval_threshold": amount}, reason="Test", ctx=people.ctx_of(admin))


@pytest.mark.spec("DSP-4", "ACT-8", "ACT-3", "SM-3")
def test_a_refund_is_made_the_dispute_closed_and_both_told() -> None:
    agent, dispute = people.a_support_agent(), a_dispute()
    session = session_of(dispute)
    plan = preview_resolution(dispute.id, wish=REFUND, ctx=people.ctx_of(agent))
    assert plan.button == "Refund €50.00 and resolve"
    assert db.session.scalar(select(func.count()).select_from(Refund)) == 0
    wish = replace(REFUND, message="We are sorry.")
    done = resolve_dispute(dispute.id, wish=wish, fingerprint=plan.fingerprint, ctx=people.ctx_of(agent))
    assert (done.status, done.awaits_approval) == (DisputeStatus.RESOLVED, False)
    refund = db.session.scalars(select(Refund)).one()
    assert (refund.amount_minor, refund.type, refund.by_staff) == (5_000, RefundType.FULL, True)
    dispute = fresh_dispute(dispute)
    assert (dispute.resolution_action, dispute.resolved_by) == (DisputeResolution.REFUND_ISSUED, agent.id)
    assert dispute.resolution_notes == "The log agrees with the mentee."
    assert dispute.resolved_at is not None
    row = resolution(dispute)
    assert (row.previous_status, row.new_status, row.reason) == ("open", "resolved", REFUND.notes)
    assert row.details["refundAmount"] == "50.00"
    (mail,) = mails("dispute_resolved")
    assert mail.user_id == session.mentee_id
    assert "gave €50.00 back to you. We are sorry." in mail.details["facts"]["message"]
    assert "The log agrees" not in str(mail.details)
    assert NotificationType.ADMIN_REFUND in told(session.mentor_id)


@pytest.mark.spec("DSP-4", "ACT-3")
def test_the_mentee_hears_of_the_money_whoever_reported_and_nobody_reads_the_notes() -> None:
    session = sessions.a_completed_session()
    dispute = a_dispute(session, by=session.mentor)
    resolve_dispute(dispute.id, wish=REFUND, fingerprint=None, ctx=people.ctx_of(people.a_support_agent()))
    (issued,), (settled,) = mails("admin_refund_issued"), mails("dispute_resolved")
    assert (issued.user_id, settled.user_id) == (session.mentee_id, session.mentor_id)
    assert f"to {session.mentee.name}" in settled.details["facts"]["message"]
    told_to_all = db.session.scalars(select(Notification.body)).all()
    assert REFUND.notes not in f"{issued.details} {settled.details} {told_to_all}"


@pytest.mark.spec("DSP-4", "ACT-3")
def test_a_part_or_a_gift_can_be_given() -> None:
    agent = people.a_support_agent()
    first, second = a_dispute(), a_dispute()
    resolve_dispute(first.id, wish=replace(REFUND, amount_minor=1_500), fingerprint=None, ctx=people.ctx_of(agent))
    gift = replace(REFUND, amount_minor=700, as_credit=True)
    resolve_dispute(second.id, wish=gift, fingerprint=None, ctx=people.ctx_of(agent))
    rows = {refund.session_id: refund for refund in db.session.scalars(select(Refund))}
    assert (rows[first.session_id].amount_minor, rows[first.session_id].type) == (1_500, RefundType.PARTIAL)
    assert (rows[second.session_id].amount_minor, rows[second.session_id].type) == (700, RefundType.BONUS)
    with pytest.raises(Invalid):
        too_much = replace(REFUND, amount_minor=5_001)
        resolve_dispute(a_dispute().id, wish=too_much, fingerprint=None, ctx=people.ctx_of(agent))


@pytest.mark.spec("DSP-4", "MN-9")
def test_a_refund_above_the_limit_leaves_it_awaiting_approval_until_it_is_approved(clock: Clock) -> None:
    lower_the_threshold()
    agent, admin, dispute = people.a_support_agent(), people.an_admin(), a_dispute()
    session = session_of(dispute)
    wish = replace(REFUND, message="Sorry.")
    assert preview_resolution(dispute.id, wish=wish, ctx=people.ctx_of(agent)).needs_approval
    done = resolve_dispute(dispute.id, wish=wish, fingerprint=None, ctx=people.ctx_of(agent))
    assert done.awaits_approval
    dispute = fresh_dispute(dispute)
    assert (dispute.status, dispute.resolved_at) == (DisputeStatus.IN_PROGRESS, None)
    assert dispute.awaiting_refund_id is not None
    assert mails("dispute_resolved") == []
    with pytest.raises(Conflict):
        resolve_dispute(dispute.id, wish=NOTHING, fingerprint=None, ctx=people.ctx_of(admin))
    assert settle_all_awaiting(ctx=context(CLOCK, clock.now)) == 0
    approve_refund(dispute.awaiting_refund_id, reason="Right", ctx=people.ctx_of(admin))
    assert settle_all_awaiting(ctx=context(CLOCK, clock.now)) == 1
    dispute = fresh_dispute(dispute)
    assert (dispute.status, dispute.resolved_by) == (DisputeStatus.RESOLVED, agent.id)
    (mail,) = mails("dispute_resolved")
    assert mail.details["facts"]["message"].endswith("Sorry.")
    assert NotificationType.ADMIN_REFUND in told(session.mentor_id)
    assert settle_all_awaiting(ctx=context(CLOCK, clock.now)) == 0


@pytest.mark.spec("DSP-4", "MN-9")
@pytest.mark.parametrize(
    "act, status", [(RefundAct.APPROVE, DisputeStatus.RESOLVED), (RefundAct.DECLINE, DisputeStatus.IN_PROGRESS)]
)
def test_whoever_decides_about_the_refund_need_not_wait_for_the_clock(act: RefundAct, status: DisputeStatus) -> None:
    lower_the_threshold()
    agent, admin, dispute = people.a_support_agent(), people.an_admin(), a_dispute()
    resolve_dispute(dispute.id, wish=REFUND, fingerprint=None, ctx=people.ctx_of(agent))
    waits = fresh_dispute(dispute).awaiting_refund_id
    assert waits is not None
    decide_about_refund(waits, act, reason="Looked at it", gateway=sandbox(), ctx=people.ctx_of(admin))
    dispute = fresh_dispute(dispute)
    assert (dispute.status, dispute.awaiting_refund_id) == (status, None)
    assert len(mails("dispute_resolved")) == (act is RefundAct.APPROVE)
    assert settle_all_awaiting(ctx=people.ctx_of(admin)) == 0


@pytest.mark.spec("DSP-4", "MN-9")
def test_a_refund_that_is_declined_opens_the_dispute_again() -> None:
    lower_the_threshold()
    agent, admin, dispute = people.a_support_agent(), people.an_admin(), a_dispute()
    resolve_dispute(dispute.id, wish=REFUND, fingerprint=None, ctx=people.ctx_of(agent))
    refund_id = fresh_dispute(dispute).awaiting_refund_id
    assert refund_id is not None
    decline_refund(refund_id, reason="Too much", ctx=people.ctx_of(admin))
    assert settle_awaiting(refund_id, ctx=people.ctx_of(admin))
    dispute = fresh_dispute(dispute)
    assert (dispute.status, dispute.resolution_action) == (DisputeStatus.IN_PROGRESS, None)
    assert dispute.awaiting_refund_id is None
    assert mails("dispute_resolved") == []
    assert NotificationType.DISPUTE_UPDATED in told(agent.id)
    resolve_dispute(dispute.id, wish=NOTHING, fingerprint=None, ctx=people.ctx_of(agent))
    assert fresh_dispute(dispute).status is DisputeStatus.RESOLVED


@pytest.mark.spec("DSP-4")
@pytest.mark.parametrize("person", [None, Party.MENTEE])
def test_a_warning_is_sent_and_counted(person: Party | None) -> None:
    agent, dispute = people.a_support_agent(), a_dispute()
    session = session_of(dispute)
    warned = session.mentee if person is Party.MENTEE else session.mentor
    resolve_dispute(dispute.id, wish=replace(WARNING, person=person), fingerprint=None, ctx=people.ctx_of(agent))
    assert db.session.get_one(User, warned.id, populate_existing=True).warnings_count == 1
    (mail,) = mails("warning_issued")
    assert (mail.user_id, mail.details["facts"]["reason"]) == (warned.id, "Please be on time.")
    assert NotificationType.ACCOUNT_WARNING in told(warned.id)
    assert resolution(dispute).details["warnedUser"] == str(warned.id)
    strike = db.session.scalars(select(Strike)).one()
    assert (strike.user_id, strike.session_id, strike.kind) == (warned.id, session.id, "warning")
    assert strike.expires_at - strike.created_at == timedelta(days=180)
    assert strike.evidence == {"dispute_id": str(dispute.id), "reason": "Please be on time."}
    assert resolution(dispute).details["strike"] == str(strike.id)
    with pytest.raises(Invalid):
        nothing_said = replace(WARNING, reason="")
        resolve_dispute(a_dispute().id, wish=nothing_said, fingerprint=None, ctx=people.ctx_of(agent))


@pytest.mark.spec("DSP-4", "ID-4", "ADM-2")
def test_an_admin_suspends_and_support_is_not_even_offered_it() -> None:
    agent, admin, dispute = people.a_support_agent(), people.an_admin(), a_dispute()
    session = session_of(dispute)
    offered = {offer.outcome for offer in offers(session, people.ctx_of(agent))}
    assert DisputeResolution.ACCOUNT_SUSPENDED not in offered
    with pytest.raises(Forbidden):
        preview_resolution(dispute.id, wish=SUSPENSION, ctx=people.ctx_of(agent))
    with pytest.raises(Forbidden):
        resolve_dispute(dispute.id, wish=SUSPENSION, fingerprint=None, ctx=people.ctx_of(agent))
    assert fresh_dispute(dispute).status is DisputeStatus.OPEN
    resolve_dispute(dispute.id, wish=SUSPENSION, fingerprint=None, ctx=people.ctx_of(admin))
    mentor = db.session.get_one(User, session.mentor_id, populate_existing=True)
    assert (mentor.suspended_at is not None, mentor.suspension_reason) == (True, "Abuse in the call")
    with pytest.raises(Conflict):
        resolve_dispute(dispute.id, wish=SUSPENSION, fingerprint=None, ctx=people.ctx_of(admin))


@pytest.mark.spec("DSP-4")
def test_a_session_at_no_cost_makes_up_for_it(clock: Clock) -> None:
    agent, dispute = people.a_support_agent(), a_dispute()
    session = session_of(dispute)
    clock.set(sessions.START_AT + timedelta(days=1))
    start = sessions.START_AT + timedelta(days=7)
    wish = Wish(outcome=DisputeResolution.SESSION_RESCHEDULED, notes="Once more.", starts_at=start)
    resolve_dispute(dispute.id, wish=wish, fingerprint=None, ctx=people.ctx_of(agent))
    again = db.session.scalars(select(MentoringSession).where(MentoringSession.rescheduled_from == session.id)).one()
    assert (again.status, again.scheduled_at, again.rate_minor) == (SessionStatus.SCHEDULED, start, 0)
    assert again.payment_status is PaymentStatus.NOT_REQUIRED
    confirmed = {mail.user_id for mail in mails("booking_confirmed") if mail.session_id == again.id}
    assert confirmed == {session.mentee_id}
    assert resolution(dispute).details["followUpSession"] == str(again.id)


@pytest.mark.spec("DSP-4", "ACT-9")
def test_a_session_that_is_still_to_come_is_moved(clock: Clock) -> None:
    agent, dispute = people.a_support_agent(), a_dispute(sessions.a_paid_session())
    session = session_of(dispute)
    start = sessions.START_AT + timedelta(days=7)
    wish = Wish(outcome=DisputeResolution.SESSION_RESCHEDULED, notes="She is ill.", starts_at=start)
    ctx = people.ctx_of(agent)
    plan = preview_resolution(dispute.id, wish=wish, ctx=ctx)
    assert (plan.button, plan.decision.allowed) == ("Move the session and resolve", True)
    resolve_dispute(dispute.id, wish=wish, fingerprint=plan.fingerprint, ctx=ctx)
    moved = session_of(dispute)
    assert (moved.scheduled_at, moved.status) == (start, SessionStatus.SCHEDULED)
    assert {mail.user_id for mail in mails("reschedule_confirmed")} == {session.mentee_id, session.mentor_id}
    assert "She is ill." not in str([mail.details for mail in mails("reschedule_confirmed")])
    assert resolution(dispute).details["movedSession"] == str(session.id)
    assert db.session.scalar(select(func.count()).select_from(MentoringSession)) == 1


@pytest.mark.spec("DSP-4", "AV-5")
def test_it_cannot_lie_in_the_past_or_where_one_of_them_is_busy(clock: Clock) -> None:
    agent = people.a_support_agent()
    busy = sessions.a_paid_session(at=sessions.START_AT + timedelta(days=7))
    dispute = a_dispute(sessions.a_completed_session(mentor=busy.mentor))
    clock.set(sessions.START_AT + timedelta(days=1))
    wish = Wish(outcome=DisputeResolution.SESSION_RESCHEDULED, notes="Once more.")
    for starts_at, refusal in (
        (None, Invalid), (clock.now, Invalid), (clock.now + timedelta(days=366), Invalid),
        (busy.scheduled_at, SlotTaken),
    ):  # fmt: skip
        with pytest.raises(refusal):
            resolve_dispute(
                dispute.id, wish=replace(wish, starts_at=starts_at), fingerprint=None, ctx=people.ctx_of(agent)
            )
    assert fresh_dispute(dispute).status is DisputeStatus.OPEN


@pytest.mark.spec("DSP-2", "DSP-4")
def test_what_has_nothing_in_it_is_dismissed() -> None:
    agent, dispute = people.a_support_agent(), a_dispute()
    session = session_of(dispute)
    wish = replace(NOTHING, dismisses=True)
    resolve_dispute(dispute.id, wish=wish, fingerprint=None, ctx=people.ctx_of(agent))
    assert fresh_dispute(dispute).status is DisputeStatus.DISMISSED
    assert NotificationType.DISPUTE_RESOLVED in told(session.mentee_id)
    assert NotificationType.DISPUTE_RESOLVED not in told(session.mentor_id)
    with pytest.raises(Conflict):
        resolve_dispute(dispute.id, wish=NOTHING, fingerprint=None, ctx=people.ctx_of(agent))
    with pytest.raises(Invalid):
        mixed = replace(REFUND, dismisses=True)
        resolve_dispute(a_dispute().id, wish=mixed, fingerprint=None, ctx=people.ctx_of(agent))


@pytest.mark.spec("ACT", "DSP-4")
def test_a_case_that_changed_since_the_preview_is_shown_anew() -> None:
    agent, dispute = people.a_support_agent(), a_dispute()
    ctx = people.ctx_of(agent)
    plan = preview_resolution(dispute.id, wish=REFUND, ctx=ctx)
    resolve_dispute(a_dispute(session_of(dispute), by=session_of(dispute).mentor).id,
                    wish=replace(REFUND, amount_minor=100), fingerprint=None, ctx=ctx)  # fmt: skip
    with pytest.raises(StalePreview):
        resolve_dispute(dispute.id, wish=REFUND, fingerprint=plan.fingerprint, ctx=ctx)
    assert fresh_dispute(dispute).status is DisputeStatus.OPEN


@pytest.mark.spec("DSP-4", "ADM-2")
def test_nobody_resolves_without_notes_or_in_an_own_case() -> None:
    former = people.a_mentor()
    dispute = a_dispute(sessions.a_completed_session(mentor=former))
    for notes in ("", "ab", "x" * 1_001):
        with pytest.raises(Invalid):
            resolve_dispute(
                dispute.id, wish=replace(NOTHING, notes=notes), fingerprint=None, ctx=people.ctx_of(people.an_admin())
            )
    former.role = people.Role.ADMIN
    db.session.commit()
    with pytest.raises(Forbidden) as refusal:
        resolve_dispute(dispute.id, wish=NOTHING, fingerprint=None, ctx=people.ctx_of(former))
    assert refusal.value.error_code == "own_case"
    for person in (people.an_ops(), session_of(dispute).mentee):
        with pytest.raises(Forbidden):
            resolve_dispute(dispute.id, wish=NOTHING, fingerprint=None, ctx=people.ctx_of(person))
    assert db.session.scalar(select(func.count()).select_from(Refund).where(Refund.status != RefundState.PENDING)) == 0
