"""What a party may do about its session's time now: ask for another one, or answer what is on the table (WHY-1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.booking.session_facts import SessionFacts
from app.domain.context import Context
from app.domain.decision import Decision
from app.domain.rescheduling import RescheduleAnswer, decide_proposal, decide_response
from app.domain.vocabulary import Party

RESCHEDULE: Final = "reschedule"
ACCEPT: Final = "acceptReschedule"
COUNTER: Final = "counterReschedule"
DECLINE: Final = "rejectReschedule"
CANCEL_INSTEAD: Final = "cancelInsteadOfReschedule"
WITHDRAW: Final = "withdrawReschedule"
_ANSWERS: Final[Mapping[str, RescheduleAnswer]] = {
    ACCEPT: RescheduleAnswer.ACCEPT,
    COUNTER: RescheduleAnswer.COUNTER_PROPOSE,
    DECLINE: RescheduleAnswer.REJECT,
    CANCEL_INSTEAD: RescheduleAnswer.CANCEL_SESSION,
    WITHDRAW: RescheduleAnswer.WITHDRAW,
}


def decide_moving(facts: SessionFacts, by: Party, ctx: Context) -> dict[str, Decision]:
    """Whether this side may ask, and, while a time is on the table, each answer; allowed or not and why."""
    found: dict[str, Decision] = {RESCHEDULE: decide_proposal(facts.for_moving(by, now=ctx.now), by, ctx.now)}
    talk = facts.open_talk(ctx.now)
    if talk is not None:
        found |= {name: decide_response(talk, answer, by, ctx.now, facts.policies) for name, answer in _ANSWERS.items()}
    return found
