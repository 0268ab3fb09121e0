"""Cancelling many sessions: the list is frozen, looked at, confirmed, and followed until its report (SL-3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs
from uuid import UUID

from flask import Response, flash, g, redirect, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.admin.cases.force_cancel import REASONS
from app.admin.cases.rows import LIST_PATH
from app.admin.guard import ConsolePage
from app.admin.snippets import reason_snippets
from app.domain.errors import Conflict, Invalid, StalePreview
from app.domain.permissions import Permission
from app.domain.vocabulary import BulkItemState, BulkState
from app.http.context import current_context
from app.http.login import require_fresh_password
from app.models import BulkCancel
from app.support.bulk_cancel import (
    confirm_bulk_cancel,
    freeze_filter,
    freeze_picked,
    plan_again,
    stop_bulk_cancel,
)
from app.support.bulk_report import PAGE_SIZE, items_of, read_bulk, recent_bulks, report_csv, tally_of
from app.support.force_cancel import ACTION
from app.support.session_filter import read_filter

_LONGEST_FILTER: Final = 2_000
_LABELS: Final = {
    BulkItemState.PENDING: "Waiting",
    BulkItemState.DONE: "Cancelled",
    BulkItemState.CHANGED: "Changed meanwhile",
    BulkItemState.REFUSED: "Not possible",
    BulkItemState.FAILED: "Failed",
}


@dataclass(frozen=True, slots=True)
class _Given:
    """What the form says. ``seen`` is what its button was made for."""

    percentage: int | None
    notify: bool
    reason: str = ""
    typed: str = ""
    seen: str = ""

    @classmethod
    def of(cls, form: Any) -> _Given:
        text = form.get("refundPercentage", "100").strip()
        is_number = text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 100
        return cls(
            int(text) if is_number else None,
            form.get("notifyParties") == "1",
            form.get("reason", "")[:2_000].replace("\0", ""),
            form.get("typed", "")[:20],
            form.get("previewed", ""),
        )

    def mark(self) -> str:
        return f"{self.percentage}|{int(self.notify)}"


class BulkCancelView(ConsolePage):
    """The lists of many sessions; the password is typed again before money is decided about (SEC-2)."""

    permission = Permission.SESSION_BULK_CANCEL
    section, icon = "Cases", "calendar-x"

    @expose("/", methods=("GET", "POST"))
    def index(self) -> ResponseReturnValue:
        if request.method == "POST":
            return self._freeze()
        return self.render("admin/cases/bulk_list.html", bulks=recent_bulks(ctx=current_context()), list_url=LIST_PATH)

    def _freeze(self) -> ResponseReturnValue:
        query = request.form.get("list", "")[:_LONGEST_FILTER]
        try:
            if request.form.get("scope") == "filter":
                zone = g.get("viewer_zone") or "UTC"
                chosen = read_filter(parse_qs(query), zone=zone)
                bulk_id = freeze_filter(chosen, ctx=current_context())
            else:
                bulk_id = freeze_picked(_ids(request.form.getlist("ids")), ctx=current_context())
        except Invalid as wrong:
            told = next(iter(wrong.fields.values()), wrong.message)
            flash({"title": "Nothing was chosen to cancel", "text": told}, "error")  # type: ignore[arg-type]  # a toast
            return redirect(f"{LIST_PATH}?{query}" if query else LIST_PATH, 303)
        return redirect(url_for("console_bulk_cancels.bulk", bulk_id=bulk_id), 303)

    @expose("/<uuid:bulk_id>", methods=("GET", "POST"))
    def bulk(self, bulk_id: UUID) -> ResponseReturnValue:
        ctx = current_context()
        bulk = read_bulk(bulk_id, ctx=ctx)
        if request.method == "GET":
            if bulk.state is BulkState.PREVIEW:
                require_fresh_password()
            return self._show(bulk)
        require_fresh_password()
        return self._decide(bulk, _Given.of(request.form))

    def _decide(self, bulk: BulkCancel, given: _Given) -> ResponseReturnValue:
        ctx, bulk_id = current_context(), bulk.id
        if given.percentage is None:
            wrong = {"refundPercentage": "Give a whole number from 0 to 100."}
            return self._show(bulk, given, fields=wrong, status=422)
        try:
            if given.mark() != given.seen or "preview" in request.form:
                # What the button said was for other values: nobody has seen yet what these mean.
                plan_again(bulk_id, refund_percentage=given.percentage, notify_parties=given.notify, ctx=ctx)
                again = "This is what happens with what you chose."
                return self._show(read_bulk(bulk_id, ctx=ctx), given, note=again)
            confirm_bulk_cancel(
                bulk_id,
                reason=given.reason,
                typed=given.typed,
                refund_percentage=given.percentage,
                notify_parties=given.notify,
                ctx=ctx,
            )
        except StalePreview as changed:
            return self._show(read_bulk(bulk_id, ctx=ctx), None, note=changed.message, status=409)
        except Invalid as wrong_input:
            return self._show(read_bulk(bulk_id, ctx=ctx), given, fields=dict(wrong_input.fields), status=422)
        except Conflict as refused:
            flash({"title": "Nothing was done", "text": refused.message}, "error")  # type: ignore[arg-type]  # a toast
        return redirect(url_for("console_bulk_cancels.bulk", bulk_id=bulk_id), 303)

    @expose("/<uuid:bulk_id>/stop", methods=("POST",))
    def stop(self, bulk_id: UUID) -> ResponseReturnValue:
        stop_bulk_cancel(bulk_id, ctx=current_context())
        return redirect(url_for("console_bulk_cancels.bulk", bulk_id=bulk_id), 303)

    @expose("/<uuid:bulk_id>.csv")
    def report(self, bulk_id: UUID) -> ResponseReturnValue:
        name = f"bulk-cancel-{bulk_id.hex[:8]}.csv"
        return Response(
            stream_with_context(report_csv(bulk_id, ctx=current_context())),
            mimetype="text/csv",
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
        )

    def _show(
        self,
        bulk: BulkCancel,
        given: _Given | None = None,
        *,
        note: str = "",
        fields: dict[str, str] | None = None,
        status: int = 200,
    ) -> ResponseReturnValue:
        here = url_for("console_bulk_cancels.bulk", bulk_id=bulk.id)
        tally, shown, page = tally_of(bulk.id), _state(request.args.get("show", "")), _page_number()
        rows = items_of(bulk.id, state=shown, page=page)

        def place(state: BulkItemState | None, number: int = 1) -> str:
            wanted: dict[str, Any] = {"show": state.value if state else None, "page": number if number > 1 else None}
            return url_for("console_bulk_cancels.bulk", bulk_id=bulk.id, **wanted)

        html = self.render(
            "admin/cases/bulk_cancel.html",
            bulk=bulk,
            is_preview=bulk.state is BulkState.PREVIEW,
            is_mine=bulk.created_by == current_context().actor.user_id,
            tally=tally,
            given=given or _Given(bulk.refund_percentage, bulk.notify_parties),
            seen=_Given(bulk.refund_percentage, bulk.notify_parties).mark(),
            note=note,
            problems=fields or {},
            snippets=reason_snippets(ACTION, otherwise=REASONS),
            here=here,
            tabs=_tabs(tally, shown, bulk, place),
            rows=rows[:PAGE_SIZE],
            labels=_labels(bulk),
            first=(page - 1) * PAGE_SIZE + 1,
            newer_url=place(shown, page - 1) if page > 1 else None,
            older_url=place(shown, page + 1) if len(rows) > PAGE_SIZE else None,
            list_url=LIST_PATH,
            all_url=url_for("console_bulk_cancels.index"),
        )
        return html, status


def _labels(bulk: BulkCancel) -> dict[BulkItemState, str]:
    waiting = {BulkState.PREVIEW: "Will be cancelled", BulkState.STOPPED: "Not done"}.get(bulk.state)
    return {**_LABELS, BulkItemState.PENDING: waiting} if waiting else _LABELS


def _tabs(tally: Any, shown: BulkItemState | None, bulk: BulkCancel, place: Any) -> list[dict[str, Any]]:
    found = [{"label": "All", "url": place(None), "active": shown is None, "count": tally.total}]
    for state, label in _labels(bulk).items():
        if tally.sessions[state] or state is shown:
            count = tally.sessions[state]
            found.append({"label": label, "url": place(state), "active": state is shown, "count": count})
    return found


def _state(text: str) -> BulkItemState | None:
    return BulkItemState(text) if text in set(BulkItemState) else None


def _page_number() -> int:
    text = request.args.get("page", "1")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) <= 4 else 1


def _ids(texts: list[str]) -> list[UUID]:
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found
