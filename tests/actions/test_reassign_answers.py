"""What the mentee answers to a change of mentor, and what follows for money, calendars and everybody (RA-4 to RA-7)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.booking.alternatives import find_alternative, find_alternatives
from app.booking.cancel import cancel_session
from app.booking.decisions import decisions_for
from app.booking.reassign import accept_reassignment, reject_reassignment, select_alternative
from app.booking.tick import tick
from app.domain.context import CLOCK, Context
from app.domain.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from app.domain.money import Money
from app.domain.vocabulary import (
    CancellationCategory,
    CancelledBy,
    NotificationType,
    Party,
    ReassignmentStatus,
    RefundType,
    SessionStatus,
)
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import CalendarEntry, DecisionRecord, MentoringSession, SessionAuditLog, User
from app.money.checks import CHECKS
from app.money.refunds import request_refund
from app.money.rows import lock_session
from app.money.wallets import wallet_of
from tests.actions.traces import actions, counts, mailed, told, work
from tests.factories.people import a_mentee, a_mentor, ctx_of
from tests.factories.sessions import START_AT, a_paid_session, a_scheduled_session, fresh, they_join
from tests.world import START, Clock, context

pytestmark = pytest.mark.usefixtures("app", "clock")


def given_up(session: MentoringSession) -> MentoringSession:
    cancel_session(session.id, category=CancellationCategory.ILLNESS, reason="", ctx=ctx_of(fresh(session).mentor))
    return fresh(session)


def reassigned() -> tuple[MentoringSession, User, User]:
    """A session whose new mentor waits for the mentee; with the mentor before, and the new one."""
    session = a_paid_session()
    before, new = session.mentor, a_mentor()
    return given_up(session), before, new


def left_alone() -> tuple[MentoringSession, User]:
    """A session whose mentee has to choose a mentor; with the mentor before."""
    session = a_paid_session()
    before = session.mentor
    return given_up(session), before


def pending(mentor: User) -> int:
    return wallet_of(mentor.id).in_currency("EUR").pending.minor


def available(mentor: User) -> int:
    return wallet_of(mentor.id).in_currency("EUR").available.minor


def busy(session: MentoringSession) -> set[object]:
    return set(db.session.scalars(select(CalendarEntry.user_id).where(CalendarEntry.session_id == session.id)))


def problems() -> list[str]:
    return [str(problem) for check in CHECKS for problem in check.run()]


@pytest.mark.spec("RA-4", "MN-14", "INV-3")
def test_accepting_confirms_the_new_mentor_who_then_has_the_earnings() -> None:
    session, before, new = reassigned()
    assert (pending(before), pending(new)) == (3_500, 0)

    accept_reassignment(session.id, ctx=ctx_of(session.mentee))
    session = fresh(session)

    assert (session.reassignment_status, session.reassignment_deadline) == (ReassignmentStatus.ACCEPTED, None)
    assert (session.status, session.mentor_id) == (SessionStatus.SCHEDULED, new.id)
    assert (pending(before), pending(new)) == (0, 3_500)
    assert actions(session)[-1] == "reassignment_accepted"
    assert told(session, new.id)[-1] is NotificationType.REASSIGNMENT_ACCEPTED
    assert ("reassignment_accepted", new.id) in mailed(session)
    assert problems() == []


@pytest.mark.spec("MN-14", "MN-5", "INV-3")
def test_earnings_that_moved_are_refunded_from_and_settled_to_the_new_mentor() -> None:
    session, before, new = reassigned()
    accept_reassignment(session.id, ctx=ctx_of(session.mentee))
    ctx = ctx_of(session.mentee)
    with transaction():
        request_refund(lock_session(session.id), amount=Money(1_000, "EUR"), type=RefundType.PARTIAL,
                       reason="a late start", ctx=ctx)  # fmt: skip
    assert (pending(before), pending(new)) == (0, 2_800)
    they_join(fresh(session), *Party, at=START_AT)
    tick(ctx=context(CLOCK, START_AT + timedelta(hours=2)))
    assert fresh(session).status is SessionStatus.COMPLETED
    assert (available(before), pending(new), available(new)) == (0, 0, 2_800)
    assert problems() == []


@pytest.mark.spec("MN-14", "RA-8", "INV-3")
def test_earnings_move_on_with_each_mentor_whom_the_mentee_accepts() -> None:
    session, first, second = reassigned()
    accept_reassignment(session.id, ctx=ctx_of(session.mentee))
    third = a_mentor()
    session = given_up(session)
    assert (session.mentor_id, pending(second), pending(third)) == (third.id, 3_500, 0)
    accept_reassignment(session.id, ctx=ctx_of(session.mentee))
    assert [pending(each) for each in (first, second, third)] == [0, 0, 3_500]
    assert problems() == []


@pytest.mark.spec("RA-5", "RF", "MN-6", "INV-3")
def test_rejecting_cancels_it_as_the_mentors_doing_with_everything_back() -> None:
    session, before, new = reassigned()

    reject_reassignment(session.id, reason="I wanted Ada", ctx=ctx_of(session.mentee))
    session = fresh(session)

    assert (session.status, session.cancelled_by) == (SessionStatus.CANCELLED, CancelledBy.MENTOR)
    assert session.cancellation_category is CancellationCategory.ILLNESS
    assert (session.refund_percentage, session.refund_amount_minor) == (100, 5_000)
    assert session.reassignment_status is ReassignmentStatus.REJECTED
    assert busy(session) == set()
    assert "refund.send" in work(session)
    assert (pending(before), pending(new)) == (0, 0)
    row = db.session.scalars(select(SessionAuditLog).where(SessionAuditLog.action == "reassignment_rejected")).one()
    assert (row.previous_status, row.new_status, row.reason_details) == ("scheduled", "cancelled", "I wanted Ada")
    assert row.details["mentor_id"] == str(new.id)
    assert row.details["reassigned_from_mentor_id"] == str(before.id)
    assert row.details["reassignment_status"] == "pending_acceptance"
    for mentor in (before, new):
        assert told(session, mentor.id)[-1] is NotificationType.REASSIGNMENT_REJECTED
        assert ("reassignment_rejected", mentor.id) in mailed(session)
    assert told(session, session.mentee_id)[-1] is NotificationType.SESSION_CANCELLED
    assert ("mentee_cancellation_confirmation", session.mentee_id) in mailed(session)
    assert problems() == []


@pytest.mark.spec("RA-5")
def test_where_nobody_was_found_the_mentee_takes_the_refund_too() -> None:
    session, before = left_alone()
    reject_reassignment(session.id, ctx=ctx_of(session.mentee))
    session = fresh(session)
    assert (session.status, session.refund_percentage) == (SessionStatus.CANCELLED, 100)
    assert ("reassignment_rejected", before.id) in mailed(session)
    assert problems() == []


@pytest.mark.spec("RA-7", "RF", "SM-3", "INV-3")
@pytest.mark.parametrize("found", [True, False])
def test_unanswered_by_the_deadline_it_is_cancelled_with_everything_back_and_all_are_told(found: bool) -> None:
    session, *mentors = reassigned() if found else left_alone()
    deadline = session.reassignment_deadline
    assert deadline is not None
    assert tick(ctx=context(CLOCK, deadline - timedelta(seconds=1))).changed == 0

    assert tick(ctx=context(CLOCK, deadline)).counts == {"reassignment_expired": 1}
    session = fresh(session)

    assert (session.status, session.cancelled_by) == (SessionStatus.CANCELLED, CancelledBy.MENTOR)
    assert (session.reassignment_status, session.refund_percentage) == (ReassignmentStatus.REJECTED, 100)
    assert actions(session)[-1] == "reassignment_expired"
    for person in (session.mentee, *mentors):
        assert told(session, person.id)[-1] is NotificationType.REASSIGNMENT_EXPIRED
        assert ("reassignment_expired", person.id) in mailed(session)
    records = db.session.scalars(select(DecisionRecord.rule).where(DecisionRecord.kind == "reassignment"))
    assert list(records) == ["reassignment_unanswered"]
    assert tick(ctx=context(CLOCK, deadline)).changed == 0
    assert problems() == []


@pytest.mark.spec("RA-6", "MN-14", "INV-3")
def test_instead_of_the_assigned_mentor_another_one_is_chosen_for_the_same_time() -> None:
    session, before, assigned = reassigned()
    other = a_mentor(rate_minor=90_000)
    found = find_alternatives(session, now=START)
    assert found.same_time
    assert [(each.rank, each.id, each.starts_at) for each in found.mentors] == [(1, other.id, START_AT)]

    select_alternative(session.id, mentor_id=other.id, ctx=ctx_of(session.mentee))
    session = fresh(session)

    assert (session.mentor_id, session.scheduled_at) == (other.id, START_AT)
    assert session.reassignment_status is ReassignmentStatus.ACCEPTED
    assert (session.rate_minor, session.refund_amount_minor) == (5_000, 0)
    assert session.cancelled_mentor_ids == [before.id]
    assert busy(session) == {other.id, session.mentee_id}
    assert [pending(each) for each in (before, assigned, other)] == [0, 0, 3_500]
    assert actions(session)[-1] == "alternative_mentor_selected"
    assert told(session, assigned.id)[-1] is NotificationType.MENTOR_UNASSIGNED
    assert told(session, other.id)[-1] is NotificationType.MENTOR_ASSIGNED
    assert told(session, session.mentee_id)[-1] is NotificationType.ALTERNATIVE_MENTOR_SELECTED
    assert {
        ("mentor_unassigned", assigned.id),
        ("new_mentor_assigned", other.id),
        ("alternative_mentor_selected", session.mentee_id),
    } <= mailed(session)
    assert problems() == []


@pytest.mark.spec("RA-6")
def test_when_nobody_was_found_any_mentor_and_any_free_time_can_be_chosen() -> None:
    session, _ = left_alone()
    later = a_mentor(weekly_hours={4: (("09:00", "17:00"),)}, currency="USD")
    a_mentor(duration=30)
    at = START_AT + timedelta(days=2, hours=1)
    found = find_alternatives(session, now=START)
    assert not found.same_time
    assert [each.id for each in found.mentors] == [later.id]
    assert find_alternative(session, later.id) is not None

    select_alternative(session.id, mentor_id=later.id, scheduled_at=at, ctx=ctx_of(session.mentee))
    session = fresh(session)

    assert (session.mentor_id, session.scheduled_at) == (later.id, at)
    entries = db.session.scalars(select(CalendarEntry).where(CalendarEntry.session_id == session.id)).all()
    assert {(row.user_id, row.busy[0].lower) for row in entries} == {(later.id, at), (session.mentee_id, at)}
    row = db.session.scalars(
        select(SessionAuditLog).where(SessionAuditLog.action == "alternative_mentor_selected")
    ).one()
    assert (row.previous_scheduled_at, row.new_scheduled_at) == (START_AT, at)
    assert pending(later) == 3_500
    assert problems() == []


BAD: dict[str, Callable[[MentoringSession, User], tuple[User, timedelta | None, type[DomainError]]]] = {
    "another time while somebody is assigned": lambda _s, other: (other, timedelta(hours=1), Invalid),
    "who gave it up": lambda session, _o: (db.session.get_one(User, session.cancelled_mentor_ids[0]), None, Invalid),
    "the one who is assigned": lambda session, _o: (session.mentor, None, Invalid),
    "busy then": lambda _s, other: (a_paid_session(mentor=other).mentor, None, Conflict),
}


@pytest.mark.spec("RA-6")
@pytest.mark.parametrize("which", BAD, ids=BAD)
def test_whoever_cannot_take_it_is_refused_and_nothing_changes(which: str) -> None:
    session, *_ = reassigned()
    mentor, later, error = BAD[which](session, a_mentor())
    before = counts()
    with pytest.raises(error):
        select_alternative(
            session.id,
            mentor_id=mentor.id,
            scheduled_at=START_AT + later if later else None,
            ctx=ctx_of(session.mentee),
        )
    assert counts() == before
    assert fresh(session).reassignment_status is ReassignmentStatus.PENDING_ACCEPTANCE


@pytest.mark.spec("RA-6", "BK-10")
def test_a_time_that_the_chosen_mentor_does_not_offer_is_refused() -> None:
    session, _ = left_alone()
    other = a_mentor()
    with pytest.raises(Invalid) as refused:
        select_alternative(session.id, mentor_id=other.id, scheduled_at=START_AT + timedelta(hours=12),
                           ctx=ctx_of(session.mentee))  # fmt: skip
    assert list(refused.value.fields) == ["scheduledAt"]


def answers(session: MentoringSession, ctx: Context) -> list[Callable[[], object]]:
    return [
        lambda: accept_reassignment(session.id, ctx=ctx),
        lambda: reject_reassignment(session.id, ctx=ctx),
        lambda: select_alternative(session.id, mentor_id=a_mentor().id, ctx=ctx),
    ]


@pytest.mark.spec("RA-4", "RA-5", "RA-6", "INV-8")
def test_only_the_mentee_answers_and_strangers_learn_nothing() -> None:
    session, *_ = reassigned()
    for answer in answers(session, ctx_of(session.mentor)):
        with pytest.raises(Forbidden):
            answer()
    for answer in answers(session, ctx_of(a_mentee())):
        with pytest.raises(NotFound):
            answer()
    assert fresh(session).reassignment_status is ReassignmentStatus.PENDING_ACCEPTANCE


@pytest.mark.spec("RA-4", "RA-5", "RA-6", "RA-7", "SM-4")
def test_answered_once_or_too_late_or_never_asked_is_a_conflict() -> None:
    ordinary, (answered, *_), (late, *_) = a_paid_session(), reassigned(), reassigned()
    accept_reassignment(answered.id, ctx=ctx_of(answered.mentee))
    assert late.reassignment_deadline is not None
    for session, now in ((ordinary, START), (answered, START), (late, late.reassignment_deadline)):
        for answer in answers(session, context(ctx_of(session.mentee).actor, now)):
            with pytest.raises(Conflict):
                answer()


@pytest.mark.spec("RA-4")
def test_without_an_assigned_mentor_there_is_nobody_to_accept() -> None:
    session, _ = left_alone()
    with pytest.raises(Conflict, match="choose one"):
        accept_reassignment(session.id, ctx=ctx_of(session.mentee))


@pytest.mark.spec("RA-3", "WHY-1")
def test_until_it_is_answered_the_mentee_may_only_answer(clock: Clock) -> None:
    session, _, new = reassigned()
    mentee, mentor = ctx_of(session.mentee), ctx_of(new)

    def allowed(ctx: Context) -> set[str]:
        return {action for action, decision in decisions_for(fresh(session), ctx).items() if decision.allowed}

    assert allowed(mentee) == {"acceptReassignment", "rejectReassignment", "selectAlternativeMentor"}
    assert allowed(mentor) == {"cancel", "declineReassignment"}
    with pytest.raises(Conflict) as refused:
        cancel_session(session.id, category=CancellationCategory.EMERGENCY, reason="", ctx=mentee)
    assert refused.value.error_code == "reassignment_open"
    accept_reassignment(session.id, ctx=mentee)
    assert allowed(mentee) == {"cancel", "reschedule"}
    assert allowed(mentor) == {"cancel", "reschedule"}
    clock.set(START_AT)
    assert "join" in allowed(ctx_of(session.mentee))


@pytest.mark.spec("RA-4", "RA-5")
def test_a_free_session_is_accepted_and_rejected_without_any_money() -> None:
    first, second = a_scheduled_session(), a_scheduled_session(at=START_AT + timedelta(hours=4))
    a_mentor(rate_minor=0)
    first, second = given_up(first), given_up(second)
    accept_reassignment(first.id, ctx=ctx_of(first.mentee))
    reject_reassignment(second.id, ctx=ctx_of(second.mentee))
    assert fresh(second).status is SessionStatus.CANCELLED
    assert "refund.send" not in work(second)
    assert problems() == []
