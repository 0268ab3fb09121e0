"""Bookings as their reader may see them now: with the actions allowed, and the link while it is open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from app.api.booking_answers import BookingTold, booking
from app.booking.decisions import JOIN, decisions_for_all
from app.domain.context import Context
from app.domain.decision import Decision
from app.models import MentoringSession
from app.people.headlines import headlines_of


def tell(session: MentoringSession, ctx: Context) -> BookingTold:
    """One session with its two people loaded."""
    return tell_all([session], ctx)[0]


def tell_all(sessions: Sequence[MentoringSession], ctx: Context) -> list[BookingTold]:
    """A page of sessions, in as many statements as one."""
    decisions = decisions_for_all(sessions, ctx)
    headlines = headlines_of({session.mentor_id for session in sessions})
    return [_tell(session, decisions.get(session.id, {}), headlines) for session in sessions]


def _tell(session: MentoringSession, decisions: Mapping[str, Decision], headlines: Mapping[UUID, str]) -> BookingTold:
    join = decisions.get(JOIN)
    return booking(
        session,
        headline=headlines.get(session.mentor_id),
        allowed_actions=[action for action, decision in decisions.items() if decision.allowed],
        meeting_url=session.meeting_url if join is not None and join.allowed else None,
    )
