"""Connects this door to an application."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Register everything that stands in this package."""
    from app.cli.seed import seed

    app.cli.add_command(seed)
