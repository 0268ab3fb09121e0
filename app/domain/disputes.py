"""Until when a problem can be reported, and the clock that runs on an open dispute (DSP-1, DSP-3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from app.domain.decision import Decision, Refusal, Value, in_words
from app.domain.policies import Snapshot
from app.domain.vocabulary import DisputePriority, SessionStatus

_REPORTABLE: Final = frozenset(
    {
        SessionStatus.SCHEDULED,
        SessionStatus.IN_PROGRESS,
        SessionStatus.COMPLETED,
        SessionStatus.CANCELLED,
        SessionStatus.NO_SHOW,
    }
)


class SlaLevel(StrEnum):
    ON_TIME = "on_time"
    WARNING = "warning"
    BREACHED = "breached"


@dataclass(frozen=True, slots=True)
class SlaTarget:
    """How long the first answer and the resolution may take; elapsed time."""

    first_answer: timedelta
    resolution: timedelta


DEFAULT_TARGETS: Final[Mapping[DisputePriority, SlaTarget]] = {
    DisputePriority.URGENT: SlaTarget(timedelta(hours=1), timedelta(hours=8)),
    DisputePriority.HIGH: SlaTarget(timedelta(hours=4), timedelta(hours=24)),
    DisputePriority.MEDIUM: SlaTarget(timedelta(hours=24), timedelta(hours=72)),
    DisputePriority.LOW: SlaTarget(timedelta(hours=48), timedelta(days=7)),
}
_RISING: Final = (DisputePriority.LOW, DisputePriority.MEDIUM, DisputePriority.HIGH, DisputePriority.URGENT)


@dataclass(frozen=True, slots=True)
class SlaClock:
    """The clock of one dispute.

    :param started_at: when it was opened, or when its priority last rose: the new priority's time runs from there, or
        a dispute that breached once would climb to the top within minutes
    :param answered_at: the first answer, if any
    """

    priority: DisputePriority
    started_at: datetime
    answered_at: datetime | None = None

    def due_at(self, targets: Mapping[DisputePriority, SlaTarget] = DEFAULT_TARGETS) -> datetime:
        """The next deadline: the first answer's until there is one, then the resolution's."""
        target = targets[self.priority]
        return self.started_at + (target.resolution if self.answered_at else target.first_answer)

    def level(self, now: datetime, targets: Mapping[DisputePriority, SlaTarget] = DEFAULT_TARGETS) -> SlaLevel:
        """Warning from 75 % of the time on, breached from 100 % on (DSP-3)."""
        allowed = self.due_at(targets) - self.started_at
        passed = now - self.started_at
        if passed >= allowed:
            return SlaLevel.BREACHED
        return SlaLevel.WARNING if passed * 4 >= allowed * 3 else SlaLevel.ON_TIME


def raised(priority: DisputePriority) -> DisputePriority:
    """One step more urgent; urgent stays urgent."""
    return _RISING[min(_RISING.index(priority) + 1, len(_RISING) - 1)]


def decide_report(
    *, status: SessionStatus, ended_at: datetime | None, has_open: bool, policies: Snapshot, now: datetime
) -> Decision:
    """Whether a party may report a problem now; the window's last instant counts (DSP-1).

    :param ended_at: the end, planned or real; for a cancelled session the moment it was cancelled
    :param has_open: this reporter has an open dispute on the session
    """
    if status not in _REPORTABLE or ended_at is None:
        return _conflict("not_reportable", "There is nothing to report on this session yet.", status)
    if has_open:
        return _conflict("dispute_open", "You reported a problem with this session already; add to that.", status)
    closes = ended_at + timedelta(days=policies.dispute_window_days)
    numbers: dict[str, Value] = {"ended_at": ended_at, "closes_at": closes, "now": now}
    if now > closes:
        return Decision(
            allowed=False,
            rule="dispute_window",
            message=f"A problem can be reported for {policies.dispute_window_days} days. Write to support instead.",
            numbers=numbers,
            next_change=f"{in_words(now - closes)} earlier it would have been possible.",
            refusal=Refusal.POLICY,
        )
    return Decision(allowed=True, rule="dispute_window", message="You can report a problem.", numbers=numbers)


def _conflict(rule: str, message: str, status: SessionStatus) -> Decision:
    return Decision(
        allowed=False, rule=rule, message=message, numbers={"status": status}, refusal=Refusal.CONFLICT, code=rule
    )
