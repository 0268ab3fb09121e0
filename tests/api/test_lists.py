"""Lists: own bookings, mentors, slots, notifications, the staff's sessions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from app.domain.vocabulary import NotificationType
from app.extensions import db
from app.foundation.transaction import transaction
from app.messaging.notify import notify
from app.models import User
from tests.api.contract import Caller, data_of, error_of
from tests.factories.people import a_mentee, a_mentor, a_support_agent, an_offering, ctx_of
from tests.factories.sessions import (
    START_AT,
    a_cancelled_session,
    a_draft,
    a_paid_session,
    a_scheduled_session,
    fresh,
)
from tests.world import Clock

Calling = Callable[[User], Caller]


def ids(told: dict[str, Any]) -> list[str]:
    return [row["id"] for row in told["bookings"]]


def test_a_list_holds_ones_own_bookings_and_nobody_elses(calling: Calling) -> None:
    mine, theirs = a_scheduled_session(), a_scheduled_session()

    told = data_of(calling(mine.mentee).get("/api/bookings"))

    assert ids(told) == [str(mine.id)]
    assert str(theirs.id) not in ids(told)
    assert told["pagination"] == {"page": 1, "limit": 20, "total": 1, "totalPages": 1}


def test_lists_are_narrowed_by_status_day_and_name(calling: Calling) -> None:
    me = a_mentee(timezone="Pacific/Auckland")
    draft = a_draft(mentee=me, mentor=a_mentor(name="Zoë Ångström"))
    upcoming = a_scheduled_session(mentee=me, at=START_AT + timedelta(days=1), title="To lead a team of five")
    gone = a_cancelled_session(mentee=me, at=START_AT + timedelta(days=2))
    caller = calling(me)

    def found(**query: str) -> list[str]:
        return ids(data_of(caller.get("/api/bookings", **query)))

    assert found(status="awaiting_payment") == [str(draft.id)]
    assert found(status="upcoming") == [str(upcoming.id)]
    assert found(status="past") == [str(gone.id)]
    assert found(status="draft") == [str(draft.id)]
    assert found(q="ångström") == [str(draft.id)]
    assert found(q="TEAM OF five") == [str(upcoming.id)]
    # 10:00 in UTC is 23:00 in Auckland: still the same day there.
    assert found(**{"from": "2028-03-02", "to": "2028-03-02"}) == [str(upcoming.id)]


def test_pages_follow_one_another_without_gap_or_repetition(calling: Calling) -> None:
    me = a_mentee()
    made = [str(a_scheduled_session(mentee=me, at=START_AT + timedelta(hours=2 * n)).id) for n in range(3)]
    caller = calling(me)

    pages = [data_of(caller.get("/api/bookings", page=page, limit=2, status="upcoming")) for page in (1, 2, 3)]

    assert [ids(page) for page in pages] == [made[:2], made[2:], []]
    assert pages[0]["pagination"]["totalPages"] == 2


@pytest.mark.spec("PERF-7")
def test_a_list_takes_as_many_statements_for_ten_as_for_two(calling: Calling) -> None:
    me, statements = a_mentee(), []
    mentor = a_mentor(rate_minor=0)
    caller = calling(me)

    def measure() -> int:
        statements.clear()
        data_of(caller.get("/api/bookings"))
        return len(statements)

    engine = db.engines[None].engine
    event.listen(engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    for n in range(2):
        a_scheduled_session(mentee=me, mentor=mentor, at=START_AT + timedelta(days=n))
    measure()  # the token's first use is noted
    few = measure()
    for n in range(2, 10):
        a_scheduled_session(mentee=me, mentor=mentor, at=START_AT + timedelta(weeks=n // 2, days=n % 2, hours=3))

    assert measure() == few


@pytest.mark.parametrize(
    "path, query, field",
    [
        ("/api/bookings", {"page": "0"}, "page"),
        ("/api/bookings", {"page": "1.0"}, "page"),
        ("/api/bookings", {"page": "9" * 30}, "page"),
        ("/api/bookings", {"limit": "101"}, "limit"),
        ("/api/bookings", {"limit": "ten"}, "limit"),
        ("/api/bookings", {"status": "gone"}, "status"),
        ("/api/bookings", {"from": "2028-02-30"}, "from"),
        ("/api/bookings", {"from": "2028-03-02", "to": "2028-03-01"}, "to"),
        ("/api/bookings", {"from": "0001-01-01"}, "from"),
        ("/api/bookings", {"colour": "red"}, "colour"),
        ("/api/bookings", {"page": ["1", "2"]}, "page"),
        ("/api/bookings", {"q": "a\0b"}, "q"),
        ("/api/notifications", {"unread": "yes"}, "unread"),
        ("/api/mentors", {"maxPrice": "50"}, "currency"),
        ("/api/mentors", {"maxPrice": "0.001", "currency": "EUR"}, "maxPrice"),
        ("/api/mentors", {"maxPrice": "NaN", "currency": "EUR"}, "maxPrice"),
        ("/api/mentors", {"minRating": "6"}, "minRating"),
        ("/api/mentors", {"sort": "luck"}, "sort"),
        ("/api/session-policies", {"role": "admin"}, "role"),
        ("/api/auth/tokens", {"page": "1"}, "page"),
    ],
)
@pytest.mark.spec("API-1")
def test_a_parameter_that_cannot_be_used_is_named(
    calling: Calling, path: str, query: dict[str, Any], field: str
) -> None:
    error = error_of(calling(a_mentee()).get(path, **query), 422, "validation_failed")

    assert list(error["fields"]) == [field]


@pytest.mark.parametrize(
    "query, field",
    [
        ({"status": "scheduled,gone"}, "status"),
        ({"startDate": "2028-03-02", "endDate": "2028-03-01"}, "endDate"),
        ({"mentorId": "x"}, "mentorId"),
        ({"hasReschedule": "1"}, "hasReschedule"),
        ({"sortBy": "password"}, "sortBy"),
        ({"page": "30000"}, "page"),
    ],
)
@pytest.mark.spec("API-1")
def test_staff_parameters_are_as_strict(calling: Calling, query: dict[str, str], field: str) -> None:
    error = error_of(calling(a_support_agent()).get("/api/admin/sessions", **query), 422)

    assert list(error["fields"]) == [field]


def test_staff_find_sessions_by_status_and_words_and_parties_do_not(calling: Calling) -> None:
    session, other = a_paid_session(), a_cancelled_session(at=START_AT + timedelta(days=1))
    staff = calling(a_support_agent())

    both = data_of(
        staff.get("/api/admin/sessions", status="scheduled,cancelled", sortBy="scheduledAt", sortOrder="asc")
    )
    one = data_of(staff.get("/api/admin/sessions", search=fresh(session).mentee.name, limit=5))

    assert [row["id"] for row in both["sessions"]] == [str(session.id), str(other.id)]
    assert both["pagination"]["total"] == 2
    assert str(session.id) in [row["id"] for row in one["sessions"]]
    error_of(calling(fresh(session).mentor).get("/api/admin/sessions"), 403, "forbidden")


@pytest.mark.spec("BK-1", "ID-3")
def test_only_mentors_who_can_be_booked_are_found(anybody: Caller) -> None:
    shown = a_mentor(name="Ada Shown", expertise=["Rust"], rate_minor=4_000)
    hidden = [a_mentor(is_verified=False), a_mentor(is_accepting=False)]

    told = data_of(anybody.get("/api/mentors"))
    by_word = data_of(anybody.get("/api/mentors", q="ada", expertise="Rust", maxPrice="40", currency="EUR"))
    too_dear = data_of(anybody.get("/api/mentors", maxPrice="39.99", currency="EUR", q="ada"))

    found = [mentor["id"] for mentor in told["mentors"]]
    assert str(shown.id) in found
    assert not {str(mentor.id) for mentor in hidden} & set(found)
    assert [mentor["id"] for mentor in by_word["mentors"]] == [str(shown.id)]
    assert too_dear["mentors"] == []


def test_a_mentors_profile_holds_offerings_with_their_price(anybody: Caller) -> None:
    mentor = a_mentor(rate_minor=0)
    an_offering(mentor, rate_minor=12_345, duration=90)

    told = data_of(anybody.get(f"/api/mentors/{mentor.id}"))

    assert [(each["rate"], each["duration"]) for each in told["offerings"]] == [(0, 60), (123.45, 90)]
    error_of(anybody.get(f"/api/mentors/{a_mentor(is_verified=False).id}"), 404, "not_found")
    error_of(anybody.client.get("/api/mentors/not-an-id"), 404, "not_found")


@pytest.mark.spec("AV-2", "AV-3")
def test_slots_are_instants_with_the_readers_clock_beside_them(anybody: Caller) -> None:
    mentor = a_mentor(timezone="Europe/Berlin")

    told = data_of(
        anybody.get(
            f"/api/mentors/{mentor.id}/availability/slots",
            start="2028-03-01",
            end="2028-03-01",
            timezone="Asia/Kathmandu",
            duration=60,
        )
    )

    first = told["slots"][0]
    assert (first["startAt"], first["endAt"]) == ("2028-03-01T08:00:00Z", "2028-03-01T09:00:00Z")
    assert first["localStart"] == "2028-03-01T13:45:00+05:45"
    assert first["available"] is True
    assert (told["timezone"], told["mentorTimezone"]) == ("Asia/Kathmandu", "Europe/Berlin")


@pytest.mark.spec("AV-2")
def test_a_mentee_who_is_signed_in_sees_the_own_conflict_and_others_see_it_free(
    calling: Calling, anybody: Caller
) -> None:
    busy, mentor = fresh(a_scheduled_session()), a_mentor()
    mentee = calling(busy.mentee)
    path = f"/api/mentors/{mentor.id}/availability/slots"
    query = {"start": "2028-03-01", "end": "2028-03-01", "duration": 60}

    def at_ten(caller: Caller) -> dict[str, Any]:
        slots = data_of(caller.get(path, **query))["slots"]
        return next(slot for slot in slots if slot["startAt"] == "2028-03-01T10:00:00Z")

    own = at_ten(mentee)
    assert (own["available"], own["reason"]) == (False, "own_conflict")
    assert at_ten(anybody)["available"] is True


@pytest.mark.parametrize(
    "query, field",
    [
        ({"start": "2028-03-01"}, "end"),
        ({"start": "2028-03-01", "end": "2028-05-02"}, "end"),
        ({"start": "2028-03-02", "end": "2028-03-01"}, "end"),
        ({"start": "2028-02-30", "end": "2028-03-01"}, "start"),
        ({"start": "2028-03-01", "end": "2028-03-01", "timezone": "Mars/Olympus"}, "timezone"),
        ({"start": "2028-03-01", "end": "2028-03-01", "duration": "0"}, "duration"),
        ({"start": "2028-03-01", "end": "2028-03-01", "duration": "long"}, "duration"),
    ],
)
@pytest.mark.spec("API-1")
def test_slots_that_cannot_be_asked_for_name_the_field(anybody: Caller, query: dict[str, str], field: str) -> None:
    refused = anybody.get(f"/api/mentors/{a_mentor().id}/availability/slots", **query)

    assert field in error_of(refused, 422, "validation_failed")["fields"]


def test_sixty_two_days_of_slots_are_given(anybody: Caller) -> None:
    path = f"/api/mentors/{a_mentor().id}/availability/slots"

    assert data_of(anybody.get(path, start="2028-03-01", end="2028-05-01", duration=60))["slots"]


def test_notifications_are_ones_own_and_can_be_read_once(calling: Calling, clock: Clock) -> None:
    me, other = a_mentee(), a_mentee()
    with transaction():
        for person in (me, me, other):
            notify(
                person.id, NotificationType.NEW_BOOKING, title="Booked", body="By you", action_url="/x", ctx=ctx_of(me)
            )
    caller, theirs = calling(me), calling(other)

    told = data_of(caller.get("/api/notifications", limit=1))
    foreign = data_of(theirs.get("/api/notifications"))["notifications"][0]["id"]
    first = data_of(caller.post("/api/notifications/read", {"ids": [told["notifications"][0]["id"], foreign]}))
    rest = data_of(caller.post("/api/notifications/read", {}))

    assert (told["unread"], told["pagination"]["total"], len(told["notifications"])) == (2, 2, 1)
    assert (first["marked"], rest["marked"]) == (1, 1)
    assert data_of(theirs.get("/api/notifications", unread="true"))["unread"] == 1
    assert data_of(caller.get("/api/notifications", unread="true"))["notifications"] == []


@pytest.mark.parametrize("role, cut_off, moves", [("mentee", 2, 4), ("mentor", 0, 2)])
def test_policies_are_a_bare_object_for_each_side(anybody: Caller, role: str, cut_off: int, moves: int) -> None:
    told = anybody.get("/api/session-policies", role=role).get_json()

    assert (told["cancellationCutoffHours"], told["rescheduleCutoffHours"]) == (cut_off, moves)
    assert set(told) == {
        "cancellationCutoffHours", "rescheduleCutoffHours", "maxReschedules", "freeCancellationHours",
        "rescheduleRequestExpiryHours", "maxCounterProposals",
    }  # fmt: skip


def test_without_a_side_every_policy_is_told(anybody: Caller) -> None:
    response = anybody.get("/api/session-policies")

    assert response.get_json()["partialRefundPercentage"] == 70
    assert response.get_json()["reminderHours"] == [24, 1]
    assert '"refundApprovalThreshold":200.00' in response.get_data(as_text=True)
