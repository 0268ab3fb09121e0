"""The pages about another time: what is said before the button, what happens, what both then see (RS, NT-4)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from app.domain.vocabulary import ExceptionType, Party
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import AvailabilityException, MentoringSession
from tests.factories.people import a_mentee, a_mentor, sign_in
from tests.factories.proposals import NEW_AT, OTHER_AT, a_counter, a_proposal, a_request_with_a_proposal, the_request
from tests.factories.sessions import START_AT, a_paid_session, a_scheduled_session, book, fresh
from tests.world import Clock

pytestmark = pytest.mark.usefixtures("app", "clock")
MENTEE, MENTOR = Party.MENTEE, Party.MENTOR


def of(client: FlaskClient, session: MentoringSession, party: Party) -> FlaskClient:
    session = fresh(session)
    return sign_in(client, session.mentor if party is MENTOR else session.mentee)


def toast(client: FlaskClient, answer: object) -> str:
    """The message on the page that a posted form leads to."""
    assert answer.status_code == 303, answer.text  # type: ignore[attr-defined]
    page = client.get(answer.headers["Location"]).text  # type: ignore[attr-defined]
    region = page[page.index('id="toasts"') : page.index('id="toast-template"')]
    return " ".join(re.sub(r"<[^>]+>", " ", region).split())


@pytest.mark.spec("RS-1", "NT-4")
def test_a_mentee_chooses_a_time_and_the_mentor_is_asked(client: FlaskClient) -> None:
    session = a_paid_session(mentee=a_mentee(timezone="Europe/Berlin"), mentor=a_mentor(name="Ada Berg"))
    browser = of(client, session, MENTEE)
    assert f'href="/sessions/{session.id}/reschedule"' in browser.get(f"/sessions/{session.id}").text

    page = browser.get(f"/sessions/{session.id}/reschedule?day=2028-03-02").text
    assert "You can move this session 2 more times, until 4 hours before its start." in page
    assert "never more than today" in page
    assert f'value="{NEW_AT:%Y-%m-%dT%H:%M:%SZ}"' in page
    assert f'value="{START_AT:%Y-%m-%dT%H:%M:%SZ}"' not in browser.get(f"/sessions/{session.id}/reschedule").text

    answer = browser.post(f"/sessions/{session.id}/reschedule", data={"start": NEW_AT.isoformat(), "reason": "Travel"})
    assert "Reschedule Request Sent Your request to reschedule to Thu 2 Mar, 11:00 (Berlin) has been sent to the" in (
        told := toast(browser, answer)
    )
    assert told.count("mentor for approval.") == 1
    after = browser.get(f"/sessions/{session.id}").text
    assert "You proposed Thu 2 Mar, 11:00 (Berlin)" in after
    assert "Withdraw" in after
    assert "Respond Now" not in after
    assert "You proposed" in browser.get("/my/sessions").text


@pytest.mark.spec("RS-1")
def test_without_a_script_another_day_is_shown_and_what_was_typed_stays(client: FlaskClient) -> None:
    session = a_paid_session()
    browser = of(client, session, MENTEE)
    page = browser.get(f"/sessions/{session.id}/reschedule").text
    buttons = re.findall(r'<button type="submit" form="move" name="look" value="([^"]+)"[^>]*>', page)
    assert "2028-03-02" in buttons
    assert "/reschedule?day=" not in re.sub(r'data-time-link="[^"]*"', "", page), "no way to another day loses words"

    typed = {"look": "2028-03-02", "start": f"{START_AT:%Y-%m-%dT%H:%M:%SZ}", "reason": "My train is late <b>"}
    page = browser.post(f"/sessions/{session.id}/reschedule", data=typed)
    assert page.status_code == 200
    assert "My train is late &lt;b&gt;</textarea>" in page.text
    assert f'value="{NEW_AT:%Y-%m-%dT%H:%M:%SZ}"' in page.text
    assert "data-chosen-when><span" in page.text, "a time of another day is not chosen any more"
    assert "invalid-feedback" not in page.text
    assert 'role="alert"' not in page.text
    assert "You proposed" not in browser.get(f"/sessions/{session.id}").text


@pytest.mark.spec("RS-2", "NT-4")
def test_the_mentor_responds_now_and_accepts(client: FlaskClient) -> None:
    session = a_proposal(MENTEE, reason="Travel")
    browser = of(client, session, MENTOR)
    assert "Respond Now" in browser.get("/mentor/schedule?tab=pending").text
    page = browser.get(f"/sessions/{session.id}/reschedule/respond").text
    assert "Travel" in page
    assert 'value="reject"' in page
    assert "cancel_session" not in page
    data = {"request_id": str(the_request(session).id), "action": "accept"}
    answer = browser.post(f"/sessions/{session.id}/reschedule/respond", data=data)
    assert (
        "Session Rescheduled Session confirmed for Thu 2 Mar, 10:00 (UTC). Both parties have been notified."
        in toast(browser, answer)
    )
    after = browser.get(f"/sessions/{session.id}").text
    assert "Reschedule history" in after
    assert "accepted the new time" in after
    assert fresh(session).scheduled_at == NEW_AT


@pytest.mark.spec("RS-2", "NT-4")
def test_a_mentee_counters_and_the_text_is_exact(client: FlaskClient) -> None:
    session = a_proposal(MENTOR)
    browser = of(client, session, MENTEE)
    page = browser.get(f"/sessions/{session.id}/reschedule/counter?day=2028-03-02").text
    assert "Propose another time" in page
    data = {"request_id": str(the_request(session).id), "start": OTHER_AT.isoformat()}
    answer = browser.post(f"/sessions/{session.id}/reschedule/counter", data=data)
    assert "Counter-Proposal Sent Your alternative time of Thu 2 Mar, 13:00 (UTC) has been sent for approval." in toast(
        browser, answer
    )


@pytest.mark.spec("RS-2", "CX-2", "NT-4")
def test_a_mentee_may_cancel_with_a_full_refund_or_let_it_run_out(client: FlaskClient, clock: Clock) -> None:
    session = a_proposal(MENTOR)
    clock.set(START_AT - timedelta(hours=1))
    browser = of(client, session, MENTEE)
    page = browser.get(f"/sessions/{session.id}/reschedule/respond").text
    assert "when the request runs out, the original time stays" in page
    assert "you get everything back" in page
    assert 'value="reject"' not in page
    data = {"request_id": str(the_request(session).id), "action": "cancel_session", "reason": "No time"}
    answer = browser.post(f"/sessions/{session.id}/reschedule/respond", data=data)
    assert "Session Cancelled The session has been cancelled. You will receive a full refund." in toast(browser, answer)
    assert fresh(session).refund_percentage == 100


@pytest.mark.spec("RS-2")
def test_a_mentor_declines(client: FlaskClient) -> None:
    session = a_proposal(MENTEE)
    browser = of(client, session, MENTOR)
    data = {"request_id": str(the_request(session).id), "action": "reject"}
    assert "The session stays where it was." in toast(
        browser, browser.post(f"/sessions/{session.id}/reschedule/respond", data=data)
    )
    assert the_request(session).status.value == "rejected"


@pytest.mark.spec("RS-3")
def test_whoever_began_withdraws_on_the_page(client: FlaskClient) -> None:
    session = a_counter(MENTEE)
    browser = of(client, session, MENTEE)
    page = browser.get(f"/sessions/{session.id}").text
    assert "Respond Now" in page
    assert "Withdraw" in page
    answer = browser.post(
        f"/sessions/{session.id}/reschedule/withdraw", data={"request_id": str(the_request(session).id)}
    )
    assert "Request Withdrawn" in toast(browser, answer)
    assert fresh(session).pending_reschedule_time is None


@pytest.mark.spec("RS-4", "BK-2")
def test_a_time_that_is_taken_meanwhile_keeps_the_words_and_offers_others(client: FlaskClient) -> None:
    session = a_paid_session()
    browser = of(client, session, MENTEE)
    book(mentor=session.mentor, at=NEW_AT)
    answer = browser.post(
        f"/sessions/{session.id}/reschedule", data={"start": NEW_AT.isoformat(), "reason": "Because of <b>travel</b>"}
    )
    assert answer.status_code == 409
    assert "Thu 2 Mar, 10:00 (UTC) cannot be proposed" in answer.text
    assert "The nearest free times:" in answer.text
    assert "Because of &lt;b&gt;travel&lt;/b&gt;" in answer.text

    (nearest, *_) = re.findall(r'name="look" value="([^"]+Z)"', answer.text)
    page = browser.post(f"/sessions/{session.id}/reschedule", data={"look": nearest, "reason": "Because of travel"})
    assert page.status_code == 200
    assert re.search(rf'value="{nearest}" required checked', page.text)
    assert "Because of travel</textarea>" in page.text


@pytest.mark.spec("RS-4")
def test_a_time_lost_before_the_answer_leads_to_another(client: FlaskClient) -> None:
    session = a_proposal(MENTEE)
    with transaction():
        db.session.add(
            AvailabilityException(
                mentor_id=session.mentor_id, starts_at=NEW_AT, ends_at=NEW_AT + timedelta(hours=1),
                type=ExceptionType.BLOCKED, created_at=session.created_at,
            )
        )  # fmt: skip
    browser = of(client, session, MENTOR)
    data = {"request_id": str(the_request(session).id), "action": "accept"}
    answer = browser.post(f"/sessions/{session.id}/reschedule/respond", data=data)
    assert answer.headers["Location"].endswith("/reschedule/counter")
    assert "not free any more" in toast(browser, answer)


@pytest.mark.parametrize("data", [{}, {"start": ""}, {"start": "nonsense"}, {"start": "2028-03-02T10:07:00Z"}])
def test_what_cannot_be_used_is_said_on_the_page(client: FlaskClient, data: dict[str, str]) -> None:
    session = a_paid_session()
    answer = of(client, session, MENTEE).post(f"/sessions/{session.id}/reschedule", data=data)
    assert answer.status_code == 422
    assert fresh(session).pending_reschedule_time is None


@pytest.mark.spec("RS-1")
@pytest.mark.parametrize("path", ["reschedule", "reschedule/counter", "reschedule/respond"])
def test_what_is_not_possible_now_leads_back_with_the_reason(client: FlaskClient, clock: Clock, path: str) -> None:
    session = a_scheduled_session()
    clock.set(START_AT - timedelta(hours=1))
    browser = of(client, session, MENTEE)
    assert toast(browser, browser.get(f"/sessions/{session.id}/{path}"))
    assert f'href="/sessions/{session.id}/reschedule"' not in browser.get(f"/sessions/{session.id}").text


@pytest.mark.spec("BK-5")
def test_the_mentee_of_a_free_request_sees_the_proposed_time_and_accepts(client: FlaskClient) -> None:
    session = a_request_with_a_proposal()
    browser = of(client, session, MENTEE)
    assert "Respond Now" in browser.get("/my/sessions?tab=awaiting").text
    assert "the session is booked" in browser.get(f"/sessions/{session.id}/reschedule/respond").text
    data = {"request_id": str(the_request(session).id), "action": "accept"}
    assert "Session confirmed for Thu 2 Mar" in toast(
        browser, browser.post(f"/sessions/{session.id}/reschedule/respond", data=data)
    )
