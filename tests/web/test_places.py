"""Meeting in person: at the mentor's place, or where the mentee asks and the mentor agrees (JN-5)."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.booking.book import create_booking
from app.booking.review_request import approve_request
from app.domain.errors import Invalid
from app.domain.vocabulary import BookingMode, MeetingType
from app.extensions import db
from app.models import MentoringSession, User
from tests.factories.people import a_mentee, a_mentor, an_offering, ctx_of, offering_of, sign_in
from tests.factories.sessions import START_AT, book, fresh

pytestmark = pytest.mark.usefixtures("app", "clock")

KINDS = ("video", "in_person")
OFFICE, CAFE = "Harbour Street 4", "Café Nord, Main Square 1"


def a_mentor_to_meet(mode: BookingMode = BookingMode.REQUEST) -> User:
    mentor = a_mentor(name="Ada Berg", booking_mode=mode, meeting_types=KINDS, rate_minor=0)
    offering_of(mentor).location = OFFICE
    db.session.flush()
    return mentor


def wizard(client: FlaskClient, mentor: User, **changes: Any) -> MentoringSession | str:
    """Steps 2 and 3; the session, or what the second step says."""
    offering = offering_of(mentor)
    where = f"?start=2028-03-01T10:00:00Z&offering={offering.id}"
    words = {"offering": str(offering.id), "meeting_type": "in_person", "title": "How to lead", **changes}
    answer = client.post(f"/book/{mentor.id}/details{where}", data=words)
    if answer.status_code == 422:
        return answer.text
    page = client.get(answer.location).text
    fields = {
        name: unescape(value) for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)
    }
    assert client.post(f"/book/{mentor.id}/confirm{where}", data=fields).status_code == 303
    return fresh(db.session.scalars(db.select(MentoringSession)).one())


@pytest.mark.spec("JN-5", "BK-2")
def test_in_the_wizard_the_mentors_place_is_shown_and_another_can_be_asked_for(client: FlaskClient) -> None:
    mentor, mentee = a_mentor_to_meet(), a_mentee()
    sign_in(client, mentee)
    page = client.get(f"/book/{mentor.id}/details?start=2028-03-01T10:00:00Z&offering={offering_of(mentor).id}").text
    assert f"In person, {OFFICE}" in page
    assert 'name="location"' in page
    session = wizard(client, mentor, location=CAFE)
    assert isinstance(session, MentoringSession)
    assert session.location == CAFE
    sign_in(client, mentor)
    assert CAFE in client.get(f"/sessions/{session.id}/approve").text


@pytest.mark.spec("JN-5", "DB-6")
def test_the_agreed_place_stands_on_the_page_and_in_the_calendar(client: FlaskClient) -> None:
    mentor, mentee = a_mentor_to_meet(), a_mentee()
    session = book(mentor=mentor, mentee=mentee, meeting_type=MeetingType.IN_PERSON, location=CAFE)
    approve_request(session.id, message="See you there", ctx=ctx_of(mentor))
    sign_in(client, mentee)
    assert CAFE in client.get(f"/sessions/{session.id}").text
    assert f"LOCATION:{CAFE}".replace(",", "\\,") in client.get(f"/sessions/{session.id}/calendar.ics").text


@pytest.mark.spec("JN-5", "BK-5")
def test_an_offering_that_the_mentor_chooses_keeps_the_place_that_was_asked_for() -> None:
    mentor = a_mentor_to_meet()
    an_offering(
        mentor,
        booking_mode=BookingMode.REQUEST,
        meeting_types=KINDS,
        location="Elsewhere 9",
        title="Long",
        rate_minor=0,
    )
    session = create_booking(
        mentor_id=mentor.id, offering_id=None, scheduled_at=None, meeting_type=MeetingType.IN_PERSON, title="Lead",
        preferred_time_note="Evenings", location=CAFE, ctx=ctx_of(a_mentee()),
    )  # fmt: skip
    offering = offering_of(mentor, "Long").id
    approve_request(session.id, message="Fine", offering_id=offering, scheduled_at=START_AT, ctx=ctx_of(mentor))
    session = fresh(session)
    assert (session.offering_id, session.location) == (offering, CAFE)


@pytest.mark.spec("JN-5", "BK-10")
@pytest.mark.parametrize(
    "mode, kind, place",
    [
        (BookingMode.INSTANT, MeetingType.IN_PERSON, CAFE),
        (BookingMode.REQUEST, MeetingType.VIDEO, CAFE),
        (BookingMode.REQUEST, MeetingType.IN_PERSON, "x" * 301),
    ],
)
def test_nobody_is_booked_to_go_somewhere_without_having_agreed(
    mode: BookingMode, kind: MeetingType, place: str
) -> None:
    mentor = a_mentor_to_meet(mode)
    with pytest.raises(Invalid) as refused:
        book(mentor=mentor, meeting_type=kind, location=place)
    assert set(refused.value.fields) == {"location"}
    assert book(mentor=mentor, meeting_type=MeetingType.IN_PERSON).location == OFFICE


@pytest.mark.spec("JN-5", "BK-2")
def test_a_place_typed_for_a_call_is_forgotten(client: FlaskClient) -> None:
    mentor = a_mentor_to_meet()
    sign_in(client, a_mentee())
    session = wizard(client, mentor, meeting_type="video", location=CAFE)
    assert isinstance(session, MentoringSession)
    assert session.location is None


@pytest.mark.spec("JN-5", "API-1")
def test_the_api_takes_a_place_too(client: FlaskClient) -> None:
    mentor = a_mentor_to_meet()
    sign_in(client, a_mentee())
    body = {
        "mentorId": str(mentor.id), "offeringId": str(offering_of(mentor).id), "scheduledAt": "2028-03-01T10:00:00Z",
        "meetingType": "in_person", "title": "How to lead", "location": CAFE,
    }  # fmt: skip
    assert client.post("/api/bookings", json=body).get_json()["data"]["location"] == CAFE
