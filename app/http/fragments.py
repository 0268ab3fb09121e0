"""Pieces of pages that many requests share, drawn once and kept: sidebar, filter forms, heads of tables (PERF-1).

``{% call remembered('name', what, it, depends, on) %}…{% endcall %}``. The key has to hold everything that the piece
shows, so that nobody ever sees another one's; a secret (a form's token, say) does not belong in such a piece. A key
with None in it keeps nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

if TYPE_CHECKING:
    from flask import Flask

_MOST = 500


@lru_cache(maxsize=1024)
def drawn_icon(name: str, label: str | None = None, **more: str) -> Markup:
    """A Bootstrap Icon; ``label`` for one that stands alone, ``class`` for more classes."""
    extra = Markup(" {}").format(more["class"]) if more.get("class") else ""
    told = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup('<i class="bi bi-{}{}" {}></i>').format(name, extra, told)


@lru_cache(maxsize=1024, typed=True)  # a word that is markup is another one than the same word as text
def drawn_badge(tone: str, mark: str | None, word: str) -> Markup:
    """A state in a color that means something, with its icon (``pulse`` for a moving dot) and its word."""
    if tone == "none":
        return Markup('<span class="status status-none">{}</span>').format(word)
    dot = Markup('<span class="pulse" aria-hidden="true"></span>') if mark == "pulse" else Markup()
    icon = dot or (drawn_icon(mark) if mark else dot)
    return Markup('<span class="status tone-{}">{}{}</span>').format(tone, icon, word)


def badges_of(table: Mapping[str, tuple[str, str | None, str]]) -> Callable[[Any], Markup]:
    """What draws a status by its tone, icon and word in ``table``; one that is not in it in gray, none as ``none``."""

    @lru_cache(maxsize=64, typed=True)
    def badge(value: Any) -> Markup:
        key = str(value.value if isinstance(value, Enum) else value or "none")
        return drawn_badge(*(table.get(key) or ("gray", "circle", key.replace("_", " ").capitalize())))

    return badge


def init_app(app: Flask) -> None:
    """Give templates ``remembered``. Where templates are read anew when they change, nothing is kept."""
    kept: dict[tuple[Hashable, ...], Markup] = {}

    def remembered(*key: Hashable, caller: Callable[[], Markup]) -> Markup:
        if None in key or app.jinja_env.auto_reload:
            return caller()
        found = kept.get(key)
        if found is None:
            if len(kept) >= _MOST:
                kept.clear()
            found = kept[key] = caller()
        return found

    app.add_template_global(remembered, "remembered")
    app.add_template_global(drawn_icon, "drawn_icon")
    app.add_template_global(drawn_badge, "drawn_badge")
    app.add_template_global(badges_of, "badges_of")
