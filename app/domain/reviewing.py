"""Who may rate a session, and for how long (RV-1)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from app.domain.decision import Decision, Refusal, Value, in_words
from app.domain.policies import Snapshot
from app.domain.vocabulary import SessionStatus

RATINGS: Final = (1, 5)
COMMENT_MAX: Final = 2_000


def decide_review_window(
    *, status: SessionStatus, ended_at: datetime | None, policies: Snapshot, now: datetime
) -> Decision:
    """Whether a review can be written or changed now: completed, and within the window; its last instant counts."""
    if status is not SessionStatus.COMPLETED or ended_at is None:
        return Decision(
            allowed=False,
            rule="not_completed",
            message="A session can be reviewed once it is completed.",
            numbers={"status": status},
            refusal=Refusal.CONFLICT,
            code="not_completed",
        )
    closes = ended_at + timedelta(days=policies.review_window_days)
    numbers: dict[str, Value] = {"ended_at": ended_at, "closes_at": closes, "now": now}
    if now > closes:
        return Decision(
            allowed=False,
            rule="review_window",
            message=f"A session can be reviewed for {policies.review_window_days} days.",
            numbers=numbers,
            next_change=f"{in_words(now - closes)} earlier it would have been possible.",
            refusal=Refusal.POLICY,
        )
    return Decision(allowed=True, rule="review_window", message="You can review this session.", numbers=numbers)


def decide_review_texts(rating: int, comment: str) -> Decision:
    """Whether stars and comment can be used."""
    lowest, highest = RATINGS
    problems = {}
    if not lowest <= rating <= highest:
        problems["rating"] = f"Between {lowest} and {highest} stars."
    if len(comment) > COMMENT_MAX:
        problems["comment"] = f"At most {COMMENT_MAX:,} characters."
    if problems:
        message = "The review cannot be used like this."
        return Decision(allowed=False, rule="review", message=message, refusal=Refusal.INVALID, fields=problems)
    return Decision(allowed=True, rule="review", message="Thank you.")
