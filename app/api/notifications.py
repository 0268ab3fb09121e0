"""The caller's own notification centre (NT-1)."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from app.api.fields import Given, Instant, Paged, Pagination, Switch, Told, pagination
from app.api.people import own_id
from app.api.schema import api
from app.domain.permissions import Permission
from app.http.context import current_context
from app.messaging.inbox import count_notifications, mark_read, notifications_of
from app.models import Notification

_TAG = "Notifications"


class WhichNotifications(Paged):
    unread: Switch = Field(default=False, description="Only those that were not read yet.")


class NotificationTold(Told):
    id: UUID
    type: str
    title: str
    body: str
    action_url: str | None = Field(description="A path inside the product.")
    booking_id: UUID | None
    created_at: Instant
    read_at: Instant | None


class NotificationList(Told):
    notifications: list[NotificationTold]
    unread: int = Field(description="How many were not read yet, on all pages.")
    pagination: Pagination


class ReadThese(Given):
    ids: list[UUID] | None = Field(None, max_length=100, description="Which; all when it is left out.")


class MarkedRead(Told):
    marked: int = Field(description="How many had not been read before.")


@api.declare(
    "GET",
    "/notifications",
    tag=_TAG,
    summary="Your notifications, newest first",
    needs=Permission.OWN_NOTIFICATION_READ,
    query=WhichNotifications,
    answer=NotificationList,
)
def list_notifications(query: WhichNotifications) -> NotificationList:
    me = own_id()
    unread = count_notifications(me, unread_only=True)
    total = unread if query.unread else count_notifications(me)
    rows = notifications_of(me, limit=query.limit, offset=(query.page - 1) * query.limit, unread_only=query.unread)
    return NotificationList(
        notifications=[_told(row) for row in rows],
        unread=unread,
        pagination=pagination(query.page, query.limit, total),
    )


@api.declare(
    "POST",
    "/notifications/read",
    tag=_TAG,
    summary="Mark notifications as read",
    needs=Permission.OWN_NOTIFICATION_READ,
    body=ReadThese,
    answer=MarkedRead,
)
def read_notifications(body: ReadThese) -> MarkedRead:
    """Ids that are not yours are passed over. Doing it twice changes nothing more."""
    return MarkedRead(marked=mark_read(own_id(), body.ids, ctx=current_context()))


def _told(row: Notification) -> NotificationTold:
    return NotificationTold(
        id=row.id,
        type=row.type.value,
        title=row.title,
        body=row.body,
        action_url=row.action_url,
        booking_id=row.session_id,
        created_at=row.created_at,
        read_at=row.read_at,
    )
