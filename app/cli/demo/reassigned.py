"""What a mentee of the demonstration does when the mentor gave the session up (RA)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from app.booking.access import load_session_for
from app.booking.alternatives import find_alternatives
from app.booking.reassign import accept_reassignment, reject_reassignment, select_alternative
from app.domain.context import Actor, Context
from app.domain.vocabulary import ReassignmentStatus

Plan = Callable[[datetime, Callable[[datetime], None]], None]


def plan_answer(
    session_id: UUID,
    mentee: Actor,
    *,
    random: Random,
    now: datetime,
    plan: Plan,
    as_: Callable[[Actor, datetime], Context],
    goes_on: Callable[[UUID, datetime], None],
) -> None:
    """This function will let some go on, some choose, some take the refund, and some never answer.

    :param goes_on: what follows once a mentor is certain again
    """
    fate = random.random()
    if fate < 0.2:
        return  # the clock gives everything back

    def answer(at: datetime) -> None:
        ctx = as_(mentee, at)
        session = load_session_for(ctx, session_id)
        is_assigned = session.reassignment_status is ReassignmentStatus.PENDING_ACCEPTANCE
        if fate < 0.35:
            reject_reassignment(session_id, reason="I would rather wait for my own mentor.", ctx=ctx)
            return
        if is_assigned and fate < 0.8:
            accept_reassignment(session_id, ctx=ctx)
        else:
            others = [each for each in find_alternatives(session, now=at).mentors if each.starts_at is not None]
            if not others:
                return
            select_alternative(session_id, mentor_id=others[0].id, scheduled_at=others[0].starts_at, ctx=ctx)
        goes_on(session_id, at)

    plan(now + timedelta(hours=random.uniform(0.5, 20)), answer)
