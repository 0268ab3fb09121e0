"""Open pages hear of what changed: one reader of the database per process, and a queue per open stream (NT-2).

The reader looks once a second, and at once when the doorbell rings; what it finds it hands to the streams of those whom
it concerns. A stream holds a thread of the server and nothing else: no connection, no transaction. Before anything is
handed over, the reader asks whether the login is still one, so that nothing reaches who was signed out or suspended.
"""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import structlog
from flask import current_app
from redis.exceptions import RedisError

from app.domain.permissions import Permission, may
from app.domain.vocabulary import Role
from app.extensions import LIVE_CHANNEL, db, doorbell
from app.http import clock
from app.messaging import feed
from app.messaging.feed import Mark, Tail
from app.messaging.kinds import KINDS
from app.models import Notification
from app.people import logins, tokens
from app.support.queues import waiting

if TYPE_CHECKING:
    from flask import Flask

_log = structlog.get_logger(__name__)
_KEY = "desk-live"

HEARTBEAT: Final = 15.0
RETRY_MS: Final = 1_000
PER_PERSON: Final = 6
# Threads that are left for everything else.
SPARE_THREADS: Final = 32
_LOOK_EVERY: Final = 0.8
_CHECK_EVERY: Final = 5.0
_QUEUES_EVERY: Final = 2.0
# Bells that ring together are one.
_TOGETHER: Final = 0.02
_REST_AFTER: Final = 30.0
_GAPS_LAST: Final = 120.0


@dataclass(frozen=True, slots=True)
class Reader:
    """Who holds a stream open, and by which login or token."""

    user_id: UUID
    role: Role
    login_id: UUID | None
    token_id: UUID | None = None

    @property
    def sees_all_sessions(self) -> bool:
        return may(self.role, Permission.SESSION_VIEW)


@dataclass(slots=True)
class News:
    """What one event tells; ``cases`` and ``queues`` are for staff."""

    notifications: list[Notification] = field(default_factory=list)
    sessions: set[UUID] = field(default_factory=set)
    unread: int | None = None
    queues: bool = False
    is_all: bool = False

    def as_json(self) -> dict[str, Any]:
        """The event as pages read it, in the API's spelling."""
        return {
            "notifications": [_told(row) for row in self.notifications],
            "unread": self.unread,
            "changedBookings": sorted(str(each) for each in self.sessions),
            "queuesChanged": self.queues,
            "everythingChanged": self.is_all,
        }


def _told(row: Notification) -> dict[str, Any]:
    kind = KINDS[row.type]
    return {
        "id": str(row.id),
        "type": row.type.value,
        "title": row.title,
        "body": row.body,
        "actionUrl": row.action_url,
        "action": kind.action,
        "tone": kind.tone,
        "sound": kind.sound,
        "bookingId": str(row.session_id) if row.session_id else None,
        "createdAt": row.created_at.isoformat().replace("+00:00", "Z"),
        "readAt": None,
    }


