"""Zoom: scheduled meetings of one host, by server-to-server OAuth (MT-1, MT-3)."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

from app.domain.errors import NotAuthentic, ProviderFailed
from app.integrations.circuit import Circuit
from app.integrations.json_http import Answer, JsonClient
from app.integrations.meetings import zoom_events
from app.integrations.meetings.base import Guest, Handshake, MeetingEvent, MeetingRequest, Room

_RENEW_EARLY_SECONDS: Final = 60
_SCHEDULED: Final = 2
_WITH_REGISTRATION: Final = 0
_MOST_PAGES: Final = 10
_LONGEST_TOPIC: Final = 200
_MOST_KNOWN: Final = 2_000


class ZoomProvider:
    """Meetings that ``host`` schedules; each party registers, so that Zoom can tell who came.

    :param host: the host's user id or e-mail
    :param clock: seconds, rising; for the age of the access token
    """

    name = "zoom"
    keeps_recordings = True
    can_be_framed = False  # it refuses to be shown in another's page

    def __init__(
        self,
        *,
        account_id: str,
        client_id: str,
        client_secret: str,
        host: str,
        webhook_secret: str = "",
        api_url: str = "https://api.zoom.us/v2",
        token_url: str = "https://zoom.us/oauth/token",  # noqa: S107 - an address, no secret
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        circuit = Circuit(clock)
        self._api, self._auth = JsonClient("Zoom", api_url, circuit), JsonClient("Zoom", token_url, circuit)
        self._login = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
        self._account_id, self._host, self._webhook_secret = account_id, quote(host, safe=""), webhook_secret
        self._clock = clock
        self._token, self._token_ends = "", 0.0
        self._links: dict[tuple[str, str], str] = {}

    def create(self, request: MeetingRequest) -> Room:
        """Zoom knows no idempotency: what an earlier try may have made is looked for first."""
        made = next(self._marked(request.key), None)
        if made is None:
            settings = {
                "host_video": True,
                "participant_video": not request.audio_only,
                "join_before_host": True,
                "waiting_room": False,
                "approval_type": _WITH_REGISTRATION,
                "registrants_email_notification": False,
                "email_notification": False,
                "auto_recording": "none",
                "use_pmi": False,
            }
            body = {**_when(request), "type": _SCHEDULED, "agenda": _mark(request.key), "settings": settings}
            made = self._expect(self._call("POST", f"/users/{self._host}/meetings", body), 201).body
        return self._room(made)

    def move(self, ref: str, request: MeetingRequest) -> Room:
        path = f"/meetings/{quote(ref, safe='')}"
        done = self._call("PATCH", path, _when(request))
        if done.status == 404:
            return self.create(request)
        self._expect(done, 204)
        return self._room(self._expect(self._call("GET", path), 200).body)

    def delete(self, ref: str) -> None:
        done = self._call("DELETE", f"/meetings/{quote(ref, safe='')}?schedule_for_reminder=false")
        if done.status != 404:
            self._expect(done, 204)

    def discard(self, key: str) -> None:
        for made in list(self._marked(key)):
            self.delete(str(made.get("id")))

    def recordings(self, ref: str) -> tuple[str, ...]:
        found = self._call("GET", f"/meetings/{quote(ref, safe='')}/recordings")
        return () if found.status == 404 else zoom_events.recording_links(self._expect(found, 200).body)

    def admit(self, room: Room, guest: Guest) -> str:
        """An own link for each party; where Zoom gives none, the meeting's, behind which one types a name."""
        known = (room.ref, str(guest.user_id))
        if known not in self._links:
            body = {"email": guest.email, "first_name": guest.name[:64]}
            try:
                answer = self._expect(
                    self._call("POST", f"/meetings/{quote(room.ref, safe='')}/registrants", body), 201
                )
            except ProviderFailed:
                return room.url
            if len(self._links) >= _MOST_KNOWN:
                self._links.clear()
            self._links[known] = str(answer.body.get("join_url") or room.url)
        return self._links[known]

    def parse_webhook(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> MeetingEvent | Handshake:
        if not self._webhook_secret:
            raise NotAuthentic("No secret is set for this webhook, so nothing can be checked.")
        return zoom_events.read_event(body, headers, secret=self._webhook_secret, now=now)

    def _marked(self, key: str) -> Iterator[Mapping[str, Any]]:
        return (each for each in self._upcoming() if each.get("agenda") == _mark(key))

    def _upcoming(self) -> Iterator[Mapping[str, Any]]:
        following = ""
        for _ in range(_MOST_PAGES):
            query = urlencode({"type": "upcoming", "page_size": 300, "next_page_token": following})
            page = self._expect(self._call("GET", f"/users/{self._host}/meetings?{query}"), 200).body
            yield from (each for each in page.get("meetings") or [] if isinstance(each, dict))
            following = str(page.get("next_page_token") or "")
            if not following:
                return

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        answer = self._api.call(method, path, headers=self._bearer(), body=body)
        if answer.status == 401:  # ended early, or the app was changed: a new one is tried once
            self._token = ""
            answer = self._api.call(method, path, headers=self._bearer(), body=body)
        return answer

    def _bearer(self) -> Mapping[str, str]:
        if not self._token or self._clock() >= self._token_ends:
            form = urlencode({"grant_type": "account_credentials", "account_id": self._account_id}).encode()
            headers = {"Authorization": f"Basic {self._login}", "Content-Type": "application/x-www-form-urlencoded"}
            told = self._expect(self._auth.call("POST", "", headers=headers, body=form), 200).body
            self._token = str(told.get("access_token") or "")
            self._token_ends = self._clock() + float(told.get("expires_in") or 0) - _RENEW_EARLY_SECONDS
        return {"Authorization": f"Bearer {self._token}"}

    def _room(self, made: Mapping[str, Any]) -> Room:
        ref, url = made.get("id"), made.get("join_url")
        if not ref or not url:
            raise ProviderFailed("Zoom's answer names no meeting.")
        return Room(provider=self.name, ref=str(ref), url=str(url))

    def _expect(self, answer: Answer, status: int) -> Answer:
        """What else Zoom says is a matter of how it is set up: trying again does not help, the next provider may."""
        if answer.status != status:
            code = answer.body.get("code")
            raise ProviderFailed(f"Zoom answered {answer.status}{f' ({code})' if code else ''}.", retryable=False)
        return answer


def _when(request: MeetingRequest) -> dict[str, Any]:
    return {
        "topic": request.topic[:_LONGEST_TOPIC],
        "start_time": f"{request.starts_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "duration": request.duration,
        "timezone": "UTC",
    }


def _mark(key: str) -> str:
    """By which a meeting is found again, and which tells nobody anything."""
    return f"Session {hashlib.sha256(key.encode()).hexdigest()[:20]}"
