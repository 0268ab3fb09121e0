"""The three background processes, as commands: ``flask worker``, ``flask relay``, ``flask clock``."""

from __future__ import annotations

import sys
from types import FrameType

import click
import structlog
from flask.cli import with_appcontext
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from app.extensions import doorbell
from app.tasks.clock import run as run_clock
from app.tasks.relay import Relay

_log = structlog.get_logger(__name__)


class _Worker(SimpleWorker):
    """RQ's worker without a fork, which knows whether it was told to stop."""

    was_told_to_stop = False

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        self.was_told_to_stop = True
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]  # RQ's own


@click.command("worker")
@click.option("--burst", is_flag=True, help="Stop when the queue is empty.")
@with_appcontext
def worker(burst: bool) -> None:  # noqa: FBT001 - click's way
    """Do the jobs that the relay and the clock ask for. Run as many as you like."""
    connection = doorbell.blocking_redis()
    # One queue a worker, so that RQ moves a job in one step and loses none between two. No fork: the jobs are short,
    # may be killed at any point, and share this process's connections.
    running = _Worker([doorbell.queue(connection)], connection=connection, serializer=JSONSerializer)
    running.log_result_lifespan = False
    _log.info("worker_starts", worker=running.name)
    running.work(burst=burst, logging_level="WARNING")
    if not burst and not running.was_told_to_stop:
        # The queue server went away in the middle of a job. Whoever supervises this process starts it anew.
        sys.exit(1)


@click.command("relay")
@with_appcontext
def relay() -> None:
    """Ring the worker for outbox rows that nobody rang for. Several share the work."""
    _log.info("relay_starts")
    Relay().run()


@click.command("clock")
@with_appcontext
def clock() -> None:
    """Start the jobs of every minute and every night. One is enough, two are harmless."""
    run_clock()
