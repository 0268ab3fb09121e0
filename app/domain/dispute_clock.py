"""The clock that runs on an open dispute: two deadlines, a warning, and what a broken promise leads to (DSP-3).

The deadlines are instants, fixed when the dispute is opened or its priority changes: a promise stands as it was given,
and other targets hold for what comes after. While the reporter is asked, time stands still: when the answer comes, the
deadlines that had not passed move by as long as it took.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from app.domain.policies import DEFAULTS, Snapshot
from app.domain.vocabulary import DisputePriority


class SlaLevel(StrEnum):
    ON_TIME = "on_time"
    WARNING = "warning"
    BREACHED = "breached"


@dataclass(frozen=True, slots=True)
class SlaTarget:
    """How long the first answer and the resolution may take; elapsed time."""

    first_answer: timedelta
    resolution: timedelta


Targets = Mapping[DisputePriority, SlaTarget]
_RISING: Final = (DisputePriority.LOW, DisputePriority.MEDIUM, DisputePriority.HIGH, DisputePriority.URGENT)


def targets_of(policies: Snapshot) -> Targets:
    """What is promised per priority."""
    return {
        priority: SlaTarget(timedelta(hours=answer), timedelta(hours=resolution))
        for priority, answer, resolution in (
            (DisputePriority.URGENT, policies.dispute_urgent_answer_hours, policies.dispute_urgent_resolution_hours),
            (DisputePriority.HIGH, policies.dispute_high_answer_hours, policies.dispute_high_resolution_hours),
            (DisputePriority.MEDIUM, policies.dispute_medium_answer_hours, policies.dispute_medium_resolution_hours),
            (DisputePriority.LOW, policies.dispute_low_answer_hours, policies.dispute_low_resolution_hours),
        )
    }


DEFAULT_TARGETS: Final = targets_of(DEFAULTS)


@dataclass(frozen=True, slots=True)
class Deadlines:
    answer: datetime
    resolution: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeClock:
    """One dispute's clock.

    :param answered_at: when somebody first wrote to the reporter, if anybody did
    :param waiting_since: since when the reporter is asked, and time stands still
    :param waited: how long it stood still before
    :param warned_at: when the present deadline was warned of
    :param breached_at: when a deadline was last told to be missed
    """

    priority: DisputePriority
    opened_at: datetime
    deadlines: Deadlines
    answered_at: datetime | None = None
    waiting_since: datetime | None = None
    waited: timedelta = timedelta()
    warned_at: datetime | None = None
    breached_at: datetime | None = None

    @property
    def due_at(self) -> datetime:
        """The next deadline: the first answer's until there is one, then the resolution's."""
        return self.deadlines.resolution if self.answered_at else self.deadlines.answer

    def level(self, now: datetime, targets: Targets = DEFAULT_TARGETS) -> SlaLevel:
        """Warning from 75 % of the time on, breached from 100 % on (DSP-3)."""
        left = self.left(now)
        if left <= timedelta():
            return SlaLevel.BREACHED
        return SlaLevel.WARNING if left * 4 <= self._allowed(targets) else SlaLevel.ON_TIME

    def left(self, now: datetime) -> timedelta:
        """What is left until the next deadline; negative once it has passed."""
        return self.due_at - (self.waiting_since or now)

    def share_used(self, now: datetime, targets: Targets = DEFAULT_TARGETS) -> int:
        """How much of the time is used, in whole percent from 0 to 100."""
        allowed = self._allowed(targets)
        used = allowed - self.left(now)
        return min(100, max(0, int(used * 100 / allowed)))

    def _allowed(self, targets: Targets) -> timedelta:
        target = targets[self.priority]
        return target.resolution if self.answered_at else target.first_answer


def raised(priority: DisputePriority) -> DisputePriority:
    """One step more urgent; urgent stays urgent."""
    return _RISING[min(_RISING.index(priority) + 1, len(_RISING) - 1)]


def is_more_urgent(one: DisputePriority, other: DisputePriority) -> bool:
    """Whether ``one`` comes before ``other``."""
    return _RISING.index(one) > _RISING.index(other)


def first_deadlines(priority: DisputePriority, now: datetime, targets: Targets = DEFAULT_TARGETS) -> Deadlines:
    """What is promised to whoever reports a problem now."""
    target = targets[priority]
    return Deadlines(now + target.first_answer, now + target.resolution)


def deadlines_after_change(
    clock: DisputeClock, to: DisputePriority, now: datetime, targets: Targets = DEFAULT_TARGETS
) -> Deadlines:
    """The deadlines once a person changes the priority.

    More urgent: the new time runs from now, but never ends later than what was promised before. Less urgent: as if it
    had been opened so, but never earlier than before.
    """
    target = targets[to]
    before = clock.deadlines
    if is_more_urgent(to, clock.priority):
        return Deadlines(
            _sooner(before.answer, now + target.first_answer, now),
            _sooner(before.resolution, now + target.resolution, now),
        )
    begun = clock.opened_at + clock.waited
    return Deadlines(max(before.answer, begun + target.first_answer), max(before.resolution, begun + target.resolution))


def _sooner(before: datetime, fresh: datetime, now: datetime) -> datetime:
    # A promise that is broken already cannot be kept by any time: then the new priority's own counts.
    return min(before, fresh) if before > now else fresh


def deadlines_after_waiting(clock: DisputeClock, now: datetime) -> Deadlines:
    """The deadlines once the reporter has answered: what had not passed moves by as long as it took."""
    since = clock.waiting_since or now
    stood = now - since
    answer, resolution = (
        due if due <= since else due + stood for due in (clock.deadlines.answer, clock.deadlines.resolution)
    )
    return Deadlines(answer, resolution)


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """What the clock does to a dispute now.

    :param level: ``warning``: whoever has it is told; ``breached``: the priority rises and the lead is told
    :param deadlines: those that hold from now on
    """

    level: SlaLevel
    priority: DisputePriority
    deadlines: Deadlines


def decide_escalation(clock: DisputeClock, now: datetime, targets: Targets = DEFAULT_TARGETS) -> Escalation | None:
    """What is due now; None while the reporter is asked, and when nothing is, or it was told already (DSP-3).

    A priority that rises has its own time from now on, or a dispute that was late once would climb to the top within
    minutes. Urgent stays urgent: its deadline stays missed, and is told once.
    """
    if clock.waiting_since is not None:
        return None
    level = clock.level(now, targets)
    if level is SlaLevel.BREACHED and (clock.breached_at is None or clock.breached_at < clock.due_at):
        higher = raised(clock.priority)
        if higher is clock.priority:
            return Escalation(level=level, priority=higher, deadlines=clock.deadlines)
        return Escalation(level=level, priority=higher, deadlines=first_deadlines(higher, now, targets))
    if level is SlaLevel.WARNING and clock.warned_at is None:
        return Escalation(level=level, priority=clock.priority, deadlines=clock.deadlines)
    return None
