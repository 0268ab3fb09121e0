"""What runs behind the scenes, as operations see it: workers, queue, schedule, mail (OPS-6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from redis.exceptions import RedisError
from rq import Worker
from rq.cron import CronJob
from sqlalchemy import func, select

from app.domain.vocabulary import EmailState
from app.extensions import QUEUE_NAME, db, doorbell
from app.foundation import heartbeats
from app.models import EmailEvent, Heartbeat

# The clock's jobs and when they run, in cron's five fields, in UTC.
SCHEDULE: Final = {"tick": "* * * * *", "nightly": "17 2 * * *"}
_RECENTLY: Final = timedelta(hours=24)
_MAIL_LEAVES_WITHIN: Final = timedelta(minutes=5)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """One RQ worker; ``seen_at`` is None when it never reported."""

    name: str
    state: str
    done: int
    failed: int
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class QueueServer:
    """What Redis says; ``is_reachable`` False and nothing else when it does not answer."""

    is_reachable: bool
    waiting: int = 0
    workers: Sequence[WorkerSeen] = field(default=())


@dataclass(frozen=True, slots=True)
class ScheduledJob:
    """One job of the clock: its last run, as the job itself reported it, and the next one.

    :param report: what it changed, by kind of work
    """

    name: str
    when: str
    last_at: datetime | None
    next_at: datetime
    report: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MailCounts:
    """E-mails that wait, those that failed for good, and those of the last day that went."""

    waiting: int
    oldest: datetime | None
    failed: int
    sent: int

    def is_late(self, now: datetime) -> bool:
        """Whether something waits for longer than mail may (EM-5)."""
        return is_late(self.oldest, now)


def queue_server() -> QueueServer:
    """Workers and queue, from Redis; its absence is an answer, not an error."""
    try:
        connection = doorbell.redis
        waiting = doorbell.queue(connection).count
        workers = [
            WorkerSeen(
                worker.name,
                worker.get_state(),
                worker.successful_job_count,
                worker.failed_job_count,
                worker.last_heartbeat.replace(tzinfo=UTC) if worker.last_heartbeat else None,
            )
            for worker in Worker.all(connection=connection, queue=doorbell.queue(connection))
        ]
    except RedisError as error:
        _log.warning("queue_server_unreachable", error=str(error), queue=QUEUE_NAME)
        return QueueServer(is_reachable=False)
    return QueueServer(True, waiting, sorted(workers, key=lambda worker: worker.name))


def schedule(*, now: datetime) -> list[ScheduledJob]:
    """The clock's jobs; one statement."""
    names = {heartbeats.job(name): name for name in SCHEDULE}
    rows = db.session.scalars(select(Heartbeat).where(Heartbeat.name.in_(names))).all()
    seen = {names[row.name]: row for row in rows}
    return [
        ScheduledJob(
            name,
            when,
            seen[name].seen_at if name in seen else None,
            _next(when, now),
            seen[name].report if name in seen else {},
        )
        for name, when in SCHEDULE.items()
    ]


def _next(when: str, now: datetime) -> datetime:
    """By RQ's own reckoning, which is what the clock goes by."""
    job = CronJob(QUEUE_NAME, func=heartbeats.seen, cron=when)
    job.latest_enqueue_time = now
    return job.get_next_enqueue_time()


# The index has it at one end, however much waits.
_OLDEST: Final = select(func.min(EmailEvent.created_at)).where(EmailEvent.status == EmailState.QUEUED)


def oldest_mail() -> datetime | None:
    """Since when the oldest e-mail waits, if any does."""
    return db.session.scalar(_OLDEST)


def is_late(oldest: datetime | None, now: datetime) -> bool:
    """Whether that is longer than mail may wait (EM-5)."""
    return oldest is not None and now - oldest > _MAIL_LEAVES_WITHIN


def mail_counts(*, now: datetime) -> MailCounts:
    """How the mail stands; one statement on indexes."""
    row = db.session.execute(
        select(
            select(func.count()).where(EmailEvent.status == EmailState.QUEUED).scalar_subquery().label("waiting"),
            _OLDEST.scalar_subquery().label("oldest"),
            select(func.count()).where(EmailEvent.status == EmailState.FAILED).scalar_subquery().label("failed"),
            select(func.count())
            .where(EmailEvent.status == EmailState.SENT, EmailEvent.created_at >= now - _RECENTLY)
            .scalar_subquery()
            .label("sent"),
        )
    ).one()
    return MailCounts(row.waiting, row.oldest, row.failed, row.sent)
