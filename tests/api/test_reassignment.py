"""The API around a change of mentor (RA-4 to RA-8)."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from app.models import MentoringSession, User
from tests.factories.people import a_mentor, sign_in
from tests.factories.sessions import START_AT, a_paid_session, a_reassigned_session, a_session_without_mentor, fresh

pytestmark = pytest.mark.usefixtures("app", "clock")


def call(client: FlaskClient, user: User, method: str, path: str, body: Any = None, **headers: str) -> Any:
    answer = sign_in(client, user).open(
        path, method=method, json=body, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    return {"code": answer.status_code, **answer.get_json()}


def of(session: MentoringSession, what: str = "") -> str:
    return f"/api/bookings/{session.id}{what}"


@pytest.mark.spec("RA-1", "RA-2")
def test_a_mentor_who_cancels_is_answered_how_it_ended_and_then_knows_nothing_of_it(client: FlaskClient) -> None:
    session, mentor = a_paid_session(), None
    mentor, new = session.mentor, a_mentor()
    body = {"reasonCategory": "illness", "reason": ""}
    for _ in range(2):
        told = call(client, mentor, "POST", of(session, "/cancel"), body, Idempotency_Key="once-only-1")
        assert (told["code"], told["data"]["status"]) == (200, "scheduled")
        assert told["data"]["mentor"]["id"] == str(new.id)
        assert (told["data"]["allowedActions"], told["data"]["meetingUrl"]) == ([], None)
    assert call(client, mentor, "GET", of(session))["code"] == 404


@pytest.mark.spec("RA-3", "RA-4", "API-2")
def test_the_mentee_sees_what_may_be_answered_and_accepts_once(client: FlaskClient) -> None:
    session = a_reassigned_session()
    told = call(client, session.mentee, "GET", of(session))["data"]
    assert (told["wasReassigned"], told["reassignmentStatus"]) == (True, "pending_acceptance")
    assert told["allowedActions"] == ["acceptReassignment", "selectAlternativeMentor", "rejectReassignment"]
    decisions = call(client, session.mentee, "GET", of(session, "/decisions"))["data"]["decisions"]
    assert decisions["cancel"]["rule"] == "reassignment_open"
    assert decisions["rejectReassignment"]["message"] == "You get everything back."

    for _ in range(2):
        told = call(client, session.mentee, "POST", of(session, "/accept-reassignment"), {}, Idempotency_Key="yes-1")
        assert (told["code"], told["data"]["reassignmentStatus"]) == (200, "accepted")
    refused = call(client, session.mentee, "POST", of(session, "/accept-reassignment"), {})
    assert (refused["code"], refused["error"]["code"]) == (409, "no_reassignment")


@pytest.mark.spec("RA-5")
def test_the_mentee_rejects_and_gets_everything_back(client: FlaskClient) -> None:
    session = a_reassigned_session()
    told = call(client, session.mentee, "POST", of(session, "/reject-reassignment"), {"reason": "No, thanks"})["data"]
    assert (told["status"], told["cancelledBy"], told["reassignmentStatus"]) == ("cancelled", "mentor", "rejected")
    assert (told["refundPercentage"], told["refundAmount"]) == (100, 50.0)


@pytest.mark.spec("RA-6")
def test_the_mentee_lists_who_is_free_at_the_same_time_and_chooses(client: FlaskClient) -> None:
    session = a_reassigned_session()
    other = a_mentor(name="Linus Novak")
    told = call(client, session.mentee, "GET", of(session, "/alternative-mentors"))["data"]
    assert told["sameTime"]
    (mentor,) = told["mentors"]
    assert (mentor["rank"], mentor["id"], mentor["name"]) == (1, str(other.id), "Linus Novak")
    assert mentor["scheduledAt"] == "2028-03-01T10:00:00Z"
    assert mentor["sharedExpertise"] == ["Leadership", "Python"]
    body = {"mentorId": str(other.id)}
    told = call(client, session.mentee, "POST", of(session, "/select-alternative-mentor"), body)["data"]
    assert (told["mentor"]["id"], told["reassignmentStatus"]) == (str(other.id), "accepted")


@pytest.mark.spec("RA-6")
def test_where_nobody_was_found_a_time_is_chosen_too(client: FlaskClient) -> None:
    session = a_session_without_mentor()
    other = a_mentor()
    told = call(client, session.mentee, "GET", of(session, "/alternative-mentors"))["data"]
    assert (told["sameTime"], [each["id"] for each in told["mentors"]]) == (False, [str(other.id)])
    body = {"mentorId": str(other.id), "scheduledAt": "2028-03-03T11:00:00Z"}
    told = call(client, session.mentee, "POST", of(session, "/select-alternative-mentor"), body)["data"]
    assert told["scheduledAt"] == "2028-03-03T11:00:00Z"


@pytest.mark.spec("RA-6")
def test_a_bad_choice_names_its_field(client: FlaskClient) -> None:
    session = a_session_without_mentor()
    gone = session.cancelled_mentor_ids[0]
    refused = call(client, session.mentee, "POST", of(session, "/select-alternative-mentor"), {"mentorId": str(gone)})
    assert (refused["code"], list(refused["error"]["fields"])) == (422, ["mentorId"])
    body = {"mentorId": str(a_mentor().id), "scheduledAt": "2028-03-01T23:00:00Z"}
    refused = call(client, session.mentee, "POST", of(session, "/select-alternative-mentor"), body)
    assert (refused["code"], list(refused["error"]["fields"])) == (422, ["scheduledAt"])


@pytest.mark.spec("RA-8")
def test_the_new_mentor_declines(client: FlaskClient) -> None:
    session = a_reassigned_session()
    mentor = session.mentor
    assert "declineReassignment" in call(client, mentor, "GET", of(session))["data"]["allowedActions"]
    told = call(client, mentor, "POST", of(session, "/decline-reassignment"), {"reason": "On the road"})
    assert (told["code"], told["data"]["reassignmentStatus"]) == (200, "awaiting_mentee_choice")
    assert fresh(session).scheduled_at == START_AT
    assert call(client, mentor, "GET", of(session))["code"] == 404


@pytest.mark.spec("RA-6", "SM-4")
def test_without_a_change_of_mentor_there_is_nobody_to_choose(client: FlaskClient) -> None:
    session = a_paid_session()
    refused = call(client, session.mentee, "GET", of(session, "/alternative-mentors"))
    assert (refused["code"], refused["error"]["code"]) == (409, "no_reassignment")
