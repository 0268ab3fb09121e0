"""The look of the generated Flask-Admin views: our templates in place of its bundled skin.

Flask-Admin takes the theme's folder as the template folder of every view, so that a template we do not have is missing
loudly instead of bringing Bootstrap 4 and jQuery back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask_admin.base import BaseView
from flask_admin.menu import BaseMenu
from flask_admin.theme import Theme

from app.admin.lookups import name_of

_TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """A line of the sidebar; ``count`` and its ``tone`` say how much waits there."""

    label: str
    url: str
    icon: str = "dot"
    count: int | str | None = None
    tone: str = ""
    active: bool = False


@dataclass(frozen=True, slots=True)
class MenuSection:
    """A group of lines under a small heading, or without one."""

    label: str
    entries: Sequence[MenuEntry] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class FilterChip:
    """A filter in force, in words, and the address of the list without it."""

    label: str
    value: str
    remove_url: str


@dataclass
class ConsoleTheme(Theme):
    """``Admin(app, theme=ConsoleTheme())``."""

    folder: str = str(_TEMPLATES)
    base_template: str = "admin/base.html"

    def menu(self, view: BaseView) -> list[MenuSection]:
        """The sidebar out of Flask-Admin's own menu: categories become sections, what one may not open is left out."""
        loose: list[MenuEntry] = []
        sections: list[MenuSection] = []
        for item in view.admin.menu() if view.admin else ():
            if item.is_category():
                entries = [_entry(child, view) for child in item.get_children() if _is_shown(child)]
                if entries:
                    sections.append(MenuSection(item.name, entries))
            elif _is_shown(item):
                loose.append(_entry(item, view))
        return [MenuSection("", loose), *sections] if loose else sections

    def name_of(self, row: Any) -> str:
        """What the row is called in heads, menus and questions."""
        return name_of(row)

    def chips(
        self, view: Any, active: Sequence[tuple[int, str, str]], arguments: Mapping[str, str]
    ) -> list[FilterChip]:
        """The list's filters as chips.

        :param active: (index of the filter, name, value), as Flask-Admin hands them to its template
        :param arguments: the same as address arguments, in the same order; beside them everything else that is kept
        """
        names = [name for name in arguments if name.startswith("flt")]
        chips = []
        for (index, label, value), name in zip(active, names, strict=True):
            rest = {key: kept for key, kept in arguments.items() if key != name}
            chosen = view._filters[index]  # noqa: SLF001 - Flask-Admin keeps its filters nowhere else
            chips.append(
                FilterChip(
                    f"{label} {chosen.operation()}", _in_words(chosen, value, view), view.get_url(".index_view", **rest)
                )
            )
        return chips


def _is_shown(item: BaseMenu) -> bool:
    return bool(item.is_accessible() and item.is_visible()) and "dropdown-divider" not in (item.get_class_name() or "")


def _entry(item: BaseMenu, view: BaseView) -> MenuEntry:
    icon = (item.get_icon_value() or "dot").removeprefix("bi ").removeprefix("bi-")
    return MenuEntry(item.name, item.get_url() or "", icon, active=bool(item.is_active(view)))


def _in_words(chosen: Any, value: str, view: Any) -> str:
    options = dict(chosen.get_options(view) or ()) if chosen.options else {}
    return str(options.get(value, value))
