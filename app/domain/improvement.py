"""Whether other policies are better for both sides of a session, so that they may replace what was promised (POL-5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from app.domain.policies import PINNED, Snapshot

_Better = Callable[[Any, Any], bool]


def _lower(before: Any, after: Any) -> bool:
    return bool(after < before)


def _higher(before: Any, after: Any) -> bool:
    return bool(after > before)


# What takes nothing from anybody: another time needs the other side's yes, so who may ask more often or later gains
# and nobody loses. Refunds move money from one side to the other, the grace is one's patience against the other's
# train, and a share is booked with the payment: those are never in here.
_BETTER: Final[Mapping[str, _Better]] = {
    "require_cancellation_reason": _lower,
    "reschedule_cutoff_hours": _lower,
    "mentor_reschedule_cutoff_hours": _lower,
    "max_reschedules_per_session": _higher,
    "mentor_max_reschedules_per_session": _higher,
    "max_counter_proposals": _higher,
}


def is_better_for_both(promised: Snapshot, offered: Snapshot) -> bool:
    """Whether ``offered`` is worse for neither side in anything that a session keeps, and better in something."""
    differing = [key for key in PINNED if promised[key] != offered[key]]
    return bool(differing) and all(key in _BETTER and _BETTER[key](promised[key], offered[key]) for key in differing)
