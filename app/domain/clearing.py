"""Taking a no-show back: to which status, and with what refund (ACT-5)."""

from __future__ import annotations

from typing import Final

from app.domain.decision import Decision, Refusal
from app.domain.states import can_move
from app.domain.vocabulary import ActorKind, SessionStatus

RESTORABLE: Final = (SessionStatus.COMPLETED, SessionStatus.CANCELLED)


def decide_clear_no_show(
    status: SessionStatus, by: ActorKind, restore: SessionStatus = SessionStatus.COMPLETED
) -> Decision:
    """Whether staff may clear a no-show, and restore this status: ``completed`` or ``cancelled``."""
    numbers = {"status": status, "restore_status": restore}
    if restore not in RESTORABLE:
        message = "A no-show is cleared to completed or to cancelled."
        return Decision(
            allowed=False,
            rule="restore_status",
            message=message,
            numbers=numbers,
            refusal=Refusal.INVALID,
            fields={"restoreStatus": message},
        )
    if status is not SessionStatus.NO_SHOW or not can_move(status, restore, by):
        words = status.value.replace("_", " ")
        return Decision(
            allowed=False,
            rule="clear_no_show",
            message=f"The session is {words}. Only a no-show can be cleared.",
            numbers=numbers,
            refusal=Refusal.TRANSITION,
        )
    came = "took place" if restore is SessionStatus.COMPLETED else "is cancelled"
    return Decision(
        allowed=True,
        rule=f"cleared_to_{restore.value}",
        message=f"The no-show was a mistake: the session {came}.",
        numbers=numbers,
        consequences={"restore_status": restore},
    )
