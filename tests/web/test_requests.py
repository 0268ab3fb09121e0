"""Asking for a session in words, answering it, and asking once more, all without a script (BK-4, BK-5, BK-8, DB-2)."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from app.domain.vocabulary import BookingMode, SessionStatus
from app.models import MentorOffering, User
from tests.factories.people import a_mentee, a_mentor, an_offering, offering_of, sign_in
from tests.factories.sessions import START_AT, a_pending_request, a_rejected_request, book, fresh
from tests.web.test_wizard import WORDS, hidden, the_session
from tests.world import Clock

pytestmark = pytest.mark.usefixtures("app", "clock")


@pytest.fixture
def mentor() -> User:
    mentor = a_mentor(name="Ada Berg", booking_mode=BookingMode.REQUEST)
    an_offering(mentor, title="A long look", duration=90, rate_minor=9_000)
    return mentor


@pytest.fixture
def mentee(client: FlaskClient) -> User:
    user = a_mentee(name="Mo Kim")
    sign_in(client, user)
    return user


def hour_of(mentor: User) -> MentorOffering:
    """What this mentor is asked for first."""
    return offering_of(mentor, "One hour")


def link(page: str, words: str) -> str:
    """Where the link with these words leads."""
    found = re.search(rf'<a [^>]*href="([^"]+)"[^>]*>(?:<[^>]+>\s*)*{re.escape(words)}', page)
    assert found, words
    return unescape(found[1])


@pytest.mark.spec("BK-4", "BK-5", "DB-2")
def test_an_open_request_goes_from_words_to_a_paid_time(client: FlaskClient, mentor: User, mentee: User) -> None:
    place = link(client.get(f"/book/{mentor.id}").text, "Say in words when you can")
    step = client.get(place).text
    assert "let the mentor propose what fits" in step
    assert "One hour of advice · 60 min · €50.00" in step
    typed = {**WORDS, "offering": "undecided", "preferred": "Wednesday mornings", "message": "I read your book"}
    confirm = client.get(client.post(place, data=typed).location)
    assert "Ada proposes what fits" in confirm.text
    assert "To be agreed" in confirm.text
    sent = client.post(confirm.request.full_path if confirm.request else "", data=hidden(confirm))
    session = the_session()
    assert (session.offering_id, session.scheduled_at) == (None, None)
    assert "answers with a time and a price" in client.get(sent.location).text
    assert "Free" not in client.get(f"/sessions/{session.id}").text

    sign_in(client, mentor)
    waiting = client.get("/mentor/schedule?tab=approvals").text
    for shown in ("Mo Kim", WORDS["title"], "I read your book", "Wednesday mornings", "Price to be agreed"):
        assert shown in waiting
    answer = f"/sessions/{session.id}/approve"
    assert "A long look · 90 min · €90.00" in client.get(answer).text
    given = {"day": "2028-03-01", "time": "10:00", "message": "This fits"}
    missing = client.post(answer, data=given)
    assert missing.status_code == 422
    assert "Choose one of your offerings" in missing.text
    assert "This fits" in missing.text
    offer = next(each for each in client.get(answer).text.split('<option value="') if "A long look" in each)[:36]
    assert client.post(answer, data={**given, "offering": offer}).status_code == 303
    session = fresh(session)
    assert (session.scheduled_at, session.duration) == (START_AT, 90)

    sign_in(client, mentee)
    rows = client.get("/my/sessions").text
    assert "Proceed to payment" in rows
    assert "€90.00" in rows
    paying = client.post(f"/sessions/{session.id}/pay")
    client.post(urlsplit(paying.location).path, data={"choice": "pay"})
    client.get("/payments/return", query_string={"reference": urlsplit(paying.location).path.rsplit("/", 1)[1]})
    assert "Confirmed" in client.get("/my/sessions").text


@pytest.mark.spec("BK-5", "UX-3")
def test_a_time_that_is_taken_keeps_the_answer_and_names_free_ones(client: FlaskClient, mentor: User) -> None:
    session = a_pending_request(mentor=mentor, offering_id=hour_of(mentor).id, at=None, preferred_time_note="Wednesday")
    a_pending_request(mentor=mentor, offering_id=hour_of(mentor).id)
    sign_in(client, mentor)
    answer = client.post(
        f"/sessions/{session.id}/approve", data={"day": "2028-03-01", "time": "10:00", "message": "See you then"}
    )
    assert answer.status_code == 422
    assert "Free near it: Wed 1 Mar" in answer.text
    assert "See you then" in answer.text
    assert fresh(session).status is SessionStatus.PENDING_MENTOR_REVIEW


@pytest.mark.spec("BK-8")
def test_a_declined_request_is_asked_again_with_its_words_through_all_steps(
    client: FlaskClient, mentor: User, mentee: User
) -> None:
    before = a_rejected_request(
        mentor=mentor, mentee=mentee, offering_id=hour_of(mentor).id, title="My old words", message="Please & thank you"
    )
    step = client.get(link(client.get("/my/sessions?tab=rejected").text, "Request again"))
    # What the first step's form sends, as a browser without a script would.
    form = step.text.split("data-time-form>")[1]
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form.split("</form>")[0]))
    place = f"/book/{mentor.id}/details"
    details = client.get(place, query_string={**fields, "start": "2028-03-02T10:00:00Z"})
    assert 'value="My old words"' in details.text
    assert before.description in details.text
    assert "Please &amp; thank you" in details.text
    typed = {**WORDS, "offering": str(hour_of(mentor).id), "title": "My new words"}
    confirm = client.post(details.request.full_path if details.request else "", data=typed).location
    assert 'value="My new words"' in client.get(link(client.get(confirm).text, "Change the details")).text


@pytest.mark.spec("BK-8")
def test_a_request_in_words_is_asked_again_in_words(client: FlaskClient, mentor: User, mentee: User) -> None:
    a_rejected_request(
        mentor=mentor, mentee=mentee, at=None, offering_id=None, preferred_time_note="In the evening", title="Old words"
    )
    page = client.get(link(client.get("/my/sessions?tab=rejected").text, "Request again"))
    assert "In the evening" in page.text
    assert 'value="Old words"' in page.text
    assert re.search(r'value="undecided" required checked', page.text)


@pytest.mark.spec("BK-8")
def test_another_mentor_is_asked_with_the_same_words(client: FlaskClient, mentor: User, mentee: User) -> None:
    a_rejected_request(mentor=mentor, mentee=mentee, offering_id=hour_of(mentor).id, title="My old words")
    a_mentor(name="Ben Moss", meeting_types=["chat"])
    found = client.get(link(client.get("/my/sessions?tab=rejected").text, "Ask another mentor"))
    assert "What you wrote is kept." in found.text
    profile = client.get(link(found.text, "Ben Moss"))
    step = client.get(link(profile.text, "All times"))
    assert 'name="again"' in step.text.split("data-time-form>")[1]
    assert 'name="again"' in step.text.split("data-time-tools>")[1].split("</form>")[0]
    details = client.get(link(profile.text, "10:00"))
    assert 'value="My old words"' in details.text
    assert '<input type="hidden" name="meeting_type" value="chat">' in details.text


@pytest.mark.spec("BK-8", "INV-8")
def test_nobody_asks_with_another_mentees_words(client: FlaskClient, mentor: User, mentee: User) -> None:
    foreign = a_rejected_request(mentor=mentor, offering_id=hour_of(mentor).id, title="Not your words")
    place = f"/book/{mentor.id}/details?start=2028-03-02T10:00:00Z&offering={hour_of(mentor).id}"
    page = client.get(f"{place}&again={foreign.id}")
    assert page.status_code == 200
    assert "Not your words" not in page.text


@pytest.mark.spec("BK-8")
def test_asking_again_starts_with_that_sessions_words_whatever_was_typed_before(
    client: FlaskClient, mentor: User, mentee: User
) -> None:
    offering = hour_of(mentor)
    place = f"/book/{mentor.id}/details?start=2028-03-02T10:00:00Z&offering={offering.id}"
    client.post(place, data={**WORDS, "offering": str(offering.id), "title": "Begun and left"})
    before = a_rejected_request(mentor=mentor, mentee=mentee, offering_id=hour_of(mentor).id, title="My old words")
    assert 'value="My old words"' in client.get(f"{place}&again={before.id}").text


@pytest.mark.spec("BK-4")
def test_a_mentor_who_offers_one_thing_is_asked_for_that(client: FlaskClient, mentee: User) -> None:
    mentor = a_mentor(booking_mode=BookingMode.REQUEST)
    page = client.get(f"/book/{mentor.id}/details?words=1")
    assert "let the mentor propose" not in page.text
    assert client.get(f"/book/{mentor.id}/confirm?words=1&undecided=1").status_code == 302


@pytest.mark.spec("BK-5", "CX-1")
def test_an_open_request_is_withdrawn_like_any_other(client: FlaskClient, mentor: User, mentee: User) -> None:
    session = book(mentor=mentor, mentee=mentee, offering_id=None, at=None, preferred_time_note="Soon")
    answer = client.post(f"/sessions/{session.id}/cancel", data={})
    assert answer.status_code == 303
    assert fresh(session).status is SessionStatus.CANCELLED


@pytest.mark.spec("BK-5")
def test_a_request_that_ran_out_is_not_answered_any_more(client: FlaskClient, mentor: User, clock: Clock) -> None:
    session = a_pending_request(mentor=mentor, offering_id=hour_of(mentor).id)
    clock.set(session.approval_deadline or clock.now)
    sign_in(client, mentor)
    answer = client.get(f"/sessions/{session.id}/approve")
    assert answer.status_code == 303
    assert "The time to answer this request has passed" in client.get(answer.location).text


@pytest.mark.spec("BK-5")
def test_a_free_request_in_words_is_answered_with_a_time_to_agree_to(client: FlaskClient) -> None:
    mentor = a_mentor(rate_minor=0, booking_mode=BookingMode.REQUEST)
    session = a_pending_request(mentor=mentor, mentee=a_mentee(name="Mo Kim"), at=None, preferred_time_note="Mornings")
    sign_in(client, mentor)
    place = f"/sessions/{session.id}/approve"
    assert "Mo has to agree to the time that you propose" in client.get(place).text
    done = client.post(place, data={"day": "2028-03-01", "time": "10:00", "message": "Like this?"})
    page = client.get(done.location).text
    assert "Mo Kim has to agree; the time is held until then." in page
    assert place not in page, "it is approved already"
    assert fresh(session).status is SessionStatus.PENDING_MENTOR_REVIEW
