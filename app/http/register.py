"""Connects what all doors share to an application."""

from __future__ import annotations

from flask import Flask

from app.http import assets, clock, csp, formatting


def init_app(app: Flask) -> None:
    """Register clock, security headers, filters and the rest of this package."""
    clock.init_app(app)
    csp.init_app(app)
    assets.init_app(app)
    formatting.init_app(app)
