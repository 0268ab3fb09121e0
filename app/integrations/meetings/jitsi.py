"""Jitsi Meet: a room is its name, so that nothing has to be asked of anybody (MT-1). The embedded default."""

from __future__ import annotations

import secrets

from app.integrations.meetings.base import MeetingRequest, Room

# 160 random bits: a Jitsi room is open to whoever knows its name (B-18).
_ROOM_BYTES = 20


class JitsiProvider:
    """Rooms with unguessable names on one Jitsi server."""

    name = "jitsi"

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")

    def create(self, request: MeetingRequest) -> Room:
        room = f"session-{secrets.token_hex(_ROOM_BYTES)}"
        return self._room(room)

    def move(self, ref: str, request: MeetingRequest) -> Room:
        return self._room(ref)  # a Jitsi room has no time

    def delete(self, ref: str) -> None:
        """A room without people does not exist; there is nothing to remove."""

    def _room(self, name: str) -> Room:
        return Room(provider=self.name, ref=name, url=f"{self._base_url}/{name}")
