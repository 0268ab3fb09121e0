"""The exceptions in force, and how often each rule was overridden: a rule that is passed often may be wrong (ACT-6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from app.domain.context import Context
from app.domain.permissions import Permission, require
from app.domain.vocabulary import OverrideType
from app.extensions import db
from app.models import MentoringSession, PolicyOverride, User
from app.support.kpis import Period

LISTED: Final = 200
# What each kind lets a session pass.
PASSES: Final = {
    OverrideType.ALLOW_RESCHEDULE: ("max_reschedules_per_session", "reschedule_cutoff_hours"),
    OverrideType.ALLOW_CANCELLATION: ("late_cancellation_rule", "late_refund_percentage", "partial_refund_percentage"),
    OverrideType.EXTEND_TIME: ("cancellation_cutoff_hours", "reschedule_cutoff_hours"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOverride:
    """One exception that counts now; ``parties`` are mentee and mentor."""

    id: UUID
    type: OverrideType
    reason: str
    granted_by: str
    granted_at: datetime
    expires_at: datetime
    session_id: UUID
    session_title: str
    mentee: str
    mentor: str
    parties: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class OverrideCount:
    """One kind in a range of days: granted then, and what became of those since."""

    type: OverrideType
    granted: int
    used: int
    revoked: int
    unused: int


def live_overrides(*, ctx: Context) -> Sequence[LiveOverride]:
    """Those in force, the one that ends next first; one more than ``LISTED`` says that there are others.

    :raises Forbidden: the role may not
    """
    require(ctx.actor, Permission.OVERRIDE_VIEW)
    mentee, mentor, grantor = aliased(User), aliased(User), aliased(User)
    rows = db.session.execute(
        select(
            PolicyOverride,
            MentoringSession.title,
            MentoringSession.mentee_id,
            MentoringSession.mentor_id,
            mentee.name.label("mentee"),
            mentor.name.label("mentor"),
            grantor.name.label("grantor"),
        )
        .join(MentoringSession, MentoringSession.id == PolicyOverride.session_id)
        .join(mentee, mentee.id == MentoringSession.mentee_id)
        .join(mentor, mentor.id == MentoringSession.mentor_id)
        .join(grantor, grantor.id == PolicyOverride.granted_by)
        .where(
            PolicyOverride.used_at.is_(None),
            PolicyOverride.revoked_at.is_(None),
            PolicyOverride.ended_at.is_(None),
            PolicyOverride.expires_at > ctx.now,
        )
        .order_by(PolicyOverride.expires_at, PolicyOverride.id)
        .limit(LISTED + 1)
    )
    return [
        LiveOverride(
            id=row.PolicyOverride.id,
            type=row.PolicyOverride.override_type,
            reason=row.PolicyOverride.reason,
            granted_by=row.grantor,
            granted_at=row.PolicyOverride.created_at,
            expires_at=row.PolicyOverride.expires_at,
            session_id=row.PolicyOverride.session_id,
            session_title=row.title,
            mentee=row.mentee,
            mentor=row.mentor,
            parties=frozenset({row.mentee_id, row.mentor_id}),
        )
        for row in rows
    ]


def count_overrides(period: Period, *, ctx: Context) -> list[OverrideCount]:
    """How often each kind was granted in a range, the most frequent first.

    :raises Forbidden: the role may not
    """
    require(ctx.actor, Permission.OVERRIDE_VIEW)
    ended = (
        PolicyOverride.used_at.is_(None) & PolicyOverride.revoked_at.is_(None) & (PolicyOverride.expires_at <= ctx.now)
    )
    rows = db.session.execute(
        select(
            PolicyOverride.override_type,
            func.count(),
            func.count(PolicyOverride.used_at),
            func.count(PolicyOverride.revoked_at),
            func.count().filter(ended),
        )
        .where(PolicyOverride.created_at >= period.start, PolicyOverride.created_at < period.end)
        .group_by(PolicyOverride.override_type)
    )
    found = {kind: OverrideCount(kind, *counts) for kind, *counts in rows}
    known = [found.get(kind, OverrideCount(kind, 0, 0, 0, 0)) for kind in OverrideType]
    return sorted(known, key=lambda each: -each.granted)
