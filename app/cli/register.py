"""Connects this door to an application."""

from __future__ import annotations

from flask import Flask

from app.cli.audit import audit
from app.cli.outbox import outbox
from app.cli.seed import seed


def init_app(app: Flask) -> None:
    """Register everything that stands in this package."""
    for command in (audit, outbox, seed):
        app.cli.add_command(command)
