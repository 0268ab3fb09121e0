"""The clock's work on open disputes: warn at 75 %, raise the priority and tell the lead at 100 % (DSP-3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import and_, case, func, or_, select

from app.domain.context import CLOCK, Context
from app.domain.dispute_clock import SlaLevel, Targets, decide_escalation, is_more_urgent
from app.domain.disputes import OPEN_DISPUTES
from app.extensions import db
from app.foundation import audit
from app.foundation.transaction import transaction
from app.models import SessionDispute
from app.support.disputes import telling
from app.support.disputes.loading import clock_of, current_targets, lock_dispute, set_deadlines, touch

BATCH: Final = 200
_log = structlog.get_logger(__name__)


def escalate_disputes(*, ctx: Context, batch: int = BATCH) -> dict[str, int]:
    """This function will warn of and raise all disputes that are due by ``ctx.now``; twice at once is safe.

    Each is worked in a transaction of its own, so that one that cannot be worked keeps no other waiting.

    :returns: how many were ``dispute_warned`` and ``dispute_escalated``
    """
    ctx = ctx.acting_as(CLOCK)
    with transaction():
        targets = current_targets()
        due = _due(ctx, targets, batch)
    counts: Counter[str] = Counter()
    for dispute_id in due:
        try:
            counts.update(_work(dispute_id, ctx))
        except Exception:  # noqa: BLE001 - one that cannot be worked must not keep all others waiting
            _log.exception("dispute_not_escalated", dispute_id=str(dispute_id))
    return dict(counts)


def _due(ctx: Context, targets: Targets, batch: int) -> list[UUID]:
    """Open disputes past three quarters of their time of which that has not been told."""
    D = SessionDispute  # noqa: N806 - a class under a short name
    answered = D.first_responded_at.is_not(None)
    due_at = case((answered, D.resolution_due_at), else_=D.first_response_due_at)
    quarter = case(
        *(
            (and_(D.priority == priority, is_answered), time / 4)
            for priority, target in targets.items()
            for is_answered, time in ((answered, target.resolution), (~answered, target.first_answer))
        ),
        else_=timedelta(),
    )
    return list(
        db.session.scalars(
            select(D.id)
            .where(
                D.status.in_(OPEN_DISPUTES),
                D.waiting_since.is_(None),
                or_(
                    and_(due_at <= ctx.now, func.coalesce(D.breached_at < due_at, True)),
                    and_(due_at - quarter <= ctx.now, due_at > ctx.now, D.warned_at.is_(None)),
                ),
            )
            .order_by(due_at, D.id)
            .limit(batch)
        )
    )


def _work(dispute_id: UUID, ctx: Context) -> Mapping[str, int]:
    with transaction():
        dispute, session = lock_dispute(dispute_id, ctx)
        if dispute.status not in OPEN_DISPUTES:
            return {}
        found = decide_escalation(clock_of(dispute), ctx.now, current_targets())
        if found is None:
            return {}
        before = dispute.priority
        touch(dispute, ctx)
        if found.level is SlaLevel.WARNING:
            dispute.warned_at = ctx.now
            telling.warned(dispute, ctx)
            return {"dispute_warned": 1}
        if is_more_urgent(found.priority, before):
            dispute.priority = found.priority
            set_deadlines(dispute, found.deadlines)
        dispute.breached_at = ctx.now
        dispute.escalation_level += 1
        audit.record(
            session,
            action="dispute_escalated",
            ctx=ctx,
            details={"dispute_id": dispute.id, "previous_priority": before, "priority": dispute.priority},
        )
        telling.breached(dispute, before, ctx)
        return {"dispute_escalated": 1}
