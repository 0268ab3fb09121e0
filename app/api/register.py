"""Connects this door to an application."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Register everything that stands in this package."""
    # Each declares its endpoints when it is imported; the blueprint must know them all before it is registered.
    from app.api import (  # noqa: F401, PLC0415
        admin_sessions,
        bookings,
        decisions,
        docs,
        joining,
        mentor_desk,
        mentors,
        notifications,
        offerings,
        policies,
        requests,
        tokens,
    )
    from app.api.schema import api  # noqa: PLC0415
    from app.api.webhooks import webhooks  # noqa: PLC0415

    app.register_blueprint(api.blueprint)
    app.register_blueprint(webhooks)
