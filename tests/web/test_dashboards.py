"""The two dashboards: tabs, the next session first, and exactly the actions that are allowed (DB-1, DB-2, DB-3)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from app.booking.tick import tick
from app.domain.context import CLOCK
from app.domain.vocabulary import BookingMode
from tests.factories.people import a_mentee, a_mentor, sign_in
from tests.factories.sessions import (
    START_AT,
    a_cancelled_session,
    a_completed_session,
    a_draft,
    a_paid_session,
    a_pending_request,
    a_rejected_request,
    an_approved_request,
    fresh,
)
from tests.web.test_session_page import statements
from tests.world import Clock, context

pytestmark = pytest.mark.usefixtures("app", "clock")


@pytest.mark.spec("DB-1")
@pytest.mark.parametrize(
    "tab, words",
    [
        ("upcoming", "Ready to book your first mentorship session?"),
        ("awaiting", "Nothing awaits an answer"),
        ("past", "No past sessions"),
        ("rejected", "No declined requests"),
        ("unknown", "No upcoming sessions"),
    ],
)
def test_an_empty_tab_leads_on(client: FlaskClient, tab: str, words: str) -> None:
    sign_in(client, a_mentee())
    page = client.get(f"/my/sessions?tab={tab}")
    assert words in page.text
    assert 'href="/mentors"' in page.text


@pytest.mark.spec("DB-1", "JN-3")
def test_the_next_session_is_the_hero_with_its_countdown(client: FlaskClient, clock: Clock) -> None:
    mentee, mentor = a_mentee(timezone="Europe/Berlin"), a_mentor(name="Ada Berg")
    a_paid_session(mentee=mentee, mentor=mentor, at=START_AT + timedelta(hours=3), title="The second one")
    a_paid_session(mentee=mentee, mentor=mentor, title="The first one")
    page = sign_in(client, mentee).get("/my/sessions")
    hero = page.text.split('class="hero"')[1].split("</section>")[0]
    assert "The first one" in hero
    assert "Wed 1 Mar, 11:00 (Berlin)" in hero
    assert "Session starts in 34h 20m" in hero
    assert "Join Meeting Now" not in hero
    clock.set(START_AT)
    sign_in(client, mentee)
    assert "Join Meeting Now" in client.get("/my/sessions").text.split('class="hero"')[1].split("</section>")[0]


@pytest.mark.spec("DB-1")
def test_an_unfinished_draft_stands_on_top_with_its_deadline(client: FlaskClient) -> None:
    mentee, mentor = a_mentee(), a_mentor()
    a_paid_session(mentee=mentee, mentor=mentor, title="Paid already")
    a_draft(mentee=mentee, mentor=mentor, at=START_AT + timedelta(hours=3), title="Still to pay")
    page = sign_in(client, mentee).get("/my/sessions")
    rows = page.text.split('<ul class="rows">')[1]
    assert rows.index("Still to pay") < rows.index("Paid already")
    assert "Resume payment" in rows
    assert "Awaiting payment" in rows
    assert "to pay until" in rows
    assert "Withdraw" in rows


@pytest.mark.spec("DB-1")
def test_an_unpaid_booking_that_ran_out_is_past_and_can_be_booked_again(client: FlaskClient, clock: Clock) -> None:
    mentee, mentor = a_mentee(), a_mentor()
    draft = a_draft(mentee=mentee, mentor=mentor, title="Too slow")
    again = f"/book/{mentor.id}?offering={draft.offering_id}&amp;again={draft.id}"
    clock.set(draft.hold_expires_at or clock.now)
    sign_in(client, mentee)
    for _ in ("before the clock came by", "and after"):
        past = client.get("/my/sessions?tab=past").text
        assert "Too slow" in past
        assert "Expired" in past
        assert "It was not paid in time, so the time is free again." in past
        assert f'href="{again}">Book again' in past
        assert "Too slow" not in client.get("/my/sessions").text
        tick(ctx=context(CLOCK, clock.now))


@pytest.mark.spec("DB-1")
def test_each_tab_offers_exactly_what_is_allowed(client: FlaskClient, clock: Clock) -> None:
    mentee = a_mentee()
    a_pending_request(mentee=mentee, title="A request")
    a_rejected_request(mentee=mentee, title="Declined", at=START_AT + timedelta(hours=2))
    a_cancelled_session(mentee=mentee, title="Called off", at=START_AT + timedelta(hours=4))
    sign_in(client, mentee)
    awaiting = client.get("/my/sessions?tab=awaiting").text
    assert "A request" in awaiting
    assert "Answer expected until" in awaiting
    assert "Withdraw" in awaiting
    rejected = client.get("/my/sessions?tab=rejected").text
    assert "“I am on holiday then”" in rejected
    assert "Request again" in rejected
    done = a_completed_session(mentee=mentee, title="Held", at=START_AT + timedelta(hours=6))
    clock.set(fresh(done).ended_at or clock.now)
    sign_in(client, mentee)
    past = client.get("/my/sessions?tab=past").text
    assert "Leave review" in past
    assert "Cancelled by you: Something came up." in past
    assert f"/sessions/{done.id}/cancel" not in past


@pytest.mark.spec("DB-1")
def test_a_confirmed_request_wears_its_badge_and_the_mentors_words(client: FlaskClient) -> None:
    session = an_approved_request(mentor=a_mentor(rate_minor=0, booking_mode=BookingMode.REQUEST))
    page = sign_in(client, session.mentee).get("/my/sessions")
    assert "Confirmed" in page.text
    assert "Looking forward to it" in page.text


@pytest.mark.spec("DB-1")
@pytest.mark.parametrize(
    "query, is_found",
    [
        ("name=berg", True),
        ("name=nobody", False),
        ("from=2028-03-01&to=2028-03-01", True),
        ("from=2028-03-02", False),
        ("to=2028-02-29", False),
        ("from=garbage", True),
    ],
)
def test_the_list_is_filtered_by_name_and_days(client: FlaskClient, query: str, is_found: bool) -> None:
    session = a_paid_session(mentor=a_mentor(name="Ada Berg"), title="My session")
    page = sign_in(client, session.mentee).get(f"/my/sessions?{query}")
    assert ("My session" in page.text) is is_found


@pytest.mark.spec("DB-1", "INV-8")
def test_nobody_sees_anothers_sessions(client: FlaskClient) -> None:
    a_paid_session(title="Not yours")
    for tab in ("upcoming", "past"):
        assert "Not yours" not in sign_in(client, a_mentee()).get(f"/my/sessions?tab={tab}").text
    assert "Not yours" not in sign_in(client, a_mentor()).get("/mentor/schedule?tab=pending").text
    assert client.get("/my/sessions").status_code == 403


@pytest.mark.spec("DB-2")
def test_the_mentor_sees_figures_and_what_waits(client: FlaskClient) -> None:
    mentor, mentee = a_mentor(booking_mode=BookingMode.REQUEST), a_mentee(name="Mo Kim")
    a_pending_request(mentor=mentor, mentee=mentee, message="I read your book", title="About your book")
    sign_in(client, mentor)
    page = client.get("/mentor/schedule")
    for words in ("To approve", "About your book", "Mo Kim", "I read your book", "€50.00", "Approve", "Decline"):
        assert words in page.text
    assert "tone-amber" in page.text.split('aria-label="Sessions"')[1].split("</nav>")[0]


@pytest.mark.spec("DB-2", "MN-5")
def test_past_rows_and_the_wallet_show_seventy_percent(client: FlaskClient, clock: Clock) -> None:
    session = a_completed_session()
    clock.set(START_AT + timedelta(hours=3))
    sign_in(client, session.mentor)
    past = client.get("/mentor/schedule?tab=past")
    assert "€35.00</span> earned" in past.text
    assert "€50.00" in past.text  # gross revenue
    wallet = client.get("/mentor/wallet")
    assert "€35.00" in wallet.text
    assert "Available" in wallet.text


@pytest.mark.spec("DB-2", "MN-5")
def test_until_a_session_is_over_the_share_is_pending(client: FlaskClient) -> None:
    session = a_paid_session()
    wallet = sign_in(client, session.mentor).get("/mentor/wallet")
    pending = wallet.text.split("Pending")[1]
    assert "€35.00" in pending
    assert "€0.00" in wallet.text


@pytest.mark.spec("DB-2")
def test_the_week_shows_each_session_on_its_day(client: FlaskClient) -> None:
    session = a_paid_session(mentee=a_mentee(name="Mo Kim"))
    sign_in(client, session.mentor)
    page = client.get("/mentor/schedule?view=week&day=2028-03-02")
    day = page.text.split("Wed 1 Mar</h3>")[1].split("</section>")[0]
    assert "10:00" in day
    assert "Mo Kim" in day
    assert "Nothing in this week" in client.get("/mentor/schedule?view=week&day=2028-05-01").text


@pytest.mark.spec("DB-3", "PERF-7")
def test_a_list_takes_the_same_statements_for_one_and_for_many(client: FlaskClient) -> None:
    mentee, mentor = a_mentee(), a_mentor()
    a_paid_session(mentee=mentee, mentor=mentor)
    sign_in(client, mentee)
    one = statements(client, "/my/sessions")
    for hours in (2, 4, 24, 26):
        a_paid_session(mentee=mentee, mentor=mentor, at=START_AT + timedelta(hours=hours))
    assert statements(client, "/my/sessions") == one
    assert one <= 18
    sign_in(client, mentor)
    assert statements(client, "/mentor/schedule?tab=pending") <= 20
