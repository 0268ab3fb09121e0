"""A mentee's own unpaid booking, found again (BK-2)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from app.domain.vocabulary import SessionStatus
from app.extensions import db
from app.models import MentoringSession


def find_own_draft(mentee_id: UUID, mentor_id: UUID, *, start: datetime, now: datetime) -> UUID | None:
    """The mentee's own draft at exactly this time that can still be paid: what holds the time may be oneself."""
    return db.session.scalars(
        select(MentoringSession.id)
        .where(
            MentoringSession.mentee_id == mentee_id,
            MentoringSession.mentor_id == mentor_id,
            MentoringSession.scheduled_at == start,
            MentoringSession.status == SessionStatus.DRAFT,
            MentoringSession.hold_expires_at > now,
        )
        .limit(1)
    ).one_or_none()
