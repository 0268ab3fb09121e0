"""What tests of abuse share: a world in which everything that somebody can write is written with bad intentions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask

from app.http.limits import limiter
from tests.architecture.world_of_roles import World
from tests.world import Clock


@pytest.fixture
def world(app: Flask, clock: Clock) -> World:
    """One of everything, with the browsers of everybody."""
    return World(app)


@pytest.fixture
def limits(app: Flask) -> Iterator[None]:
    """How often somebody may ask is counted, from nothing."""
    limiter.enabled = True
    limiter.reset()
    yield
    limiter.reset()
    limiter.enabled = False


class Markup(HTMLParser):
    """What a browser would run of a page, and not only show."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.live: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "script" and "src" not in given and given.get("type") != "application/json":
            self.live.append("<script> without a file")
        if tag in {"iframe", "object", "embed", "base"} and not (given.get("src") or "").startswith("/"):
            self.live.append(f"<{tag}>")
        for name, value in attrs:
            target = re.sub(r"[\x00-\x20]", "", value or "").lower()
            is_address = name in {"href", "src", "action", "formaction", "xlink:href", "poster", "data"}
            if name.startswith("on") or name in {"srcdoc", "style"}:
                self.live.append(f"{tag} {name}={value}")
            if is_address and target.startswith(("javascript:", "vbscript:", "data:text")):
                self.live.append(f"{tag} {name}={value}")

    handle_startendtag = handle_starttag


def live_markup(page: Any) -> list[str]:
    """What would run, were it not for the policy of contents: must be nothing."""
    return Markup(page.text if hasattr(page, "text") else str(page)).live
