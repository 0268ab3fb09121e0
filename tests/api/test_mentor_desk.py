"""A mentor's schedule, offerings, mentees and wallet over the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from app.models import User
from tests.api.contract import Caller, data_of, error_of
from tests.factories.people import a_mentee, a_mentor, a_support_agent, offering_of
from tests.factories.sessions import a_completed_session, a_paid_session, fresh

Calling = Callable[[User], Caller]
OFFERING = {
    "title": "Deep review", "duration": 90, "rate": 75.5, "currency": "EUR", "bookingMode": "instant",
    "meetingTypes": ["video"],
}  # fmt: skip


def writable(schedule: dict[str, Any]) -> dict[str, Any]:
    """What was read, as it can be sent back."""
    return {name: value for name, value in schedule.items() if name != "exceptions"}


@pytest.mark.spec("AV-1")
def test_a_schedule_is_read_changed_and_given_back(calling: Calling) -> None:
    me = calling(a_mentor(timezone="Europe/Berlin"))
    schedule = data_of(me.get("/api/mentor/schedule"))
    given = writable(schedule) | {"bufferMinutes": 30}
    given["days"][6] = {"weekday": 6, "isEnabled": True, "blocks": [{"start": "22:00", "end": "02:00"}]}

    saved = data_of(me.put("/api/mentor/schedule", given))

    assert saved["bufferMinutes"] == 30
    assert saved["version"] == schedule["version"] + 1
    assert saved["days"][6]["blocks"] == [{"start": "22:00", "end": "02:00", "type": "AVAILABLE"}]
    assert data_of(me.get("/api/mentor/schedule")) == saved
    error_of(me.put("/api/mentor/schedule", given), 409, "stale_version")


@pytest.mark.parametrize(
    "change, field",
    [
        ({"timezone": "Europe/Nowhere"}, "timezone"),
        ({"bufferMinutes": 241}, "bufferMinutes"),
        ({"bufferMinutes": "15"}, "bufferMinutes"),
        ({"days": [{"weekday": 7}]}, "days.0.weekday"),
        ({"days": [{"weekday": 1}, {"weekday": 1}]}, "days"),
        ({"days": [{"weekday": 4, "blocks": [{"start": "25:00", "end": "26:00"}]}]}, "days.0.blocks.0.start"),
        ({"days": [{"weekday": 4, "blocks": [{"start": "nine", "end": "17:00"}]}]}, "days.0.blocks.0.start"),
        ({"days": None}, "days"),
    ],
)
@pytest.mark.spec("API-1")
def test_a_schedule_that_cannot_be_used_names_the_field(calling: Calling, change: dict[str, Any], field: str) -> None:
    me = calling(a_mentor())
    given = writable(data_of(me.get("/api/mentor/schedule"))) | change

    assert field in error_of(me.put("/api/mentor/schedule", given), 422, "validation_failed")["fields"]


def test_a_blocked_day_is_added_once_and_taken_back(calling: Calling) -> None:
    me, stranger = calling(a_mentor()), calling(a_mentor())
    body = {"startsAt": "2028-03-01T00:00:00Z", "endsAt": "2028-03-02T00:00:00+00:00", "type": "blocked"}

    first = data_of(me.post("/api/mentor/schedule/exceptions", body, key="k"), 201)
    again = data_of(me.post("/api/mentor/schedule/exceptions", body, key="k"), 201)
    path = f"/api/mentor/schedule/exceptions/{first['id']}"

    assert first == again
    assert [each["id"] for each in data_of(me.get("/api/mentor/schedule"))["exceptions"]] == [first["id"]]
    error_of(stranger.delete(path), 404, "not_found")
    data_of(me.delete(path))
    error_of(me.delete(path), 404, "not_found")
    reversed_ = {**body, "endsAt": body["startsAt"]}
    assert "endsAt" in error_of(me.post("/api/mentor/schedule/exceptions", reversed_), 422)["fields"]


@pytest.mark.spec("AV-7", "API-2")
def test_an_offering_is_made_once_changed_and_retired(calling: Calling, anybody: Caller) -> None:
    mentor = a_mentor()
    me = calling(mentor)

    made = me.post("/api/mentor/offerings", OFFERING, key="k")
    again = me.post("/api/mentor/offerings", OFFERING, key="k")
    offering = data_of(made, 201)
    changed = data_of(me.put("/api/mentor/offerings", {**OFFERING, "id": offering["id"], "rate": 0, "isActive": False}))

    assert '"rate":75.50' in made.get_data(as_text=True)
    assert data_of(again, 201)["id"] == offering["id"]
    assert (changed["rate"], changed["isActive"]) == (0, False)
    public = data_of(anybody.get(f"/api/mentors/{mentor.id}"))["offerings"]
    assert offering["id"] not in [each["id"] for each in public]


@pytest.mark.spec("MN-12")
@pytest.mark.parametrize(
    "change, field",
    [
        ({"rate": 1.005}, "rate"),
        ({"rate": 0.5, "currency": "JPY"}, "rate"),
        ({"rate": -1}, "rate"),
        ({"rate": "75"}, "rate"),
        ({"currency": "euro"}, "currency"),
        ({"duration": 4}, "duration"),
        ({"meetingTypes": []}, "meetingTypes"),
        ({"meetingTypes": ["in_person"]}, "location"),
    ],
)
def test_an_offering_that_cannot_be_used_names_the_field(calling: Calling, change: dict[str, Any], field: str) -> None:
    error = error_of(calling(a_mentor()).post("/api/mentor/offerings", {**OFFERING, **change}), 422)

    assert field in error["fields"]


@pytest.mark.spec("INV-8")
def test_another_mentors_offering_is_as_unknown_as_none(calling: Calling) -> None:
    me, theirs = calling(a_mentor()), offering_of(a_mentor()).id

    foreign = me.put("/api/mentor/offerings", {**OFFERING, "id": str(theirs)})
    nothing = me.put("/api/mentor/offerings", {**OFFERING, "id": str(uuid4())})

    error_of(foreign, 404, "not_found")
    assert foreign.get_data() == nothing.get_data()


@pytest.mark.spec("MN-5", "MN-10")
def test_the_wallet_shows_what_is_pending_and_what_is_available(calling: Calling) -> None:
    mentor = a_mentor(rate_minor=10_000)
    held = a_completed_session(mentor=mentor)

    wallet = data_of(calling(mentor).get("/api/mentor/wallet"))

    assert wallet["balances"] == [{"currency": "EUR", "pending": 0, "available": 70}]
    assert [(line["bookingId"], line["available"]) for line in wallet["earnings"]] == [(str(held.id), 70)]
    assert wallet["hasMore"] is False


def test_a_mentor_sees_the_mentees_and_how_many_sessions_each_had(calling: Calling) -> None:
    mentor = a_mentor()
    session = fresh(a_paid_session(mentor=mentor))
    a_paid_session()

    told = data_of(calling(mentor).get("/api/mentor/mentees-sessions"))

    assert [(line["id"], line["sessions"]) for line in told["mentees"]] == [(str(session.mentee_id), 1)]
    assert told["stats"] == {"totalMentees": 1, "totalSessions": 1, "upcoming": 1, "completed": 0}


@pytest.mark.parametrize(
    "path", ["/api/mentor/schedule", "/api/mentor/offerings", "/api/mentor/wallet", "/api/mentor/mentees-sessions"]
)
def test_a_mentors_desk_is_closed_to_everybody_else(calling: Calling, anybody: Caller, path: str) -> None:
    error_of(calling(a_mentee()).get(path), 403, "forbidden")
    error_of(calling(a_support_agent()).get(path), 403, "forbidden")
    error_of(anybody.get(path), 401, "sign_in_required")
