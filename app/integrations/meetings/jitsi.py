"""Jitsi Meet: a room is its name, so that nothing has to be asked of anybody (MT-1). The embedded default."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from app.domain.errors import NotAuthentic
from app.integrations.meetings import jitsi_events
from app.integrations.meetings.base import Guest, MeetingEvent, MeetingRequest, Room
from app.integrations.meetings.reading import digest_of

# 160 random bits: a Jitsi room is open to whoever knows its name (B-18).
_ROOM_BYTES = 20


class JitsiProvider:
    """Rooms with unguessable names on one Jitsi server.

    :param app_id: with ``app_secret``: the server wants a signed pass, one for each person and session
    :param webhook_secret: the header that the server's event_sync sends
    """

    name = "jitsi"
    keeps_recordings = False
    can_be_framed = True

    def __init__(self, base_url: str, *, app_id: str = "", app_secret: str = "", webhook_secret: str = "") -> None:
        self._base_url = base_url.rstrip("/")
        self._app_id = app_id
        self._app_secret = app_secret
        self._webhook_secret = webhook_secret

    def create(self, request: MeetingRequest) -> Room:
        room = f"session-{secrets.token_hex(_ROOM_BYTES)}"
        return self._room(room)

    def move(self, ref: str, request: MeetingRequest) -> Room:
        return self._room(ref)  # a Jitsi room has no time

    def delete(self, ref: str) -> None:
        """A room without people does not exist; there is nothing to remove."""

    def discard(self, key: str) -> None:
        """As above."""

    def recordings(self, ref: str) -> tuple[str, ...]:
        return ()

    def admit(self, room: Room, guest: Guest) -> str:
        """The room, with a pass for this person and time where the server checks passes."""
        if not (self._app_id and self._app_secret):
            return room.url
        claims = {
            "iss": self._app_id,
            "aud": "jitsi",
            "sub": (urlsplit(self._base_url).hostname or "*").lower(),
            "room": room.ref.lower(),
            "nbf": int(guest.opens_at.timestamp()),
            "exp": int(guest.closes_at.timestamp()),
            # Texts all of them: a number here breaks the server.
            "context": {"user": {"id": str(guest.user_id), "name": guest.name}},
        }
        return f"{room.url}?jwt={self._signed(claims)}"

    def parse_webhook(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> MeetingEvent:
        if not self._webhook_secret:
            raise NotAuthentic("No secret is set for this webhook, so nothing can be checked.")
        return jitsi_events.read_event(body, headers, secret=self._webhook_secret)

    def _signed(self, claims: Mapping[str, Any]) -> str:
        head = _unpadded(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        unsigned = f"{head}.{_unpadded(json.dumps(claims).encode())}"
        return f"{unsigned}.{_unpadded(digest_of(self._app_secret.encode(), unsigned.encode()))}"

    def _room(self, name: str) -> Room:
        return Room(provider=self.name, ref=name, url=f"{self._base_url}/{name}")


def _unpadded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
