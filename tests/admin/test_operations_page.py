"""What operations see: workers and queue, the clock's schedule, mail, dead letters (OPS-6)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from rq import Worker

from app.extensions import db, doorbell
from app.foundation import heartbeats
from app.foundation.transaction import transaction
from app.support.machinery import mail_counts, queue_server, schedule
from app.tasks import clock as clock_module
from app.tasks.rounds import watch_mail
from tests.factories.sessions import a_paid_session
from tests.outbox import RunOutbox
from tests.world import Clock, context

Browser = Callable[[str], FlaskClient]


@pytest.mark.spec("OPS-6")
def test_the_schedule_tells_last_and_next_run(clock: Clock) -> None:
    with transaction():
        heartbeats.beat(
            heartbeats.job("nightly"), now=clock.now - timedelta(hours=21), report={"changed": 3, "seconds": 1.5}
        )
    tick, nightly = schedule(now=clock.now)

    assert (tick.last_at, tick.next_at) == (None, clock.now.replace(second=0) + timedelta(minutes=1))
    assert nightly.last_at == clock.now - timedelta(hours=21)
    assert (nightly.next_at - clock.now, nightly.report["changed"]) == (timedelta(hours=2, minutes=37), 3)


@pytest.mark.spec("OPS-6")
def test_the_page_shows_the_clocks_own_schedule(clock: Clock) -> None:
    shown = [(each.name, each.when) for each in schedule(now=clock.now)]
    assert shown == [(entry.job.__name__, entry.when) for entry in clock_module.SCHEDULE]


@pytest.mark.spec("OPS-6")
def test_workers_are_listed_while_they_live(app: Flask) -> None:
    worker = Worker([doorbell.queue(doorbell.redis)], connection=doorbell.redis, name="the-one")
    worker.register_birth()
    try:
        found = queue_server()
        assert found.is_reachable
        assert [(each.name, each.done) for each in found.workers] == [("the-one", 0)]
    finally:
        worker.register_death()
    assert queue_server().workers == []


@pytest.mark.spec("OPS-1", "OPS-6")
def test_a_queue_server_that_is_away_is_said_to_be_and_nothing_else_fails(app: Flask, as_role: Browser) -> None:
    browser = as_role("ops")
    doorbell.connect("redis://127.0.0.1:1", is_silent=True)
    try:
        page = browser.get("/admin/operations/")
    finally:
        doorbell.connect(app.extensions["desk-settings"].redis_url, is_silent=True)

    assert page.status_code == 200
    assert "The queue server does not answer" in page.text


@pytest.mark.spec("EM-5", "OPS-6")
def test_mail_that_does_not_leave_is_said_in_the_log_and_on_the_page(
    as_role: Browser, clock: Clock, run_outbox: RunOutbox
) -> None:
    a_paid_session()
    clock.now += timedelta(minutes=5)
    assert not watch_mail(context(now=clock.now))["is_late"]
    clock.now += timedelta(seconds=1)
    assert watch_mail(context(now=clock.now))["is_late"]
    assert "E-mail is late" in as_role("ops").get("/admin/operations/").text
    run_outbox()
    assert not watch_mail(context(now=clock.now))["is_late"]
    assert "E-mail is late" not in as_role("ops").get("/admin/operations/").text


@pytest.mark.spec("OPS-6", "EM-5")
def test_mail_is_counted_waiting_and_sent(clock: Clock, run_outbox: RunOutbox) -> None:
    a_paid_session()
    before = mail_counts(now=clock.now)
    assert (before.waiting, before.sent, before.oldest) == (2, 0, clock.now)
    run_outbox()

    after = mail_counts(now=clock.now)
    assert (after.waiting, after.sent, after.failed) == (0, 2, 0)
    assert db.session.is_active


@pytest.mark.spec("OPS-6", "UX-1")
def test_operations_see_everything_on_one_page(as_role: Browser) -> None:
    page = as_role("ops").get("/admin/operations/").text
    for title in ("Background processes", "Work that is not finished", "Schedule", "Queue and workers", "E-mail"):
        assert f"{title}</h2>" in page
