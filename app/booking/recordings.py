"""Recordings of a session, where its meeting provider made any (JN-5).

The product asks nobody to record. What a provider kept because somebody in the room pressed record stands with the
session, for staff, and for the two parties where the policy allows it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select

from app.booking.access import load_for_change, load_session_for
from app.booking.engine import touch
from app.booking.meetings import BY_HAND, NEEDS_ROOM
from app.domain.context import Context
from app.domain.vocabulary import SessionStatus
from app.extensions import db
from app.foundation import audit, outbox
from app.foundation.policies import current_policies
from app.foundation.transaction import transaction
from app.integrations.meetings.base import Room
from app.models import MentoringSession

ASK: Final = "meeting.recordings"
# From when on, after the start, and for how long a recording may still come whose news was lost.
_NOT_DONE_BEFORE: Final = timedelta(hours=3)
_LOOKED_FOR: Final = timedelta(days=4)
_MOST_ASKED: Final = 500
_HELD: Final = frozenset({SessionStatus.IN_PROGRESS, SessionStatus.COMPLETED, SessionStatus.NO_SHOW})
_MOST: Final = 20
_LONGEST: Final = 1_000
_WHY_NONE: Final = {
    "jitsi": "None: Jitsi keeps no recordings.",
    "daily": "None here: what Daily recorded stays in its own dashboard.",
}


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording; ``told_at`` is when the provider said that it is ready."""

    url: str
    told_at: datetime


def keep_recordings(session: MentoringSession, links: Iterable[str], *, at: datetime, ctx: Context) -> bool:
    """This function will note a locked session's recordings; False when all of them stood there already."""
    known = recordings_of(session)
    seen = {each.url for each in known}
    new = [Recording(url, at) for url in dict.fromkeys(links) if url not in seen and _is_usable(url)]
    kept = [*known, *new][:_MOST]
    if len(kept) == len(known):
        return False
    told = [{"url": each.url, "told_at": each.told_at.isoformat()} for each in kept]
    session.recording_config = {**session.recording_config, "links": told}
    touch(session, ctx=ctx)
    audit.record(session, action="recording_kept", ctx=ctx, details={"recordings": len(kept)})
    return True


def ask_for_recordings(providers: Collection[str], *, ctx: Context) -> int:
    """This function will have providers asked for what they recorded of the last days and did not tell (MT-1).

    Each session once a day, until one came or nobody expects any more; gives how many are asked for.

    :param providers: those that can be asked
    """
    session, day = MentoringSession, ctx.now.astimezone(UTC).date()
    ended = select(session.id).where(
        session.scheduled_at > ctx.now - _LOOKED_FOR,
        session.scheduled_at <= ctx.now - _NOT_DONE_BEFORE,
        session.meeting_provider.in_(providers),
        session.meeting_ref.is_not(None),
        session.status.in_(_HELD),
        ~session.recording_config.has_key("links"),
    )
    asked = 0
    with transaction():
        for session_id in db.session.scalars(ended.order_by(session.scheduled_at.desc()).limit(_MOST_ASKED)).all():
            key = f"{ASK}:{session_id}:{day}"
            asked += (
                outbox.put(ASK, key=key, payload={"session_id": session_id}, session_id=session_id, ctx=ctx) is not None
            )
    return asked


def load_for_recordings(session_id: UUID, *, ctx: Context) -> Room | None:
    """The room to ask about; None where recordings came meanwhile, or it has none."""
    session = load_session_for(ctx, session_id)
    if session.meeting_ref is None or recordings_of(session):
        return None
    return Room(session.meeting_provider or "", session.meeting_ref, session.meeting_url or "")


def record_recordings(session_id: UUID, links: Iterable[str], *, ctx: Context) -> None:
    """This function will keep what a provider told when it was asked."""
    with transaction():
        keep_recordings(load_for_change(ctx, session_id), links, at=ctx.now, ctx=ctx)


def recordings_of(session: MentoringSession) -> Sequence[Recording]:
    """All of them, for staff."""
    told = session.recording_config.get("links") or []
    return [Recording(each["url"], datetime.fromisoformat(each["told_at"])) for each in told]


def recordings_for_parties(session: MentoringSession) -> Sequence[Recording]:
    """Those that both parties may see, by the policy as it is now."""
    return recordings_of(session) if current_policies().values.recordings_visible_to_parties else ()


def why_no_recording(session: MentoringSession) -> str:
    """In words for staff, why there is none."""
    if session.meeting_type not in NEEDS_ROOM:
        return "None: this kind of session takes place without a meeting room."
    if session.meeting_provider == BY_HAND:
        return "None here: the mentor gave an own link."
    if session.meeting_provider in _WHY_NONE:
        return _WHY_NONE[session.meeting_provider]
    if session.meeting_provider is None:
        return "None: there is no room."
    return "None so far: nobody recorded, or the provider is not done yet."


def _is_usable(url: str) -> bool:
    return url.startswith("https://") and len(url) <= _LONGEST and url.isascii() and url.isprintable()
