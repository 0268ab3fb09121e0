"""Doing the outbox's work inside a test, synchronously, with the points at which a worker may die."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, Protocol

from sqlalchemy import select

from app.domain.vocabulary import OutboxState
from app.extensions import db
from app.foundation.transaction import transaction
from app.http.clock import now
from app.models import OutboxRow
from app.tasks import runner

KillPoint = Literal["claim", "act"]


class RunOutbox(Protocol):
    def __call__(self, *, kill_after: KillPoint | None = None, kind: str | None = None) -> list[tuple[str, str]]: ...


class Killed(BaseException):
    """The process is gone; nothing in it may catch this."""


@contextmanager
def killed_after(point: KillPoint | None) -> Iterator[None]:
    """The worker dies right after ``point``: a ``BaseException`` stands in for the signal, and passes every handler."""
    if point is None:
        yield
        return
    name = {"claim": "_act", "act": "_record"}[point]
    original = getattr(runner, name)
    setattr(runner, name, _die)
    try:
        yield
    finally:
        setattr(runner, name, original)


def _die(*_: Any) -> None:
    raise Killed


def due(kind: str | None) -> list[Any]:
    chosen = (
        select(OutboxRow.id, OutboxRow.kind)
        .where(OutboxRow.state.in_([OutboxState.QUEUED, OutboxState.CLAIMED]), OutboxRow.available_at <= now())
        .order_by(OutboxRow.number)
    )
    with transaction():
        return list(db.session.execute(chosen.where(OutboxRow.kind == kind) if kind else chosen))


def drain(*, kill_after: KillPoint | None = None, kind: str | None = None) -> list[tuple[str, str]]:
    """Deliver row by row until nothing is due; gives ``(kind, outcome)`` of each."""
    done: list[tuple[str, str]] = []
    while rows := due(kind):
        for row in rows:
            try:
                with killed_after(kill_after):
                    done.append((row.kind, runner.deliver_row(row.id).value))
            except Killed:
                done.append((row.kind, "killed"))
                return done
    return done
