"""How a negotiation goes on and ends: once per outcome (RS-2 to RS-7, CX-2, BK-5)."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from app.booking.cancel import cancel_session
from app.booking.reschedule import counter_propose
from app.booking.reschedule_answers import accept, cancel_session_instead, reject, withdraw
from app.booking.tick import tick
from app.domain.context import CLOCK
from app.domain.errors import Conflict, DomainError, Forbidden, Invalid, Refused, SlotTaken
from app.domain.vocabulary import (
    BookingMode,
    CancellationCategory,
    CancelledBy,
    ExceptionType,
    NotificationType,
    OverrideType,
    Party,
    RescheduleStatus,
    SessionStatus,
)
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import (
    AvailabilityException,
    DecisionRecord,
    EmailEvent,
    MentoringSession,
    PolicyOverride,
    SessionAuditLog,
)
from tests.actions.test_moving import busy
from tests.actions.test_reschedule_propose import grant
from tests.actions.traces import actions, counts, mailed, told, work
from tests.factories.people import a_mentee, a_mentor
from tests.factories.proposals import (
    NEW_AT,
    OTHER_AT,
    a_counter,
    a_proposal,
    a_request_with_a_proposal,
    as_,
    open_id,
    person,
    the_request,
)
from tests.factories.sessions import START_AT, a_paid_session, book, fresh
from tests.world import Clock, context

pytestmark = pytest.mark.usefixtures("app", "clock")

MENTEE, MENTOR = Party.MENTEE, Party.MENTOR
OTHER_SIDE = {MENTEE: MENTOR, MENTOR: MENTEE}


def audit_of(session: MentoringSession, action: str) -> SessionAuditLog:
    return db.session.scalars(
        select(SessionAuditLog).where(SessionAuditLog.session_id == session.id, SessionAuditLog.action == action)
    ).one()


def is_settled(session: MentoringSession, status: RescheduleStatus, now: datetime) -> None:
    """Nothing is pending any more, and only the session's own time is occupied."""
    request = the_request(session)
    assert (request.status, request.resolved_at) == (status, now)
    assert (session.pending_reschedule_request_id, session.pending_reschedule_time) == (None, None)
    assert session.pending_reschedule_by is None
    if session.status is SessionStatus.SCHEDULED:
        assert session.scheduled_at is not None
        end = session.scheduled_at + timedelta(minutes=session.duration)
        assert busy(session, session.mentee_id) == [(session.scheduled_at, end)]
        assert busy(session, session.mentor_id) == [(session.scheduled_at, end + timedelta(minutes=15))]


# --- accept ----------------------------------------------------------------------------------------------------------


@pytest.mark.spec("RS-2", "RS-7", "JN-4", "INV-6", "DB-6")
@pytest.mark.parametrize("by", [MENTEE, MENTOR])
def test_accepting_moves_the_session_and_counts_for_whoever_began(by: Party, clock: Clock) -> None:
    session = a_proposal(by)

    accept(session.id, request_id=open_id(session), ctx=as_(session, OTHER_SIDE[by]))

    session = fresh(session)
    assert session.scheduled_at == NEW_AT
    is_settled(session, RescheduleStatus.ACCEPTED, clock.now)
    assert (session.reschedule_count, session.mentor_reschedule_count) == ((1, 0) if by is MENTEE else (0, 1))
    assert "meeting.move" in work(session)
    row = audit_of(session, "reschedule_accepted")
    assert (row.previous_scheduled_at, row.new_scheduled_at) == (START_AT, NEW_AT)
    assert row.policy_snapshot["max_counter_proposals"] == 3
    assert {("reschedule_confirmed", session.mentee_id), ("reschedule_confirmed", session.mentor_id)} <= mailed(session)
    for reader in (session.mentee_id, session.mentor_id):
        assert told(session, reader)[-1] is NotificationType.RESCHEDULE_ACCEPTED
    for event in db.session.scalars(select(EmailEvent).where(EmailEvent.template == "reschedule_confirmed")):
        assert event.details["ics"] == {"method": "request", "sequence": 1}
        assert event.details["session"]["start"].startswith("2028-03-02T10:00")


