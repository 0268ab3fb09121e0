"""What may be forgotten (OPS-4): guards against repeats of long ago, and what was typed and never confirmed.

History itself is never deleted.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, Delete, delete, select, tuple_

from app.domain.context import Context
from app.domain.vocabulary import BulkState, OutboxState
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import BulkCancel, BulkCancelItem, IdempotencyKey, OutboxRow, Registration

_BATCH = 1_000
# Mails and news of meetings are told apart by their own records for ever; the row that carried one is of no use after
# a month. Rows of other kinds stay: their keys keep a refund from being made twice.
_CARRIED = timedelta(days=30)
_REPEATS = timedelta(days=7)
# Lists of many sessions that were looked at and never confirmed: thousands of rows each, and no history.
_UNCONFIRMED = timedelta(days=7)
_LISTS = 20


def forget_old(*, ctx: Context) -> dict[str, int]:
    """This function will delete what no longer guards anything, in batches of a transaction each; gives how many."""
    carried = select(OutboxRow.id).where(
        OutboxRow.kind.in_(["mail.send", "meeting.news", "sms.code", "sms.reminder"]),
        OutboxRow.state.in_([OutboxState.DONE, OutboxState.WITHDRAWN]),
        OutboxRow.created_at < ctx.now - _CARRIED,
    )
    key = (IdempotencyKey.user_id, IdempotencyKey.key, IdempotencyKey.scope)
    repeats = select(*key).where(IdempotencyKey.created_at < ctx.now - _REPEATS)
    # Names and password hashes of people who never came: the link has ended, so they are of no use to anybody.
    typed = select(Registration.id).where(Registration.expires_at < ctx.now)
    return {
        "bulk_previews": _forget_previews(ctx),
        "registrations": _in_batches(lambda: delete(Registration).where(Registration.id.in_(typed.limit(_BATCH)))),
        "outbox": _in_batches(lambda: delete(OutboxRow).where(OutboxRow.id.in_(carried.limit(_BATCH)))),
        "idempotency_keys": _in_batches(lambda: delete(IdempotencyKey).where(tuple_(*key).in_(repeats.limit(_BATCH)))),
    }


def _in_batches(statement: Callable[[], Delete]) -> int:
    total = 0
    while True:
        with transaction():
            done = db.session.execute(statement().execution_options(synchronize_session=False))
            removed = cast("CursorResult[Any]", done).rowcount
        total += removed
        if removed < _BATCH:
            return total


def _forget_previews(ctx: Context) -> int:
    """A few lists at a time, locked: who confirms one meanwhile keeps it."""
    old = select(BulkCancel.id).where(
        BulkCancel.state == BulkState.PREVIEW, BulkCancel.previewed_at < ctx.now - _UNCONFIRMED
    )
    total = 0
    while True:
        with transaction():
            ids = db.session.scalars(old.limit(_LISTS).with_for_update(skip_locked=True)).all()
            db.session.execute(delete(BulkCancelItem).where(BulkCancelItem.bulk_id.in_(ids)))
            db.session.execute(delete(BulkCancel).where(BulkCancel.id.in_(ids)))
        total += len(ids)
        if len(ids) < _LISTS:
            return total
