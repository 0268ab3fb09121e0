"""The clock: what ends, starts and completes, exactly on its instant; after a pause everything is caught up (SM-3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from app.booking import tick as ticking
from app.booking.tick import TickReport, tick
from app.domain.context import CLOCK
from app.domain.money import Money
from app.domain.vocabulary import (
    CancellationCategory,
    CancelledBy,
    NotificationType,
    Party,
    PaymentState,
    ReassignmentStatus,
    SessionStatus,
)
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import CalendarEntry, DecisionRecord, MentoringSession, Payment, SessionAuditLog
from app.money.wallets import wallet_of
from tests.actions.traces import actions, counts, mailed, told
from tests.factories.people import a_mentee, a_mentor
from tests.factories.sessions import (
    START_AT,
    a_draft,
    a_paid_session,
    a_pending_request,
    a_running_session,
    a_scheduled_session,
    an_approved_request,
    checkout,
    fresh,
    they_join,
)
from tests.world import context

pytestmark = pytest.mark.usefixtures("app", "clock")

SECOND = timedelta(seconds=1)


def run(now: datetime, **options: int) -> TickReport:
    return tick(ctx=context(CLOCK, now), **options)


def ends_at(session: MentoringSession) -> datetime:
    assert session.hold_expires_at is not None
    return session.hold_expires_at


@pytest.mark.spec("SM-1", "OPS-4", "BK-6")
def test_an_unpaid_draft_expires_on_the_instant_and_its_slot_is_free() -> None:
    session = a_draft()
    checkout(session)
    assert run(ends_at(session) - SECOND).changed == 0

    assert run(ends_at(session)).counts == {"expired": 1}

    session = fresh(session)
    assert session.status is SessionStatus.EXPIRED
    assert actions(session) == ["booking_created", "booking_expired"]
    assert db.session.scalar(select(func.count()).where(CalendarEntry.session_id == session.id)) == 0
    assert db.session.scalars(select(Payment.status)).one() is PaymentState.ABANDONED
    assert mailed(session) == {("booking_expired", session.mentee_id)}
    assert told(session, session.mentor_id) == []
    assert db.session.scalars(select(DecisionRecord.rule)).one() == "hold_ran_out"


@pytest.mark.spec("BK-5", "SM-1")
def test_an_unanswered_request_is_rejected_and_both_are_told() -> None:
    session = a_pending_request()
    assert session.approval_deadline is not None
    assert run(session.approval_deadline - SECOND).changed == 0

    assert run(session.approval_deadline).counts == {"rejected": 1}

    session = fresh(session)
    assert session.status is SessionStatus.REJECTED
    assert actions(session)[-1] == "request_expired"
    assert mailed(session) >= {("request_expired", session.mentee_id)}
    for person in (session.mentee_id, session.mentor_id):
        assert told(session, person)[-1] is NotificationType.REQUEST_EXPIRED


@pytest.mark.spec("BK-6", "SM-1")
def test_an_approved_request_that_is_not_paid_in_time_is_cancelled_by_the_system() -> None:
    session = an_approved_request()
    assert run(ends_at(session) - SECOND).changed == 0

    assert run(ends_at(session)).counts == {"cancelled_unpaid": 1}

    session = fresh(session)
    assert (session.status, session.cancelled_by) == (SessionStatus.CANCELLED, CancelledBy.SYSTEM)
    assert session.cancellation_category is CancellationCategory.UNPAID
    assert mailed(session) >= {("booking_expired", session.mentee_id)}
    assert told(session, session.mentor_id)[-1] is NotificationType.BOOKING_EXPIRED, "the mentor had kept the time"


@pytest.mark.spec("SM-1", "NS-5")
def test_a_paid_session_starts_on_its_start() -> None:
    session = a_paid_session()
    assert "started" not in run(START_AT - SECOND).counts
    assert run(START_AT).counts == {"started": 1}
    session = fresh(session)
    assert (session.status, session.started_at) == (SessionStatus.IN_PROGRESS, START_AT)
    assert run(START_AT).changed == 0, "twice is harmless"


@pytest.mark.spec("SM-1", "MN-5", "RV-1")
def test_a_session_completes_an_hour_after_its_end_and_the_mentor_is_paid() -> None:
    session = a_running_session()
    due = START_AT + timedelta(minutes=60 + 60)
    assert run(due - SECOND).changed == 0

    assert run(due).counts == {"completed": 1}

    session = fresh(session)
    assert (session.status, session.ended_at) == (SessionStatus.COMPLETED, START_AT + timedelta(minutes=60))
    assert wallet_of(session.mentor_id).in_currency("EUR").available == Money(3_500, "EUR")
    assert ("session_completed", session.mentee_id) in mailed(session)
    assert db.session.scalar(select(func.count()).where(CalendarEntry.session_id == session.id)) == 0


@pytest.mark.spec("SM-3", "OPS-4")
def test_after_a_day_without_a_clock_one_run_takes_each_session_through_all_its_steps() -> None:
    held = a_paid_session()
    they_join(held, *Party)
    unpaid = an_approved_request(at=START_AT + timedelta(hours=3))
    draft = a_draft(at=START_AT + timedelta(hours=1))

    report = run(START_AT + timedelta(days=1))

    assert report.counts == {"started": 1, "completed": 1, "cancelled_unpaid": 1, "expired": 1}
    assert actions(held)[-2:] == ["session_started", "session_completed"]
    assert "session_started" not in actions(unpaid), "cancel unpaid comes before start"
    assert fresh(draft).status is SessionStatus.EXPIRED
    assert run(START_AT + timedelta(days=1)).changed == 0


@pytest.mark.spec("RA-3", "SM-1")
@pytest.mark.parametrize("status", [ReassignmentStatus.PENDING_ACCEPTANCE, ReassignmentStatus.AWAITING_MENTEE_CHOICE])
def test_a_session_whose_mentor_changes_does_not_start(status: ReassignmentStatus) -> None:
    session = a_paid_session()
    with transaction():
        session.reassignment_status = status
    assert run(START_AT + timedelta(hours=5)).changed == 0


@pytest.mark.spec("INV-2")
def test_every_step_is_the_clocks_and_has_one_audit_row() -> None:
    session = a_scheduled_session()
    they_join(session, *Party)
    run(START_AT + timedelta(hours=2))
    rows = db.session.execute(
        select(SessionAuditLog.actor_role, SessionAuditLog.previous_status, SessionAuditLog.new_status)
        .where(SessionAuditLog.session_id == session.id)
        .order_by(SessionAuditLog.number)
    ).all()
    assert [tuple(row) for row in rows] == [
        ("mentee", None, "scheduled"),
        ("clock", "scheduled", "in_progress"),
        ("clock", "in_progress", "completed"),
    ]


@pytest.mark.spec("OPS-4")
def test_a_run_is_bounded_and_says_when_it_is_behind() -> None:
    mentor, mentee = a_mentor(rate_minor=0), a_mentee()
    for hour in range(3):
        a_scheduled_session(mentor=mentor, mentee=mentee, at=START_AT + timedelta(hours=2 * hour))
    later = START_AT + timedelta(hours=5)

    first = run(later, batch=2)
    assert (first.counts["started"], first.is_behind) == (2, True)
    while (report := run(later, batch=2)).changed:
        pass
    assert not report.is_behind
    started = select(func.count()).where(SessionAuditLog.action == "session_started")
    assert db.session.scalar(started) == 3


@pytest.mark.spec("OPS-4")
def test_one_session_that_cannot_be_worked_keeps_no_other_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    broken, sound = a_paid_session(), a_paid_session(at=START_AT + timedelta(minutes=30))
    steps: Callable[..., list[str]] = ticking._steps

    def stumble(session: MentoringSession, ctx: object) -> list[str]:
        done = steps(session, ctx)
        if session.id == broken.id:
            raise ArithmeticError
        return done

    monkeypatch.setattr(ticking, "_steps", stumble)
    report = run(START_AT + timedelta(minutes=30))

    assert (report.counts["started"], report.failed) == (1, {broken.id})
    assert fresh(sound).status is SessionStatus.IN_PROGRESS
    assert fresh(broken).status is SessionStatus.SCHEDULED, "what it had done was undone"


def test_a_run_with_nothing_to_do_changes_nothing() -> None:
    a_paid_session()
    before = counts()
    assert run(START_AT - timedelta(hours=5)) == TickReport()
    assert counts() == before
