"""The meeting inside a page of ours, where it is set up and the provider can be shown (MT-3)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.booking.meetings import set_meeting_link
from app.http.csp import framing_headers
from app.integrations.meetings.jitsi import JitsiProvider
from app.models import MentoringSession
from tests.factories.people import ctx_of, sign_in
from tests.factories.sessions import START_AT, a_paid_session, fresh
from tests.outbox import RunOutbox
from tests.world import Clock

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def embedding(app: Flask) -> Iterator[None]:
    """MEETING_EMBED=true."""
    app.config["MEETING_EMBED"] = True
    yield
    app.config["MEETING_EMBED"] = False


@pytest.fixture
def session(app: Flask, clock: Clock, run_outbox: RunOutbox) -> MentoringSession:
    """With a room, ten minutes before its start."""
    session = a_paid_session()
    run_outbox(kind="meeting.create")
    clock.set(START_AT - timedelta(minutes=10))
    return fresh(session)


@pytest.mark.spec("MT-3", "JN-2")
def test_the_meeting_is_framed_and_the_policy_lets_in_this_provider_on_this_page_alone(
    embedding: None, session: MentoringSession, client: FlaskClient
) -> None:
    browser = sign_in(client, session.mentee)
    opened = browser.post(f"/sessions/{session.id}/join")
    assert f'<iframe class="meeting-frame" src="{session.meeting_url}"' in opened.text
    assert "http-equiv" not in opened.text
    origin = str(session.meeting_url).rpartition("/")[0]
    policy = opened.headers["Content-Security-Policy"]
    assert policy.endswith(f"; frame-src {origin}")
    assert "default-src 'none'; script-src 'self'" in policy
    assert f'camera=(self "{origin}"), microphone=(self "{origin}")' in opened.headers["Permissions-Policy"]
    assert opened.headers["Cache-Control"] == "no-store"

    page = browser.get(f"/sessions/{session.id}")
    assert "frame-src" not in page.headers["Content-Security-Policy"]
    assert session.meeting_url not in page.text


@pytest.mark.spec("MT-3")
@pytest.mark.parametrize("why", ["a link by hand", "a provider that refuses frames"])
def test_what_cannot_be_framed_opens_as_before(
    embedding: None, session: MentoringSession, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    if why == "a link by hand":
        set_meeting_link(session.id, "https://call.example/mine", ctx=ctx_of(session.mentor))
    else:
        monkeypatch.setattr(JitsiProvider, "can_be_framed", False)
    opened = sign_in(client, session.mentee).post(f"/sessions/{session.id}/join")
    assert "<iframe" not in opened.text
    assert f'content="0;url={fresh(session).meeting_url}"' in opened.text
    assert "frame-src" not in opened.headers["Content-Security-Policy"]


@pytest.mark.spec("MT-3", "SEC-2")
@pytest.mark.parametrize(
    "address",
    ["http://meet.example/x", "https://meet.example; script-src */x", "https://a b/x", "https://u@meet.example/x", "x"],
)
def test_an_address_that_could_widen_the_policy_is_not_framed(address: str) -> None:
    assert framing_headers(address) is None
    assert framing_headers("https://Meet.example:8443/x") is not None
