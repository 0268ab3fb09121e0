"""One outbox row: done once, twice, out of order, by a worker that dies, against a world that fails (OPS-1, OPS-3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask

from app.domain.context import SYSTEM, Context
from app.domain.errors import Busy, ProviderFailed
from app.domain.vocabulary import OutboxState
from app.extensions import db
from app.foundation import outbox
from app.foundation.outbox import LEASE, Work
from app.foundation.transaction import in_transaction, transaction
from app.models import OutboxRow
from app.tasks.handlers import HANDLERS, HandlerSpec, Record
from app.tasks.runner import Outcome, deliver_row
from tests.outbox import Killed, RunOutbox, killed_after
from tests.world import Clock

PAUSES = (timedelta(seconds=10), timedelta(seconds=60))


class World:
    """The outside world: remembers by key what it was asked to do, and fails when told to."""

    def __init__(self) -> None:
        self.acts: list[str] = []
        self.records: list[str] = []
        self.failures: list[tuple[str, bool]] = []
        self.trouble: list[BaseException] = []
        self.record_trouble: list[Exception] = []

    def handle(self, work: Work, ctx: Context) -> Record:
        assert not in_transaction(), "the outside world is spoken to with no transaction open"
        if self.trouble:
            raise self.trouble.pop(0)
        self.acts.append(work.key)
        return lambda: self._record(work)

    def _record(self, work: Work) -> None:
        assert in_transaction()
        if self.record_trouble:
            raise self.record_trouble.pop(0)
        self.records.append(work.key)

    def failed(self, work: Work, error: str, is_final: bool, ctx: Context) -> None:
        assert in_transaction()
        self.failures.append((error, is_final))


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    HANDLERS["test.act"] = HandlerSpec(made.handle, PAUSES, timedelta(hours=1), failed=made.failed)
    yield made
    del HANDLERS["test.act"]


Put = Callable[..., UUID]


@pytest.fixture
def put(app: Flask, clock: Clock) -> Put:
    def make(key: str = "act:1", kind: str = "test.act", **options: object) -> UUID:
        with transaction():
            row = outbox.put(kind, key=key, payload={}, ctx=Context(SYSTEM, clock.now, "req-of-the-page"), **options)
        assert row
        return row

    return make


def row_of(row_id: UUID) -> OutboxRow:
    row = db.session.get(OutboxRow, row_id, populate_existing=True)
    assert row
    return row


@pytest.mark.spec("OPS-1")
def test_work_is_done_and_recorded_together_with_its_row(world: World, put: Put, clock: Clock) -> None:
    row = put()
    assert deliver_row(row) is Outcome.DONE
    assert (world.acts, world.records) == (["act:1"], ["act:1"])
    assert row_of(row).state is OutboxState.DONE
    assert row_of(row).settled_at == clock.now


@pytest.mark.spec("OPS-1", "OPS-3")
def test_a_second_bell_for_the_same_row_does_nothing(world: World, put: Put) -> None:
    row = put()
    assert [deliver_row(row) for _ in range(3)] == [Outcome.DONE, Outcome.NOT_MINE, Outcome.NOT_MINE]
    assert world.acts == ["act:1"]


@pytest.mark.spec("OPS-3")
def test_the_same_cause_is_put_once(world: World, put: Put, run_outbox: RunOutbox, clock: Clock) -> None:
    put()
    with transaction():
        again = outbox.put("test.act", key="act:1", payload={}, ctx=Context(SYSTEM, clock.now, "r"))
    assert again is None
    assert run_outbox() == [("test.act", "done")]


def test_a_bell_before_the_row_is_due_does_nothing(world: World, put: Put, clock: Clock) -> None:
    row = put(available_at=clock.now + timedelta(minutes=5))
    assert deliver_row(row) is Outcome.NOT_MINE
    clock.advance(minutes=5)
    assert deliver_row(row) is Outcome.DONE


def test_rows_may_be_done_in_any_order(world: World, put: Put) -> None:
    rows = [put(key=f"act:{number}") for number in range(4)]
    assert [deliver_row(row) for row in reversed(rows)] == [Outcome.DONE] * 4
    assert world.records == ["act:3", "act:2", "act:1", "act:0"]


@pytest.mark.spec("OPS-1")
@pytest.mark.parametrize("point, acts", [("claim", 1), ("act", 2)])
def test_a_worker_that_dies_loses_nothing(
    world: World, put: Put, run_outbox: RunOutbox, clock: Clock, point: str, acts: int
) -> None:
    """Between claim and act it was not done yet; between act and record it is done again, with the same key."""
    row = put()
    assert run_outbox(kill_after=point) == [("test.act", "killed")]
    assert row_of(row).state is OutboxState.CLAIMED
    assert run_outbox() == [], "its claim still stands"
    clock.advance(seconds=LEASE.total_seconds())
    assert run_outbox() == [("test.act", "done")]
    assert world.acts == ["act:1"] * acts
    assert world.records == ["act:1"]


@pytest.mark.spec("OPS-1")
def test_a_worker_slower_than_its_claim_records_nothing(world: World, put: Put, clock: Clock) -> None:
    """The first holder wakes up after a second one has done the work."""
    row = put()
    inner: list[Outcome] = []
    original = world.handle

    def slow(work: Work, ctx: Context) -> Record:
        record = original(work, ctx)
        if len(world.acts) == 1:
            clock.advance(seconds=LEASE.total_seconds())
            inner.append(deliver_row(row))
        return record

    HANDLERS["test.act"] = HandlerSpec(slow, PAUSES, timedelta(hours=1))
    assert deliver_row(row) is Outcome.NOT_MINE
    assert inner == [Outcome.DONE]
    assert world.acts == ["act:1", "act:1"], "the same key twice: the outside world tells them apart by it"
    assert row_of(row).state is OutboxState.DONE


@pytest.mark.spec("OPS-3")
def test_a_failure_waits_longer_each_time_and_then_stays_at_the_longest_pause(
    world: World, put: Put, clock: Clock
) -> None:
    row = put()
    for pause in (10, 60, 60):
        world.trouble = [ProviderFailed("The line is down.")]
        assert deliver_row(row) is Outcome.LATER
        waits = (row_of(row).available_at - clock.now).total_seconds()
        assert 0.75 * pause <= waits <= pause
        assert row_of(row).last_error == "The line is down."
        clock.set(row_of(row).available_at)
    assert deliver_row(row) is Outcome.DONE
    assert world.failures == [("The line is down.", False)] * 3


@pytest.mark.spec("OPS-3")
def test_what_fails_past_its_deadline_is_a_dead_letter(world: World, put: Put, clock: Clock) -> None:
    row = put()
    clock.advance(hours=1)
    world.trouble = [ProviderFailed("Still down.")]
    assert deliver_row(row) is Outcome.DEAD
    assert row_of(row).state is OutboxState.DEAD
    assert world.failures == [("Still down.", True)]
    clock.advance(days=1)
    assert deliver_row(row) is Outcome.NOT_MINE


@pytest.mark.spec("OPS-3")
def test_what_cannot_get_better_is_dead_at_once(world: World, put: Put) -> None:
    row = put()
    world.trouble = [ProviderFailed("No such address.", retryable=False)]
    assert deliver_row(row) is Outcome.DEAD
    assert row_of(row).last_error == "No such address."


@pytest.mark.spec("OPS-3")
def test_a_dead_letter_that_staff_retry_is_tried_once_more(world: World, put: Put, clock: Clock) -> None:
    row = put()
    world.trouble = [ProviderFailed("No such address.", retryable=False)]
    deliver_row(row)
    with transaction():
        assert outbox.retry_dead([row], ctx=Context(SYSTEM, clock.now, "r")) == 1
        assert outbox.retry_dead([row], ctx=Context(SYSTEM, clock.now, "r")) == 0
    assert deliver_row(row) is Outcome.DONE


@pytest.mark.spec("OPS-3")
def test_a_row_that_kills_its_worker_each_time_does_not_do_so_for_ever(
    world: World, put: Put, run_outbox: RunOutbox, clock: Clock
) -> None:
    row = put()
    for _ in range(3):
        assert run_outbox(kill_after="claim") == [("test.act", "killed")]
        clock.advance(minutes=25)
    assert deliver_row(row) is Outcome.DEAD
    assert world.acts == []


def test_a_mistake_in_a_handler_is_tried_again_and_named(world: World, put: Put) -> None:
    row = put()
    world.trouble = [KeyError("colour")]
    assert deliver_row(row) is Outcome.LATER
    assert row_of(row).last_error == "KeyError: 'colour'"


@pytest.mark.spec("EM-5")
def test_what_came_too_late_is_dropped_and_not_done(world: World, put: Put, clock: Clock) -> None:
    row = put(not_after=clock.now + timedelta(minutes=10))
    clock.advance(minutes=10, seconds=1)
    assert deliver_row(row) is Outcome.TOO_LATE
    assert row_of(row).state is OutboxState.WITHDRAWN
    assert world.acts == []


def test_a_lock_in_the_way_of_the_record_does_not_cause_a_second_act(world: World, put: Put) -> None:
    row = put()
    world.record_trouble = [Busy("locked"), Busy("locked")]
    assert deliver_row(row) is Outcome.DONE
    assert (world.acts, world.records) == (["act:1"], ["act:1"])
    assert row_of(row).state is OutboxState.DONE


def test_a_record_that_fails_leaves_the_row_for_later(world: World, put: Put, clock: Clock) -> None:
    row = put()
    world.record_trouble = [RuntimeError("a mistake")]
    assert deliver_row(row) is Outcome.LATER
    assert world.records == []
    clock.set(row_of(row).available_at)
    assert deliver_row(row) is Outcome.DONE


def test_work_of_a_kind_this_version_does_not_know_waits(put: Put, clock: Clock) -> None:
    row = put(kind="test.newer")
    assert deliver_row(row) is Outcome.LATER
    assert row_of(row).state is OutboxState.QUEUED
    assert row_of(row).available_at > clock.now


@pytest.mark.spec("OPS-5")
def test_the_request_that_caused_it_follows_into_the_work(world: World, put: Put) -> None:
    seen: list[str] = []

    def handle(work: Work, ctx: Context) -> None:
        seen.append(ctx.request_id)

    HANDLERS["test.act"] = HandlerSpec(handle, PAUSES, timedelta(hours=1))
    deliver_row(put())
    assert seen == ["req-of-the-page"]


@pytest.mark.spec("OPS-3")
def test_no_promised_pause_between_mails_is_longer_than_five_minutes() -> None:
    assert max(HANDLERS["mail.send"].pauses) <= timedelta(minutes=5)


def test_a_job_that_hangs_is_ended_before_its_row_is_taken_over() -> None:
    from app.extensions import _JOB_TIMEOUT_SECONDS

    assert timedelta(seconds=_JOB_TIMEOUT_SECONDS) < LEASE


def test_the_fixture_stands_for_a_process_that_ends(world: World, put: Put) -> None:
    """Nothing on the way catches it, as nothing catches a signal."""
    with pytest.raises(Killed), killed_after("act"):
        deliver_row(put())
