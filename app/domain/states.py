"""The session state machine (SM-1) as one table, and the question whether a move is in it.

Undo by staff is the one move that is not in the table: it goes back to what the audit row of the undone act says, and
``booking.engine`` checks it there.
"""

from __future__ import annotations

from app.domain.errors import InvalidTransition
from app.domain.vocabulary import ActorKind, SessionStatus

_MENTEE = ActorKind.MENTEE
_MENTOR = ActorKind.MENTOR
_CLOCK = ActorKind.CLOCK
_PAYMENT = ActorKind.PAYMENT
# Support and admin are both "admin" in the specification's table; who of them may do what is a permission (ADM-2).
_STAFF = frozenset({ActorKind.SUPPORT, ActorKind.ADMIN})

DRAFT = SessionStatus.DRAFT
REVIEW = SessionStatus.PENDING_MENTOR_REVIEW
SCHEDULED = SessionStatus.SCHEDULED
IN_PROGRESS = SessionStatus.IN_PROGRESS
COMPLETED = SessionStatus.COMPLETED
CANCELLED = SessionStatus.CANCELLED
REJECTED = SessionStatus.REJECTED
EXPIRED = SessionStatus.EXPIRED
NO_SHOW = SessionStatus.NO_SHOW

TRANSITIONS: dict[tuple[SessionStatus | None, SessionStatus], frozenset[ActorKind]] = {
    (None, DRAFT): frozenset({_MENTEE}),  # instant booking that must be paid; slot held
    (None, SCHEDULED): frozenset({_MENTEE, *_STAFF}),  # free, or paid by credit; staff: a follow-up at no cost (DSP-4)
    (None, REVIEW): frozenset({_MENTEE}),  # request booking
    (DRAFT, SCHEDULED): frozenset({_PAYMENT}),  # verified with the gateway
    (DRAFT, EXPIRED): frozenset({_CLOCK}),  # hold ran out unpaid
    (EXPIRED, SCHEDULED): frozenset({_PAYMENT}),  # BK-7: late payment, slot still free
    (CANCELLED, SCHEDULED): frozenset({_PAYMENT}),  # BK-7: only when the clock had cancelled it for non-payment
    (DRAFT, CANCELLED): frozenset({_MENTEE, *_STAFF}),
    (REVIEW, CANCELLED): frozenset({_MENTEE, *_STAFF}),
    # Approved; a free one without a time once the mentee agrees to the mentor's (BK-5).
    (REVIEW, SCHEDULED): frozenset({_MENTOR, _MENTEE}),
    (REVIEW, REJECTED): frozenset({_MENTOR, _CLOCK}),
    (SCHEDULED, IN_PROGRESS): frozenset({_CLOCK}),
    (SCHEDULED, CANCELLED): frozenset({_MENTEE, _MENTOR, _CLOCK, *_STAFF}),
    (SCHEDULED, NO_SHOW): frozenset({_MENTEE, _MENTOR, *_STAFF}),
    (IN_PROGRESS, NO_SHOW): frozenset({_MENTEE, _MENTOR, *_STAFF}),
    (COMPLETED, NO_SHOW): _STAFF,  # within the dispute window
    (SCHEDULED, COMPLETED): frozenset({_CLOCK, _MENTOR, *_STAFF}),
    (IN_PROGRESS, COMPLETED): frozenset({_CLOCK, _MENTOR, *_STAFF}),
    (IN_PROGRESS, CANCELLED): _STAFF,
    (NO_SHOW, COMPLETED): _STAFF,  # clear no-show
    (NO_SHOW, CANCELLED): _STAFF,
}


def can_move(source: SessionStatus | None, target: SessionStatus, by: ActorKind) -> bool:
    """Whether the table lets ``by`` move a session from ``source`` (None: it is being made) to ``target``."""
    return by in TRANSITIONS.get((source, target), frozenset())


def require_move(source: SessionStatus | None, target: SessionStatus, by: ActorKind) -> None:
    """Raise unless the table has this move.

    :raises InvalidTransition: naming both states (SM-1)
    """
    if not can_move(source, target, by):
        before = source.value if source else "new"
        raise InvalidTransition(
            f"This session is {before.replace('_', ' ')} and cannot become {target.value.replace('_', ' ')} now. "
            "Reload the page to see where it stands.",
            details={"from": before, "to": target.value, "by": by.value},
        )