class Stream:
    """One open page."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.events: SimpleQueue[str | None] = SimpleQueue()

    def send(self, news: News, mark: Mark) -> None:
        self.events.put(event(news, mark))

    def close(self) -> None:
        self.events.put(None)


def event(news: News, mark: Mark) -> str:
    """The lines of one event; its id is what a browser gives back when it comes again."""
    return f"id: {mark}\ndata: {json.dumps(news.as_json(), separators=(',', ':'))}\n\n"


class Hub:
    """The streams of this process, and the thread that feeds them while there are any."""

    def __init__(self, app: Flask, most: int) -> None:
        self._app = app
        self._most = most
        self._lock = threading.Lock()
        self._streams: set[Stream] = set()
        self._thread: threading.Thread | None = None
        self._is_closing = False
        self._wanted_at = 0.0
        self._ready = threading.Event()
        self._ends: tuple[Tail, Tail, Tail] = (Tail(), Tail(), Tail())
        self._counts: dict[Any, int] | None = None
        self._checked_at = self._counted_at = 0.0

    @property
    def size(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    def mark(self) -> Mark:
        """Up to where this process has read; starts reading when it did not."""
        self._wake()
        self._ready.wait(timeout=3)
        return Mark(*(tail.low for tail in self._ends))

    def open(self, reader: Reader) -> Stream | None:
        """A new stream; None when there are too many, here or of this person."""
        self._wake()
        with self._lock:
            own = sum(stream.reader.user_id == reader.user_id for stream in self._streams)
            if self._is_closing or len(self._streams) >= self._most or own >= PER_PERSON:
                return None
            stream = Stream(reader)
            self._streams.add(stream)
        return stream

    def forget(self, stream: Stream) -> None:
        """The page is gone."""
        with self._lock:
            self._streams.discard(stream)

    def close(self) -> None:
        """End every stream: the process stops, and pages go to another. May be called by a signal's handler."""
        self._is_closing = True
        for stream in list(self._streams):
            stream.close()

    def stop(self) -> None:
        """``close``, and wait for the reader."""
        self.close()
        thread = self._thread
        if thread is not None:
            thread.join(timeout=5)

    def _wake(self) -> None:
        self._wanted_at = time.monotonic()
        with self._lock:
            if self._thread is None and not self._is_closing:
                self._ready.clear()
                self._thread = threading.Thread(target=self._run, name="live", daemon=True)
                self._thread.start()

    def _may_rest(self) -> bool:
        with self._lock:
            rests = not self._streams and time.monotonic() - self._wanted_at > _REST_AFTER
            if rests or self._is_closing:
                self._thread = None
                return True
            return False

    def _run(self) -> None:
        bell = _Bell()
        has_begun = False
        while not self._may_rest():
            try:
                with self._app.app_context():
                    try:
                        if not has_begun:
                            self._ends = feed.tails(at=time.monotonic())
                            has_begun = True
                            self._ready.set()
                        else:
                            self._look(bell.readers)
                    finally:
                        db.session.remove()
            except Exception as error:  # noqa: BLE001 - the database may be away; pages wait and are told later
                _log.warning("live_feed_waits", error=str(error).splitlines()[0] if str(error) else repr(error))
                time.sleep(1.0)
            bell.wait(_LOOK_EVERY)
        bell.close()

    def _look(self, asked: set[UUID]) -> None:
        """Read what is new, and hand it to whom it concerns."""
        at = time.monotonic()
        with self._lock:
            streams = list(self._streams)
        if feed.is_far_behind(self._ends):
            self._ends = feed.tails(at=at)
            self._hand_out(streams, {}, News(is_all=True))
            return
        news, of_staff = self._read_news(at)
        for user_id in asked:
            news[user_id].unread = 0
        if any(stream.reader.sees_all_sessions for stream in streams) and at - self._counted_at >= _QUEUES_EVERY:
            self._counted_at = at
            of_staff.queues = self._queues_changed()
        self._hand_out(streams, news, of_staff)

    def _read_news(self, at: float) -> tuple[dict[UUID, News], News]:
        notes_end, sessions_end, messages_end = self._ends
        news: dict[UUID, News] = defaultdict(News)
        of_staff = News()
        notes = feed.new_notifications(notes_end)
        for row in notes:
            news[row.user_id].notifications.append(row)
            if row.session_id:
                news[row.user_id].sessions.add(row.session_id)
        changes, messages = feed.new_session_changes(sessions_end), feed.new_messages(messages_end)
        for change in (*changes, *messages):
            news[change.mentor_id].sessions.add(change.session_id)
            news[change.mentee_id].sessions.add(change.session_id)
        of_staff.sessions = {change.session_id for change in changes}
        notes_end.read((row.number for row in notes), at=at)
        sessions_end.read((change.number for change in changes), at=at)
        messages_end.read((change.number for change in messages), at=at)
        for tail in self._ends:
            tail.give_up(before=at - _GAPS_LAST)
        return news, of_staff

    def _queues_changed(self) -> bool:
        before = self._counts
        self._counts = {queue: found.count for queue, found in waiting(clock.now()).items()}
        return before is not None and before != self._counts

    def _hand_out(self, streams: Sequence[Stream], news: dict[UUID, News], of_staff: News) -> None:
        to_staff = bool(of_staff.sessions or of_staff.queues or of_staff.is_all)
        told_now = [
            stream
            for stream in streams
            if stream.reader.user_id in news or of_staff.is_all or (to_staff and stream.reader.sees_all_sessions)
        ]
        is_check_due = time.monotonic() - self._checked_at >= _CHECK_EVERY
        if not told_now and not (is_check_due and streams):
            return
        gone = self._ended(streams if is_check_due else told_now)
        for stream in gone:
            stream.close()
        told_now = [stream for stream in told_now if stream not in gone]
        unread = feed.unread_of({stream.reader.user_id for stream in told_now}) if told_now else {}
        mark = Mark(*(tail.low for tail in self._ends))
        for stream in told_now:
            own = news.get(stream.reader.user_id) or News()
            seen = own.sessions | (of_staff.sessions if stream.reader.sees_all_sessions else set())
            own = News(
                own.notifications, seen, unread[stream.reader.user_id],
                queues=of_staff.queues and stream.reader.sees_all_sessions, is_all=of_staff.is_all,
            )  # fmt: skip
            stream.send(own, mark)

    def _ended(self, streams: Iterable[Stream]) -> set[Stream]:
        """Those whose login or token is none any more (ID-4, SEC-2)."""
        asked = list(streams)
        self._checked_at = time.monotonic()
        now = clock.now()
        live = logins.still_live({one.reader.login_id for one in asked if one.reader.login_id}, now=now)
        live |= tokens.still_live({one.reader.token_id for one in asked if one.reader.token_id}, now=now)
        return {one for one in asked if (one.reader.login_id or one.reader.token_id) not in live}


