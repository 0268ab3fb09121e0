"""The two audit tables, written in the transaction of the change they tell of (SM-3, AUD).

A staff act's row is chained to the one before it by a hash. Rows are appended at the very end of the transaction under
one advisory lock, so that the lock is held for the commit only and is always the last one taken.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, CursorResult, Select, bindparam, func, insert, select

from app.domain.context import Context
from app.extensions import db
from app.foundation.live import something_changed
from app.foundation.transaction import before_commit, in_transaction
from app.models import AdminAuditTrail, MentoringSession, SessionAuditLog

_CHAIN_LOCK = 7_201_001
GENESIS = "0" * 64
_BATCH = 5_000

_HASHED = (
    "seq", "id", "admin_id", "actor_role", "session_id", "subject_type", "subject_id", "action", "previous_status",
    "new_status", "reason", "details", "request_id", "ip_address", "user_agent", "created_at",
)  # fmt: skip


def record(
    session: MentoringSession,
    *,
    action: str,
    ctx: Context,
    reason_category: str | None = None,
    reason_details: str | None = None,
    previous_status: str | None = None,
    new_status: str | None = None,
    previous_scheduled_at: datetime | None = None,
    new_scheduled_at: datetime | None = None,
    policy_snapshot: Mapping[str, Any] | None = None,
    details: Mapping[str, Any] | None = None,
) -> SessionAuditLog:
    """This function will write the row of ``session_audit_log`` that tells of one thing that happened to a session."""
    row = SessionAuditLog(
        session_id=session.id,
        user_id=ctx.actor.user_id,
        actor_role=ctx.actor.kind,
        action=action,
        reason_category=reason_category,
        reason_details=reason_details,
        previous_status=previous_status,
        new_status=new_status,
        previous_scheduled_at=previous_scheduled_at,
        new_scheduled_at=new_scheduled_at,
        policy_snapshot=plain(policy_snapshot or {}),
        details=plain(details or {}),
        request_id=ctx.request_id,
        ip_address=ctx.ip_address,
        user_agent=ctx.user_agent,
        created_at=ctx.now,
    )
    db.session.add(row)
    something_changed()
    return row


def record_for_each(
    session_ids: Select[Any], *, action: str, ctx: Context, details: Mapping[str, Any] | None = None
) -> int:
    """This function will write the same row for many sessions in one statement, and give how many those are."""
    row = {
        "id": func.gen_random_uuid(),
        "user_id": ctx.actor.user_id,
        "actor_role": ctx.actor.kind,
        "action": action,
        "policy_snapshot": {},
        "details": plain(details or {}),
        "request_id": ctx.request_id,
        "ip_address": ctx.ip_address,
        "user_agent": ctx.user_agent,
        "created_at": ctx.now,
    }
    columns = SessionAuditLog.__table__.c
    values = [
        value if isinstance(value, ColumnElement) else bindparam(None, value, type_=columns[name].type)
        for name, value in row.items()
    ]
    statement = insert(SessionAuditLog).from_select(["session_id", *row], session_ids.add_columns(*values))
    written = db.session.execute(statement, execution_options={"preserve_rowcount": True})
    something_changed()
    return cast("CursorResult[Any]", written).rowcount


def record_staff_act(
    *,
    action: str,
    reason: str,
    ctx: Context,
    subject_type: str,
    subject_id: UUID | str | None,
    session_id: UUID | None = None,
    previous_status: str | None = None,
    new_status: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> UUID:
    """This function will append one row to the staff audit trail when the open transaction commits, and give its id.

    :raises RuntimeError: outside a transaction; an act and its row must stand or fall together
    """
    if not in_transaction():
        message = "A staff act is recorded in the transaction that performs it (SM-3)"
        raise RuntimeError(message)
    row = AdminAuditTrail(
        id=uuid4(),
        admin_id=ctx.actor.user_id,
        actor_role=ctx.actor.kind,
        session_id=session_id,
        subject_type=subject_type,
        subject_id=str(subject_id) if subject_id is not None else None,
        action=action,
        previous_status=previous_status,
        new_status=new_status,
        reason=reason,
        details=plain(details or {}),
        request_id=ctx.request_id,
        ip_address=ctx.ip_address,
        user_agent=ctx.user_agent,
        created_at=ctx.now,
    )
    before_commit(lambda: _append(row))
    return row.id


def _append(row: AdminAuditTrail) -> None:
    db.session.execute(select(func.pg_advisory_xact_lock(_CHAIN_LOCK)))
    last = head_of_chain()
    row.seq, row.previous_hash = last.seq + 1, last.hash
    row.hash = chain_hash(row.previous_hash, row)
    db.session.add(row)
    db.session.flush()  # the next row of this transaction reads this one's hash


def chain_hash(previous_hash: str, row: Any) -> str:
    """SHA-256 over the hash before it and the row's content in one canonical form (AUD-3)."""
    content = {name: _canonical(getattr(row, name)) for name in _HASHED}
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(f"{previous_hash}\n{text}".encode()).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, UUID):
        return str(value)
    return value