@pytest.mark.spec("RS-2")
def test_the_proposed_duration_is_taken_too() -> None:
    session = a_paid_session()
    with transaction():
        session.duration = 30
    session = a_proposal(session=fresh(session), proposed_duration=60)
    accept(session.id, request_id=open_id(session), ctx=as_(session, MENTOR))
    assert fresh(session).duration == 60


@pytest.mark.spec("RS-4", "WHY-1")
def test_a_time_that_was_lost_is_a_conflict_with_the_nearest_and_the_request_stays_open() -> None:
    session = a_proposal()
    with transaction():
        db.session.add(
            AvailabilityException(
                mentor_id=session.mentor_id, starts_at=NEW_AT, ends_at=NEW_AT + timedelta(hours=1),
                type=ExceptionType.BLOCKED, created_at=session.created_at,
            )
        )  # fmt: skip
    before = counts()
    with pytest.raises(SlotTaken) as found:
        accept(session.id, request_id=open_id(session), ctx=as_(session, MENTOR))
    assert len(found.value.details["nearest"]) == 5
    assert counts() == before
    after = fresh(session)
    assert (after.scheduled_at, the_request(after).status) == (START_AT, RescheduleStatus.PENDING)
    assert after.pending_reschedule_time == NEW_AT
    record = db.session.scalars(select(DecisionRecord).where(DecisionRecord.rule == "time_lost")).one()
    assert record.inputs["because"] == "exception"


@pytest.mark.spec("RS-6", "RS-2")
def test_allow_reschedule_is_used_up_by_the_acceptance_and_only_once() -> None:
    session = a_paid_session(at=START_AT + timedelta(days=1))
    for _ in range(2):
        grant(session, OverrideType.ALLOW_RESCHEDULE)
    with transaction():
        session.reschedule_count = 2
    session = a_proposal(session=session, time=START_AT, now=START_AT - timedelta(hours=1, days=1))
    used = select(func.count()).select_from(PolicyOverride).where(PolicyOverride.used_at.is_not(None))
    assert db.session.scalar(used) == 0
    accept(session.id, request_id=open_id(session), ctx=as_(session, MENTOR))
    assert db.session.scalar(used) == 1
    assert fresh(session).reschedule_count == 3


@pytest.mark.spec("RS-6")
def test_a_withdrawn_proposal_uses_no_grant_up() -> None:
    session = a_paid_session()
    grant(session, OverrideType.ALLOW_RESCHEDULE)
    with transaction():
        session.reschedule_count = 2
    session = a_proposal(session=session)
    withdraw(session.id, ctx=as_(session, MENTEE))
    assert db.session.scalars(select(PolicyOverride.used_at)).one() is None


@pytest.mark.spec("CX-2")
def test_moving_a_session_buys_no_better_refund(clock: Clock) -> None:
    session = a_paid_session()
    clock.set(START_AT - timedelta(hours=10))
    session = a_proposal(session=session, time=START_AT + timedelta(days=7))
    assert the_request(session).refund_percentage_when_proposed == 70
    accept(session.id, request_id=open_id(session), ctx=as_(session, MENTOR))
    cancel_session(session.id, category=CancellationCategory.FOUND_OTHER, reason="", ctx=as_(session, MENTEE))
    assert fresh(session).refund_percentage == 70


@pytest.mark.spec("CX-2")
def test_a_move_that_the_mentor_asked_for_costs_the_mentee_nothing(clock: Clock) -> None:
    session = a_paid_session()
    clock.set(START_AT - timedelta(hours=10))
    session = a_proposal(MENTOR, session=session, time=START_AT + timedelta(days=7))
    accept(session.id, request_id=open_id(session), ctx=as_(session, MENTEE))
    cancel_session(session.id, category=CancellationCategory.FOUND_OTHER, reason="", ctx=as_(session, MENTEE))
    assert fresh(session).refund_percentage == 100


