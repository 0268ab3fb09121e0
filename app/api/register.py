"""Connects this door to an application."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Register everything that stands in this package."""
    from app.api import meeting_webhooks  # noqa: F401, PLC0415 - adds its routes to the next one
    from app.api.endpoints import api  # noqa: PLC0415 - imported when the parts they stand on are ready
    from app.api.webhooks import webhooks  # noqa: PLC0415 - as above

    app.register_blueprint(api.blueprint)
    app.register_blueprint(webhooks)
