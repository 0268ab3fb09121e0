"""Past cases decided again under other policy values: what a preview of a policy change shows (POL-4, POL-6).

The very functions that decide today decide here; this module only asks them twice and compares. A case carries the
facts of its moment and the policies that its session lived under then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from app.domain.attendance import AttendanceFacts, decide_no_show_report
from app.domain.cancellation import CancellationFacts, decide_cancellation
from app.domain.money import share_of
from app.domain.policies import Snapshot
from app.domain.policy_values import PolicyValue
from app.domain.refunds import missing_to
from app.domain.rescheduling import Negotiation, ProposalFacts, RescheduleAnswer, decide_proposal, decide_response
from app.domain.vocabulary import Party


class ReplayKind(StrEnum):
    """What can be decided again; all but the last are the kinds of ``decision_records``."""

    CANCELLATION = "cancel"
    RESCHEDULE = "reschedule"
    COUNTER = "reschedule_answer"
    NO_SHOW = "no_show"
    EARNINGS = "earnings"


# The policies that each kind reads, all of them pinned: a change of others cannot change it.
READS: Final[Mapping[ReplayKind, frozenset[str]]] = {
    ReplayKind.CANCELLATION: frozenset(
        {
            "cancellation_cutoff_hours",
            "free_cancellation_hours",
            "partial_refund_percentage",
            "late_refund_percentage",
            "late_cancellation_rule",
            "mentor_share_percentage",
        }
    ),
    ReplayKind.RESCHEDULE: frozenset(
        {
            "reschedule_cutoff_hours",
            "mentor_reschedule_cutoff_hours",
            "max_reschedules_per_session",
            "mentor_max_reschedules_per_session",
        }
    ),
    ReplayKind.COUNTER: frozenset({"max_counter_proposals"}),
    ReplayKind.NO_SHOW: frozenset({"no_show_grace_minutes", "mentor_share_percentage"}),
    ReplayKind.EARNINGS: frozenset({"mentor_share_percentage"}),
}
# Records with these rules were decided by policies; others by the state that a session was in.
RULES: Final[Mapping[ReplayKind, frozenset[str]]] = {
    ReplayKind.CANCELLATION: frozenset(
        {
            "free_cancellation",
            "partial_refund",
            "late_cancellation",
            "late_cancellation_not_allowed",
            "lower_after_own_move",
            "override_allow_cancellation",
            "mentor_proposal_open",
        }
    ),
    ReplayKind.RESCHEDULE: frozenset(
        {"reschedule_allowed", "override_allow_reschedule", "reschedule_limit", "reschedule_cutoff"}
    ),
    ReplayKind.COUNTER: frozenset({"counter_limit", "reschedule_counter_propose"}),
    ReplayKind.NO_SHOW: frozenset({"grace", "mentee_absent", "mentor_absent"}),
    ReplayKind.EARNINGS: frozenset(),
}
_EXAMPLES: Final = 5

Facts = CancellationFacts | ProposalFacts | Negotiation | AttendanceFacts | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided.

    :param percentage: the refund's; None where nothing is refunded by this kind of decision
    """

    allowed: bool
    rule: str
    percentage: int | None = None

    def is_like(self, other: Verdict) -> bool:
        """Whether the people concerned would notice no difference; the rule's name is none."""
        return (self.allowed, self.percentage) == (other.allowed, other.percentage)

    def as_json(self) -> dict[str, Any]:
        return {"allowed": self.allowed, "rule": self.rule, "refund_percentage": self.percentage}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Verdict:
        return cls(stored["allowed"], stored["rule"], stored.get("refund_percentage"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict with its money in minor units; a refusal moves none."""

    verdict: Verdict
    refund_minor: int = 0
    mentor_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCase:
    """One decision of the past with all that it was made of.

    :param record_id: of its decision record; None for earnings
    :param by: whose wish was decided
    :param policies: what the session lived under then
    :param recorded: what was decided then
    :param facts: None for earnings
    """

    kind: ReplayKind
    session_id: UUID
    record_id: UUID | None
    at: datetime
    by: Party
    policies: Snapshot
    recorded: Verdict
    facts: Facts
    currency: str
    paid_minor: int = 0
    refunded_minor: int = 0


def decide_again(case: PastCase, policies: Snapshot) -> Outcome:
    """What the rules answer to the facts of then under these values."""
    refund = 0
    match case.facts:
        case CancellationFacts() as facts:
            decided = decide_cancellation(replace(facts, policies=policies), case.by, case.at)
            percentage = decided.refund_percentage if decided.allowed else None
            verdict = Verdict(decided.allowed, decided.rule, percentage)
            refund = decided.refund.minor if decided.allowed and decided.refund else 0
        case ProposalFacts() as facts:
            asked = decide_proposal(replace(facts, policies=policies), case.by, case.at)
            return Outcome(Verdict(asked.allowed, asked.rule))
        case Negotiation() as talk:
            answered = decide_response(talk, RescheduleAnswer.COUNTER_PROPOSE, case.by, case.at, policies)
            return Outcome(Verdict(answered.allowed, answered.rule))
        case AttendanceFacts() as facts:
            reported = decide_no_show_report(replace(facts, policies=policies), case.by, case.at)
            percentage = reported.refund_percentage if reported.allowed else None
            verdict = Verdict(reported.allowed, reported.rule, percentage)
            refund = missing_to(case.paid_minor, percentage, case.refunded_minor) if percentage else 0
        case _:
            verdict = case.recorded
    kept = case.paid_minor - case.refunded_minor - refund
    return Outcome(verdict, refund, share_of(kept, policies.mentor_share_percentage))


@dataclass(slots=True)
class Difference:
    """Cases of one rule that would have been decided otherwise in the same way.

    :param refunds: by currency: what mentees would have got more, negative less
    :param earnings: by currency: what mentors would have got more, negative less
    :param examples: some of the sessions, latest first
    """

    before: Verdict
    after: Verdict
    count: int = 0
    refunds: Counter[str] = field(default_factory=Counter)
    earnings: Counter[str] = field(default_factory=Counter)
    examples: list[UUID] = field(default_factory=list)

    def add(self, case: PastCase, then: Outcome, now: Outcome) -> None:
        self.count += 1
        self.refunds[case.currency] += now.refund_minor - then.refund_minor
        self.earnings[case.currency] += now.mentor_minor - then.mentor_minor
        if case.session_id not in self.examples and len(self.examples) < _EXAMPLES:
            self.examples.append(case.session_id)


@dataclass(frozen=True, slots=True)
class Replayed:
    """One kind of decision under the proposed values.

    :param looked_at: how many cases were decided again
    :param unclear: cases whose own decision does not follow from what is known of them today, and so were left out
    :param differences: by what was decided and what would be, the most frequent first
    """

    kind: ReplayKind
    looked_at: int
    unclear: int
    differences: Sequence[Difference]

    @property
    def different(self) -> int:
        """How many people would have been answered otherwise, or paid otherwise."""
        return sum(each.count for each in self.differences)


def replay(kind: ReplayKind, cases: Iterable[PastCase], changed: Mapping[str, PolicyValue]) -> Replayed:
    """Decide each case twice: under the policies of its time, and under those with ``changed`` in them.

    A case counts only when the first answer is the one that was recorded; nothing is inferred from others.

    :param cases: of this kind, latest first
    """
    found: dict[tuple[Verdict, Verdict], Difference] = {}
    looked_at = unclear = 0
    for case in cases:
        then = decide_again(case, case.policies)
        if not then.verdict.is_like(case.recorded):
            unclear += 1
            continue
        looked_at += 1
        now = decide_again(case, replace(case.policies, **changed))  # type: ignore[arg-type]  # parsed by key before
        if now.verdict.is_like(then.verdict) and now.mentor_minor == then.mentor_minor:
            continue
        found.setdefault((then.verdict, now.verdict), Difference(then.verdict, now.verdict)).add(case, then, now)
    ranked = sorted(found.values(), key=lambda each: (-each.count, each.before.rule, each.after.rule))
    return Replayed(kind, looked_at, unclear, ranked)


def kinds_touched(changed: Iterable[str]) -> list[ReplayKind]:
    """The kinds that read one of these policies; empty when replaying could show nothing."""
    keys = set(changed)
    return [kind for kind, reads in READS.items() if reads & keys]
