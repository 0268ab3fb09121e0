"""Upcoming sessions that changed policies may be applied to, because they are better for both sides (POL-5)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update

from app.domain.context import Context
from app.domain.improvement import is_better_for_both
from app.domain.policies import Snapshot
from app.domain.vocabulary import SessionStatus
from app.extensions import db
from app.foundation import audit
from app.foundation.policies import PoliciesInForce
from app.models import MentoringSession, PolicyVersion

ACTION: Final = "policies_improved"
_SESSIONS: Final[Any] = MentoringSession.__table__


def count_improvable(offered: Snapshot, *, now: datetime) -> int:
    """How many confirmed sessions that lie ahead would be better off under these policies, on both sides."""
    return sum(count for _, count in _improvable(offered, now))


def improve_upcoming(offered: PoliciesInForce, *, ctx: Context) -> int:
    """This function will put those sessions under the new version, each with its row in the log, and give how many.

    Call it inside the transaction that makes the version.
    """
    versions = [version_id for version_id, _ in _improvable(offered.values, ctx.now)]
    if not versions:
        return 0
    moved = (
        update(_SESSIONS)
        .where(*_ahead(ctx.now, versions))
        .values(policy_version_id=offered.version_id)
        .returning(_SESSIONS.c.id)
        .cte("moved")
    )
    return audit.record_for_each(select(moved.c.id), action=ACTION, ctx=ctx, details={"version": offered.version_id})


def _improvable(offered: Snapshot, now: datetime) -> Sequence[tuple[UUID, int]]:
    """The versions that sessions ahead were booked under and would gain from leaving, with how many each."""
    counted = (
        select(_SESSIONS.c.policy_version_id, func.count().label("sessions"))
        .where(*_ahead(now))
        .group_by(_SESSIONS.c.policy_version_id)
        .subquery()
    )
    rows = db.session.execute(
        select(PolicyVersion.id, PolicyVersion.values, counted.c.sessions).join(
            counted, counted.c.policy_version_id == PolicyVersion.id
        )
    )
    return [(row.id, row.sessions) for row in rows if is_better_for_both(Snapshot.from_json(row.values), offered)]


def _ahead(now: datetime, versions: Collection[UUID] | None = None) -> list[ColumnElement[bool]]:
    chosen = [_SESSIONS.c.status == SessionStatus.SCHEDULED, _SESSIONS.c.scheduled_at > now]
    return chosen if versions is None else [*chosen, _SESSIONS.c.policy_version_id.in_(versions)]
