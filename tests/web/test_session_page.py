"""One session's page for both parties: joining, cancelling with the decision shown first, reviewing (DB-5, CX-3)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select

from app.domain.vocabulary import CancelledBy, SessionStatus
from app.extensions import db
from app.messaging.notify import notify
from app.models import MentoringSession, Notification, SessionJoin, SessionReview
from tests.factories.people import a_mentee, a_mentor, a_support_agent, ctx_of, sign_in
from tests.factories.sessions import (
    START_AT,
    a_completed_session,
    a_draft,
    a_paid_session,
    a_pending_request,
    an_approved_request,
    fresh,
)
from tests.outbox import RunOutbox
from tests.world import Clock

pytestmark = pytest.mark.usefixtures("app", "clock")

EVIL = '<script>alert("x")</script> & <b>bold</b>'


def as_mentee(client: FlaskClient, session: MentoringSession) -> FlaskClient:
    return sign_in(client, fresh(session).mentee)


def as_mentor(client: FlaskClient, session: MentoringSession) -> FlaskClient:
    return sign_in(client, fresh(session).mentor)


def statements(client: FlaskClient, path: str) -> int:
    """How many statements a page takes."""
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK", "SET CONSTRAINTS")):
            seen.append(statement)

    client.get(path)  # what is noted once a minute is noted now
    connection = db.engine
    event.listen(connection, "before_cursor_execute", note)
    try:
        assert client.get(path).status_code == 200
    finally:
        event.remove(connection, "before_cursor_execute", note)
    return len(seen)


@pytest.mark.spec("DB-5")
def test_both_parties_see_the_session_in_their_own_zone(client: FlaskClient) -> None:
    session = a_paid_session(
        mentee=a_mentee(name="Mo Kim", timezone="America/New_York"), mentor=a_mentor(name="Ada Berg")
    )
    page = as_mentee(client, session).get(f"/sessions/{session.id}")
    assert "Wed 1 Mar, 05:00 (New York)" in page.text
    assert "For Ada: Wed 1 Mar, 10:00 (UTC)" in page.text
    assert "Session starts in 34h 20m" in page.text
    assert "<b>You</b> booked the session" in page.text
    assert "70 % back until Wed 1 Mar, 03:00 (New York)" in page.text
    other = as_mentor(client, session).get(f"/sessions/{session.id}")
    assert "Mo Kim" in other.text
    assert "€35.00" in other.text  # 70 % of what was paid
    assert "If you have to cancel" not in other.text


@pytest.mark.spec("INV-8")
@pytest.mark.parametrize("path", ["", "/calendar.ics", "/cancel", "/review"])
def test_a_foreign_session_is_not_found(client: FlaskClient, path: str) -> None:
    session = a_completed_session()
    for stranger in (a_mentee(), a_mentor()):
        assert sign_in(client, stranger).get(f"/sessions/{session.id}{path}").status_code == 404
    assert sign_in(client, a_support_agent()).get(f"/sessions/{session.id}{path}").status_code == 403


@pytest.mark.spec("DB-5")
def test_what_people_wrote_is_shown_as_text(client: FlaskClient) -> None:
    mentee = a_mentee(name='Bobby <i>"Tables"</i>')
    session = a_paid_session(title=EVIL, description=EVIL, mentee=mentee)
    for page in (
        as_mentee(client, session).get(f"/sessions/{session.id}"),
        client.get("/my/sessions"),
        client.get(f"/sessions/{session.id}/cancel"),
        as_mentor(client, session).get(f"/sessions/{session.id}"),
        client.get("/mentor/schedule?tab=pending"),
        client.get("/mentor/wallet"),
        client.get("/notifications"),
    ):
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<b>bold" not in page.text
        assert "<i>" not in page.text


@pytest.mark.spec("JN-2", "JN-3")
def test_the_join_button_appears_with_the_window_and_pressing_it_is_recorded(
    client: FlaskClient, clock: Clock, run_outbox: RunOutbox
) -> None:
    session = a_paid_session()
    run_outbox()
    place = f"/sessions/{session.id}"
    as_mentee(client, session)
    early = client.get(place)
    assert "Join Meeting Now" not in early.text
    url = fresh(session).meeting_url
    assert url
    assert url not in early.text
    refused = client.post(f"{place}/join")
    assert refused.status_code == 303
    assert db.session.scalars(select(SessionJoin)).all() == []

    clock.set(START_AT - timedelta(minutes=10))
    as_mentee(client, session)
    page = client.get(place)
    assert "Join Meeting Now" in page.text
    assert url not in page.text
    assert 'target="_blank"' in page.text
    opened = client.post(f"{place}/join")
    assert opened.status_code == 200
    assert f"0;url={url}" in opened.text
    assert opened.headers["Cache-Control"] == "no-store"
    assert db.session.scalars(select(SessionJoin.user_id)).all() == [session.mentee_id]

    clock.set(START_AT + timedelta(minutes=5))
    as_mentee(client, session)
    assert '<span class="live-word">live</span>' in client.get(place).text


@pytest.mark.spec("JN-3", "DB-5")
def test_a_completed_session_says_so_and_offers_the_review(client: FlaskClient, clock: Clock) -> None:
    session = a_completed_session()
    clock.set(START_AT + timedelta(hours=3))
    page = as_mentee(client, session).get(f"/sessions/{session.id}")
    assert "Completed" in page.text
    assert "Join Meeting Now" not in page.text
    assert "Leave review" in page.text


@pytest.mark.spec("DB-6", "JN-2")
def test_the_calendar_file_leads_to_the_page_and_never_to_the_meeting(
    client: FlaskClient, run_outbox: RunOutbox
) -> None:
    session = a_paid_session()
    run_outbox()
    answer = as_mentee(client, session).get(f"/sessions/{session.id}/calendar.ics")
    assert answer.status_code == 200
    assert answer.mimetype == "text/calendar"
    assert "DTSTART:20280301T100000Z" in answer.text
    assert f"/sessions/{session.id}" in answer.text.replace("\r\n ", "")
    assert "jit.si" not in answer.text


@pytest.mark.spec("CX-3")
def test_the_mentee_sees_the_refund_before_cancelling(client: FlaskClient) -> None:
    session = a_paid_session()
    as_mentee(client, session)
    dialog = client.get(f"/sessions/{session.id}/cancel")
    shown = ("Cancel Session?", "Refund Preview", "Session Rate", "Your Refund", "100 % (€50.00)")
    promised = ("The mentor will be notified", "This action cannot be undone", "Go Back", "Yes, Cancel Session")
    for words in (*shown, *promised):
        assert words in dialog.text
    assert fresh(session).status is SessionStatus.SCHEDULED
    missing = client.post(f"/sessions/{session.id}/cancel", data={"category": ""})
    assert missing.status_code == 422
    assert "Choose a reason." in missing.text
    done = client.post(f"/sessions/{session.id}/cancel", data={"category": "no_longer_needed", "reason": "Solved it"})
    assert done.status_code == 303
    page = client.get(done.location)
    assert "€50.00 goes back to you." in page.text
    assert "Cancelled by you: Solved it." in page.text
    assert fresh(session).cancelled_by is CancelledBy.MENTEE


@pytest.mark.spec("CX-2", "CX-3")
def test_late_it_is_less_and_the_dialog_says_how_much(client: FlaskClient, clock: Clock) -> None:
    session = a_paid_session()
    clock.set(START_AT - timedelta(hours=5))
    dialog = as_mentee(client, session).get(f"/sessions/{session.id}/cancel")
    assert "70 % (€35.00)" in dialog.text
    assert "Free until" not in dialog.text


@pytest.mark.spec("CX-4")
def test_the_mentor_sees_what_happens_next(client: FlaskClient) -> None:
    session = a_paid_session(mentee=a_mentee(name="Mo Kim"))
    as_mentor(client, session)
    dialog = client.get(f"/sessions/{session.id}/cancel")
    for words in (
        "What Happens Next",
        "Mo chooses another mentor, or is refunded in full (€50.00)",
        "No payment will be issued to you",
        "Frequent cancellations may affect your mentor rating",
        "The mentee will be notified",
    ):
        assert words in dialog.text
    done = client.post(f"/sessions/{session.id}/cancel", data={"category": "illness", "reason": ""})
    page = client.get(done.location)
    assert "will receive a full refund of €50.00" in page.text
    assert fresh(session).refund_amount_minor == 0  # the mentee has yet to choose


@pytest.mark.spec("CX-1")
def test_before_payment_one_simply_withdraws(client: FlaskClient) -> None:
    draft = a_draft()
    as_mentee(client, draft)
    dialog = client.get(f"/sessions/{draft.id}/cancel")
    assert "Withdraw?" in dialog.text
    assert "Nothing was charged" in dialog.text
    assert 'name="category"' not in dialog.text
    client.post(f"/sessions/{draft.id}/cancel")
    assert fresh(draft).status is SessionStatus.CANCELLED


@pytest.mark.spec("CX-1")
def test_cancelling_what_is_over_is_refused_in_words(client: FlaskClient, clock: Clock) -> None:
    session = a_completed_session()
    clock.set(START_AT + timedelta(hours=3))
    as_mentee(client, session)
    answer = client.get(f"/sessions/{session.id}/cancel")
    assert answer.status_code == 303
    assert "cannot be cancelled" in client.get(answer.location).text


@pytest.mark.spec("RV-1")
def test_the_mentee_reviews_once_and_may_change_it(client: FlaskClient, clock: Clock) -> None:
    session = a_completed_session()
    clock.set(START_AT + timedelta(hours=3))
    as_mentee(client, session)
    place = f"/sessions/{session.id}/review"
    assert client.post(place, data={"comment": "No stars"}).status_code == 422
    assert client.post(place, data={"rating": "9"}).status_code == 422
    client.post(place, data={"rating": "4", "comment": EVIL})
    client.post(place, data={"rating": "5", "comment": EVIL})
    assert db.session.scalars(select(SessionReview.rating)).all() == [5]
    page = client.get(f"/mentors/{session.mentor_id}")
    assert "<script>alert" not in page.text
    assert "5 of 5 stars" in page.text


@pytest.mark.spec("BK-5")
def test_the_mentor_approves_a_request_and_the_mentee_is_asked_to_pay(client: FlaskClient) -> None:
    session = a_pending_request()
    as_mentor(client, session)
    assert "Approve this request?" in client.get(f"/sessions/{session.id}/approve").text
    bad = client.post(f"/sessions/{session.id}/approve", data={"meeting_url": "ftp://x"})
    assert bad.status_code == 422
    done = client.post(f"/sessions/{session.id}/approve", data={"message": "Bring your plan"})
    assert done.status_code == 303
    page = as_mentee(client, session).get("/my/sessions")
    assert "Proceed to payment" in page.text
    assert "Awaiting payment" in page.text


@pytest.mark.spec("BK-5", "DB-1")
def test_declining_needs_a_reason_that_the_mentee_reads(client: FlaskClient) -> None:
    session = a_pending_request()
    as_mentor(client, session)
    assert client.post(f"/sessions/{session.id}/decline", data={"reason": ""}).status_code == 422
    client.post(f"/sessions/{session.id}/decline", data={"reason": "I am away"})
    page = as_mentee(client, session).get("/my/sessions?tab=rejected")
    assert "I am away" in page.text
    assert "Request again" in page.text


@pytest.mark.spec("BK-5")
def test_a_request_without_a_time_is_given_one(client: FlaskClient) -> None:
    session = a_pending_request(at=None, preferred_time_note="Mornings")
    as_mentor(client, session)
    place = f"/sessions/{session.id}/approve"
    assert "Mornings" in client.get(place).text
    assert client.post(place, data={"day": "", "time": ""}).status_code == 422
    assert client.post(place, data={"day": "2028-03-01", "time": "10:00"}).status_code == 303
    assert fresh(session).scheduled_at == START_AT


@pytest.mark.spec("BK-6")
def test_paying_what_was_let_pass_is_refused_in_words(client: FlaskClient, clock: Clock) -> None:
    session = an_approved_request()
    assert session.hold_expires_at
    clock.set(session.hold_expires_at)
    answer = as_mentee(client, session).post(f"/sessions/{session.id}/pay")
    assert answer.status_code == 303
    assert "The time to pay has passed" in client.get(answer.location).text


@pytest.mark.spec("PERF-7")
def test_the_page_takes_the_same_statements_however_much_happened(client: FlaskClient, clock: Clock) -> None:
    session = a_paid_session()
    clock.set(START_AT - timedelta(minutes=5))
    as_mentee(client, session)
    before = statements(client, f"/sessions/{session.id}")
    for _ in range(3):
        client.post(f"/sessions/{session.id}/join")
    assert statements(client, f"/sessions/{session.id}") == before
    assert before <= 22


@pytest.mark.spec("NT-1")
def test_notifications_are_read_one_by_one_or_all_at_once(client: FlaskClient, app: Flask) -> None:
    mentee = a_mentee()
    sign_in(client, mentee)
    assert "Nothing new" in client.get("/notifications").text
    for number in range(3):
        notify(
            mentee.id, "session_reminder", title=f"Note {number}", body=EVIL, ctx=ctx_of(mentee), action_url="/mentors"
        )
    db.session.commit()
    page = client.get("/notifications")
    assert "3 new" in page.text
    assert "<script>alert" not in page.text
    first = re.findall(r'action="(/notifications/[^"]+/read)"', page.text)[0]
    assert client.post(first, data={"next": "/mentors"}).location == "/mentors"
    assert client.post(first, data={"next": "https://elsewhere.example/"}).location == "/notifications"
    assert "2 new" in client.get("/notifications").text
    client.post("/notifications/read")
    unread = db.session.scalars(select(Notification).where(Notification.read_at.is_(None))).all()
    assert unread == []


@pytest.mark.spec("INV-8")
def test_somebody_elses_notification_stays_unread(client: FlaskClient) -> None:
    mentee = a_mentee()
    notify(mentee.id, "session_reminder", title="Yours", body="", ctx=ctx_of(mentee))
    db.session.commit()
    row = db.session.scalars(select(Notification)).one()
    sign_in(client, a_mentee()).post(f"/notifications/{row.id}/read")
    assert fresh_note(row).read_at is None


def fresh_note(row: Notification) -> Notification:
    db.session.expire_all()
    return db.session.get_one(Notification, row.id)
