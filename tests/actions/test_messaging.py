"""What people are told: queued with its cause, in their zone, sent once, with an invitation that stays itself."""

# ruff: noqa: RUF001 - the dash between two times is a dash

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from icalendar import Calendar
from sqlalchemy import func, select

from app.domain.context import SYSTEM
from app.domain.errors import Invalid, ProviderFailed
from app.domain.vocabulary import EmailState, NotificationType, OutboxState
from app.extensions import db
from app.foundation.transaction import transaction
from app.integrations.mailer import Letter, LocalMailbox
from app.messaging.ics import CalendarFacts, calendar_file
from app.messaging.letters import LETTERS
from app.messaging.mail import send_again, send_mail
from app.messaging.notify import notify
from app.messaging.render import Branding, render, subject_of
from app.models import EmailEvent, MentoringSession, Notification, OutboxRow
from tests.factories.people import a_mentee, a_mentor
from tests.factories.sessions import a_cancelled_session, a_draft, a_paid_session, fresh
from tests.outbox import RunOutbox
from tests.world import START, Clock, at, context

BRANDING = Branding("Mentor Desk", "https://desk.example", "Mentor Desk <no-reply@desk.example>", "help@desk.example")
VALUES: dict[str, Any] = {
    "url": "/somewhere/else",
    "former_mentor": "Alan Turing",
    "former_name": "Alan Turing",
    "headline": "Head of engineering",
    "by_mentee": True,
    "by_support": True,
    "reason": "A conference was moved to this day",
    "head": "0f" * 32,
    "rows": 1_204,
    "error": "The card was closed",
    "is_credit": True,
    "by_bank": True,
    "message": "I would like to talk about my thesis",
    "is_question": True,
    "near": "in 1 hour",
    "absent": "mentor",
    "marked_by": "mentee",
    "became": "completed",
    "proposed_at": datetime(2028, 3, 2, 9, tzinfo=UTC),
    "previous_at": datetime(2028, 2, 28, 9, tzinfo=UTC),
    "full_refund": True,
    "waited": True,
}


def value_of(fact: str) -> Any:
    if fact.endswith("_minor"):
        return 2_450
    if fact.endswith("_until"):
        return datetime(2028, 3, 1, 9, tzinfo=UTC)
    return VALUES[fact]


def the_only_mail(template: str) -> EmailEvent:
    return db.session.scalars(select(EmailEvent).where(EmailEvent.template == template)).one()


@pytest.fixture
def mailbox(app: Flask) -> Callable[[EmailEvent], EmailMessage]:
    """The letter of a record, as it lies in the local mailbox."""
    folder = Path(app.extensions["desk-settings"].data_dir) / "mailbox"

    def read(event: EmailEvent) -> EmailMessage:
        content = (folder / f"{event.id}.eml").read_bytes()
        return email.message_from_bytes(content, policy=email.policy.default)  # type: ignore[return-value]

    return read


def text_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part
    return part.get_content()


def html_of(message: EmailMessage) -> str:
    part = message.get_body(("html",))
    assert part
    return part.get_content()


def calendar_of(message: EmailMessage) -> tuple[str, Calendar]:
    part = next(part for part in message.walk() if part.get_content_type() == "text/calendar")
    return part.get_param("method"), Calendar.from_ical(part.get_content())


# -- queued with its cause ---------------------------------------------------------------------------------------------


@pytest.mark.spec("EM-2", "INV-5")
def test_one_cause_mails_a_person_once(app: Flask, clock: Clock) -> None:
    session, ctx = a_draft(), context(SYSTEM, clock.now)
    with transaction():
        first = send_mail("booking_expired", session.mentee, session=session, ctx=ctx, cause="unpaid:1")
        second = send_mail("booking_expired", session.mentee, session=session, ctx=ctx, cause="unpaid:1")
        third = send_mail("booking_expired", session.mentee, session=session, ctx=ctx, cause="unpaid:2")
    assert first
    assert third
    assert second is None
    assert db.session.scalar(select(func.count()).where(OutboxRow.kind == "mail.send")) == 2


