"""The conversation on the session's page, with and without its script, and in the console (CH-1, CH-2)."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.booking.chat import write_message
from app.extensions import db
from app.models import AdminAuditTrail, Message
from tests.factories.people import a_support_agent, an_ops, ctx_of, sign_in
from tests.factories.sessions import a_draft, a_paid_session, fresh

pytestmark = [pytest.mark.usefixtures("app", "clock"), pytest.mark.spec("CH-1")]


def test_a_form_sends_and_the_page_shows_it_with_what_support_may(client: FlaskClient) -> None:
    session = fresh(a_paid_session())
    browser = sign_in(client, session.mentee)
    path = f"/sessions/{session.id}"
    for _ in range(2):  # pressed twice
        answer = browser.post(f"{path}/messages", data={"body": "Look: https://example.com/a?b=1&c", "key": "k1"})
        assert (answer.status_code, answer.location) == (303, f"{path}#chat")
    page = browser.get(path).text
    assert db.session.scalar(db.select(db.func.count()).select_from(Message)) == 1
    assert 'href="https://example.com/a?b=1&amp;c"' in page
    assert 'rel="nofollow noopener noreferrer"' in page
    assert "Support can read this conversation" in page


def test_markup_and_scripts_in_a_message_are_text(client: FlaskClient) -> None:
    session = fresh(a_paid_session())
    for text in ("<script>alert(1)</script>", "javascript:alert(1)", 'https://e.example/"onmouseover="x'):
        write_message(session.id, body=text, ctx=ctx_of(session.mentee))
    page = sign_in(client, session.mentor).get(f"/sessions/{session.id}").text
    assert "<script>alert" not in page
    assert 'href="javascript' not in page
    assert 'onmouseover="x' not in page


def test_unread_messages_are_counted_on_row_and_page_and_a_button_marks_them(client: FlaskClient) -> None:
    session = fresh(a_paid_session())
    write_message(session.id, body="Hello", ctx=ctx_of(session.mentee))
    browser = sign_in(client, session.mentor)
    assert "1 new message<" in browser.get("/mentor/schedule").text
    assert "Mark as read" in browser.get(f"/sessions/{session.id}").text
    browser.post(f"/sessions/{session.id}/messages/read")
    assert "new message" not in browser.get("/mentor/schedule").text
    assert "Mark as read" not in browser.get(f"/sessions/{session.id}").text


def test_before_a_session_is_confirmed_there_is_no_conversation(client: FlaskClient) -> None:
    session = fresh(a_draft())
    browser = sign_in(client, session.mentee)
    assert 'id="chat"' not in browser.get(f"/sessions/{session.id}").text
    answer = browser.post(
        f"/sessions/{session.id}/messages", data={"body": "Hello"}, headers={"X-Requested-With": "chat"}
    )
    assert (answer.status_code, answer.mimetype) == (409, "text/plain")
    assert "confirmed" in answer.text


@pytest.mark.parametrize("before", ["0", "x", "-1", "9" * 30, "²"])
def test_an_odd_place_in_the_conversation_breaks_nothing(client: FlaskClient, before: str) -> None:
    session = fresh(a_paid_session())
    assert sign_in(client, session.mentee).get(f"/sessions/{session.id}?before={before}").status_code == 200


@pytest.mark.spec("CH-2", "AUD-4")
def test_the_console_asks_for_a_reason_and_then_shows_it_once(client: FlaskClient) -> None:
    session = fresh(a_paid_session())
    write_message(session.id, body="Hello there", ctx=ctx_of(session.mentee))
    browser = sign_in(client, a_support_agent())
    path = f"/admin/sessions/{session.id}/chat"
    assert "Read their conversation" in browser.get(f"/admin/sessions/{session.id}").text
    assert "Hello there" not in browser.get(path).text
    refused = browser.post(path, data={"reason": " "})
    assert refused.status_code == 422
    assert "Hello there" not in refused.text
    assert db.session.scalar(db.select(db.func.count()).select_from(AdminAuditTrail)) == 0
    assert "Hello there" in browser.post(path, data={"reason": "A report"}).text
    assert db.session.scalars(db.select(AdminAuditTrail.action)).all() == ["ADMIN_CHAT_VIEWED"]
    ops = sign_in(client, an_ops())
    assert "Read their conversation" not in ops.get(f"/admin/sessions/{session.id}").text
    assert ops.post(path, data={"reason": "A report"}).status_code == 403
