"""Where a transaction begins and ends: the outermost ``with transaction():`` commits, all others join it.

Nobody else calls ``commit`` or ``rollback``. What the database refuses is turned into domain errors here, in one map
from constraint names, and what must happen last (the audit chain) or afterwards (ringing the relay) hangs on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from app.domain.errors import Busy, Conflict, DomainError, Invalid, SlotTaken
from app.extensions import DeskSession, db
from app.foundation.reading import give_back_reader, take_reader

_KEY = "transaction"
_READ = "reads-memo"
_log = structlog.get_logger(__name__)

# SQLSTATEs after which trying again is right: deadlock, serialization failure, lock not available.
_TRY_AGAIN = frozenset({"40P01", "40001", "55P03"})

_TAKEN = "This time has just been taken. Choose another one."
_CONSTRAINTS: dict[str, Callable[[], DomainError]] = {
    "calendar_entries_no_overlap": lambda: SlotTaken(_TAKEN),
    "uq_payments_one_open": lambda: Conflict(
        "A payment for this session is already under way. Finish it, or wait until it is given up.",
        code="payment_open",
    ),
    "uq_reschedule_requests_open": lambda: Conflict(
        "Another time is already being negotiated for this session.", code="proposal_open"
    ),
    "uq_session_disputes_one_open": lambda: Conflict(
        "You have already reported a problem with this session. Add to it instead.", code="dispute_open"
    ),
    "uq_session_reviews_session_id_author_id": lambda: Conflict(
        "You have already reviewed this session. You can edit your review.", code="already_reviewed"
    ),
    "uq_users_email": lambda: Invalid(
        "This e-mail address cannot be used.", fields={"email": "This e-mail address cannot be used."}
    ),
}


@dataclass(slots=True)
class _Open:
    """What belongs to one open transaction."""

    depth: int = 0
    broken: bool = False
    before_commit: list[Callable[[], object]] = field(default_factory=list)
    after_commit: list[Callable[[], object]] = field(default_factory=list)
    after_rollback: list[Callable[[], object]] = field(default_factory=list)
    memo: dict[str, Any] = field(default_factory=dict)


def _state(session: Session) -> _Open:
    state: _Open = session.info.setdefault(_KEY, _Open())
    return state


def in_transaction() -> bool:
    """Whether an action is under way: adapters must not be called now (OPS-1)."""
    return _state(db.session()).depth > 0


def memo() -> dict[str, Any]:
    """Answers that stay the same until the open transaction ends, or while a request only reads; else nobody's."""
    state = _state(db.session())
    if state.depth:
        return state.memo
    reading = reading_memo()
    return {} if reading is None else reading


def reading_memo() -> dict[str, Any] | None:
    """What a request that only reads has found out; None when it does not, or no longer does: an action has begun."""
    found: dict[str, Any] | None = db.session().info.get(_READ)
    return found


def read_alone() -> None:
    """Let each statement of this session stand by itself until an action opens a transaction (PERF-1).

    BEGIN and ROLLBACK around a page that only reads are two questions to the database for nothing: at READ COMMITTED
    each statement has a view of its own anyway.
    """
    session = this_session()
    session.info.setdefault(_READ, {})
    engine = session.get_bind()
    # A test's outer transaction is on a connection of its own, which must stay in it.
    if isinstance(engine, Engine) and not session.in_transaction():
        session.reader, session.give_back = take_reader(engine), give_back_reader


def this_session() -> DeskSession:
    """The session of this request or job."""
    session: Any = db.session()
    found: DeskSession = session
    return found


def _leave_reading() -> None:
    session = this_session()
    session.info.pop(_READ, None)
    if session.reader is not None:
        try:
            if session.reader.wait_for is not None:
                session.reader.wait_for()
            if session.in_transaction():
                session.commit()  # nothing is open to be committed: it lets go of the reader, and what was read stays
        finally:
            session.release_reader()


def before_commit(hook: Callable[[], object]) -> None:
    """Run ``hook`` at the end of the open transaction, still inside it."""
    _state(db.session()).before_commit.append(hook)


def after_commit(hook: Callable[[], object]) -> None:
    """Run ``hook`` once the open transaction is committed; its failure is logged and harms nothing."""
    _state(db.session()).after_commit.append(hook)


def after_rollback(hook: Callable[[], object]) -> None:
    """Run ``hook`` when the open transaction was undone: a refusal leaves its decision record and nothing else (WHY-1).

    It opens a transaction of its own; its failure is logged and hides nothing.
    """
    _state(db.session()).after_rollback.append(hook)


@contextmanager
def transaction() -> Iterator[Session]:
    """Open a transaction, or join the one that is open.

    :raises Conflict: (or a kin of it) when the database refused, by the constraint's name
    :raises Busy: when a lock could not be had in time
    """
    session = db.session()
    state = _state(session)
    if state.depth:
        yield from _join(session, state)
        return
    state.depth = 1
    _leave_reading()
    try:
        yield session
        _finish(session, state)
    except BaseException as error:
        session.rollback()
        session.info.pop(_KEY, None)
        _run(state.after_rollback, "after_rollback_failed")
        if isinstance(error, DBAPIError):
            raise _as_domain_error(error) from error
        raise
    session.info.pop(_KEY, None)
    _run(state.after_commit, "after_commit_failed")


def _run(hooks: list[Callable[[], object]], complaint: str) -> None:
    for hook in hooks:
        try:
            hook()
        except Exception:  # noqa: BLE001 - what was committed stands, whatever a hook does
            _log.exception(complaint)


def _join(session: Session, state: _Open) -> Iterator[Session]:
    state.depth += 1
    try:
        yield session
    except BaseException:
        # Whoever swallows an inner refusal would commit half of it: the outermost then refuses to.
        state.broken = True
        raise
    finally:
        state.depth -= 1


def _finish(session: Session, state: _Open) -> None:
    if state.broken:
        message = (
            "An action inside this transaction failed; it cannot be committed. Use savepoint() to go on after one."
        )
        raise RuntimeError(message)
    session.flush()
    while state.before_commit:
        hooks, state.before_commit = state.before_commit, []
        for hook in hooks:
            hook()
        session.flush()
    session.commit()


@contextmanager
def savepoint() -> Iterator[Session]:
    """Something inside an open transaction that may fail alone: what it did is undone, the rest stands.

    :raises Conflict: as ``transaction`` does
    """
    session = db.session()
    _leave_reading()
    state = _state(session)
    before, hooks, later = state.broken, list(state.before_commit), list(state.after_commit)
    try:
        with session.begin_nested():
            yield session
    except BaseException as error:
        state.broken, state.before_commit, state.after_commit = before, hooks, later
        if isinstance(error, DBAPIError):
            raise _as_domain_error(error) from error
        raise


def _as_domain_error(error: DBAPIError) -> BaseException:
    origin = error.orig
    if getattr(origin, "sqlstate", None) in _TRY_AGAIN:
        return Busy("Somebody else is working on this right now. Try again in a moment.")
    if isinstance(error, IntegrityError):
        name = getattr(getattr(origin, "diag", None), "constraint_name", None)
        if name in _CONSTRAINTS:
            return _CONSTRAINTS[name]()
    return error
