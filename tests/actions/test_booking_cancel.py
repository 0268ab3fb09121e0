"""Cancelling by a party: what the rules give, what follows, who is told, and what a refusal leaves behind (CX)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.booking.cancel import cancel_session
from app.booking.decisions import decisions_for
from app.booking.tick import tick
from app.domain.context import CLOCK
from app.domain.errors import DomainError, Invalid, InvalidTransition, NotFound, Refused
from app.domain.money import Money
from app.domain.vocabulary import (
    CancellationCategory,
    CancelledBy,
    NotificationType,
    OutboxState,
    OverrideType,
    PaymentState,
    RefundStatus,
    SessionStatus,
)
from app.extensions import db
from app.foundation.policies import change_policies
from app.foundation.transaction import transaction
from app.models import (
    CalendarEntry,
    DecisionRecord,
    EmailEvent,
    MentoringSession,
    OutboxRow,
    Payment,
    PolicyOverride,
    SessionAuditLog,
)
from app.money.wallets import wallet_of
from tests.actions.traces import actions, counts, mailed, told, work
from tests.factories.people import a_mentee, a_support_agent, an_admin, ctx_of
from tests.factories.sessions import (
    START_AT,
    a_completed_session,
    a_draft,
    a_paid_session,
    a_pending_request,
    a_running_session,
    a_scheduled_session,
    an_approved_request,
    checkout,
    fresh,
)
from tests.world import Clock, context

pytestmark = pytest.mark.usefixtures("app", "clock")

BUSY = CancellationCategory.SCHEDULE_CONFLICT


def cancel(
    session: MentoringSession,
    *,
    by_mentor: bool = False,
    category: CancellationCategory | None = BUSY,
    reason: str = "",
    before: timedelta | None = None,
) -> MentoringSession:
    who = session.mentor if by_mentor else session.mentee
    ctx = ctx_of(who)
    if before is not None:
        ctx = context(ctx.actor, START_AT - before)
    cancel_session(session.id, category=category, reason=reason, ctx=ctx)
    return fresh(session)


@pytest.mark.spec("CX-1", "CX-2", "CX-5", "SM-3", "POL-2")
def test_a_mentee_who_cancels_a_day_before_gets_everything_back_and_both_are_told() -> None:
    session = a_paid_session()
    with transaction():
        session.meeting_provider, session.meeting_ref, session.meeting_url = (
            "jitsi",
            "room",
            "https://meet.example/room",
        )

    session = cancel(session, before=timedelta(hours=24), reason="A wedding")

    assert (session.status, session.cancelled_by) == (SessionStatus.CANCELLED, CancelledBy.MENTEE)
    assert (session.refund_percentage, session.refund_amount_minor) == (100, 5_000)
    assert session.refund_status is RefundStatus.PENDING
    assert db.session.scalar(select(func.count()).where(CalendarEntry.session_id == session.id)) == 0
    assert (session.meeting_url, session.meeting_ref) == (None, None)
    assert {"refund.send", "meeting.delete"} <= set(work(session))
    row = db.session.scalars(select(SessionAuditLog).where(SessionAuditLog.action == "session_cancelled")).one()
    assert (row.previous_status, row.new_status) == ("scheduled", "cancelled")
    assert (row.reason_category, row.reason_details, row.ip_address) == ("schedule_conflict", "A wedding", "127.0.0.1")
    assert row.policy_snapshot["free_cancellation_hours"] == 24
    assert told(session, session.mentor_id)[-1] is NotificationType.SESSION_CANCELLED
    assert told(session, session.mentee_id)[-1] is NotificationType.SESSION_CANCELLED
    assert {("mentee_cancelled", session.mentor_id), ("mentee_cancellation_confirmation", session.mentee_id)} <= mailed(
        session
    )
    assert wallet_of(session.mentor_id).in_currency("EUR").pending == Money(0, "EUR")


@pytest.mark.spec("CX-2", "MN-5", "WHY-1")
@pytest.mark.parametrize(
    "before, percentage, refund, earned",
    [
        (timedelta(hours=24), 100, 5_000, 0),
        (timedelta(hours=24) - timedelta(seconds=1), 70, 3_500, 1_050),
        (timedelta(hours=2), 70, 3_500, 1_050),
        (timedelta(hours=2) - timedelta(seconds=1), 0, 0, 3_500),
        (timedelta(minutes=14), 0, 0, 3_500),
    ],
)
def test_the_refund_falls_with_the_time_left_and_the_rest_is_earned(
    before: timedelta, percentage: int, refund: int, earned: int
) -> None:
    session = cancel(a_paid_session(), before=before)

    assert session.refund_amount_minor == refund
    assert wallet_of(session.mentor_id).in_currency("EUR").available == Money(earned, "EUR")
    record = db.session.scalars(select(DecisionRecord).where(DecisionRecord.kind == "cancel")).one()
    assert record.consequences["refund_percentage"] == percentage
    assert record.next_change


@pytest.mark.spec("CX-2", "WHY-1")
def test_a_refusal_changes_nothing_but_leaves_its_decision_record() -> None:
    with transaction():
        change_policies({"late_cancellation_rule": "not_allowed"}, reason="strict", ctx=ctx_of(an_admin()))
    session = a_paid_session()
    before = counts()

    with pytest.raises(Refused) as refused:
        cancel(session, before=timedelta(hours=1))

    assert refused.value.rule == "late_cancellation_not_allowed"
    assert counts() == before
    assert fresh(session).status is SessionStatus.SCHEDULED
    record = db.session.scalars(select(DecisionRecord).where(DecisionRecord.kind == "cancel")).one()
    assert (record.allowed, record.rule) == (False, "late_cancellation_not_allowed")
    assert str(record.next_change).startswith("1 hour")


@pytest.mark.spec("CX-2", "ACT-6")
@pytest.mark.parametrize("kind, refund", [(OverrideType.ALLOW_CANCELLATION, 5_000), (OverrideType.EXTEND_TIME, 0)])
def test_an_override_lifts_the_refusal(kind: OverrideType, refund: int) -> None:
    admin = an_admin()
    with transaction():
        change_policies({"late_cancellation_rule": "not_allowed"}, reason="strict", ctx=ctx_of(admin))
    session = a_paid_session()
    with transaction():
        db.session.add(
            PolicyOverride(
                session_id=session.id, override_type=kind, reason="illness", granted_by=admin.id,
                created_at=session.created_at, expires_at=START_AT,
            )
        )  # fmt: skip
    assert cancel(session, before=timedelta(hours=1)).refund_amount_minor == refund


@pytest.mark.spec("JN-4", "CX-5")
def test_a_room_that_was_not_made_yet_is_not_made_any_more_and_calendars_hear_a_higher_number() -> None:
    session = a_paid_session()
    number = session.calendar_sequence
    session = cancel(session, before=timedelta(hours=24))
    states = select(OutboxRow.state).where(OutboxRow.session_id == session.id, OutboxRow.kind == "meeting.create")
    assert db.session.scalars(states).all() == [OutboxState.WITHDRAWN]
    assert session.calendar_sequence == number + 1


@pytest.mark.spec("POL-5")
def test_what_was_promised_at_booking_holds_whatever_is_changed_later() -> None:
    session = a_paid_session()
    with transaction():
        change_policies({"partial_refund_percentage": 10}, reason="hard times", ctx=ctx_of(an_admin()))
    assert cancel(session, before=timedelta(hours=3)).refund_percentage == 70


@pytest.mark.spec("CX-1", "MN-1")
def test_a_draft_is_withdrawn_without_reason_and_the_mentor_never_knew_of_it() -> None:
    session = a_draft()
    checkout(session)
    session = cancel(session, category=None)

    assert (session.status, session.refund_status) == (SessionStatus.CANCELLED, RefundStatus.NONE)
    assert told(session, session.mentor_id) == []
    assert mailed(session) == set()
    assert db.session.scalars(select(Payment.status)).one() is PaymentState.ABANDONED


@pytest.mark.spec("CX-1")
@pytest.mark.parametrize("make", [a_pending_request, an_approved_request])
def test_before_paying_a_request_is_withdrawn_and_the_mentor_hears_of_it(make: object) -> None:
    session = cancel(make(), category=None)  # type: ignore[operator]
    assert session.status is SessionStatus.CANCELLED
    assert told(session, session.mentor_id)[-1] is NotificationType.SESSION_CANCELLED
    assert db.session.scalar(select(func.count()).where(CalendarEntry.session_id == session.id)) == 0


@pytest.mark.spec("CX-5", "EM-1", "DB-6")
def test_the_calendar_event_of_a_cancelled_session_is_cancelled_by_a_later_sequence() -> None:
    session = a_paid_session()
    cancel(session, before=timedelta(days=1))
    sent = {
        event.template: event.details.get("ics") for event in db.session.scalars(select(EmailEvent)) if event.details
    }
    assert sent["booking_confirmed"] == {"method": "request", "sequence": 0}
    assert sent["mentee_cancelled"] == {"method": "cancel", "sequence": 1}


@pytest.mark.spec("CX-1")
@pytest.mark.parametrize(
    "category, reason, field",
    [
        (None, "", "reasonCategory"),
        (CancellationCategory.ILLNESS, "", "reasonCategory"),
        (CancellationCategory.OTHER, "  ", "reason"),
        (BUSY, "x" * 1_001, "reason"),
    ],
)
def test_a_reason_is_asked_for_and_must_be_one_of_ones_own(
    category: CancellationCategory | None, reason: str, field: str
) -> None:
    session = a_paid_session()
    before = counts()
    with pytest.raises(Invalid) as refused:
        cancel(session, category=category, reason=reason)
    assert list(refused.value.fields) == [field]
    assert counts() == before


@pytest.mark.spec("SM-1", "CX-1")
@pytest.mark.parametrize("by_mentor", [False, True])
@pytest.mark.parametrize("make", [a_running_session, a_completed_session])
def test_nobody_cancels_what_has_begun_or_is_over(make: object, by_mentor: bool) -> None:
    session = make()  # type: ignore[operator]
    before = counts()
    with pytest.raises(InvalidTransition):
        cancel(session, by_mentor=by_mentor)
    assert counts() == before


@pytest.mark.spec("CX-1")
def test_a_mentor_declines_a_request_and_does_not_cancel_it() -> None:
    with pytest.raises(InvalidTransition, match="decline"):
        cancel(a_pending_request(), by_mentor=True)


@pytest.mark.spec("SM-4")
def test_cancelling_twice_is_a_clear_refusal_and_refunds_once() -> None:
    session = a_paid_session()
    cancel(session)
    before = counts()
    with pytest.raises(InvalidTransition):
        cancel(session)
    assert counts() == before


@pytest.mark.spec("INV-8", "ADM-2")
def test_a_stranger_learns_nothing_and_staff_cannot_use_the_parties_button() -> None:
    session = a_paid_session()
    before = counts()
    with pytest.raises(NotFound):
        cancel_session(session.id, category=BUSY, reason="", ctx=ctx_of(a_mentee()))
    with pytest.raises(DomainError):
        cancel_session(session.id, category=BUSY, reason="", ctx=ctx_of(a_support_agent()))
    assert counts() == before


@pytest.mark.spec("CX-3", "WHY-1")
def test_what_the_dialog_shows_before_is_what_happens_after(clock: Clock) -> None:
    session = a_paid_session()
    clock.set(START_AT - timedelta(hours=5))
    shown = decisions_for(session, ctx_of(session.mentee))["cancel"]
    session = cancel(session, before=timedelta(hours=5))
    assert shown.consequences["refund_minor"] == session.refund_amount_minor == 3_500


@pytest.mark.spec("CX-1")
def test_a_free_session_is_cancelled_without_any_money() -> None:
    session = cancel(a_scheduled_session())
    assert (session.status, session.refund_status) == (SessionStatus.CANCELLED, RefundStatus.NONE)
    assert "refund.send" not in work(session)
    assert actions(session)[-1] == "session_cancelled"


def test_a_cancelled_session_is_never_started() -> None:
    session = cancel(a_paid_session())
    assert tick(ctx=context(CLOCK, START_AT)).changed == 0
    assert fresh(session).status is SessionStatus.CANCELLED
