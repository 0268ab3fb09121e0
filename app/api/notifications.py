"""The caller's own notification centre (NT-1)."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from app.api.fields import Given, Instant, Paged, Pagination, Switch, Told, pagination
from app.api.live import Cursor, SinceWhen, caught_up, news_of, present_mark, reader_now
from app.api.people import own_id
from app.api.schema import api
from app.domain.permissions import Permission
from app.http.context import current_context
from app.messaging.inbox import count_notifications, mark_read, notifications_of
from app.messaging.kinds import KINDS
from app.models import Notification

_TAG = "Notifications"


class WhichNotifications(Paged):
    unread: Switch = Field(default=False, description="Only those that were not read yet.")
    since: Cursor | None = Field(None, description="A cursor: only what came after it, oldest first, on one page.")
    page_at: Instant | None = Field(None, description="The same without a cursor: when you last looked.")


class NotificationTold(Told):
    id: UUID
    type: str
    title: str
    body: str
    action_url: str | None = Field(description="A path inside the product.")
    booking_id: UUID | None
    action: str = Field(description="What to call the link.")
    tone: str = Field(description="info, success, warning or error.")
    sound: bool = Field(description="Whether this kind makes a sound.")
    created_at: Instant
    read_at: Instant | None


class NotificationList(Told):
    notifications: list[NotificationTold]
    unread: int = Field(description="How many were not read yet, on all pages.")
    cursor: str = Field(description="Give it back as `since` to hear of what comes next.")
    changed_bookings: list[UUID] = Field(description="With `since`: bookings to be read anew.")
    everything_changed: bool = Field(description="With `since`: there was more than is listed; read all anew.")
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
    """Where no stream can be held, ask every few seconds with the cursor of the last answer as `since`."""
    me = own_id()
    cursor = str(present_mark())
    unread = count_notifications(me, unread_only=True)
    if query.since or query.page_at:
        reader = reader_now()
        news = news_of(reader, caught_up(SinceWhen(since=query.since, pageAt=query.page_at), reader))
        rows, total = news.notifications, len(news.notifications)
        return NotificationList(
            notifications=[_told(row) for row in rows],
            unread=unread,
            cursor=cursor,
            changed_bookings=sorted(news.sessions, key=str),
            everything_changed=news.is_all,
            pagination=pagination(1, max(total, 1), total),
        )
    total = unread if query.unread else count_notifications(me)
    page = notifications_of(me, limit=query.limit, offset=(query.page - 1) * query.limit, unread_only=query.unread)
    return NotificationList(
        notifications=[_told(row) for row in page],
        unread=unread,
        cursor=cursor,
        changed_bookings=[],
        everything_changed=False,
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
    kind = KINDS[row.type]
    return NotificationTold(
        id=row.id,
        type=row.type.value,
        title=row.title,
        body=row.body,
        action_url=row.action_url,
        booking_id=row.session_id,
        action=kind.action,
        tone=kind.tone,
        sound=kind.sound,
        created_at=row.created_at,
        read_at=row.read_at,
    )
