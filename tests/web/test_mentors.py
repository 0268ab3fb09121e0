"""Finding a mentor: the list with its filters in the address, and a mentor's page (BK-1)."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.booking.review import review_session
from app.extensions import db
from tests.factories.people import a_mentee, a_mentor, a_support_agent, an_offering, ctx_of, sign_in
from tests.factories.sessions import a_completed_session, book
from tests.web.test_session_page import statements

pytestmark = pytest.mark.usefixtures("app", "clock")


@pytest.mark.spec("BK-1")
def test_visitors_begin_on_a_calm_page_and_members_in_their_own_place(client: FlaskClient) -> None:
    a_mentor(name="Ada Berg", expertise=["Rust"])
    page = client.get("/")
    assert "How it works" in page.text
    assert "Ada Berg" in page.text
    assert "topic=Rust" in page.text
    for user, place in ((a_mentee(), "/my/sessions"), (a_mentor(), "/mentor/schedule"), (a_support_agent(), "/admin/")):
        assert sign_in(client, user).get("/").location == place


@pytest.mark.spec("BK-1")
def test_a_card_says_what_one_chooses_by(client: FlaskClient) -> None:
    mentor = a_mentor(name="Ada Berg", headline="Rust for ten years", expertise=["Rust"], rate_minor=7_500)
    an_offering(mentor, duration=30, rate_minor=4_000)
    page = client.get("/mentors")
    for words in (
        "Ada Berg",
        "Rust for ten years",
        "€40",
        "30 min, 60 min",
        "Tue 29 Feb, 09:00 (UTC)",
        "No reviews yet",
    ):
        assert words in page.text


@pytest.mark.spec("BK-1")
@pytest.mark.parametrize(
    "query, is_found",
    [
        ("q=ada", True),
        ("q=ada+gardening", False),
        ("topic=Rust", True),
        ("topic=Go", False),
        ("price=50&currency=EUR", True),
        ("price=49.99&currency=EUR", False),
        ("price=50&currency=USD", False),
        ("rating=4", False),
        ("sort=price", True),
        # What nobody can mean is left out.
        ("price=cheap&rating=99&sort=up&page=x&currency=ZZZ", True),
        ("page=2", False),
        ("page=99999999999999999999", False),
        ("q=%00", True),
        ("q=%25", False),
    ],
)
def test_filters_stay_in_the_address(client: FlaskClient, query: str, is_found: bool) -> None:
    a_mentor(name="Ada Berg", expertise=["Rust"], rate_minor=5_000)
    page = client.get(f"/mentors?{query}")
    assert page.status_code == 200
    assert ("/mentors/" in page.text and "Ada Berg" in page.text) is is_found


@pytest.mark.spec("BK-1")
def test_a_filter_that_fits_nobody_leads_on(client: FlaskClient) -> None:
    page = client.get("/mentors?q=nobody")
    assert "No mentor fits all of that" in page.text
    assert "Show all mentors" in page.text
    assert 'aria-label="Remove the filter Search nobody"' in page.text


@pytest.mark.spec("BK-1")
def test_the_list_is_paged_and_keeps_its_filters(client: FlaskClient) -> None:
    for _ in range(13):
        a_mentor(expertise=["Rust"])
    first = client.get("/mentors?topic=Rust")
    assert first.text.count('class="mentor-card"') == 12
    assert "/mentors?topic=Rust&amp;page=2" in first.text
    assert client.get("/mentors?topic=Rust&page=2").text.count('class="mentor-card"') == 1


@pytest.mark.spec("BK-1", "RV-1")
def test_a_mentors_page_shows_offerings_reviews_and_the_next_days(client: FlaskClient) -> None:
    session = a_completed_session(mentor=a_mentor(name="Ada Berg", bio="First line.\n<em>Second</em> line."))
    review_session(session.id, rating=4, comment="Calm and <b>clear</b>", ctx=ctx_of(session.mentee))
    db.session.commit()
    sign_in(client, a_mentee(timezone="Asia/Kathmandu"))
    page = client.get(f"/mentors/{session.mentor_id}")
    assert "&lt;em&gt;Second" in page.text
    assert "Calm and &lt;b&gt;clear&lt;/b&gt;" in page.text
    assert "4 of 5 stars" in page.text
    assert "One hour of advice" in page.text
    assert "14:45" in page.text  # nine o'clock in UTC
    assert "(Kathmandu)" in page.text


@pytest.mark.spec("ID-3", "INV-8")
def test_who_cannot_be_booked_is_not_shown(client: FlaskClient) -> None:
    unverified, paused = (
        a_mentor(name="Una Verified", is_verified=False),
        a_mentor(name="Pia Paused", is_accepting=False),
    )
    listed = client.get("/mentors").text
    assert "Una Verified" not in listed
    assert "Pia Paused" not in listed
    assert client.get(f"/mentors/{unverified.id}").status_code == 404
    assert client.get(f"/mentors/{a_mentee().id}").status_code == 404
    page = client.get(f"/mentors/{paused.id}")
    assert "takes no new bookings at present" in page.text
    assert client.get(f"/book/{paused.id}").status_code == 302


@pytest.mark.spec("BK-1")
def test_a_time_that_is_taken_is_no_longer_offered(client: FlaskClient) -> None:
    mentor = a_mentor()
    assert "start=2028-02-29T09:00:00Z" in client.get(f"/mentors/{mentor.id}").text
    book(mentor=mentor, at=ctx_of(mentor).now.replace(month=2, day=29, hour=9, minute=0))
    assert "start=2028-02-29T09:00:00Z" not in client.get(f"/mentors/{mentor.id}").text


@pytest.mark.spec("PERF-7")
def test_the_list_takes_the_same_statements_for_one_and_for_twelve(client: FlaskClient) -> None:
    a_mentor()
    one = statements(client, "/mentors")
    for _ in range(11):
        a_mentor()
    assert statements(client, "/mentors") == one
    assert one <= 8
