"""Speaking JSON over HTTP with a provider: bounded in time and size, nothing secret in what goes wrong."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from app.domain.errors import ProviderFailed
from app.integrations.circuit import Circuit

_CONNECT_SECONDS: Final = 5
_READ_SECONDS: Final = 20
_LARGEST: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` is empty where the answer was no JSON object."""

    status: int
    body: Mapping[str, Any]


class JsonClient:
    """One provider's API. Redirects are not followed; server errors and too many requests may be tried again."""

    def __init__(self, name: str, base_url: str, circuit: Circuit | None = None) -> None:
        place = urlsplit(base_url.rstrip("/"))
        self._name, self._path = name, place.path
        self._host, self._port, self._is_safe = place.hostname or "", place.port, place.scheme == "https"
        self._circuit = circuit or Circuit()

    def call(
        self, method: str, path: str, *, headers: Mapping[str, str], body: Mapping[str, Any] | bytes | None = None
    ) -> Answer:
        """Ask once; what the provider refuses (4xx) is an answer.

        :param body: an object, sent as JSON; bytes as they are
        :raises ProviderFailed: retryable: nobody answered (``unknown``: it may have been done), 429, 5xx, or it failed
            so often that it is not asked at present
        """
        if self._circuit.is_open:
            raise ProviderFailed(f"{self._name} failed several times in a row and is not asked for a minute.")
        sent = json.dumps(body).encode() if isinstance(body, Mapping) else body
        kind = {"Content-Type": "application/json"} if isinstance(body, Mapping) else {}
        try:
            status, raw = self._ask(method, self._path + path, sent, {"Accept": "application/json", **kind, **headers})
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._circuit.failed()
            # Without its cause: that may hold an address with a secret in it.
            message = f"{self._name} could not be reached ({type(error).__name__})."
            raise ProviderFailed(message, unknown=method != "GET") from None
        if status == 429 or status >= 500:
            self._circuit.failed()
            raise ProviderFailed(f"{self._name} answered {status}.", unknown=status >= 500 and method != "GET")
        self._circuit.worked()
        return Answer(status, _read(raw))

    def _ask(self, method: str, target: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        make = http.client.HTTPSConnection if self._is_safe else http.client.HTTPConnection
        connection = make(self._host, self._port, timeout=_CONNECT_SECONDS)
        try:
            connection.connect()
            connection.sock.settimeout(_READ_SECONDS)
            connection.request(method, target, body, {"User-Agent": "MentorDesk", **headers})
            answer = connection.getresponse()
            return answer.status, answer.read(_LARGEST)
        finally:
            connection.close()


def _read(raw: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(raw) if raw else {}
    except (ValueError, RecursionError):
        found = {}
    return found if isinstance(found, dict) else {}
