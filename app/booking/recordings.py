"""Recordings of a session, where its meeting provider made any (JN-5).

The product asks nobody to record. What a provider kept because somebody in the room pressed record stands with the
session, for staff, and for the two parties where the policy allows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.booking.engine import touch
from app.booking.meetings import BY_HAND, NEEDS_ROOM
from app.domain.context import Context
from app.foundation import audit
from app.foundation.policies import current_policies
from app.models import MentoringSession

_MOST: Final = 20
_LONGEST: Final = 1_000
_KEEP_NONE: Final = frozenset({"jitsi"})


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
    if session.meeting_provider in _KEEP_NONE:
        return "None: Jitsi keeps no recordings."
    if session.meeting_provider is None:
        return "None: there is no room."
    return "None so far: nobody recorded, or the provider is not done yet."


def _is_usable(url: str) -> bool:
    return url.startswith("https://") and len(url) <= _LONGEST and url.isascii() and url.isprintable()
