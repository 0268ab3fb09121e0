"""What a replay says, in words: which decisions, which rule, and how each was answered (POL-4)."""

from __future__ import annotations

from typing import Final

from app.domain.policies import PolicyGroup
from app.domain.replay import ReplayKind, Verdict

GROUPS: Final = {
    PolicyGroup.CANCELLATION: "Cancelling",
    PolicyGroup.RESCHEDULING: "Moving a session",
    PolicyGroup.BOOKING: "Booking and paying",
    PolicyGroup.REASSIGNMENT: "Change of mentor",
    PolicyGroup.JOINING: "Around the session",
    PolicyGroup.MONEY: "Money",
    PolicyGroup.SUPPORT: "Support",
}
KINDS: Final = {
    ReplayKind.CANCELLATION: "Cancellations by mentees",
    ReplayKind.RESCHEDULE: "Proposals of another time",
    ReplayKind.COUNTER: "Counter-proposals",
    ReplayKind.NO_SHOW: "Reports that somebody did not come",
    ReplayKind.EARNINGS: "Completed sessions",
}
RULES: Final = {
    "free_cancellation": "Early enough",
    "partial_refund": "Between the cut-off and the free period",
    "late_cancellation": "Below the cut-off",
    "late_cancellation_not_allowed": "Too late to cancel",
    "lower_after_own_move": "After a move of one's own",
    "override_allow_cancellation": "Allowed by support",
    "mentor_proposal_open": "While the mentor asked to move",
    "reschedule_allowed": "In time, and not too often",
    "override_allow_reschedule": "Allowed by support",
    "reschedule_limit": "Moved too often",
    "reschedule_cutoff": "Too late to move",
    "counter_limit": "Enough counter-proposals",
    "reschedule_counter_propose": "One more counter-proposal",
    "grace": "Reported before the grace was over",
    "mentee_absent": "The mentee did not come",
    "mentor_absent": "The mentor did not come",
    "mentor_share": "The mentor's share",
}


def verdict_in_words(verdict: Verdict) -> str:
    """``"Below the cut-off: 0 % back"``, ``"Moved too often: refused"``."""
    rule = RULES.get(verdict.rule, verdict.rule.replace("_", " "))
    if not verdict.allowed:
        return f"{rule}: refused"
    return rule if verdict.percentage is None else f"{rule}: {verdict.percentage} % back"
