"""Connects this door to an application."""

from __future__ import annotations

from flask import Flask

from app.config import Settings


def init_app(app: Flask) -> None:
    """Register everything that stands in this package."""
    from app.web.account import application_views, token_views  # noqa: PLC0415
    from app.web.account import views as account  # noqa: PLC0415
    from app.web.auth import views as auth  # noqa: PLC0415
    from app.web.sandbox import sandbox  # noqa: PLC0415

    for pages in (auth, account, token_views, application_views):
        app.register_blueprint(pages.bp)
    settings: Settings = app.extensions["desk-settings"]
    if settings.payment_gateway == "sandbox":
        app.register_blueprint(sandbox)
