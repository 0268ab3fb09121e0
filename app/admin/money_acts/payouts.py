"""Paying mentors out: seen first, recorded once, taken to the bank as a file (MN-10)."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.admin.guard import ConsolePage
from app.admin.toasts import say_done, say_refused
from app.domain.errors import Conflict, Invalid, NotFound, StalePreview
from app.domain.money import Money
from app.domain.permissions import Permission, may, require
from app.foundation.idempotency import once
from app.http.context import current_actor, current_context
from app.http.login import require_fresh_password
from app.money.payouts import ACTION, payout_batches, payout_currencies, preview_payouts, record_payouts, usual_minimum
from app.support.payout_file import payout_file
from app.support.staff_acts import clean_reason


class PayOutView(ConsolePage):
    """Batches that were recorded, and the next one."""

    permission = Permission.PAYOUT_VIEW
    section, icon = "Money", "bank"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        return self.render(
            "admin/money/payouts.html",
            batches=payout_batches(),
            currencies=payout_currencies(),
            may_record=may(current_actor().role, Permission.PAYOUT_RECORD),
        )

    @expose("/next/<currency>", methods=("GET", "POST"))
    def batch(self, currency: str) -> ResponseReturnValue:
        require(current_actor(), Permission.PAYOUT_RECORD)
        if currency not in payout_currencies():
            raise NotFound
        require_fresh_password()
        if request.method == "GET" or "preview" in request.form:
            return self._preview(currency, request.values)
        try:
            self._record(currency, request.form)
        except StalePreview as changed:
            return self._preview(currency, request.form, note=changed.message, status=409)
        except Invalid as wrong:
            return self._preview(currency, request.form, fields=dict(wrong.fields), status=422)
        except Conflict as refused:
            say_refused(refused.message)
        else:
            say_done("Payout recorded", "Download the file and give it to the bank.")
        return redirect(url_for("console_pay_out.index"), 303)

    @expose("/batches/<uuid:batch_id>.csv")
    def file(self, batch_id: UUID) -> ResponseReturnValue:
        """The file for the bank; that it was taken is on record (AUD-4)."""
        return Response(
            payout_file(batch_id, ctx=current_context()),
            mimetype="text/csv",
            headers={
                "Content-Disposition": f'attachment; filename="payout-{batch_id.hex[:8]}.csv"',
                "Cache-Control": "no-store",
            },
        )

    @staticmethod
    def _record(currency: str, form: Any) -> None:
        ctx = current_context()
        reason = clean_reason(form.get("reason", ""))
        minimum, fingerprint = _minimum(form, currency), form.get("fingerprint", "")
        reference, typed = form.get("reference", "").replace("\0", "")[:60], form.get("typed", "")[:20]

        def run() -> dict[str, Any]:
            done = record_payouts(
                currency,
                minimum=minimum,
                reference=reference,
                fingerprint=fingerprint,
                reason=reason,
                ctx=ctx,
                typed=typed,
            )
            return {"id": done.id}

        # The form's own key: sent twice, it answers twice and pays once.
        body = {
            "fingerprint": fingerprint,
            "minimum": minimum.minor,
            "reference": reference,
            "reason": reason,
            "typed": typed,
        }
        once(form.get("key", "")[:64] or "none", scope=f"{ACTION}:{currency}", body=body, ctx=ctx, run=run)

    def _preview(
        self, currency: str, values: Any, *, note: str = "", fields: dict[str, str] | None = None, status: int = 200
    ) -> ResponseReturnValue:
        problems = dict(fields or {})
        try:
            minimum = _minimum(values, currency)
            plan = preview_payouts(currency, minimum=minimum, ctx=current_context())
        except Invalid as wrong:
            problems, status = {**problems, **wrong.fields}, 422
            plan = preview_payouts(currency, minimum=usual_minimum(currency), ctx=current_context())
        html = self.render(
            "admin/money/payout_batch.html",
            plan=plan,
            key=uuid4().hex,
            note=note,
            problems=problems,
            reason=values.get("reason", "")[:2_000],
            reference=values.get("reference", "")[:60],
            typed=values.get("typed", "")[:20],
            minimum=values.get("minimum", "")[:20] if "minimum" in problems else plan.minimum.amount,
            back_url=url_for("console_pay_out.index"),
        )
        return html, status


def _minimum(values: Any, currency: str) -> Money:
    """The smallest payout as typed.

    :raises Invalid: it is no amount
    """
    text = values.get("minimum", "").strip()[:20]
    if not text:
        return usual_minimum(currency)
    try:
        return Money.parse(text, currency)
    except ValueError as error:
        message = "Give an amount such as 10.00."
        raise Invalid(message, fields={"minimum": message}) from error
