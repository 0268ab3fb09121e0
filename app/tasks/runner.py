"""Delivering one outbox row: claim, commit, act, record (OPS-1, OPS-3).

No transaction is open while the outside world is spoken to. A process may be killed between any two lines: the claim
then ends by itself, and the next worker does it again with the same key.
"""

from __future__ import annotations

import random
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

import structlog

from app.domain.context import SYSTEM, Context
from app.domain.errors import Busy, ProviderFailed
from app.domain.vocabulary import OutboxState
from app.foundation import outbox
from app.foundation.outbox import ClaimLost, Work
from app.foundation.transaction import transaction
from app.http.clock import now
from app.tasks.handlers import HANDLERS, HandlerSpec, Record

_log = structlog.get_logger(__name__)

# Work of a kind that this version does not know waits for the process that was deployed a minute later.
_UNKNOWN_KIND_WAITS = timedelta(minutes=1)
_RECORD_TRIES = 3
_LONGEST_ERROR = 1_000


class Outcome(StrEnum):
    """What became of a row."""

    DONE = "done"
    NOT_MINE = "not_mine"  # done already, not due, or another worker's
    LATER = "later"
    DEAD = "dead"
    TOO_LATE = "too_late"


def deliver_row(row_id: UUID) -> Outcome:
    """Do the work of one row, if it is due and nobody else's.

    Never raises for what the outside world or a handler does wrong; what the database refuses passes through, and the
    row is taken up again when its claim has ended.
    """
    with transaction():
        work = outbox.claim(row_id, now=now())
    if work is None:
        return Outcome.NOT_MINE
    named = {"request_id": work.request_id, "outbox_kind": work.kind, "outbox_key": work.key}
    with structlog.contextvars.bound_contextvars(**named):
        try:
            outcome = _carry_out(work)
        except ClaimLost:
            # Slower than the lease: whoever took it over does it again with the same key, and records it.
            outcome = Outcome.NOT_MINE
            _log.warning("claim_lost", attempts=work.attempts)
        else:
            _log.info("outbox", outcome=outcome.value, attempts=work.attempts)
    return outcome


def _carry_out(work: Work) -> Outcome:
    spec = HANDLERS.get(work.kind)
    if spec is None:
        _log.error("unknown_outbox_kind")
        with transaction():
            outbox.postpone(work, until=now() + _UNKNOWN_KIND_WAITS, error="No handler knows this kind of work.")
        return Outcome.LATER
    if work.not_after is not None and now() > work.not_after:
        return _close(work, spec, OutboxState.WITHDRAWN, "It came too late to be of use.")
    if work.attempts > 1 and _is_overdue(work, spec):
        # The tries before ended in no answer at all: a worker that dies of this row must not do so for ever.
        return _close(work, spec, OutboxState.DEAD, "Given up past its deadline: the last try ended without an answer.")
    try:
        record = _act(work, spec)
        _record(work, record)
    except ProviderFailed as error:
        return _failed(work, spec, error.message, is_final=not error.retryable)
    except ClaimLost:
        raise
    except Exception as error:  # noqa: BLE001 - logged, and tried again: whatever it was, the work is not done
        _log.exception("handler_failed", attempts=work.attempts)
        return _failed(work, spec, f"{type(error).__name__}: {error}", is_final=False)
    return Outcome.DONE


def _act(work: Work, spec: HandlerSpec) -> Record | None:
    return spec.handle(work, _context(work))


def _record(work: Work, record: Record | None) -> None:
    for left in reversed(range(_RECORD_TRIES)):
        try:
            with transaction():
                # Before settling: an action that withdraws rows also locks its session first.
                if record is not None:
                    record()
                outbox.settle(work, now=now())
        except Busy:
            # The act has happened; telling it once more is cheaper than doing it once more.
            if not left:
                raise
        else:
            return


def _failed(work: Work, spec: HandlerSpec, error: str, *, is_final: bool) -> Outcome:
    if is_final or _is_overdue(work, spec):
        return _close(work, spec, OutboxState.DEAD, error)
    # Less than the full pause, never more, so that a promise about pauses holds.
    pause = spec.pause(work.attempts) * random.uniform(0.75, 1.0)  # noqa: S311 - spreads the load, guards nothing
    with transaction():
        if spec.failed is not None:
            spec.failed(work, error[:_LONGEST_ERROR], False, _context(work))
        outbox.postpone(work, until=now() + pause, error=error[:_LONGEST_ERROR])
    return Outcome.LATER


def _close(work: Work, spec: HandlerSpec, state: OutboxState, why: str) -> Outcome:
    with transaction():
        if spec.failed is not None:
            spec.failed(work, why[:_LONGEST_ERROR], True, _context(work))
        outbox.settle(work, now=now(), state=state, note=why[:_LONGEST_ERROR])
    if state is OutboxState.DEAD:
        _log.error("outbox_dead", attempts=work.attempts, error=why[:_LONGEST_ERROR])
        return Outcome.DEAD
    return Outcome.TOO_LATE


def _is_overdue(work: Work, spec: HandlerSpec) -> bool:
    return now() >= work.created_at + spec.deadline


def _context(work: Work) -> Context:
    return Context(actor=SYSTEM, now=now(), request_id=work.request_id or f"outbox-{work.id}")
