"""A calendar to subscribe to: one event a session for life, under a secret address (DB-6)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from icalendar import Calendar

from app.booking.cancel import cancel_session
from app.domain.vocabulary import CancellationCategory
from app.extensions import db
from app.foundation.transaction import transaction
from app.http.limits import limiter
from app.models import MentoringSession
from tests.factories.people import a_mentee, a_mentor, a_support_agent, ctx_of, sign_in
from tests.factories.sessions import START_AT, a_draft, a_paid_session, a_pending_request, an_approved_request, fresh
from tests.world import Clock

pytestmark = [pytest.mark.usefixtures("app", "clock"), pytest.mark.spec("DB-6")]


def address(browser: FlaskClient) -> str:
    """A new one, as its owner copies it."""
    page = browser.post("/account/calendar").text
    found = re.search(r'data-copy="http://localhost(/calendar/[^"]+\.ics)"', page)
    assert found
    return found[1]


def events(client: FlaskClient, path: str) -> dict[str, tuple[str, int]]:
    """Status and number of each event by its id, as a calendar that signs in nowhere reads them."""
    answer = client.application.test_client().get(path)
    assert (answer.status_code, answer.mimetype) == (200, "text/calendar")
    found = Calendar.from_ical(answer.get_data())
    return {str(one["uid"]): (str(one["status"]), int(one["sequence"])) for one in found.walk("VEVENT")}


def uid(session: MentoringSession) -> str:
    return f"session-{session.id}@mentordesk.example"


def test_a_calendar_shows_what_is_confirmed_and_takes_out_what_was_cancelled(client: FlaskClient) -> None:
    mentee, mentor = a_mentee(), a_mentor()
    session = a_paid_session(mentee=mentee, mentor=mentor)
    for hours, make in enumerate((a_draft, a_pending_request, an_approved_request), start=2):
        make(mentee=mentee, at=START_AT + timedelta(hours=hours))
    path = address(sign_in(client, mentee))
    assert events(client, path) == {uid(session): ("CONFIRMED", 0)}
    cancel_session(
        session.id, category=CancellationCategory.SCHEDULE_CONFLICT, reason="", ctx=ctx_of(fresh(session).mentee)
    )
    assert events(client, path) == {uid(session): ("CANCELLED", 1)}


@pytest.mark.spec("JN-2")
def test_it_leads_to_the_sessions_page_and_never_to_the_meeting(client: FlaskClient) -> None:
    session = fresh(a_paid_session())
    with transaction():
        db.session.execute(db.update(MentoringSession).values(meeting_url="https://meet.example/secret-room"))
    text = client.get(address(sign_in(client, session.mentee))).text.replace("\r\n ", "")
    assert f"http://localhost/sessions/{session.id}" in text
    assert "secret-room" not in text


def test_a_former_mentors_calendar_takes_the_session_out(client: FlaskClient) -> None:
    session = fresh(a_paid_session())
    former, following = session.mentor, a_mentor()
    path = address(sign_in(client, former))
    with transaction():
        db.session.execute(
            db.update(MentoringSession)
            .where(MentoringSession.id == session.id)
            .values(
                mentor_id=following.id, cancelled_mentor_ids=[former.id], reassigned_from_mentor_id=former.id,
                calendar_sequence=1,
            )
        )  # fmt: skip
    assert events(client, path) == {uid(session): ("CANCELLED", 1)}
    assert events(client, address(sign_in(client, following))) == {uid(session): ("CONFIRMED", 1)}


def test_what_is_long_past_is_left_out(client: FlaskClient, clock: Clock) -> None:
    session = fresh(a_paid_session())
    path = address(sign_in(client, session.mentee))
    clock.set(START_AT + timedelta(days=89))
    assert len(events(client, path)) == 1
    clock.set(START_AT + timedelta(days=91))
    assert events(client, path) == {}


def test_a_new_address_ends_the_one_before_and_ending_it_ends_all(client: FlaskClient) -> None:
    browser = sign_in(client, a_mentee())
    first = address(browser)
    second = address(browser)
    assert first != second
    assert client.get(first).status_code == 404
    assert client.get(second).status_code == 200
    assert second.split("/")[-1].removesuffix(".ics") not in browser.get("/account/calendar").text
    browser.post("/account/calendar/end")
    assert client.get(second).status_code == 404


@pytest.mark.spec("ID-4")
def test_a_suspended_persons_feed_is_gone(client: FlaskClient, clock: Clock) -> None:
    mentee = a_mentee()
    path = address(sign_in(client, mentee))
    with transaction():
        mentee.suspended_at, mentee.suspension_reason = clock.now, "Abuse"
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("secret", ["x", "x" * 5_000, "%00", "../x"])
def test_a_guessed_address_is_answered_as_any_page_that_is_not(client: FlaskClient, secret: str) -> None:
    assert client.get(f"/calendar/{secret}.ics").status_code in {404, 400}


def test_an_unchanged_calendar_is_not_sent_again(client: FlaskClient) -> None:
    session = fresh(a_paid_session())
    path = address(sign_in(client, session.mentee))
    first = client.get(path)
    assert first.headers["Cache-Control"] == "private, max-age=300"
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.get_data()) == (304, b"")


@pytest.mark.spec("API-3")
def test_asking_too_often_and_guessing_come_to_an_end(client: FlaskClient) -> None:
    path = address(sign_in(client, a_mentee()))
    limiter.enabled = True
    limiter.reset()
    try:
        assert {client.get(path).status_code for _ in range(60)} == {200}
        assert client.get(path).status_code == 429
        limiter.reset()
        answers = [client.get(f"/calendar/guess{number}.ics").status_code for number in range(31)]
        assert (set(answers[:30]), answers[30]) == ({404}, 429)
    finally:
        limiter.reset()
        limiter.enabled = False


def test_staff_have_no_calendar_of_sessions(client: FlaskClient) -> None:
    assert sign_in(client, a_support_agent()).get("/account/calendar").status_code == 403
