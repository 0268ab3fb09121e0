"""What changed for whom, by number: the truth behind the live stream and behind asking again and again (NT-2).

Three tables are followed: notifications, the log of sessions, and the lines of their chats. Each numbers its rows when
they are written, and a row becomes visible when its transaction commits, so that a lower number may appear after a
higher one. ``Tail`` keeps such gaps open; a reader's ``Mark`` never passes one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Self
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select

from app.extensions import db
from app.models import MentoringSession, Message, Notification, SessionAuditLog

MOST: Final = 200
_LONGEST_GAP: Final = 1_000
# So many rows back is read when only a time is known; what is older than that is found by loading the page.
_BACK: Final = 500
# Who is farther behind reads everything anew.
_FAR: Final = 5 * MOST
# A page shows what was committed when it was read; what began before may have been committed after.
_UNDER_WAY: Final = timedelta(seconds=10)
MARK_PATTERN: Final = r"^\d{1,18}\.\d{1,18}\.\d{1,18}$"

_TABLES: Final[tuple[Any, ...]] = (Notification, SessionAuditLog, Message)


@dataclass(frozen=True, slots=True)
class Mark:
    """Up to which number of each table a reader was told everything; the id of a stream's event."""

    notifications: int = 0
    sessions: int = 0
    messages: int = 0

    def __str__(self) -> str:
        return f"{self.notifications}.{self.sessions}.{self.messages}"

    @classmethod
    def read(cls, text: str | None) -> Self | None:
        """The mark that a text stands for; None when it is none."""
        if not text or not re.fullmatch(MARK_PATTERN, text):
            return None
        return cls(*(int(part) for part in text.split(".")))


@dataclass(slots=True)
class Tail:
    """The end of one table, as far as it was read. ``at`` is any clock that only runs forward, in seconds."""

    last: int = 0
    missing: dict[int, float] = field(default_factory=dict)

    @property
    def low(self) -> int:
        """Everything up to here was read, or will never come."""
        return min(self.missing) - 1 if self.missing else self.last

    def read(self, numbers: Iterable[int], *, at: float) -> None:
        """Note what was read; what lies between and was not may still come."""
        for number in sorted(numbers):
            self.missing.pop(number, None)
            if number > self.last:
                first = max(self.last + 1, number - _LONGEST_GAP)
                self.missing.update(dict.fromkeys(range(first, number), at))
                self.last = number

    def give_up(self, *, before: float) -> None:
        """Wait no longer for what has been missing since before that: its transaction was rolled back."""
        self.missing = {number: since for number, since in self.missing.items() if since >= before}


@dataclass(frozen=True, slots=True)
class SessionChange:
    """Something about a session changed, or somebody wrote in its chat."""

    number: int
    session_id: UUID
    mentor_id: UUID
    mentee_id: UUID


@dataclass(frozen=True, slots=True)
class Caught:
    """What one reader has missed.

    :param is_all: there was more than is listed; everything is to be read anew
    """

    notifications: Sequence[Notification]
    sessions: Collection[UUID]
    is_all: bool = False


def tails(*, at: float) -> tuple[Tail, Tail, Tail]:
    """The three ends as they are now, with the gaps that may still be filled."""
    found = []
    for table in _TABLES:
        rows = db.session.scalars(select(table.number).order_by(table.number.desc()).limit(_BACK)).all()
        tail = Tail(rows[-1] - 1 if rows else 0)
        tail.read(rows, at=at)
        found.append(tail)
    notifications, sessions, messages = found
    return notifications, sessions, messages


def mark_now() -> Mark:
    """The numbers that were given last."""
    ends = [select(func.coalesce(func.max(table.number), 0)).scalar_subquery() for table in _TABLES]
    return Mark(*db.session.execute(select(*ends)).one())


def is_far_behind(ends: Sequence[Tail]) -> bool:
    """Whether so much was written meanwhile that reading it line by line would be of no use to anybody."""
    now = mark_now()
    return any(
        number - tail.last > _FAR
        for number, tail in zip((now.notifications, now.sessions, now.messages), ends, strict=True)
    )