class _Bell:
    """Redis, when it is there, says when to look; without it the reader looks by itself."""

    def __init__(self) -> None:
        self._heard: Any = None
        self._not_before = 0.0
        self.readers: set[UUID] = set()

    def wait(self, seconds: float) -> None:
        """Until somebody rang, but not longer than that; afterwards ``readers`` holds those who were named."""
        self.readers.clear()
        try:
            heard = self._connected()
            word = heard.get_message(timeout=seconds) if heard is not None else None
            if heard is None:
                time.sleep(seconds)
            elif word is not None:
                time.sleep(_TOGETHER)
            while word is not None:
                self._note(word)
                word = heard.get_message(timeout=0)
        except (RedisError, OSError):
            self.close()
            self._not_before = time.monotonic() + 5
            time.sleep(seconds)

    def close(self) -> None:
        heard, self._heard = self._heard, None
        if heard is not None:
            try:
                heard.close()
            except (RedisError, OSError):
                _log.info("live_bell_closed_badly")

    def _connected(self) -> Any:
        if self._heard is None and time.monotonic() >= self._not_before:
            self._heard = doorbell.redis.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]  # redis-py's own
            self._heard.subscribe(LIVE_CHANNEL)
        return self._heard

    def _note(self, word: dict[str, Any]) -> None:
        text = (word.get("data") or b"").decode("ascii", "replace")
        try:
            self.readers.add(UUID(text))
        except ValueError:
            return


def lines(stream: Stream, first: str, *, seconds: float) -> Iterator[str]:
    """What a page receives until it goes, its login ends, or ``seconds`` are over; then the browser comes again."""
    ends = time.monotonic() + seconds
    yield f"retry: {RETRY_MS}\n\n{first}"
    while (left := ends - time.monotonic()) > 0:
        try:
            found = stream.events.get(timeout=min(HEARTBEAT, left))
        except Empty:
            yield ": \n\n"
            continue
        if found is None:
            return
        yield found


def live_hub() -> Hub:
    """This application's."""
    found: Hub = current_app.extensions[_KEY]
    return found


def stream_seconds() -> float:
    """How long a stream lasts; 0 where none is held and every answer is one event."""
    seconds: float = current_app.config["LIVE_SECONDS"]
    return seconds


def init_app(app: Flask, *, threads: int) -> None:
    """Nothing runs before the first page asks. In tests no stream is held, unless one sets ``LIVE_SECONDS``."""
    app.config.setdefault("LIVE_SECONDS", 0.0 if app.testing else 600.0)
    app.extensions[_KEY] = Hub(app, max(0, threads - SPARE_THREADS))
