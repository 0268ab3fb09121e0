"""The dialogs of the acts in ``acts.py`` as routes of the sessions view: GET shows the plan, POST performs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.admin.cases import acts
from app.admin.cases.acts import Act
from app.admin.cases.acts_list import ActEntry
from app.admin.cases.reassign import REASSIGN
from app.admin.snippets import reason_snippets
from app.admin.toasts import say_done, say_refused
from app.booking.access import load_session_for
from app.domain.context import Context
from app.domain.errors import Conflict, Invalid, Refused, StalePreview
from app.domain.permissions import OWN_CASE, may
from app.foundation.idempotency import once
from app.http.context import current_context
from app.http.login import require_fresh_password_if
from app.models import MentoringSession
from app.support.staff_acts import is_own_case, require_staff_for

_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class _Given:
    """What the dialog's fields say. ``seen`` are the values that its button was made for."""

    values: Mapping[str, str]
    reason: str
    notify: bool
    fingerprint: str
    key: str
    seen: str

    @classmethod
    def of(cls, act: Act, sent: Any) -> _Given:
        values = {ask.name: sent.get(ask.name, ask.value)[:_LONGEST].replace("\0", "") for ask in act.asks}
        return cls(
            values,
            sent.get("reason", "")[:_LONGEST].replace("\0", ""),
            # An unticked box sends nothing; a page opened without any arguments has it ticked.
            sent.get("notifyParties") == "1" if "shown" in sent else True,
            sent.get("fingerprint", "")[:64],
            sent.get("key", "")[:64] or "none",
            sent.get("previewed", ""),
        )

    def mark(self, act: Act) -> str:
        """What the preview was made for."""
        return "|".join(self.values[ask.name] for ask in act.asks if ask.changes_plan)


def _route(act: Act) -> Any:
    @expose(f"/<uuid:session_id>/{act.slug}", methods=("GET", "POST"))
    def view(self: Any, session_id: UUID) -> ResponseReturnValue:
        answer: ResponseReturnValue = self.dialog_of(act, session_id)
        return answer

    view.__name__ = act.slug.replace("-", "_")
    return view


class ActPages:
    """Part of the sessions view."""

    if TYPE_CHECKING:
        render: Callable[..., str]

    complete = _route(acts.COMPLETE)
    clear_no_show = _route(acts.CLEAR_NO_SHOW)
    no_show = _route(acts.MARK_NO_SHOW)
    dismiss_suggestion = _route(acts.DISMISS)
    override = _route(acts.OVERRIDE)
    move = _route(acts.MOVE)
    meeting_link = _route(acts.MEETING_LINK)
    reassign = _route(REASSIGN)

    def dialog_of(self, act: Act, session_id: UUID) -> ResponseReturnValue:
        ctx = current_context()
        session = load_session_for(ctx, session_id)
        require_staff_for(session, act.permission, ctx)
        act = act.made_for(session, ctx)
        given = _Given.of(act, request.args if request.method == "GET" else request.form)
        require_fresh_password_if(lambda: _moves_money(act, session, given, ctx))
        if request.method == "GET":
            return self._show(act, session, given, ctx)
        if given.mark(act) != given.seen or "preview" in request.form:
            # What the button said was for other values: nobody has seen yet what these mean.
            return self._show(act, session, given, ctx, note="This is what happens with what you chose.")
        try:
            sentence = _perform(act, session_id, given, ctx)
        except StalePreview as changed:
            return self._show(act, load_session_for(ctx, session_id), given, ctx, note=changed.message, status=409)
        except Invalid as wrong:
            fields = wrong.fields or {"reason": wrong.message}
            return self._show(act, load_session_for(ctx, session_id), given, ctx, fields=fields, status=422)
        except (Conflict, Refused) as refused:
            say_refused(refused.message)
        else:
            say_done(act.done, sentence)
        return redirect(url_for("console_sessions.case", session_id=session_id), 303)

    def _show(
        self,
        act: Act,
        session: MentoringSession,
        given: _Given,
        ctx: Context,
        *,
        note: str = "",
        fields: Mapping[str, str] | None = None,
        status: int = 200,
    ) -> ResponseReturnValue:
        problems = dict(fields or {})
        plan, decision = None, act.decide(session, ctx)
        if decision.allowed:
            try:
                plan = act.preview(session.id, given.values, given.notify, ctx)
            except Invalid as wrong:
                # A dialog that is just opened has nothing typed wrong yet; the script asks again with what is typed.
                if request.method == "POST" or "shown" in request.args:
                    problems |= wrong.fields
                    status = 422
        html = self.render(
            "admin/cases/act.html",
            act=act,
            session=session,
            decision=plan.decision if plan else decision,
            plan=plan,
            given=given,
            seen=given.mark(act),
            key=uuid4().hex,
            note=note,
            problems=problems,
            snippets=reason_snippets(act.action, otherwise=act.reasons),
            here=url_for(f"console_sessions.{act.slug.replace('-', '_')}", session_id=session.id),
            back_url=url_for("console_sessions.case", session_id=session.id),
        )
        return html, status


def entries_of(session: MentoringSession, ctx: Context) -> list[ActEntry]:
    """The acts for the case page: those that this role has, possible or greyed with the reason (ADM-2)."""
    found, role, is_own = [], ctx.actor.role, is_own_case(session, ctx)
    for act in ACTS:
        if not may(role, act.permission):
            continue
        decision = act.decide(session, ctx)
        if act.is_rare and not decision.allowed:
            continue
        why_not = OWN_CASE if is_own else None if decision.allowed else decision.message
        found.append(ActEntry(act.label, act.slug, act.icon, act.note, act.key, act.danger, why_not))
    return found


ACTS = (
    acts.COMPLETE, acts.MARK_NO_SHOW, acts.CLEAR_NO_SHOW, acts.DISMISS, acts.MOVE, REASSIGN, acts.OVERRIDE,
    acts.MEETING_LINK,
)  # fmt: skip


def _moves_money(act: Act, session: MentoringSession, given: _Given, ctx: Context) -> bool:
    """Whether the plan moves money; where there is none yet, nothing can be done with the dialog."""
    if not act.decide(session, ctx).allowed:
        return False
    try:
        return act.preview(session.id, given.values, given.notify, ctx).moves_money
    except Invalid:
        return False


def _perform(act: Act, session_id: UUID, given: _Given, ctx: Context) -> str:
    def run() -> dict[str, Any]:
        sentence = act.perform(session_id, given.values, given.reason, given.notify, given.fingerprint, ctx)
        return {"sentence": sentence}

    # The form's own key: sent twice, it answers twice and acts once.
    body = {"reason": given.reason, "notify": given.notify, **given.values}
    result, _ = once(given.key, scope=f"{act.action}:{session_id}", body=body, ctx=ctx, run=run)
    sentence: str = result["sentence"]
    return sentence
