"""Records looked up by typing, for ``form_ajax_refs``: known by name, and no error for an id that is none."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_admin.contrib.sqla.ajax import QueryAjaxModelLoader

from app.http.formatting import short_id

_NAMING = ("name", "title", "email")


def name_of(row: Any) -> str:
    """What a person calls a row: its name, title or address, else what it is and its short id."""
    for attribute in _NAMING:
        if value := getattr(row, attribute, None):
            return str(value)
    kind = type(row)
    if "__str__" in vars(kind):
        return str(row)
    key = getattr(row, "id", None)
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in kind.__name__).strip()
    return f"{words} {short_id(key)}" if key else words


class RecordLoader(QueryAjaxModelLoader):
    """``form_ajax_refs = {"mentor": RecordLoader("mentor", db, User, fields=["name", "email"])}``."""

    def format(self, model: Any) -> tuple[Any, str] | None:
        if not model:
            return None
        name, email = name_of(model), getattr(model, "email", None)
        return getattr(model, self.pk), f"{name} · {email}" if email and email != name else name

    def get_one(self, pk: Any) -> Any:
        try:
            key = UUID(str(pk))
        except ValueError:
            return None
        return super().get_one(key)
