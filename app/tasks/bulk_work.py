"""Cancelling many sessions, a few at a time: each step puts the next one, so that no worker is held for long (SL-3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import UUID

from app.domain.context import Context
from app.foundation.outbox import Work
from app.support.bulk_cancel import put_step
from app.support.bulk_run import cancel_some, finish_bulk_cancel, give_up_bulk_cancel

STEP: Final = 25


def cancel_sessions(work: Work, ctx: Context) -> Callable[[], None]:
    """Do the next few, and put the next step or the end of it.

    :raises Busy: one of them is being worked on; it is tried again
    """
    bulk_id = UUID(work.payload["bulk_id"])
    if cancel_some(bulk_id, most=STEP, ctx=ctx):
        return lambda: put_step(bulk_id, work.payload["step"] + 1, ctx=ctx)
    return lambda: finish_bulk_cancel(bulk_id, ctx=ctx)


def failed(work: Work, error: str, is_final: bool, ctx: Context) -> None:  # noqa: ARG001, FBT001 - the shape of every such function
    """After the last try, report what is left as not done."""
    if is_final:
        give_up_bulk_cancel(UUID(work.payload["bulk_id"]), ctx=ctx)