@pytest.mark.spec("EM-3")
def test_what_is_rolled_back_is_never_sent(app: Flask, clock: Clock, run_outbox: RunOutbox) -> None:
    session = a_draft()
    with pytest.raises(ZeroDivisionError), transaction():
        send_mail("booking_expired", session.mentee, session=session, ctx=context(SYSTEM, clock.now), cause="x")
        raise ZeroDivisionError
    assert db.session.scalar(select(func.count(EmailEvent.id))) == 0
    assert run_outbox() == []


@pytest.mark.parametrize("facts", [{}, {"reason": None}, {"reason": "x", "colour": "red"}])
def test_a_missing_or_unknown_fact_is_noticed_where_the_mail_is_queued(
    app: Flask, clock: Clock, facts: dict[str, Any]
) -> None:
    session = a_draft()
    with pytest.raises(ValueError, match="request_rejected"), transaction():
        send_mail(
            "request_rejected", session.mentee, facts=facts, session=session, ctx=context(SYSTEM, clock.now), cause="x"
        )


@pytest.mark.spec("EM-2")
def test_the_record_keeps_what_was_true_when_it_was_decided(app: Flask, clock: Clock) -> None:
    session = a_draft(title="The first title")
    with transaction():
        send_mail("booking_expired", session.mentee, session=session, ctx=context(SYSTEM, clock.now), cause="x")
        session.title = "Another title"
    event = the_only_mail("booking_expired")
    assert event.subject == "Your booking was not paid in time: The first title"
    assert "The first title" in render(event, BRANDING).text
    assert event.action == "email.booking.expired"


# -- words -------------------------------------------------------------------------------------------------------------


def a_record(
    template: str, *, zone: str = "UTC", start: datetime | None = None, title: str = "A talk", **details: Any
) -> EmailEvent:
    kind = LETTERS[template]
    told = {
        "id": str(uuid4()),
        "title": title,
        "start": start.isoformat() if start else None,
        "duration": 45,
        "meeting_type": "video",
        "location": None,
        "other_name": "Grace Hopper",
        "reader_is_mentor": False,
        "price_minor": 3_500,
        "currency": "EUR",
        "preferred_time_note": "any evening",
    }
    filled = {
        "name": "Ada Lovelace",
        "role": "mentee",
        "zone": zone,
        "facts": dict.fromkeys(kind.needs | kind.may),
        **({"session": told} if kind.about_session else {}),
        **details,
    }
    return EmailEvent(
        id=uuid4(),
        recipient="ada@people.example",
        template=template,
        subject="A subject",
        details=filled,
        created_at=datetime(2028, 1, 10, 9, tzinfo=UTC),
    )


@pytest.mark.spec("EM-1")
@pytest.mark.parametrize("template", sorted(LETTERS))
@pytest.mark.parametrize("is_mentor", [True, False])
@pytest.mark.parametrize("is_full", [True, False])
@pytest.mark.parametrize("start", [datetime(2028, 3, 1, 9, tzinfo=UTC), None])
def test_every_mail_can_be_rendered_with_the_facts_it_asks_for(
    template: str, is_mentor: bool, is_full: bool, start: datetime | None
) -> None:
    kind = LETTERS[template]
    event = a_record(template, start=start, role="mentor" if is_mentor else "mentee")
    if kind.about_session:
        event.details["session"]["reader_is_mentor"] = is_mentor
    given = kind.needs | (kind.may if is_full else frozenset())
    event.details["facts"] |= {
        name: value.isoformat() if isinstance(value := value_of(name), datetime) else value
        for name in given - kind.secret
    }
    letter = render(event, BRANDING, secret=dict.fromkeys(kind.secret, "/reset/abc"))
    assert subject_of(template, event.details, written_at=event.created_at)
    assert letter.text.startswith("Hello Ada Lovelace,\n\n")
    for part in (letter.text, letter.html):
        assert "None" not in part
        assert "{{" not in part
    assert "\n\n\n" not in letter.text.replace("\r", "")
    assert '<link rel="stylesheet"' not in letter.html
    assert 'style="' in letter.html, "mail programs read inline styles only"


