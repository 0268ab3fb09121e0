"""When each background process was last seen, and its report: what readiness and the operations page read (OPS-5).

In the database, not in Redis: a queue server that was wiped must not make a healthy product look dead.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.extensions import db
from app.foundation.audit import plain
from app.models import Heartbeat

RELAY = "relay"
CLOCK = "clock"


def job(name: str) -> str:
    """The name under which a scheduled job reports."""
    return f"job:{name}"


def beat(name: str, *, now: datetime, report: Mapping[str, Any] | None = None) -> None:
    """This function will note that ``name`` is alive; several processes of one name share a row. In a transaction."""
    values = {"seen_at": now, "report": plain(report or {})}
    db.session.execute(
        insert(Heartbeat)
        .values(name=name, **values)
        .on_conflict_do_update(index_elements=["name"], set_=values, where=Heartbeat.seen_at <= now)
    )


def seen() -> dict[str, datetime]:
    """When each name was last seen."""
    return {row.name: row.seen_at for row in db.session.execute(select(Heartbeat.name, Heartbeat.seen_at))}
