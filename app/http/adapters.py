"""How a door gets at the adapters; actions below the doors are given what they need as arguments."""

from __future__ import annotations

from flask import current_app

from app.integrations.adapters import Adapters


def adapters() -> Adapters:
    """The current application's adapters."""
    found: Adapters = current_app.extensions["desk-adapters"]
    return found