# The table of the specification, name by name.
PROMISED = """
    booking_confirmed new_booking_alert booking_request_received request_approved request_rejected request_expired
    mentor_cancelled_reassigned mentor_cancelled_no_mentor mentee_cancelled mentee_cancellation_confirmation
    mentor_cancellation_confirmation new_mentor_assigned alternative_mentor_selected reschedule_request
    reschedule_countered reschedule_rejected reschedule_expired reschedule_confirmed reassignment_accepted
    reassignment_rejected admin_cancelled_session admin_refund_issued admin_reassigned_mentee admin_assigned_mentor
    session_reminder session_completed refund_processed refund_failed dispute_received dispute_updated dispute_resolved
    mentor_unassigned reschedule_withdrawn booking_expired late_payment_refunded no_show_marked meeting_link_missing
    reassignment_expired warning_issued account_suspended password_reset welcome mentor_verified mentor_declined
"""


@pytest.mark.spec("EM")
def test_every_mail_of_the_specification_exists_and_has_words(app: Flask) -> None:
    assert set(PROMISED.split()) - LETTERS.keys() == set()
    folder = Path(app.root_path).parent / "templates" / "email"
    written = {path.stem for path in folder.glob("*.txt")} - {"layout"}
    assert written == LETTERS.keys()


@pytest.mark.spec("EM-1", "ID-7")
@pytest.mark.parametrize(
    "zone, start, date, time",
    [
        ("Europe/Berlin", at("2028-03-25 09:00"), "Sat 25 Mar", "10:00 – 10:45 (Berlin, GMT+1)"),
        ("Europe/Berlin", at("2028-03-26 09:00"), "Sun 26 Mar", "11:00 – 11:45 (Berlin, GMT+2)"),
        ("Europe/Berlin", at("2028-03-26 00:30"), "Sun 26 Mar", "01:30 (GMT+1) – 03:15 (GMT+2) (Berlin)"),
        ("Europe/Berlin", at("2028-10-29 00:30"), "Sun 29 Oct", "02:30 (GMT+2) – 02:15 (GMT+1) (Berlin)"),
        ("Asia/Kolkata", at("2028-03-26 19:00"), "Mon 27 Mar", "00:30 – 01:15 (Kolkata, GMT+5:30)"),
        ("America/New_York", at("2028-03-12 06:59"), "Sun 12 Mar", "01:59 (GMT-5) – 03:44 (GMT-4) (New York)"),
        ("America/New_York", at("2028-03-12 14:00"), "Sun 12 Mar", "10:00 – 10:45 (New York, GMT-4)"),
        ("America/New_York", at("2028-11-05 06:30"), "Sun 5 Nov", "01:30 – 02:15 (New York, GMT-5)"),
        ("UTC", at("2029-01-01 23:30"), "Mon 1 Jan 2029", "23:30 – 00:15 (UTC)"),
    ],
)
def test_date_and_time_are_the_readers(zone: str, start: datetime, date: str, time: str) -> None:
    letter = render(a_record("booking_confirmed", zone=zone, start=start), BRANDING)
    assert f"  Date: {date}\n  Time: {time}\n" in letter.text
    assert time in letter.html


@pytest.mark.spec("EM-1")
def test_brand_and_links_are_the_installations(app: Flask) -> None:
    branding = Branding("Berg & Tal", "https://berg.example", "Berg <mail@berg.example>", "help@berg.example")
    event = a_record("session_completed", start=at("2028-03-01 10:00"))
    letter = render(event, branding)
    page = f"https://berg.example/sessions/{event.details['session']['id']}"
    assert f"Write a review:\n{page}\n" in letter.text
    assert f'href="{page}"' in letter.html
    assert "Berg &amp; Tal" in letter.html
    assert "Berg & Tal · https://berg.example" in letter.text
    assert letter.reply_to == "help@berg.example"


@pytest.mark.spec("SEC-1")
@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7777*7777 }}"])
def test_what_people_wrote_stays_text(text: str) -> None:
    event = a_record("request_rejected", start=at("2028-03-01 10:00"), title=text, name=text)
    event.details["facts"]["reason"] = text
    letter = render(event, BRANDING)
    assert "<script>" not in letter.html
    assert "<img" not in letter.html
    assert "60481729" not in letter.html
    assert letter.text.count(text) == 3


