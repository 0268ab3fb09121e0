"""Reading a session's chat for support: only with a reason, which is kept (CH-2, AUD-4)."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from app.booking.access import load_session_for
from app.domain.context import Context
from app.domain.permissions import Permission
from app.foundation.audit import record_staff_act
from app.foundation.transaction import transaction
from app.messaging.chat import ChatLine, lines_of
from app.models import MentoringSession
from app.support.staff_acts import clean_reason, require_staff_for

ACTION = "ADMIN_CHAT_VIEWED"
_MOST = 2_000


def require_reader(session_id: UUID, *, ctx: Context) -> MentoringSession:
    """The session whose chat this person may read, once a reason is given.

    :raises NotFound: there is no such session
    :raises Forbidden: the role may not read chats, or it is the person's own case
    """
    session = load_session_for(ctx, session_id)
    require_staff_for(session, Permission.CHAT_READ, ctx)
    return session


def read_chat(session_id: UUID, *, reason: str, ctx: Context) -> Sequence[ChatLine]:
    """This function will give a session's chat in the order of writing, and record who read it and why.

    It marks nothing as read for the parties.

    :raises NotFound: as ``require_reader``, and so is ``Forbidden``
    :raises Invalid: when the reason has fewer than 3 or more than 1,000 characters
    """
    with transaction():
        session = require_reader(session_id, ctx=ctx)
        text = clean_reason(reason)
        lines = lines_of(session.id, limit=_MOST).lines
        record_staff_act(
            action=ACTION,
            reason=text,
            ctx=ctx,
            subject_type="chat",
            subject_id=session.id,
            session_id=session.id,
            details={"messages": len(lines), "last": lines[-1].number if lines else None},
        )
    return lines
