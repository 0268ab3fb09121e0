"""Everything that happened to one session as one story, newest first (SD-1).

Each table is a part of the one statement that reads a case (``support.case``). Money comes from ``money.overview``,
which the page shows anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, literal_column, null, select

from app.booking.join import JOINED
from app.foundation.parts import PartRow, part
from app.models import (
    AdminAuditTrail,
    AdminSessionNote,
    DecisionRecord,
    EmailEvent,
    NoteHistory,
    Notification,
    PolicyOverride,
    RescheduleRequest,
    SessionAuditLog,
    SessionDispute,
    SessionJoin,
    SessionReview,
)
from app.money.overview import SessionMoney

# Of one kind of thing; a case with more of them is one that a person reads in the audit views.
_MOST = 300


class Kind(StrEnum):
    """What a line of the story tells of; also the filter's values."""

    CHANGE = "change"
    STAFF = "staff"
    MONEY = "money"
    MESSAGE = "message"
    NOTE = "note"
    JOIN = "join"
    DECISION = "decision"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One thing that happened.

    :param source: the table it comes from
    :param actor_role: who did it, where that was no user: clock, payment, system
    :param facts: the row's own columns, as JSON holds them
    :param why: the decision behind it, when there is one
    """

    kind: Kind
    source: str
    at: datetime
    order: int = 0
    actor_id: UUID | None = None
    actor_name: str | None = None
    actor_role: str | None = None
    request_id: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    why: Mapping[str, Any] | None = None


def timeline_of(rows: Iterable[PartRow], names: Mapping[UUID, str], money: SessionMoney) -> list[Happening]:
    """The story of a session, newest first, out of the rows of its parts; rows of other parts are passed over.

    :param names: the people in it
    """
    happened = [*_from_tables(rows, names), *_from_money(money)]
    told = _with_reasons(_without_echoes(happened))
    return sorted(told, key=lambda one: (one.at, one.order), reverse=True)


# By the table: kind, model, and the names of its time, its actor and the columns that are told.
_TABLES: dict[str, tuple[Kind, Any, str, str | None, tuple[str, ...]]] = {
    "session_audit_log": (
        Kind.CHANGE, SessionAuditLog, "created_at", "user_id",
        ("action", "reason_category", "reason_details", "previous_status", "new_status", "previous_scheduled_at",
         "new_scheduled_at", "details", "request_id"),
    ),
    "admin_session_audit_trail": (
        Kind.STAFF, AdminAuditTrail, "created_at", "admin_id",
        ("action", "reason", "previous_status", "new_status", "details", "seq", "request_id"),
    ),
    "reschedule_requests": (
        Kind.CHANGE, RescheduleRequest, "created_at", "initiator_id",
        ("status", "reason", "proposed_time", "original_time", "counter_proposed_time", "resolved_at", "expires_at",
         "initiated_by", "counter_proposal_count"),
    ),
    "session_disputes": (
        Kind.CHANGE, SessionDispute, "created_at", "reported_by",
        ("id", "category", "reason", "status", "priority", "first_response_due_at", "resolution_due_at",
         "first_responded_at", "waiting_since", "waited_seconds", "warned_at", "breached_at", "resolved_at"),
    ),
    "session_reviews": (
        Kind.CHANGE, SessionReview, "created_at", "author_id", ("rating", "comment", "hidden_at"),
    ),
    "policy_overrides": (
        Kind.STAFF, PolicyOverride, "created_at", "granted_by",
        ("override_type", "reason", "expires_at", "used_at", "revoked_at"),
    ),
    "email_events": (
        Kind.MESSAGE, EmailEvent, "created_at", None,
        ("id", "template", "recipient", "subject", "status", "error", "sent_at"),
    ),
    "notifications": (
        Kind.MESSAGE, Notification, "created_at", "user_id", ("type", "title", "body", "read_at"),
    ),
    "admin_session_notes": (
        Kind.NOTE, AdminSessionNote, "created_at", "admin_id", ("id", "session_id", "note", "updated_at"),
    ),
    "session_joins": (
        Kind.JOIN, SessionJoin, "joined_at", "user_id", ("source", "left_at"),
    ),
    "decision_records": (
        Kind.DECISION, DecisionRecord, "created_at", "actor_id",
        ("kind", "allowed", "rule", "message", "next_change", "inputs"),
    ),
}  # fmt: skip
_ROLES = {"session_audit_log", "admin_session_audit_trail"}


def _from_tables(rows: Iterable[PartRow], names: Mapping[UUID, str]) -> Iterable[Happening]:
    for source, at, actor_id, role, values in rows:
        if source not in _TABLES:
            continue
        kind, _, _, _, columns = _TABLES[source]
        *told, order = values
        facts = dict(zip(columns, told, strict=False))
        if source == "admin_session_notes":
            facts["edits"] = order
        yield Happening(
            kind=kind,
            source=source,
            at=at,
            order=facts.get("seq") or (order if source == "session_audit_log" else 0),
            actor_id=actor_id,
            actor_name=names.get(actor_id) if actor_id else None,
            actor_role=role,
            request_id=facts.get("request_id"),
            facts=facts,
        )


def story_parts(session_id: Any) -> list[Select[Any]]:
    """The parts of a statement that reads what happened to a session, each table's newest first."""
    return [_part(source, session_id) for source in _TABLES]