@pytest.mark.spec("SEC-1")
def test_a_line_break_makes_no_header_and_no_row_of_the_box(app: Flask, clock: Clock, run_outbox: RunOutbox) -> None:
    session = a_draft(title="A talk")
    with transaction():
        session.title = "A talk\r\nBcc: everybody@people.example"
        reason = "Sorry\n\nRefund: €1,000.00"
        send_mail(
            "request_rejected",
            session.mentee,
            facts={"reason": reason},
            session=session,
            ctx=context(SYSTEM, clock.now),
            cause="x",
        )
    event = the_only_mail("request_rejected")
    assert event.subject.endswith("A talk Bcc: everybody@people.example")
    letter = render(event, BRANDING)
    assert letter.as_message()["Bcc"] is None
    assert "“Sorry Refund: €1,000.00”" in letter.text
    assert run_outbox(kind="mail.send") == [("mail.send", "done")]


# -- the invitation ----------------------------------------------------------------------------------------------------


@pytest.mark.spec("EM-1", "DB-6", "BK-3")
def test_a_confirmed_booking_reaches_both_with_an_invitation(
    app: Flask, run_outbox: RunOutbox, mailbox: Callable[[EmailEvent], EmailMessage]
) -> None:
    mentor = a_mentor(name="Grace Hopper", timezone="America/New_York", rate_minor=3_500)
    mentee = a_mentee(name="Ada Lovelace", timezone="Asia/Kolkata")
    session = a_paid_session(mentor=mentor, mentee=mentee, at=at("2028-03-01 15:00"), title="Career planning 🚀")
    outcomes = run_outbox()
    assert set(outcomes) == {("mail.send", "done"), ("meeting.create", "done")}
    event = the_only_mail("booking_confirmed")
    assert (event.status, event.attempts, event.recipient) == (EmailState.SENT, 1, mentee.email)
    message = mailbox(event)
    assert message["Subject"] == "Confirmed: Career planning 🚀 with Grace Hopper, Wed 1 Mar, 20:30 (Kolkata)"
    assert "Paid: €35.00" in text_of(message)
    assert "Cancelling: free until Tue 29 Feb, 20:30 (Kolkata)" in text_of(message)
    method, calendar = calendar_of(message)
    invitation = calendar.events[0]
    assert (method, str(calendar["METHOD"])) == ("REQUEST", "REQUEST")
    assert invitation.start == at("2028-03-01 15:00")
    assert invitation.end == at("2028-03-01 16:00")
    assert str(invitation["UID"]) == f"session-{session.id}@mentordesk.example"
    assert invitation["ATTENDEE"] == f"mailto:{mentee.email}", "nobody else's address"
    assert invitation["ORGANIZER"] == "mailto:no-reply@mentordesk.example"
    mentors = mailbox(the_only_mail("new_booking_alert"))
    assert "10:00 – 11:00 (New York, GMT-5)" in text_of(mentors)
    assert calendar_of(mentors)[1].events[0]["UID"] == invitation["UID"]


@pytest.mark.spec("JN-2")
def test_the_meeting_link_stands_in_no_mail_and_no_calendar(
    app: Flask, run_outbox: RunOutbox, mailbox: Callable[[EmailEvent], EmailMessage], clock: Clock
) -> None:
    session = fresh(a_paid_session())
    run_outbox()
    session = fresh(session)
    assert session.meeting_url
    with transaction():
        send_mail(
            "new_booking_alert",
            session.mentor,
            session=session,
            ctx=context(SYSTEM, clock.now),
            cause="once more",
            with_ics="request",
        )
    run_outbox()
    for event in db.session.scalars(select(EmailEvent)):
        everything = b"".join(part.get_payload(decode=True) or b"" for part in mailbox(event).walk())
        assert session.meeting_url.encode() not in everything
        assert session.meeting_ref.encode() not in everything


