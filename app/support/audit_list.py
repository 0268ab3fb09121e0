"""The two audit trails a page at a time, newest first, each filter by an index (AUD-1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.domain.context import Context
from app.domain.permissions import Permission, require
from app.extensions import db
from app.models import AdminAuditTrail, SessionAuditLog
from app.support.keyset import Cursor, Key, page_of_keys, read_cursor
from app.support.session_list import names_of


class Trail(StrEnum):
    """``staff``: what staff did, chained. ``sessions``: everything that happened to sessions."""

    STAFF = "staff"
    SESSIONS = "sessions"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """:param start: the first instant, and ``end`` the first after; aware"""

    trail: Trail = Trail.STAFF
    action: str | None = None
    actor_id: UUID | None = None
    session_id: UUID | None = None
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Rows, the names of who acted, and the cursor of the next page; None at the end."""

    rows: Sequence[Any]
    names: dict[UUID, str]
    older: str | None


def list_audit(chosen: AuditFilter, *, ctx: Context, cursor: str = "", size: int) -> AuditPage:
    """One page of a trail, newest first; as quick at its end as at its beginning.

    :param cursor: where the page before ended
    :raises Forbidden: the reader's role does not read the trails
    :raises Invalid: the cursor is not ours
    """
    require(ctx.actor, Permission.AUDIT_VIEW)
    table: Any = AdminAuditTrail if chosen.trail is Trail.STAFF else SessionAuditLog
    actor = table.admin_id if chosen.trail is Trail.STAFF else table.user_id
    number = table.seq if chosen.trail is Trail.STAFF else table.number
    keys = [Key(table.created_at, "t", descending=True), Key(number, "i", descending=True)]
    after = read_cursor(cursor, keys) if cursor else None
    base = select(table.id)
    for column, value in (
        (table.action, chosen.action),
        (actor, chosen.actor_id),
        (table.session_id, chosen.session_id),
    ):
        if value is not None:
            base = base.where(column == value)
    if chosen.start:
        base = base.where(table.created_at >= chosen.start)
    if chosen.end:
        base = base.where(table.created_at < chosen.end)
    page = page_of_keys(base, keys, limit=size + 1, after=after.values if after else None).subquery("page")
    rows = db.session.scalars(
        select(table).join(page, number == page.c.k1).order_by(table.created_at.desc(), number.desc())
    ).all()
    position = after.position if after else 0
    more, rows = len(rows) > size, rows[:size]
    names = names_of(list({getattr(row, actor.key) for row in rows}))
    last = rows[-1] if rows else None
    older = (
        Cursor((last.created_at, getattr(last, number.key)), position + len(rows)).token() if more and last else None
    )
    return AuditPage(rows, names, older)
