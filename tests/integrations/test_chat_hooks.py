"""Alerts into Slack and Discord, against a local server that answers as they do (DSP-3)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from flask import Flask

from app.domain.errors import ProviderFailed
from app.domain.vocabulary import DisputeCategory
from app.integrations.adapters import Adapters
from app.integrations.chat_hooks import Alert, ChatHook, DiscordHook, SlackHook
from tests.factories.disputes import a_dispute, session_of
from tests.outbox import RunOutbox
from tests.world import Clock

ALERT = Alert(
    headline="Dispute 1a2b3c4d (urgent): opened",
    facts="Behavior & <others>, due 10:00",
    url="https://desk.example/admin/disputes/1",
)
SECRET = "/services/T0/B0/very-secret"


@dataclass
class Chat:
    """What was posted, and what is answered."""

    address: str = ""
    status: int = 200
    posts: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


@pytest.fixture
def chat() -> Iterator[Chat]:
    state = Chat()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.posts.append((self.path, body))
            self.send_response(state.status)
            if state.status == 302:
                self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.address = f"http://127.0.0.1:{server.server_address[1]}{SECRET}"
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=[SlackHook, DiscordHook], ids=["slack", "discord"])
def hook(request: pytest.FixtureRequest, chat: Chat) -> ChatHook:
    made: ChatHook = request.param(chat.address)
    return made


@pytest.mark.spec("DSP-3")
def test_an_alert_is_posted_with_its_link_and_pings_nobody(hook: ChatHook, chat: Chat) -> None:
    hook.send(ALERT)
    ((path, body),) = chat.posts
    assert path == SECRET
    if hook.name == "slack":
        assert "&amp; &lt;others&gt;" in body["text"]
        assert ALERT.url in body["blocks"][0]["text"]["text"]
    else:
        assert ALERT.url in body["content"]
        assert body["allowed_mentions"] == {"parse": []}


@pytest.mark.spec("DSP-3", "OPS-3")
@pytest.mark.parametrize(
    "status, retryable", [(429, True), (500, True), (302, True), (400, False), (403, False), (404, False), (410, False)]
)
def test_what_may_help_later_is_tried_again_and_what_is_gone_is_not(
    hook: ChatHook, chat: Chat, status: int, retryable: bool
) -> None:
    chat.status = status
    with pytest.raises(ProviderFailed) as failure:
        hook.send(ALERT)
    assert failure.value.retryable is retryable
    assert "secret" not in failure.value.message


@pytest.mark.spec("SEC-6")
@pytest.mark.parametrize("address", ["http://127.0.0.1:9/very-secret", "nonsense very-secret", "https://"])
def test_the_address_is_in_no_error(address: str) -> None:
    for kind in (SlackHook, DiscordHook):
        with pytest.raises(ProviderFailed) as failure:
            kind(address).send(ALERT)
        assert "secret" not in f"{failure.value} {failure.value.__cause__}"


@pytest.mark.spec("DSP-3", "OPS-3")
def test_a_pressing_dispute_reaches_the_chat_that_is_set_up_without_any_name(
    app: Flask, clock: Clock, chat: Chat, run_outbox: RunOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: Adapters = app.extensions["desk-adapters"]
    with_slack = Adapters(known.gateway, known.meetings, known.mailer, (SlackHook(chat.address),))
    monkeypatch.setitem(app.extensions, "desk-adapters", with_slack)
    dispute = a_dispute(category=DisputeCategory.BEHAVIOR)
    assert run_outbox(kind="chat_hook.send") == [("chat_hook.send", "done")] * 2
    ((_, body),) = chat.posts
    assert f"Dispute {dispute.id.hex[:8]} (high): opened" in body["text"]
    assert f"http://localhost/admin/disputes/{dispute.id}" in str(body)
    session = session_of(dispute)
    for private in (session.mentee.name, session.mentor.name, session.title, dispute.reason):
        assert private not in str(body)


@pytest.mark.spec("DSP-3")
def test_without_any_chat_nothing_is_posted_and_nothing_fails(app: Flask, clock: Clock, run_outbox: RunOutbox) -> None:
    a_dispute(category=DisputeCategory.BEHAVIOR)
    assert run_outbox(kind="chat_hook.send") == [("chat_hook.send", "done")] * 2


@pytest.mark.spec("DSP-3")
def test_an_alert_of_an_hour_ago_is_dropped(app: Flask, clock: Clock, chat: Chat, run_outbox: RunOutbox) -> None:
    a_dispute(category=DisputeCategory.BEHAVIOR)
    clock.advance(hours=2)
    assert run_outbox(kind="chat_hook.send") == [("chat_hook.send", "too_late")] * 2
