"""Support gives a session to another mentor: at once, with all that hangs on it, or not at all (ACT-4)."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from app.booking.access import load_session_for
from app.domain.errors import Conflict, Forbidden, Invalid, NotFound, SlotTaken
from app.domain.vocabulary import NotificationType, ReassignmentStatus, RescheduleStatus
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import AdminAuditTrail, CalendarEntry, DecisionRecord, EmailEvent, MentoringSession, RescheduleRequest
from app.money.checks import CHECKS
from app.money.wallets import wallet_of
from app.support.reassign_session import preview_reassign, reassign_session
from tests.actions.traces import actions, counts, mailed, told, work
from tests.factories.people import a_mentee, a_mentor, a_support_agent, ctx_of
from tests.factories.proposals import a_proposal
from tests.factories.sessions import (
    START_AT,
    a_completed_session,
    a_draft,
    a_paid_session,
    a_pending_request,
    a_reassigned_session,
    a_scheduled_session,
    a_session_without_mentor,
    fresh,
)
from tests.world import context

pytestmark = pytest.mark.usefixtures("app", "clock")


def give(session: MentoringSession, to: object, **options: object) -> MentoringSession:
    agent = options.pop("agent", None) or a_support_agent()
    reassign_session(
        session.id, **{"to": to, "reason": "The mentor is ill", "fingerprint": None, "ctx": ctx_of(agent), **options}
    )
    return fresh(session)


def pending_of(user_id: object) -> int:
    return wallet_of(user_id).in_currency("EUR").pending.minor


def books_are_right() -> bool:
    return [str(problem) for check in CHECKS for problem in check.run()] == []


@pytest.mark.spec("ACT-4", "MN-14", "INV-1", "WHY-1")
def test_the_new_mentor_has_everything_and_the_mentor_before_nothing_of_it() -> None:
    session = a_paid_session()
    before, sold = session.mentor, (session.offering_id, session.rate_minor, session.currency, session.duration)
    with transaction():
        session.meeting_provider, session.meeting_ref = "jitsi", "room"
        session.meeting_url, session.mentor_response = "https://meet.example/room", "Welcome!"
    new = a_mentor(name="Next One", schedule={"buffer_minutes": 30})
    agent = a_support_agent()

    session = give(session, new.id, agent=agent)

    assert (session.mentor_id, session.scheduled_at) == (new.id, START_AT)
    assert (session.was_reassigned, session.reassigned_from_mentor_id) == (True, before.id)
    assert (session.reassignment_status, session.reassignment_deadline) == (ReassignmentStatus.ACCEPTED, None)
    assert session.cancelled_mentor_ids == [before.id]
    assert (session.offering_id, session.rate_minor, session.currency, session.duration) == sold
    entries = db.session.scalars(select(CalendarEntry).where(CalendarEntry.session_id == session.id))
    assert {entry.user_id: entry.busy[0].upper for entry in entries} == {
        new.id: START_AT + timedelta(minutes=90), session.mentee_id: START_AT + timedelta(minutes=60),
    }  # fmt: skip
    assert (session.meeting_url, session.mentor_response) == (None, None)
    assert work(session).count("meeting.create") == 2
    assert "meeting.delete" in work(session)
    assert (pending_of(new.id), pending_of(before.id)) == (3_500, 0)
    assert books_are_right()
    assert actions(session)[-1] == "session_reassigned"
    record = db.session.scalars(select(DecisionRecord).where(DecisionRecord.rule == "reassigned_by_support")).one()
    assert "Next One" in record.message
    row = db.session.scalars(select(AdminAuditTrail)).one()
    assert (row.action, row.reason, row.admin_id) == ("ADMIN_REASSIGN_SESSION", "The mentor is ill", agent.id)
    assert row.details == {
        "previousMentorId": str(before.id),
        "previousMentorName": before.name,
        "newMentorId": str(new.id),
        "newMentorName": "Next One",
        "previousReassignmentStatus": None,
        "rank": 1,
        "notifyParties": True,
        "notificationsSent": 6,
    }
    with pytest.raises(NotFound):
        load_session_for(ctx_of(before), session.id)


@pytest.mark.spec("ACT-4", "EM-1", "DB-6")
@pytest.mark.parametrize("tells", [True, False])
def test_all_three_are_told_and_their_calendars_follow_unless_support_says_no(tells: bool) -> None:
    session = a_paid_session()
    before, new = session.mentor, a_mentor()
    mails = len(mailed(session))

    session = give(session, new.id, notify_parties=tells)

    letters = {
        ("admin_reassigned_mentee", session.mentee_id), ("admin_assigned_mentor", new.id),
        ("mentor_unassigned", before.id),
    }  # fmt: skip
    if not tells:
        assert len(mailed(session)) == mails
        assert told(session, new.id) == []
        return
    assert letters <= mailed(session)
    assert told(session, session.mentee_id)[-1] is NotificationType.ADMIN_REASSIGNED
    assert told(session, new.id) == [NotificationType.MENTOR_ASSIGNED]
    assert told(session, before.id)[-1] is NotificationType.MENTOR_UNASSIGNED
    sent = {event.template: event.details for event in db.session.scalars(select(EmailEvent))}
    files = {name: sent[name]["ics"]["method"] for name, _ in letters}
    assert files == {
        "admin_reassigned_mentee": "request", "admin_assigned_mentor": "request", "mentor_unassigned": "cancel",
    }  # fmt: skip
    assert sent["admin_reassigned_mentee"]["facts"]["former_mentor"] == before.name


@pytest.mark.spec("ACT-4", "RA-2", "MN-14")
def test_support_finds_somebody_where_the_search_found_nobody() -> None:
    session = a_session_without_mentor()
    before, new = session.mentor, a_mentor()
    messages = len(told(session, before.id))

    session = give(session, new.id)

    assert session.reassignment_status is ReassignmentStatus.ACCEPTED
    assert (pending_of(new.id), pending_of(before.id)) == (3_500, 0)
    # Whoever gave it up was told so then.
    assert len(told(session, before.id)) == messages
    assert books_are_right()


@pytest.mark.spec("ACT-4", "RA-8", "MN-14")
def test_whoever_was_assigned_and_not_yet_accepted_is_released_and_not_asked_again() -> None:
    assigned, new = a_mentor(), a_mentor()
    session = a_reassigned_session(to=assigned)
    first = session.reassigned_from_mentor_id

    session = give(session, new.id)

    assert session.cancelled_mentor_ids == [first, assigned.id]
    assert told(session, assigned.id)[-1] is NotificationType.MENTOR_UNASSIGNED
    assert [pending_of(each) for each in (new.id, assigned.id, first)] == [3_500, 0, 0]
    assert books_are_right()


@pytest.mark.spec("ACT-4", "RS-5")
def test_an_open_proposal_is_closed_and_a_free_session_moves_no_money() -> None:
    session = a_scheduled_session()
    proposal = a_proposal(session=session).pending_reschedule_request_id
    new = a_mentor()

    session = give(session, new.id)

    assert session.pending_reschedule_request_id is None
    assert db.session.get_one(RescheduleRequest, proposal).status is RescheduleStatus.CANCELLED
    assert pending_of(new.id) == 0


@pytest.mark.spec("ACT-4")
def test_weekly_hours_and_offers_do_not_bind_support_but_the_calendar_does() -> None:
    session = a_paid_session()
    asleep, busy = a_mentor(weekly_hours={}), a_mentor()
    a_paid_session(mentor=busy)
    ctx = ctx_of(a_support_agent())
    plan = preview_reassign(session.id, to=busy.id, ctx=ctx)
    assert (plan.decision.allowed, plan.candidates) == (False, [])
    with pytest.raises(SlotTaken, match="has another session then"):
        give(session, busy.id)
    assert "Ask before you assign it" in preview_reassign(session.id, to=asleep.id, ctx=ctx).rows[-1].change
    assert give(session, asleep.id).mentor_id == asleep.id


@pytest.mark.spec("ACT-4", "RA-8")
def test_who_cannot_have_it_is_named_and_nothing_changes() -> None:
    session = a_paid_session()
    gone = a_mentor()
    with transaction():
        session.cancelled_mentor_ids = [gone.id]
    before = counts()
    nobodies = [session.mentor_id, gone.id, a_mentee().id, a_mentor(is_verified=False).id, uuid4()]
    for each in nobodies:
        with pytest.raises(Invalid) as refusal:
            give(session, each)
        assert "newMentorId" in refusal.value.fields
    with pytest.raises(Invalid, match="Nobody who offers such a session"):
        preview_reassign(session.id, ctx=ctx_of(a_support_agent()))
    assert counts() == before
    assert fresh(session).was_reassigned is False


@pytest.mark.spec("ACT-4")
@pytest.mark.parametrize("make", [a_draft, a_pending_request, a_completed_session])
def test_only_a_scheduled_session_that_has_not_begun_changes_hands(make: object) -> None:
    session = make()
    with pytest.raises(Conflict) as refusal:
        give(session, a_mentor().id)
    assert refusal.value.error_code == "not_reassignable"


@pytest.mark.spec("ACT-4", "ADM-2")
def test_not_at_its_start_and_not_by_a_party() -> None:
    session, new = a_paid_session(), a_mentor()
    agent = a_support_agent()
    with pytest.raises(Conflict, match="has begun"):
        give(session, new.id, ctx=context(ctx_of(agent).actor, START_AT))
    with transaction():
        session.cancelled_mentor_ids = [agent.id]
    with pytest.raises(Forbidden, match="a party in this case"):
        give(session, new.id, agent=agent)
