"""Booking in four steps through HTTP alone, without any script: from a mentor's page to a paid session (BK-2)."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.booking.tick import tick
from app.domain.context import CLOCK
from app.domain.vocabulary import BookingMode, PaymentStatus, SessionStatus
from app.extensions import db
from app.integrations.payments.base import ChargeState
from app.models import MentoringSession, User
from tests.factories.people import a_mentee, a_mentor, an_offering, offering_of, sign_in
from tests.factories.sessions import START_AT, a_draft, book, fresh, sandbox
from tests.web.test_session_page import statements
from tests.world import Clock, context

pytestmark = pytest.mark.usefixtures("app", "clock")

START = "2028-03-01T10:00:00Z"
TITLE = "How to lead a team"
WORDS = {"meeting_type": "video", "title": TITLE, "description": "Five people, one deadline."}


@pytest.fixture
def mentor() -> User:
    return a_mentor(name="Ada Berg", timezone="UTC")


@pytest.fixture
def mentee(client: FlaskClient) -> User:
    user = a_mentee(name="Mo Kim", timezone="Europe/Berlin")
    sign_in(client, user)
    return user


def hidden(page: TestResponse) -> dict[str, str]:
    """The hidden fields of the page's last form."""
    form = page.text.rsplit("<form", 1)[1]
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form)
    return {name: unescape(value) for name, value in found if name != "csrf_token"}


def details(client: FlaskClient, mentor: User, **changes: Any) -> TestResponse:
    """Fill the second step and go on."""
    offering = offering_of(mentor)
    return client.post(
        f"/book/{mentor.id}/details?start={START}&offering={offering.id}",
        data={"offering": str(offering.id), **WORDS, **changes},
    )


def last_step(mentor: User) -> str:
    return f"/book/{mentor.id}/confirm?start={START}&offering={offering_of(mentor).id}"


def book_it(client: FlaskClient, mentor: User, **changes: Any) -> TestResponse:
    """Steps 2 and 3, and the button that books."""
    confirm = client.get(details(client, mentor, **changes).location)
    assert confirm.status_code == 200
    return client.post(
        f"/book/{mentor.id}/confirm?start={START}&offering={offering_of(mentor).id}", data=hidden(confirm)
    )


def the_session() -> MentoringSession:
    return db.session.scalars(select(MentoringSession)).one()


def count() -> int:
    return db.session.scalar(select(func.count()).select_from(MentoringSession)) or 0


def reference_of(answer: TestResponse) -> str:
    return urlsplit(answer.location).path.rsplit("/", 1)[1]


@pytest.mark.spec("BK-2", "BK-3")
def test_a_mentee_books_and_pays_without_any_script(client: FlaskClient, mentor: User, mentee: User) -> None:
    page = client.get(f"/book/{mentor.id}?day=2028-03-01")
    assert page.status_code == 200
    assert f'name="start" value="{START}"' in page.text
    assert "<span>11:00</span>" in page.text  # Berlin is an hour ahead

    step = client.get(f"/book/{mentor.id}/details?start={START}&minutes=60")
    assert "One hour of advice" in step.text
    assert "Free to cancel until Tue 29 Feb, 11:00 (Berlin)" in step.text
    confirm = client.get(details(client, mentor).location)
    assert TITLE in confirm.text
    assert "Wed 1 Mar, 11:00 (Berlin)" in confirm.text
    assert "Wed 1 Mar, 10:00 (UTC)" in confirm.text
    assert "Free until Tue 29 Feb, 11:00 (Berlin)" in confirm.text
    assert "Book and pay €50.00" in confirm.text

    answer = client.post(
        f"/book/{mentor.id}/confirm?start={START}&offering={offering_of(mentor).id}", data=hidden(confirm)
    )
    assert answer.status_code == 303
    session = the_session()
    assert session.status is SessionStatus.DRAFT
    paying = client.post(urlsplit(answer.location).path, data={"choice": "pay"})
    done = client.get(paying.location)
    assert done.location.endswith(f"/book/done/{session.id}")
    assert fresh(session).status is SessionStatus.SCHEDULED
    last = client.get(done.location)
    assert "Your session is booked" in last.text
    assert f"new={session.id}#s-{session.id}" in last.text
    listed = client.get(f"/my/sessions?tab=upcoming&new={session.id}")
    assert "row-new" in listed.text
    assert "New" in listed.text


