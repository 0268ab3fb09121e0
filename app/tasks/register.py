"""Connects this door to an application."""

from __future__ import annotations

from flask import Flask

from app.tasks.commands import clock, relay, worker


def init_app(app: Flask) -> None:
    """Register the commands that start worker, relay and clock."""
    for command in (worker, relay, clock):
        app.cli.add_command(command)
