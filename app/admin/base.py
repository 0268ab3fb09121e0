"""The base of the generated views: closed, read-only, and robust against whatever an address says (ADM-1).

What Flask-Admin's own list does badly at a million rows is done otherwise here: a count that stops at 10,000, pages
whose ids are chosen before anything is joined, names fetched once for the page, searches that an index answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import starmap
from typing import Any, ClassVar
from uuid import UUID

import structlog
from flask import flash, request, url_for
from flask_admin.contrib.sqla import ModelView
from flask_admin.model.template import BaseListRowAction
from markupsafe import Markup
from sqlalchemy import ARRAY, ColumnElement, Uuid, any_, cast, false, func, inspect, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import raiseload

from app.admin import cells
from app.admin.fields import ConsoleFormConverter
from app.admin.filters import SafeFilterConverter
from app.admin.guard import Guarded
from app.domain.errors import DomainError, NotFound
from app.extensions import db
from app.http.context import request_id
from app.http.formatting import short_id
from app.http.redirects import safe_next
from app.models import User
from app.support.export import safe_cell
from app.support.person_search import person_matches

_log = structlog.get_logger(__name__)
_DEEPEST_PAGE = 2_000

# Flask-Admin's own routes, each with what must be true of a view that has it.
_OPENED_BY = {
    "create_view": "can_create",
    "edit_view": "can_edit",
    "delete_view": "can_delete",
    "action_view": "has_actions",
    "export": "can_export",
    "ajax_lookup": "form_ajax_refs",
    "ajax_update": "column_editable_list",
}

# Columns of an order, each with whether it is descending.
Order = Sequence[tuple[Any, bool]]
# (label, condition); no condition shows everything.
Tab = tuple[str, Callable[[], ColumnElement[bool]] | None]


def directed(column: Any, is_descending: bool) -> Any:  # noqa: FBT001 - a pair of an order
    """The ORDER BY element. What is never NULL is not said to come last: no index would be found in that order."""
    if not is_descending:
        return column.asc()
    return column.desc() if column.nullable is False else column.desc().nulls_last()


class ConsoleView(Guarded, ModelView):
    """A table, shown and never written. What a view needs beyond that, it states.

    :cvar tabs: named parts of the list by their address argument ``tab``
    :cvar one: what a single row is called
    :cvar people: columns with a user's id, shown by name and found by it
    :cvar sessions: columns with a session's id, shown by title
    :cvar search_ids: columns that an id in the search box is compared with
    :cvar search_exact: text columns that the search box is compared with, as a whole
    """

    can_create = can_edit = can_delete = can_export = False
    can_view_details = True
    named_filter_urls = True
    page_size = 50
    can_set_page_size = True
    page_size_options = (25, 50, 100)
    _urls: Any
    has_actions: ClassVar[bool] = False
    count_cap: ClassVar[int] = 10_000
    list_template = "admin/tables/list.html"
    details_template = "admin/tables/details.html"
    column_auto_select_related = False
    column_default_sort: Any = (("created_at", True),)
    column_details_list: Any = None
    column_formatters: Any = None
    column_formatters_detail: Any = None
    filter_converter = SafeFilterConverter()
    model_form_converter = ConsoleFormConverter
    column_type_formatters = cells.BY_TYPE
    column_type_formatters_detail = cells.BY_TYPE
    column_type_formatters_export: ClassVar[dict[type, Any]] = {}

    section: ClassVar[str | None] = None
    one: ClassVar[str] = ""
    list_note: ClassVar[str] = ""
    tabs: ClassVar[Mapping[str, Tab]] = {}
    people: ClassVar[Sequence[str]] = ()
    sessions: ClassVar[Sequence[str]] = ()
    search_ids: ClassVar[Sequence[str]] = ()
    search_exact: ClassVar[Sequence[str]] = ()
    search_hint: ClassVar[str] = ""

    def __init__(self, model: Any, **kwargs: Any) -> None:
        formatters = {
            **{column.key: cells.related for column in inspect(model).columns if column.foreign_keys},
            **dict.fromkeys(self.people, cells.person),
            **dict.fromkeys(self.sessions, cells.session),
            **(self.column_formatters or {}),
        }
        self.column_formatters = formatters
        self.column_formatters_detail = {**formatters, **(self.column_formatters_detail or {})}
        # Flask-Admin would leave out what leads elsewhere: the session of a payment, the payment of a refund.
        self.column_details_list = self.column_details_list or [each.key for each in inspect(model).column_attrs]
        # Closed means that there is no address at all, not that a view behind it says no.
        self._urls = [entry for entry in self._urls if getattr(self, _OPENED_BY.get(entry[1], "permission"))]
        kwargs.setdefault("endpoint", model.__tablename__)
        super().__init__(model, db, **kwargs)

    # What is listed

    def get_query(self) -> Any:
        query = db.session.query(self.model)
        tab = self.tabs.get(self.active_tab)
        return query.filter(tab[1]()) if tab and tab[1] else query

    @property
    def active_tab(self) -> str:
        """The tab of this request; the first one when none is named."""
        if not self.tabs:
            return ""
        named = request.args.get("tab", "") if request.endpoint == f"{self.endpoint}.index_view" else "all"
        return named if named in self.tabs or named == "all" else next(iter(self.tabs))

    def tab_entries(self) -> list[dict[str, Any]]:
        """The tabs as the list draws them."""
        here = self.active_tab
        return [
            {"label": label, "url": url_for(f"{self.endpoint}.index_view", tab=name), "active": name == here}
            for name, (label, _) in self.tabs.items()
        ]

    def get_list(
        self,
        page: int | None,
        sort_column: Any,
        sort_desc: bool,  # noqa: FBT001 - Flask-Admin's order
        search: str | None,
        filters: Any,
        execute: bool = True,  # noqa: FBT001, FBT002 - as above
        page_size: int | None = None,
    ) -> tuple[int | None, Any]:
        page = min(max(page or 0, 0), _DEEPEST_PAGE)
        query = self.get_query()
        text = (search or "").replace("\0", "").strip()
        if filters:
            query, _, _, _ = self._apply_filters(query, None, {}, {}, filters)
        keys = list(inspect(self.model).primary_key)
        order = self._order(sort_column, descending=sort_desc)
        size = min(page_size or self.page_size, max(self.page_size_options))
        ids, total = self._chosen(query, text if self._search_supported else "", order, size=size, offset=page * size)
        rows = db.session.query(self.model, total.label("total")).options(raiseload("*"), *self.row_options())
        rows = rows.join(ids, *(self._joined(keys, ids)))
        found = rows.order_by(*starmap(directed, order)).all()
        models = [row[0] for row in found]
        self._remember(models)
        if found:
            return found[0].total, models
        return (db.session.scalar(select(total)) if page else 0), []

    def row_options(self) -> Sequence[Any]:
        """What else a row needs, beside its own columns; anything not named here is an error, not a statement."""
        return ()

    @staticmethod
    def _joined(keys: list[Any], ids: Any) -> tuple[ColumnElement[bool]]:
        condition = keys[0] == ids.c[keys[0].key]
        for key in keys[1:]:
            condition = condition & (key == ids.c[key.key])
        return (condition,)

    def _chosen(self, query: Any, text: str, order: Order, *, size: int, offset: int) -> tuple[Any, Any]:
        """The ids of a page as a subquery, and the capped count as another."""
        keys = list(inspect(self.model).primary_key)
        if text:
            query = query.filter(self._found_by(text))
        counted = query.with_entities(*keys).limit(self.count_cap + 1).subquery()
        ids = query.with_entities(*keys).order_by(*starmap(directed, order)).limit(size).offset(offset).subquery()
        return ids, select(func.count()).select_from(counted).scalar_subquery()

    def _order(self, sort_column: Any, *, descending: bool) -> Order:
        """The columns of the order, each with whether it is descending; the id is the last."""
        if sort_column is not None:
            order = [(self._sortable_columns[sort_column], descending)] if sort_column in self._sortable_columns else []
        else:
            order = [(getattr(self.model, name), down) for name, down in self.column_default_sort]
        return [*order, *((column, not order or order[-1][1]) for column in inspect(self.model).primary_key)]

    def _remember(self, rows: Sequence[Any]) -> None:
        cells.remember_names(
            (getattr(row, name) for row in rows for name in self.people),
            (getattr(row, name) for row in rows for name in self.sessions),
        )

    def render(self, template: str, **kwargs: Any) -> str:
        if "return_url" in kwargs:
            # Flask-Admin takes it from the address and judges it by urljoin; browsers read addresses otherwise (B-5).
            kwargs["return_url"] = safe_next(kwargs["return_url"], url_for(f"{self.endpoint}.index_view"))
        return super().render(template, **kwargs)

    # What is found

    def init_search(self) -> bool:
        return bool(self.search_ids or self.search_exact or self.people)

    def search_placeholder(self) -> str:
        return self.search_hint or ("Name, e-mail or id" if self.people else "Id")

    def _found_by(self, text: str) -> ColumnElement[bool]:
        """Each part is answered by an index; nothing scans a table for a piece of text."""
        found: list[ColumnElement[bool]] = [getattr(self.model, name) == text for name in self.search_exact]
        try:
            wanted = UUID(text)
            found += [getattr(self.model, name) == wanted for name in (*self.search_ids, *self.people)]
        except ValueError:
            # As one array, which an index answers; a subquery among alternatives would be asked for every row.
            ids = select(func.array_agg(User.id)).where(person_matches(text)).scalar_subquery()
            found += [getattr(self.model, name) == any_(cast(ids, ARRAY(Uuid))) for name in self.people]
        return or_(*found) if found else false()

    def get_one(self, id: Any) -> Any:  # noqa: A002 - Flask-Admin's name
        """The row of a details page.

        :raises NotFound: there is none, the id is none, or the row is not this view's to show
        """
        keys = inspect(self.model).primary_key
        texts = str(id).split(",")
        try:
            values = [key.type.python_type(value) for key, value in zip(keys, texts, strict=True)]
        except (ValueError, TypeError):
            raise NotFound from None
        if any(isinstance(value, str) and "\0" in value for value in values):
            raise NotFound
        query = db.session.query(self.model).options(raiseload("*"), *self.row_options())
        found = query.filter(*(key == value for key, value in zip(keys, values, strict=True))).one_or_none()
        if found is None:
            raise NotFound
        self._remember([found])
        return found

    # What is said

    def _prettify_name(self, name: str) -> str:
        return name.replace("_", " ").removesuffix(" at").removesuffix(" id").removesuffix(" minor").capitalize()

    def get_list_row_actions(self) -> list[BaseListRowAction]:
        return []

    def get_export_value(self, model: Any, name: Any) -> Any:
        value = self._get_field_value(model, name)
        return safe_cell("" if value is None else str(value))

    def handle_view_exception(self, exc: Exception) -> bool:
        """Flask-Admin would show the statement and its parameters; a person gets a sentence with a reference."""
        if isinstance(exc, DomainError):
            flash(exc.message, "error")
            return True
        if isinstance(exc, SQLAlchemyError):
            db.session.rollback()
            _log.error("console_save_refused", view=self.endpoint, exc_info=exc)
            flash(f"This could not be saved. If it stays, tell us this reference: {request_id()}", "error")
            return True
        return bool(super().handle_view_exception(exc))

    def title_of(self, row: Any) -> str:
        """What a details page is headed with."""
        return f"{self.one or self.name.removesuffix('s')} {short_id(self.get_pk_value(row))}"

    def details_buttons(self, row: Any) -> Markup:
        """Acts that a details page offers, as markup."""
        return Markup()
