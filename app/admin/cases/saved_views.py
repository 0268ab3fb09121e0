"""Saved views in the console: all of them with their counts, and the dialogs that save, change and delete (SL-2)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from flask import Response, current_app, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.admin.cases import rows
from app.admin.guard import ConsolePage
from app.domain.errors import Conflict, Invalid
from app.domain.permissions import Permission
from app.http.context import current_context, request_now
from app.support.saved_views import View, change_view, count_views, delete_view, find_view, save_view, views_for
from app.support.session_filter import SessionFilter, read_what_can_be_read

COUNT_CAP = 1_000
_AS_TABS = 6
_KEPT = "desk-saved-views"
_LONGEST_QUERY = 2_000


class SavedViewsView(ConsolePage):
    """Views of the sessions list."""

    permission = Permission.SAVED_VIEW_EDIT
    section, icon = "", "bookmark"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        ctx = current_context()
        views = views_for(zone=_zone(), ctx=ctx)
        counts = count_views(views, ctx=ctx)
        listed = [(view, rows.address(view.chosen), counts[view.id]) for view in views]
        return self.render("admin/cases/views.html", views=listed, cap=COUNT_CAP, list_url=rows.LIST_PATH)

    @expose("/new", methods=("GET", "POST"))
    def new(self) -> ResponseReturnValue:
        chosen = _list_named()
        if request.method == "GET":
            return self._form("Save this list as a view", chosen=chosen)
        name, is_shared = _typed()

        def act() -> None:
            save_view(name, chosen, is_shared=is_shared, ctx=current_context())

        return self._act(act, "View saved", chosen, "Save this list as a view")

    @expose("/<uuid:view_id>/edit", methods=("GET", "POST"))
    def edit(self, view_id: UUID) -> ResponseReturnValue:
        view = find_view(view_id, zone=_zone(), ctx=current_context())
        if request.method == "GET":
            return self._form("Change the view", chosen=view.chosen, name=view.name, is_shared=view.is_shared)
        name, is_shared = _typed()

        def act() -> None:
            change_view(view_id, name=name, is_shared=is_shared, chosen=None, ctx=current_context())

        return self._act(act, "View changed", view.chosen, "Change the view")

    @expose("/<uuid:view_id>/delete", methods=("GET", "POST"))
    def delete(self, view_id: UUID) -> ResponseReturnValue:
        view = find_view(view_id, zone=_zone(), ctx=current_context())
        if request.method == "GET":
            return self.render("admin/cases/view_delete.html", view=view, back_url=url_for("console_saved_views.index"))
        delete_view(view_id, ctx=current_context())
        flash(f"The view “{view.name}” is deleted", "success")
        return redirect(url_for("console_saved_views.index"), 303)

    def _act(self, act: Callable[[], None], done: str, chosen: SessionFilter, title: str) -> ResponseReturnValue:
        try:
            act()
        except (Invalid, Conflict) as refused:
            problems = refused.fields or {"name": refused.message}
            name, is_shared = _typed()
            status = 422 if isinstance(refused, Invalid) else 409
            return self._form(title, chosen=chosen, name=name, is_shared=is_shared, problems=problems), status
        flash(done, "success")
        return redirect(rows.address(chosen), 303)

    def _form(
        self,
        title: str,
        *,
        chosen: SessionFilter,
        name: str = "",
        is_shared: bool = False,
        problems: dict[str, str] | None = None,
    ) -> str:
        return self.render(
            "admin/cases/view_form.html",
            title=title,
            name=name,
            is_shared=is_shared,
            problems=problems or {},
            query=rows.query_of(chosen),
            told=[f"{chip.label}: {chip.value}" for chip in rows.chips(chosen, {})],
            back_url=rows.address(chosen),
        )


def init_app(app: Any) -> None:
    """Remember each reader's views for as long as the sidebar's counts; what this process changes shows at once."""
    kept: dict[UUID | None, tuple[datetime, list[View]]] = {}
    app.extensions[_KEPT] = kept

    def forget(response: Response) -> Response:
        if request.method not in {"GET", "HEAD"}:
            kept.clear()
        return response

    app.after_request(forget)


def view_tabs(chosen: SessionFilter) -> list[dict[str, Any]]:
    """The first few views as tabs of the list, own ones first; the rest stand on their page."""
    here = chosen.arguments()
    return [
        {"label": view.name, "url": rows.address(view.chosen), "active": view.chosen.arguments() == here}
        for view in _views()[:_AS_TABS]
    ]


def _views() -> list[View]:
    ctx, kept = current_context(), current_app.extensions[_KEPT]
    known = kept.get(ctx.actor.user_id)
    longest = timedelta(seconds=current_app.config["CONSOLE_COUNTS_SECONDS"])
    if known is None or not timedelta() <= request_now() - known[0] < longest:
        if len(kept) > 500:
            kept.clear()
        known = kept[ctx.actor.user_id] = (request_now(), views_for(zone=_zone(), ctx=ctx))
    found: list[View] = known[1]
    return found


def _list_named() -> SessionFilter:
    query = request.values.get("list", "")[:_LONGEST_QUERY]
    chosen, _ = read_what_can_be_read(parse_qs(query.replace("\0", "")), zone=_zone())
    return chosen


def _typed() -> tuple[str, bool]:
    return request.form.get("name", "")[:200], request.form.get("isShared") == "1"


def _zone() -> str:
    zone: str = g.get("viewer_zone") or "UTC"
    return zone
