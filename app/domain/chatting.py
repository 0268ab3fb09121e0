"""When the two parties of a session may write to each other (CH-1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.domain.decision import Decision, Refusal, Value, in_words
from app.domain.vocabulary import SessionStatus

MESSAGE_MAX: Final = 2_000
OPEN_AFTER_END: Final = timedelta(days=7)

S = SessionStatus
_ACCEPTED: Final = frozenset({S.SCHEDULED, S.IN_PROGRESS, S.COMPLETED, S.NO_SHOW})


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatFacts:
    """What the conversation of a session hangs on.

    :param was_accepted: for a cancelled session, whether it was scheduled before
    :param over_at: when it ended or was cancelled; by the plan, while it has not; None without a time
    """

    status: SessionStatus
    was_accepted: bool
    over_at: datetime | None


def decide_chat(facts: ChatFacts, now: datetime) -> Decision:
    """Whether a message can be written now: from acceptance or payment to seven days after the end.

    The last instant counts.
    """
    numbers: dict[str, Value] = {"status": facts.status, "over_at": facts.over_at, "now": now}
    if not (facts.status in _ACCEPTED or (facts.status is S.CANCELLED and facts.was_accepted)):
        return Decision(
            allowed=False,
            rule="chat_not_open",
            message="You can write to each other once the session is confirmed.",
            numbers=numbers,
            refusal=Refusal.CONFLICT,
            code="chat_not_open",
        )
    closes = facts.over_at + OPEN_AFTER_END if facts.over_at else None
    numbers["closes_at"] = closes
    if closes is not None and now > closes:
        return Decision(
            allowed=False,
            rule="chat_closed",
            message="This conversation ended seven days after the session. You can still read it.",
            numbers=numbers,
            next_change=f"{in_words(now - closes)} earlier it would have been possible.",
            refusal=Refusal.CONFLICT,
            code="chat_closed",
        )
    return Decision(allowed=True, rule="chat_open", message="You can write to each other.", numbers=numbers)


def decide_message(body: str) -> Decision:
    """Whether a text can be sent."""
    if 1 <= len(body) <= MESSAGE_MAX:
        return Decision(allowed=True, rule="message", message="It can be sent.")
    message = f"A message has 1 to {MESSAGE_MAX:,} characters."
    return Decision(allowed=False, rule="message", message=message, refusal=Refusal.INVALID, fields={"body": message})
