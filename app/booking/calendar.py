"""Who is busy when: the one table in which the database refuses an overlap (AV-4, AV-5)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import Range, insert

from app.domain.errors import SlotTaken
from app.extensions import db
from app.foundation.transaction import savepoint
from app.models import CalendarEntry, MentoringSession

_ENTRIES: Any = CalendarEntry.__table__
_TAKEN = "This time has just been taken. Choose another one."


def own_time(session: MentoringSession, user_id: UUID) -> Range[datetime]:
    """What the session occupies of this party: the mentor's buffer follows the end, the mentee has none (AV-4).

    :raises ValueError: for a session without a time
    """
    if session.scheduled_at is None:
        message = "A session without a time occupies nobody"
        raise ValueError(message)
    return span(session.scheduled_at, session.duration, session.buffer_minutes if user_id == session.mentor_id else 0)


def span(start: datetime, duration: int, buffer_minutes: int = 0) -> Range[datetime]:
    """``[start, start + duration + buffer)``, in minutes."""
    return Range(start, start + timedelta(minutes=duration + buffer_minutes), bounds="[)")


def occupy(session: MentoringSession, user_ids: Iterable[UUID] | None = None) -> None:
    """This function will enter a session that is not in these people's calendars yet (default: both parties).

    ``ON CONFLICT DO NOTHING`` keeps two writers from deadlocking on the constraint; no row means taken.

    :raises SlotTaken: when one of them is busy
    """
    _enter(session, user_ids or (session.mentor_id, session.mentee_id), None)


def _enter(session: MentoringSession, user_ids: Iterable[UUID], extra: Range[datetime] | None) -> None:
    rows = [
        {"user_id": user, "session_id": session.id, "busy": _pieces(session, user, extra)} for user in sorted(user_ids)
    ]
    if rows:
        _insert(rows)


def _insert(rows: list[dict[str, Any]]) -> None:
    db.session.flush()
    # Past the ORM's own insert, which takes twice as long (PERF-1).
    entered = db.session.execute(insert(_ENTRIES).values(rows).on_conflict_do_nothing().returning(_ENTRIES.c.user_id))
    if len(entered.all()) != len(rows):
        raise SlotTaken(_TAKEN)


def hold(session: MentoringSession, extra: Range[datetime] | None) -> None:
    """This function will make the parties busy at the session's own time and, when given, at a proposed one too.

    A request that has no time yet holds the proposed one alone (BK-5). Who was not entered stays so otherwise: a
    session that is over occupies nobody.

    :param extra: the proposed time without buffer; None frees what was held
    :raises SlotTaken: when one of them is busy then
    """
    if session.scheduled_at is not None:
        _rewrite(session, extra)
    elif extra is None:
        release(session.id)
    else:
        missing = {session.mentor_id, session.mentee_id} - _rewrite(session, extra)
        _enter(session, missing, extra)


def place(session: MentoringSession) -> None:
    """This function will make the parties busy at the session's own time alone, entered before or not.

    :raises SlotTaken: when one of them is busy then
    """
    missing = {session.mentor_id, session.mentee_id} - _rewrite(session, None)
    if missing:
        occupy(session, missing)


def _rewrite(session: MentoringSession, extra: Range[datetime] | None) -> set[UUID]:
    """Write the entries that exist, and give whose they are."""
    entered: set[UUID] = set()
    for user in sorted((session.mentor_id, session.mentee_id)):
        try:
            with savepoint():
                entered.update(
                    db.session.scalars(
                        update(CalendarEntry)
                        .where(CalendarEntry.user_id == user, CalendarEntry.session_id == session.id)
                        .values(busy=_pieces(session, user, extra))
                        .returning(CalendarEntry.user_id)
                    )
                )
        except SlotTaken:
            raise SlotTaken(_TAKEN) from None
    return entered


def _pieces(session: MentoringSession, user_id: UUID, extra: Range[datetime] | None) -> list[Range[datetime]]:
    """What the session occupies of a party; pieces that touch or overlap are merged by the database."""
    own = [own_time(session, user_id)] if session.scheduled_at is not None or extra is None else []
    return own if extra is None else [*own, _with_buffer(extra, session, user_id)]


def _with_buffer(extra: Range[datetime], session: MentoringSession, user_id: UUID) -> Range[datetime]:
    if user_id != session.mentor_id or extra.upper is None:
        return extra
    return Range(extra.lower, extra.upper + timedelta(minutes=session.buffer_minutes), bounds="[)")


def hand_over(session: MentoringSession, to: UUID, *, start: datetime, buffer_minutes: int) -> None:
    """This function will make another mentor and the mentee busy with the session, and free the mentor so far.

    :param buffer_minutes: the other mentor's own
    :raises SlotTaken: when one of them is busy then; nothing has changed
    """
    times = {to: span(start, session.duration, buffer_minutes), session.mentee_id: span(start, session.duration)}
    rows = [{"user_id": user, "session_id": session.id, "busy": [times[user]]} for user in sorted(times)]
    with savepoint():
        release(session.id)
        _insert(rows)


def release(session_id: UUID, user_id: UUID | None = None) -> None:
    """This function will free the session's time: of one person, or of everybody."""
    condition = CalendarEntry.session_id == session_id
    if user_id is not None:
        condition = and_(condition, CalendarEntry.user_id == user_id)
    db.session.execute(delete(CalendarEntry).where(condition))


def busy_entries(user_ids: Iterable[UUID], start: datetime, end: datetime) -> list[tuple[UUID, UUID, Range[datetime]]]:
    """Every busy piece of these people between two instants: (person, session, piece), in order of time."""
    window = func.tstzrange(start, end, "[)")
    people = list(user_ids)
    alone = [func.uuidrange(user, user, "[]").op("&&")(_person()) for user in people]
    piece = func.unnest(CalendarEntry.busy).label("piece")
    rows = db.session.execute(
        select(CalendarEntry.user_id, CalendarEntry.session_id, piece).where(
            or_(*alone), CalendarEntry.busy.op("&&")(window)
        )
    )
    found = [(user, session, piece) for user, session, piece in rows if piece.upper > start and piece.lower < end]
    return sorted(found, key=lambda entry: (entry[2].lower, entry[1]))


def _person() -> object:
    return func.uuidrange(CalendarEntry.user_id, CalendarEntry.user_id, "[]")
