"""Alerts into a chat of the team: incoming webhooks of Slack and Discord (DSP-3).

The address is the secret: it stands in no message, log or error. Neither knows idempotency, so that an alert whose
answer was lost may show twice; it names the dispute, and that is harmless.
"""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from app.domain.errors import ProviderFailed

_TIMEOUT_SECONDS: Final = 10
_LONGEST: Final = 1_900
# Gone for good: the hook was deleted, archived or its address is wrong. Asking again would get us barred.
_FINAL: Final = frozenset({400, 401, 403, 404, 410})


@dataclass(frozen=True, slots=True)
class Alert:
    """What is said: a headline, a line of facts, and the page that it leads to. No names, no quotations."""

    headline: str
    facts: str
    url: str


class ChatHook(Protocol):
    """One chat."""

    name: str

    def send(self, alert: Alert) -> None:
        """Post the alert.

        :raises ProviderFailed: not retryable when the hook is gone for good
        """
        ...


class SlackHook:
    """An incoming webhook of Slack."""

    name = "slack"

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, alert: Alert) -> None:
        headline, facts = _escaped(alert.headline), _escaped(alert.facts)
        text = f"*{headline}*\n{facts}\n<{alert.url}|Open the dispute>"
        _post(
            self._url,
            {
                "text": f"{headline}: {facts}",
                "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": text[:_LONGEST]}}],
            },
            name="Slack",
        )


class DiscordHook:
    """An incoming webhook of Discord."""

    name = "discord"

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, alert: Alert) -> None:
        content = f"**{alert.headline}**\n{alert.facts}\n{alert.url}"
        # Nobody is pinged, whatever stands in it.
        _post(self._url, {"content": content[:_LONGEST], "allowed_mentions": {"parse": []}}, name="Discord")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _post(url: str, body: dict[str, Any], *, name: str) -> None:
    """:raises ProviderFailed: anything but a success; redirects are not followed."""
    place = urlsplit(url)
    kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
    target = place.path + (f"?{place.query}" if place.query else "")
    try:
        connection = kind(place.hostname or "", place.port, timeout=_TIMEOUT_SECONDS)
        try:
            headers = {"Content-Type": "application/json", "User-Agent": "MentorDesk"}
            connection.request("POST", target, json.dumps(body).encode(), headers)
            answer = connection.getresponse()
            answer.read(4_096)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        # Without its cause: that may hold the address.
        raise ProviderFailed(f"{name} could not be reached ({type(error).__name__}).") from None
    if not 200 <= answer.status < 300:
        raise ProviderFailed(f"{name} answered {answer.status}.", retryable=answer.status not in _FINAL)
