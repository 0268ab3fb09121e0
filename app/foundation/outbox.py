"""Work outside the database, written in the transaction that decides it (OPS-1).

The row is the job. A handler claims it by one conditional UPDATE with a token, commits, speaks to the outside world
with the row's key, and records the result together with ``settle`` in a second transaction. Killing anything anywhere
leaves a row that is claimed until its lease ends and is then taken up again; a late first holder finds its token gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import and_, func, or_, select, true, update

from app.domain.context import Context
from app.domain.errors import Conflict
from app.domain.vocabulary import OutboxState
from app.extensions import db, doorbell
from app.foundation.audit import plain
from app.foundation.once_rows import insert_once
from app.foundation.transaction import after_commit
from app.models import OutboxRow

LEASE = timedelta(seconds=90)
_RING_AGAIN = timedelta(seconds=30)


class ClaimLost(Conflict):
    """Another worker took the row over after this one's lease ended; what this one would record is void."""

    code = "claim_lost"


@dataclass(frozen=True, slots=True)
class Work:
    """One claimed row, as its handler sees it."""

    id: UUID
    kind: str
    key: str
    payload: Mapping[str, Any]
    session_id: UUID | None
    attempts: int
    token: UUID
    created_at: datetime
    not_after: datetime | None
    request_id: str | None


def put(
    kind: str,
    *,
    key: str,
    payload: Mapping[str, Any],
    ctx: Context,
    session_id: UUID | None = None,
    available_at: datetime | None = None,
    not_after: datetime | None = None,
) -> UUID | None:
    """This function will write down work to be done after the commit; None when ``key`` was already put once.

    :param key: names the cause for ever, so that one cause never has two effects (OPS-3)
    :param available_at: not before this instant; default: at once
    :param not_after: dropped instead of done late
    """
    row_id = insert_once(
        OutboxRow,
        "key",
        kind=kind,
        key=key,
        payload=plain(payload),
        session_id=session_id,
        state=OutboxState.QUEUED,
        attempts=0,
        available_at=available_at or ctx.now,
        not_after=not_after,
        request_id=ctx.request_id,
        created_at=ctx.now,
    )
    if row_id and (available_at is None or available_at <= ctx.now):
        after_commit(lambda: doorbell.ring([row_id]))
    return row_id


def withdraw(keys: Iterable[str], *, ctx: Context, never_tried: bool = False) -> int:
    """This function will take back rows that nobody has claimed yet, and give how many.

    :param never_tried: only those of which the outside cannot know either
    """
    result = db.session.execute(
        update(OutboxRow)
        .where(OutboxRow.key.in_(list(keys)), OutboxRow.state == OutboxState.QUEUED)
        .where(OutboxRow.attempts == 0 if never_tried else true())
        .values(state=OutboxState.WITHDRAWN, settled_at=ctx.now)
        .returning(OutboxRow.id)
    )
    return len(result.all())


def _takeable(now: datetime) -> Any:
    return and_(OutboxRow.state.in_([OutboxState.QUEUED, OutboxState.CLAIMED]), OutboxRow.available_at <= now)


def claim(row_id: UUID, *, now: datetime, lease: timedelta = LEASE) -> Work | None:
    """This function will take a due row for one worker; None when it is done, not due, or another's.

    Call it in a transaction of its own and commit before acting.
    """
    token = uuid4()
    row = db.session.execute(
        update(OutboxRow)
        .where(OutboxRow.id == row_id, _takeable(now))
        .values(
            state=OutboxState.CLAIMED,
            claim_token=token,
            attempts=OutboxRow.attempts + 1,
            available_at=now + lease,
        )
        .returning(OutboxRow)
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if row is None:
        return None
    return Work(
        row.id, row.kind, row.key, row.payload, row.session_id, row.attempts, token, row.created_at, row.not_after,
        row.request_id,
    )  # fmt: skip


def settle(work: Work, *, now: datetime, state: OutboxState = OutboxState.DONE, note: str | None = None) -> None:
    """This function will close a claimed row, in the transaction that records what its handler did.

    :raises ClaimLost: when the claim is no longer this worker's
    """
    _close(work, state=state, settled_at=now, last_error=note)


def postpone(work: Work, *, until: datetime, error: str) -> None:
    """This function will give a claimed row back for another try at ``until`` (OPS-3).

    :raises ClaimLost: when the claim is no longer this worker's
    """
    _close(work, state=OutboxState.QUEUED, available_at=until, last_error=error, rung_at=None)


def _close(work: Work, **values: Any) -> None:
    closed = db.session.execute(
        update(OutboxRow)
        .where(OutboxRow.id == work.id, OutboxRow.claim_token == work.token, OutboxRow.state == OutboxState.CLAIMED)
        .values(claim_token=None, **values)
        .returning(OutboxRow.id)
    ).scalar()
    if closed is None:
        raise ClaimLost("Another worker has taken this over.")


def retry_dead(row_ids: Sequence[UUID], *, ctx: Context) -> int:
    """This function will put dead rows back into the queue, and give how many (OPS-3)."""
    result = db.session.execute(
        update(OutboxRow)
        .where(OutboxRow.id.in_(row_ids), OutboxRow.state == OutboxState.DEAD)
        .values(state=OutboxState.QUEUED, attempts=0, available_at=ctx.now, settled_at=None, rung_at=None)
        .returning(OutboxRow.id)
    )
    found = [row.id for row in result]
    after_commit(lambda: doorbell.ring(found))
    return len(found)


def due(*, now: datetime, limit: int) -> list[UUID]:
    """This function will mark due rows that nobody rang for lately, and give their ids (OPS-2).

    Several relays share the work: a row that another holds is skipped.
    """
    chosen = (
        select(OutboxRow.id)
        .where(_takeable(now), or_(OutboxRow.rung_at.is_(None), OutboxRow.rung_at <= now - _RING_AGAIN))
        .order_by(OutboxRow.available_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        # As a plain subquery it may be carried out once per row, and each time skips what it has just locked: the limit
        # would hold for one time, not for the statement. What is materialized is carried out once.
        .cte("chosen")
        .prefix_with("MATERIALIZED")
    )
    rows = db.session.execute(
        update(OutboxRow).where(OutboxRow.id == chosen.c.id).values(rung_at=now).returning(OutboxRow.id)
    )
    return [row.id for row in rows]


def settle_past(kind: str, *, until: datetime) -> list[dict[str, Any]]:
    """This function will close rows of one kind that were put up to ``until`` and never tried, and give their payloads.

    For history that is made afterwards (demonstration data), whose outside work cannot be done any more.
    """
    rows = db.session.execute(
        update(OutboxRow)
        .where(OutboxRow.kind == kind, OutboxRow.state == OutboxState.QUEUED, OutboxRow.created_at <= until)
        .values(state=OutboxState.DONE, settled_at=OutboxRow.created_at)
        .returning(OutboxRow.payload)
    )
    return [payload for (payload,) in rows]


def counts() -> list[tuple[str, str, int, datetime]]:
    """Rows per kind and state that are not done, with the oldest of each."""
    rows = db.session.execute(
        select(OutboxRow.kind, OutboxRow.state, func.count(), func.min(OutboxRow.created_at))
        .where(OutboxRow.state.in_([OutboxState.QUEUED, OutboxState.CLAIMED, OutboxState.DEAD]))
        .group_by(OutboxRow.kind, OutboxRow.state)
        .order_by(OutboxRow.kind, OutboxRow.state)
    )
    return [(kind, state.value, count, oldest) for kind, state, count, oldest in rows]
