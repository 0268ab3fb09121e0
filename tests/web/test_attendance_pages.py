"""Saying that somebody did not come, and giving a link by hand: as pages (NS-1, JN-4)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from app.domain.vocabulary import MeetingType, Party, SessionStatus
from tests.factories.people import a_mentor, an_offering, sign_in
from tests.factories.sessions import START_AT, a_paid_session, a_running_session, book, fresh, pay
from tests.outbox import RunOutbox
from tests.world import Clock

LATER = START_AT + timedelta(minutes=10)


@pytest.mark.spec("NS-1", "NS-2")
def test_the_mentee_sees_the_refund_before_saying_so(client: FlaskClient, clock: Clock) -> None:
    session = a_running_session(joined=[Party.MENTEE])
    clock.set(START_AT)
    sign_in(client, session.mentee)
    assert "did not come" not in client.get(f"/sessions/{session.id}").text, "the grace is not over"
    clock.set(LATER)
    assert "Mentor did not come" in client.get(f"/sessions/{session.id}").text

    page = client.get(f"/sessions/{session.id}/no-show")
    assert page.status_code == 200
    assert "Everything you paid goes back to you" in page.text
    assert "50.00" in page.text
    done = client.post(f"/sessions/{session.id}/no-show", follow_redirects=True)

    assert fresh(session).status is SessionStatus.NO_SHOW
    assert f"Missed by {session.mentor.name}." in done.text
    assert "A refund of" in done.text


@pytest.mark.spec("NS-1", "NS-2")
def test_the_mentor_sees_that_the_earnings_stand(client: FlaskClient, clock: Clock) -> None:
    session = a_running_session(joined=[Party.MENTOR])
    clock.set(LATER)
    sign_in(client, session.mentor)
    page = client.get(f"/sessions/{session.id}/no-show")
    assert "Your earnings stand" in page.text
    assert "35.00" in page.text
    client.post(f"/sessions/{session.id}/no-show")
    assert fresh(session).no_show_party is Party.MENTEE


@pytest.mark.spec("NS-1")
def test_who_joined_cannot_be_reported_and_the_page_says_why(client: FlaskClient, clock: Clock) -> None:
    session = a_running_session()
    clock.set(LATER)
    sign_in(client, session.mentee)
    page = client.get(f"/sessions/{session.id}/no-show", follow_redirects=True)
    assert "report a problem instead" in page.text
    assert fresh(session).status is SessionStatus.IN_PROGRESS


@pytest.mark.spec("JN-4", "JN-2")
def test_a_mentor_gives_a_link_by_hand_where_none_could_be_made(
    client: FlaskClient, clock: Clock, run_outbox: RunOutbox
) -> None:
    session = a_paid_session()
    sign_in(client, session.mentor)
    assert "There is no meeting link yet" in client.get(f"/sessions/{session.id}").text

    wrong = client.post(f"/sessions/{session.id}/meeting-link", data={"meeting_url": "http://meet.example/x"})
    assert wrong.status_code == 422
    assert "begins with https://" in wrong.text
    done = client.post(
        f"/sessions/{session.id}/meeting-link", data={"meeting_url": "https://meet.example/x"}, follow_redirects=True
    )

    assert fresh(session).meeting_url == "https://meet.example/x"
    assert "There is no meeting link yet" not in done.text
    assert "https://meet.example/x" not in done.text, "released around the start only"
    run_outbox()
    assert fresh(session).meeting_url == "https://meet.example/x", "a room that is made late does not replace it"


@pytest.mark.spec("JN-4")
def test_the_mentee_reads_that_the_link_is_being_made(client: FlaskClient, clock: Clock) -> None:
    session = a_paid_session()
    sign_in(client, session.mentee)
    assert "The meeting link is not ready yet" in client.get(f"/sessions/{session.id}").text
    assert client.get(f"/sessions/{session.id}/meeting-link").status_code == 403


@pytest.mark.spec("JN-5")
@pytest.mark.parametrize("kind", [MeetingType.CHAT, MeetingType.IN_PERSON])
def test_what_takes_place_without_a_room_asks_for_no_link(client: FlaskClient, clock: Clock, kind: MeetingType) -> None:
    mentor = a_mentor()
    session = book(mentor=mentor, meeting_type=kind, offering_id=an_offering(mentor, meeting_types=[kind.value]).id)
    pay(session)
    sign_in(client, mentor)
    assert "meeting link" not in client.get(f"/sessions/{session.id}").text
    refused = client.get(f"/sessions/{session.id}/meeting-link", follow_redirects=True)
    assert "without a meeting room" in refused.text
