"""One session with all that is on record about it, and staff's notes on it (SD-1, ACT-7)."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from app.api.admin_case_answers import CaseTold, StaffNotesTold, StaffNoteTold, told_case, told_note
from app.api.fields import Given
from app.api.schema import api, idempotency_key
from app.domain.permissions import Permission
from app.extensions import db
from app.foundation.idempotency import once
from app.http.context import current_context
from app.models import AdminSessionNote
from app.support.case_record import read_notes, read_record
from app.support.notes import LONGEST_NOTE, add_note
from app.support.session_list import names_of

TAG = "Staff"
ONE = "/admin/sessions/<uuid:session_id>"


class NewStaffNote(Given):
    note: str = Field(min_length=1, max_length=LONGEST_NOTE, examples=["Called the mentor, who is on the way."])


@api.declare("GET", ONE, tag=TAG, summary="One session as a case", needs=Permission.SESSION_VIEW, answer=CaseTold)
def admin_session(session_id: UUID) -> CaseTold:
    return told_case(read_record(session_id, ctx=current_context()))


@api.declare(
    "GET",
    f"{ONE}/notes",
    tag=TAG,
    summary="Internal notes on a session",
    needs=Permission.NOTE_VIEW,
    answer=StaffNotesTold,
)
def admin_notes(session_id: UUID) -> StaffNotesTold:
    rows = read_notes(session_id, ctx=current_context())
    names = names_of(list({row.admin_id for row in rows}))
    return StaffNotesTold(notes=[told_note(row, names) for row in rows])


@api.declare(
    "POST",
    f"{ONE}/notes",
    tag=TAG,
    summary="Add an internal note",
    needs=Permission.NOTE_ADD,
    body=NewStaffNote,
    answer=StaffNoteTold,
    status=201,
    is_idempotent=True,
)
def add_admin_note(session_id: UUID, body: NewStaffNote) -> StaffNoteTold:
    ctx = current_context()

    def run() -> dict[str, object]:
        return {"id": add_note(session_id, note=body.note, ctx=ctx).id}

    result, _ = once(idempotency_key(), scope=f"staff note {session_id}", body=body.model_dump(), ctx=ctx, run=run)
    row = db.session.get_one(AdminSessionNote, UUID(result["id"]))
    return told_note(row, names_of([row.admin_id]))
