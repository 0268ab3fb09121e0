"""One session as the API tells it to staff, with every row that tells of it (SD-1, ACT-7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic import Field

from app.api.admin_dispute_answers import AdminDisputeRow, told_dispute_row
from app.api.admin_sessions import NamedPerson
from app.api.fields import Amount, Instant, Told, amount
from app.api.people import PersonTold, person
from app.domain.vocabulary import (
    ActorKind,
    BookingMode,
    CancellationCategory,
    CancelledBy,
    MeetingType,
    Party,
    PaymentStatus,
    ReassignmentStatus,
    RefundStatus,
    RescheduleStatus,
    SessionStatus,
)
from app.models import AdminAuditTrail, AdminSessionNote, MentoringSession, RescheduleRequest, SessionAuditLog
from app.support.case_record import MOST, CaseRecord

_NEWEST = f"Newest first, at most {MOST}"


class StaffSessionTold(Told):
    """One session, as staff see it. The meeting link is for its two parties alone."""

    id: UUID
    mentor: PersonTold
    mentee: PersonTold
    offering_id: UUID | None
    title: str
    description: str
    status: SessionStatus
    booking_mode: BookingMode
    scheduled_at: Instant | None
    duration: int = Field(description="Minutes.")
    buffer_minutes: int
    started_at: Instant | None
    ended_at: Instant | None
    preferred_time_note: str | None
    meeting_type: MeetingType
    meeting_provider: str | None
    has_meeting_link: bool
    location: str | None
    rate: Amount = Field(description="The price, in `currency`.")
    currency: str
    payment_status: PaymentStatus
    hold_expires_at: Instant | None
    approval_deadline: Instant | None
    mentee_message: str | None
    mentor_response: str | None
    rejected_at: Instant | None
    cancelled_by: CancelledBy | None
    cancelled_by_user_id: UUID | None
    cancelled_at: Instant | None
    cancellation_category: CancellationCategory | None
    cancellation_reason: str | None
    refund_status: RefundStatus
    refund_amount: Amount
    refund_percentage: int | None
    rescheduled_from: UUID | None
    reschedule_count: int = Field(description="How often the mentee moved it.")
    mentor_reschedule_count: int
    pending_reschedule_request_id: UUID | None
    pending_reschedule_time: Instant | None
    pending_reschedule_by: Party | None
    was_reassigned: bool
    reassigned_from_mentor_id: UUID | None
    reassigned_at: Instant | None
    reassignment_status: ReassignmentStatus | None
    reassignment_deadline: Instant | None
    cancelled_mentor_ids: list[UUID] = Field(description="Mentors who are out of it and not asked again.")
    no_show_party: Party | None
    no_show_marked_by: UUID | None
    attendance_suggested_at: Instant | None = Field(description="Since when the clock suggests a no-show.")
    attendance_decided_at: Instant | None
    policy_version_id: UUID
    created_at: Instant
    updated_at: Instant
    version: int


class ProposalTold(Told):
    """One negotiation about another time."""

    id: UUID
    initiated_by: Party
    initiator: NamedPerson | None
    status: RescheduleStatus
    reason: str | None
    proposed_time: Instant
    proposed_duration: int
    original_time: Instant | None
    counter_proposed_time: Instant | None
    counter_proposed_by: Party | None
    counter_proposal_count: int
    expires_at: Instant
    resolved_at: Instant | None
    created_at: Instant


class LogEntryTold(Told):
    """One thing that happened to the session."""

    number: int = Field(description="The order of writing.")
    at: Instant
    session_id: UUID
    action: str
    actor: NamedPerson | None = Field(description="Null where the product itself acted; `actorRole` says as what.")
    actor_role: ActorKind
    reason_category: str | None
    reason: str | None
    previous_status: str | None
    new_status: str | None
    previous_scheduled_at: Instant | None
    new_scheduled_at: Instant | None
    policy_snapshot: dict[str, Any]
    details: dict[str, Any]
    request_id: str | None
    ip_address: str | None
    user_agent: str | None


class StaffActTold(Told):
    """One row of the staff audit trail."""

    seq: int = Field(description="1, 2, 3 … without a gap.")
    at: Instant
    action: str
    actor: NamedPerson | None = Field(description="Null for the command line.")
    actor_role: ActorKind
    session_id: UUID | None
    subject_type: str
    subject_id: str | None
    previous_status: str | None
    new_status: str | None
    reason: str
    details: dict[str, Any]
    request_id: str | None
    ip_address: str | None
    user_agent: str | None
    previous_hash: str
    hash: str = Field(description="SHA-256 over the hash before it and this row.")


class StaffNoteTold(Told):
    """An internal note, never shown to the parties."""

    id: UUID
    note: str
    author: NamedPerson
    created_at: Instant
    updated_at: Instant = Field(
        description="Another time than `createdAt`: it was edited, and what stood there is kept."
    )


class StaffNotesTold(Told):
    notes: list[StaffNoteTold] = Field(description=f"{_NEWEST}.")


class CaseTold(StaffSessionTold):
    """A session with all that is on record about it."""

    reschedule_requests: list[ProposalTold] = Field(description=f"{_NEWEST}.")
    audit_log: list[LogEntryTold] = Field(description=f"{_NEWEST}; all by `/api/admin/audit?trail=sessions`.")
    admin_notes: list[StaffNoteTold] | None = Field(description=f"{_NEWEST}. Null: your role does not read notes.")
    admin_actions: list[StaffActTold] = Field(description=f"{_NEWEST}; all by `/api/admin/audit`.")
    dispute: AdminDisputeRow | None = Field(description="The newest open one, else the newest.")
    disputes: list[AdminDisputeRow] | None = Field(description=f"{_NEWEST}. Null: your role does not see disputes.")


_NAMES = ("id", "mentor", "mentee", "has_meeting_link", "rate", "refund_amount")
_COLUMNS = tuple(name for name in StaffSessionTold.model_fields if name not in _NAMES)


def told_session(session: MentoringSession) -> StaffSessionTold:
    """A session with its two people loaded."""
    return StaffSessionTold(**_session_facts(session))


def told_case(record: CaseRecord) -> CaseTold:
    """The whole record."""
    names, title = record.names, record.session.title
    newest = record.dispute
    return CaseTold(
        **_session_facts(record.session),
        reschedule_requests=[_told_proposal(row, names) for row in record.proposals],
        audit_log=[told_log_entry(row, names) for row in record.log],
        admin_notes=None if record.notes is None else [told_note(row, names) for row in record.notes],
        admin_actions=[told_act(row, names) for row in record.acts],
        dispute=told_dispute_row(newest, title, names) if newest else None,
        disputes=None if record.disputes is None else [told_dispute_row(row, title, names) for row in record.disputes],
    )


def told_log_entry(row: SessionAuditLog, names: Mapping[UUID, str]) -> LogEntryTold:
    """A row of ``session_audit_log``."""
    return LogEntryTold(
        at=row.created_at,
        actor=_named(row.user_id, names),
        reason=row.reason_details,
        **_same(row, LogEntryTold, "at", "actor", "reason"),
    )


def told_act(row: AdminAuditTrail, names: Mapping[UUID, str]) -> StaffActTold:
    """A row of the staff audit trail."""
    return StaffActTold(at=row.created_at, actor=_named(row.admin_id, names), **_same(row, StaffActTold, "at", "actor"))


def told_note(row: AdminSessionNote, names: Mapping[UUID, str]) -> StaffNoteTold:
    """An internal note."""
    author = NamedPerson(id=row.admin_id, name=names[row.admin_id])
    return StaffNoteTold(author=author, **_same(row, StaffNoteTold, "author"))


def _told_proposal(row: RescheduleRequest, names: Mapping[UUID, str]) -> ProposalTold:
    return ProposalTold(initiator=_named(row.initiator_id, names), **_same(row, ProposalTold, "initiator"))


def _session_facts(session: MentoringSession) -> dict[str, Any]:
    return {
        **{name: getattr(session, name) for name in _COLUMNS},
        "id": session.id,
        "mentor": person(session.mentor),
        "mentee": person(session.mentee),
        "has_meeting_link": session.meeting_url is not None,
        "rate": amount(session.rate_minor, session.currency),
        "refund_amount": amount(session.refund_amount_minor, session.currency),
    }


def _named(person_id: UUID | None, names: Mapping[UUID, str]) -> NamedPerson | None:
    return NamedPerson(id=person_id, name=names[person_id]) if person_id and person_id in names else None


def _same(row: Any, model: type[Told], *computed: str) -> dict[str, Any]:
    """What is told under the column's own name."""
    return {name: getattr(row, name) for name in model.model_fields if name not in computed}
