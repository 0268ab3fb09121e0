"""A party's own notes on a booking, and the mentor's summary (RV-2)."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from pydantic import Field

from app.api.bookings import TAG
from app.api.fields import Given, Instant, Told
from app.api.schema import api, idempotency_key
from app.booking.notes import add_own_note, read_notes, send_summary
from app.domain.errors import Invalid
from app.domain.notes import ITEM_MAX, ITEMS_MAX, NOTE_MAX
from app.domain.permissions import Permission
from app.foundation.idempotency import once
from app.http.context import current_context
from app.models import SessionNote


class NoteKind(StrEnum):
    PRIVATE = "private"
    SUMMARY = "summary"


class NewNote(Given):
    body: str = Field(min_length=1, max_length=NOTE_MAX, examples=["Ask about the second interview."])
    kind: NoteKind = Field(NoteKind.PRIVATE, description="`summary`: the mentor's, after the end.")
    action_items: list[str] = Field(
        [], max_length=ITEMS_MAX, description=f"With a summary: what to do next, up to {ITEM_MAX} characters each."
    )


class NoteTold(Told):
    id: UUID
    body: str
    created_at: Instant
    updated_at: Instant


class SummaryTold(NoteTold):
    action_items: list[str]


class NotesTold(Told):
    notes: list[NoteTold] = Field(description="Your own; nobody else ever reads them.")
    summary: SummaryTold | None = Field(description="The mentor's, once it was sent.")


class NoteKept(Told):
    id: UUID
    kind: NoteKind


@api.declare(
    "GET",
    "/bookings/<uuid:session_id>/notes",
    tag=TAG,
    summary="Your notes",
    needs=Permission.OWN_NOTE_WRITE,
    answer=NotesTold,
)
def list_notes(session_id: UUID) -> NotesTold:
    found = read_notes(session_id, ctx=current_context())
    summary = found.summary
    return NotesTold(
        notes=[NoteTold(**_columns(row)) for row in found.own],
        summary=SummaryTold(**_columns(summary), action_items=list(summary.action_items)) if summary else None,
    )


@api.declare(
    "POST",
    "/bookings/<uuid:session_id>/notes",
    tag=TAG,
    summary="Add a note",
    needs=Permission.OWN_NOTE_WRITE,
    body=NewNote,
    answer=NoteKept,
    status=201,
    is_idempotent=True,
    refusals={403: "`forbidden`: a summary is the mentor's to write", 409: "`not_over`: a summary comes after the end"},
)
def add_note(session_id: UUID, body: NewNote) -> NoteKept:
    """A private note, or as its mentor the summary; a second summary changes the first."""
    ctx = current_context()
    if body.action_items and body.kind is not NoteKind.SUMMARY:
        message = "Only a summary has action items."
        raise Invalid(message, fields={"action_items": message})

    def run() -> dict[str, object]:
        if body.kind is NoteKind.SUMMARY:
            return {"id": send_summary(session_id, body=body.body, action_items=body.action_items, ctx=ctx).id}
        return {"id": add_own_note(session_id, body=body.body, ctx=ctx).id}

    result, _ = once(idempotency_key(), scope=f"note {session_id}", body=body.model_dump(mode="json"), ctx=ctx, run=run)
    return NoteKept(id=UUID(result["id"]), kind=body.kind)


def _columns(row: SessionNote) -> dict[str, object]:
    return {"id": row.id, "body": row.body, "created_at": row.created_at, "updated_at": row.updated_at}
