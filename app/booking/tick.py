"""The clock's work on sessions, a minute at a time (SM-3, OPS-4).

Each session is worked in a transaction of its own, and in one order: end what was not paid or not answered, start,
complete. Two ticks at once share the work: a session whose people somebody else holds is put off to the end of the run,
and whoever comes second finds it done. After the clock was down a session takes all its steps in one go.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, and_, func, or_, select

from app.booking.access import load_for_change, try_lock_people
from app.booking.complete import conclude_completion, start
from app.booking.expiry import end_hold
from app.booking.holds import UNPAID, has_run_out
from app.booking.session_facts import attendance_facts
from app.domain.attendance import decide_auto_completion, decide_start
from app.domain.context import CLOCK, Context
from app.domain.errors import Busy
from app.domain.reassignment import OPEN_REASSIGNMENTS
from app.domain.vocabulary import SessionStatus
from app.extensions import db
from app.foundation.policies import current_policies
from app.foundation.transaction import transaction
from app.models import MentoringSession

BATCH: Final = 200
STARTED, COMPLETED = "started", "completed"
_RUNNING: Final = (SessionStatus.SCHEDULED, SessionStatus.IN_PROGRESS)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TickReport:
    """What one run changed.

    :param counts: by what happened: ``expired``, ``rejected``, ``cancelled_unpaid``, ``started``, ``completed``
    :param failed: sessions that could not be worked; the log says why, and the next run tries again
    :param is_behind: the batch was full, so that more may wait
    """

    counts: dict[str, int] = field(default_factory=dict)
    failed: int = 0
    is_behind: bool = False

    @property
    def changed(self) -> int:
        return sum(self.counts.values())


def tick(*, ctx: Context, batch: int = BATCH) -> TickReport:
    """This function will do all that is due by ``ctx.now``, for at most ``batch`` sessions; twice at once is safe."""
    ctx = ctx.acting_as(CLOCK)
    with transaction():
        due = _due(ctx.now, batch)
    counts: Counter[str] = Counter()
    put_off: list[UUID] = []
    failed = 0
    for session_id, *people in due:
        done = _work(session_id, people, ctx)
        if done is None:
            put_off.append(session_id)
        else:
            counts.update(done)
    for session_id in put_off:
        done = _work(session_id, None, ctx)
        if done is None:
            failed += 1
        else:
            counts.update(done)
    return TickReport(dict(counts), failed, is_behind=len(due) == batch)


def _due(now: datetime, batch: int) -> list[tuple[UUID, UUID, UUID]]:
    """What may have to be done, longest overdue first; each condition has its partial index."""
    rows = db.session.execute(
        select(MentoringSession.id, MentoringSession.mentor_id, MentoringSession.mentee_id)
        .where(or_(has_run_out(now), _should_start(now), _should_complete(now)))
        .order_by(MentoringSession.scheduled_at, MentoringSession.id)
        .limit(batch)
    )
    return [(row.id, row.mentor_id, row.mentee_id) for row in rows]


def _is_certain() -> ColumnElement[bool]:
    return and_(
        MentoringSession.payment_status.not_in(UNPAID),
        func.coalesce(MentoringSession.reassignment_status, "").not_in([status.value for status in OPEN_REASSIGNMENTS]),
    )


def _should_start(now: datetime) -> ColumnElement[bool]:
    return and_(MentoringSession.status == SessionStatus.SCHEDULED, MentoringSession.scheduled_at <= now, _is_certain())


def _should_complete(now: datetime) -> ColumnElement[bool]:
    wait = timedelta(minutes=current_policies().values.auto_complete_minutes_after_end)
    length = MentoringSession.duration * timedelta(minutes=1)
    return and_(
        MentoringSession.status.in_(_RUNNING),
        MentoringSession.scheduled_at <= now - wait,
        MentoringSession.scheduled_at + length <= now - wait,
        _is_certain(),
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
    ended = end_hold(session, ctx=ctx)
    if ended is not None or session.status not in _RUNNING or session.scheduled_at is None:
        return [ended] if ended else []
    done = []
    if decide_start(attendance_facts(session), ctx.now).allowed:
        start(session, ctx=ctx)
        done.append(STARTED)
    decision = decide_auto_completion(attendance_facts(session), ctx.now)
    if decision.allowed:
        conclude_completion(session, decision=decision, ctx=ctx)
        done.append(COMPLETED)
    return done
