"""The two audit trails, read-only, searchable, exportable, and from a row to its session and back (AUD-1)."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from flask import Response, current_app, redirect, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, Text, cast, select

from app.admin import cells, changes
from app.admin.base import ConsoleView, Order
from app.admin.guard import ConsolePage
from app.admin.menu import MENU
from app.domain.errors import NotFound
from app.domain.permissions import Permission, may
from app.http.context import current_actor, current_context, request_now
from app.models import AdminAuditTrail, SessionAuditLog, User
from app.support.audit_search import Way, ids_found, page_found, ways_to
from app.support.export import copy_csv, guarded, instant, note_export

_REFERENCE = re.compile(r"(?![0-9a-f]{8}-[0-9a-f]{4}-)(?=.*[0-9])(?=.*[-.])[A-Za-z0-9._-]{8,64}")


def _action(view: Any, context: Any, row: Any, name: str) -> Markup:
    words = row.action.removeprefix("ADMIN_").replace("_", " ").capitalize()
    return Markup('<span title="{}">{}</span>').format(row.action, words)


def _actor(view: Any, context: Any, row: Any, name: str) -> Any:
    user_id = getattr(row, name)
    return cells.person_of(user_id) if user_id else row.actor_role.value.capitalize()


def _move(view: Any, context: Any, row: Any, name: str) -> Any:
    if not row.new_status:
        return cells.DASH
    badge = cells.macro("status", "session_status")
    has_moved = row.previous_status and row.previous_status != row.new_status
    before = badge(row.previous_status) if has_moved else Markup()
    arrow = Markup(' <i class="bi bi-arrow-right" aria-label="to" role="img"></i> ') if has_moved else ""
    return Markup("{}{}{}").format(before, arrow, badge(row.new_status))


class AuditView(ConsoleView):
    """What both trails have in common: an export of the filter, itself on record (AUD-4)."""

    permission = Permission.AUDIT_VIEW
    count_cap = 10_000
    column_sortable_list: Any = ("created_at",)
    sessions = ("session_id",)
    search_ids = ("id", "session_id")
    # The column whose words have an index of their own.
    search_words: ClassVar[str] = ""
    search_hint = "Words of the reason, name, e-mail, action or id"
    trail: ClassVar[str] = ""
    exported: ClassVar[tuple[str, ...]] = ()

    def _ways_to(self, text: str) -> list[Way]:
        table = self.model
        exact = (table.action, table.request_id) if _REFERENCE.fullmatch(text) else (table.action,)
        words = getattr(table, self.search_words)
        return ways_to(
            text, ids=(table.id, table.session_id), exact=exact, actor=_who(table), words=words,
            is_by_few=table is AdminAuditTrail,
        )  # fmt: skip

    def _chosen(self, query: Any, text: str, order: Order, *, size: int, offset: int) -> tuple[Any, Any]:
        if not text:
            return super()._chosen(query, text, order, size=size, offset=offset)
        base = query.with_entities(self.model.id).statement
        ids, total = page_found(
            base, self.model, self._ways_to(text), order, size=size, offset=offset, cap=self.count_cap
        )
        return ids, total.scalar_subquery()

    @property
    def export_url(self) -> str | None:
        """Where the list of this filter comes as CSV; None for who may not."""
        if not may(current_actor().role, Permission.AUDIT_EXPORT):
            return None
        arguments: dict[str, Any] = dict(request.args.to_dict(flat=False))
        return url_for("console_audit_export.export", name=self.trail, **arguments)

    def statement(self) -> Select[Any]:
        """The rows of this request's search and filters, oldest first, as the export writes them."""
        query = self.get_query()
        filters = self._get_list_filter_args()
        if filters:
            query, _, _, _ = self._apply_filters(query, None, {}, {}, filters)
        text = request.args.get("search", "").replace("\0", "").strip()
        found = query.with_entities(self.model.id)
        keys = (ids_found(found.statement, self.model, self._ways_to(text)) if text else found).subquery()
        columns = [_exported(getattr(self.model, name)) for name in self.exported]
        return (
            select(*columns, guarded(User.name).label("who"))
            .join(keys, keys.c.id == self.model.id)
            .outerjoin(User, User.id == _who(self.model))
            .order_by(self.model.seq if self.model is AdminAuditTrail else self.model.number)
        )


def _who(table: Any) -> Any:
    return table.admin_id if table is AdminAuditTrail else table.user_id


def _exported(column: Any) -> ColumnElement[Any]:
    if column.key in {"created_at", "previous_scheduled_at", "new_scheduled_at"}:
        return instant(column).label(column.key)
    if column.key in {"seq", "number"}:
        numbered: ColumnElement[Any] = column.label(column.key)
        return numbered
    return guarded(cast(column, Text)).label(column.key)


