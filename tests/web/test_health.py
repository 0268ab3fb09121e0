"""Whether the product works, said plainly to whoever watches it (OPS-5)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.extensions import db, doorbell
from app.foundation import heartbeats
from app.foundation.transaction import transaction
from tests.world import Clock


@pytest.fixture
def running(app: Flask, clock: Clock) -> None:
    """Relay and clock were seen just now."""
    with transaction():
        for name in (heartbeats.RELAY, heartbeats.CLOCK):
            heartbeats.beat(name, now=clock.now)


@pytest.fixture
def no_queue_server(app: Flask) -> Iterator[None]:
    doorbell.connect("redis://127.0.0.1:1", is_silent=True)
    yield
    doorbell.connect(app.extensions["desk-settings"].redis_url, is_silent=True)


@pytest.mark.spec("OPS-5")
def test_a_process_that_answers_lives(client: FlaskClient, no_queue_server: None) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.spec("OPS-5")
def test_ready_means_that_every_part_works(client: FlaskClient, running: None) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json == {
        "status": "ok",
        "parts": dict.fromkeys(("database", "redis", "migrations", "relay", "clock"), "ok"),
    }
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.spec("OPS-5")
def test_before_relay_and_clock_were_seen_it_is_not_ready(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json["parts"]["relay"] == "never seen"


@pytest.mark.spec("OPS-5")
@pytest.mark.parametrize("seconds, silent", [(46, {"relay"}), (151, {"relay", "clock"})])
def test_a_process_not_seen_lately_is_named(
    client: FlaskClient, clock: Clock, running: None, seconds: int, silent: set[str]
) -> None:
    clock.advance(seconds=seconds)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    found = {name: state for name, state in answer.json["parts"].items() if state != "ok"}
    assert found == dict.fromkeys(silent, f"last seen {seconds} seconds ago")


@pytest.mark.spec("OPS-5")
def test_a_queue_server_that_is_away_is_named(client: FlaskClient, running: None, no_queue_server: None) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json["parts"] | {"redis": "ok"} == dict.fromkeys(answer.json["parts"], "ok")
    assert answer.json["parts"]["redis"] == "does not answer"


@pytest.mark.spec("OPS-5", "RUN-5")
def test_a_database_behind_the_code_is_named(client: FlaskClient, running: None) -> None:
    with transaction():
        db.session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json["parts"]["migrations"] == "not at head"
