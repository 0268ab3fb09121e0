"""Bookings as their reader may see them now: with the actions allowed, and the link while it is open."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from app.api.booking_answers import BookingTold, booking
from app.api.fields import Given
from app.api.schema import idempotency_key
from app.booking.access import load_session_for
from app.booking.decisions import JOIN, decisions_for_all
from app.domain.context import SYSTEM, Context
from app.domain.decision import Decision
from app.foundation.idempotency import once
from app.http.context import current_context
from app.models import MentoringSession
from app.people.headlines import headlines_of


def tell(session: MentoringSession, ctx: Context) -> BookingTold:
    """One session with its two people loaded."""
    return tell_all([session], ctx)[0]


def done_once(name: str, session_id: UUID, body: Given | None, act: Callable[[Context], object]) -> BookingTold:
    """What a booking is after ``act``, which one ``Idempotency-Key`` does once (API-2).

    Who gave a session away was a party a moment ago, and is told how it ended by what everybody may know (RA-2).
    """
    ctx = current_context()

    def run() -> dict[str, object]:
        act(ctx)
        return {}

    given = body.model_dump(mode="json") if body is not None else {}
    once(idempotency_key(), scope=f"{name} {session_id}", body=given, ctx=ctx, run=run)
    return tell(load_session_for(ctx.acting_as(SYSTEM), session_id), ctx)


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
