"""The clock's jobs: put where our workers find them, seen by readiness, harmless when run twice (OPS-4)."""

from __future__ import annotations

import json
import zlib
from datetime import timedelta
from functools import partial

import pytest
from flask import Flask
from redis.exceptions import ConnectionError  # noqa: A004 - the queue server's own
from rq.utils import import_attribute
from sqlalchemy import func, select

from app.booking import tick as ticking
from app.domain.context import SYSTEM, Context
from app.domain.vocabulary import OutboxState, Party, SessionStatus
from app.extensions import Doorbell, db
from app.foundation import cleanup, heartbeats, outbox
from app.foundation.transaction import transaction
from app.models import Heartbeat, MentoringSession, OutboxRow
from app.tasks import clock as clock_module
from app.tasks import jobs, rounds
from app.tasks.clock import SCHEDULE, Clock
from app.tasks.rounds import Round
from tests.factories.sessions import START_AT, a_paid_session, an_expired_draft, fresh, they_join
from tests.world import Clock as Hands
from tests.world import context


@pytest.mark.spec("OPS-4")
def test_what_the_clock_puts_is_json_that_our_workers_can_call(bell: Doorbell, clock: Hands) -> None:
    ours = Clock(bell.redis)
    for entry in ours.get_jobs():
        entry.enqueue(bell.redis)
    queued = bell.queue().jobs
    assert [job.func_name for job in queued] == ["app.tasks.jobs.tick", "app.tasks.jobs.nightly"]
    for job in queued:
        assert callable(import_attribute(job.func_name))
        raw = bell.redis.hget(job.key, "data")
        assert json.loads(zlib.decompress(raw))[0] == job.func_name
    assert ours.get_jobs()[0].get_job_ids(bell.redis), "RQ's own history, for the operations page"


@pytest.mark.spec("OPS-4")
def test_a_tick_that_no_worker_took_is_dropped_before_the_next(bell: Doorbell, clock: Hands) -> None:
    """A worker that was away for a day would else do a day's ticks in a row."""
    tick = next(entry for entry in SCHEDULE if entry.job is jobs.tick)
    assert tick.fresh_seconds < 60
    Clock(bell.redis).get_jobs()[0].enqueue(bell.redis)
    assert bell.queue().jobs[0].ttl == tick.fresh_seconds


@pytest.mark.spec("OPS-5")
def test_the_clock_is_seen(bell: Doorbell, clock: Hands) -> None:
    Clock(bell.redis).heartbeat()
    assert heartbeats.seen()[heartbeats.CLOCK] == clock.now


@pytest.mark.spec("OPS-4", "SM-3")
def test_the_tick_does_what_is_due_says_so_and_may_run_twice(app: Flask, clock: Hands) -> None:
    session = a_paid_session()
    assert session.scheduled_at
    clock.set(session.scheduled_at)
    assert jobs.tick()["counts"] == {"started": 1}
    assert jobs.tick()["changed"] == 0
    assert fresh(session).status is SessionStatus.IN_PROGRESS
    row = db.session.get_one(Heartbeat, heartbeats.job("tick"))
    assert (row.seen_at, row.report["changed"]) == (clock.now, 0)


@pytest.mark.spec("OPS-4")
def test_after_the_clock_was_down_one_tick_catches_up(
    app: Flask, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = [a_paid_session() for _ in range(5)]
    for session in sessions:
        they_join(session, *Party)
    clock.advance(days=30)
    real = rounds.tick
    monkeypatch.setattr(rounds, "tick", lambda **asked: real(**asked, batch=2))
    assert jobs.tick()["counts"] == {"started": 5, "completed": 5}
    assert {fresh(session).status for session in sessions} == {SessionStatus.COMPLETED}


@pytest.mark.spec("OPS-4")
def test_a_round_that_breaks_keeps_no_other_from_its_turn(
    app: Flask, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(_ctx: Context) -> dict[str, object]:
        raise ArithmeticError

    session = a_paid_session()
    assert session.scheduled_at
    clock.set(session.scheduled_at)
    monkeypatch.setattr(jobs, "EACH_MINUTE", (Round("broken", breaks), *rounds.EACH_MINUTE))

    report = jobs.tick()

    assert (report["counts"], report["broken"]) == ({"started": 1}, ["broken"])


@pytest.mark.spec("OPS-4")
def test_a_full_batch_of_failures_keeps_nobody_else_waiting(
    app: Flask, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = [a_paid_session() for _ in range(4)]
    stuck = {session.id for session in sessions[:2]}
    clock.set(START_AT)
    real = ticking._steps

    def stumble(session: MentoringSession, ctx: Context) -> list[str]:
        if session.id in stuck:
            raise ArithmeticError
        return real(session, ctx)

    monkeypatch.setattr(ticking, "_steps", stumble)
    monkeypatch.setattr(rounds, "tick", partial(rounds.tick, batch=1))

    report = jobs.tick()

    assert (report["counts"], report["failed"]) == ({"started": 2}, 2)


@pytest.mark.spec("OPS-1")
def test_the_job_of_a_row_does_that_row(app: Flask, clock: Hands) -> None:
    session = an_expired_draft()
    assert session.hold_expires_at
    clock.set(session.hold_expires_at)
    row = db.session.scalars(select(OutboxRow.id).where(OutboxRow.kind == "mail.send").limit(1)).one()
    assert jobs.deliver(str(row)) == "done"
    assert jobs.deliver(str(row)) == "not_mine"


@pytest.mark.spec("OPS-4")
def test_the_night_forgets_carried_mails_of_long_ago_and_nothing_else(app: Flask, clock: Hands) -> None:
    with transaction():
        for kind in ("mail.send", "refund.send"):
            for state in OutboxState:
                row_id = outbox.put(kind, key=f"{kind}:{state}", payload={}, ctx=context(SYSTEM, clock.now))
                db.session.get_one(OutboxRow, row_id).state = state
    clock.advance(days=29)
    assert cleanup.forget_old(ctx=context(SYSTEM, clock.now))["outbox"] == 0
    clock.advance(days=2)
    assert jobs.nightly()["forgotten"]["outbox"] == 2
    left = db.session.scalar(select(func.count()).where(OutboxRow.kind == "mail.send"))
    assert left == len(OutboxState) - 2
    assert db.session.scalar(select(func.count()).where(OutboxRow.kind == "refund.send")) == len(OutboxState)


def test_the_lease_outlasts_every_pause_of_a_mail_server() -> None:
    from app.integrations.mailer import _TIMEOUT_SECONDS

    assert timedelta(seconds=3 * _TIMEOUT_SECONDS) < outbox.LEASE


@pytest.mark.spec("OPS-4")
def test_a_queue_server_that_goes_away_does_not_end_the_clock(
    bell: Doorbell, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts: list[Clock] = []

    def start(self: Clock) -> None:
        starts.append(self)
        if len(starts) < 3:
            raise ConnectionError("gone")

    monkeypatch.setattr(Clock, "start", start)
    monkeypatch.setattr(clock_module, "_RETRY_SECONDS", 0)
    clock_module.run()
    assert len(starts) == 3
    assert starts[0].get_jobs()[0].should_run(), "what was missed is caught up at once"