@pytest.mark.spec("BK-2")
def test_a_stranger_signs_in_on_the_way_and_comes_back_with_the_choices(client: FlaskClient, mentor: User) -> None:
    assert client.get(f"/book/{mentor.id}?day=2028-03-01&zone=Asia/Kathmandu").status_code == 200
    answer = client.get(f"/book/{mentor.id}/details?start={START}&minutes=60&zone=Asia/Kathmandu")
    assert answer.status_code == 302
    assert urlsplit(answer.location).path == "/sign-in"
    wanted = parse_qs(urlsplit(answer.location).query)["next"][0]
    sign_in(client, a_mentee(timezone="Europe/Berlin"))
    page = client.get(wanted)
    assert page.status_code == 200
    assert "Wed 1 Mar, 15:45 (Kathmandu)" in page.text


@pytest.mark.spec("BK-2")
def test_going_back_and_reloading_lose_nothing(client: FlaskClient, mentor: User, mentee: User) -> None:
    place = details(client, mentor, description="Läuft über\nzwei Zeilen 🙂").location
    for _ in range(2):
        assert "Läuft über\nzwei Zeilen 🙂" in client.get(place).text
    back = client.get(place.replace("/confirm", "/details"))
    assert f'value="{TITLE}"' in back.text
    assert "Läuft über\nzwei Zeilen 🙂" in back.text


@pytest.mark.spec("BK-2")
def test_words_too_long_for_a_cookie_are_carried_by_the_form(client: FlaskClient, mentor: User, mentee: User) -> None:
    # As incompressible as words get: no cookie holds these.
    long = "".join(chr(0x4E00 + (number * 7919) % 20_000) for number in range(2_000))
    confirm = details(client, mentor, description=long)
    assert confirm.status_code == 200
    fields = hidden(confirm)
    assert fields["back"] == "1"
    offering = offering_of(mentor)
    again = client.post(f"/book/{mentor.id}/details?start={START}&offering={offering.id}", data=fields)
    assert long in again.text
    form = confirm.text.split(f'action="/book/{mentor.id}/confirm', 1)[1]
    sent = {
        name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)">', form.split("</form>")[0])
    }
    answer = client.post(f"/book/{mentor.id}/confirm?start={START}&offering={offering.id}", data=sent)
    assert answer.status_code == 303
    assert the_session().description == long


@pytest.mark.spec("BK-9", "BK-2")
def test_sending_the_last_form_twice_books_once(client: FlaskClient, mentor: User, mentee: User) -> None:
    confirm = client.get(details(client, mentor).location)
    place = last_step(mentor)
    first, second = (client.post(place, data=hidden(confirm)) for _ in range(2))
    assert count() == 1
    assert first.location == second.location


@pytest.mark.spec("BK-9")
def test_the_same_form_with_other_words_is_shown_once_more(client: FlaskClient, mentor: User, mentee: User) -> None:
    confirm = client.get(details(client, mentor).location)
    place = last_step(mentor)
    client.post(place, data=hidden(confirm))
    answer = client.post(place, data={**hidden(confirm), "title": "Something else"})
    assert answer.status_code == 303
    assert "/confirm" in answer.location
    assert count() == 1


@pytest.mark.spec("BK-2", "BK-10")
def test_a_slot_lost_meanwhile_leads_to_the_first_step_with_the_nearest_free_times(
    client: FlaskClient, mentor: User, mentee: User
) -> None:
    confirm = client.get(details(client, mentor).location)
    book(mentor=mentor)
    place = last_step(mentor)
    answer = client.post(place, data=hidden(confirm))
    assert answer.status_code == 303
    page = client.get(answer.location)
    assert "cannot be booked" in page.text
    assert "The nearest free times" in page.text
    nearest = re.findall(r'href="(/book/[^"]*/details\?start=[^"]*)"', page.text)
    assert nearest
    # What was typed is still there.
    assert f'value="{TITLE}"' in client.get(unescape(nearest[0])).text


@pytest.mark.spec("BK-2")
@pytest.mark.parametrize("start", ["2028-03-01T10:07:00Z", "2028-02-28T10:00:00Z", "2031-03-03T10:00:00Z"])
def test_a_time_that_cannot_be_had_leads_back_to_the_first_step(
    client: FlaskClient, mentor: User, mentee: User, start: str
) -> None:
    answer = client.get(f"/book/{mentor.id}/details?start={start}&minutes=60")
    assert answer.status_code == 303
    assert "cannot be booked" in client.get(answer.location).text


