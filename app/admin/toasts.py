"""What is said after a staff act, with the way to its row in the audit trail (AUD-1)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import flash, url_for
from sqlalchemy import select

from app.domain.permissions import Permission, may
from app.extensions import db
from app.http.context import current_context
from app.models import AdminAuditTrail


def say_done(title: str, text: str = "") -> None:
    """This function will show a toast on the next page; call it once the act is committed.

    It links to the row that the act left, for whoever may look there. A form that was sent twice acted once: the
    second answer left no row of its own, and its toast has no link.
    """
    message: dict[str, Any] = {"title": title, "text": text}
    row = _row_of_this_request()
    if row is not None:
        message["action"] = {
            "label": f"Audit row {row[1]}",
            "url": url_for("console_staff_trail.details_view", id=row[0]),
        }
    flash(message, "success")  # type: ignore[arg-type]  # a toast may be more than its title


def say_refused(why: str) -> None:
    """This function will say on the next page that nothing was done, and why."""
    flash({"title": "Nothing was done", "text": why}, "error")  # type: ignore[arg-type]  # as above


def _row_of_this_request() -> tuple[UUID, int] | None:
    """The last one: an act that did others as well is told last."""
    ctx = current_context()
    if ctx.actor.user_id is None or not may(ctx.actor.role, Permission.AUDIT_VIEW):
        return None
    row = db.session.execute(
        select(AdminAuditTrail.id, AdminAuditTrail.seq)
        .where(
            AdminAuditTrail.admin_id == ctx.actor.user_id,
            AdminAuditTrail.created_at == ctx.now,
            AdminAuditTrail.request_id == ctx.request_id,
        )
        .order_by(AdminAuditTrail.seq.desc())
        .limit(1)
    ).one_or_none()
    return (row.id, row.seq) if row is not None else None
