"""When a mentor can be booked and what is offered, through the pages (AV-1, AV-7)."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models import AvailabilityException, MentorOffering, MentorSchedule, User, WeeklyPattern
from tests.factories.people import a_mentor, offering_of, sign_in
from tests.factories.sessions import a_paid_session

pytestmark = pytest.mark.usefixtures("app", "clock")

RULES = {
    "timezone": "UTC", "is_active": "on", "buffer_minutes": "15", "min_notice_hours": "2", "max_advance_days": "60",
    "slot_interval_minutes": "30", "version": "1",
}  # fmt: skip


@pytest.fixture
def mentor(client: FlaskClient) -> User:
    user = a_mentor()
    sign_in(client, user)
    return user


def day(number: int, *blocks: tuple[str, str, str], is_on: bool = True) -> dict[str, object]:
    """The fields of one weekday."""
    starts, ends, kinds = ([block[part] for block in blocks] for part in range(3))
    fields: dict[str, object] = {f"d{number}_start": starts, f"d{number}_end": ends, f"d{number}_type": kinds}
    return fields | ({f"d{number}_on": "on"} if is_on else {})


def preview_of(text: str) -> str:
    return text.split("data-preview", 1)[1].split("</aside>", 1)[0]


@pytest.mark.spec("AV-1")
def test_the_page_shows_the_week_and_what_mentees_will_see(client: FlaskClient, mentor: User) -> None:
    page = client.get("/mentor/availability")
    assert page.status_code == 200
    assert 'name="d0_start" value="09:00"' in page.text
    assert "09:00 to 16:00" in preview_of(page.text)
    assert "15 times" in preview_of(page.text)


@pytest.mark.spec("AV-1")
def test_a_preview_saves_nothing(client: FlaskClient, mentor: User) -> None:
    changed = {**RULES, **day(1, ("10:00", "12:00", "AVAILABLE"))}
    page = client.post("/mentor/availability", data={**changed, "do": "preview"})
    assert page.status_code == 200
    shown = preview_of(page.text)
    assert "Not saved yet." in shown
    assert "10:00 to 11:00" in shown
    assert "16:00" not in shown
    assert "09:00 to 16:00" in preview_of(client.get("/mentor/availability").text)


@pytest.mark.spec("AV-1")
def test_several_blocks_and_breaks_are_saved(client: FlaskClient, mentor: User) -> None:
    blocks = (
        ("09:00", "12:00", "AVAILABLE"),
        ("18:00", "20:00", "AVAILABLE"),
        ("10:00", "10:30", "BREAK"),
        ("", "", ""),
    )
    answer = client.post("/mentor/availability", data={**RULES, **day(1, *blocks), "buffer_minutes": "0"})
    assert answer.status_code == 303
    saved = db.session.scalars(select(MentorSchedule).where(MentorSchedule.mentor_id == mentor.id)).one()
    assert (saved.buffer_minutes, saved.version) == (0, 2)
    tuesday = db.session.scalars(select(WeeklyPattern).where(WeeklyPattern.weekday == 1)).one()
    assert len(tuesday.blocks) == 3
    page = client.get("/mentor/availability")
    assert "Your availability is saved." in page.text
    assert 'value="18:00"' in page.text
    assert "Wednesday" not in preview_of(page.text)


@pytest.mark.spec("AV-1")
@pytest.mark.parametrize(
    "changes, words",
    [
        (day(1, ("09:00", "12:00", "AVAILABLE"), ("11:00", "13:00", "AVAILABLE")), "Two blocks on Tuesday overlap."),
        (day(2, ("9", "12:00", "AVAILABLE")), "Wednesday: Give a time of day, such as 09:00."),
        (day(3), "Thursday: A day that is on needs a time in which you are available."),
        ({"buffer_minutes": "-1"}, "Pause between sessions: give a whole number."),
        ({"slot_interval_minutes": "1"}, "A start every: Between 5 and 240."),
        ({"timezone": "Mars/Base"}, "Choose a time zone such as Europe/Berlin."),
    ],
)
def test_what_cannot_be_used_is_named(
    client: FlaskClient, mentor: User, changes: dict[str, object], words: str
) -> None:
    page = client.post("/mentor/availability", data={**RULES, **changes})
    assert page.status_code == 422
    assert words in page.text


@pytest.mark.spec("AV-1")
def test_a_change_on_another_screen_is_not_overwritten(client: FlaskClient, mentor: User) -> None:
    fields = {**RULES, **day(0, ("10:00", "12:00", "AVAILABLE"))}
    assert client.post("/mentor/availability", data=fields).status_code == 303
    answer = client.post("/mentor/availability", data=fields)
    assert answer.status_code == 303
    assert "changed on another screen" in client.get(answer.location.split("#")[0]).text


@pytest.mark.spec("AV-1")
def test_a_day_off_is_added_and_taken_back(client: FlaskClient, mentor: User) -> None:
    assert "Tomorrow" in preview_of(client.get("/mentor/availability").text)
    client.post(
        "/mentor/availability/exceptions", data={"kind": "blocked", "from_day": "2028-02-29", "reason": "<i>Rest</i>"}
    )
    row = db.session.scalars(select(AvailabilityException)).one()
    assert (row.ends_at - row.starts_at).total_seconds() == 86_400
    page = client.get("/mentor/availability").text
    assert "Tomorrow" not in preview_of(page)
    assert "<i>Rest" not in page
    other = a_mentor()
    sign_in(client, other).post(f"/mentor/availability/exceptions/{row.id}/remove")
    assert db.session.scalars(select(AvailabilityException.id)).all() == [row.id]
    sign_in(client, mentor).post(f"/mentor/availability/exceptions/{row.id}/remove")
    assert db.session.scalars(select(AvailabilityException.id)).all() == []


@pytest.mark.spec("AV-1")
def test_blocking_a_booked_time_says_that_the_session_stands(client: FlaskClient) -> None:
    session = a_paid_session()
    sign_in(client, session.mentor)
    answer = client.post("/mentor/availability/exceptions", data={"kind": "blocked", "from_day": "2028-03-01"})
    assert "1 session lies in it" in client.get(answer.location.split("#")[0]).text


@pytest.mark.spec("AV-1")
@pytest.mark.parametrize(
    "fields, words",
    [
        ({"from_day": ""}, "Choose a day and a time."),
        ({"from_day": "0001-01-01"}, "Choose a day in this century."),
        ({"from_day": "2028-03-02", "to_day": "2028-03-01"}, "The end must come after the start."),
        ({"from_day": "2027-01-01"}, "This time has passed already."),
    ],
)
def test_an_exception_that_makes_no_sense_is_refused(
    client: FlaskClient, mentor: User, fields: dict[str, str], words: str
) -> None:
    answer = client.post("/mentor/availability/exceptions", data=fields)
    assert answer.status_code == 303
    assert words in client.get(answer.location.split("#")[0]).text


OFFER = {
    "title": "A quick look", "duration": "30", "rate": "20.50", "currency": "EUR", "booking_mode": "instant",
    "meeting_types": ["video", "audio"],
}  # fmt: skip


@pytest.mark.spec("AV-7")
def test_an_offering_is_made_changed_retired_and_offered_again(client: FlaskClient, mentor: User) -> None:
    assert client.post("/mentor/offerings/new", data=OFFER).status_code == 303
    made = db.session.scalars(select(MentorOffering).where(MentorOffering.title == "A quick look")).one()
    assert (made.rate_minor, made.duration, made.meeting_types) == (2_050, 30, ["video", "audio"])
    place = f"/mentor/offerings/{made.id}"
    assert 'value="20.50"' in client.get(place).text
    client.post(place, data={**OFFER, "rate": "0"})
    assert "Free" in client.get("/mentor/offerings").text
    client.post(f"{place}/retire")
    assert "Retired" in client.get("/mentor/offerings").text
    assert "A quick look" not in client.get(f"/mentors/{mentor.id}").text
    client.post(f"{place}/restore")
    assert "A quick look" in client.get(f"/mentors/{mentor.id}").text


@pytest.mark.spec("AV-7")
@pytest.mark.parametrize(
    "changes, words",
    [
        ({"rate": "a lot"}, "Write a price such as 50.00"),
        ({"rate": "-1"}, "Give a price that is not negative"),
        ({"duration": "2"}, "Between 5 and 1440 minutes."),
        ({"title": "x"}, "Between 3 and 120 characters."),
        ({"meeting_types": []}, "Choose at least one way to meet."),
        ({"meeting_types": ["in_person"]}, "Say where you meet."),
    ],
)
def test_an_offering_that_cannot_be_used_says_why(
    client: FlaskClient, mentor: User, changes: dict[str, object], words: str
) -> None:
    page = client.post("/mentor/offerings/new", data={**OFFER, **changes})
    assert page.status_code == 422
    assert words in page.text


@pytest.mark.spec("AV-7", "INV-8")
def test_anothers_offering_is_not_found(client: FlaskClient, mentor: User) -> None:
    other = offering_of(a_mentor())
    for path in ("", "/retire", "/restore"):
        assert client.post(f"/mentor/offerings/{other.id}{path}", data=OFFER).status_code == 404
