"""Starting and completing sessions: and what every completion has in common (NS-5, MN-5)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.booking import announce, calendar, why
from app.booking.access import load_for_change
from app.booking.engine import move
from app.booking.session_facts import attendance_facts, first_join
from app.domain.attendance import decide_completion_by_mentor
from app.domain.context import Context
from app.domain.decision import Decision
from app.domain.errors import Conflict, Forbidden
from app.domain.permissions import Permission, require
from app.domain.vocabulary import SessionStatus
from app.foundation.policies import policies_for
from app.foundation.transaction import transaction
from app.models import MentoringSession
from app.money.settlement import settle_session


def complete_session(session_id: UUID, *, ctx: Context) -> MentoringSession:
    """This function will let the mentor complete a session whose time is over; the earnings become available (MN-5).

    :raises NotFound: for those who may not know of it
    :raises Forbidden: anybody but its mentor
    :raises Conflict: not over yet, not paid, or over already (``InvalidTransition``)
    """
    require(ctx.actor, Permission.OWN_SESSION_COMPLETE)
    with transaction():
        session = load_for_change(ctx, session_id)
        if ctx.actor.user_id != session.mentor_id:
            raise Forbidden("Only the mentor of this session can complete it.")
        if session.scheduled_at is None:
            raise Conflict("This session has no time yet.")
        decision = decide_completion_by_mentor(attendance_facts(session), ctx.now)
        why.require(decision, session=session, kind="complete", ctx=ctx)
        conclude_completion(session, decision=decision, ctx=ctx)
    return session


def start(session: MentoringSession, *, ctx: Context) -> None:
    """This function will start a locked session whose time has come; the caller has decided it."""
    move(session, to=SessionStatus.IN_PROGRESS, ctx=ctx, action="session_started")
    session.started_at = session.started_at or session.scheduled_at


def conclude_completion(
    session: MentoringSession,
    *,
    decision: Decision,
    ctx: Context,
    action: str = "session_completed",
    ended_at: datetime | None = None,
    reason: str | None = None,
    details: Mapping[str, Any] | None = None,
    notify_parties: bool = True,
) -> None:
    """This function will do what every completion does: status, times, calendar, settlement, and telling both.

    Call it inside a transaction, on a session from ``load_for_change``.

    :param ended_at: when it really ended; default: the planned end (NS-5)
    :raises InvalidTransition: when nobody like this actor may complete it from here
    """
    why.remember(decision, session=session, kind="complete", ctx=ctx)
    move(session, to=SessionStatus.COMPLETED, ctx=ctx, action=action, reason_details=reason, details=details)
    if session.scheduled_at is not None:
        session.started_at = first_join(session.id) or session.scheduled_at
        session.ended_at = ended_at or session.ended_at or planned_end(session)
    calendar.release(session.id)
    settle_session(session, ctx)
    if notify_parties:
        announce.completed(session, review_until=review_closes_at(session), ctx=ctx)


def planned_end(session: MentoringSession) -> datetime:
    """When the session ends by the calendar.

    :raises ValueError: for a session without a time
    """
    if session.scheduled_at is None:
        message = "A session without a time has no end"
        raise ValueError(message)
    return session.scheduled_at + timedelta(minutes=session.duration)


def review_closes_at(session: MentoringSession) -> datetime:
    """Until when the mentee may review a completed session (RV-1); that instant still counts."""
    days = policies_for(session).values.review_window_days
    return (session.ended_at or planned_end(session)) + timedelta(days=days)
