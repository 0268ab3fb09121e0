"""The chat on the session's page: sending and marking as read; the page itself shows it (CH-1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Blueprint, Response, redirect, request, url_for

from app.booking.chat import conversation, decide_for, mark_chat_read, write_message
from app.domain.chatting import MESSAGE_MAX
from app.domain.context import Context
from app.domain.errors import Conflict, DomainError, Invalid
from app.domain.permissions import Permission
from app.foundation.idempotency import once
from app.http.context import current_context
from app.http.errors import STATUS, refused
from app.http.limits import limit_chat
from app.http.login import requires

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.models import MentoringSession

bp = Blueprint("chat", __name__)

_LINES = 50


def chat_of(session: MentoringSession, *, ctx: Context) -> dict[str, Any]:
    """What the page's section shows; its address may name a place with ``before``."""
    asked = request.args.get("before", "")
    before = int(asked) if asked.isdecimal() and len(asked) < 18 else None
    page = conversation(session, limit=_LINES, before=before, ctx=ctx)
    decision = decide_for(session, ctx)
    return {
        "page": page,
        "decision": decision,
        "most": MESSAGE_MAX,
        "is_past": before is not None,
        "is_shown": decision.allowed or bool(page.lines),
    }


@bp.post("/sessions/<uuid:session_id>/messages")
@requires(Permission.OWN_CHAT_WRITE)
@limit_chat
def send(session_id: UUID) -> ResponseReturnValue:
    ctx, body = current_context(), request.form.get("body", "")
    back = url_for("sessions.page", session_id=session_id, _anchor="chat")

    def run() -> dict[str, object]:
        return {"id": write_message(session_id, body=body, ctx=ctx).id}

    # The form's own key: sent twice, it is written once.
    key = request.form.get("key", "")[:64] or None
    try:
        once(key, scope=f"message {session_id}", body={"body": body}, ctx=ctx, run=run)
    except (Conflict, Invalid) as error:
        return _plain(error) if request.headers.get("X-Requested-With") == "chat" else refused(error, back)
    return redirect(back, 303)


@bp.post("/sessions/<uuid:session_id>/messages/read")
@requires(Permission.OWN_CHAT_WRITE)
def read(session_id: UUID) -> ResponseReturnValue:
    mark_chat_read(session_id, ctx=current_context())
    return redirect(url_for("sessions.page", session_id=session_id, _anchor="chat"), 303)


def _plain(error: DomainError) -> Response:
    """For the page's script, which keeps the text in its box."""
    status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 400)
    return Response(error.message, status=status, mimetype="text/plain")
