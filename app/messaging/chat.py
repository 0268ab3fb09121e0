"""The lines of a session's chat as rows: written, paged, counted, marked as read (CH-1).

Who may read and write is asked above (``booking.chat``, ``support.read_chat``).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, func, or_, select, update

from app.domain.context import Context
from app.domain.vocabulary import NotificationType
from app.extensions import db
from app.foundation.live import something_changed
from app.messaging import links
from app.messaging.kinds import KINDS
from app.messaging.notify import notify
from app.models import MentoringSession, Message, Notification, User

MOST: Final = 100
_TYPE: Final = NotificationType.MESSAGE_RECEIVED
_PREVIEW: Final = 120


@dataclass(frozen=True, slots=True)
class ChatLine:
    """One message. ``number`` is its place, and a cursor."""

    id: UUID
    number: int
    sender_id: UUID
    sender: str
    body: str
    at: datetime
    is_read: bool


@dataclass(frozen=True, slots=True)
class ChatPage:
    """Lines in the order of writing; ``earlier`` is the cursor of the page before, None at the beginning."""

    lines: Sequence[ChatLine]
    earlier: int | None


def lines_of(session_id: UUID, *, limit: int, before: int | None = None, since: datetime | None = None) -> ChatPage:
    """The last lines, or the last before a cursor.

    :param since: nothing older is given, to a mentor who came later
    """
    question = (
        select(
            Message.id, Message.number, Message.sender_id, User.name, Message.body, Message.created_at,
            Message.read_at.is_not(None),
        )
        .join(User, User.id == Message.sender_id)
        .where(Message.session_id == session_id)
        .order_by(Message.number.desc())
        .limit(limit + 1)
    )  # fmt: skip
    if before is not None:
        question = question.where(Message.number < before)
    if since is not None:
        question = question.where(Message.created_at >= since)
    found = [ChatLine(*row) for row in db.session.execute(question)]
    shown = found[:limit]
    return ChatPage(shown[::-1], shown[-1].number if len(found) > limit else None)


def store_message(session: MentoringSession, *, body: str, ctx: Context) -> Message:
    """This function will write one line and tell the other party, once for all that it has not read (CH-1)."""
    writer, reader = session.mentee, session.mentor
    if ctx.actor.user_id == session.mentor_id:
        writer, reader = session.mentor, session.mentee
    row = Message(id=uuid4(), session_id=session.id, sender_id=writer.id, body=body, created_at=ctx.now)
    db.session.add(row)
    if not _is_told(session.id, reader.id):
        short = " ".join(body.split())
        notify(
            reader.id,
            _TYPE,
            title=KINDS[_TYPE].title,
            body=f"{writer.name}: {short if len(short) <= _PREVIEW else short[: _PREVIEW - 1] + '…'}",
            action_url=f"{links.session_page(session.id)}#chat",
            session_id=session.id,
            ctx=ctx,
        )
    something_changed()
    db.session.flush()
    return row


def mark_lines_read(session_id: UUID, reader_id: UUID, *, ctx: Context) -> int:
    """This function will mark what the other party wrote, and the notification of it, as read; gives how many lines."""
    changed = db.session.execute(
        update(Message)
        .where(Message.session_id == session_id, Message.sender_id != reader_id, Message.read_at.is_(None))
        .values(read_at=ctx.now)
        .returning(Message.id)
    ).all()
    db.session.execute(
        update(Notification)
        .where(*_untold(session_id, reader_id))
        .values(read_at=ctx.now)
        .execution_options(synchronize_session=False)
    )
    return len(changed)


def unread_lines(session_ids: Collection[UUID], reader_id: UUID | None) -> dict[UUID, int]:
    """How many lines of the other party this reader has not read, by session; one statement."""
    if not session_ids or reader_id is None:
        return {}
    session = MentoringSession
    is_for_reader = or_(
        session.mentor_id != reader_id,
        session.reassigned_at.is_(None),
        Message.created_at >= session.reassigned_at,
    )
    rows = db.session.execute(
        select(Message.session_id, func.count().label("number"))
        .join(session, session.id == Message.session_id)
        .where(
            Message.session_id.in_(list(session_ids)),
            Message.sender_id != reader_id,
            Message.read_at.is_(None),
            is_for_reader,
        )
        .group_by(Message.session_id)
    )
    return {row.session_id: row.number for row in rows}


def _is_told(session_id: UUID, reader_id: UUID) -> bool:
    return db.session.scalar(select(Notification.id).where(*_untold(session_id, reader_id)).limit(1)) is not None


def _untold(session_id: UUID, reader_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return (
        Notification.user_id == reader_id,
        Notification.session_id == session_id,
        Notification.type == _TYPE,
        Notification.read_at.is_(None),
    )
