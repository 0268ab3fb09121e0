"""What stands beside a case's story: its changes of time (SD-1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from app.domain.rescheduling import OPEN_PROPOSALS
from app.domain.vocabulary import RescheduleStatus
from app.support.move_session import ACTION as MOVED
from app.support.timeline import Happening


@dataclass(frozen=True, slots=True)
class Move:
    """One attempt to change the time, or one change by staff.

    :param status: of the negotiation; None where staff moved it
    :param was: the time before; None where there was none yet
    :param became: the time that was agreed, or that was proposed last
    :param rounds: how often a time was proposed
    """

    who: str
    at: datetime
    status: RescheduleStatus | None
    was: datetime | None
    became: datetime | None
    rounds: int
    reason: str
    ended_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_PROPOSALS

    @property
    def is_agreed(self) -> bool:
        """Whether the session took place, or will, at the new time."""
        return self.status in {None, RescheduleStatus.ACCEPTED}


def moves_of(happened: Iterable[Happening]) -> list[Move]:
    """A session's changes of time, newest first as the story has them."""
    found = []
    for one in happened:
        if one.source == "reschedule_requests":
            found.append(_negotiated(one))
        elif one.facts.get("action") == MOVED:
            times = one.facts.get("details") or {}
            before, after = (_instant((times.get(name) or {}).get("time")) for name in ("before", "after"))
            who = one.actor_name or "Support"
            found.append(Move(who, one.at, None, before, after, 1, one.facts["reason"], one.at))
    return found


def _negotiated(one: Happening) -> Move:
    facts = one.facts
    return Move(
        one.actor_name or facts["initiated_by"].capitalize(),
        one.at,
        RescheduleStatus(facts["status"]),
        _instant(facts["original_time"]),
        _instant(facts["counter_proposed_time"] or facts["proposed_time"]),
        1 + facts["counter_proposal_count"],
        facts["reason"] or "",
        _instant(facts["resolved_at"]),
    )


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
