"""Why something was decided about a session, as its two parties may read it (WHY-2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from app.extensions import db
from app.models import DecisionRecord

_MOST = 20


@dataclass(frozen=True, slots=True)
class DecisionTold:
    """:param kind: what was decided: ``cancel``, ``payment``, ``complete``, …"""

    at: datetime
    kind: str
    allowed: bool
    message: str
    next_change: str | None


def records_of(session_id: UUID) -> Sequence[DecisionTold]:
    """The session's decisions, latest first; call it for a session that the reader may know of."""
    rows = db.session.execute(
        select(
            DecisionRecord.created_at,
            DecisionRecord.kind,
            DecisionRecord.allowed,
            DecisionRecord.message,
            DecisionRecord.next_change,
        )
        # That one of them wanted to report a problem is not the other's to know (DSP-1).
        .where(DecisionRecord.session_id == session_id, DecisionRecord.kind != "dispute")
        .order_by(DecisionRecord.created_at.desc(), DecisionRecord.id)
        .limit(_MOST)
    )
    return [DecisionTold(*row) for row in rows]