# --- counter-proposals -----------------------------------------------------------------------------------------------


@pytest.mark.spec("RS-2", "RS-7")
@pytest.mark.parametrize("initiator", [MENTEE, MENTOR])
def test_a_counter_proposal_passes_the_turn_and_holds_its_time_instead(initiator: Party, clock: Clock) -> None:
    session = a_proposal(initiator)
    clock.advance(hours=1)
    other = OTHER_SIDE[initiator]

    counter_propose(session.id, request_id=open_id(session), proposed_time=OTHER_AT, ctx=as_(session, other))

    session, request = fresh(session), the_request(session)
    assert (request.status, request.counter_proposal_count) == (RescheduleStatus.COUNTER_PROPOSED, 1)
    assert (request.counter_proposed_time, request.counter_proposed_by) == (OTHER_AT, other)
    assert (session.pending_reschedule_time, session.pending_reschedule_by) == (OTHER_AT, other)
    assert busy(session, session.mentee_id)[1] == (OTHER_AT, OTHER_AT + timedelta(hours=1))
    assert book(mentor=session.mentor, at=NEW_AT), "what was asked for first is free again"
    assert ("reschedule_countered", person(session, initiator).id) in mailed(session)
    assert told(session, person(session, initiator).id)[-1] is NotificationType.RESCHEDULE_COUNTERED
    row = audit_of(session, "reschedule_countered")
    assert (row.previous_scheduled_at, row.new_scheduled_at) == (START_AT, OTHER_AT)


@pytest.mark.spec("RS-2")
def test_a_counter_proposal_renews_the_time_to_answer(clock: Clock) -> None:
    session = a_proposal(session=a_paid_session(at=START_AT + timedelta(days=7)), time=NEW_AT + timedelta(days=7))
    first = the_request(session).expires_at
    clock.advance(hours=5)
    counter_propose(
        session.id, request_id=open_id(session), proposed_time=OTHER_AT + timedelta(days=7), ctx=as_(session, MENTOR)
    )
    assert the_request(session).expires_at == first + timedelta(hours=5)


@pytest.mark.spec("RS-2")
def test_accepting_a_counter_proposal_counts_for_whoever_began_it_all() -> None:
    session = a_counter(MENTEE)
    accept(session.id, request_id=open_id(session), ctx=as_(session, MENTEE))
    session = fresh(session)
    assert (session.scheduled_at, session.reschedule_count) == (OTHER_AT, 1)


@pytest.mark.spec("RS-2")
def test_after_three_counter_proposals_over_both_sides_there_is_no_fourth() -> None:
    session = a_proposal(MENTEE)
    for number, by in enumerate((MENTOR, MENTEE, MENTOR)):
        time = NEW_AT + timedelta(hours=2 + number)
        counter_propose(session.id, request_id=open_id(session), proposed_time=time, ctx=as_(session, by))
    before = counts()
    with pytest.raises(Refused) as found:
        counter_propose(session.id, request_id=open_id(session), proposed_time=OTHER_AT, ctx=as_(session, MENTEE))
    assert found.value.rule == "counter_limit"
    assert counts() == before


@pytest.mark.spec("RS-2", "RS-4")
@pytest.mark.parametrize(
    "time, error",
    [(START_AT, Invalid), (NEW_AT, Invalid), (OTHER_AT + timedelta(minutes=1), Invalid), (OTHER_AT, SlotTaken)],
    ids=["own", "on the table", "off grid", "taken"],
)
def test_a_counter_proposal_needs_another_free_time(time: datetime, error: type[DomainError]) -> None:
    session = a_proposal()
    book(mentor=session.mentor, at=OTHER_AT)
    before = counts()
    with pytest.raises(error) as found:
        counter_propose(session.id, request_id=open_id(session), proposed_time=time, ctx=as_(session, MENTOR))
    if isinstance(found.value, Invalid):
        assert list(found.value.fields) == ["counterProposedTime"]
    assert counts() == before
    assert fresh(session).pending_reschedule_time == NEW_AT


