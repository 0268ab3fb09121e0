"""Asking for another time: who may, what is held, what is refused and leaves nothing behind (RS-1, RS-6, RS-7)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from app.booking.cancel import cancel_session
from app.booking.reschedule import propose
from app.booking.review_request import reject_request
from app.domain.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, Refused, SlotTaken
from app.domain.vocabulary import (
    BookingMode,
    CancellationCategory,
    ExceptionType,
    NotificationType,
    OverrideType,
    Party,
    RescheduleStatus,
)
from app.extensions import db
from app.foundation.policies import change_policies
from app.foundation.transaction import transaction
from app.models import AvailabilityException, DecisionRecord, MentoringSession, PolicyOverride, SessionAuditLog
from tests.actions.test_moving import busy
from tests.actions.traces import actions, counts, mailed, told
from tests.factories.people import a_mentee, a_mentor, a_support_agent, an_admin, ctx_of
from tests.factories.proposals import (
    NEW_AT,
    OTHER_AT,
    a_proposal,
    a_request_with_a_proposal,
    as_,
    open_id,
    person,
    the_request,
)
from tests.factories.sessions import (
    START_AT,
    a_completed_session,
    a_draft,
    a_paid_session,
    a_pending_request,
    an_approved_request,
    book,
    fresh,
)
from tests.world import START, Clock

pytestmark = pytest.mark.usefixtures("app", "clock")

MENTEE, MENTOR = Party.MENTEE, Party.MENTOR


def refused(
    session: MentoringSession, error: type[DomainError], by: Party = MENTEE, *, now: datetime = START, **wish: object
) -> DomainError:
    """Propose, expect the refusal, and look whether anything but its record is left."""
    before = counts()
    with pytest.raises(error) as found:
        propose(session.id, **{"proposed_time": NEW_AT, "ctx": as_(session, by, now), **wish})  # type: ignore[arg-type]
    assert counts() == before
    assert fresh(session).pending_reschedule_request_id is None
    return found.value


@pytest.mark.spec("RS-1", "RS-7", "INV-6", "WHY-1")
@pytest.mark.parametrize("by", [MENTEE, MENTOR])
def test_a_proposal_waits_for_the_other_side_and_holds_the_time(by: Party, clock: Clock) -> None:
    session = a_proposal(by, reason=" A conference ")

    request, other = the_request(session), person(session, MENTOR if by is MENTEE else MENTEE)
    assert (request.status, request.initiated_by, request.reason) == (RescheduleStatus.PENDING, by, "A conference")
    assert (request.original_time, request.proposed_time, request.proposed_duration) == (START_AT, NEW_AT, 60)
    assert request.expires_at == START_AT, "the start comes before the 48 hours"
    assert (session.pending_reschedule_request_id, session.pending_reschedule_time) == (request.id, NEW_AT)
    assert (session.pending_reschedule_by, session.scheduled_at) == (by, START_AT)
    assert busy(session, session.mentee_id) == [
        (START_AT, START_AT + timedelta(hours=1)), (NEW_AT, NEW_AT + timedelta(hours=1))
    ]  # fmt: skip
    assert busy(session, session.mentor_id)[1] == (NEW_AT, NEW_AT + timedelta(minutes=75))
    row = db.session.scalars(select(SessionAuditLog).where(SessionAuditLog.action == "reschedule_requested")).one()
    assert (row.previous_scheduled_at, row.new_scheduled_at) == (START_AT, NEW_AT)
    assert row.policy_snapshot["reschedule_cutoff_hours"] == 4
    assert told(session, other.id)[-1] is NotificationType.RESCHEDULE_REQUESTED
    assert ("reschedule_request", other.id) in mailed(session)
    record = db.session.scalars(select(DecisionRecord).where(DecisionRecord.kind == "reschedule")).one()
    assert (record.allowed, record.rule) == (True, "reschedule_allowed")


@pytest.mark.spec("RS-1")
def test_the_time_to_answer_ends_with_the_policy_the_start_or_the_proposed_time() -> None:
    far = a_paid_session(at=START_AT + timedelta(days=7))
    assert the_request(a_proposal(session=far, time=OTHER_AT + timedelta(days=7))).expires_at == START + timedelta(
        hours=48
    )
    soon = START_AT - timedelta(days=1)
    assert the_request(a_proposal(time=soon)).expires_at == soon


@pytest.mark.spec("RS-1", "AV-4")
def test_nobody_else_gets_the_held_time() -> None:
    session = a_proposal()
    with pytest.raises(SlotTaken):
        book(mentor=session.mentor, at=NEW_AT)


@pytest.mark.spec("RS-1")
@pytest.mark.parametrize("minutes", [30, -30])
def test_ones_own_time_is_not_in_the_way(minutes: int) -> None:
    shifted = START_AT + timedelta(minutes=minutes)
    session = a_proposal(time=shifted)
    first, last = min(START_AT, shifted), max(START_AT, shifted) + timedelta(hours=1)
    assert busy(session, session.mentee_id) == [(first, last)]


@pytest.mark.spec("RS-1", "SM-4")
@pytest.mark.parametrize("by", [MENTEE, MENTOR])
def test_only_one_proposal_is_open_at_a_time(by: Party) -> None:
    session = a_proposal(MENTEE)
    before = counts()
    with pytest.raises(Conflict) as found:
        propose(session.id, proposed_time=OTHER_AT, ctx=as_(session, by))
    assert found.value.error_code == "proposal_open"
    assert counts() == before
    assert open_id(fresh(session)) == open_id(session)


@pytest.mark.spec("RS-1", "AV-4")
def test_a_proposal_that_ran_out_is_not_in_the_way_of_the_next(clock: Clock) -> None:
    session = a_proposal(time=START_AT - timedelta(hours=20), session=a_paid_session())
    first = the_request(session)
    clock.set(first.expires_at)
    propose(session.id, proposed_time=NEW_AT, ctx=as_(session, MENTOR))
    session = fresh(session)
    assert open_id(session) != first.id
    assert session.pending_reschedule_by is MENTOR
    assert "reschedule_expired" in actions(session)


@pytest.mark.spec("RS-1")
@pytest.mark.parametrize(
    "make, code",
    [
        (a_draft, "invalid_transition"),
        (an_approved_request, "payment_due"),
        (a_completed_session, "invalid_transition"),
    ],
    ids=["draft", "unpaid", "completed"],
)
def test_only_a_scheduled_and_settled_session_is_moved(make: object, code: str) -> None:
    session = make()  # type: ignore[operator]
    assert refused(session, Conflict).error_code == code


@pytest.mark.spec("BK-5")
def test_a_request_without_a_time_is_not_moved_but_answered() -> None:
    session = a_pending_request(at=None, preferred_time_note="Thursdays")
    assert refused(session, Conflict).error_code == "invalid_transition"


@pytest.mark.spec("RS-1", "WHY-1")
@pytest.mark.parametrize("by, hours", [(MENTEE, 4), (MENTOR, 2)])
def test_the_cut_off_is_each_sides_own_and_the_boundary_counts_for_the_one_who_asks(by: Party, hours: int) -> None:
    session = a_paid_session()
    late = START_AT - timedelta(hours=hours) + timedelta(seconds=1)
    error = refused(session, Refused, by, now=late)
    assert isinstance(error, Refused)
    assert error.rule == "reschedule_cutoff"
    record = db.session.scalars(select(DecisionRecord).where(DecisionRecord.kind == "reschedule")).one()
    assert (record.allowed, record.next_change) == (False, "1 second earlier it would have been possible.")
    a_proposal(by, session=session, now=late - timedelta(seconds=1))


@pytest.mark.spec("RS-1")
@pytest.mark.parametrize("by", [MENTEE, MENTOR])
def test_the_number_of_moves_is_each_sides_own(by: Party) -> None:
    session = a_paid_session()
    with transaction():
        column = "reschedule_count" if by is MENTEE else "mentor_reschedule_count"
        setattr(session, column, 2)
    error = refused(session, Refused, by)
    assert isinstance(error, Refused)
    assert error.rule == "reschedule_limit"
    a_proposal(MENTOR if by is MENTEE else MENTEE, session=session)


@pytest.mark.spec("RS-1")
def test_the_minimum_notice_protects_the_mentor_alone() -> None:
    mentor = a_mentor(schedule={"min_notice_hours": 48})
    session = a_paid_session(mentor=mentor, at=START_AT + timedelta(days=7))
    error = refused(session, Invalid, MENTEE, proposed_time=START_AT)
    assert isinstance(error, Invalid)
    assert list(error.fields) == ["proposedTime"]
    a_proposal(MENTOR, session=session, time=START_AT)


@pytest.mark.spec("RS-1", "AV-2")
@pytest.mark.parametrize("by, words", [(MENTEE, "You have"), (MENTOR, "Your mentee has")])
def test_a_time_at_which_the_mentee_is_busy_is_refused_to_either(by: Party, words: str) -> None:
    session = a_paid_session()
    book(mentee=session.mentee, mentor=a_mentor(), at=NEW_AT)
    error = refused(session, Invalid, by)
    assert words in error.message
    assert len(error.details["nearest"]) == 5


@pytest.mark.spec("RS-1", "RS-4")
def test_a_taken_time_is_refused_with_the_nearest_free_ones() -> None:
    session = a_paid_session()
    book(mentor=session.mentor, at=NEW_AT)
    nearest = refused(session, SlotTaken).details["nearest"]
    assert len(nearest) == 5
    assert NEW_AT.isoformat().replace("+00:00", "Z") not in nearest


@pytest.mark.spec("RS-1")
def test_a_day_on_which_the_mentor_is_away_is_refused() -> None:
    session = a_paid_session()
    with transaction():
        db.session.add(
            AvailabilityException(
                mentor_id=session.mentor_id, starts_at=NEW_AT, ends_at=NEW_AT + timedelta(hours=1),
                type=ExceptionType.BLOCKED, created_at=START,
            )
        )  # fmt: skip
    error = refused(session, Invalid, MENTOR)
    assert isinstance(error, Invalid)
    assert "away" in error.fields["proposedTime"]


@pytest.mark.spec("RS-1", "API-1")
@pytest.mark.parametrize(
    "wish, field",
    [
        ({"proposed_time": START_AT}, "proposedTime"),
        ({"proposed_time": START}, "proposedTime"),
        ({"proposed_time": NEW_AT + timedelta(minutes=7)}, "proposedTime"),
        ({"proposed_duration": 45}, "proposedDuration"),
        ({"reason": "x" * 1_001}, "reason"),
    ],
    ids=["same", "past", "off grid", "duration", "reason"],
)
def test_what_cannot_be_used_is_named(wish: dict[str, object], field: str) -> None:
    error = refused(a_paid_session(), Invalid, **wish)
    assert isinstance(error, Invalid)
    assert list(error.fields) == [field]


@pytest.mark.spec("RS-1")
def test_a_duration_that_the_offering_has_now_can_be_proposed() -> None:
    session = a_paid_session()
    with transaction():
        session.duration = 30
    assert the_request(a_proposal(session=fresh(session), proposed_duration=60)).proposed_duration == 60


@pytest.mark.spec("INV-8", "ADM-2")
def test_nobody_but_the_parties_proposes() -> None:
    session = a_paid_session()
    for stranger, error in ((a_mentee(), NotFound), (a_mentor(), NotFound), (a_support_agent(), Forbidden)):
        before = counts()
        with pytest.raises(error):
            propose(session.id, proposed_time=NEW_AT, ctx=ctx_of(stranger))
        assert counts() == before


@pytest.mark.spec("RS-6")
def test_extend_time_lifts_the_cut_off_and_is_not_used_up() -> None:
    session = a_paid_session()
    grant(session, OverrideType.EXTEND_TIME)
    a_proposal(MENTEE, session=session, now=START_AT - timedelta(hours=1), time=NEW_AT)
    assert the_request(session).uses_override is False


@pytest.mark.spec("RS-6")
def test_allow_reschedule_lifts_limit_and_cut_off() -> None:
    session = a_paid_session()
    grant(session, OverrideType.ALLOW_RESCHEDULE)
    with transaction():
        session.reschedule_count = 2
    a_proposal(MENTEE, session=session, now=START_AT - timedelta(hours=1))
    assert the_request(session).uses_override is True


@pytest.mark.spec("POL-5")
def test_what_was_promised_at_booking_holds_whatever_is_changed_later() -> None:
    session = a_paid_session()
    with transaction():
        change_policies({"max_reschedules_per_session": 0}, reason="strict", ctx=ctx_of(an_admin()))
    a_proposal(session=session)


@pytest.mark.spec("CX-2", "RS-5")
def test_while_the_mentor_asks_to_move_every_cancellation_by_the_mentee_refunds_all(clock: Clock) -> None:
    session = a_proposal(MENTOR)
    clock.set(START_AT - timedelta(hours=1))
    cancel_session(session.id, category=CancellationCategory.SCHEDULE_CONFLICT, reason="", ctx=as_(session, MENTEE))
    session = fresh(session)
    assert session.refund_percentage == 100
    assert the_request(session).status is RescheduleStatus.CANCELLED
    assert session.pending_reschedule_request_id is None
    assert book(mentor=session.mentor, at=NEW_AT), "the held time is free again"


@pytest.mark.spec("CX-2")
def test_a_mentors_proposal_that_ran_out_refunds_nothing_more(clock: Clock) -> None:
    session = a_proposal(MENTOR, time=START_AT, session=a_paid_session(at=START_AT + timedelta(hours=5)))
    clock.set(the_request(session).expires_at)
    cancel_session(session.id, category=CancellationCategory.SCHEDULE_CONFLICT, reason="", ctx=as_(session, MENTEE))
    assert fresh(session).refund_percentage == 70


# --- a free request without a time -----------------------------------------------------------------------------------


@pytest.mark.spec("BK-5", "RS-1", "INV-6")
def test_the_mentors_time_for_a_free_request_is_held_and_waits_for_the_mentee() -> None:
    session = a_request_with_a_proposal()
    request = the_request(session)
    assert (session.status.value, session.scheduled_at) == ("pending_mentor_review", None)
    assert (request.original_time, request.proposed_time, request.initiated_by) == (None, NEW_AT, MENTOR)
    assert busy(session, session.mentor_id) == [(NEW_AT, NEW_AT + timedelta(minutes=75))]
    assert busy(session, session.mentee_id) == [(NEW_AT, NEW_AT + timedelta(hours=1))]
    assert session.approval_deadline is not None
    assert session.approval_deadline >= request.expires_at
    assert ("reschedule_request", session.mentee_id) in mailed(session)


@pytest.mark.spec("BK-5")
def test_a_second_time_is_not_proposed_before_the_first_is_answered() -> None:
    from app.booking.moving import load_for_moving
    from app.booking.reschedule import open_proposal_for_approval

    session = a_request_with_a_proposal()
    before = counts()
    with pytest.raises(Conflict) as found, transaction():
        ctx = as_(session, MENTOR)
        open_proposal_for_approval(load_for_moving(ctx, session.id, OTHER_AT), start=OTHER_AT, ctx=ctx)
    assert found.value.error_code == "proposal_open"
    assert counts() == before


@pytest.mark.spec("BK-5", "INV-6")
def test_declining_the_request_takes_the_proposal_along() -> None:
    session = a_request_with_a_proposal()
    reject_request(session.id, reason="I cannot after all", ctx=as_(session, MENTOR))
    session = fresh(session)
    assert (session.status.value, session.pending_reschedule_request_id) == ("rejected", None)
    assert the_request(session).status is RescheduleStatus.CANCELLED
    assert book(mentor=a_mentor(booking_mode=BookingMode.REQUEST), mentee=session.mentee, at=NEW_AT)


def grant(session: MentoringSession, kind: OverrideType) -> PolicyOverride:
    admin = an_admin()
    with transaction():
        row = PolicyOverride(
            session_id=session.id, override_type=kind, reason="illness", granted_by=admin.id,
            created_at=START, expires_at=START_AT,
        )  # fmt: skip
        db.session.add(row)
    return row
