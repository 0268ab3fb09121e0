"""Cancelling many sessions at once (SL-3): a frozen list, a preview of each, and one act per session.

The list is kept in the database from the preview on, so that what was shown is what is done. Each session is cancelled
in a transaction of its own, together with the note of what became of it: a worker that is killed, or two of them at
once, leave no session half done and do none twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import joinedload

from app.domain.context import Context
from app.domain.errors import Conflict, Forbidden, Invalid, NotFound, StalePreview
from app.domain.permissions import OWN_CASE, Permission, require
from app.domain.vocabulary import BulkItemState, BulkState
from app.domain.wording import format_number, is_number_typed
from app.extensions import db
from app.foundation import outbox
from app.foundation.audit import record_staff_act
from app.foundation.transaction import transaction
from app.models import BulkCancel, BulkCancelItem, MentoringSession
from app.money.rows import MoneyRows, read_rows_of
from app.support.force_cancel import plan_force_cancel
from app.support.session_filter import SessionFilter
from app.support.session_list import list_sessions
from app.support.staff_acts import clean_reason, is_own_case

ACTION: Final = "ADMIN_BULK_CANCEL"
KIND: Final = "session.bulk_cancel"
MOST: Final = 5_000
_BATCH: Final = 500
_Item = BulkCancelItem


def freeze_filter(chosen: SessionFilter, *, ctx: Context) -> UUID:
    """This function will keep the list of every session of a filter, and the preview of each; gives the list's id.

    :raises Forbidden: the role may not
    :raises Invalid: the filter leaves nothing out, finds nothing, or finds more than can be looked through
    """
    require(ctx.actor, Permission.SESSION_BULK_CANCEL)
    if not chosen.is_narrowed:
        raise _unusable("Narrow the list with a filter first.")
    found = list_sessions(chosen, now=ctx.now, size=MOST)
    if found.older is not None:
        raise _unusable(
            f"This list holds more than {format_number(MOST)} sessions, which nobody can look through. "
            "Narrow it with a filter, a range of days for instance."
        )
    return _freeze([row.id for row in found.rows], chosen.arguments(), ctx)


def freeze_picked(session_ids: Sequence[UUID], *, ctx: Context) -> UUID:
    """The same for sessions that were ticked one by one; ids that are none are left out.

    :raises Forbidden: the role may not
    :raises Invalid: none is left, or there are too many
    """
    require(ctx.actor, Permission.SESSION_BULK_CANCEL)
    wanted = list(dict.fromkeys(session_ids))
    if len(wanted) > MOST:
        raise _unusable(f"Choose at most {format_number(MOST)} sessions.")
    known = set(db.session.scalars(select(MentoringSession.id).where(MentoringSession.id.in_(wanted))))
    return _freeze([session_id for session_id in wanted if session_id in known], None, ctx)


def _unusable(message: str) -> Invalid:
    return Invalid(message, fields={"ids": message})


def _freeze(session_ids: Sequence[UUID], arguments: dict[str, Any] | None, ctx: Context) -> UUID:
    if not session_ids:
        raise _unusable("Tick at least one session.")
    with transaction():
        bulk = BulkCancel(
            id=uuid4(),
            created_by=ctx.actor.user_id,
            filter=arguments,
            state=BulkState.PREVIEW,
            refund_percentage=100,
            notify_parties=True,
            request_id=ctx.request_id,
            created_at=ctx.now,
            previewed_at=ctx.now,
        )
        db.session.add(bulk)
        db.session.flush()
        _plan(bulk, session_ids, ctx)
        return bulk.id


def plan_again(bulk_id: UUID, *, refund_percentage: int, notify_parties: bool, ctx: Context) -> None:
    """This function will make the preview of each session anew, for another refund or because some changed.

    :raises NotFound: there is no such list
    :raises Forbidden: it is a colleague's
    :raises Conflict: it is confirmed already
    :raises Invalid: the percentage is none
    """
    if not 0 <= refund_percentage <= 100:
        message = "Give a whole number from 0 to 100."
        raise Invalid(message, fields={"refundPercentage": message})
    with transaction():
        bulk = _own(bulk_id, ctx)
        if bulk.state is not BulkState.PREVIEW:
            raise Conflict("This is under way already, so nothing about it can be changed.")
        bulk.refund_percentage, bulk.notify_parties, bulk.previewed_at = refund_percentage, notify_parties, ctx.now
        in_order = select(_Item.session_id).where(_Item.bulk_id == bulk_id).order_by(_Item.position)
        _plan(bulk, db.session.scalars(in_order).all(), ctx)


def _plan(bulk: BulkCancel, session_ids: Sequence[UUID], ctx: Context) -> None:
    for begin in range(0, len(session_ids), _BATCH):
        ids = session_ids[begin : begin + _BATCH]
        found = select(MentoringSession).where(MentoringSession.id.in_(ids))
        people = (joinedload(MentoringSession.mentor), joinedload(MentoringSession.mentee))
        sessions = {session.id: session for session in db.session.scalars(found.options(*people))}
        money = read_rows_of(ids)
        planned = [
            {"position": begin + index, **_planned(bulk, sessions[session_id], money[session_id], ctx)}
            for index, session_id in enumerate(ids)
        ]
        kept = insert(_Item)
        again = {name: kept.excluded[name] for name in planned[0] if name not in {"bulk_id", "session_id", "position"}}
        db.session.execute(kept.on_conflict_do_update(index_elements=["bulk_id", "session_id"], set_=again), planned)


def _planned(bulk: BulkCancel, session: MentoringSession, money: MoneyRows, ctx: Context) -> dict[str, Any]:
    plan = plan_force_cancel(session, money, bulk.refund_percentage, ctx, notify_parties=bulk.notify_parties)
    why_not = None if plan.decision.allowed else plan.decision.message
    if is_own_case(session, ctx):
        why_not = OWN_CASE
    return {
        "bulk_id": bulk.id,
        "session_id": session.id,
        "state": BulkItemState.REFUSED if why_not else BulkItemState.PENDING,
        "status_seen": session.status,
        "fingerprint": plan.fingerprint,
        "refund_minor": 0 if why_not else plan.refund.minor,
        "currency": session.currency,
        "awaits_approval": plan.needs_approval and not why_not,
        "outcome": why_not,
        "decided_at": None,
    }


def confirm_bulk_cancel(
    bulk_id: UUID, *, reason: str, typed: str, refund_percentage: int | None, notify_parties: bool, ctx: Context
) -> BulkCancel:
    """This function will order what the preview shows; a worker does it. Ordered twice, it is done once.

    :param typed: the number of sessions, typed by hand
    :param refund_percentage: as the page showed it; like ``notify_parties`` it has to be what was previewed last
    :raises NotFound: there is no such list
    :raises Forbidden: the role may not, or it is a colleague's
    :raises StalePreview: the page shows an older preview
    :raises Invalid: reason or number cannot be used
    """
    with transaction():
        bulk = _own(bulk_id, ctx)
        if bulk.state is not BulkState.PREVIEW:
            return bulk
        if (refund_percentage, notify_parties) != (bulk.refund_percentage, bulk.notify_parties):
            raise StalePreview("The preview was made anew on another screen. Look at it, then decide.")
        count = _count(bulk_id, BulkItemState.PENDING)
        if not count:
            raise Conflict("None of these sessions can be cancelled.")
        problems: dict[str, str] = {}
        try:
            bulk.reason = clean_reason(reason)
        except Invalid as wrong:
            problems |= wrong.fields
        if not is_number_typed(typed, count):
            problems["typed"] = f"Type {count}, the number of sessions that will be cancelled."
        if problems:
            raise Invalid("Nothing was done yet.", fields=problems)
        bulk.state, bulk.confirmed_at = BulkState.RUNNING, ctx.now
        bulk.request_id, bulk.ip_address, bulk.user_agent = ctx.request_id, ctx.ip_address, ctx.user_agent
        record_staff_act(
            action=ACTION,
            reason=bulk.reason or "",
            ctx=ctx,
            subject_type="bulk_cancel",
            subject_id=bulk.id,
            details={
                "sessions": count,
                "refundPercentage": bulk.refund_percentage,
                "notifyParties": bulk.notify_parties,
                "filter": bulk.filter,
            },
        )
        put_step(bulk.id, 0, ctx=ctx)
        return bulk


def stop_bulk_cancel(bulk_id: UUID, *, ctx: Context) -> None:
    """This function will end it after the session that is being cancelled; what is done stays done.

    :raises NotFound: there is no such list
    :raises Forbidden: the role may not
    """
    require(ctx.actor, Permission.SESSION_BULK_CANCEL)
    with transaction():
        bulk = lock_bulk(bulk_id)
        if bulk.state is not BulkState.RUNNING:
            return
        bulk.state, bulk.finished_at = BulkState.STOPPED, ctx.now
        record_staff_act(
            action=f"{ACTION}_STOPPED",
            reason="Stopped by hand",
            ctx=ctx,
            subject_type="bulk_cancel",
            subject_id=bulk.id,
            details={"left": _count(bulk_id, BulkItemState.PENDING)},
        )


def put_step(bulk_id: UUID, step: int, *, ctx: Context) -> None:
    """This function will order the next few sessions, once for each ``step``."""
    outbox.put(KIND, key=f"{KIND}:{bulk_id}:{step}", payload={"bulk_id": bulk_id, "step": step}, ctx=ctx)


def _own(bulk_id: UUID, ctx: Context) -> BulkCancel:
    require(ctx.actor, Permission.SESSION_BULK_CANCEL)
    bulk = lock_bulk(bulk_id)
    if bulk.created_by != ctx.actor.user_id:
        raise Forbidden("A colleague chose these sessions. Make a list of your own to cancel them.")
    return bulk


def lock_bulk(bulk_id: UUID) -> BulkCancel:
    """This function will lock the head of a list.

    :raises NotFound: there is no such list
    """
    locked = select(BulkCancel).where(BulkCancel.id == bulk_id).with_for_update()
    bulk = db.session.scalars(locked.execution_options(populate_existing=True)).one_or_none()
    if bulk is None:
        raise NotFound
    return bulk


def _count(bulk_id: UUID, state: BulkItemState) -> int:
    counted = select(func.count()).select_from(_Item).where(_Item.bulk_id == bulk_id, _Item.state == state)
    return db.session.execute(counted).scalar_one()
