"""The relay rings for what nobody rang for, however the queue server behaves (OPS-1, OPS-2)."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask, current_app
from redis.exceptions import RedisError
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from app.domain.context import SYSTEM
from app.extensions import Doorbell, db, doorbell
from app.foundation import heartbeats, outbox
from app.foundation.transaction import transaction
from app.models import OutboxRow
from app.tasks import relay as relay_module
from app.tasks.relay import Relay
from tests.world import Clock, context

NOBODY_LISTENS = "redis://127.0.0.1:1"


def put(count: int, *, now: datetime, **options: datetime) -> list[UUID]:
    with transaction():
        rows = [
            outbox.put("test.act", key=f"act:{number}", payload={}, ctx=context(SYSTEM, now), **options)
            for number in range(count)
        ]
    return [row for row in rows if row]


def rung(bell: Doorbell) -> list[str]:
    return [job.args[0] for job in bell.queue().jobs]


@pytest.mark.spec("OPS-2")
def test_a_row_whose_bell_was_not_heard_is_rung_for(bell: Doorbell, clock: Clock) -> None:
    bell.connect(NOBODY_LISTENS)
    (row,) = put(1, now=clock.now)  # the commit stands although nobody heard
    bell.connect(bell_url())
    assert Relay().sweep() == 1
    assert rung(bell) == [str(row)]


def bell_url() -> str:
    url: str = current_app.extensions["desk-settings"].redis_url
    return url


@pytest.mark.spec("OPS-1")
def test_the_queue_holds_json_and_no_pickle(bell: Doorbell, clock: Clock) -> None:
    put(1, now=clock.now)
    (job_id,) = bell.queue().job_ids
    data = bell.redis.hget(f"rq:job:{job_id}", "data")
    assert b'"app.tasks.jobs.deliver"' in zlib.decompress(data)


@pytest.mark.spec("OPS-1")
def test_what_a_wiped_queue_server_forgot_is_rung_for_again(bell: Doorbell, clock: Clock) -> None:
    rows = put(3, now=clock.now)
    Relay().sweep()
    bell.redis.flushall()
    assert Relay().sweep() == 0, "rung a moment ago: the worker may be about to do it"
    clock.advance(seconds=31)
    assert Relay().sweep() == 3
    assert sorted(rung(bell)) == sorted(map(str, rows))


@pytest.mark.spec("OPS-2")
def test_without_a_queue_server_no_row_is_marked_as_rung(bell: Doorbell, clock: Clock) -> None:
    bell.connect(NOBODY_LISTENS)
    put(1, now=clock.now)
    with pytest.raises(RedisError):
        Relay().sweep()
    assert db.session.scalars(select(OutboxRow.rung_at)).all() == [None]
    assert heartbeats.RELAY in heartbeats.seen(), "it lives, and readiness names the part that does not"


@pytest.mark.spec("OPS-3")
def test_only_what_is_due_is_rung_for(bell: Doorbell, clock: Clock) -> None:
    put(1, now=clock.now, available_at=clock.now + timedelta(minutes=5))
    assert Relay().sweep() == 0
    clock.advance(minutes=5)
    assert Relay().sweep() == 1


@pytest.mark.spec("OPS-1")
def test_work_whose_worker_died_is_rung_for_when_its_claim_ends(bell: Doorbell, clock: Clock) -> None:
    (row,) = put(1, now=clock.now)
    with transaction():
        assert outbox.claim(row, now=clock.now)
    bell.redis.flushall()
    assert Relay().sweep() == 0
    clock.advance(seconds=outbox.LEASE.total_seconds())
    assert Relay().sweep() == 1


@pytest.mark.spec("OPS-2")
def test_a_backlog_does_not_fill_the_queue_server(
    bell: Doorbell, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "QUEUE_LIMIT", 5)
    put(12, now=clock.now)
    bell.redis.flushall()
    for _ in range(4):
        Relay().sweep()
        clock.advance(seconds=31)
    assert len(rung(bell)) == 5


@pytest.mark.spec("OPS-2")
def test_the_limit_holds_whichever_way_the_database_goes(app: Flask, clock: Clock) -> None:
    """PostgreSQL chooses by its statistics, which change under it; here it may only go row by row."""
    put(12, now=clock.now)
    for way in ("hashjoin", "mergejoin", "hashagg", "sort", "material"):
        db.session.execute(text(f"SET LOCAL enable_{way} = off"))
    with transaction():
        assert len(outbox.due(now=clock.now, limit=5)) == 5


@pytest.mark.spec("OPS-2", "RUN-3")
def test_two_relays_at_once_ring_for_different_rows(own_database: Callable[..., Flask]) -> None:
    app = own_database()
    with app.app_context():
        now = app.extensions["desk-clock"]()
        rows = put(10, now=now)
        with transaction():
            first = outbox.due(now=now, limit=6)
            with app.app_context(), transaction():
                second = outbox.due(now=now, limit=10)
    assert (len(first), len(second)) == (6, 4)
    assert set(first) | set(second) == set(rows)


@pytest.mark.spec("OPS-5")
def test_the_relay_is_seen(bell: Doorbell, clock: Clock) -> None:
    Relay().sweep()
    assert heartbeats.seen()[heartbeats.RELAY] == clock.now


@pytest.mark.spec("OPS-1")
def test_a_ring_that_nobody_hears_does_not_fail_the_action(bell: Doorbell, clock: Clock) -> None:
    bell.connect(NOBODY_LISTENS)
    assert len(put(2, now=clock.now)) == 2
    assert doorbell.ring([UUID(int=1)]) is False


@pytest.mark.spec("OPS-2")
@pytest.mark.parametrize(
    "trouble", [RedisError("gone"), OperationalError("SELECT 1", {}, Exception("gone")), RuntimeError("a mistake")]
)
def test_nothing_that_goes_wrong_ends_the_relay(
    app: Flask, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    ours = Relay()
    sweeps: list[int] = []

    def sweep(_: Relay) -> int:
        sweeps.append(1)
        if len(sweeps) == 1:
            raise trouble
        ours.stopping.set()
        return 0

    for pause in ("PAUSE_SECONDS", "_LONGEST_PAUSE_SECONDS"):
        monkeypatch.setattr(relay_module, pause, 0.0)
    monkeypatch.setattr(Relay, "sweep", sweep)
    monkeypatch.setattr(relay_module.signal, "signal", lambda *_: None)
    ours.run()
    assert len(sweeps) == 2
