"""How values of each type look in generated lists and details; exports keep the plain ones of Flask-Admin."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from enum import Enum
from typing import Any
from uuid import UUID

from markupsafe import Markup, escape

from app.http.formatting import format_exact, format_iso, format_when, page_now, reader_zone, short_id

Formatter = Callable[[Any, Any, str], str]


def _instant(_view: Any, value: datetime, _name: str) -> str:
    if value.tzinfo is None:
        return f"{value:%Y-%m-%d %H:%M:%S}"
    zone = reader_zone()
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        format_iso(value), format_exact(value, zone), format_when(value, zone, page_now())
    )


def _flag(_view: Any, value: bool, _name: str) -> str:  # noqa: FBT001 - the signature is Flask-Admin's
    mark, word = ("check-lg", "Yes") if value else ("dash", "No")
    return Markup('<span class="flag"><i class="bi bi-{}" aria-hidden="true"></i> {}</span>').format(mark, word)


def _uuid(_view: Any, value: UUID, _name: str) -> str:
    return Markup(
        '<button type="button" class="copy" data-copy="{id}" title="Copy {id}">'
        '<span class="visually-hidden">Copy id </span>{short} <i class="bi bi-copy" aria-hidden="true"></i></button>'
    ).format(id=value, short=short_id(value))


def _json(_view: Any, value: Any, _name: str) -> str:
    return Markup('<code class="json">{}</code>').format(json.dumps(value, ensure_ascii=False, default=str))


def _nothing(_view: Any, _value: None, _name: str) -> str:
    return Markup('<span class="muted">\N{EN DASH}</span>')


CONSOLE_FORMATTERS: dict[type, Formatter] = {
    type(None): _nothing,
    bool: _flag,
    datetime: _instant,
    date: lambda _view, value, _name: value.isoformat(),
    Enum: lambda _view, value, _name: str(value.value).replace("_", " ").capitalize(),
    UUID: _uuid,
    dict: _json,
    list: lambda _view, value, _name: escape(", ".join(str(item) for item in value)),
}
"""``column_type_formatters = CONSOLE_FORMATTERS`` (and ``column_type_formatters_detail``)."""
