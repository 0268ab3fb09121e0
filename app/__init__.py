"""Mentor Desk: the operations side of a mentoring marketplace.

Importing any ``app.x`` runs this file first, so it imports nothing at module level.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flask import Flask

    from app.config import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """Build the application from ``settings``, or from the environment when none are given."""
    from app.factory import build

    return build(settings)
