"""Carrying out what was confirmed for many sessions: one transaction, one audit row and one note for each (SL-3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import select, update

from app.domain.context import Actor, Context
from app.domain.errors import Busy, Conflict, DomainError, Forbidden
from app.domain.permissions import Permission, require
from app.domain.vocabulary import BulkItemState, BulkState
from app.extensions import db
from app.foundation.idempotency import once
from app.foundation.transaction import savepoint, transaction
from app.models import BulkCancel, BulkCancelItem, User
from app.support.bulk_cancel import lock_bulk
from app.support.force_cancel import ACTION, ForceCancelled, force_cancel

MOST_AT_ONCE: Final = 100
_CHANGED: Final = "It changed since the preview, so it was left as it is: "
_BROKEN: Final = "Something went wrong on our side, and nothing was done. Try it on the case itself."
_NOT_ANY_MORE: Final = "The person who confirmed this may not act any more."
_log = structlog.get_logger(__name__)
_Item = BulkCancelItem


@dataclass(frozen=True, slots=True)
class _Order:
    """What was confirmed, and in whose name."""

    bulk_id: UUID
    reason: str
    refund_percentage: int
    notify_parties: bool
    may_still: bool
    ctx: Context


def cancel_some(bulk_id: UUID, *, most: int, ctx: Context) -> bool:
    """This function will cancel the next few sessions in the name of whoever confirmed; gives whether any are left.

    :param ctx: the worker's, whose moment counts
    :raises Busy: somebody else is working on one of them; those before it are done
    """
    with transaction():
        bulk = db.session.get(BulkCancel, bulk_id, populate_existing=True)
        if bulk is None or bulk.state is not BulkState.RUNNING:
            return False
        order = _order_of(bulk, ctx)
        ids = db.session.scalars(_pending(bulk_id).limit(most + 1)).all()
    for session_id in ids[:most]:
        _cancel_one(order, session_id)
    return len(ids) > most


def finish_bulk_cancel(bulk_id: UUID, *, ctx: Context) -> None:
    """This function will note that nothing is left to do; again it changes nothing."""
    with transaction():
        bulk = lock_bulk(bulk_id)
        if bulk.state is BulkState.RUNNING:
            bulk.state, bulk.finished_at = BulkState.DONE, ctx.now


def give_up_bulk_cancel(bulk_id: UUID, *, ctx: Context) -> None:
    """This function will report what is left as failed, once no more tries are made."""
    with transaction():
        left = update(_Item).where(_Item.bulk_id == bulk_id, _Item.state == BulkItemState.PENDING)
        db.session.execute(left.values(state=BulkItemState.FAILED, outcome=_BROKEN, decided_at=ctx.now))
        finish_bulk_cancel(bulk_id, ctx=ctx)


def _order_of(bulk: BulkCancel, ctx: Context) -> _Order:
    person = db.session.get_one(User, bulk.created_by, populate_existing=True)
    return _Order(
        bulk.id,
        bulk.reason or "",
        bulk.refund_percentage,
        bulk.notify_parties,
        person.is_active and person.suspended_at is None,
        replace(
            ctx,
            actor=Actor.user(person.id, person.role, person.name),
            request_id=bulk.request_id,
            ip_address=bulk.ip_address,
            user_agent=bulk.user_agent,
        ),
    )


def _pending(bulk_id: UUID) -> Any:
    waiting = select(_Item.session_id).where(_Item.bulk_id == bulk_id, _Item.state == BulkItemState.PENDING)
    return waiting.order_by(_Item.position)


def _cancel_one(order: _Order, session_id: UUID) -> None:
    try:
        with transaction():
            _act_and_note(order, session_id)
    except Busy:
        raise
    except Exception:  # noqa: BLE001 - logged and told in the report; the others have nothing to do with it
        _log.exception("bulk_cancel_failed", session_id=str(session_id))
        with transaction():
            item = _lock_pending(order.bulk_id, session_id)
            if item is not None:
                _note(item, BulkItemState.FAILED, _BROKEN, order.ctx)


def _act_and_note(order: _Order, session_id: UUID) -> None:
    # Two workers on the same session: the second waits here, and then finds it decided.
    item = _lock_pending(order.bulk_id, session_id)
    if item is None:
        return
    state = db.session.scalar(select(BulkCancel.state).where(BulkCancel.id == order.bulk_id))
    if state is not BulkState.RUNNING:
        return
    try:
        with savepoint():
            if not order.may_still:
                raise Forbidden(_NOT_ANY_MORE)
            done = force_cancel(
                session_id,
                reason=order.reason,
                refund_percentage=order.refund_percentage,
                notify_parties=order.notify_parties,
                fingerprint=item.fingerprint,
                ctx=order.ctx,
                bulk_id=order.bulk_id,
            )
    except Busy:
        raise
    except Conflict as changed:
        _note(item, BulkItemState.CHANGED, _CHANGED + changed.message, order.ctx)
    except DomainError as refused:
        _note(item, BulkItemState.REFUSED, refused.message, order.ctx)
    else:
        item.refund_minor, item.awaits_approval = done.refund.minor, done.awaits_approval
        _note(item, BulkItemState.DONE, done.sentence, order.ctx)


def _lock_pending(bulk_id: UUID, session_id: UUID) -> BulkCancelItem | None:
    found = select(_Item).where(_Item.bulk_id == bulk_id, _Item.session_id == session_id).with_for_update()
    item = db.session.scalars(found.execution_options(populate_existing=True)).one_or_none()
    return item if item is not None and item.state is BulkItemState.PENDING else None


def _note(item: BulkCancelItem, state: BulkItemState, outcome: str, ctx: Context) -> None:
    item.state, item.outcome, item.decided_at = state, outcome, ctx.now
    if state is not BulkItemState.DONE:
        item.refund_minor, item.awaits_approval = 0, False


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one session; ``refusal`` says why nothing did."""

    session_id: UUID
    done: Mapping[str, Any] | None
    refusal: DomainError | None = None


def cancel_each(
    session_ids: Sequence[UUID],
    *,
    reason: str,
    refund_percentage: int,
    notify_parties: bool,
    key: str | None,
    ctx: Context,
) -> list[Result]:
    """This function will cancel a few sessions one after the other, each in a transaction of its own.

    :param session_ids: at most ``MOST_AT_ONCE``
    :param key: the caller's ``Idempotency-Key``: sessions that were cancelled with it before are told, not done again
    :raises Forbidden: the role may cancel none at all
    """
    require(ctx.actor, Permission.SESSION_BULK_CANCEL)
    body = {"reason": reason, "percentage": refund_percentage, "notify": notify_parties}
    results = []
    for session_id in dict.fromkeys(session_ids):

        def run(session_id: UUID = session_id) -> dict[str, Any]:
            return _told(
                force_cancel(
                    session_id,
                    reason=reason,
                    refund_percentage=refund_percentage,
                    notify_parties=notify_parties,
                    fingerprint=None,
                    ctx=ctx,
                )
            )

        try:
            done, _ = once(key, scope=f"{ACTION}:bulk:{session_id}", body=body, ctx=ctx, run=run)
        except DomainError as refused:
            results.append(Result(session_id, None, refused))
        else:
            results.append(Result(session_id, done))
    return results


def _told(done: ForceCancelled) -> dict[str, Any]:
    return {
        "refund_minor": done.refund.minor, "currency": done.refund.currency, "awaits_approval": done.awaits_approval,
        "notifications_sent": done.notifications_sent, "sentence": done.sentence,
    }  # fmt: skip
