"""The pages around a change of mentor: what each side sees, may press, and is told (CX-4, RA-3, RA-6, NT-4)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from app.domain.vocabulary import ReassignmentStatus, SessionStatus
from app.models import MentoringSession, User
from tests.factories.people import a_mentor, sign_in
from tests.factories.sessions import (
    START_AT,
    a_paid_session,
    a_reassigned_session,
    a_scheduled_session,
    a_session_without_mentor,
    fresh,
)

pytestmark = pytest.mark.usefixtures("app", "clock")

CANCELLING = {"category": "illness", "reason": ""}


def page(client: FlaskClient, user: User, path: str) -> str:
    answer = sign_in(client, user).get(path)
    assert answer.status_code == 200, answer.location
    return answer.get_data(as_text=True)


def press(client: FlaskClient, user: User, path: str, **data: str) -> str:
    """Press a button, and read the page that it leads to."""
    answer = sign_in(client, user).post(path, data=data, follow_redirects=True)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def of(session: MentoringSession, what: str = "") -> str:
    return f"/sessions/{session.id}{what}"


def a_session_of_its_own() -> MentoringSession:
    """Free, at a time at which no other mentor of these tests works."""
    mentor = a_mentor(rate_minor=0, weekly_hours={6: (("09:00", "17:00"),)})
    return a_scheduled_session(mentor=mentor, at=START_AT + timedelta(days=4))


@pytest.mark.spec("CX-4")
def test_the_mentors_dialog_says_what_happens_next(client: FlaskClient) -> None:
    session = a_paid_session()
    text = page(client, session.mentor, of(session, "/cancel"))
    for words in (
        "What Happens Next",
        "try to find another mentor",
        "may accept, or cancel for a full refund",
        "chooses another mentor, or is refunded in full (€50.00)",
        "No payment will be issued to you",
        "Frequent cancellations may affect your mentor rating",
        "The mentee will be notified",
    ):
        assert words in text


@pytest.mark.spec("NT-4", "RA-1", "RA-2")
def test_a_mentor_who_cancels_is_told_whether_somebody_was_found_and_lands_on_the_own_schedule(
    client: FlaskClient,
) -> None:
    alone = a_paid_session()
    text = press(client, alone.mentor, of(alone, "/cancel"), **CANCELLING)
    assert "The mentee has been notified and will receive a full refund of €50.00 unless they choose another" in text
    free = a_session_of_its_own()
    text = press(client, free.mentor, of(free, "/cancel"), **CANCELLING)
    assert "The mentee has been notified and can choose another mentor." in text

    session = a_paid_session()
    former = session.mentor
    a_mentor()
    text = press(client, former, of(session, "/cancel"), **CANCELLING)
    assert "Session Reassigned Successfully" in text
    assert "The mentee will be notified and can choose to continue or cancel for a full refund." in text
    assert sign_in(client, former).get(of(session)).status_code == 404


@pytest.mark.spec("RA-3")
@pytest.mark.parametrize("where", ["page", "list"])
def test_the_mentee_is_asked_about_the_new_mentor(client: FlaskClient, where: str) -> None:
    session = a_reassigned_session(to=a_mentor(name="Grace Hopper", headline="Compilers and ships"))
    text = page(client, session.mentee, of(session) if where == "page" else "/my/sessions")
    for words in ("Grace Hopper", "Compilers and ships", "Continue with Grace Hopper", "Browse Other Mentors",
                  "Cancel (Full Refund)"):  # fmt: skip
        assert words in text
    assert "Join Meeting Now" not in text
    assert of(session, "/cancel") not in text


@pytest.mark.spec("RA-3")
def test_where_nobody_was_found_the_mentee_browses_or_cancels(client: FlaskClient) -> None:
    session = a_session_without_mentor()
    text = page(client, session.mentee, of(session))
    assert "Browse Mentors" in text
    assert "Cancel (Full Refund)" in text
    assert "Continue with" not in text


@pytest.mark.spec("RA-4", "NT-4")
def test_continuing_confirms_it(client: FlaskClient) -> None:
    session = a_reassigned_session(to=a_mentor(name="Grace Hopper"))
    text = press(client, session.mentee, of(session, "/accept-reassignment"))
    assert "You&#39;ve confirmed the session with Grace Hopper." in text
    assert fresh(session).reassignment_status is ReassignmentStatus.ACCEPTED
    assert of(session, "/cancel") in text
    assert "gave the session up" not in text or "The mentor before" in text
    again = press(client, session.mentee, of(session, "/accept-reassignment"))
    assert "There is nothing to answer" in again


@pytest.mark.spec("RA-3", "RA-5", "NT-4")
def test_cancelling_asks_first_and_says_what_goes_back(client: FlaskClient) -> None:
    session = a_reassigned_session()
    assert "You get everything back: €50.00" in page(client, session.mentee, of(session, "/reject-reassignment"))
    text = press(client, session.mentee, of(session, "/reject-reassignment"), reason="I wanted Ada")
    assert "Session cancelled. A full refund will be processed." in text
    assert "Cancelled because the mentor could not hold it." in text
    assert fresh(session).status is SessionStatus.CANCELLED


@pytest.mark.spec("RA-6")
def test_another_mentor_who_is_free_at_the_same_time_is_chosen_from_a_list(client: FlaskClient) -> None:
    session = a_reassigned_session()
    other = a_mentor(name="Linus Novak")
    text = page(client, session.mentee, of(session, "/select-mentor"))
    assert "These mentors are free at the same time" in text
    assert "Linus Novak" in text
    text = press(client, session.mentee, of(session, "/select-mentor"), mentor=str(other.id))
    assert "You&#39;ve confirmed the session with Linus Novak." in text
    assert fresh(session).mentor_id == other.id


@pytest.mark.spec("RA-6")
def test_where_nobody_was_found_a_mentor_and_then_a_time_is_chosen(client: FlaskClient) -> None:
    session = a_session_without_mentor()
    other = a_mentor(name="Linus Novak")
    assert "See times" in page(client, session.mentee, of(session, "/select-mentor"))
    text = page(client, session.mentee, of(session, f"/select-mentor/{other.id}?day=2028-03-03"))
    assert 'value="2028-03-03T11:00:00Z"' in text
    # The session itself is not in its own way.
    text = page(client, session.mentee, of(session, f"/select-mentor/{other.id}?day=2028-03-01"))
    assert 'value="2028-03-01T10:00:00Z"' in text
    press(client, session.mentee, of(session, "/select-mentor"), mentor=str(other.id), start="2028-03-03T11:00:00Z")
    session = fresh(session)
    assert (session.mentor_id, session.scheduled_at) == (other.id, START_AT + timedelta(days=2, hours=1))


@pytest.mark.spec("RA-6")
@pytest.mark.parametrize("data", [{}, {"mentor": "nobody"}, {"start": "soon"}], ids=["nothing", "no id", "no time"])
def test_a_choice_that_is_none_leads_back_with_words(client: FlaskClient, data: dict[str, str]) -> None:
    session = a_reassigned_session()
    text = press(client, session.mentee, of(session, "/select-mentor"), **data)
    assert "Choose a mentor and a time." in text
    assert fresh(session).reassignment_status is ReassignmentStatus.PENDING_ACCEPTANCE


@pytest.mark.spec("RA-8")
def test_the_new_mentor_sees_that_it_was_assigned_and_may_decline(client: FlaskClient) -> None:
    session = a_reassigned_session()
    mentor = session.mentor
    for path in (of(session), "/mentor/schedule?tab=pending"):
        text = page(client, mentor, path)
        assert "assigned to you" in text
        assert of(session, "/decline-assignment") in text
    assert "We look for somebody else" in page(client, mentor, of(session, "/decline-assignment"))
    text = press(client, mentor, of(session, "/decline-assignment"), reason="On the road")
    assert "Session Declined" in text
    assert mentor.id in fresh(session).cancelled_mentor_ids


@pytest.mark.spec("RA-3", "SM-4")
@pytest.mark.parametrize("what", ["/reject-reassignment", "/select-mentor"])
def test_pages_of_answers_lead_back_when_there_is_nothing_to_answer(client: FlaskClient, what: str) -> None:
    session = a_paid_session()
    answer = sign_in(client, session.mentee).get(of(session, what), follow_redirects=True)
    assert "There is nothing to answer" in answer.get_data(as_text=True)
