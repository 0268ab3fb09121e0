"""Private notes of each party, and the mentor's summary, which the mentee sees (RV-2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, or_, select

from app.booking.access import load_for_change, load_session_for
from app.booking.announce import tell
from app.booking.cancel import party_of
from app.domain.context import Context
from app.domain.decision import Decision
from app.domain.errors import Forbidden, NotFound
from app.domain.notes import decide_note, decide_summary
from app.domain.permissions import Permission, require
from app.domain.vocabulary import NotificationType, Party
from app.extensions import db
from app.foundation import audit
from app.foundation.transaction import transaction
from app.models import MentoringSession, SessionNote

_MOST = 200


@dataclass(frozen=True, slots=True)
class Notes:
    """What one party reads: the own notes, oldest first, and the mentor's summary."""

    own: Sequence[SessionNote]
    summary: SessionNote | None


def notes_for(session: MentoringSession, *, ctx: Context) -> Notes:
    """The notes of a session that was loaded for this reader; one statement.

    :raises Forbidden: staff, who are no party: notes are private
    """
    require(ctx.actor, Permission.OWN_NOTE_WRITE)
    party_of(session, ctx)
    rows = db.session.scalars(
        select(SessionNote)
        .where(
            SessionNote.session_id == session.id,
            or_(SessionNote.author_id == ctx.actor.user_id, SessionNote.is_summary),
        )
        .order_by(SessionNote.created_at, SessionNote.id)
        .limit(_MOST)
        .execution_options(populate_existing=True)
    ).all()
    return Notes([row for row in rows if not row.is_summary], next((row for row in rows if row.is_summary), None))


def read_notes(session_id: UUID, *, ctx: Context) -> Notes:
    """The same by the session's id.

    :raises NotFound: for those who may not know of the session
    """
    return notes_for(load_session_for(ctx, session_id), ctx=ctx)


def decide_summary_for(session: MentoringSession, ctx: Context) -> Decision:
    """Whether its mentor can send a summary now."""
    ends_at = session.scheduled_at + timedelta(minutes=session.duration) if session.scheduled_at else None
    return decide_summary(status=session.status, ends_at=ends_at, now=ctx.now)


def add_own_note(session_id: UUID, *, body: str, ctx: Context) -> SessionNote:
    """This function will keep a note that only its author ever reads.

    :raises NotFound: for those who may not know of the session
    :raises Forbidden: staff, who are no party
    :raises Invalid: an empty or too long text
    """
    require(ctx.actor, Permission.OWN_NOTE_WRITE)
    text = _clean(body)
    with transaction():
        session = load_session_for(ctx, session_id)
        party_of(session, ctx)
        decide_note(text).require()
        row = SessionNote(
            id=uuid4(), session_id=session.id, author_id=ctx.actor.user_id, body=text, is_summary=False,
            created_at=ctx.now, updated_at=ctx.now,
        )  # fmt: skip
        db.session.add(row)
    return row


def change_own_note(session_id: UUID, note_id: UUID, *, body: str, ctx: Context) -> None:
    """This function will replace the text of one's own private note; an empty one removes it.

    :raises NotFound: there is no such note of this person's
    :raises Invalid: a text that is too long
    """
    require(ctx.actor, Permission.OWN_NOTE_WRITE)
    text = _clean(body)
    with transaction():
        session = load_session_for(ctx, session_id)
        mine = (SessionNote.id == note_id, SessionNote.session_id == session.id,
                SessionNote.author_id == ctx.actor.user_id, ~SessionNote.is_summary)  # fmt: skip
        row = db.session.scalars(select(SessionNote).where(*mine).with_for_update()).one_or_none()
        if row is None:
            raise NotFound
        if not text:
            db.session.execute(delete(SessionNote).where(SessionNote.id == row.id))
            return
        decide_note(text).require()
        row.body, row.updated_at = text, ctx.now


def send_summary(session_id: UUID, *, body: str, action_items: Sequence[str], ctx: Context) -> SessionNote:
    """This function will give the mentee the mentor's summary, or change it; the mentee is told of the first one.

    :raises NotFound: for those who may not know of the session
    :raises Forbidden: for anybody but its mentor
    :raises Conflict: ``not_over``: the session is not over yet
    :raises Invalid: naming the field
    """
    require(ctx.actor, Permission.OWN_NOTE_WRITE)
    text, items = _clean(body), [each for each in (" ".join(item.split()) for item in action_items) if each]
    with transaction():
        session = load_for_change(ctx, session_id)
        if party_of(session, ctx) is not Party.MENTOR:
            raise Forbidden("The summary is the mentor's to write.")
        decide_summary_for(session, ctx).require()
        decide_note(text, items).require()
        row = db.session.scalars(
            select(SessionNote).where(SessionNote.session_id == session.id, SessionNote.is_summary).with_for_update()
        ).one_or_none()
        is_new = row is None
        if row is None:
            row = SessionNote(
                id=uuid4(), session_id=session.id, author_id=session.mentor_id, is_summary=True, created_at=ctx.now
            )
            db.session.add(row)
        row.body, row.action_items, row.updated_at = text, items, ctx.now
        audit.record(session, action="summary_sent" if is_new else "summary_changed", ctx=ctx)
        if is_new:
            words = f"{session.mentor.name} sent you a summary of “{session.title}”."
            kind = NotificationType.MESSAGE_RECEIVED
            tell(session.mentee, kind, "Summary From Your Mentor", words, session=session, ctx=ctx)
    return row


def _clean(text: str) -> str:
    return text.replace("\0", "").replace("\r\n", "\n").strip()
