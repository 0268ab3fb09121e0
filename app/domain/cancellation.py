"""Who may cancel, and what goes back to the mentee (CX-1, CX-2, RA-3).

====================================================  =======================================
the mentee cancels                                    refund
====================================================  =======================================
before anything was paid                              nothing was paid; no reason, no cut-off
with an ``allow_cancellation`` override               100 %
while a mentor's proposal to move is open             100 %
``free_cancellation_hours`` or more before            100 %
from the cut-off up to that                           ``partial_refund_percentage``
below the cut-off                                     ``late_refund_percentage``, or refused
====================================================  =======================================

Exactly on a boundary counts for the mentee. Hours are elapsed hours between two instants, whatever the clocks on the
wall do meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from app.domain.decision import Decision, Refusal, Value, in_words
from app.domain.money import Money
from app.domain.policies import NOT_ALLOWED, Snapshot
from app.domain.reassignment import OPEN_REASSIGNMENTS
from app.domain.refunds import missing_to
from app.domain.vocabulary import (
    CancellationCategory as Category,
)
from app.domain.vocabulary import (
    OverrideType,
    Party,
    ReassignmentStatus,
    SessionStatus,
)

CATEGORIES: Final[dict[Party, tuple[Category, ...]]] = {
    Party.MENTEE: (
        Category.SCHEDULE_CONFLICT,
        Category.FOUND_OTHER,
        Category.NO_LONGER_NEEDED,
        Category.TECHNICAL,
        Category.EMERGENCY,
        Category.OTHER,
    ),
    Party.MENTOR: (
        Category.SCHEDULE_CONFLICT,
        Category.EMERGENCY,
        Category.ILLNESS,
        Category.TECHNICAL,
        Category.OTHER,
    ),
}
REASON_MAX: Final = 1_000
_BEFORE_CONFIRMATION: Final = frozenset({SessionStatus.DRAFT, SessionStatus.PENDING_MENTOR_REVIEW})
_STAFF_FROM: Final = _BEFORE_CONFIRMATION | {SessionStatus.SCHEDULED, SessionStatus.IN_PROGRESS}


@dataclass(frozen=True, slots=True)
class MenteeMove:
    """An accepted move that the mentee had initiated: when it was proposed, and the start at that time.

    :param percentage: what a cancellation would have given back then, where that was written down
    """

    proposed_at: datetime
    original_start: datetime
    percentage: int | None = None

    def percentage_then(self, policies: Snapshot) -> int:
        if self.percentage is not None:
            return self.percentage
        return percentage_at(policies, self.original_start - self.proposed_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancellationFacts:
    """What the rules need to know of a session; instants aware.

    :param paid: what was captured, credit included; None while a due payment is outstanding and for a free session
    :param is_free: nothing is to be paid
    :param refunded_minor: refunds already under way or done
    :param open_proposal_by: who initiated the open proposal to move, if any
    :param mentee_moves: accepted moves that the mentee initiated
    :param overrides: those active now
    """

    status: SessionStatus
    start: datetime | None
    policies: Snapshot
    paid: Money | None = None
    is_free: bool = False
    refunded_minor: int = 0
    open_proposal_by: Party | None = None
    reassignment: ReassignmentStatus | None = None
    mentee_moves: Sequence[MenteeMove] = ()
    overrides: frozenset[OverrideType] = frozenset()

    @property
    def is_unpaid(self) -> bool:
        return self.paid is None and not self.is_free


@dataclass(frozen=True, slots=True, kw_only=True)
class CancellationDecision(Decision):
    """A decision about cancelling.

    :param refund_percentage: of what was paid; for a mentor, what the mentee gets if there is no replacement
    :param refund: the amount that goes back; None when nothing was paid
    :param reason_required: whether a category must be chosen (CX-1)
    :param is_late: below the cut-off: counts for ``frequent_canceller_threshold``
    :param searches_replacement: the session may live on with another mentor (RA-1)
    """

    refund_percentage: int = 0
    refund: Money | None = None
    reason_required: bool = False
    is_late: bool = False
    searches_replacement: bool = False


@dataclass(frozen=True, slots=True)
class Tier:
    """One row of the refund rule: from ``hours`` before the start on; ``percentage`` None means refused."""

    rule: str
    hours: int
    percentage: int | None


def tiers(policies: Snapshot) -> tuple[Tier, ...]:
    """The refund rule from early to late; rows that can never apply are left out."""
    late = None if policies.late_cancellation_rule == NOT_ALLOWED else policies.late_refund_percentage
    rows = [Tier("free_cancellation", policies.free_cancellation_hours, 100)]
    if policies.cancellation_cutoff_hours < policies.free_cancellation_hours:
        rows.append(Tier("partial_refund", policies.cancellation_cutoff_hours, policies.partial_refund_percentage))
    if min(policies.cancellation_cutoff_hours, policies.free_cancellation_hours) > 0:
        rows.append(Tier("late_cancellation", 0, late))
    return tuple(rows)


def tiers_in_words(policies: Snapshot) -> list[str]:
    """The refund rule as sentences for the wizard and the dialog (BK-2, CX-3)."""
    sentences = []
    upper: int | None = None
    for tier in tiers(policies):
        if upper is None:
            when = f"{tier.hours} hours or more before the start" if tier.hours else "Any time before the start"
        elif tier.hours:
            when = f"From {tier.hours} up to {upper} hours before the start"
        else:
            when = f"Less than {upper} hours before the start"
        sentences.append(f"{when}: {_tier_words(tier.percentage)}.")
        upper = tier.hours
    return sentences


def decide_cancellation(facts: CancellationFacts, by: Party, now: datetime) -> CancellationDecision:
    """Whether a party may cancel now, and what follows (CX-1, CX-2)."""
    if by is Party.MENTEE:
        return _for_mentee(facts, now)
    return _for_mentor(facts, now)


def decide_force_cancellation(facts: CancellationFacts, percentage: int) -> CancellationDecision:
    """Whether staff may cancel, at a percentage of their choice (ACT-1)."""
    numbers: dict[str, Value] = {"status": facts.status, "refund_percentage": percentage}
    if facts.status not in _STAFF_FROM:
        return _wrong_state(facts, "This session is already over, so there is nothing to cancel.")
    if not 0 <= percentage <= 100:
        message = "A refund is between 0 and 100 percent."
        return CancellationDecision(
            allowed=False,
            rule="percentage_out_of_range",
            message=message,
            numbers=numbers,
            refusal=Refusal.INVALID,
            fields={"refundPercentage": message},
        )
    return _allowed(facts, "force_cancel", percentage, "Support cancels the session.", numbers, reason_required=True)


def decide_reason(decision: CancellationDecision, by: Party, category: Category | None, reason: str) -> Decision:
    """Whether the reason given is enough (CX-1): a category that this side may choose, and text for *other*."""
    problems: dict[str, str] = {}
    if category is None and decision.reason_required:
        problems["reasonCategory"] = "Choose a reason."
    elif category is not None and category not in CATEGORIES[by]:
        problems["reasonCategory"] = "This reason cannot be chosen here."
    elif category is Category.OTHER and decision.reason_required and not reason.strip():
        problems["reason"] = "Say in a few words why."
    if len(reason) > REASON_MAX:
        problems["reason"] = f"At most {REASON_MAX} characters."
    if problems:
        return Decision(
            allowed=False,
            rule="cancellation_reason",
            message="Please say why you cancel.",
            refusal=Refusal.INVALID,
            fields=problems,
        )
    return Decision(allowed=True, rule="cancellation_reason", message="The reason is recorded.")


def percentage_at(policies: Snapshot, left: timedelta) -> int:
    """What a cancellation ``left`` before the start refunds by the tiers alone; refused counts as the late refund."""
    tier = _tier_at(policies, left)
    return policies.late_refund_percentage if tier.percentage is None else tier.percentage


def _for_mentee(facts: CancellationFacts, now: datetime) -> CancellationDecision:
    if facts.status in _BEFORE_CONFIRMATION or (facts.status is SessionStatus.SCHEDULED and facts.is_unpaid):
        return _allowed(facts, "withdrawn_before_payment", 0, "Nothing was paid, so you can simply withdraw.", {})
    if facts.status is not SessionStatus.SCHEDULED:
        return _wrong_state(facts, _too_late_words(facts.status))
    if facts.reassignment in OPEN_REASSIGNMENTS:
        return _reassignment_open(facts)
    if facts.start is None or now >= facts.start:
        return _started(facts)
    left = facts.start - now
    numbers: dict[str, Value] = {
        "start": facts.start,
        "now": now,
        "time_left": left,
        "cancellation_cutoff_hours": facts.policies.cancellation_cutoff_hours,
        "free_cancellation_hours": facts.policies.free_cancellation_hours,
    }
    late = left < timedelta(hours=facts.policies.cancellation_cutoff_hours)
    required = facts.policies.require_cancellation_reason
    if OverrideType.ALLOW_CANCELLATION in facts.overrides:
        message = "Support allowed this cancellation with a full refund."
        return _allowed(facts, "override_allow_cancellation", 100, message, numbers, reason_required=required)
    if facts.open_proposal_by is Party.MENTOR:
        message = "Your mentor asked to move the session, so you get everything back."
        return _allowed(facts, "mentor_proposal_open", 100, message, numbers, reason_required=required)

    tier = _tier_at(facts.policies, left)
    if tier.percentage is None and OverrideType.EXTEND_TIME not in facts.overrides:
        return CancellationDecision(
            allowed=False,
            rule="late_cancellation_not_allowed",
            message=f"It is too late to cancel: {facts.policies.cancellation_cutoff_hours} hours before the start at "
            "the latest. If you cannot come, write to your mentor or to support.",
            numbers=numbers,
            next_change=_next_change(facts.policies, left),
            refusal=Refusal.POLICY,
            is_late=late,
        )
    current = percentage_at(facts.policies, left)
    percentage, capped = _capped_by_moves(facts, current)
    decided = _allowed(
        facts,
        "lower_after_own_move" if capped else tier.rule,
        percentage,
        f"You get {percentage} % back." if percentage else "It is too late for a refund; you can still cancel.",
        numbers | {"percentage_now": current},
        reason_required=required,
    )
    change = (
        f"Had you not moved the session, it would have been {current} %."
        if capped
        else _next_change(facts.policies, left)
    )
    return replace(decided, next_change=change, is_late=late)


def _for_mentor(facts: CancellationFacts, now: datetime) -> CancellationDecision:
    if facts.status is SessionStatus.PENDING_MENTOR_REVIEW:
        return _wrong_state(facts, "This is a request: decline it instead of cancelling.")
    if facts.status is not SessionStatus.SCHEDULED:
        return _wrong_state(facts, _too_late_words(facts.status))
    if facts.reassignment is ReassignmentStatus.AWAITING_MENTEE_CHOICE:
        return _reassignment_open(facts)
    if facts.start is None or now >= facts.start:
        return _started(facts)
    numbers: dict[str, Value] = {"start": facts.start, "now": now, "time_left": facts.start - now}
    required = facts.policies.require_cancellation_reason
    if facts.is_unpaid:
        message = "Nothing was paid yet, so the session is simply cancelled."
        return _allowed(facts, "mentor_cancels_unpaid", 0, message, numbers, reason_required=required)
    message = "We look for another mentor. Without one the mentee chooses, or gets everything back."
    decided = _allowed(facts, "mentor_cancels", 100, message, numbers, reason_required=required)
    late = facts.start - now < timedelta(hours=facts.policies.cancellation_cutoff_hours)
    return replace(decided, searches_replacement=True, is_late=late)


def _tier_at(policies: Snapshot, left: timedelta) -> Tier:
    rows = tiers(policies)
    return next((tier for tier in rows if left >= timedelta(hours=tier.hours)), rows[-1])


def _capped_by_moves(facts: CancellationFacts, current: int) -> tuple[int, bool]:
    # CX-2: moving a session must not buy the time that a cancellation needed.
    before = [move.percentage_then(facts.policies) for move in facts.mentee_moves]
    lowest = min([current, *before])
    return lowest, lowest < current


def _next_change(policies: Snapshot, left: timedelta) -> str | None:
    """The nearest instant at which the tiers would have answered otherwise (WHY-1)."""
    rows = tiers(policies)
    here = rows.index(_tier_at(policies, left))
    options: list[tuple[timedelta, str]] = []
    for earlier in reversed(rows[:here]):
        if earlier.percentage != rows[here].percentage:
            distance = timedelta(hours=earlier.hours) - left
            options.append((distance, f"{in_words(distance)} earlier it would have been {earlier.percentage} %."))
            break
    for index in range(here + 1, len(rows)):
        if rows[index].percentage != rows[here].percentage:
            # A boundary belongs to the better row, so the change comes just after it.
            distance = left - timedelta(hours=rows[index - 1].hours)
            outcome = rows[index].percentage
            then = "it will no longer be possible" if outcome is None else f"it will be {outcome} %"
            options.append((distance, f"In {in_words(distance)} {then}."))
            break
    return min(options)[1] if options else None


def _allowed(
    facts: CancellationFacts,
    rule: str,
    percentage: int,
    message: str,
    numbers: dict[str, Value],
    *,
    reason_required: bool = False,
) -> CancellationDecision:
    refund = None
    if facts.paid is not None:
        refund = Money(missing_to(facts.paid.minor, percentage, facts.refunded_minor), facts.paid.currency)
    return CancellationDecision(
        allowed=True,
        rule=rule,
        message=message,
        numbers=numbers,
        consequences={
            "refund_percentage": percentage,
            "refund_minor": refund.minor if refund else 0,
            "currency": refund.currency if refund else None,
        },
        refund_percentage=percentage,
        refund=refund,
        reason_required=reason_required,
    )


def _wrong_state(facts: CancellationFacts, message: str) -> CancellationDecision:
    return CancellationDecision(
        allowed=False,
        rule="not_cancellable",
        message=message,
        numbers={"from": facts.status, "to": SessionStatus.CANCELLED},
        refusal=Refusal.TRANSITION,
    )


def _started(facts: CancellationFacts) -> CancellationDecision:
    return CancellationDecision(
        allowed=False,
        rule="session_started",
        message=_too_late_words(SessionStatus.IN_PROGRESS),
        numbers={"start": facts.start},
        refusal=Refusal.CONFLICT,
        code="session_started",
    )


def _reassignment_open(facts: CancellationFacts) -> CancellationDecision:
    return CancellationDecision(
        allowed=False,
        rule="reassignment_open",
        message="The mentor of this session changes. Answer that first: continue, choose another, or cancel with a "
        "full refund.",
        numbers={"reassignment": facts.reassignment},
        refusal=Refusal.CONFLICT,
        code="reassignment_open",
    )


def _too_late_words(status: SessionStatus) -> str:
    if status is SessionStatus.IN_PROGRESS:
        return "The session has begun and cannot be cancelled any more. Support can help if something is wrong."
    return f"This session is {status.value.replace('_', ' ')} and cannot be cancelled."


def _tier_words(percentage: int | None) -> str:
    if percentage is None:
        return "cancelling is not possible"
    return {100: "full refund", 0: "no refund"}.get(percentage, f"{percentage} % refund")