def _part(source: str, session_id: Any) -> Select[Any]:
    _, table, time, actor, names = _TABLES[source]
    extra: Any = null()
    if source == "session_audit_log":
        extra = table.number
    if source == "admin_session_notes":
        extra = select(func.count()).where(NoteHistory.note_id == table.id).scalar_subquery()
    return (
        part(
            source,
            [*(getattr(table, name) for name in names), extra],
            at=getattr(table, time),
            actor=getattr(table, actor) if actor else None,
            role=table.actor_role if source in _ROLES else None,
        )
        .where(table.session_id == session_id)
        .order_by(getattr(table, time).desc())
        .limit(literal_column(str(_MOST)))
    )


def _from_money(money: SessionMoney) -> Iterable[Happening]:
    for payment in money.payments:
        facts = {
            "reference": payment.reference, "gateway": payment.gateway, "status": payment.status.value,
            "minor": payment.amount_minor + payment.credit_minor, "currency": payment.currency,
            "flagged_reason": payment.flagged_reason,
        }  # fmt: skip
        yield Happening(kind=Kind.MONEY, source="payment_started", at=payment.created_at, facts=facts)
        if payment.succeeded_at:
            yield Happening(kind=Kind.MONEY, source="payment_succeeded", at=payment.succeeded_at, order=1, facts=facts)
    for refund in money.refunds:
        facts = {
            "id": refund.id, "status": refund.status.value, "type": refund.type.value, "reason": refund.reason,
            "minor": refund.amount_minor, "currency": refund.currency, "error": refund.error,
        }  # fmt: skip
        yield Happening(
            kind=Kind.MONEY, source="refund_requested", at=refund.created_at, order=1, actor_id=refund.requested_by,
            facts=facts,
        )  # fmt: skip
        if refund.processed_at:
            yield Happening(kind=Kind.MONEY, source="refund_processed", at=refund.processed_at, order=2, facts=facts)
    entries: dict[tuple[datetime, str], list[dict[str, Any]]] = {}
    for line in money.lines:
        posting = {"account": line.account.value, "minor": line.amount.minor, "currency": line.amount.currency}
        entries.setdefault((line.at, line.event), []).append(posting)
    for (at, event), postings in entries.items():
        yield Happening(kind=Kind.MONEY, source="ledger", at=at, order=3, facts={"event": event, "postings": postings})


def _without_echoes(happened: list[Happening]) -> list[Happening]:
    """A staff act writes into both trails, a join into the log and the trail; the story tells each once."""
    joins = {(one.actor_id, one.at) for one in happened if one.kind is Kind.JOIN}
    acts = {
        (one.request_id, one.facts.get("new_status"))
        for one in happened
        if one.source == "admin_session_audit_trail" and one.facts.get("new_status")
    }
    return [
        one
        for one in happened
        if one.source != "session_audit_log"
        or (
            (one.request_id, one.facts.get("new_status")) not in acts
            and not (one.facts.get("action") == JOINED and (one.actor_id, one.at) in joins)
        )
    ]


def _with_reasons(happened: list[Happening]) -> list[Happening]:
    """A decision that was carried out stands with what it led to; one that was refused is a line of its own."""
    changes = {one.at for one in happened if one.source == "session_audit_log"}
    reasons = {
        one.at: one.facts
        for one in happened
        if one.kind is Kind.DECISION and one.facts["allowed"] and one.at in changes
    }
    told = []
    for one in happened:
        if one.kind is Kind.DECISION and one.at in reasons and one.facts["allowed"]:
            continue
        is_change = one.source == "session_audit_log" and one.at in reasons
        told.append(replace(one, why=reasons[one.at]) if is_change else one)
    return told
