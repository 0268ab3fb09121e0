"""What meeting providers tell of rooms: who came and left when, and when it ended (JN-3, NS-5, MT-1).

Deliveries may come late, twice and in any order. Each event is kept once; what it says is merged into the one row of
the stay it tells of, so that the order does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import joinedload

from app.booking.access import load_for_change
from app.booking.engine import touch
from app.booking.recordings import keep_recordings
from app.booking.session_facts import first_join, join_facts
from app.domain.context import Context
from app.domain.joining import join_window
from app.domain.vocabulary import JoinSource, SessionStatus
from app.extensions import db
from app.foundation import audit, outbox
from app.foundation.audit import plain
from app.foundation.once_rows import insert_once
from app.foundation.transaction import transaction
from app.integrations.meetings.base import MeetingEvent, MeetingEventKind
from app.models import MentoringSession, SessionJoin, WebhookEvent

NEWS: Final = "meeting.news"
_LIVE = frozenset({SessionStatus.SCHEDULED, SessionStatus.IN_PROGRESS})
# Evidence counts as long as somebody may still judge by it; what is called off is over.
_JUDGED = _LIVE | {SessionStatus.COMPLETED, SessionStatus.NO_SHOW}


def keep_news(provider: str, event: MeetingEvent, *, ctx: Context) -> bool:
    """This function will keep an authentic event about one of our rooms, and put its work into the outbox.

    Providers tell of every room they have: what is not about one of ours is neither kept nor refused.

    :returns: whether it was new and ours
    """
    if event.kind is None or event.ref is None or event.at is None:
        return False
    with transaction():
        session = db.session.scalars(
            select(MentoringSession)
            .where(MentoringSession.meeting_ref == event.ref, MentoringSession.meeting_provider == provider)
            .options(joinedload(MentoringSession.mentor), joinedload(MentoringSession.mentee))
        ).first()
        if session is None:
            return False
        event_id = insert_once(
            WebhookEvent,
            "provider",
            "event_key",
            provider=provider,
            event_key=event.key,
            kind=event.name,
            # Neither the room, which opens the door, nor the address of anybody.
            reference=str(session.id),
            payload=plain(
                {
                    "kind": event.kind,
                    "at": event.at,
                    "since": event.since,
                    "seat": event.seat,
                    "user_id": _party_of(session, event),
                }
            ),
            received_at=ctx.now,
        )
        if event_id is None:
            return False
        outbox.put(
            NEWS,
            key=f"{NEWS}:{event_id}",
            payload={"event_id": event_id, "links": event.links},
            session_id=session.id,
            ctx=ctx,
        )
        return True


def apply_news(event_id: UUID, *, links: Sequence[str] = (), ctx: Context) -> str:
    """This function will do what a kept event says, and note on it what it came to; twice is harmless.

    :param links: of recordings, which are kept with the session alone: whoever has one can watch
    """
    with transaction():
        event = db.session.get_one(WebhookEvent, event_id)
        if event.processed_at is not None:
            return event.outcome or ""
        session = load_for_change(ctx, UUID(event.reference))
        if event.payload["kind"] == MeetingEventKind.RECORDED:
            is_new = keep_recordings(session, links, at=event.received_at, ctx=ctx)
            outcome = "recorded" if is_new else "nothing_new"
        else:
            outcome = _apply(session, event.payload, event.received_at, ctx)
        event.processed_at, event.outcome = ctx.now, outcome
        return outcome


def _apply(session: MentoringSession, said: Mapping[str, Any], received_at: datetime, ctx: Context) -> str:
    if session.scheduled_at is None or session.status not in _JUDGED:
        return "session_is_off"
    facts = join_facts(session)
    window = join_window(session.scheduled_at, session.duration, facts.policies)
    kind = MeetingEventKind(said["kind"])
    # A provider's clock may be ahead of ours; nothing has happened before we heard of it.
    at = min(datetime.fromisoformat(said["at"]), received_at)
    since = min(datetime.fromisoformat(said["since"]), at) if said["since"] else None
    if kind is MeetingEventKind.ENDED:
        return _ended(session, at, until=window.end, ctx=ctx)
    came = at if kind is MeetingEventKind.JOINED else since or at
    if not window.start <= came < window.end:
        return "outside_the_window"
    if kind is MeetingEventKind.JOINED and session.status in _LIVE and session.ended_at and session.ended_at < came:
        session.ended_at = None  # they went on
    if said["user_id"] is None or said["seat"] is None:
        return "somebody_unknown"
    return _stay(session, UUID(said["user_id"]), said["seat"], came, at if kind is MeetingEventKind.LEFT else None, ctx)


def _stay(
    session: MentoringSession, user_id: UUID, seat: str, came: datetime, left: datetime | None, ctx: Context
) -> str:
    if user_id not in {session.mentor_id, session.mentee_id}:
        return "no_party"
    first, is_told = first_join(session.id), left is not None
    if not is_told and session.ended_at and session.ended_at >= came:
        left = session.ended_at
    row = insert(SessionJoin).values(
        id=uuid4(),
        session_id=session.id,
        user_id=user_id,
        source=JoinSource.PROVIDER,
        joined_at=came,
        left_at=left,
        seat=seat,
    )
    said = row.excluded
    # The provider's own word on when this stay ended counts more than that the room was empty then.
    known_end = [said.left_at, SessionJoin.left_at] if is_told else [SessionJoin.left_at, said.left_at]
    merged = row.on_conflict_do_update(
        index_elements=["session_id", "seat"],
        index_where=SessionJoin.seat.is_not(None),
        # The end may be told first, and without the beginning.
        set_={
            "joined_at": func.least(SessionJoin.joined_at, said.joined_at),
            "left_at": func.coalesce(*known_end),
        },
    )
    db.session.execute(merged)
    if first is None or came < first:
        session.started_at = came
        touch(session, ctx=ctx)
    return "recorded"


def _ended(session: MentoringSession, at: datetime, *, until: datetime, ctx: Context) -> str:
    """The room is empty. What was ended by a rule or a person keeps the end that it was given (NS-5)."""
    if session.scheduled_at is None or at <= session.scheduled_at:
        return "before_the_start"
    if at >= until + timedelta(hours=1):
        return "outside_the_window"
    db.session.execute(
        update(SessionJoin)
        .where(SessionJoin.session_id == session.id, SessionJoin.seat.is_not(None), SessionJoin.left_at.is_(None))
        .where(SessionJoin.joined_at <= at)
        .values(left_at=at)
    )
    if session.status not in _LIVE:
        return "over_already"
    last = db.session.scalar(select(func.max(SessionJoin.joined_at)).where(SessionJoin.session_id == session.id))
    if last is not None and last > at:
        return "went_on"
    session.ended_at = max(at, session.ended_at or at)
    touch(session, ctx=ctx)
    audit.record(session, action="meeting_ended", ctx=ctx, details={"at": session.ended_at})
    return "recorded"


def _party_of(session: MentoringSession, event: MeetingEvent) -> UUID | None:
    """Which of the two it was, as far as the provider knows; a name proves nothing."""
    for one in (session.mentor, session.mentee):
        if event.user_id == one.id or (event.email is not None and event.email == one.email.lower()):
            return one.id
    return None
