"""Disputes as the API tells them to staff (DSP-2, DSP-4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic import Field

from app.api.admin_sessions import CappedPagination, NamedPerson
from app.api.fields import Amount, Instant, Told, amount
from app.domain.context import Context
from app.domain.vocabulary import (
    DisputeCategory,
    DisputePriority,
    DisputeResolution,
    DisputeStatus,
    Party,
)
from app.models import SessionDispute
from app.support.disputes.dispute_page import DisputeCase, read_dispute_case, read_talk
from app.support.disputes.resolving import ResolutionPlan


class AdminDisputeRow(Told):
    """One line of the queue."""

    id: UUID
    session_id: UUID
    session_title: str
    category: DisputeCategory
    reason: str
    status: DisputeStatus
    priority: DisputePriority
    reported_by: NamedPerson
    assigned_to: NamedPerson | None
    awaits_approval: bool = Field(description="Its refund waits for a second person.")
    waiting_since: Instant | None = Field(description="Since when the reporter is asked.")
    first_response_due_at: Instant
    first_responded_at: Instant | None
    resolution_due_at: Instant
    breached_at: Instant | None = Field(description="When a deadline was last missed.")
    created_at: Instant
    resolved_at: Instant | None


class AdminDisputeRows(Told):
    disputes: list[AdminDisputeRow]
    pagination: CappedPagination


class AdminFileTold(Told):
    id: UUID
    name: str
    content_type: str
    size_bytes: int


class AdminDisputeTold(AdminDisputeRow):
    """One dispute. Its comments have an address of their own; evidence is opened in the console, on record."""

    description: str
    reporter_role: Party
    resolution_action: DisputeResolution | None
    resolution_notes: str | None
    resolved_by: NamedPerson | None
    evidence: list[AdminFileTold]


class CommentTold(Told):
    at: Instant
    author: NamedPerson
    comment: str
    is_internal: bool


class CommentsTold(Told):
    comments: list[CommentTold] = Field(description="Oldest first.")


class PlanLine(Told):
    who: str
    change: str
    amount: Amount | None
    message: str


class ResolutionPreview(Told):
    allowed: bool
    message: str = Field(description="What happens, or why it cannot be done.")
    needs_approval: bool
    changes: list[PlanLine]


class ResolutionTold(Told):
    """A preview, or what was done."""

    is_preview: bool
    preview: ResolutionPreview | None
    dispute: AdminDisputeTold | None


def told_preview(plan: ResolutionPlan) -> ResolutionPreview:
    """What would happen."""
    return ResolutionPreview(
        allowed=plan.decision.allowed,
        message=plan.sentence,
        needs_approval=plan.needs_approval,
        changes=[
            PlanLine(
                who=row.who,
                change=row.change,
                amount=amount(row.money.minor, row.money.currency) if row.money else None,
                message=row.message,
            )
            for row in plan.rows
        ],
    )


def told_comments(dispute: SessionDispute) -> CommentsTold:
    """What was said about it."""
    return CommentsTold(
        comments=[
            CommentTold(
                at=each.at,
                author=NamedPerson(id=each.author_id, name=each.author),
                comment=each.body,
                is_internal=each.is_internal,
            )
            for each in read_talk(dispute)
        ]
    )


def told_row(row: Any) -> AdminDisputeRow:
    """One line of the queue, from its row."""
    assignee = NamedPerson(id=row.assigned_to, name=row.assignee_name) if row.assigned_to else None
    return AdminDisputeRow(
        session_title=row.title,
        reported_by=NamedPerson(id=row.reported_by, name=row.reporter_name),
        assigned_to=assignee,
        **_shared(row),
    )


def told_dispute_row(dispute: SessionDispute, title: str, names: Mapping[UUID, str]) -> AdminDisputeRow:
    """One line, of a session whose title and people are known."""
    assignee = NamedPerson(id=dispute.assigned_to, name=names[dispute.assigned_to]) if dispute.assigned_to else None
    return AdminDisputeRow(
        session_title=title,
        reported_by=NamedPerson(id=dispute.reported_by, name=names[dispute.reported_by]),
        assigned_to=assignee,
        **_shared(dispute),
    )


def told_dispute(dispute_id: UUID, ctx: Context) -> AdminDisputeTold:
    """One dispute, as it is now."""
    case: DisputeCase = read_dispute_case(dispute_id, ctx=ctx)
    dispute = case.dispute
    return AdminDisputeTold(
        session_title=case.session.title,
        reported_by=NamedPerson(id=case.reporter.id, name=case.reporter.name),
        assigned_to=NamedPerson(id=case.assignee.id, name=case.assignee.name) if case.assignee else None,
        description=dispute.description,
        reporter_role=dispute.reporter_role,
        resolution_action=dispute.resolution_action,
        resolution_notes=dispute.resolution_notes,
        resolved_by=NamedPerson(id=case.resolver.id, name=case.resolver.name) if case.resolver else None,
        evidence=[
            AdminFileTold(
                id=each.id, name=each.original_name, content_type=each.content_type, size_bytes=each.size_bytes
            )
            for each in case.files
        ],
        **_shared(dispute),
    )


def _shared(row: Any) -> dict[str, Any]:
    names = (
        "id", "session_id", "category", "reason", "status", "priority", "waiting_since", "first_response_due_at",
        "first_responded_at", "resolution_due_at", "breached_at", "created_at", "resolved_at",
    )  # fmt: skip
    return {name: getattr(row, name) for name in names} | {"awaits_approval": row.awaiting_refund_id is not None}
