"""One case as a record: the session and every row that tells of it, for whoever goes on with it by program (SD-1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from app.booking.access import load_session_for
from app.domain.context import Context
from app.domain.disputes import OPEN_DISPUTES
from app.domain.permissions import Permission, may, require
from app.extensions import db
from app.models import (
    AdminAuditTrail,
    AdminSessionNote,
    MentoringSession,
    RescheduleRequest,
    SessionAuditLog,
    SessionDispute,
)
from app.support.session_list import names_of

# Of each kind; a case with more of them is read in the audit trail.
MOST: Final = 300
NOTE_ACTS: Final = frozenset({"ADMIN_NOTE_ADDED", "ADMIN_NOTE_EDITED"})


def permission_to_read(action: str) -> Permission:
    """What it takes to read the row of an act: notes and disputes are not everybody's among staff (ADM-2)."""
    if action.startswith(("dispute_", "ADMIN_DISPUTE_", "ADMIN_EVIDENCE_")):
        return Permission.DISPUTE_VIEW
    return Permission.NOTE_VIEW if action in NOTE_ACTS else Permission.SESSION_VIEW


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRecord:
    """A session with the newest rows of each kind; None where the reader's role does not read that kind.

    :param names: of everybody who stands in them
    """

    session: MentoringSession
    proposals: Sequence[RescheduleRequest]
    log: Sequence[SessionAuditLog]
    acts: Sequence[AdminAuditTrail]
    notes: Sequence[AdminSessionNote] | None
    disputes: Sequence[SessionDispute] | None
    names: dict[UUID, str]

    @property
    def dispute(self) -> SessionDispute | None:
        """The newest open one, else the newest."""
        found = self.disputes or ()
        return next((each for each in found if each.status in OPEN_DISPUTES), found[0] if found else None)


def read_record(session_id: UUID, *, ctx: Context) -> CaseRecord:
    """Gather a session's rows, newest first, at most ``MOST`` of each kind.

    :raises NotFound: there is no such session
    :raises Forbidden: the reader's role may not look
    """
    require(ctx.actor, Permission.SESSION_VIEW)
    session = load_session_for(ctx, session_id)
    role = ctx.actor.role
    proposals = _newest(RescheduleRequest, session_id, RescheduleRequest.id)
    log = _readable(_newest(SessionAuditLog, session_id, SessionAuditLog.number), ctx)
    acts = _readable(_newest(AdminAuditTrail, session_id, AdminAuditTrail.seq), ctx)
    notes = read_notes(session_id, ctx=ctx) if may(role, Permission.NOTE_VIEW) else None
    disputes = _newest(SessionDispute, session_id, SessionDispute.id) if may(role, Permission.DISPUTE_VIEW) else None
    people: set[UUID | None] = {
        *(each.initiator_id for each in proposals),
        *(each.user_id for each in log),
        *(each.admin_id for each in acts),
        *(each.admin_id for each in notes or ()),
        *(person for each in disputes or () for person in (each.reported_by, each.assigned_to)),
    }
    return CaseRecord(
        session=session,
        proposals=proposals,
        log=log,
        acts=acts,
        notes=notes,
        disputes=disputes,
        names=names_of(list(people)),
    )


def read_notes(session_id: UUID, *, ctx: Context) -> Sequence[AdminSessionNote]:
    """The internal notes on a session, newest first, at most ``MOST`` (ACT-7).

    :raises NotFound: there is no such session
    :raises Forbidden: the reader's role does not read notes
    """
    require(ctx.actor, Permission.NOTE_VIEW)
    load_session_for(ctx, session_id)
    found: Sequence[AdminSessionNote] = _newest(AdminSessionNote, session_id, AdminSessionNote.id)
    return found


def _newest(table: Any, session_id: UUID, then_by: Any) -> Any:
    question = select(table).where(table.session_id == session_id)
    return db.session.scalars(question.order_by(table.created_at.desc(), then_by.desc()).limit(MOST)).all()


def _readable(rows: Iterable[Any], ctx: Context) -> list[Any]:
    return [row for row in rows if may(ctx.actor.role, permission_to_read(row.action))]
