"""What the product asks of a meeting provider, and what a provider tells of itself (MT-1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
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


@dataclass(frozen=True, slots=True)
class Guest:
    """One party at the door, from and until when it may come in (UTC)."""

    user_id: UUID
    name: str
    email: str
    opens_at: datetime
    closes_at: datetime


class MeetingEventKind(StrEnum):
    """What of a provider's news matters here."""

    ENDED = "ended"
    JOINED = "joined"
    LEFT = "left"
    RECORDED = "recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingEvent:
    """An authentic piece of news about a room.

    :param key: the same for every delivery of one event
    :param name: the provider's word for it
    :param kind: None for what does not matter here
    :param seat: the provider's name for one stay of one person, the same when they come and when they leave
    :param since: when that stay began, where the news of its end says so
    :param user_id: who it is, where the provider has it from us
    :param email: who it is, where the provider vouches for the address
    :param links: where recordings can be seen
    """

    key: str
    name: str
    kind: MeetingEventKind | None = None
    ref: str | None = None
    at: datetime | None = None
    seat: str | None = None
    since: datetime | None = None
    user_id: UUID | None = None
    email: str | None = None
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Handshake:
    """A provider asks whether this address is ours; ``answer`` proves it."""

    answer: Mapping[str, Any] = field(default_factory=dict)


class MeetingProvider(Protocol):
    """One provider. No method is called inside a transaction; each raises ``ProviderFailed``.

    ``keeps_recordings``: whether it can be asked for them later. ``can_be_framed``: whether its rooms may be shown
    inside a page of ours (MT-3).
    """

    name: str
    keeps_recordings: bool
    can_be_framed: bool

    def create(self, request: MeetingRequest) -> Room:
        """Make a room; asking twice with one key gives the same room."""
        ...

    def move(self, ref: str, request: MeetingRequest) -> Room:
        """Let the room be at another time; the answer may be another room."""
        ...

    def delete(self, ref: str) -> None:
        """Remove the room; one that is gone already is no error."""
        ...

    def discard(self, key: str) -> None:
        """Remove the room that ``create`` may have made for this key, its answer lost; none is no error."""
        ...

    def recordings(self, ref: str) -> tuple[str, ...]:
        """Where what was recorded in the room can be seen; nothing where nothing was, or is not kept."""
        ...

    def admit(self, room: Room, guest: Guest) -> str:
        """The address by which this person enters; the room's own where a provider knows no persons."""
        ...

    def parse_webhook(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> MeetingEvent | Handshake:
        """Check over the raw body that it is the provider who speaks, then read it.

        :param headers: by name in small letters
        :raises NotAuthentic: it is not, or it is too old
        :raises Malformed: it cannot be read
        """
        ...