@pytest.mark.spec("DB-6", "CX-5")
def test_a_cancellation_withdraws_the_same_event(
    app: Flask, run_outbox: RunOutbox, mailbox: Callable[[EmailEvent], EmailMessage]
) -> None:
    a_cancelled_session()
    run_outbox()
    _, invited = calendar_of(mailbox(the_only_mail("booking_confirmed")))
    method, withdrawn = calendar_of(mailbox(the_only_mail("mentee_cancellation_confirmation")))
    before, after = invited.events[0], withdrawn.events[0]
    assert method == "CANCEL"
    assert after["UID"] == before["UID"]
    assert after["SEQUENCE"] > before["SEQUENCE"]
    assert after["STATUS"] == "CANCELLED"
    assert after.start == before.start
    assert after["ORGANIZER"] == before["ORGANIZER"]
    assert not after.alarms.times


@pytest.mark.spec("DB-6")
def test_a_downloaded_file_names_nobodys_address() -> None:
    facts = CalendarFacts(uuid4(), "A talk; with, signs", "Grace", at("2028-03-26 00:30"), 90, 3, START)
    content = calendar_file(facts, method="PUBLISH", organizer=BRANDING.sender, public_url="https://desk.example")
    assert b"DTSTART:20280326T003000Z\r\n" in content
    assert b"DTEND:20280326T020000Z\r\n" in content
    found = Calendar.from_ical(content)
    assert "ATTENDEE" not in found.events[0]
    assert found.events[0]["SUMMARY"] == "A talk; with, signs with Grace"
    assert found.events[0]["URL"] == f"https://desk.example/sessions/{facts.session_id}"


# -- delivery ----------------------------------------------------------------------------------------------------------


