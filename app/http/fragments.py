"""Pieces of pages that many requests share, drawn once and kept: sidebar, filter forms, heads of tables (PERF-1).

``{% call remembered('name', what, it, depends, on) %}…{% endcall %}``. The key has to hold everything that the piece
shows, so that nobody ever sees another one's; a secret (a form's token, say) does not belong in such a piece. A key
with None in it keeps nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from flask import Flask

_MOST = 500


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
