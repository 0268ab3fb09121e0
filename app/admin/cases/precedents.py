"""The dialog that keeps a decided case as a golden one (POL-6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.admin.cases.acts_list import ActEntry
from app.admin.policies.words import KINDS, verdict_in_words
from app.admin.snippets import reason_snippets
from app.admin.toasts import say_done
from app.domain.errors import Conflict, Invalid
from app.domain.permissions import OWN_CASE, Permission, may
from app.http.context import current_context
from app.models import MentoringSession
from app.support.policies.precedents import MARKED, decisions_to_mark, mark_precedent
from app.support.staff_acts import is_own_case

_REASONS = ("We decided so after a complaint", "An edge that is easily forgotten")


class PrecedentActs:
    """Part of the sessions view."""

    if TYPE_CHECKING:

        def render(self, template: str, **kwargs: Any) -> str: ...

    @staticmethod
    def precedent_entry(session: MentoringSession) -> list[ActEntry]:
        """The line among the acts, for whoever may mark one."""
        ctx = current_context()
        if not may(ctx.actor.role, Permission.PRECEDENT_MARK):
            return []
        why_not = OWN_CASE if is_own_case(session, ctx) else None
        note = "Changes of policies are compared with what was decided"
        return [ActEntry("Keep as a golden case", "precedent", "award", note, why_not=why_not)]

    @expose("/<uuid:session_id>/precedent", methods=("GET", "POST"))
    def precedent(self, session_id: UUID) -> ResponseReturnValue:
        ctx = current_context()
        decisions = decisions_to_mark(session_id, ctx=ctx)
        problems: dict[str, str] = {}
        if request.method == "POST":
            try:
                mark_precedent(
                    session_id,
                    _chosen(request.form.get("decision", "")),
                    title=request.form.get("title", "")[:200],
                    reason=request.form.get("reason", "")[:2_000],
                    ctx=ctx,
                )
            except Invalid as wrong:
                problems = dict(wrong.fields)
            except Conflict as refused:
                problems = {"decision": refused.message}
            else:
                say_done("Changes of policies are compared with this case from now on")
                return redirect(url_for("console_sessions.case", session_id=session_id), 303)
        html = self.render(
            "admin/cases/precedent.html",
            decisions=decisions,
            kinds=KINDS,
            verdict=verdict_in_words,
            typed=request.form,
            problems=problems,
            snippets=reason_snippets(MARKED, otherwise=_REASONS),
            back_url=url_for("console_sessions.case", session_id=session_id),
        )
        return html, 422 if problems else 200


def _chosen(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        message = "Choose one of the decisions."
        raise Invalid(message, fields={"decision": message}) from None
