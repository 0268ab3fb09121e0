"""Refunds that wait for a person: to be approved by a second one, or failed for good (MN-8, MN-9, KPI-3)."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.admin.guard import ConsolePage
from app.admin.snippets import reason_snippets
from app.admin.toasts import say_done, say_refused
from app.domain.errors import Conflict, Invalid, NotFound, ProviderFailed
from app.domain.permissions import Permission
from app.domain.vocabulary import RefundState
from app.http.adapters import adapters
from app.http.context import current_context
from app.http.login import require_fresh_password
from app.support.refund_decisions import (
    RefundAct,
    RefundCase,
    decide_about_refund,
    refund_case,
    refund_cases,
    words_of,
)

_TABS: Final = {"awaiting": RefundState.AWAITING_APPROVAL, "failed": RefundState.FAILED}
_LABELS: Final = {"awaiting": "Awaiting approval", "failed": "Failed"}
_TITLES: Final = {
    RefundAct.APPROVE: "Approve the refund",
    RefundAct.DECLINE: "Decline the refund",
    RefundAct.RETRY: "Try the refund again",
    RefundAct.SETTLE: "Mark as settled outside",
}
_BUTTONS: Final = {
    RefundAct.APPROVE: "Approve",
    RefundAct.DECLINE: "Decline",
    RefundAct.RETRY: "Try again",
    RefundAct.SETTLE: "It is paid",
}
_DONE: Final = {
    RefundAct.APPROVE: "The refund is approved",
    RefundAct.DECLINE: "The refund is declined",
    RefundAct.RETRY: "The refund is on its way again",
    RefundAct.SETTLE: "The refund is settled",
}
_REASONS: Final = {
    RefundAct.APPROVE: ("The case is clear", "Agreed with the agent"),
    RefundAct.DECLINE: ("More than the rules give", "Ask the mentee first"),
    RefundAct.RETRY: ("The gateway's trouble is over", "The card was replaced"),
    RefundAct.SETTLE: ("Paid by bank transfer",),
}


class RefundQueueView(ConsolePage):
    """The list, and a dialog for each decision; the password is typed again before any of them (SEC-2)."""

    permission = Permission.REFUND_VIEW
    section, icon = "Money", "person-check"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        ctx = current_context()
        tab = request.args.get("tab", "awaiting")
        if tab not in _TABS:
            raise NotFound
        tabs = [
            {"label": label, "url": url_for("console_refund_queue.index", tab=name), "active": name == tab}
            for name, label in _LABELS.items()
        ]
        cases = refund_cases(_TABS[tab], ctx=ctx)
        return self.render("admin/money/refund_queue.html", tab=tab, tabs=tabs, cases=cases, buttons=_BUTTONS)

    @expose("/<uuid:refund_id>/approve", methods=("GET", "POST"))
    def approve(self, refund_id: UUID) -> ResponseReturnValue:
        return self._decide(refund_id, RefundAct.APPROVE)

    @expose("/<uuid:refund_id>/decline", methods=("GET", "POST"))
    def decline(self, refund_id: UUID) -> ResponseReturnValue:
        return self._decide(refund_id, RefundAct.DECLINE)

    @expose("/<uuid:refund_id>/retry", methods=("GET", "POST"))
    def retry(self, refund_id: UUID) -> ResponseReturnValue:
        return self._decide(refund_id, RefundAct.RETRY)

    @expose("/<uuid:refund_id>/settle", methods=("GET", "POST"))
    def settle(self, refund_id: UUID) -> ResponseReturnValue:
        return self._decide(refund_id, RefundAct.SETTLE)

    def _decide(self, refund_id: UUID, chosen: RefundAct) -> ResponseReturnValue:
        ctx = current_context()
        case = refund_case(refund_id, chosen, ctx=ctx)
        require_fresh_password()
        back = url_for("console_refund_queue.index", tab="failed" if case.refund.status is RefundState.FAILED else None)
        if request.method == "GET":
            return self._dialog(chosen, case, back)
        reason = request.form.get("reason", "")[:2_000]
        try:
            decide_about_refund(refund_id, chosen, reason=reason, gateway=adapters().gateway, ctx=ctx)
        except Invalid as wrong:
            return self._dialog(chosen, case, back, reason=reason, problem=wrong.message), 422
        except (Conflict, ProviderFailed) as refused:
            say_refused(refused.message)
            return redirect(back, 303)
        say_done(_DONE[chosen])
        return redirect(back, 303)

    def _dialog(self, act: RefundAct, case: RefundCase, back: str, *, reason: str = "", problem: str = "") -> str:
        return self.render(
            "admin/money/refund_decision.html",
            case=case,
            title=_TITLES[act],
            lead=words_of(case, act),
            button=_BUTTONS[act],
            tone="danger" if act is RefundAct.DECLINE else "primary",
            refusal=case.why_not[act],
            reason=reason,
            problem=problem,
            snippets=reason_snippets(f"REFUND_{act.name}", otherwise=_REASONS[act]),
            back_url=back,
        )