# --- whose turn it is ------------------------------------------------------------------------------------------------


@pytest.mark.spec("RS-3", "WHY-1")
@pytest.mark.parametrize("answer", ["accept", "counter", "reject", "cancel"])
@pytest.mark.parametrize("initiator", [MENTEE, MENTOR])
def test_who_waits_cannot_answer(initiator: Party, answer: str) -> None:
    session = a_proposal(initiator)
    before = counts()
    with pytest.raises((Conflict, Forbidden)):
        answer_with(answer, session, as_=initiator)
    assert counts() == before
    assert the_request(session).status is RescheduleStatus.PENDING


@pytest.mark.spec("RS-3")
@pytest.mark.parametrize("answer", ["accept", "counter", "reject", "cancel", "withdraw"])
def test_another_request_than_the_open_one_is_a_conflict(answer: str) -> None:
    session = a_proposal(MENTOR if answer == "cancel" else MENTEE)
    who = MENTEE if answer in {"cancel", "withdraw"} else MENTOR
    with pytest.raises(Conflict) as found:
        answer_with(answer, session, as_=who, request_id=uuid4())
    assert found.value.error_code == "proposal_closed"


@pytest.mark.spec("RS-3")
@pytest.mark.parametrize("answer", ["accept", "counter", "reject", "cancel", "withdraw"])
def test_without_an_open_proposal_there_is_nothing_to_answer(answer: str) -> None:
    session = a_paid_session()
    with pytest.raises(Conflict) as found:
        answer_with(answer, session, as_=MENTEE, request_id=uuid4())
    assert found.value.error_code == "proposal_closed"


@pytest.mark.spec("RS-3", "RS-5")
@pytest.mark.parametrize("answer", ["accept", "counter", "reject"])
def test_an_answer_that_comes_too_late_is_refused(answer: str, clock: Clock) -> None:
    session = a_proposal()
    clock.set(the_request(session).expires_at)
    with pytest.raises(Conflict) as found:
        answer_with(answer, session, as_=MENTOR)
    assert found.value.error_code == "proposal_expired"


def answer_with(answer: str, session: MentoringSession, *, as_: Party, request_id: object = None) -> None:
    ctx = as_ctx(session, as_)
    request = request_id or open_id(session)
    if answer == "accept":
        accept(session.id, request_id=request, ctx=ctx)  # type: ignore[arg-type]
    elif answer == "counter":
        counter_propose(session.id, request_id=request, proposed_time=OTHER_AT, ctx=ctx)  # type: ignore[arg-type]
    elif answer == "reject":
        reject(session.id, request_id=request, ctx=ctx)  # type: ignore[arg-type]
    elif answer == "cancel":
        cancel_session_instead(session.id, request_id=request, ctx=ctx)  # type: ignore[arg-type]
    else:
        withdraw(session.id, request_id=request, ctx=ctx)  # type: ignore[arg-type]


as_ctx = as_


# --- ends without a move ---------------------------------------------------------------------------------------------


@pytest.mark.spec("RS-2", "RS-7")
def test_a_mentor_declines_and_the_original_time_stays(clock: Clock) -> None:
    session = a_proposal(MENTEE)
    reject(session.id, request_id=open_id(session), ctx=as_(session, MENTOR))
    session = fresh(session)
    is_settled(session, RescheduleStatus.REJECTED, clock.now)
    assert (session.scheduled_at, session.reschedule_count) == (START_AT, 0)
    assert ("reschedule_rejected", session.mentee_id) in mailed(session)
    assert told(session, session.mentee_id)[-1] is NotificationType.RESCHEDULE_REJECTED
    row = audit_of(session, "reschedule_rejected")
    assert (row.previous_scheduled_at, row.new_scheduled_at) == (START_AT, START_AT)
    assert row.details["time_on_table"] == "2028-03-02T10:00:00Z"


