"""Internal notes on a session (ACT-7): never shown to the parties, and an edit keeps what stood there before."""

from __future__ import annotations

from uuid import UUID, uuid4

from sqlalchemy import select

from app.booking.access import load_session_for
from app.domain.context import Context
from app.domain.errors import Forbidden, Invalid, NotFound, StaleVersion
from app.domain.permissions import Permission, require
from app.extensions import db
from app.foundation.audit import record_staff_act
from app.foundation.transaction import transaction
from app.models import AdminSessionNote, NoteHistory

LONGEST_NOTE = 5_000
_PREVIEW = 100


def add_note(session_id: UUID, *, note: str, ctx: Context) -> AdminSessionNote:
    """This function will put a note on a session, with its row in the staff audit trail.

    :raises NotFound: there is no such session
    :raises Forbidden: the role may not write notes
    :raises Invalid: the note is empty or longer than 5,000 characters
    """
    require(ctx.actor, Permission.NOTE_ADD)
    text = _checked(note)
    assert ctx.actor.user_id is not None
    with transaction():
        session = load_session_for(ctx, session_id)
        row = AdminSessionNote(
            id=uuid4(), session_id=session.id, admin_id=ctx.actor.user_id, note=text, created_at=ctx.now,
            updated_at=ctx.now,
        )  # fmt: skip
        db.session.add(row)
        _record(row, "ADMIN_NOTE_ADDED", ctx)
    return row


def edit_note(note_id: UUID, *, note: str, seen: str, ctx: Context) -> AdminSessionNote:
    """This function will replace one's own note; what stood there before is kept.

    :param seen: ``updated_at`` as ISO text when the editor opened it
    :raises NotFound: there is no such note
    :raises Forbidden: it is a colleague's
    :raises StaleVersion: it was edited on another screen meanwhile
    :raises Invalid: as ``add_note``
    """
    require(ctx.actor, Permission.NOTE_ADD)
    text = _checked(note)
    with transaction():
        row = db.session.scalars(
            select(AdminSessionNote)
            .where(AdminSessionNote.id == note_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).one_or_none()
        if row is None:
            raise NotFound
        if row.admin_id != ctx.actor.user_id:
            raise Forbidden("Only its author can edit a note. Add one of your own instead.")
        if row.updated_at.isoformat() != seen:
            raise StaleVersion("This note was edited on another screen meanwhile. Reload the page.")
        if row.note == text:
            return row
        db.session.add(
            NoteHistory(id=uuid4(), note_id=row.id, note=row.note, edited_by=row.admin_id, created_at=ctx.now)
        )
        row.note, row.updated_at = text, ctx.now
        _record(row, "ADMIN_NOTE_EDITED", ctx)
    return row


def _checked(note: str) -> str:
    text = note.replace("\0", "").replace("\r\n", "\n").strip()
    if not 1 <= len(text) <= LONGEST_NOTE:
        message = f"A note has 1 to {LONGEST_NOTE:,} characters."
        raise Invalid(message, fields={"note": message})
    return text


def _record(row: AdminSessionNote, action: str, ctx: Context) -> None:
    record_staff_act(
        action=action,
        reason="Internal note",
        ctx=ctx,
        subject_type="note",
        subject_id=row.id,
        session_id=row.session_id,
        details={"notePreview": row.note[:_PREVIEW]},
    )
