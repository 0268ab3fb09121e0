"""What can be done to a case, as its page lists it: drawn once for all cases in the same state (PERF-1)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple
from uuid import uuid4

from flask import current_app, get_template_attribute
from markupsafe import Markup


class ActEntry(NamedTuple):
    """One line.

    :param slug: its place below the case's address
    :param key: what it is called by on the keyboard
    :param why_not: greys it out
    """

    label: str
    slug: str
    icon: str
    note: str
    key: str = ""
    danger: bool = False
    why_not: str | None = None


# Stands where the case's address will be: nobody's words can hold it.
_HERE = f"/{uuid4().hex}"


def draw_acts(entries: Iterable[ActEntry], *, here: str) -> Markup:
    """The list, for the case at the address ``here``."""
    draw = _drawn.__wrapped__ if current_app.jinja_env.auto_reload else _drawn
    return Markup(draw(tuple(entries)).replace(_HERE, here))  # noqa: S704 - drawn by a template, and an address


@lru_cache(maxsize=512)
def _drawn(entries: tuple[ActEntry, ...]) -> str:
    acts = [{**entry._asdict(), "url": f"{_HERE}/{entry.slug}"} for entry in entries]
    drawn: str = get_template_attribute("components/story.html", "acts")(acts)
    return drawn
