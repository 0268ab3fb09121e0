"""The two meet at another time: a session that is still to come is moved, one that is over is made up for (DSP-4)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from app.booking.follow_up import book_follow_up, decide_follow_up
from app.domain.context import Context
from app.domain.decision import Decision, Refusal
from app.domain.errors import Invalid
from app.domain.money import Money
from app.domain.vocabulary import SessionStatus
from app.domain.wording import format_when
from app.models import MentoringSession
from app.support.disputes.plans import Outcome
from app.support.move_session import decide_move, move_session, preview_move
from app.support.staff_acts import PlanRow


def why_no_new_time(session: MentoringSession) -> str:
    """Why no other time can be given from where the session stands; empty when one can."""
    if session.status is SessionStatus.IN_PROGRESS:
        return "The session is running. It can be made up for once it is over."
    return ""


def plan_new_time(session: MentoringSession, starts_at: datetime | None, ctx: Context) -> Outcome:
    """What another time would change."""
    if session.status is SessionStatus.SCHEDULED:
        return _plan_move(session, starts_at, ctx)
    refusal = why_no_new_time(session)
    if refusal:
        decision = Decision(allowed=False, rule="follow_up", message=refusal, refusal=Refusal.CONFLICT)
    elif starts_at is None:
        decision = _no_time("Choose the time at which they meet again.")
    else:
        decision = decide_follow_up(session, starts_at, now=ctx.now)
    both = f"{session.mentee.name} and {session.mentor.name}"
    at = format_when(starts_at, session.mentee.timezone, ctx.now) if starts_at else ""
    return Outcome(
        decision=decision,
        sentence=f"{both} meet again at {at}, for nothing." if decision.allowed else decision.message,
        button="Book the new session and resolve",
        rows=[
            PlanRow(
                who=person.name,
                change=f"New session, {format_when(starts_at, person.timezone, ctx.now)}" if starts_at else "",
                money=Money(0, session.currency),
                message="E-mail with a calendar file",
            )
            for person in (session.mentee, session.mentor)
        ],
    )


def give_new_time(
    session: MentoringSession, starts_at: datetime | None, *, reason: str, ctx: Context
) -> tuple[UUID, bool]:
    """This function will move the session, or book another one at no cost, and give its id and whether it is new.

    Lock with ``booking.moving.load_for_moving`` first, which frees holds that ran out.

    :param reason: both parties read it
    :raises Invalid: the time cannot be used
    :raises Conflict: the session cannot be moved, or one of the two is busy then
    """
    plan_new_time(session, starts_at, ctx).decision.require()
    assert starts_at is not None  # decided above
    if session.status is SessionStatus.SCHEDULED:
        move_session(session.id, starts_at=starts_at, reason=reason, fingerprint=None, ctx=ctx)
        return session.id, False
    return book_follow_up(session, starts_at=starts_at, ctx=ctx).id, True


def _plan_move(session: MentoringSession, starts_at: datetime | None, ctx: Context) -> Outcome:
    decision = decide_move(session, ctx)
    rows: list[PlanRow] = []
    sentence = decision.message
    if decision.allowed:
        try:
            plan = preview_move(session.id, starts_at=starts_at, ctx=ctx)
        except Invalid as wrong:
            decision = _no_time(wrong.message)
            sentence = wrong.message
        else:
            decision, rows = plan.decision, list(plan.rows)
            sentence = plan.sentence if decision.allowed else decision.message
    return Outcome(decision=decision, sentence=sentence, button="Move the session and resolve", rows=rows)


def _no_time(message: str) -> Decision:
    return Decision(
        allowed=False,
        rule="new_time",
        message=message,
        refusal=Refusal.INVALID,
        fields={"startsAt": message},
    )
