"""What is watched from outside, read from the database when it is asked for, by a handful of statements (OPS-5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from app.domain.vocabulary import OutboxState, RefundState
from app.extensions import db
from app.foundation import heartbeats
from app.models import OutboxRow, Refund, SessionDailyFigure

_UNFINISHED = (OutboxState.QUEUED, OutboxState.CLAIMED, OutboxState.DEAD)
# Processed and declined refunds are history: counting them would read all of it.
_OPEN_REFUNDS = (RefundState.AWAITING_APPROVAL, RefundState.PENDING, RefundState.FAILED)


@dataclass(frozen=True, slots=True)
class Gauges:
    """How the product stands.

    :param jobs: unfinished work by kind and state
    :param oldest_due_seconds: by kind, for how long the work that is due longest has been waiting
    :param sessions: by status, from the kept figures
    :param refunds: those under way, by status
    :param seen_seconds: by process, how long ago it was seen
    """

    jobs: Mapping[tuple[str, str], int]
    oldest_due_seconds: Mapping[str, float]
    sessions: Mapping[str, int]
    refunds: Mapping[str, int]
    seen_seconds: Mapping[str, float]


def read_gauges(*, now: datetime) -> Gauges:
    """This function will read all figures as they are now; four statements."""
    jobs = db.session.execute(
        select(OutboxRow.kind, OutboxRow.state, func.count())
        .where(OutboxRow.state.in_(_UNFINISHED))
        .group_by(OutboxRow.kind, OutboxRow.state)
    ).all()
    due = db.session.execute(
        select(OutboxRow.kind, func.min(OutboxRow.available_at))
        .where(OutboxRow.state == OutboxState.QUEUED, OutboxRow.available_at <= now)
        .group_by(OutboxRow.kind)
    ).all()
    sessions = db.session.execute(
        select(SessionDailyFigure.status, func.sum(SessionDailyFigure.sessions)).group_by(SessionDailyFigure.status)
    ).all()
    refunds = db.session.execute(
        select(Refund.status, func.count()).where(Refund.status.in_(_OPEN_REFUNDS)).group_by(Refund.status)
    ).all()
    return Gauges(
        jobs={(kind, state.value): count for kind, state, count in jobs},
        oldest_due_seconds={kind: (now - since).total_seconds() for kind, since in due},
        sessions={str(status): int(count) for status, count in sessions},
        refunds={status.value: count for status, count in refunds},
        seen_seconds={name: (now - seen).total_seconds() for name, seen in heartbeats.seen().items()},
    )
