"""How the generated views show a value: badges, people, sessions, money and moments, drawn by the common macros."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from flask import current_app, g, get_template_attribute, url_for
from markupsafe import Markup, escape
from sqlalchemy import select, union_all

from app.admin.filters import words_of
from app.admin.menu import MENU
from app.domain.permissions import Permission, may
from app.extensions import db
from app.http.context import current_actor
from app.http.formatting import short_id
from app.models import MentoringSession, User

Formatter = Callable[[Any, Any, Any, str], Any]
_LONGEST = 140
DASH = Markup('<span class="muted">\N{EN DASH}</span>')


def macro(file: str, name: str) -> Callable[..., Markup]:
    """A component's macro, for Python code."""
    found: Callable[..., Markup] = get_template_attribute(f"components/{file}.html", name)
    return found


def badge(kind: str) -> Formatter:
    """A status badge: ``session_status``, ``refund_status``, ``payment_status``, ``work_status`` …."""

    def cell(view: Any, context: Any, row: Any, name: str) -> Any:
        value = getattr(row, name)
        return DASH if value is None else macro("status", kind)(value)

    return cell


def money(currency: str = "currency") -> Formatter:
    """Minor units beside the column that names their currency."""

    def cell(view: Any, context: Any, row: Any, name: str) -> Any:
        value, code = getattr(row, name), getattr(row, currency)
        return DASH if value is None or not code else macro("data", "money")(value, code)

    return cell


def person(view: Any, context: Any, row: Any, name: str) -> Any:
    """A user's id as avatar and name, leading to the user."""
    user_id = getattr(row, name)
    return DASH if user_id is None else person_of(user_id)


def person_of(user_id: UUID) -> Markup:
    found = _names().get(user_id)
    href = None
    if may(current_actor().role, Permission.USER_VIEW):
        href = url_for("console_users.details_view", id=user_id)
    return macro("data", "person")(found or short_id(user_id), str(user_id), None, href)


def session(view: Any, context: Any, row: Any, name: str) -> Any:
    """A session's id as its title, leading to the case."""
    session_id = getattr(row, name)
    if session_id is None:
        return DASH
    title = _names().get(session_id) or short_id(session_id)
    return Markup('<a class="clip" href="{}" title="{}">{}</a>').format(
        url_for("console_sessions.case", session_id=session_id), title, title
    )


def related(view: Any, context: Any, row: Any, name: str) -> Any:
    """The id of another table's row, leading to it where its view is open to the reader."""
    value = getattr(row, name)
    if value is None:
        return DASH
    column = next(iter(view.model.__table__.columns[name].foreign_keys)).column
    if not isinstance(value, UUID):
        return str(value)
    views = (each for each in current_app.extensions[MENU] if hasattr(each, "model"))
    other = next((each for each in views if each.model.__table__ is column.table and each.is_accessible()), None)
    if other is None:
        return macro("data", "short_id")(value)
    address = url_for(f"{other.endpoint}.details_view", id=value)
    return Markup('<a href="{}" title="{}">{}</a>').format(address, value, short_id(value))


def busy(view: Any, context: Any, row: Any, name: str) -> Any:
    """Times that are taken, each from when to when."""
    macro_when = macro("data", "when")
    return Markup(", ").join(
        Markup("{} \N{EN DASH} {}").format(
            macro_when(each.lower, None, (), True), macro_when(each.upper, None, (), True)
        )
        for each in getattr(row, name)
    )


def text(view: Any, context: Any, row: Any, name: str) -> Any:
    """A long text, cut; whole on hover."""
    value = getattr(row, name)
    if not value:
        return DASH
    value = str(value)
    short = value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"
    return Markup('<span title="{}">{}</span>').format(value[:1_000], short)


def code(view: Any, context: Any, row: Any, name: str) -> Any:
    """A word of the machine's."""
    value = getattr(row, name)
    return DASH if value is None else Markup("<code>{}</code>").format(value)


def whole_json(view: Any, context: Any, row: Any, name: str) -> Any:
    """JSON as facts, one a line."""
    return json_facts(getattr(row, name))


def json_facts(value: Any) -> Markup:
    if value in ({}, [], None, ""):
        return DASH
    if isinstance(value, dict):
        rows = [(key.replace("_", " "), json_facts(inner)) for key, inner in value.items()]
        return macro("data", "facts")(rows)
    if isinstance(value, list):
        return Markup(", ").join(json_facts(inner) for inner in value)
    return escape(json.dumps(value) if isinstance(value, bool) else str(value))


def remember_names(people: Iterable[UUID | None], sessions: Iterable[UUID | None]) -> None:
    """Fetch the names of people and the titles of sessions that this page shows, in one statement."""
    known = _names()
    wanted_people = {one for one in people if one} - known.keys()
    wanted_sessions = {one for one in sessions if one} - known.keys()
    parts = []
    if wanted_people:
        parts.append(select(User.id, User.name.label("name")).where(User.id.in_(wanted_people)))
    if wanted_sessions:
        titles = select(MentoringSession.id, MentoringSession.title.label("name"))
        parts.append(titles.where(MentoringSession.id.in_(wanted_sessions)))
    if parts:
        known.update({row.id: row.name for row in db.session.execute(union_all(*parts))})


def _names() -> dict[UUID, str]:
    if "console_names" not in g:
        g.console_names = {}
    found: dict[UUID, str] = g.console_names
    return found


def _moment(view: Any, value: datetime, name: str) -> Markup:
    return macro("data", "when")(value, None, (), True)


def _relative(view: Any, value: datetime, name: str) -> Markup:
    return macro("data", "relative")(value)


def _flag(view: Any, value: bool, name: str) -> Markup:  # noqa: FBT001 - Flask-Admin's order
    return Markup('<i class="bi bi-check-lg" role="img" aria-label="Yes"></i>') if value else DASH


BY_TYPE: dict[type, Any] = {
    bool: _flag,
    datetime: _moment,
    date: lambda view, value, name: value.isoformat(),
    UUID: lambda view, value, name: macro("data", "short_id")(value),
    StrEnum: lambda view, value, name: words_of(value),
    dict: lambda view, value, name: json_facts(value),
    list: lambda view, value, name: ", ".join(str(item) for item in value) or DASH,
    type(None): lambda view, value, name: DASH,
}