@pytest.mark.spec("RS-2")
def test_a_mentee_does_not_decline() -> None:
    session = a_proposal(MENTOR)
    with pytest.raises(Forbidden):
        reject(session.id, request_id=open_id(session), ctx=as_(session, MENTEE))


@pytest.mark.spec("RS-3", "RS-7")
@pytest.mark.parametrize("make, initiator", [(a_proposal, MENTEE), (a_counter, MENTEE), (a_proposal, MENTOR)])
def test_whoever_began_withdraws_at_any_turn(make: object, initiator: Party, clock: Clock) -> None:
    session = make(initiator)  # type: ignore[operator]
    withdraw(session.id, ctx=as_(session, initiator))
    session, other = fresh(session), person(session, OTHER_SIDE[initiator])
    is_settled(session, RescheduleStatus.CANCELLED, clock.now)
    assert ("reschedule_withdrawn", other.id) in mailed(session)
    assert told(session, other.id)[-1] is NotificationType.RESCHEDULE_WITHDRAWN
    assert "reschedule_withdrawn" in actions(session)


@pytest.mark.spec("RS-3")
def test_the_other_side_withdraws_nothing() -> None:
    session = a_counter(MENTEE)
    with pytest.raises(Forbidden):
        withdraw(session.id, ctx=as_(session, MENTOR))


@pytest.mark.spec("RS-2", "RS-5", "CX-2")
def test_a_mentee_cancels_instead_of_moving_and_gets_everything_back(clock: Clock) -> None:
    session = a_proposal(MENTOR)
    clock.set(START_AT - timedelta(hours=1))
    cancel_session_instead(session.id, request_id=open_id(session), reason="No time", ctx=as_(session, MENTEE))
    session = fresh(session)
    assert (session.status, session.cancelled_by) == (SessionStatus.CANCELLED, CancelledBy.MENTEE)
    assert (session.refund_percentage, session.cancellation_reason) == (100, "No time")
    is_settled(session, RescheduleStatus.CANCELLED, clock.now)
    assert "refund.send" in work(session)


@pytest.mark.spec("RS-2")
def test_a_mentee_who_asked_does_not_cancel_like_this() -> None:
    session = a_counter(MENTEE)
    with pytest.raises(Forbidden):
        cancel_session_instead(session.id, request_id=open_id(session), ctx=as_(session, MENTEE))


@pytest.mark.spec("RS-5", "RS-7", "SM-3", "WHY-1")
def test_the_clock_closes_what_nobody_answered_and_both_are_told(clock: Clock) -> None:
    session = a_proposal(session=a_paid_session(at=START_AT + timedelta(days=7)), time=NEW_AT + timedelta(days=7))
    deadline = the_request(session).expires_at
    assert tick(ctx=context(CLOCK, deadline - timedelta(seconds=1))).changed == 0
    assert tick(ctx=context(CLOCK, deadline)).counts == {"proposal_expired": 1}
    assert tick(ctx=context(CLOCK, deadline)).changed == 0, "twice is once"
    session = fresh(session)
    is_settled(session, RescheduleStatus.EXPIRED, deadline)
    assert {("reschedule_expired", session.mentee_id), ("reschedule_expired", session.mentor_id)} <= mailed(session)
    for reader in (session.mentee_id, session.mentor_id):
        assert told(session, reader)[-1] is NotificationType.RESCHEDULE_EXPIRED
    record = db.session.scalars(select(DecisionRecord).where(DecisionRecord.kind == "reschedule_expiry")).one()
    assert record.rule == "proposal_unanswered"