@pytest.mark.spec("BK-2")
def test_ones_own_draft_is_offered_for_payment(client: FlaskClient, mentor: User, mentee: User) -> None:
    draft = a_draft(mentor=mentor, mentee=mentee)
    answer = client.get(f"/book/{mentor.id}/details?start={START}&minutes=60")
    page = client.get(answer.location)
    assert "You hold Wed 1 Mar, 11:00 (Berlin) already" in page.text
    assert f"/sessions/{draft.id}" in page.text


@pytest.mark.spec("BK-10")
@pytest.mark.parametrize(
    "changes, words",
    [
        ({"title": "ab"}, "Use 3 to 120 characters."),
        ({"title": ""}, "Say in a few words what it is about."),
        ({"description": "x" * 2_001}, "Use at most 2,000 characters."),
        ({"meeting_type": "chat"}, "Not a valid choice"),
    ],
)
def test_every_refusal_says_which_field_and_keeps_what_was_typed(
    client: FlaskClient, mentor: User, mentee: User, changes: dict[str, str], words: str
) -> None:
    page = details(client, mentor, **changes)
    assert page.status_code == 422
    assert words in page.text
    assert "Five people" in page.text or "xxx" in page.text
    assert count() == 0


@pytest.mark.spec("BK-1", "BK-3")
def test_a_free_offering_is_booked_at_once(client: FlaskClient, mentee: User) -> None:
    mentor = a_mentor(rate_minor=0)
    answer = book_it(client, mentor)
    session = the_session()
    assert answer.location.endswith(f"/book/done/{session.id}")
    assert session.status is SessionStatus.SCHEDULED


@pytest.mark.spec("BK-4")
def test_a_request_names_a_time_and_carries_a_message(client: FlaskClient, mentee: User) -> None:
    mentor = a_mentor(booking_mode=BookingMode.REQUEST)
    answer = book_it(client, mentor, message="I read your book.")
    session = the_session()
    assert session.status is SessionStatus.PENDING_MENTOR_REVIEW
    assert session.mentee_message == "I read your book."
    page = client.get(answer.location)
    assert "Your request is sent" in page.text
    assert "You pay nothing before." in page.text


@pytest.mark.spec("BK-4")
def test_a_request_may_say_in_words_when(client: FlaskClient, mentee: User) -> None:
    mentor = a_mentor(booking_mode=BookingMode.REQUEST)
    offering = offering_of(mentor)
    place = f"/book/{mentor.id}/details?words=1"
    asked = client.post(place, data={"offering": str(offering.id), **WORDS, "preferred": ""})
    assert asked.status_code == 422
    assert "Say when it would suit you." in asked.text
    confirm = client.post(place, data={"offering": str(offering.id), **WORDS, "preferred": "Evenings"})
    page = client.get(confirm.location)
    assert "Evenings" in page.text
    client.post(confirm.location, data=hidden(page))
    session = the_session()
    assert session.scheduled_at is None
    assert session.preferred_time_note == "Evenings"


@pytest.mark.spec("BK-2")
def test_what_was_typed_is_shown_as_text(client: FlaskClient, mentor: User, mentee: User) -> None:
    evil = '<script>alert(1)</script>"><img src=x>'
    page = client.get(details(client, mentor, title=evil, description=evil).location)
    assert page.status_code == 200
    assert "<script>alert(1)" not in page.text
    assert "<img src=x>" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text


@pytest.mark.spec("BK-2")
def test_another_person_on_the_same_computer_finds_nothing(client: FlaskClient, mentor: User, mentee: User) -> None:
    place = details(client, mentor).location
    sign_in(client, a_mentee())
    answer = client.get(place)
    assert answer.status_code == 302
    assert WORDS["description"] not in client.get(answer.location).text


@pytest.mark.spec("BK-1")
def test_a_mentor_cannot_book(client: FlaskClient, mentor: User) -> None:
    sign_in(client, a_mentor())
    assert client.get(f"/book/{mentor.id}/details?start={START}&minutes=60").status_code == 403


# --- coming back from the gateway ---


def to_the_gateway(client: FlaskClient, mentor: User) -> str:
    return reference_of(book_it(client, mentor))


@pytest.mark.spec("BK-3")
def test_coming_back_unpaid_waits_and_says_so(client: FlaskClient, mentor: User, mentee: User) -> None:
    reference = to_the_gateway(client, mentor)
    page = client.get(f"/payments/return?reference={reference}&status=success")
    assert page.status_code == 200
    assert "We are asking the gateway" in page.text
    assert the_session().status is SessionStatus.DRAFT


