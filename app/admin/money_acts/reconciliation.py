"""What the books do not agree about, and what went back at the gateway by itself (MN-11, MN-14)."""

from __future__ import annotations

from uuid import UUID

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.admin.guard import ConsolePage, Question
from app.domain.errors import NotFound
from app.domain.permissions import Permission, may, require
from app.extensions import db
from app.http.adapters import adapters
from app.http.context import current_actor, current_context
from app.models import ReconciliationFinding
from app.money.findings import close_finding, open_findings, permission_to_close
from app.money.reconciliation import reconcile
from app.support.operations import last_run
from app.support.staff_acts import clean_reason


class ReconciliationView(ConsolePage):
    """Open findings; running it now; closing what was dealt with."""

    permission = Permission.RECONCILIATION_VIEW
    section, icon = "Money", "clipboard2-check"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        ctx = current_context()
        found = [(each, may(ctx.actor.role, permission_to_close(each, ctx))) for each in open_findings()]
        return self.render(
            "admin/money/reconciliation.html",
            findings=found,
            last=last_run("nightly"),
            may_run=may(ctx.actor.role, Permission.RECONCILIATION_RUN),
        )

    @expose("/run", methods=("POST",))
    def run(self) -> ResponseReturnValue:
        require(current_actor(), Permission.RECONCILIATION_RUN)
        report = reconcile(adapters().gateway, current_context())
        counts = report["counts"]
        silent = " The gateway did not answer." if report["gateway"] == "silent" else ""
        text = f"{counts['new']} new, {counts['closed']} closed.{silent}"
        flash({"title": "All books were compared", "text": text}, "success")  # type: ignore[arg-type]  # a toast
        return redirect(url_for("console_reconciliation.index"), 303)

    @expose("/<uuid:finding_id>/close", methods=("GET", "POST"))
    def close(self, finding_id: UUID) -> ResponseReturnValue:
        ctx = current_context()
        finding = db.session.get(ReconciliationFinding, finding_id)
        if finding is None:
            raise NotFound
        require(ctx.actor, permission_to_close(finding, ctx))

        def act(reason: str) -> None:
            close_finding(finding_id, reason=clean_reason(reason), ctx=ctx)

        question = Question(
            title="Close the finding",
            lead="Say what became of it. What the books still show then comes back with the next comparison.",
            button="Close it",
            subject=str(finding.facts.get("what", finding.check)),
            done="The finding is closed",
            back_url=url_for("console_reconciliation.index"),
        )
        return self.ask_why(act, question)