@pytest.mark.spec("RS-5", "SM-3")
def test_at_the_start_the_proposal_is_closed_before_the_session_begins() -> None:
    session = a_proposal()
    assert tick(ctx=context(CLOCK, START_AT)).counts == {"proposal_expired": 1, "started": 1}
    assert fresh(session).status is SessionStatus.IN_PROGRESS


@pytest.mark.spec("AV-4", "RS-5")
def test_a_hold_nobody_answered_for_blocks_nobody_before_the_clock_comes(clock: Clock) -> None:
    session = a_proposal(session=a_paid_session(at=START_AT + timedelta(days=7)), time=START_AT + timedelta(days=8))
    mentor = session.mentor
    clock.set(the_request(session).expires_at)
    other = book(mentor=mentor, mentee=a_mentee(), at=START_AT + timedelta(days=8))
    assert other.status is SessionStatus.DRAFT
    assert the_request(session).status is RescheduleStatus.EXPIRED
    with pytest.raises(SlotTaken):
        book(mentor=mentor, mentee=a_mentee(), at=START_AT + timedelta(days=7))


# --- a free request without a time -----------------------------------------------------------------------------------


@pytest.mark.spec("BK-5", "INV-6")
def test_accepting_the_mentors_time_schedules_a_free_request(clock: Clock) -> None:
    session = a_request_with_a_proposal()
    accept(session.id, request_id=open_id(session), ctx=as_(session, MENTEE))
    session = fresh(session)
    assert (session.status, session.scheduled_at) == (SessionStatus.SCHEDULED, NEW_AT)
    assert (session.approval_deadline, session.reschedules_total) == (None, 0)
    is_settled(session, RescheduleStatus.ACCEPTED, clock.now)
    assert "meeting.create" in work(session)
    assert {("booking_confirmed", session.mentee_id), ("new_booking_alert", session.mentor_id)} <= mailed(session)


@pytest.mark.spec("BK-5", "RS-2")
def test_the_mentee_counters_and_the_mentor_accepts() -> None:
    session = a_request_with_a_proposal()
    counter_propose(session.id, request_id=open_id(session), proposed_time=OTHER_AT, ctx=as_(session, MENTEE))
    assert busy(session, session.mentee_id) == [(OTHER_AT, OTHER_AT + timedelta(hours=1))]
    accept(session.id, request_id=open_id(session), ctx=as_(session, MENTOR))
    assert fresh(session).scheduled_at == OTHER_AT


@pytest.mark.spec("BK-5", "RS-5")
def test_an_unanswered_time_is_free_again_and_the_request_ends_with_its_deadline() -> None:
    session = a_request_with_a_proposal()
    expires, deadline = the_request(session).expires_at, session.approval_deadline
    assert deadline is not None
    tick(ctx=context(CLOCK, expires))
    session = fresh(session)
    assert (session.status, session.scheduled_at) == (SessionStatus.PENDING_MENTOR_REVIEW, None)
    assert book(mentor=a_mentor(booking_mode=BookingMode.REQUEST), mentee=session.mentee, at=NEW_AT)
    tick(ctx=context(CLOCK, deadline))
    assert fresh(session).status is SessionStatus.REJECTED


@pytest.mark.spec("BK-5", "RS-2")
@pytest.mark.parametrize("instead", [True, False])
def test_the_mentee_withdraws_the_request_and_nothing_is_held(instead: bool) -> None:
    session = a_request_with_a_proposal()
    if instead:
        cancel_session_instead(session.id, request_id=open_id(session), ctx=as_(session, MENTEE))
    else:
        cancel_session(session.id, category=None, reason="", ctx=as_(session, MENTEE))
    session = fresh(session)
    assert (session.status, session.pending_reschedule_request_id) == (SessionStatus.CANCELLED, None)
    assert book(mentor=a_mentor(), mentee=session.mentee, at=NEW_AT)
