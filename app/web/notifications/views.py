"""The notification centre: what is new, and where it leads (NT-1)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for

from app.domain.permissions import Permission
from app.http.context import current_actor, current_context
from app.http.login import requires
from app.http.redirects import safe_next
from app.messaging.inbox import count_notifications, mark_read, notifications_of
from app.messaging.kinds import KINDS
from app.web.asking import page_arg, url_with

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

bp = Blueprint("notifications", __name__)

_PER_PAGE = 30


@bp.get("/notifications")
@requires(Permission.OWN_NOTIFICATION_READ)
def inbox() -> ResponseReturnValue:
    user, page = _me(), page_arg()
    found = notifications_of(user, limit=_PER_PAGE + 1, offset=(page - 1) * _PER_PAGE)
    return render_template(
        "notifications/inbox.html",
        entries=found[:_PER_PAGE],
        has_more=len(found) > _PER_PAGE,
        page=page,
        unread=count_notifications(user, unread_only=True),
        kinds=KINDS,
        url_with=url_with,
    )


@bp.post("/notifications/read")
@requires(Permission.OWN_NOTIFICATION_READ)
def read_all() -> ResponseReturnValue:
    mark_read(_me(), None, ctx=current_context())
    return redirect(url_for("notifications.inbox"), 303)


@bp.post("/notifications/<uuid:notification_id>/read")
@requires(Permission.OWN_NOTIFICATION_READ)
def read_one(notification_id: UUID) -> ResponseReturnValue:
    """Mark one as read, and go where it leads."""
    mark_read(_me(), [notification_id], ctx=current_context())
    return redirect(safe_next(request.form.get("next"), url_for("notifications.inbox")), 303)


def _me() -> UUID:
    user = current_actor().user_id
    assert user is not None  # `requires` has let somebody in
    return user
