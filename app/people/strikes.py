"""Marks against somebody that end by themselves (LEAD-10)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from app.domain.context import Context
from app.extensions import db
from app.foundation.audit import plain
from app.models import Strike

STRIKE_LASTS: Final = timedelta(days=180)


class StrikeKind(StrEnum):
    """What a strike is for."""

    WARNING = "warning"


def give_strike(
    user_id: UUID, *, kind: StrikeKind, session_id: UUID | None, evidence: Mapping[str, Any], ctx: Context
) -> Strike:
    """This function will put a strike on somebody's record, inside the open transaction; it ends after half a year.

    :param evidence: what it rests on, for whoever looks at an appeal
    """
    strike = Strike(
        user_id=user_id,
        session_id=session_id,
        kind=kind,
        evidence=plain(evidence),
        created_at=ctx.now,
        expires_at=ctx.now + STRIKE_LASTS,
    )
    db.session.add(strike)
    db.session.flush()
    return strike