class Postman:
    """A mailer that remembers, and fails when told to."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.trouble: list[ProviderFailed] = []

    def send(self, letter: Letter) -> None:
        if self.trouble:
            raise self.trouble.pop(0)
        self.letters.append(letter)


@pytest.fixture
def postman(app: Flask) -> Any:
    made, before = Postman(), app.extensions["desk-adapters"]
    app.extensions["desk-adapters"] = replace(before, mailer=made)
    yield made
    app.extensions["desk-adapters"] = before


def queue_reset(clock: Clock) -> EmailEvent:
    mentee = a_mentee()
    with transaction():
        send_mail(
            "password_reset", mentee, facts={"url": "/reset/s3cr3t"}, ctx=context(SYSTEM, clock.now), cause="reset:1"
        )
    return the_only_mail("password_reset")


@pytest.mark.spec("ID-2", "SEC-2")
def test_a_link_for_one_use_is_kept_only_until_it_is_sent(
    app: Flask, clock: Clock, postman: Postman, run_outbox: RunOutbox
) -> None:
    event = queue_reset(clock)
    assert "s3cr3t" not in str(event.details)
    assert "s3cr3t" not in render(event, BRANDING).text, "staff can preview it"
    assert run_outbox() == [("mail.send", "done")]
    assert "http://localhost/reset/s3cr3t" in postman.letters[0].text
    row = db.session.scalars(select(OutboxRow).execution_options(populate_existing=True)).one()
    assert row.payload == {"event_id": str(event.id)}
    with pytest.raises(Invalid, match="one use"), transaction():
        send_again(event.id, ctx=context(SYSTEM, clock.now))


@pytest.mark.spec("ID-2")
def test_a_reset_that_could_not_be_sent_in_its_hour_is_not_sent_at_all(
    app: Flask, clock: Clock, postman: Postman, run_outbox: RunOutbox
) -> None:
    event = queue_reset(clock)
    clock.advance(hours=1, seconds=1)
    assert run_outbox() == [("mail.send", "too_late")]
    db.session.expire_all()
    row = db.session.scalars(select(OutboxRow)).one()
    assert (row.state, "secret" in row.payload) == (OutboxState.WITHDRAWN, False)
    assert event.status is EmailState.FAILED
    assert postman.letters == []


@pytest.mark.spec("EM-2", "EM-3")
def test_a_server_that_is_down_delays_a_mail_and_the_record_says_so(
    app: Flask, clock: Clock, postman: Postman, run_outbox: RunOutbox
) -> None:
    mentee = a_mentee()
    with transaction():
        send_mail("welcome", mentee, ctx=context(SYSTEM, clock.now), cause="welcome")
    postman.trouble = [ProviderFailed("Connection refused")] * 3
    for attempt in (1, 2, 3):
        assert run_outbox() == [("mail.send", "later")]
        db.session.expire_all()
        event = the_only_mail("welcome")
        assert (event.status, event.attempts, event.error) == (EmailState.QUEUED, attempt, "Connection refused")
        clock.advance(minutes=5)
    assert run_outbox() == [("mail.send", "done")]
    db.session.expire_all()
    event = the_only_mail("welcome")
    assert (event.status, event.attempts, event.error, event.sent_at) == (EmailState.SENT, 4, None, clock.now)


@pytest.mark.spec("EM-2")
def test_a_refused_address_is_final_until_staff_send_it_again(
    app: Flask, clock: Clock, postman: Postman, run_outbox: RunOutbox
) -> None:
    with transaction():
        send_mail("welcome", a_mentee(), ctx=context(SYSTEM, clock.now), cause="welcome")
    postman.trouble = [ProviderFailed("550 no such user", retryable=False)]
    assert run_outbox() == [("mail.send", "dead")]
    db.session.expire_all()
    event = the_only_mail("welcome")
    assert event.status is EmailState.FAILED
    with transaction():
        send_again(event.id, ctx=context(SYSTEM, clock.now))
    with pytest.raises(Invalid, match="on its way"), transaction():
        send_again(event.id, ctx=context(SYSTEM, clock.now))
    assert run_outbox() == [("mail.send", "done")]
    assert len(postman.letters) == 1


@pytest.mark.spec("EM-3")
def test_a_worker_that_died_after_sending_sends_a_recognisable_duplicate(
    app: Flask, clock: Clock, postman: Postman, run_outbox: RunOutbox
) -> None:
    """No server takes a mail exactly once; the second copy has the first one's Message-ID."""
    with transaction():
        send_mail("welcome", a_mentee(), ctx=context(SYSTEM, clock.now), cause="welcome")
    assert run_outbox(kill_after="act") == [("mail.send", "killed")]
    clock.advance(minutes=2)
    assert run_outbox() == [("mail.send", "done")]
    first, second = postman.letters
    assert first.message_id == second.message_id
    assert first == second


@pytest.mark.spec("EM-4")
def test_the_local_mailbox_holds_a_duplicate_once(tmp_path: Path) -> None:
    box = LocalMailbox(tmp_path)
    letter = render(a_record("welcome"), BRANDING)
    box.send(letter)
    box.send(letter)
    assert [path.name for path in tmp_path.iterdir()] == [f"{letter.id}.eml"]


# -- notifications -----------------------------------------------------------------------------------------------------


@pytest.mark.spec("NT-1")
def test_a_notification_is_written_with_its_cause(app: Flask, clock: Clock) -> None:
    session: MentoringSession = a_draft()
    before = db.session.scalar(select(func.count(Notification.id)))
    with transaction():
        notify(
            session.mentee_id,
            NotificationType.BOOKING_EXPIRED,
            title="Booking expired",
            body="The time is free again.",
            action_url="/mentors",
            session_id=session.id,
            ctx=context(SYSTEM, clock.now + timedelta(minutes=1)),
        )
    row = db.session.scalars(select(Notification).order_by(Notification.number.desc()).limit(1)).one()
    assert (row.title, row.action_url, row.read_at) == ("Booking expired", "/mentors", None)
    assert db.session.scalar(select(func.count(Notification.id))) == (before or 0) + 1


@pytest.mark.spec("NT-1", "SEC-1")
@pytest.mark.parametrize("address", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_a_notification_leads_nowhere_else(app: Flask, clock: Clock, address: str) -> None:
    with pytest.raises(ValueError, match="path"):
        notify(uuid4(), "new_booking", title="x", body="x", action_url=address, ctx=context(SYSTEM, clock.now))
