"""Connects this door to an application."""

from __future__ import annotations

from flask import Flask

from app.cli.audit import audit
from app.cli.doctor import doctor
from app.cli.money import money
from app.cli.outbox import outbox
from app.cli.policies import policies
from app.cli.seed import seed
from app.cli.users import user


def init_app(app: Flask) -> None:
    """Register everything that stands in this package."""
    for command in (audit, doctor, money, outbox, policies, seed, user):
        app.cli.add_command(command)
