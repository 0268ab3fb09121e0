"""Daily: a private room for each session, and a pass for each party (MT-1, MT-3)."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from app.domain.errors import NotAuthentic, ProviderFailed
from app.integrations.circuit import Circuit
from app.integrations.json_http import Answer, JsonClient
from app.integrations.meetings import daily_events
from app.integrations.meetings.base import Guest, Handshake, MeetingEvent, MeetingRequest, Room

# The pass says from when on a party may come in; the room itself is only not open for days.
_OPENS_BEFORE: Final = timedelta(hours=4)
_CLOSES_AFTER: Final = timedelta(hours=1)


class DailyProvider:
    """Private rooms of one domain; their names follow from the session, and nobody without the key can guess them.

    :param webhook_secret: in base64, as Daily gave it
    """

    name = "daily"
    # An address of one of its recordings ends within hours: nothing that could stand on a case.
    keeps_recordings = False
    can_be_framed = True

    def __init__(
        self,
        *,
        api_key: str,
        webhook_secret: str = "",
        api_url: str = "https://api.daily.co/v1",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = JsonClient("Daily", api_url, Circuit(clock))
        self._key, self._webhook_secret = api_key, webhook_secret

    def create(self, request: MeetingRequest) -> Room:
        """A room that an earlier try made has this very name, and is taken over."""
        name = self._name_of(request.key)
        found = self._call("GET", f"/rooms/{name}")
        if found.status == 200:
            return self._set(name, request)
        body = {"name": name, "privacy": "private", "properties": _properties(request)}
        return self._room(self._expect(self._call("POST", "/rooms", body)), name)

    def move(self, ref: str, request: MeetingRequest) -> Room:
        found = self._call("GET", f"/rooms/{ref}")
        return self.create(request) if found.status == 404 else self._set(ref, request)

    def delete(self, ref: str) -> None:
        done = self._call("DELETE", f"/rooms/{ref}")
        if done.status != 404:
            self._expect(done)

    def discard(self, key: str) -> None:
        self.delete(self._name_of(key))

    def recordings(self, ref: str) -> tuple[str, ...]:
        return ()

    def admit(self, room: Room, guest: Guest) -> str:
        """The room's address with a pass for this person, this room and this time alone."""
        pass_for = {
            "room_name": room.ref,
            "user_id": str(guest.user_id),
            "user_name": guest.name,
            "is_owner": False,
            "nbf": int(guest.opens_at.timestamp()),
            "exp": int(guest.closes_at.timestamp()),
        }
        made = self._expect(self._call("POST", "/meeting-tokens", {"properties": pass_for})).body
        return f"{room.url}?{urlencode({'t': str(made.get('token') or '')})}"

    def parse_webhook(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> MeetingEvent | Handshake:
        if not self._webhook_secret:
            raise NotAuthentic("No secret is set for this webhook, so nothing can be checked.")
        return daily_events.read_event(body, headers, secret=self._webhook_secret, now=now)

    def _set(self, name: str, request: MeetingRequest) -> Room:
        return self._room(
            self._expect(self._call("POST", f"/rooms/{name}", {"properties": _properties(request)})), name
        )

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        return self._api.call(method, path, headers={"Authorization": f"Bearer {self._key}"}, body=body)

    def _name_of(self, key: str) -> str:
        return f"s-{hmac.new(self._key.encode(), key.encode(), 'sha256').hexdigest()[:40]}"

    def _room(self, answer: Answer, name: str) -> Room:
        # A name that is taken may silently become another one, and then two sessions would share nothing.
        if answer.body.get("name") != name or not answer.body.get("url"):
            raise ProviderFailed("Daily made another room than was asked for.", retryable=False)
        return Room(provider=self.name, ref=name, url=str(answer.body["url"]))

    def _expect(self, answer: Answer) -> Answer:
        if answer.status != 200:
            word = str(answer.body.get("error") or "")[:60]
            raise ProviderFailed(f"Daily answered {answer.status}{f' ({word})' if word else ''}.", retryable=False)
        return answer


def _properties(request: MeetingRequest) -> dict[str, Any]:
    ends_at = request.starts_at + timedelta(minutes=request.duration)
    return {
        "nbf": int((request.starts_at - _OPENS_BEFORE).timestamp()),
        "exp": int((ends_at + _CLOSES_AFTER).timestamp()),
        "enable_screenshare": True,
        "enable_chat": True,
        "start_video_off": request.audio_only,
    }
