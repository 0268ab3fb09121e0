"""Reminders: a day and an hour before, each once, in the reader's own time, never late (EM-5)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from app.booking.cancel import cancel_session
from app.booking.tick import TickReport, tick
from app.domain.context import CLOCK
from app.domain.vocabulary import (
    CancellationCategory,
    EmailState,
    MeetingType,
    NotificationType,
    OutboxState,
    ReassignmentStatus,
)
from app.extensions import db
from app.foundation import audit
from app.foundation.policies import change_policies
from app.foundation.transaction import transaction
from app.models import EmailEvent, MentoringSession, Notification, OutboxRow
from app.people.profile import update_profile
from tests.factories.people import a_mentee, a_mentor, actor_of, an_offering, ctx_of
from tests.factories.sessions import START_AT, a_draft, a_paid_session, a_scheduled_session, book, fresh, pay
from tests.outbox import RunOutbox
from tests.world import Clock, context

pytestmark = pytest.mark.usefixtures("app", "clock")

DAY, HOUR, MINUTE, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
# Far enough ahead that a day before is not yet past when it is booked.
AT = START_AT + timedelta(days=2)


def run(now: datetime) -> TickReport:
    return tick(ctx=context(CLOCK, now))


def reminded(session: MentoringSession) -> list[tuple[object, str]]:
    """Who was mailed a reminder, and how soon it says that the session is."""
    rows = db.session.scalars(
        select(EmailEvent)
        .where(EmailEvent.session_id == session.id, EmailEvent.template == "session_reminder")
        .order_by(EmailEvent.created_at, EmailEvent.id)
    )
    return sorted((str(row.user_id), row.details["facts"]["near"]) for row in rows)


def notified(session: MentoringSession) -> int:
    found = db.session.scalars(
        select(Notification.id).where(
            Notification.session_id == session.id, Notification.type == NotificationType.SESSION_REMINDER
        )
    )
    return len(found.all())


@pytest.mark.spec("EM-5", "OPS-4")
def test_a_day_and_an_hour_before_both_are_reminded_once() -> None:
    session = a_paid_session(at=AT)
    assert run(AT - DAY - SECOND).changed == 0

    assert run(AT - DAY).counts == {"session_reminded": 1}
    assert run(AT - DAY).changed == 0, "twice is harmless"
    assert run(AT - DAY + MINUTE).changed == 0
    assert run(AT - HOUR).counts["session_reminded"] == 1
    assert run(AT - HOUR + MINUTE).counts.get("session_reminded") is None

    both = sorted([str(session.mentee_id), str(session.mentor_id)])
    assert reminded(session) == sorted((person, near) for person in both for near in ("in 24 hours", "in 1 hour"))
    assert notified(session) == 4


@pytest.mark.spec("EM-5")
@pytest.mark.parametrize("late, count", [(timedelta(minutes=10), 1), (timedelta(minutes=10, seconds=1), 0)])
def test_after_ten_minutes_it_is_skipped_rather_than_late(late: timedelta, count: int) -> None:
    session = a_paid_session(at=AT)
    run(AT - DAY + late)
    assert notified(session) == 2 * count


@pytest.mark.spec("EM-5")
def test_a_mail_that_could_not_leave_in_time_is_not_sent_any_more(clock: Clock, run_outbox: RunOutbox) -> None:
    session = a_paid_session(at=AT)
    run_outbox()
    clock.set(AT - DAY)
    run(clock.now)
    clock.advance(minutes=11)
    assert {outcome for kind, outcome in run_outbox() if kind == "mail.send"} == {"too_late"}
    states = db.session.scalars(
        select(EmailEvent.status).where(EmailEvent.session_id == session.id, EmailEvent.template == "session_reminder")
    )
    assert set(states) == {EmailState.FAILED}
    withdrawn = db.session.scalars(select(OutboxRow.state).where(OutboxRow.not_after.is_not(None))).all()
    assert set(withdrawn) == {OutboxState.WITHDRAWN}


@pytest.mark.spec("EM-5")
def test_booked_within_the_day_only_the_hour_before_is_told(clock: Clock) -> None:
    clock.set(AT - DAY + MINUTE)
    session = a_paid_session(at=AT)
    assert run(AT - DAY + 2 * MINUTE).changed == 0, "its moment had passed when it was booked"
    run(AT - HOUR)
    assert {near for _, near in reminded(session)} == {"in 1 hour"}


@pytest.mark.spec("EM-5", "BK-3")
def test_what_counts_is_when_it_was_paid_and_not_when_it_was_begun(clock: Clock) -> None:
    clock.set(AT - DAY - 5 * MINUTE)
    session = a_draft(at=AT)
    clock.set(AT - DAY + MINUTE)
    pay(session)
    assert run(AT - DAY + 2 * MINUTE).changed == 0


@pytest.mark.spec("EM-5", "RS-2")
def test_a_move_arms_it_again(clock: Clock) -> None:
    session = a_paid_session(at=AT)
    run(AT - DAY)
    later = AT + 3 * DAY
    moved(session, later, now=AT - 2 * HOUR)
    assert run(AT - HOUR).counts.get("session_reminded") is None, "not for the time that is no more"
    run(later - DAY)
    run(later - HOUR)
    assert len(reminded(session)) == 6
    run(later - HOUR + MINUTE)
    assert len(reminded(session)) == 6


@pytest.mark.spec("EM-5", "RS-2")
def test_moved_nearer_than_a_day_the_days_reminder_is_skipped(clock: Clock) -> None:
    session = a_paid_session(at=AT)
    sooner = AT - DAY
    moved(session, sooner, now=sooner - DAY + MINUTE)
    assert run(sooner - DAY + 2 * MINUTE).changed == 0


@pytest.mark.spec("EM-5", "RS-5")
def test_a_proposal_that_came_to_nothing_takes_no_reminder_away() -> None:
    session = a_paid_session(at=AT)
    with transaction():
        ctx = context(CLOCK, AT - DAY + SECOND)
        audit.record(
            fresh(session), action="reschedule_expired", ctx=ctx, previous_scheduled_at=AT, new_scheduled_at=AT
        )
    assert run(AT - DAY + MINUTE).counts == {"session_reminded": 1}


def moved(session: MentoringSession, to: datetime, *, now: datetime) -> None:
    """As an accepted proposal leaves it: another time, and an audit row that says so (RS-7)."""
    with transaction():
        session = fresh(session)
        before, session.scheduled_at = session.scheduled_at, to
        ctx = context(actor_of(session.mentee), now)
        audit.record(session, action="reschedule_accepted", ctx=ctx, previous_scheduled_at=before, new_scheduled_at=to)


@pytest.mark.spec("EM-5")
def test_what_does_not_take_place_is_not_reminded_of() -> None:
    cancelled, unpaid, changing = (a_paid_session(at=AT), a_draft(at=AT), a_paid_session(at=AT))
    cancel_session(cancelled.id, category=CancellationCategory.ILLNESS, reason="Ill", ctx=ctx_of(cancelled.mentor))
    with transaction():
        fresh(changing).reassignment_status = ReassignmentStatus.PENDING_ACCEPTANCE
    run(AT - DAY)
    assert [notified(session) for session in (cancelled, unpaid, changing)] == [0, 0, 0]


@pytest.mark.spec("EM-5", "ID-7")
def test_each_reads_the_time_of_his_own_zone() -> None:
    always = {day: [("00:00", "23:59")] for day in range(7)}
    mentee = a_mentee(timezone="Asia/Kolkata")
    mentor = a_mentor(timezone="America/New_York", rate_minor=0, weekly_hours=always)
    session = a_scheduled_session(mentee=mentee, mentor=mentor, at=AT)
    run(AT - HOUR)
    bodies = {
        row.user_id: row.body
        for row in db.session.scalars(select(Notification).where(Notification.session_id == session.id))
        if row.type is NotificationType.SESSION_REMINDER
    }
    assert "15:30" in bodies[mentee.id]
    assert "05:00" in bodies[mentor.id]


@pytest.mark.spec("ID-6")
def test_whoever_wants_no_mails_is_told_in_the_product_only() -> None:
    session = a_paid_session(at=AT)
    update_profile(session.mentee_id, preferences={"reminder_emails": False}, ctx=ctx_of(session.mentee))
    run(AT - DAY)
    assert [person for person, _ in reminded(session)] == [str(session.mentor_id)]
    assert notified(session) == 2


@pytest.mark.spec("POL-1", "EM-5")
def test_the_hours_are_a_policy_of_now() -> None:
    session = a_paid_session(at=AT)
    with transaction():
        change_policies({"reminder_hours": [48, 2]}, reason="A test", ctx=context())
    run(AT - 2 * DAY)
    assert run(AT - DAY).changed == 0
    run(AT - 2 * HOUR)
    assert {near for _, near in reminded(session)} == {"in 2 days", "in 2 hours"}


@pytest.mark.spec("JN-5", "EM-5")
@pytest.mark.parametrize(
    "kind, words",
    [
        (MeetingType.VIDEO, "camera and microphone"),
        (MeetingType.CHAT, "in writing"),
        (MeetingType.IN_PERSON, "Harbour Street 4"),
    ],
)
def test_it_says_where_one_meets(kind: MeetingType, words: str, app: object) -> None:
    from app.messaging.render import Branding, render

    mentor = a_mentor()
    session = book(
        at=AT, mentor=mentor, meeting_type=kind, offering_id=an_offering(mentor, meeting_types=[kind.value]).id
    )
    pay(session)
    if kind is MeetingType.IN_PERSON:
        with transaction():
            fresh(session).location = "Harbour Street 4"
    run(AT - DAY)
    event = db.session.scalars(select(EmailEvent).where(EmailEvent.template == "session_reminder").limit(1)).one()
    text = render(event, Branding("Desk", "https://desk.example", "Desk <a@desk.example>", "b@desk.example")).text
    assert words in text
    assert "meet.jit.si" not in text, "never the link itself (JN-2)"