class StaffTrailView(AuditView):
    trail = "staff-acts"
    search_words = "reason"
    section, icon = "Audit", "shield-check"
    column_list = ("seq", "created_at", "admin_id", "action", "session_id", "new_status", "reason")
    column_details_list = (
        "seq", "id", "created_at", "admin_id", "actor_role", "action", "session_id", "subject_type", "subject_id",
        "reason", "changed", "details", "request_id", "ip_address", "user_agent", "previous_hash", "hash",
    )  # fmt: skip
    column_labels = {
        "changed": "What changed",
        "seq": "No.", "created_at": "When", "admin_id": "Who", "session_id": "Session", "new_status": "Status",
        "ip_address": "Address", "user_agent": "Browser", "actor_role": "Role",
    }  # fmt: skip
    column_formatters = {"admin_id": _actor, "action": _action, "new_status": _move, "reason": cells.text}
    column_formatters_detail = {
        "action": cells.code, "changed": changes.cell, "details": cells.whole_json,
        "reason": lambda view, context, row, name: row.reason, "hash": cells.code,
        "previous_hash": cells.code,
    }  # fmt: skip
    # As in the API, and in the order of the indexes.
    column_default_sort = [("created_at", True), ("seq", True)]
    column_sortable_list = ("seq", "created_at")
    column_classes = {"reason": "wrap"}
    column_filters = ("action", "admin_id", "session_id", "subject_type", "created_at")
    people = ("admin_id",)
    exported = (
        "seq", "created_at", "admin_id", "actor_role", "action", "session_id", "subject_type", "subject_id",
        "previous_status", "new_status", "reason", "details", "ip_address", "user_agent", "previous_hash", "hash",
    )  # fmt: skip
    empty_title, empty_text = "No staff acts yet", "Every act of a colleague leaves a row here that nobody can change."

    def _ways_to(self, text: str) -> list[Way]:
        if text.isascii() and text.isdigit() and len(text) < 12:
            return [Way(lambda table: table.seq == int(text), column="seq")]
        return super()._ways_to(text)

    def title_of(self, row: AdminAuditTrail) -> str:
        return f"Staff act {row.seq}"


class SessionLogView(AuditView):
    trail = "session-log"
    search_words = "reason_details"
    section, icon = "Audit", "list-check"
    column_list = ("created_at", "user_id", "action", "session_id", "new_status", "reason_details")
    column_details_list = (
        "number", "id", "created_at", "user_id", "actor_role", "action", "session_id", "reason_category",
        "reason_details", "changed", "policy_snapshot", "details", "request_id", "ip_address", "user_agent",
    )  # fmt: skip
    column_labels = {
        "changed": "What changed",
        "created_at": "When", "user_id": "Who", "session_id": "Session", "new_status": "Status",
        "reason_details": "Reason", "ip_address": "Address", "user_agent": "Browser", "actor_role": "Role",
        "number": "No.",
    }  # fmt: skip
    column_formatters = {"user_id": _actor, "action": _action, "new_status": _move, "reason_details": cells.text}
    column_formatters_detail = {
        "action": cells.code,
        "changed": changes.cell,
        "details": cells.whole_json,
        "policy_snapshot": cells.whole_json,
    }
    column_classes = {"reason_details": "wrap"}
    column_filters = ("action", "user_id", "session_id", "created_at")
    people = ("user_id",)
    exported = (
        "number", "created_at", "user_id", "actor_role", "action", "session_id", "previous_status", "new_status",
        "previous_scheduled_at", "new_scheduled_at", "reason_category", "reason_details", "ip_address", "user_agent",
    )  # fmt: skip

    def title_of(self, row: SessionAuditLog) -> str:
        return f"Entry {row.number}"


class AuditExportView(ConsolePage):
    """Both trails as CSV, in the filter of the list; that they were read is on record (AUD-1, AUD-4)."""

    permission = Permission.AUDIT_EXPORT

    @expose("/")
    def index(self) -> ResponseReturnValue:
        return redirect(url_for("console_staff_trail.index_view"))

    @expose("/<name>.csv")
    def export(self, name: str) -> ResponseReturnValue:
        views: list[Any] = current_app.extensions[MENU]
        view = next((view for view in views if getattr(view, "trail", None) == name), None)
        if view is None:
            raise NotFound
        statement = view.statement()
        note_export(name, request.args.to_dict(flat=False), ctx=current_context())
        return Response(
            stream_with_context(copy_csv(statement)),
            mimetype="text/csv",
            headers={
                "Content-Disposition": f'attachment; filename="{name}-{request_now():%Y-%m-%d}.csv"',
                "Cache-Control": "no-store",
            },
        )


VIEWS = (
    (StaffTrailView, AdminAuditTrail, "Staff acts", "staff_trail"),
    (SessionLogView, SessionAuditLog, "Session log", "session_log"),
)
