"""How far a long download is, for the page that it was asked from (UX-4).

Kept beside the queue for an hour, and nowhere else: losing it costs a line on a page. A page asks by a word that it
made up itself, and only ever sees what its own reader began.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from redis.exceptions import RedisError

from app.extensions import doorbell

_SECONDS: Final = 3_600
_WORD = re.compile(r"[0-9a-f]{8,64}")


class Stand(StrEnum):
    """Where a download stands."""

    RUNNING = "running"
    DONE = "done"
    BROKEN_OFF = "broken_off"


@dataclass(frozen=True, slots=True)
class Progress:
    """How many rows were sent so far."""

    rows: int
    stand: Stand


class Meter:
    """Where one download writes how far it is. Without a usable word, or without Redis, it writes nowhere."""

    def __init__(self, user_id: UUID | None, word: str) -> None:
        self._key = _key(user_id, word)

    def tell(self, rows: int, stand: Stand = Stand.RUNNING) -> None:
        if self._key is None:
            return
        try:
            doorbell.redis.set(self._key, json.dumps([rows, stand.value]), ex=_SECONDS)
        except RedisError:
            # The download goes on without.
            self._key = None


def read_progress(user_id: UUID | None, word: str) -> Progress | None:
    """How far that download of this person's is; None when nothing is known of it."""
    key = _key(user_id, word)
    try:
        kept: Any = doorbell.redis.get(key) if key else None
    except RedisError:
        return None
    if kept is None:
        return None
    rows, stand = json.loads(kept)
    return Progress(rows, Stand(stand))


def _key(user_id: UUID | None, word: str) -> str | None:
    return f"progress:{user_id}:{word}" if user_id and _WORD.fullmatch(word) else None
