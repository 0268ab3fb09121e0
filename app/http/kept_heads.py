"""The heads of the staff trail that were written down beside the database (AUD-3)."""

from __future__ import annotations

from flask import current_app

from app.config import Settings
from app.foundation.anchors import Anchor, read_anchors


def kept_heads() -> list[Anchor]:
    """All of them, oldest first."""
    settings: Settings = current_app.extensions["desk-settings"]
    return read_anchors(settings.data_dir)
