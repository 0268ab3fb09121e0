"""When the meeting link is released, and what the join button says (JN-2, JN-3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.domain.decision import Decision, Refusal, in_words
from app.domain.policies import Snapshot
from app.domain.reassignment import OPEN_REASSIGNMENTS
from app.domain.times import Interval
from app.domain.vocabulary import ReassignmentStatus, SessionStatus


class JoinState(StrEnum):
    """What the button shows: a countdown, *Join Meeting Now*, *live*, *Completed*, or nothing."""

    COMPLETED = "completed"
    COUNTDOWN = "countdown"
    HIDDEN = "hidden"
    LIVE = "live"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinFacts:
    """:param is_settled: paid in full, or free"""

    status: SessionStatus
    start: datetime | None
    duration_minutes: int
    is_settled: bool
    policies: Snapshot
    reassignment: ReassignmentStatus | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinDecision(Decision):
    """:param window: when the link is released, half-open; None for a session that nobody can join"""

    state: JoinState
    window: Interval | None = None


def join_window(start: datetime, duration_minutes: int, policies: Snapshot) -> Interval:
    """The time in which the two parties may have the link: the opening instant belongs to it, the closing does not."""
    return Interval.lasting(start, duration_minutes).widened(
        before=timedelta(minutes=policies.join_opens_minutes_before),
        after=timedelta(minutes=policies.join_closes_minutes_after_end),
    )


def decide_join(facts: JoinFacts, now: datetime) -> JoinDecision:
    """Whether a party may have the link now. Outside the window: ``too_early`` or ``link_expired`` (JN-2)."""
    if facts.status is SessionStatus.COMPLETED:
        return _refused("link_expired", "The session is completed, and its link is gone.", JoinState.COMPLETED)
    if facts.start is None or facts.status not in {SessionStatus.SCHEDULED, SessionStatus.IN_PROGRESS}:
        return _refused("not_confirmed", "This session is not confirmed, so there is nothing to join.")
    if not facts.is_settled:
        return _refused("payment_due", "The link is made once the session is paid.")
    if facts.reassignment in OPEN_REASSIGNMENTS:
        return _refused("reassignment_open", "The mentor of this session changes. Answer that first.")
    window = join_window(facts.start, facts.duration_minutes, facts.policies)
    if now < window.start:
        wait = in_words(window.start - now)
        return _refused("too_early", f"The link opens in {wait}.", JoinState.COUNTDOWN, window)
    if now >= window.end:
        return _refused("link_expired", "The session is over, and its link is gone.", JoinState.COMPLETED, window)
    live = facts.start <= now < facts.start + timedelta(minutes=facts.duration_minutes)
    return JoinDecision(
        allowed=True,
        rule="join_window",
        message="The meeting is open.",
        numbers={"opens_at": window.start, "closes_at": window.end},
        state=JoinState.LIVE if live else JoinState.OPEN,
        window=window,
    )


def countdown(start: datetime, now: datetime) -> str:
    """``"Session starts in 2h 5m"``, rounded up to the minute so that it never says 0m too early (JN-3)."""
    minutes = max(0, -((now - start) // timedelta(minutes=1)))
    return f"Session starts in {minutes // 60}h {minutes % 60}m"


_OUTSIDE_THE_WINDOW = frozenset({"too_early", "link_expired"})


def _refused(
    rule: str, message: str, state: JoinState = JoinState.HIDDEN, window: Interval | None = None
) -> JoinDecision:
    return JoinDecision(
        allowed=False,
        rule=rule,
        message=message,
        numbers={"opens_at": window.start, "closes_at": window.end} if window else {},
        next_change=f"The link is released {_when(window)}." if window else None,
        refusal=Refusal.FORBIDDEN if rule in _OUTSIDE_THE_WINDOW else Refusal.CONFLICT,
        code=rule,
        state=state,
        window=window,
    )


def _when(window: Interval) -> str:
    return f"from {window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M} UTC"
