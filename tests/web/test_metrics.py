"""What Prometheus reads, and who else may (OPS-5)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import create_engine

from app.extensions import db
from app.foundation import heartbeats
from app.foundation.transaction import transaction
from tests.factories.sessions import a_cancelled_session, a_paid_session
from tests.world import Clock

Figures = dict[tuple[str, ...], float]


def figures(client: FlaskClient) -> Figures:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    families = text_string_to_metric_families(answer.get_data(as_text=True))
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


@pytest.mark.spec("OPS-5")
def test_it_tells_of_requests_jobs_bookings_and_refunds(client: FlaskClient, clock: Clock) -> None:
    a_paid_session()
    a_cancelled_session()
    with transaction():
        heartbeats.beat(heartbeats.RELAY, now=clock.now - timedelta(seconds=9))
    clock.advance(minutes=3)
    answered = "desk_request_seconds_count"
    found, lost = (answered, "GET", "/mentors", "200"), (answered, "GET", "none", "404")
    # The process counts for all that it ever answered, other tests included.
    before = figures(client)
    assert client.get("/mentors").status_code == 200
    assert client.get("/sessions/nonsense").status_code == 404

    told = figures(client)

    assert told["desk_up",] == 1
    assert told["desk_sessions", "scheduled"] == 1
    assert told["desk_sessions", "cancelled"] == 1
    assert told["desk_refunds", "pending"] == 1
    assert told["desk_jobs", "mail.send", "queued"] > 0
    assert told["desk_outbox_oldest_seconds", "mail.send"] == 180
    assert told["desk_process_seen_seconds", "relay"] == 189
    assert [told[each] - before.get(each, 0) for each in (found, lost)] == [1, 1]


@pytest.mark.spec("OPS-5")
def test_without_a_token_only_this_machine_reads_it(client: FlaskClient) -> None:
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "203.0.113.9"}).status_code == 404
    assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 404


@pytest.mark.spec("OPS-5", "SEC-6")
def test_with_a_token_only_who_sends_it_reads_it(own_database: Callable[..., Flask]) -> None:
    app = own_database(metrics_token="for the watcher only")
    with app.app_context():
        client = app.test_client()
        assert client.get("/metrics").status_code == 404
        assert client.get("/metrics", headers={"Authorization": "Bearer something else"}).status_code == 404
        assert client.get("/metrics", headers={"Authorization": "Bearer for the watcher only"}).status_code == 200


@pytest.mark.spec("OPS-5")
def test_a_database_that_is_away_is_told_and_not_an_error(own_database: Callable[..., Flask]) -> None:
    app = own_database()
    with app.app_context():
        engine = db.engines[None]
        db.engines[None] = create_engine(engine.url.set(port=1))
        told = figures(app.test_client())
        db.engines[None] = engine

    assert told["desk_up",] == 0
    assert not any(name[0] == "desk_sessions" for name in told)
