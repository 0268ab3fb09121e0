"""The chat of a booking's two parties (CH-1)."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from app.api.bookings import TAG
from app.api.fields import Given, Instant, Told, Whole
from app.api.schema import api, idempotency_key
from app.booking.chat import mark_chat_read, read_messages, write_message
from app.domain.chatting import MESSAGE_MAX
from app.domain.permissions import Permission
from app.foundation.idempotency import once
from app.http.context import current_context
from app.http.limits import limit_chat
from app.messaging.chat import MOST, ChatLine


class WhichMessages(Given):
    before: Whole | None = Field(None, ge=1, description="`earlier` of the answer before: the page before that one.")
    limit: Whole = Field(50, ge=1, le=MOST, description="How many.")


class NewMessage(Given):
    body: str = Field(min_length=1, max_length=MESSAGE_MAX, examples=["See you on Thursday."])


class MessageTold(Told):
    id: UUID
    sender_id: UUID
    is_mine: bool
    body: str = Field(description="Plain text.")
    sent_at: Instant
    is_read: bool = Field(description="By the one to whom it was written.")


class Conversation(Told):
    messages: list[MessageTold] = Field(description="In the order of writing.")
    earlier: int | None = Field(description="Give it back as `before`; null at the beginning.")


class MessageSent(Told):
    id: UUID
    sent_at: Instant


class ReadNow(Told):
    marked: int = Field(description="How many had not been read before.")


@api.declare(
    "GET",
    "/bookings/<uuid:session_id>/messages",
    tag=TAG,
    summary="The conversation",
    needs=Permission.OWN_CHAT_WRITE,
    query=WhichMessages,
    answer=Conversation,
)
def list_messages(session_id: UUID, query: WhichMessages) -> Conversation:
    """The latest messages. Reading marks nothing as read. A mentor who came later does not see what was before."""
    ctx = current_context()
    page = read_messages(session_id, limit=query.limit, before=query.before, ctx=ctx)
    return Conversation(messages=[_told(line, ctx.actor.user_id) for line in page.lines], earlier=page.earlier)


@api.declare(
    "POST",
    "/bookings/<uuid:session_id>/messages",
    tag=TAG,
    summary="Write to the other party",
    needs=Permission.OWN_CHAT_WRITE,
    body=NewMessage,
    answer=MessageSent,
    status=201,
    is_idempotent=True,
    limit=limit_chat,
    refusals={409: "`chat_not_open`: it is not confirmed yet; `chat_closed`: seven days have passed; `busy`"},
)
def send_message(session_id: UUID, body: NewMessage) -> MessageSent:
    """From acceptance or payment until seven days after the end. Support can read it with a reason, which is kept."""
    ctx = current_context()

    def run() -> dict[str, object]:
        row = write_message(session_id, body=body.body, ctx=ctx)
        return {"id": row.id, "sent_at": row.created_at}

    result, _ = once(
        idempotency_key(), scope=f"message {session_id}", body=body.model_dump(mode="json"), ctx=ctx, run=run
    )
    return MessageSent.model_validate(result)


@api.declare(
    "POST",
    "/bookings/<uuid:session_id>/messages/read",
    tag=TAG,
    summary="Mark the conversation as read",
    needs=Permission.OWN_CHAT_WRITE,
    answer=ReadNow,
)
def read_conversation(session_id: UUID) -> ReadNow:
    return ReadNow(marked=mark_chat_read(session_id, ctx=current_context()))


def _told(line: ChatLine, reader: UUID | None) -> MessageTold:
    return MessageTold(
        id=line.id,
        sender_id=line.sender_id,
        is_mine=line.sender_id == reader,
        body=line.body,
        sent_at=line.at,
        is_read=line.is_read,
    )
