"""Connects this door to an application."""

from __future__ import annotations

from flask import Flask

from app.config import Settings


def init_app(app: Flask) -> None:
    """Register everything that stands in this package."""
    from app.web.sandbox import sandbox  # noqa: PLC0415

    settings: Settings = app.extensions["desk-settings"]
    if settings.payment_gateway == "sandbox":
        app.register_blueprint(sandbox)
