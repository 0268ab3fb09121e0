"""The one place where the product asks for the time (WHY-3); a test sets another source on the application."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from flask import Flask, current_app

_KEY = "desk-clock"


def init_app(app: Flask, source: Callable[[], datetime] | None = None) -> None:
    app.extensions[_KEY] = source or (lambda: datetime.now(UTC))


def now() -> datetime:
    """This instant, in UTC, as the application's clock has it."""
    source: Callable[[], datetime] = current_app.extensions[_KEY]
    return source()
