"""The people a mentor works with (DB-2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, not_, select

from app.domain.vocabulary import SessionStatus
from app.extensions import db
from app.models import MentoringSession, User

# What never became a meeting between two people does not count as one.
_MET: Final = (
    SessionStatus.SCHEDULED,
    SessionStatus.IN_PROGRESS,
    SessionStatus.COMPLETED,
    SessionStatus.NO_SHOW,
)


@dataclass(frozen=True, slots=True)
class MenteeLine:
    """One mentee; ``last_at`` is the latest start, which may lie ahead."""

    user: User
    sessions: int
    last_at: datetime


def mentees_of(mentor_id: UUID, *, limit: int, offset: int = 0) -> Sequence[MenteeLine]:
    """A page of a mentor's mentees, the latest session first."""
    last = func.max(MentoringSession.scheduled_at)
    counted = (
        select(MentoringSession.mentee_id, func.count().label("sessions"), last.label("last_at"))
        .where(_counts_for(mentor_id))
        .group_by(MentoringSession.mentee_id)
        .order_by(last.desc(), MentoringSession.mentee_id)
        .limit(limit)
        .offset(offset)
        .subquery()
    )
    rows = db.session.execute(
        select(User, counted.c.sessions, counted.c.last_at)
        .join(counted, counted.c.mentee_id == User.id)
        .order_by(counted.c.last_at.desc(), User.id)
    )
    return [MenteeLine(*row) for row in rows]


def _counts_for(mentor_id: UUID) -> ColumnElement[bool]:
    return and_(
        MentoringSession.mentor_id == mentor_id,
        MentoringSession.status.in_(_MET),
        # A mentor who gave a session up is its history and no party (RA-2).
        not_(MentoringSession.cancelled_mentor_ids.contains([mentor_id])),
    )
