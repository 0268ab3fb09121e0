"""How much somebody may send: little, unless a view says that it takes files (API-1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from flask import current_app, request
from werkzeug.exceptions import RequestEntityTooLarge

if TYPE_CHECKING:
    from flask import Flask

P = ParamSpec("P")
R = TypeVar("R")

LARGEST = 1024 * 1024
_MARK = "largest_body"


def takes_up_to(size: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A decorator for a view that takes a body of up to ``size`` bytes; stands below the route's own."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        setattr(view, _MARK, size)
        return view

    return decorate


def _measure() -> None:
    view = current_app.view_functions.get(request.endpoint or "")
    size = getattr(view, _MARK, LARGEST)
    # A body of unknown length is stopped while it is read.
    request.max_content_length = size
    if (request.content_length or 0) > size:
        raise RequestEntityTooLarge


def init_app(app: Flask) -> None:
    """Refuse what is too large before anybody reads it."""
    app.before_request(_measure)
