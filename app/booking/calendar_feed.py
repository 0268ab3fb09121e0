"""All that belongs into one person's calendar: what is ahead, what was lately, and what was taken out of it (DB-6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import joinedload

from app.booking.holds import UNPAID
from app.domain.context import Context
from app.domain.vocabulary import SessionStatus
from app.extensions import db
from app.messaging.ics import CalendarFacts, FeedEntry
from app.models import MentoringSession

_LATELY = timedelta(days=90)
_MOST = 1_000
S = MentoringSession


def calendar_entries_of(user_id: UUID, *, ctx: Context) -> Sequence[FeedEntry]:
    """Confirmed sessions of the last 90 days and of all days to come, at most a thousand, soonest first.

    One that was cancelled, or went to another mentor, stays as cancelled: a calendar that had it takes it out.
    """
    was_mentor = or_(S.cancelled_mentor_ids.contains([user_id]), S.reassigned_from_mentor_id == user_id)
    held = (SessionStatus.SCHEDULED, SessionStatus.IN_PROGRESS, SessionStatus.COMPLETED, SessionStatus.NO_SHOW)
    confirmed = and_(S.status.in_(held), S.payment_status.not_in(list(UNPAID)))
    # Only what was confirmed before was in anybody's calendar; cancelling it raised its number.
    called_off = and_(S.status == SessionStatus.CANCELLED, S.calendar_sequence > 0)
    rows = db.session.scalars(
        select(S)
        .where(
            or_(S.mentor_id == user_id, S.mentee_id == user_id, was_mentor),
            S.scheduled_at >= ctx.now - _LATELY,
            or_(confirmed, called_off),
        )
        .order_by(S.scheduled_at, S.id)
        .limit(_MOST)
        .options(joinedload(S.mentor), joinedload(S.mentee))
        .execution_options(populate_existing=True)
    )
    return [_entry(row, user_id) for row in rows]


def _entry(session: MentoringSession, reader: UUID) -> FeedEntry:
    is_former = reader != session.mentee_id and (reader != session.mentor_id or reader in session.cancelled_mentor_ids)
    other = session.mentor if reader == session.mentee_id else session.mentee
    assert session.scheduled_at is not None  # asked for above
    facts = CalendarFacts(
        session_id=session.id,
        title=session.title,
        other_name=other.name,
        starts_at=session.scheduled_at,
        duration=session.duration,
        sequence=session.calendar_sequence,
        written_at=session.updated_at,
        location=session.location or "",
    )
    return FeedEntry(facts, is_cancelled=is_former or session.status is SessionStatus.CANCELLED)