def new_notifications(tail: Tail) -> Sequence[Notification]:
    """What was not read yet, at most ``MOST``; each once."""
    return db.session.scalars(
        select(Notification)
        .where(_beyond(Notification.number, tail))
        .order_by(Notification.number)
        .limit(MOST)
        .execution_options(populate_existing=True)
    ).all()


def new_session_changes(tail: Tail) -> Sequence[SessionChange]:
    """The same of the sessions' log."""
    return _changes(SessionAuditLog, _beyond(SessionAuditLog.number, tail))


def new_messages(tail: Tail) -> Sequence[SessionChange]:
    """The same of the chats; what was written is read by those who may."""
    return _changes(Message, _beyond(Message.number, tail))


def unread_of(user_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many notifications each of these people has not read."""
    rows = db.session.execute(
        select(Notification.user_id, func.count().label("number"))
        .where(Notification.user_id.in_(list(user_ids)), Notification.read_at.is_(None))
        .group_by(Notification.user_id)
    )
    return dict.fromkeys(user_ids, 0) | {row.user_id: row.number for row in rows}


def catch_up(
    user_id: UUID, *, mark: Mark | None = None, page_at: datetime | None = None, sees_all_sessions: bool = False
) -> Caught:
    """What one person was not told.

    :param mark: what the last event or answer ended with
    :param page_at: where there is no mark: when the page that asks was made
    :param sees_all_sessions: staff, who look at every session, and at no chat without a reason
    """
    now = mark_now()
    if mark is not None:
        if now.sessions - mark.sessions > _FAR or now.messages - mark.messages > _FAR:
            return Caught([], set(), is_all=True)
        notes = _notifications_of(user_id, Notification.number > mark.notifications)
        sessions = _sessions_of(user_id, SessionAuditLog, mark.sessions, None, sees_all=sees_all_sessions)
        if not sees_all_sessions:
            sessions |= _sessions_of(user_id, Message, mark.messages, None, sees_all=False)
    elif page_at is not None:
        notes = _notifications_of(user_id, Notification.created_at > page_at)
        begun = page_at - _UNDER_WAY
        sessions = _sessions_of(user_id, SessionAuditLog, now.sessions - _BACK, begun, sees_all=sees_all_sessions)
        if not sees_all_sessions:
            sessions |= _sessions_of(user_id, Message, now.messages - _BACK, begun, sees_all=False)
    else:
        return Caught([], set())
    return Caught(notes[:MOST], sessions, is_all=len(sessions) > MOST or len(notes) > MOST)


def _beyond(number: Any, tail: Tail) -> ColumnElement[bool]:
    return or_(number > tail.last, number.in_(list(tail.missing))) if tail.missing else number > tail.last


def _changes(table: Any, condition: ColumnElement[bool]) -> Sequence[SessionChange]:
    rows = db.session.execute(
        select(table.number, table.session_id, MentoringSession.mentor_id, MentoringSession.mentee_id)
        .join(MentoringSession, MentoringSession.id == table.session_id)
        .where(condition)
        .order_by(table.number)
        .limit(MOST)
    )
    return [SessionChange(*row) for row in rows]


def _notifications_of(user_id: UUID, condition: ColumnElement[bool]) -> Sequence[Notification]:
    return db.session.scalars(
        select(Notification)
        .where(Notification.user_id == user_id, condition)
        .order_by(Notification.number)
        .limit(MOST + 1)
        .execution_options(populate_existing=True)
    ).all()


def _sessions_of(user_id: UUID, table: Any, after: int, since: datetime | None, *, sees_all: bool) -> set[UUID]:
    # The table's end is read first, and only then asked whose sessions these are: never a log from its beginning.
    newest = select(table.session_id).where(table.number > after)
    if since is not None:
        newest = newest.where(table.created_at >= since)
    ids = newest.order_by(table.number.desc()).limit(_FAR).subquery()
    question = select(ids.c.session_id).distinct().limit(MOST + 1)
    if not sees_all:
        question = question.join(MentoringSession, MentoringSession.id == ids.c.session_id).where(
            or_(MentoringSession.mentor_id == user_id, MentoringSession.mentee_id == user_id)
        )
    return set(db.session.scalars(question))
