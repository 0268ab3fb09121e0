"""Connects what all doors share to an application."""

from __future__ import annotations

from flask import Flask

from app.config import Settings
from app.http import (
    assets,
    bodies,
    clock,
    context,
    cross_site,
    csp,
    direction,
    errors,
    formatting,
    fragments,
    frame,
    health,
    limits,
    live,
    login,
    logs,
    metrics,
    photos,
)


def init_app(app: Flask) -> None:
    """Register what every request passes: logs, clock, context, login, limits, cross-site check, errors, headers.

    The order is that of their ``before_request`` steps: who asks, how often, from which page.
    """
    settings: Settings = app.extensions["desk-settings"]
    logs.init_app(app, settings)
    clock.init_app(app)
    context.init_app(app)
    bodies.init_app(app)
    login.init_app(app)
    limits.init_app(app, settings)
    cross_site.init_app(app)
    errors.init_app(app)
    csp.init_app(app)
    direction.init_app(app)
    assets.init_app(app)
    formatting.init_app(app)
    fragments.init_app(app)
    photos.init_app(app)
    frame.init_app(app)
    live.init_app(app, threads=settings.web_threads)
    health.init_app(app)
    metrics.init_app(app)
