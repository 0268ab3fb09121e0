"""Proposing another time, answering, countering, withdrawing, and letting it expire (RS-1 to RS-6).

Whether the proposed time is free is ``availability``'s answer, asked beside this one.

A negotiation has an initiator, who opened it, and a proposer, whose time is on the table; the turn is with the side
that is not the proposer. Exactly on the cut-off counts for the one who asks.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from app.domain.decision import Decision, Refusal, Value, in_words
from app.domain.policies import Snapshot
from app.domain.reassignment import OPEN_REASSIGNMENTS
from app.domain.vocabulary import OverrideType, Party, ReassignmentStatus, RescheduleStatus, SessionStatus

OPEN_PROPOSALS: Final = frozenset({RescheduleStatus.PENDING, RescheduleStatus.COUNTER_PROPOSED})


class RescheduleAnswer(StrEnum):
    """``withdraw`` is the initiator's, the others are for the side whose turn it is (RS-2, RS-3)."""

    ACCEPT = "accept"
    CANCEL_SESSION = "cancel_session"
    COUNTER_PROPOSE = "counter_propose"
    REJECT = "reject"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalFacts:
    """What the rules need before a proposal is made; instants aware.

    :param is_settled: paid in full, or free
    :param count: how often the one who asks has moved this session
    :param allowed_durations: minutes that the offering allows
    :param overrides: those active now
    """

    status: SessionStatus
    start: datetime
    duration_minutes: int
    is_settled: bool
    count: int
    policies: Snapshot
    has_open_proposal: bool = False
    reassignment: ReassignmentStatus | None = None
    allowed_durations: Collection[int] = ()
    overrides: frozenset[OverrideType] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalDecision(Decision):
    """:param uses_override: an ``allow_reschedule`` grant was needed; it is used up on acceptance (RS-6)"""

    expires_at: datetime | None = None
    uses_override: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Negotiation:
    """An open request, as its row says."""

    status: RescheduleStatus
    initiator: Party
    proposer: Party
    time_on_table: datetime
    counter_count: int
    expires_at: datetime

    @property
    def turn(self) -> Party:
        return Party.MENTOR if self.proposer is Party.MENTEE else Party.MENTEE


def expiry(now: datetime, start: datetime | None, time_on_table: datetime, policies: Snapshot) -> datetime:
    """Until when a proposal is open: the earliest of policy, session's start and time on the table (RS-1).

    :param start: None for a request that has no time yet (BK-5)
    """
    return min(now + timedelta(hours=policies.reschedule_request_expiry_hours), start or time_on_table, time_on_table)


def decide_proposal(
    facts: ProposalFacts,
    by: Party,
    now: datetime,
    *,
    proposed: datetime | None = None,
    duration_minutes: int | None = None,
) -> ProposalDecision:
    """Whether a party may propose another time now (RS-1, RS-6).

    :param proposed: the new start; None asks only whether the button is shown
    """
    refused = _why_not_open(facts, now)
    if refused is not None:
        return refused
    mentee = by is Party.MENTEE
    policies = facts.policies
    cutoff = policies.reschedule_cutoff_hours if mentee else policies.mentor_reschedule_cutoff_hours
    most = policies.max_reschedules_per_session if mentee else policies.mentor_max_reschedules_per_session
    left = facts.start - now
    numbers: dict[str, Value] = {
        "start": facts.start,
        "now": now,
        "time_left": left,
        "cutoff_hours": cutoff,
        "count": facts.count,
        "max_reschedules": most,
    }
    granted = OverrideType.ALLOW_RESCHEDULE in facts.overrides
    too_late = left < timedelta(hours=cutoff) and OverrideType.EXTEND_TIME not in facts.overrides
    too_often = facts.count >= most
    if too_often and not granted:
        return _by_policy(
            "reschedule_limit",
            f"This session was moved {facts.count} of {most} times already. Support can allow one more.",
            numbers,
            "One move fewer and it would have been possible.",
        )
    if too_late and not granted:
        short = in_words(timedelta(hours=cutoff) - left)
        return _by_policy(
            "reschedule_cutoff",
            f"A session can be moved until {cutoff} hours before its start.",
            numbers,
            f"{short} earlier it would have been possible.",
        )
    problems = _problems(facts, now, proposed, duration_minutes)
    if problems:
        return ProposalDecision(
            allowed=False,
            rule="proposal_input",
            message="This proposal cannot be made.",
            numbers=numbers,
            refusal=Refusal.INVALID,
            fields=problems,
        )
    uses_override = too_often or too_late
    until = expiry(now, facts.start, proposed or facts.start, policies)
    return ProposalDecision(
        allowed=True,
        rule="override_allow_reschedule" if uses_override else "reschedule_allowed",
        message="The other side is asked; until then the session stays where it is.",
        numbers=numbers,
        consequences={"expires_at": until, "uses_override": uses_override},
        expires_at=until,
        uses_override=uses_override,
    )


