"""What a meeting provider tells of a room becomes evidence: once, late, twice, in any order (JN-3, NS-5, MT-1)."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.booking.tick import tick
from app.domain.context import CLOCK
from app.domain.vocabulary import JoinSource, SessionStatus
from app.extensions import db
from app.foundation.transaction import transaction
from app.http.limits import limiter
from app.integrations.meetings.jitsi import JitsiProvider
from app.integrations.meetings.zoom import ZoomProvider
from app.models import MentoringSession, SessionJoin, User, WebhookEvent
from tests.factories.people import a_mentee
from tests.factories.sessions import START_AT, a_cancelled_session, a_paid_session, fresh
from tests.outbox import RunOutbox
from tests.world import START, Clock, context

pytestmark = pytest.mark.usefixtures("app", "clock")

SECRET = "TOKEN-237958623045"


@pytest.fixture(autouse=True)
def jitsi(app: Flask) -> Iterator[None]:
    """A Jitsi server that sends news."""
    before = app.extensions["desk-adapters"]
    app.extensions["desk-adapters"] = replace(
        before, meetings=(JitsiProvider("https://meet.example", webhook_secret=SECRET),)
    )
    yield
    app.extensions["desk-adapters"] = before


@pytest.fixture
def session(run_outbox: RunOutbox) -> MentoringSession:
    """Paid, its room made."""
    session = a_paid_session()
    run_outbox(kind="meeting.create")
    return fresh(session)


def minutes(after_start: float) -> datetime:
    return START_AT + timedelta(minutes=after_start)


def joined(session: MentoringSession, who: User | None, at: float, seat: str = "a@meet/1") -> dict[str, Any]:
    guest = {"occupant_jid": seat, "joined_at": int(minutes(at).timestamp()), "name": "Somebody"}
    if who is not None:
        guest["id"] = str(who.id)
    return {"event_name": "muc-occupant-joined", "room_name": session.meeting_ref, "occupant": guest}


def left(
    session: MentoringSession, who: User | None, at: float, until: float, seat: str = "a@meet/1"
) -> dict[str, Any]:
    told = joined(session, who, at, seat)
    told["occupant"]["left_at"] = int(minutes(until).timestamp())
    return {**told, "event_name": "muc-occupant-left"}


def ended(session: MentoringSession, at: float) -> dict[str, Any]:
    return {
        "event_name": "muc-room-destroyed",
        "room_name": session.meeting_ref,
        "destroyed_at": int(minutes(at).timestamp()),
    }


def tell(
    client: FlaskClient, message: dict[str, Any], header: str = f"Bearer {SECRET}", path: str = ""
) -> TestResponse:
    headers = {"Authorization": header}
    return client.post(f"/api/webhooks/meetings/jitsi{path}", data=json.dumps(message), headers=headers, csrf=False)


def stays(session: MentoringSession) -> list[tuple[object, float, float | None]]:
    rows = db.session.scalars(
        select(SessionJoin)
        .where(SessionJoin.session_id == session.id)
        .order_by(SessionJoin.joined_at)
        .execution_options(populate_existing=True)
    )
    since = lambda at: (at - START_AT).total_seconds() / 60  # noqa: E731
    return [(row.user_id, since(row.joined_at), since(row.left_at) if row.left_at else None) for row in rows]


def outcomes() -> list[str | None]:
    return list(db.session.scalars(select(WebhookEvent.outcome).order_by(WebhookEvent.received_at, WebhookEvent.id)))


@pytest.mark.spec("JN-3", "NS-5", "MT-1")
def test_who_came_and_when_it_ended_is_kept_and_the_session_ends_when_the_room_did(
    client: FlaskClient, session: MentoringSession, run_outbox: RunOutbox, clock: Clock
) -> None:
    clock.set(minutes(1))
    assert tell(client, joined(session, session.mentee, -2), path="/events/occupant/joined").status_code == 200
    assert tell(client, joined(session, session.mentor, 1, seat="b@meet/2")).get_json() == {"received": True}
    assert stays(session) == [], "the work is a job's"
    run_outbox(kind="meeting.news")
    assert stays(session) == [(session.mentee_id, -2, None), (session.mentor_id, 1, None)]
    assert fresh(session).started_at == minutes(-2)
    clock.set(minutes(50))
    tell(client, left(session, session.mentee, -2, 48))
    tell(client, ended(session, 49))
    run_outbox(kind="meeting.news")
    assert stays(session) == [(session.mentee_id, -2, 48), (session.mentor_id, 1, 49)]
    assert {row.source for row in db.session.scalars(select(SessionJoin))} == {JoinSource.PROVIDER}
    tick(ctx=context(CLOCK, minutes(60)))
    tick(ctx=context(CLOCK, minutes(200)))
    session = fresh(session)
    assert session.status is SessionStatus.COMPLETED
    assert (session.started_at, session.ended_at) == (minutes(-2), minutes(49))


@pytest.mark.spec("MT-1")
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 0, 3, 2), (2, 3, 0, 1), (3, 0, 1, 2)])
def test_in_any_order_and_twice_it_comes_to_the_same(
    client: FlaskClient, session: MentoringSession, run_outbox: RunOutbox, clock: Clock, order: tuple[int, ...]
) -> None:
    clock.set(minutes(50))
    told = [
        joined(session, session.mentee, 0),
        left(session, session.mentee, 0, 10),
        joined(session, session.mentee, 12, seat="a@meet/9"),
        ended(session, 49),
    ]
    for number in order:
        tell(client, told[number])
        run_outbox(kind="meeting.news")
        tell(client, told[number])
    assert run_outbox(kind="meeting.news") == []
    assert stays(session) == [(session.mentee_id, 0, 10), (session.mentee_id, 12, 49)]
    session = fresh(session)
    assert (session.started_at, session.ended_at) == (minutes(0), minutes(49))


@pytest.mark.spec("NS-5")
def test_a_room_that_was_empty_for_a_moment_has_not_ended(
    client: FlaskClient, session: MentoringSession, run_outbox: RunOutbox, clock: Clock
) -> None:
    clock.set(minutes(30))
    for message in (ended(session, -3), ended(session, 5), joined(session, None, 6)):
        tell(client, message)
        run_outbox(kind="meeting.news")
    assert fresh(session).ended_at is None
    assert sorted(str(each) for each in outcomes()) == ["before_the_start", "recorded", "somebody_unknown"]


@pytest.mark.spec("MT-1", "SEC-3", "API-3")
def test_a_stranger_is_refused_before_anything_is_read_and_soon_not_even_heard(
    client: FlaskClient, session: MentoringSession
) -> None:
    for header in ("", "Bearer wrong"):
        answer = tell(client, joined(session, session.mentee, 0), header)
        assert (answer.status_code, answer.get_json()["error"]["code"]) == (401, "bad_signature")
    assert db.session.scalars(select(WebhookEvent)).all() == []
    limiter.enabled = True
    try:
        seen = [tell(client, {}, "Bearer wrong").status_code for _ in range(31)]
    finally:
        limiter.enabled = False
    assert (seen[0], seen[-1]) == (401, 429)


@pytest.mark.spec("MT-1")
def test_rooms_of_others_and_other_news_are_taken_silently_and_not_kept(
    client: FlaskClient, session: MentoringSession
) -> None:
    elsewhere = {**joined(session, session.mentee, 0), "room_name": "session-of-somebody-else"}
    for message in (elsewhere, {"event_name": "muc-room-created", "room_name": session.meeting_ref}, {}):
        answer = tell(client, message)
        assert (answer.status_code, answer.get_json()) == (200, {"received": True})
    assert db.session.scalars(select(WebhookEvent)).all() == []
    assert client.post("/api/webhooks/meetings/skype", data=b"{}", csrf=False).status_code == 404


@pytest.mark.spec("NS-1", "JN-3")
def test_only_a_party_inside_the_window_leaves_evidence(
    client: FlaskClient, session: MentoringSession, run_outbox: RunOutbox, clock: Clock
) -> None:
    clock.set(minutes(300))
    for number, (who, at) in enumerate([(session.mentee, -120), (session.mentor, 180), (a_mentee(), 5), (None, 5)]):
        tell(client, joined(session, who, at, seat=f"{number}@meet"))
    run_outbox(kind="meeting.news")
    assert stays(session) == []
    assert sorted(str(each) for each in outcomes()) == 2 * ["outside_the_window"] + 2 * ["somebody_unknown"]


@pytest.mark.spec("MT-1")
def test_zooms_question_is_answered_over_http_and_only_with_its_signature(app: Flask, client: FlaskClient) -> None:
    zoom = ZoomProvider(account_id="a", client_id="c", client_secret="s", host="h", webhook_secret="token")
    app.extensions["desk-adapters"] = replace(app.extensions["desk-adapters"], meetings=(zoom,))
    body = b'{"event":"endpoint.url_validation","payload":{"plainToken":"abc"}}'
    stamp = str(int(START.timestamp()))
    signature = hmac.new(b"token", b"v0:" + stamp.encode() + b":" + body, "sha256").hexdigest()

    def ask(signed: str) -> TestResponse:
        headers = {"X-Zm-Signature": f"v0={signed}", "X-Zm-Request-Timestamp": stamp}
        return client.post("/api/webhooks/meetings/zoom", data=body, headers=headers, csrf=False)

    answer = ask(signature)
    assert answer.get_json() == {
        "plainToken": "abc",
        "encryptedToken": hmac.new(b"token", b"abc", "sha256").hexdigest(),
    }
    assert ask("0" * 64).status_code == 401


@pytest.mark.spec("JN-2", "SEC-6")
def test_what_is_kept_opens_no_door_and_names_nobody(client: FlaskClient, session: MentoringSession) -> None:
    message = joined(session, session.mentee, 0)
    message["occupant"]["email"] = "asha@example.org"
    tell(client, message)
    kept = db.session.scalars(select(WebhookEvent)).one()
    everything = f"{kept.payload} {kept.reference} {kept.event_key}"
    assert session.meeting_ref
    assert session.meeting_ref not in everything
    assert "asha" not in everything


@pytest.mark.spec("NS-5")
def test_news_of_a_session_that_is_off_or_was_ended_by_a_person_change_nothing(
    client: FlaskClient, run_outbox: RunOutbox, clock: Clock
) -> None:
    session = a_cancelled_session()
    with transaction():
        row = fresh(session)
        row.meeting_provider, row.meeting_ref = "jitsi", "left-over"
    clock.set(minutes(10))
    tell(client, joined(fresh(session), session.mentee, 0))
    tell(client, ended(fresh(session), 9))
    run_outbox(kind="meeting.news")
    assert (stays(session), fresh(session).ended_at) == ([], None)
    assert outcomes() == ["session_is_off", "session_is_off"]
