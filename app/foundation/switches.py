"""Parts of the product that staff can turn off (LEAD-12)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from app.extensions import db
from app.models import KillSwitch

AUTO_REASSIGNMENT: Final = "auto_reassignment"


def is_off(key: str) -> bool:
    """Whether staff turned this part of the product off; what nobody ever switched is on."""
    return bool(db.session.scalar(select(KillSwitch.is_off).where(KillSwitch.key == key)))
