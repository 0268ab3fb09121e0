"""What the two parties of a demonstration session write to each other, and what the mentor sums up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.booking.chat import write_message
from app.booking.notes import add_own_note, send_summary
from app.domain.context import Actor, Context

_LINES: Final = (
    (True, timedelta(minutes=2), "Here is what I wrote down for today: https://example.com/my-questions"),
    (False, timedelta(minutes=3), "Thank you, that helps. Let us begin with the second one."),
    (True, timedelta(hours=2), "That was very helpful. I shall try it in Thursday's meeting."),
    (False, timedelta(hours=3), "Good luck. Tell me how it went."),
)
_SUMMARY: Final = "We looked at how work is handed over in the team, and at two conversations that are due."
_ITEMS: Final = ("Write down what only you can do", "Talk to the two of them before Friday")
_NOTE: Final = "Ask about the second conversation next time."

Plan = Callable[[datetime, Callable[[datetime], None]], None]
InNameOf = Callable[[Actor, datetime], Context]


def plan_talk(
    session_id: UUID, mentee: Actor, mentor: Actor, *, start: datetime, ends: datetime, plan: Plan, as_: InNameOf
) -> None:
    """Four lines around the session, a private note, and a summary the evening after."""

    def say(who: Actor, words: str) -> Callable[[datetime], None]:
        return lambda at: _ignore(write_message(session_id, body=words, ctx=as_(who, at)))

    for is_mentee, later, words in _LINES:
        plan((start if later < timedelta(hours=1) else ends) + later, say(mentee if is_mentee else mentor, words))
    plan(
        ends + timedelta(hours=9),
        lambda at: _ignore(send_summary(session_id, body=_SUMMARY, action_items=_ITEMS, ctx=as_(mentor, at))),
    )
    plan(ends + timedelta(hours=9), lambda at: _ignore(add_own_note(session_id, body=_NOTE, ctx=as_(mentor, at))))


def _ignore(result: object) -> None:
    """What a step gives back is of no use to the story."""
