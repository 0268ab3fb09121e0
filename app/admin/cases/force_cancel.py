"""The dialog and the act of force cancel (ACT-1): one form that works as a page, in a dialog, and without a script."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.admin.cases.acts_list import ActEntry
from app.admin.snippets import reason_snippets
from app.admin.toasts import say_done, say_refused
from app.booking.access import load_session_for
from app.domain.errors import Conflict, Invalid, StalePreview
from app.domain.money import Money
from app.domain.permissions import OWN_CASE, Permission, may
from app.foundation.idempotency import once
from app.http.context import current_context
from app.http.login import require_fresh_password_if
from app.models import MentoringSession
from app.support.force_cancel import (
    ACTION,
    ForceCancelled,
    ForceCancelPlan,
    decide_force_cancel,
    force_cancel,
    preview_force_cancel,
)
from app.support.staff_acts import is_own_case

REASONS = ("Mentor is ill", "Technical trouble on our side", "Asked for by the mentee", "Booked twice by mistake")


@dataclass(frozen=True, slots=True)
class _Input:
    """What the dialog's fields say. ``previewed`` is the percentage that its button was made for."""

    percentage: int | None
    reason: str
    notify: bool
    fingerprint: str
    key: str
    previewed: str

    @classmethod
    def of(cls, values: Any) -> _Input:
        text = values.get("refundPercentage", "100").strip()
        is_number = text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 100
        return cls(
            int(text) if is_number else None,
            values.get("reason", "")[:2_000].replace("\0", ""),
            # An unticked box sends nothing; a page opened without any arguments has it ticked.
            values.get("notifyParties") == "1" if "shown" in values else True,
            values.get("fingerprint", "")[:64],
            values.get("key", "")[:64] or "none",
            values.get("previewed", ""),
        )

    def body(self) -> dict[str, Any]:
        return {"reason": self.reason, "percentage": self.percentage, "notify": self.notify}


class ForceCancelActs:
    """Part of the sessions view."""

    if TYPE_CHECKING:

        def render(self, template: str, **kwargs: Any) -> str: ...

    def acts_of(self, session: MentoringSession) -> list[ActEntry]:
        """What this reader may do to the case, and why not; an act of another role is not offered (ADM-2)."""
        ctx = current_context()
        if not may(ctx.actor.role, Permission.SESSION_FORCE_CANCEL):
            return []
        decision = decide_force_cancel(session, ctx)
        why_not = OWN_CASE if is_own_case(session, ctx) else None if decision.allowed else decision.message
        note = "Ends the session with a refund that you choose"
        return [ActEntry("Force cancel", "cancel", "slash-circle", note, "c", danger=True, why_not=why_not)]

    @expose("/<uuid:session_id>/cancel", methods=("GET", "POST"))
    def cancel(self, session_id: UUID) -> ResponseReturnValue:
        if request.method == "GET":
            return self._preview(session_id, _Input.of(request.args))
        given = _Input.of(request.form)
        if given.percentage is None or str(given.percentage) != given.previewed or "preview" in request.form:
            # What the button said was for another percentage: nobody has seen yet what this one means.
            return self._preview(session_id, given, note="This is what happens with the refund you chose.")
        require_fresh_password_if(lambda: self._plan(session_id, given).moves_money)
        try:
            done = self._perform(session_id, given)
        except StalePreview as changed:
            return self._preview(session_id, given, note=changed.message, status=409)
        except Invalid as wrong:
            return self._preview(session_id, given, fields=wrong.fields or {"": wrong.message}, status=422)
        except Conflict as refused:
            say_refused(refused.message)
            return redirect(url_for("console_sessions.case", session_id=session_id), 303)
        say_done("Session cancelled", done.sentence)
        return redirect(url_for("console_sessions.case", session_id=session_id), 303)

    def _perform(self, session_id: UUID, given: _Input) -> ForceCancelled:
        ctx = current_context()

        def run() -> dict[str, Any]:
            done = force_cancel(
                session_id,
                reason=given.reason,
                refund_percentage=given.percentage or 0,
                notify_parties=given.notify,
                fingerprint=given.fingerprint,
                ctx=ctx,
            )
            return {
                "minor": done.refund.minor, "currency": done.refund.currency, "awaits": done.awaits_approval,
                "sent": done.notifications_sent,
            }  # fmt: skip

        # The form's own key: sent twice, it answers twice and acts once.
        result, _ = once(given.key, scope=f"{ACTION}:{session_id}", body=given.body(), ctx=ctx, run=run)
        return ForceCancelled(
            session_id=session_id,
            refund=Money(result["minor"], result["currency"]),
            awaits_approval=result["awaits"],
            notifications_sent=result["sent"],
        )

    @staticmethod
    def _plan(session_id: UUID, given: _Input) -> ForceCancelPlan:
        percentage = 100 if given.percentage is None else given.percentage
        return preview_force_cancel(
            session_id, refund_percentage=percentage, notify_parties=given.notify, ctx=current_context()
        )

    def _preview(
        self,
        session_id: UUID,
        given: _Input,
        *,
        note: str = "",
        fields: dict[str, str] | None = None,
        status: int = 200,
    ) -> ResponseReturnValue:
        problems = dict(fields or {})
        if given.percentage is None:
            problems["refundPercentage"] = "Give a whole number from 0 to 100."
            status = 422
        ctx = current_context()
        plan = self._plan(session_id, given)
        require_fresh_password_if(lambda: plan.moves_money)
        html = self.render(
            "admin/cases/cancel.html",
            session=load_session_for(ctx, session_id),
            plan=plan,
            given=given,
            key=uuid4().hex,
            note=note,
            problems=problems,
            snippets=reason_snippets(ACTION, otherwise=REASONS),
            back_url=url_for("console_sessions.case", session_id=session_id),
        )
        return html, status
