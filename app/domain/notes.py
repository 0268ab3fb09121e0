"""What a party may note of a session, and when a mentor may sum it up (RV-2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from app.domain.decision import Decision, Refusal
from app.domain.vocabulary import SessionStatus

NOTE_MAX: Final = 5_000
ITEMS_MAX: Final = 10
ITEM_MAX: Final = 300


def decide_note(body: str, action_items: Sequence[str] = ()) -> Decision:
    """Whether the texts can be kept."""
    problems = {}
    if not 1 <= len(body) <= NOTE_MAX:
        problems["body"] = f"Write 1 to {NOTE_MAX:,} characters."
    if len(action_items) > ITEMS_MAX or any(not 1 <= len(item) <= ITEM_MAX for item in action_items):
        problems["action_items"] = f"At most {ITEMS_MAX} items of up to {ITEM_MAX} characters, one a line."
    if problems:
        message = "This cannot be kept like this."
        return Decision(allowed=False, rule="note", message=message, refusal=Refusal.INVALID, fields=problems)
    return Decision(allowed=True, rule="note", message="It can be kept.")


def decide_summary(*, status: SessionStatus, ends_at: datetime | None, now: datetime) -> Decision:
    """Whether the mentor can send a summary: once the session is over."""
    is_over = status is SessionStatus.COMPLETED or (
        status is SessionStatus.IN_PROGRESS and ends_at is not None and now >= ends_at
    )
    if is_over:
        return Decision(allowed=True, rule="summary_after_end", message="You can sum it up for your mentee.")
    return Decision(
        allowed=False,
        rule="summary_after_end",
        message="A summary is sent once the session is over.",
        numbers={"status": status, "ends_at": ends_at, "now": now},
        refusal=Refusal.CONFLICT,
        code="not_over",
    )
