"""The dialog and the act of a manual refund (ACT-3): one form, as a page, in a dialog, and without a script."""

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
from app.domain.vocabulary import RefundType
from app.foundation.idempotency import once
from app.http.context import current_context
from app.http.login import require_fresh_password
from app.models import MentoringSession
from app.support.manual_refund import (
    ACTION,
    TYPES,
    ManualRefundPlan,
    RefundIssued,
    manual_refund,
    preview_manual_refund,
)
from app.support.staff_acts import is_own_case

_REASONS = ("Technical trouble on our side", "The mentor came late", "The session was not as promised", "A gesture")
_WORDS = {
    RefundType.FULL: ("All that is left", "Goes back to the way it was paid"),
    RefundType.PARTIAL: ("A part of it", "Goes back to the way it was paid"),
    RefundType.BONUS: ("A bonus beyond it", "Credit for the next session, at the platform's cost"),
}
_WRONG_AMOUNT = "Give an amount such as 12.50."


@dataclass(frozen=True, slots=True)
class _Input:
    """What the dialog's fields say. ``previewed`` is what its button was made for."""

    type: RefundType | None
    amount: str
    reason: str
    notify: bool
    fingerprint: str
    key: str
    previewed: str

    @classmethod
    def of(cls, values: Any) -> _Input:
        kind = values.get("refundType", "")
        return cls(
            RefundType(kind) if kind in {each.value for each in TYPES} else None,
            values.get("amount", "").strip()[:20],
            values.get("reason", "")[:2_000].replace("\0", ""),
            # An unticked box sends nothing; a page opened without any arguments has it ticked.
            values.get("notifyParties") == "1" if "shown" in values else True,
            values.get("fingerprint", "")[:64],
            values.get("key", "")[:64] or "none",
            values.get("previewed", "")[:64],
        )

    def money(self, currency: str) -> Money | None:
        """:raises ValueError: what was typed is no amount of this currency"""
        return Money.parse(self.amount, currency) if self.amount else None


class ManualRefundActs:
    """Part of the sessions view."""

    if TYPE_CHECKING:

        def render(self, template: str, **kwargs: Any) -> str: ...

    def acts_of(self, session: MentoringSession) -> list[ActEntry]:
        """The others' acts, and the refund behind them."""
        others: list[ActEntry] = super().acts_of(session)  # type: ignore[misc]  # the next part of the view
        ctx = current_context()
        if not may(ctx.actor.role, Permission.REFUND_CREATE):
            return others
        why_not = OWN_CASE if is_own_case(session, ctx) else None
        note = "All, a part, or credit beyond what was paid"
        return [
            *others,
            ActEntry("Refund or give credit", "refund", "arrow-counterclockwise", note, "f", why_not=why_not),
        ]

    @expose("/<uuid:session_id>/refund", methods=("GET", "POST"))
    def refund(self, session_id: UUID) -> ResponseReturnValue:
        ctx = current_context()
        preview_manual_refund(session_id, type=RefundType.BONUS, amount=None, ctx=ctx)  # may this person at all?
        require_fresh_password()
        if request.method == "GET":
            return self._refund_dialog(session_id, _Input.of(request.args))
        given = _Input.of(request.form)
        session = load_session_for(ctx, session_id)
        try:
            amount = given.money(session.currency)
        except ValueError:
            return self._refund_dialog(session_id, given)
        if (
            given.type is None
            or amount is None
            or given.previewed != _mark(given.type, amount)
            or ("preview" in request.form)
        ):
            return self._refund_dialog(session_id, given, note="This is what happens with what you chose.")
        back = url_for("console_sessions.case", session_id=session_id)
        try:
            done = self._refund(session_id, given, given.type, amount)
        except StalePreview as changed:
            return self._refund_dialog(session_id, given, note=changed.message, status=409)
        except Invalid as wrong:
            return self._refund_dialog(session_id, given, fields=dict(wrong.fields), status=422)
        except Conflict as refused:
            say_refused(refused.message)
            return redirect(back, 303)
        title = "Refund asked for" if done.awaits_approval else "Refund issued"
        say_done(title, done.sentence)
        return redirect(back, 303)

    @staticmethod
    def _refund(session_id: UUID, given: _Input, kind: RefundType, amount: Money) -> RefundIssued:
        ctx = current_context()

        def run() -> dict[str, Any]:
            done = manual_refund(
                session_id, type=kind, amount=amount, reason=given.reason, notify_parties=given.notify,
                fingerprint=given.fingerprint, ctx=ctx,
            )  # fmt: skip
            return {"id": done.refund_id, "awaits": done.awaits_approval, "sent": done.notifications_sent}

        # The form's own key: sent twice, it answers twice and acts once.
        body = {"reason": given.reason, "type": kind, "amount": amount.minor, "notify": given.notify}
        result, _ = once(given.key, scope=f"{ACTION}:{session_id}", body=body, ctx=ctx, run=run)
        return RefundIssued(
            refund_id=UUID(str(result["id"])), session_id=session_id, amount=amount, type=kind,
            awaits_approval=result["awaits"], notifications_sent=result["sent"],
        )  # fmt: skip

    def _refund_dialog(
        self,
        session_id: UUID,
        given: _Input,
        *,
        note: str = "",
        fields: dict[str, str] | None = None,
        status: int = 200,
    ) -> ResponseReturnValue:
        ctx = current_context()
        session = load_session_for(ctx, session_id)
        problems = dict(fields or {})
        try:
            amount = given.money(session.currency)
        except ValueError:
            problems["amount"], amount = _WRONG_AMOUNT, None
        plan = _plan_for(session_id, given, amount)
        if "shown" in request.values and not plan.refund.allowed:
            problems.setdefault("amount", plan.refund.message)
        html = self.render(
            "admin/cases/refund.html",
            session=session,
            plan=plan,
            given=given,
            previewed=_mark(plan.type, plan.amount),
            types=[(kind.value, *_WORDS[kind]) for kind in TYPES],
            key=uuid4().hex,
            note=note,
            problems=problems,
            snippets=reason_snippets(ACTION, otherwise=_REASONS),
            back_url=url_for("console_sessions.case", session_id=session_id),
        )
        return html, 422 if problems and status == 200 else status


def _plan_for(session_id: UUID, given: _Input, amount: Money | None) -> ManualRefundPlan:
    """The plan of what is typed; untouched, of the whole rest where there is one and of a bonus where there is none."""
    ctx = current_context()
    kind = given.type or RefundType.FULL
    plan = preview_manual_refund(session_id, type=kind, amount=amount, notify_parties=given.notify, ctx=ctx)
    if given.type is None and plan.left.minor == 0:
        return preview_manual_refund(session_id, type=RefundType.BONUS, amount=amount, ctx=ctx)
    return plan


def _mark(kind: RefundType, amount: Money) -> str:
    return f"{kind.value}:{amount.minor}"
