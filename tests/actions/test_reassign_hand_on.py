"""A mentor cancels: somebody else is found and holds the time, or the mentee chooses (RA-1, RA-2, RA-8)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.booking.access import load_session_for
from app.booking.cancel import cancel_session
from app.booking.queries import SessionFilter, find_sessions
from app.booking.reassign import decline_reassignment
from app.booking.tick import tick
from app.domain.context import CLOCK
from app.domain.errors import Conflict, DomainError, NotFound
from app.domain.vocabulary import CancellationCategory, NotificationType, ReassignmentStatus, SessionStatus
from app.extensions import db
from app.foundation.policies import change_policies
from app.foundation.switches import AUTO_REASSIGNMENT
from app.foundation.transaction import transaction
from app.models import (
    CalendarEntry,
    DecisionRecord,
    EmailEvent,
    KillSwitch,
    MentoringSession,
    Notification,
    SessionAuditLog,
    User,
)
from tests.actions.traces import actions, counts, mailed, told, work
from tests.factories.people import a_mentor, an_admin, an_offering, ctx_of
from tests.factories.sessions import START_AT, a_paid_session, a_scheduled_session, an_approved_request, fresh
from tests.world import START, context

pytestmark = pytest.mark.usefixtures("app", "clock")

ILL = CancellationCategory.ILLNESS


def give_up(session: MentoringSession, *, reason: str = "", before: timedelta | None = None) -> MentoringSession:
    ctx = ctx_of(fresh(session).mentor)
    if before is not None:
        ctx = context(ctx.actor, START_AT - before)
    cancel_session(session.id, category=ILL, reason=reason, ctx=ctx)
    return fresh(session)


def busy(session: MentoringSession) -> dict[object, tuple[object, object]]:
    rows = db.session.scalars(select(CalendarEntry).where(CalendarEntry.session_id == session.id))
    return {row.user_id: (row.busy[0].lower, row.busy[0].upper) for row in rows}


def a_session_with_a_room(**options: object) -> MentoringSession:
    session = a_paid_session(**options)
    with transaction():
        session.meeting_provider, session.meeting_ref = "jitsi", "room"
        session.meeting_url, session.mentor_response = "https://meet.example/room", "Welcome!"
    return session


@pytest.mark.spec("RA-1", "RA-3", "MN-14", "WHY-1", "SM-3", "INV-1")
def test_the_session_goes_to_the_best_who_is_free_and_the_mentee_has_a_day_to_answer() -> None:
    session = a_session_with_a_room()
    before, sold = session.mentor, (session.offering_id, session.rate_minor, session.currency, session.duration)
    new = a_mentor(name="Next One", schedule={"buffer_minutes": 30})
    a_mentor(name="Knows Little", expertise=("Cooking",))

    session = give_up(session, reason="Flu")

    assert (session.status, session.mentor_id) == (SessionStatus.SCHEDULED, new.id)
    assert (session.was_reassigned, session.reassigned_from_mentor_id, session.reassigned_at) == (
        True,
        before.id,
        START,
    )
    assert session.reassignment_status is ReassignmentStatus.PENDING_ACCEPTANCE
    assert session.reassignment_deadline == START + timedelta(hours=24)
    assert session.cancelled_mentor_ids == [before.id]
    assert (session.offering_id, session.rate_minor, session.currency, session.duration) == sold
    assert busy(session) == {
        new.id: (START_AT, START_AT + timedelta(minutes=90)),
        session.mentee_id: (START_AT, START_AT + timedelta(minutes=60)),
    }
    assert (session.meeting_url, session.meeting_ref, session.mentor_response) == (None, None, None)
    assert work(session).count("meeting.create") == 2
    assert "meeting.delete" in work(session)
    assert "refund.send" not in work(session)
    assert actions(session)[-2:] == ["mentor_cancelled", "session_reassigned"]
    row = db.session.scalars(select(SessionAuditLog).where(SessionAuditLog.action == "mentor_cancelled")).one()
    assert (row.reason_category, row.reason_details, row.user_id) == ("illness", "Flu", before.id)
    assert row.policy_snapshot["free_cancellation_hours"] == 24
    record = db.session.scalars(select(DecisionRecord).where(DecisionRecord.kind == "replacement")).one()
    assert record.rule == "replacement_found"
    assert "Next One" in record.message
    assert [line.split(":")[0] for line in record.inputs["candidates"]] == ["Next One", "Knows Little"]


@pytest.mark.spec("RA-1", "EM-1", "DB-6")
def test_mentee_and_both_mentors_are_told_and_the_old_event_leaves_the_former_mentors_calendar() -> None:
    session = a_paid_session()
    before, new = session.mentor, a_mentor()
    session = give_up(session, reason="Flu")

    assert told(session, session.mentee_id)[-1] is NotificationType.SESSION_REASSIGNED
    assert told(session, new.id) == [NotificationType.MENTOR_ASSIGNED]
    assert told(session, before.id)[-1] is NotificationType.SESSION_CANCELLED
    assert {
        ("mentor_cancelled_reassigned", session.mentee_id),
        ("new_mentor_assigned", new.id),
        ("mentor_cancellation_confirmation", before.id),
    } <= mailed(session)
    sent = {event.template: event.details for event in db.session.scalars(select(EmailEvent))}
    assert sent["mentor_cancellation_confirmation"]["ics"] == {"method": "cancel", "sequence": 1}
    assert sent["mentor_cancellation_confirmation"]["session"]["other_name"] == session.mentee.name
    assert sent["new_mentor_assigned"]["ics"] == {"method": "request", "sequence": 1}
    assert sent["mentor_cancelled_reassigned"]["session"]["other_name"] == new.name
    last = db.session.scalars(
        select(Notification.action_url).where(Notification.user_id == before.id).order_by(Notification.number.desc())
    ).first()
    assert last == "/mentor/schedule"


@pytest.mark.spec("RA-1", "INV-8", "INV-9")
def test_the_former_mentor_knows_nothing_of_it_any_more() -> None:
    session = a_paid_session()
    before = session.mentor
    a_mentor()
    give_up(session)
    with pytest.raises(NotFound):
        load_session_for(ctx_of(before), session.id)
    assert find_sessions(SessionFilter(), page=1, limit=10, ctx=ctx_of(before)).total == 0


@pytest.mark.spec("RA-2", "AV-4", "WHY-1")
def test_when_nobody_is_free_the_mentee_chooses_and_the_mentor_is_out_of_it_and_free() -> None:
    session = a_session_with_a_room()
    before = session.mentor
    session = give_up(session)

    assert (session.status, session.mentor_id) == (SessionStatus.SCHEDULED, before.id)
    assert session.reassignment_status is ReassignmentStatus.AWAITING_MENTEE_CHOICE
    assert (session.was_reassigned, session.cancelled_mentor_ids) == (False, [before.id])
    assert session.reassignment_deadline == START + timedelta(hours=24)
    assert list(busy(session)) == [session.mentee_id]
    assert (session.meeting_url, session.refund_amount_minor) == (None, 0)
    assert told(session, session.mentee_id)[-1] is NotificationType.NO_MENTOR_FOUND
    assert ("mentor_cancelled_no_mentor", session.mentee_id) in mailed(session)
    assert actions(session)[-2:] == ["mentor_cancelled", "no_mentor_found"]
    record = db.session.scalars(select(DecisionRecord).where(DecisionRecord.kind == "replacement")).one()
    assert record.rule == "no_replacement"
    for look in (lambda: load_session_for(ctx_of(before), session.id), lambda: give_up(session)):
        with pytest.raises(NotFound):
            look()
    assert find_sessions(SessionFilter(), page=1, limit=10, ctx=ctx_of(before)).total == 0


@pytest.mark.spec("RA-7")
def test_the_deadline_is_never_later_than_the_start() -> None:
    session = give_up(a_paid_session(), before=timedelta(hours=3))
    assert session.reassignment_deadline == START_AT


@pytest.mark.spec("RA-1", "POL-1")
def test_how_long_the_mentee_has_is_a_policy() -> None:
    with transaction():
        change_policies({"reassignment_response_hours": 5}, reason="quick", ctx=ctx_of(an_admin()))
    assert give_up(a_paid_session()).reassignment_deadline == START + timedelta(hours=5)


@pytest.mark.spec("RA-1")
def test_a_free_session_finds_another_mentor_too_and_an_unpaid_one_is_simply_cancelled() -> None:
    free = a_scheduled_session()
    unpaid = an_approved_request(at=START_AT + timedelta(hours=3))
    new = a_mentor(rate_minor=0)
    assert give_up(free).mentor_id == new.id
    unpaid = give_up(unpaid)
    assert (unpaid.status, unpaid.reassignment_status) == (SessionStatus.CANCELLED, None)
    assert ("mentor_cancelled", unpaid.mentee_id) in mailed(unpaid)


@pytest.mark.spec("RA-1", "AV-5")
def test_whoever_was_booked_a_moment_ago_is_passed_over_for_the_next() -> None:
    session = a_paid_session()
    first, second = a_mentor(), a_mentor(expertise=("Python",))
    a_paid_session(mentor=first)
    assert give_up(session).mentor_id == second.id


@pytest.mark.spec("RA-1", "LEAD-12")
def test_with_the_search_switched_off_the_mentee_chooses() -> None:
    session = a_paid_session()
    a_mentor()
    with transaction():
        db.session.add(KillSwitch(key=AUTO_REASSIGNMENT, is_off=True, reason="storm", changed_at=START))
    assert give_up(session).reassignment_status is ReassignmentStatus.AWAITING_MENTEE_CHOICE


@pytest.mark.spec("RA-1")
def test_in_person_the_place_is_the_new_mentors() -> None:
    def meets_at(mentor: User, place: str) -> User:
        an_offering(mentor, meeting_types=("in_person",), location=place, title="In person")
        return mentor

    first = meets_at(a_mentor(meeting_types=("in_person",)), "Old Street 1")
    session = a_paid_session(mentor=first, meeting_type="in_person")
    meets_at(a_mentor(), "New Street 2")
    assert give_up(session).location == "New Street 2"


@pytest.mark.spec("RA-8")
@pytest.mark.parametrize("declines", [True, False])
def test_when_the_new_mentor_will_not_either_the_search_starts_over_without_both(declines: bool) -> None:
    session = a_paid_session()
    first, second, third = session.mentor, a_mentor(), a_mentor(expertise=("Python",))
    session = give_up(session)
    assert session.mentor_id == second.id
    if declines:
        decline_reassignment(session.id, reason="On the road", ctx=ctx_of(second))
        session = fresh(session)
    else:
        session = give_up(session)

    assert (session.mentor_id, session.reassigned_from_mentor_id) == (third.id, second.id)
    assert session.cancelled_mentor_ids == [first.id, second.id]
    assert session.reassignment_status is ReassignmentStatus.PENDING_ACCEPTANCE
    assert set(busy(session)) == {third.id, session.mentee_id}
    action = "reassignment_declined" if declines else "mentor_cancelled"
    assert actions(session)[-2:] == [action, "session_reassigned"]
    assert ("mentor_unassigned" if declines else "mentor_cancellation_confirmation", second.id) in mailed(session)

    session = give_up(session)
    assert session.reassignment_status is ReassignmentStatus.AWAITING_MENTEE_CHOICE
    assert session.cancelled_mentor_ids == [first.id, second.id, third.id]


@pytest.mark.spec("RA-3", "SM-3")
def test_it_does_not_start_while_its_mentor_changes() -> None:
    session = give_up(a_paid_session(), before=timedelta(hours=1))
    with transaction():
        session.reassignment_deadline = START_AT + timedelta(days=1)
    assert tick(ctx=context(CLOCK, START_AT - timedelta(seconds=1))).changed == 0
    assert fresh(session).status is SessionStatus.SCHEDULED


@pytest.mark.spec("RA-8")
def test_only_the_mentor_who_was_assigned_declines_and_only_until_the_mentee_answers() -> None:
    session = a_paid_session()
    before = counts()
    with pytest.raises(Conflict):
        decline_reassignment(session.id, ctx=ctx_of(session.mentor))
    with pytest.raises(DomainError):
        decline_reassignment(session.id, ctx=ctx_of(session.mentee))
    assert counts() == before
