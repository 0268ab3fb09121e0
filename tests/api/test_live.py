"""Hearing of what changed: the stream's first event, which is also its catching up, and asking again (NT-2)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.booking.cancel import cancel_session
from app.domain.vocabulary import CancellationCategory, NotificationType
from app.extensions import db
from app.foundation.transaction import transaction
from app.messaging.kinds import KINDS
from app.messaging.notify import notify
from app.models import Login, User
from app.people.logins import SEEN_EVERY
from tests.api.contract import Caller, data_of, error_of
from tests.factories.people import a_mentee, a_support_agent, ctx_of, sign_in
from tests.factories.sessions import a_paid_session, fresh
from tests.world import Clock

pytestmark = [pytest.mark.usefixtures("app", "clock"), pytest.mark.spec("NT-2")]

STREAM = "/api/notifications/stream"
Calling = Callable[..., Caller]


def tell(user: User, title: str = "New Review", kind: NotificationType = NotificationType.REVIEW_RECEIVED) -> None:
    with transaction():
        notify(user.id, kind, title=title, body="Five stars.", action_url="/my/sessions", ctx=ctx_of(user))


def first_event(client: FlaskClient, *, since: str = "", header: str = "") -> tuple[str, dict[str, Any]]:
    """The id and the data of the one event that is answered where no stream is held."""
    answer = client.get(
        STREAM, query_string={"since": since} if since else None, headers={"Last-Event-ID": header} if header else None
    )
    assert (answer.status_code, answer.mimetype) == (200, "text/event-stream")
    lines = dict(line.split(": ", 1) for line in answer.text.splitlines() if ": " in line)
    return lines["id"], json.loads(lines["data"])


def test_a_stream_begins_with_the_unread_count_and_nothing_old(client: FlaskClient) -> None:
    mentee = a_mentee()
    tell(mentee)
    _, news = first_event(sign_in(client, mentee))
    assert (news["unread"], news["notifications"], news["changedBookings"]) == (1, [], [])


def test_whoever_comes_again_hears_what_was_missed(client: FlaskClient) -> None:
    session = fresh(a_paid_session())
    browser = sign_in(client, session.mentor)
    mark, _ = first_event(browser)
    cancel_session(session.id, category=CancellationCategory.SCHEDULE_CONFLICT, reason="", ctx=ctx_of(session.mentee))
    for how in ({"header": mark}, {"since": mark}):
        _, news = first_event(browser, **how)
        assert [each["type"] for each in news["notifications"]] == ["session_cancelled"]
        assert news["changedBookings"] == [str(session.id)]


def test_the_header_of_a_browser_that_comes_again_outranks_its_address(client: FlaskClient) -> None:
    mentee = a_mentee()
    browser = sign_in(client, mentee)
    before, _ = first_event(browser)
    tell(mentee)
    after, _ = first_event(browser)
    answer = browser.get(STREAM, query_string={"since": before}, headers={"Last-Event-ID": after})
    assert '"notifications":[]' in answer.text


def test_nobody_hears_of_others_sessions_and_notifications(client: FlaskClient) -> None:
    a_paid_session()
    browser = sign_in(client, a_mentee())
    mark, _ = first_event(browser)
    session = fresh(a_paid_session())
    tell(session.mentee)
    _, news = first_event(browser, since=mark)
    assert (news["unread"], news["notifications"], news["changedBookings"]) == (0, [], [])


def test_staff_hear_of_every_session(client: FlaskClient) -> None:
    a_paid_session()
    browser = sign_in(client, a_support_agent())
    mark, _ = first_event(browser)
    session = a_paid_session()
    _, news = first_event(browser, since=mark)
    assert news["changedBookings"] == [str(session.id)]


def test_a_page_hears_of_what_happened_since_it_was_made(client: FlaskClient, clock: Clock) -> None:
    mentee = a_mentee()
    tell(mentee, "Old")
    clock.advance(minutes=1)
    made_at = clock.now.isoformat()
    clock.advance(seconds=1)
    tell(mentee, "New")
    answer = sign_in(client, mentee).get(STREAM, query_string={"pageAt": made_at})
    assert '"title":"New"' in answer.text
    assert '"title":"Old"' not in answer.text


def test_whoever_is_far_behind_is_told_to_read_everything(client: FlaskClient, app: Flask) -> None:
    session = fresh(a_paid_session())
    browser = sign_in(client, session.mentee)
    mark, _ = first_event(browser)
    sequence = "pg_get_serial_sequence('session_audit_log', 'number')"
    db.session.execute(db.text(f"SELECT setval({sequence}, 5000 + (SELECT max(number) FROM session_audit_log))"))
    cancel_session(session.id, category=CancellationCategory.SCHEDULE_CONFLICT, reason="", ctx=ctx_of(session.mentee))
    _, news = first_event(browser, since=mark)
    assert news["everythingChanged"] is True


def test_a_program_without_a_stream_asks_with_the_cursor_of_the_last_answer(calling: Calling) -> None:
    mentee = a_mentee()
    caller = calling(mentee)
    tell(mentee, "Old")
    first = data_of(caller.get("/api/notifications"))
    assert [each["title"] for each in first["notifications"]] == ["Old"]
    assert data_of(caller.get("/api/notifications", since=first["cursor"]))["notifications"] == []
    tell(mentee, "New")
    second = data_of(caller.get("/api/notifications", since=first["cursor"]))
    assert [each["title"] for each in second["notifications"]] == ["New"]
    assert second["unread"] == 2
    error_of(caller.get("/api/notifications", since="yesterday"), 422)
    error_of(caller.get(STREAM, since="1;2"), 422)


@pytest.mark.spec("SEC-2")
@pytest.mark.parametrize("path", [STREAM, "/api/notifications"])
def test_a_page_that_asks_by_itself_keeps_nobody_signed_in(client: FlaskClient, clock: Clock, path: str) -> None:
    browser = sign_in(client, a_support_agent())
    clock.advance(seconds=SEEN_EVERY.total_seconds() + 1)
    before = db.session.scalars(db.select(Login.last_seen_at)).all()
    browser.get(path, headers={"X-Requested-With": "live"})
    assert db.session.scalars(db.select(Login.last_seen_at)).all() == before
    browser.get("/notifications")
    assert db.session.scalars(db.select(Login.last_seen_at)).all() != before


@pytest.mark.spec("NT-3")
def test_three_kinds_make_a_sound() -> None:
    assert {kind for kind, how in KINDS.items() if how.sound} == {
        NotificationType.SESSION_REQUEST, NotificationType.SESSION_ACCEPTED, NotificationType.DISPUTE_URGENT,
    }  # fmt: skip


@pytest.mark.spec("NT-1")
def test_every_kind_of_notification_is_registered_with_a_name_for_its_link() -> None:
    assert KINDS.keys() == set(NotificationType)
    assert all(kind.title and kind.action for kind in KINDS.values())
    fixed = {
        "session_accepted": ("Request Approved", "Proceed to Payment"),
        "session_rejected": ("Request Declined", "Browse Mentors"),
        "payment_confirmed": ("Booking Confirmed", "View Session"),
        "payment_received": ("Payment Received", "View Sessions"),
    }
    for name, words in fixed.items():
        kind = KINDS[NotificationType(name)]
        assert (kind.title, kind.action) == words