@pytest.mark.spec("BK-3")
def test_a_declined_payment_can_be_tried_again(client: FlaskClient, mentor: User, mentee: User) -> None:
    reference = to_the_gateway(client, mentor)
    sandbox().decide(reference, ChargeState.FAILED)
    page = client.get(f"/payments/return?reference={reference}")
    assert "The payment did not go through" in page.text
    assert "Try again" in page.text
    again = client.post(f"/sessions/{the_session().id}/pay")
    assert again.status_code == 303
    other = reference_of(again)
    assert other != reference
    sandbox().decide(other, ChargeState.SUCCEEDED)
    assert "/book/done/" in client.get(f"/payments/return?reference={other}").location
    assert the_session().payment_status is PaymentStatus.PAID


def let_it_run_out(clock: Clock) -> None:
    clock.advance(minutes=20)
    tick(ctx=context(CLOCK, clock.now))
    assert the_session().status is SessionStatus.EXPIRED


@pytest.mark.spec("BK-7")
def test_a_late_payment_revives_the_booking_when_the_time_is_free(
    client: FlaskClient, mentor: User, mentee: User, clock: Clock
) -> None:
    reference = to_the_gateway(client, mentor)
    let_it_run_out(clock)
    sandbox().decide(reference, ChargeState.SUCCEEDED)
    answer = client.get(f"/payments/return?reference={reference}")
    assert "/book/done/" in answer.location
    assert "the time was still free" in client.get(answer.location).text


@pytest.mark.spec("BK-7")
def test_a_late_payment_goes_back_when_the_time_is_taken_and_says_so_each_time(
    client: FlaskClient, mentor: User, mentee: User, clock: Clock
) -> None:
    reference = to_the_gateway(client, mentor)
    let_it_run_out(clock)
    book(mentor=mentor, at=START_AT + timedelta(minutes=30))
    sandbox().decide(reference, ChargeState.SUCCEEDED)
    for _ in range(2):
        page = client.get(f"/payments/return?reference={reference}")
        assert "Your payment came too late" in page.text
        assert "Everything you paid goes back to you" in page.text


@pytest.mark.spec("INV-8")
@pytest.mark.parametrize("reference", ["", "unknown", "a\0b"])
def test_an_unknown_payment_is_not_found(client: FlaskClient, mentee: User, reference: str) -> None:
    assert client.get("/payments/return", query_string={"reference": reference}).status_code == 404


@pytest.mark.spec("INV-8")
def test_somebody_elses_payment_is_not_found(client: FlaskClient, mentor: User, mentee: User) -> None:
    reference = to_the_gateway(client, mentor)
    sign_in(client, a_mentee())
    assert client.get(f"/payments/return?reference={reference}").status_code == 404


@pytest.mark.spec("BK-2")
def test_lengths_and_days_can_be_switched(client: FlaskClient, app: Flask, mentor: User, mentee: User) -> None:
    an_offering(mentor, title="A quick look", duration=30, rate_minor=2_000)
    page = client.get(f"/book/{mentor.id}?minutes=30&day=2028-03-02")
    assert '<option value="30" selected>' in page.text
    assert 'value="2028-03-02T16:30:00Z"' in page.text
    long = client.get(f"/book/{mentor.id}?minutes=60&day=2028-03-02")
    assert 'value="2028-03-02T16:30:00Z"' not in long.text
    for odd in ("?day=nonsense", "?day=0001-01-01", "?day=9999-12-31", "?minutes=7", "?zone=Mars/Base", "?start=x"):
        assert client.get(f"/book/{mentor.id}{odd}").status_code == 200, odd


@pytest.mark.spec("PERF-7")
def test_the_first_step_takes_the_same_statements_however_much_is_booked(client: FlaskClient, mentor: User) -> None:
    place = f"/book/{mentor.id}?day=2028-03-01&minutes=60"
    before = statements(client, place)
    for hours in (0, 2, 4):
        book(mentor=mentor, at=START_AT + timedelta(hours=hours))
    assert statements(client, place) == before
    assert before <= 8


@pytest.mark.spec("BK-10")
def test_too_many_unpaid_bookings_are_refused_in_words(client: FlaskClient, mentor: User, mentee: User) -> None:
    for hours in (0, 2):
        a_draft(mentor=mentor, mentee=mentee, at=START_AT + timedelta(days=1, hours=hours))
    answer = book_it(client, mentor)
    assert "/confirm" in answer.location
    page = client.get(answer.location)
    assert "unpaid bookings" in page.text
    assert TITLE in page.text
