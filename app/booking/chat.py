"""Writing to the other party, and reading what was written (CH-1)."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from app.booking.access import load_for_change, load_session_for
from app.booking.cancel import party_of
from app.domain.chatting import ChatFacts, decide_chat, decide_message
from app.domain.context import Context
from app.domain.decision import Decision
from app.domain.permissions import Permission, require
from app.domain.vocabulary import Party, SessionStatus
from app.extensions import db
from app.foundation.transaction import transaction
from app.messaging.chat import MOST, ChatPage, lines_of, mark_lines_read, store_message
from app.models import MentoringSession, Message, SessionAuditLog


def decide_for(session: MentoringSession, ctx: Context) -> Decision:
    """Whether its parties may write now: what the page shows and the action obeys."""
    return decide_chat(_facts(session), ctx.now)


def write_message(session_id: UUID, *, body: str, ctx: Context) -> Message:
    """This function will send a message to the other party, who is told once for all that is unread.

    Writing also marks what the writer had before the eyes as read.

    :raises NotFound: for those who may not know of the session, a former mentor among them
    :raises Forbidden: staff, who are no party
    :raises Conflict: ``chat_not_open`` or ``chat_closed``
    :raises Invalid: an empty or too long text
    """
    require(ctx.actor, Permission.OWN_CHAT_WRITE)
    text = body.replace("\0", "").replace("\r\n", "\n").strip()
    with transaction():
        session = load_for_change(ctx, session_id)
        party_of(session, ctx)
        decide_for(session, ctx).require()
        decide_message(text).require()
        if ctx.actor.user_id is not None:
            mark_lines_read(session.id, ctx.actor.user_id, ctx=ctx)
        return store_message(session, body=text, ctx=ctx)


def read_messages(session_id: UUID, *, ctx: Context, limit: int = 50, before: int | None = None) -> ChatPage:
    """The conversation as the signed-in party may read it; a mentor who came later sees nothing of the time before.

    :raises NotFound: for those who may not know of the session
    :raises Forbidden: staff, who read with a reason (CH-2)
    """
    return conversation(load_session_for(ctx, session_id), limit=limit, before=before, ctx=ctx)


def conversation(session: MentoringSession, *, ctx: Context, limit: int = 50, before: int | None = None) -> ChatPage:
    """The same of a session that was loaded for this reader.

    :raises Forbidden: as ``read_messages``
    """
    require(ctx.actor, Permission.OWN_CHAT_WRITE)
    party = party_of(session, ctx)
    since = session.reassigned_at if party is Party.MENTOR else None
    return lines_of(session.id, limit=min(limit, MOST), before=before, since=since)


def mark_chat_read(session_id: UUID, *, ctx: Context) -> int:
    """This function will mark everything that the other party wrote as read, and give how much that was.

    :raises NotFound: as ``read_messages``, and so is ``Forbidden``
    """
    require(ctx.actor, Permission.OWN_CHAT_WRITE)
    with transaction():
        session = load_session_for(ctx, session_id)
        party_of(session, ctx)
        assert ctx.actor.user_id is not None  # a party has an account
        return mark_lines_read(session.id, ctx.actor.user_id, ctx=ctx)


def _facts(session: MentoringSession) -> ChatFacts:
    is_cancelled = session.status is SessionStatus.CANCELLED
    planned_end = session.scheduled_at + timedelta(minutes=session.duration) if session.scheduled_at else None
    return ChatFacts(
        status=session.status,
        was_accepted=is_cancelled and _was_scheduled(session.id),
        over_at=session.cancelled_at if is_cancelled else session.ended_at or planned_end,
    )


def _was_scheduled(session_id: UUID) -> bool:
    found = db.session.scalar(
        select(SessionAuditLog.id)
        .where(SessionAuditLog.session_id == session_id, SessionAuditLog.new_status == SessionStatus.SCHEDULED)
        .limit(1)
    )
    return found is not None