def plain(value: Any) -> Any:
    """``value`` as JSON will give it back, so that a hash taken now fits the row read later."""
    return json.loads(json.dumps(value, default=_as_text, sort_keys=True))


def _as_text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, set | frozenset):
        return sorted(str(item) for item in value)
    return str(value)


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What verifying the chain found. ``first_bad_seq`` is None when every link fits.

    :param rows: how far it fits
    :param is_whole: whether the end of the chain was reached; a part of it stops before
    """

    rows: int
    head_hash: str
    first_bad_seq: int | None = None
    problem: str | None = None
    is_whole: bool = True

    @property
    def is_intact(self) -> bool:
        return self.first_bad_seq is None


@dataclass(frozen=True, slots=True)
class Head:
    """The newest row of the chain; ``seq`` is 0 when there is none."""

    seq: int
    hash: str


def head_of_chain() -> Head:
    """This function will read the newest row of the staff audit trail."""
    last = db.session.execute(
        select(AdminAuditTrail.seq, AdminAuditTrail.hash).order_by(AdminAuditTrail.seq.desc()).limit(1)
    ).first()
    return Head(last.seq, last.hash) if last else Head(0, GENESIS)


def hash_at(seq: int) -> str | None:
    """The hash of one row; None when there is no such row."""
    if seq == 0:
        return GENESIS
    return db.session.scalar(select(AdminAuditTrail.hash).where(AdminAuditTrail.seq == seq))


def hashes_at(seqs: Collection[int]) -> dict[int, str]:
    """The hashes of these rows, as far as they exist."""
    rows = db.session.execute(select(AdminAuditTrail.seq, AdminAuditTrail.hash).where(AdminAuditTrail.seq.in_(seqs)))
    return {row.seq: row.hash for row in rows}


def verify_chain(*, after: int = 0, at_most: int | None = None) -> ChainReport:
    """This function will walk every link of the staff audit trail and name the first row that does not fit (AUD-3).

    :param after: begin behind this row, which is trusted
    :param at_most: stop after about so many rows; None walks to the end
    """
    seen, previous = after, hash_at(after)
    if previous is None:
        return ChainReport(0, GENESIS, after, "it is gone")
    stop = None if at_most is None else after + at_most
    while stop is None or seen < stop:
        rows = db.session.execute(_LINKS, {"seen": seen}).all()
        for row in rows:
            problem = _problem(row, seen + 1, previous)
            if problem:
                return ChainReport(seen, previous, row.seq, problem)
            seen, previous = row.seq, row.hash
        if len(rows) < _BATCH:
            return ChainReport(seen, previous)
    return ChainReport(seen, previous, is_whole=False)


# Plain values: two million rows as objects would take minutes longer.
_LINKS = (
    select(*(getattr(AdminAuditTrail, name) for name in _HASHED), AdminAuditTrail.previous_hash, AdminAuditTrail.hash)
    .where(AdminAuditTrail.seq > bindparam("seen"))
    .order_by(AdminAuditTrail.seq)
    .limit(_BATCH)
)


def _problem(row: Any, expected_seq: int, previous: str) -> str | None:
    if row.seq != expected_seq:
        return f"rows {expected_seq} to {row.seq - 1} are missing"
    if row.previous_hash != previous:
        return "it does not continue the row before it"
    if row.hash != chain_hash(previous, row):
        return "its content was changed"
    return None
