"""The clock's work on sessions, a minute at a time (SM-3, OPS-4): asks which are due, and takes each its steps.

Each session is worked in a transaction of its own. Two ticks at once share the work: a session whose people somebody
else holds is put off to the end of the run, and whoever comes second finds it done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import ARRAY, BindParameter, DateTime, Integer, all_, bindparam, literal, select, union_all

from app.booking.access import load_for_change, try_lock_people
from app.booking.steps import STEPS
from app.domain.context import CLOCK, Context
from app.domain.errors import Busy
from app.foundation.policies import current_policies
from app.foundation.prepared import Prepared
from app.foundation.transaction import transaction
from app.models import MentoringSession

BATCH: Final = 200
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TickReport:
    """What one run changed.

    :param counts: by what happened: ``expired``, ``rejected``, ``cancelled_unpaid``, ``started``, ``completed``, …
    :param failed: what could not be worked; the log says why, and the next minute tries again
    :param is_behind: a batch was full, so that more may wait
    """

    counts: dict[str, int] = field(default_factory=dict)
    failed: frozenset[UUID] = frozenset()
    is_behind: bool = False

    @property
    def changed(self) -> int:
        return sum(self.counts.values())


def tick(*, ctx: Context, batch: int = BATCH, leaving_out: Collection[UUID] = ()) -> TickReport:
    """This function will do all that is due by ``ctx.now``, for at most ``batch`` sessions of each kind of step.

    Twice at once is safe.

    :param leaving_out: sessions that failed a moment ago: they must not keep the others waiting
    """
    ctx = ctx.acting_as(CLOCK)
    with transaction():
        due, is_behind = _due(ctx.now, batch, leaving_out)
    counts: Counter[str] = Counter()
    put_off: list[UUID] = []
    failed: set[UUID] = set()
    for session_id, *people in due:
        done = _work(session_id, people, ctx)
        if done is None:
            put_off.append(session_id)
        else:
            counts.update(done)
    for session_id in put_off:
        done = _work(session_id, None, ctx)
        if done is None:
            failed.add(session_id)
        else:
            counts.update(done)
    return TickReport(dict(counts), frozenset(failed), is_behind)


def _due(now: datetime, batch: int, leaving_out: Collection[UUID]) -> tuple[list[tuple[UUID, UUID, UUID]], bool]:
    """What may have to be done, and whether some kind of step has more than its batch."""
    question = _question(current_policies().version_id)
    rows = question.run(now=now, batch=batch, leaving_out=list(leaving_out)).all()
    per_step = Counter(row.step for row in rows)
    people = {row.id: (row.id, row.mentor_id, row.mentee_id) for row in rows}
    return list(people.values()), any(count >= batch for count in per_step.values())


@lru_cache(maxsize=8)
def _question(policies: UUID) -> Prepared:  # noqa: ARG001 - the steps ask for those in force
    """All steps' questions as one statement; to put it together takes ten times as long as to answer it."""
    now: BindParameter[datetime] = bindparam("now", type_=DateTime(timezone=True))
    spared = all_(bindparam("leaving_out", type_=ARRAY(MentoringSession.id.type)))
    limited = (
        select(
            literal(f"{step.name}-{part}").label("step"),
            due.where(MentoringSession.id != spared).limit(bindparam("batch", type_=Integer)).subquery(),
        )
        for step in STEPS
        for part, due in enumerate(step.due(now))
    )
    found = union_all(*limited).subquery()
    return Prepared(
        select(found.c.step, MentoringSession.id, MentoringSession.mentor_id, MentoringSession.mentee_id)
        .join(found, found.c.id == MentoringSession.id)
        .order_by(MentoringSession.scheduled_at, MentoringSession.id)
    )


def _work(session_id: UUID, people: list[UUID] | None, ctx: Context) -> list[str] | None:
    """Work one session and say what happened; None when it could not be had now, or failed.

    :param people: skip it when somebody holds one of them; None waits for the lock
    """
    try:
        with transaction():
            if people is not None and not try_lock_people(*people):
                return None
            return _steps(load_for_change(ctx, session_id), ctx)
    except Busy:
        return None
    except Exception:  # noqa: BLE001 - one session that cannot be worked must not keep all others waiting
        _log.exception("tick_failed", session_id=str(session_id))
        return None


def _steps(session: MentoringSession, ctx: Context) -> list[str]:
    taken = (step.take(session, ctx) for step in STEPS)
    return [what for what in taken if what is not None]
