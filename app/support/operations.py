"""Behind the scenes: what the background processes do, and another try for what gave up (OPS-3, OPS-5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from app.domain.context import Context
from app.domain.errors import Conflict, NotFound
from app.domain.permissions import Permission, require
from app.domain.vocabulary import OutboxState
from app.extensions import db
from app.foundation import outbox
from app.foundation.audit import record_staff_act
from app.foundation.heartbeats import job as job_name
from app.foundation.transaction import transaction
from app.models import Heartbeat, OutboxRow
from app.support.staff_acts import clean_reason

# A process that was not seen for so long needs somebody to look; it beats every few seconds.
STALE_AFTER = timedelta(minutes=3)
_ACTION = "ADMIN_JOB_RETRIED"


@dataclass(frozen=True, slots=True)
class WorkOfKind:
    """How much of one kind of work waits, runs and gave up. Finished work is history and is not counted."""

    kind: str
    waiting: int
    running: int
    dead: int
    oldest: datetime | None


def heartbeats() -> Sequence[Heartbeat]:
    """The background processes and when each was last seen."""
    return db.session.scalars(select(Heartbeat).order_by(Heartbeat.name)).all()


def last_run(job: str) -> datetime | None:
    """When a job of the clock ended last; None before the first time."""
    return db.session.scalar(select(Heartbeat.seen_at).where(Heartbeat.name == job_name(job)))


def work_by_kind() -> list[WorkOfKind]:
    """Work that is not finished, by kind; the state's index answers it, however long the history is."""
    rows = db.session.execute(
        select(
            OutboxRow.kind,
            func.count().filter(OutboxRow.state == OutboxState.QUEUED),
            func.count().filter(OutboxRow.state == OutboxState.CLAIMED),
            func.count().filter(OutboxRow.state == OutboxState.DEAD),
            func.min(OutboxRow.created_at),
        )
        .where(OutboxRow.state.in_([OutboxState.QUEUED, OutboxState.CLAIMED, OutboxState.DEAD]))
        .group_by(OutboxRow.kind)
        .order_by(OutboxRow.kind)
    )
    return [WorkOfKind(*row) for row in rows]


def retry_job(row_id: UUID, *, reason: str, ctx: Context) -> None:
    """This function will put one dead row back into the queue, with its row in the staff audit trail (OPS-3).

    :raises NotFound: there is no such row
    :raises Conflict: it did not give up
    :raises Invalid: the reason is too short or too long
    """
    require(ctx.actor, Permission.JOB_RETRY)
    text = clean_reason(reason)
    with transaction():
        row = db.session.get(OutboxRow, row_id)
        if row is None:
            raise NotFound
        if not outbox.retry_dead([row_id], ctx=ctx):
            raise Conflict("This job did not give up, so there is nothing to try again.", code="not_dead")
        record_staff_act(
            action=_ACTION,
            reason=text,
            ctx=ctx,
            subject_type="job",
            subject_id=row_id,
            session_id=row.session_id,
            details={"kind": row.kind, "key": row.key, "lastError": row.last_error},
        )
