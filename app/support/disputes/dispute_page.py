"""One dispute with everything on it, for staff: a handful of statements however much there is (DSP-2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, literal, select, union_all

from app.domain.context import Context
from app.domain.dispute_clock import DisputeClock, Targets
from app.domain.permissions import Permission, may, require
from app.extensions import db
from app.models import (
    AdminAuditTrail,
    DisputeComment,
    EvidenceFile,
    MentoringSession,
    SessionAuditLog,
    SessionDispute,
    User,
)
from app.support.disputes.loading import clock_of, current_targets, load_dispute
from app.support.staff_acts import is_own_case

_MOST = 300


@dataclass(frozen=True, slots=True)
class Talk:
    """One comment: among staff, to the reporter, or from the reporter."""

    at: datetime
    author_id: UUID
    author: str
    body: str
    is_internal: bool
    is_reporter: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done to the dispute."""

    at: datetime
    who: str
    action: str
    reason: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeCase:
    """What the dispute page shows. ``files`` is empty for whoever may not see evidence."""

    dispute: SessionDispute
    session: MentoringSession
    reporter: User
    other: User
    assignee: User | None
    resolver: User | None
    clock: DisputeClock
    targets: Targets
    talk: Sequence[Talk]
    files: Sequence[EvidenceFile]
    steps: Sequence[Step]
    is_own_case: bool


def read_dispute_case(dispute_id: UUID, *, ctx: Context) -> DisputeCase:
    """Gather a dispute for staff.

    :raises NotFound: there is none
    :raises Forbidden: the reader's role may not look
    """
    require(ctx.actor, Permission.DISPUTE_VIEW)
    dispute, session = load_dispute(dispute_id)
    is_mentee = dispute.reported_by == session.mentee_id
    people = _people(dispute)
    files: Sequence[EvidenceFile] = ()
    if may(ctx.actor.role, Permission.EVIDENCE_VIEW):
        files = db.session.scalars(
            select(EvidenceFile)
            .where(EvidenceFile.dispute_id == dispute_id)
            .order_by(EvidenceFile.created_at, EvidenceFile.original_name)
        ).all()
    return DisputeCase(
        dispute=dispute,
        session=session,
        reporter=people[dispute.reported_by],
        other=session.mentor if is_mentee else session.mentee,
        assignee=people.get(dispute.assigned_to) if dispute.assigned_to else None,
        resolver=people.get(dispute.resolved_by) if dispute.resolved_by else None,
        clock=clock_of(dispute),
        targets=current_targets(),
        talk=read_talk(dispute),
        files=files,
        steps=_steps(dispute),
        is_own_case=is_own_case(session, ctx),
    )


def read_talk(dispute: SessionDispute, *, internal_only: bool = False) -> list[Talk]:
    """What was said, oldest first."""
    question = (
        select(DisputeComment, User.name)
        .join(User, User.id == DisputeComment.author_id)
        .where(DisputeComment.dispute_id == dispute.id)
        .order_by(DisputeComment.created_at, DisputeComment.id)
        .limit(_MOST)
    )
    if internal_only:
        question = question.where(DisputeComment.is_internal)
    return [
        Talk(row.created_at, row.author_id, name, row.body, row.is_internal, row.author_id == dispute.reported_by)
        for row, name in db.session.execute(question)
    ]


def _people(dispute: SessionDispute) -> dict[UUID, User]:
    wanted = {dispute.reported_by, dispute.assigned_to, dispute.resolved_by} - {None}
    return {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(wanted)))}


def _steps(dispute: SessionDispute) -> list[Step]:
    """What staff, the reporter and the clock did to it, newest first, in one statement."""
    T, L = AdminAuditTrail, SessionAuditLog  # noqa: N806 - classes under short names
    by_staff = select(
        T.created_at, T.seq.label("number"), T.admin_id.label("user_id"), cast(T.actor_role, Text).label("role"),
        T.action, T.reason, T.details,
    ).where(T.subject_type == "dispute", T.subject_id == str(dispute.id))  # fmt: skip
    by_others = select(
        L.created_at, L.number, L.user_id, cast(L.actor_role, Text).label("role"), L.action, literal(""), L.details,
    ).where(
        L.session_id == dispute.session_id, L.action.like("dispute_%"),
        L.details["dispute_id"].astext == str(dispute.id),
    )  # fmt: skip
    rows = union_all(by_staff, by_others).subquery("steps")
    told = db.session.execute(
        select(rows, User.name)
        .outerjoin(User, User.id == rows.c.user_id)
        .order_by(rows.c.created_at.desc(), rows.c.number.desc())
        .limit(_MOST)
    )
    return [
        Step(row.created_at, row.name or ("The clock" if row.role == "clock" else "Somebody"), row.action, row.reason,
             row.details)
        for row in told
    ]  # fmt: skip