def decide_response(
    talk: Negotiation,
    answer: RescheduleAnswer,
    by: Party,
    now: datetime,
    policies: Snapshot,
    *,
    is_open_request: bool = True,
) -> Decision:
    """Whether a party may answer like this now (RS-2, RS-3).

    :param is_open_request: whether the request that was named is the session's open one
    """
    if not is_open_request or talk.status not in OPEN_PROPOSALS:
        return _conflict("proposal_closed", "This proposal is not open any more. Reload the page.", talk)
    if now >= talk.expires_at:
        ago = in_words(now - talk.expires_at)
        return _conflict("proposal_expired", "This proposal has expired.", talk, f"{ago} earlier it was open.")
    if answer is RescheduleAnswer.WITHDRAW:
        if by is not talk.initiator:
            return _not_theirs("Only the side that asked can withdraw.", talk)
        return _answered(answer, "The proposal is withdrawn; the session stays where it was.", talk)
    if by is not talk.turn:
        return _conflict("not_your_turn", "It is the other side's turn to answer.", talk)
    match answer:
        case RescheduleAnswer.REJECT if by is Party.MENTEE:
            return _not_theirs(
                "Only a mentor declines. Propose another time, or let it expire: the session stays.", talk
            )
        case RescheduleAnswer.CANCEL_SESSION if by is Party.MENTOR or talk.initiator is Party.MENTEE:
            return _not_theirs("Only a mentee whose mentor asked to move can cancel like this.", talk)
        case RescheduleAnswer.COUNTER_PROPOSE if talk.counter_count >= policies.max_counter_proposals:
            return Decision(
                allowed=False,
                rule="counter_limit",
                message=f"There were {talk.counter_count} counter-proposals already. Accept, or leave it as it is.",
                numbers={"count": talk.counter_count, "max_counter_proposals": policies.max_counter_proposals},
                next_change="One counter-proposal fewer and it would have been possible.",
                refusal=Refusal.POLICY,
            )
    return _answered(answer, "The answer is recorded.", talk)


def decide_counter_time(talk: Negotiation, start: datetime | None, proposed: datetime, now: datetime) -> Decision:
    """Whether ``proposed`` is a time that can be answered with; whether it is free is asked beside this (RS-2).

    :param start: the session's own; None for a request without a time
    """
    problem = None
    if proposed <= now:
        problem = "Choose a time in the future."
    elif proposed == talk.time_on_table:
        problem = "This time is on the table already. Accept it, or choose another."
    elif proposed == start:
        problem = "This is the time the session has already."
    if problem is None:
        return Decision(allowed=True, rule="counter_time", message="This time can be proposed.")
    return Decision(
        allowed=False,
        rule="counter_time",
        message=problem,
        numbers={"start": start, "proposed": proposed, "time_on_table": talk.time_on_table},
        refusal=Refusal.INVALID,
        fields={"counterProposedTime": problem},
    )


