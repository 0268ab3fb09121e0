"""The clock: RQ's own cron, which puts the jobs of each minute and each night into the queue (OPS-4).

One is enough, two are harmless: what it starts may run twice at once. It keeps nothing that matters; a tick that was
missed is caught up by the next.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import cron_job_registry
from rq.cron import CronJob, CronScheduler
from rq.defaults import DEFAULT_CRON_JOB_HISTORY_LIMIT, DEFAULT_CRON_JOB_HISTORY_TTL
from rq.exceptions import StopRequested
from rq.job import Job
from sqlalchemy.exc import DBAPIError

from app.domain.errors import DomainError
from app.domain.times import EPOCH
from app.extensions import QUEUE_NAME, db, doorbell
from app.foundation import heartbeats
from app.foundation.transaction import transaction
from app.http.clock import now
from app.support import machinery
from app.tasks import jobs

_log = structlog.get_logger(__name__)

_RETRY_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Scheduled:
    """One job of the clock. ``when`` is in cron's five fields, in UTC."""

    job: Callable[[], Any]
    when: str
    timeout_seconds: int
    # A job that no worker took in this time is dropped: the next one does the same work.
    fresh_seconds: int


SCHEDULE = (
    Scheduled(jobs.tick, machinery.SCHEDULE["tick"], timeout_seconds=300, fresh_seconds=55),
    Scheduled(jobs.nightly, machinery.SCHEDULE["nightly"], timeout_seconds=1800, fresh_seconds=6 * 3600),
)


class _Entry(CronJob):
    """RQ's entry, put into our queue: its own would travel as pickle, which our workers refuse (B-19)."""

    def enqueue(self, connection: Redis) -> Job:
        assert self.func is not None
        queue = doorbell.queue(connection)
        with connection.pipeline() as pipeline:
            job = queue.enqueue(self.func, *self.args, **self.kwargs, **self.job_options, pipeline=pipeline)
            assert job.enqueued_at is not None
            stamp = job.enqueued_at.timestamp()
            # The history that RQ's own entry keeps, for the operations page.
            pipeline.zadd(self.job_history_key, {job.id: stamp})
            pipeline.zremrangebyrank(self.job_history_key, 0, -(DEFAULT_CRON_JOB_HISTORY_LIMIT + 1))
            pipeline.expire(self.job_history_key, DEFAULT_CRON_JOB_HISTORY_TTL)
            cron_job_registry.add(self.name, pipeline, enqueue_timestamp=stamp)
            pipeline.execute()
        return job


class Clock(CronScheduler):
    """RQ's scheduler over our schedule, seen in the database each time it looks."""

    def __init__(self, connection: Redis) -> None:
        super().__init__(connection, logging_level="WARNING")
        for entry in SCHEDULE:
            self._cron_jobs.append(
                _Entry(
                    QUEUE_NAME,
                    func=entry.job,
                    cron=entry.when,
                    job_timeout=entry.timeout_seconds,
                    ttl=entry.fresh_seconds,
                    result_ttl=0,
                    failure_ttl=24 * 3600,
                )
            )

    def heartbeat(self) -> None:
        """Be seen, in Redis by RQ's tools and in the database by readiness."""
        super().heartbeat()
        try:
            with transaction():
                heartbeats.beat(heartbeats.CLOCK, now=now())
        except (DBAPIError, DomainError) as error:
            # Minutes go on without a database; the jobs will say what they lack.
            _log.warning("clock_not_seen", error=str(error).splitlines()[0])
        finally:
            db.session.remove()


def run() -> None:
    """Keep time until SIGTERM or SIGINT; a queue server that is away is waited for."""
    _log.info("clock_starts")
    first = True
    while True:
        clock = Clock(doorbell.redis)
        if first:
            # What was missed while no clock ran is caught up now, not at the next full minute.
            clock.get_jobs()[0].next_enqueue_time = EPOCH
            first = False
        try:
            clock.start()  # type: ignore[no-untyped-call]  # RQ's own
        except RedisError as error:
            _log.warning("clock_waits", error=str(error).splitlines()[0])
        else:
            return
        try:
            time.sleep(_RETRY_SECONDS)
        except StopRequested:
            # RQ's handler of the signal is still in place here.
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            return
