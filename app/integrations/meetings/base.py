"""What the product asks of a meeting provider (MT-1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class MeetingRequest:
    """A session that needs a room. ``starts_at`` is in UTC, ``duration`` in minutes; ``key`` is the same for ever."""

    session_id: UUID
    key: str
    topic: str
    starts_at: datetime
    duration: int
    audio_only: bool = False


@dataclass(frozen=True, slots=True)
class Room:
    provider: str
    ref: str
    url: str


class MeetingProvider(Protocol):
    """One provider. No method is called inside a transaction; each raises ``ProviderFailed``."""

    name: str

    def create(self, request: MeetingRequest) -> Room:
        """Make a room; asking twice with one key gives the same room."""
        ...

    def move(self, ref: str, request: MeetingRequest) -> Room:
        """Let the room be at another time; the answer may be another room."""
        ...

    def delete(self, ref: str) -> None:
        """Remove the room; one that is gone already is no error."""
        ...