def decide_expiry(talk: Negotiation, now: datetime) -> Decision:
    """Whether the clock closes a proposal: the original time stays (RS-5)."""
    if talk.status not in OPEN_PROPOSALS:
        return _conflict("proposal_closed", "This proposal is not open any more.", talk)
    if now < talk.expires_at:
        return _conflict("not_due", f"It is open for another {in_words(talk.expires_at - now)}.", talk)
    return Decision(
        allowed=True,
        rule="proposal_unanswered",
        message="Nobody answered in time, so the original time stays.",
        numbers={"expires_at": talk.expires_at, "now": now},
        next_change="An answer before that would have decided it.",
    )


def _why_not_open(facts: ProposalFacts, now: datetime) -> ProposalDecision | None:
    rule = message = None
    if facts.status is not SessionStatus.SCHEDULED:
        return ProposalDecision(
            allowed=False,
            rule="not_scheduled",
            message=f"This session is {facts.status.value.replace('_', ' ')} and cannot be moved.",
            numbers={"status": facts.status},
            refusal=Refusal.CONFLICT,
            code="invalid_transition",
        )
    if not facts.is_settled:
        rule, message = "payment_due", "Pay the session first; then it can be moved."
    elif facts.reassignment in OPEN_REASSIGNMENTS:
        rule, message = "reassignment_open", "The mentor of this session changes. Answer that first."
    elif facts.has_open_proposal:
        rule, message = "proposal_open", "There is an open proposal already. Answer or withdraw that one."
    elif now >= facts.start:
        rule, message = "session_started", "The session has begun and cannot be moved any more."
    if rule is None or message is None:
        return None
    return ProposalDecision(
        allowed=False,
        rule=rule,
        message=message,
        numbers={"status": facts.status, "start": facts.start, "now": now},
        refusal=Refusal.CONFLICT,
        code=rule,
    )


def _problems(
    facts: ProposalFacts, now: datetime, proposed: datetime | None, duration_minutes: int | None
) -> dict[str, str]:
    problems = {}
    if proposed is not None and proposed <= now:
        problems["proposedTime"] = "Choose a time in the future."
    elif proposed == facts.start and duration_minutes in {None, facts.duration_minutes}:
        problems["proposedTime"] = "This is the time the session has already."
    if duration_minutes is not None and duration_minutes not in {facts.duration_minutes, *facts.allowed_durations}:
        problems["proposedDuration"] = "The offering does not have this duration."
    return problems


def _by_policy(rule: str, message: str, numbers: dict[str, Value], next_change: str) -> ProposalDecision:
    return ProposalDecision(
        allowed=False, rule=rule, message=message, numbers=numbers, next_change=next_change, refusal=Refusal.POLICY
    )


def _facts_of(talk: Negotiation) -> dict[str, Value]:
    return {
        "status": talk.status,
        "initiator": talk.initiator,
        "turn": talk.turn,
        "counter_count": talk.counter_count,
        "expires_at": talk.expires_at,
    }


def _conflict(rule: str, message: str, talk: Negotiation, next_change: str | None = None) -> Decision:
    return Decision(
        allowed=False,
        rule=rule,
        message=message,
        numbers=_facts_of(talk),
        next_change=next_change,
        refusal=Refusal.CONFLICT,
        code=rule,
    )


def _not_theirs(message: str, talk: Negotiation) -> Decision:
    return Decision(
        allowed=False,
        rule="not_for_this_side",
        message=message,
        numbers=_facts_of(talk),
        refusal=Refusal.FORBIDDEN,
        code="not_for_this_side",
    )


def _answered(answer: RescheduleAnswer, message: str, talk: Negotiation) -> Decision:
    cancels = answer is RescheduleAnswer.CANCEL_SESSION
    return Decision(
        allowed=True,
        rule=f"reschedule_{answer.value}",
        message="You get everything back." if cancels else message,
        numbers=_facts_of(talk),
        consequences={"refund_percentage": 100} if cancels else {},
    )
