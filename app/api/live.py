"""The live stream of one's own news, and the same for who asks again and again (NT-2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from flask import Response, g, request
from pydantic import Field

from app.api.fields import Given, Instant
from app.api.schema import api
from app.domain.errors import SignInRequired
from app.domain.permissions import Permission
from app.http.context import current_actor
from app.http.live import RETRY_MS, News, Reader, event, lines, live_hub, stream_seconds
from app.messaging import feed
from app.messaging.feed import MARK_PATTERN, Caught, Mark

Cursor = Annotated[str, Field(pattern=MARK_PATTERN, max_length=60, examples=["120.4531.77"])]


class SinceWhen(Given):
    since: Cursor | None = Field(None, description="The id of the last event, where no header says it.")
    page_at: Instant | None = Field(None, description="Without one: when you last looked.")


@api.declare(
    "GET",
    "/notifications/stream",
    tag="Notifications",
    summary="Your news as they happen",
    needs=Permission.OWN_NOTIFICATION_READ,
    query=SinceWhen,
    media_type="text/event-stream",
)
def stream_news(query: SinceWhen) -> Response:
    """Server-sent events.

    Each holds your new notifications, how many are unread, and the ids of your bookings that changed; read those anew.
    Its id, given back as `Last-Event-ID`, brings what was missed. A stream ends after ten minutes, and at once when the
    sign-in ends. 204 says that no more can be held: ask `GET /notifications?since=…`.
    """
    reader, seconds = reader_now(), stream_seconds()
    if not seconds:
        return _answer(f"retry: {RETRY_MS}\n\n{_first(query, reader)}")
    hub = live_hub()
    stream = hub.open(reader)
    if stream is None:
        return Response(status=204)
    try:
        # Read after the stream is open: what comes in between is told twice rather than never.
        answer = _answer(lines(stream, _first(query, reader), seconds=seconds))
    except BaseException:
        hub.forget(stream)
        raise
    answer.call_on_close(lambda: hub.forget(stream))
    return answer


def _answer(body: Iterator[str] | str) -> Response:
    # nginx would keep the events until it has a page full of them.
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Response(body, content_type="text/event-stream; charset=utf-8", headers=headers)


def _first(query: SinceWhen, reader: Reader) -> str:
    mark = present_mark()
    return event(news_of(reader, caught_up(query, reader)), mark)


def present_mark() -> Mark:
    """Where the next question begins."""
    return live_hub().mark() if stream_seconds() else feed.mark_now()


def caught_up(query: SinceWhen, reader: Reader) -> Caught:
    """What this reader was not told yet."""
    mark = Mark.read(request.headers.get("Last-Event-ID")) or Mark.read(query.since)
    return feed.catch_up(reader.user_id, mark=mark, page_at=query.page_at, sees_all_sessions=reader.sees_all_sessions)


def news_of(reader: Reader, caught: Caught) -> News:
    """The same as an event tells it."""
    sessions = set(caught.sessions) | {row.session_id for row in caught.notifications if row.session_id}
    unread = feed.unread_of({reader.user_id})[reader.user_id]
    return News(list(caught.notifications), sessions, unread, is_all=caught.is_all)


def reader_now() -> Reader:
    """Who asks, and by which login or token.

    :raises SignInRequired: nobody is signed in
    """
    actor, login = current_actor(), g.get("login_row")
    if actor.user_id is None or actor.role is None:
        raise SignInRequired("Please sign in first.")
    return Reader(actor.user_id, actor.role, login.id if login else None, g.get("token_id"))
