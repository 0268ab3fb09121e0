"""Reading the parties' conversation: a reason first, which is kept, then the messages (CH-2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.admin.snippets import reason_snippets
from app.domain.errors import Invalid
from app.domain.permissions import Permission, may, require
from app.http.context import current_actor, current_context
from app.models import MentoringSession
from app.support.read_chat import ACTION, read_chat, require_reader
from app.support.staff_acts import is_own_case

_REASONS = ("A party reported a problem", "Asked by one of the parties", "Payment outside the platform is suspected")


class ChatActs:
    """Part of the sessions view."""

    if TYPE_CHECKING:

        def render(self, template: str, **kwargs: Any) -> str: ...

    @expose("/<uuid:session_id>/chat", methods=("GET", "POST"))
    def chat(self, session_id: UUID) -> ResponseReturnValue:
        require(current_actor(), Permission.CHAT_READ)
        ctx = current_context()
        session = require_reader(session_id, ctx=ctx)
        reason, problem = request.form.get("reason", ""), ""
        if request.method == "POST":
            try:
                lines = read_chat(session_id, reason=reason, ctx=ctx)
            except Invalid as wrong:
                problem = wrong.message
            else:
                # Shown once, in answer to the reason; going back or reloading asks again.
                page = self.render("admin/cases/chat.html", session=session, lines=lines, reason=reason.strip())
                return page, 200, {"Cache-Control": "no-store"}
        html = self.render(
            "admin/cases/chat_reason.html",
            session=session,
            form_url=request.path,
            text=reason,
            problem=problem,
            snippets=reason_snippets(ACTION, otherwise=_REASONS),
            back_url=url_for("console_sessions.case", session_id=session_id),
        )
        return html, 422 if problem else 200


def chat_url(session: MentoringSession) -> str | None:
    """Where this reader may read the conversation; None for who may not (ADM-2)."""
    ctx = current_context()
    if not may(ctx.actor.role, Permission.CHAT_READ) or is_own_case(session, ctx):
        return None
    return url_for("console_sessions.chat", session_id=session.id)
