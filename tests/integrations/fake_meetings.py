"""Zoom and Daily as their documentation describes them, small, on this machine; what goes wrong is told to them."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, Any]


@dataclass
class Fake:
    """One server.

    :param refuse: answers in place of the next requests, first come first served; None drops the connection
    :param asked: method and path of every request, without the query
    """

    answer: Callable[[str, str, dict[str, list[str]], dict[str, Any] | str, str], Answer]
    address: str = ""
    refuse: list[Answer | None] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@contextmanager
def served(fake: Fake) -> Iterator[Fake]:
    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            place = urlsplit(self.path)
            fake.asked.append(f"{self.command} {place.path}")
            if fake.refuse:
                answer = fake.refuse.pop(0)
                if answer is None:
                    self.close_connection = True
                    return
            else:
                is_json = (self.headers.get("Content-Type") or "").startswith("application/json")
                body = json.loads(raw) if is_json else raw.decode()
                token = self.headers.get("Authorization") or ""
                answer = fake.answer(self.command, place.path, parse_qs(place.query), body, token)
            status, told = answer
            out = told.encode() if isinstance(told, str) else json.dumps(told).encode() if told is not None else b""
            self.send_response(status)
            self.send_header("Content-Length", str(len(out)))
            self.end_headers()
            self.wfile.write(out)

        do_GET = do_POST = do_PATCH = do_DELETE = _do  # noqa: N815 - the base class's names

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    fake.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class ZoomBooks:
    """Zoom's side: tokens that end, meetings by number, registrants by address."""

    LOGIN = "Basic " + base64.b64encode(b"client:hush").decode()

    def __init__(self) -> None:
        self.tokens: set[str] = set()
        self.made_tokens = 0
        self.meetings: dict[int, dict[str, Any]] = {}
        self.numbers = count(82_000_000_000)
        self.registrants: dict[tuple[int, str], str] = {}
        self.recorded: dict[int, dict[str, Any]] = {}

    def __call__(self, method: str, path: str, query: dict[str, list[str]], body: Any, token: str) -> Answer:
        if path == "/oauth/token":
            return self._token(body, token)
        if token.removeprefix("Bearer ") not in self.tokens:
            return 401, {"code": 124, "message": "Access token has expired."}
        match method, path.removeprefix("/v2").strip("/").split("/"):
            case "GET", ["users", _, "meetings"]:
                return 200, self._page(int((query.get("next_page_token") or ["0"])[0] or 0))
            case "POST", ["users", host, "meetings"]:
                number = next(self.numbers)
                link = f"https://zoom.example/j/{number}?pwd=x"
                self.meetings[number] = {**body, "id": number, "host": host, "join_url": link}
                return 201, self.meetings[number]
            case verb, ["meetings", number, *rest]:
                if int(number) not in self.meetings:
                    return 404, {"code": 3001, "message": f"Meeting does not exist: {number}."}
                return self._meeting(verb, int(number), rest, body)
        return 404, {"code": 2300, "message": "This API endpoint is not recognized."}

    def _token(self, form: str, login: str) -> Answer:
        given = parse_qs(form)
        if login != self.LOGIN or given != {"grant_type": ["account_credentials"], "account_id": ["acc"]}:
            return 401, {"reason": "Invalid client_id or client_secret", "error": "invalid_client"}
        self.made_tokens += 1
        token = f"token-{self.made_tokens}"
        self.tokens.add(token)
        return 200, {"access_token": token, "token_type": "bearer", "expires_in": 3600}

    def _page(self, number: int) -> dict[str, Any]:
        """Two a page, so that a search has to turn pages."""
        known = list(self.meetings.values())
        page = known[2 * number : 2 * number + 2]
        return {"meetings": page, "next_page_token": str(number + 1) if len(known) > 2 * number + 2 else ""}

    def _meeting(self, method: str, number: int, rest: list[str], body: Any) -> Answer:
        if method == "POST" and rest == ["registrants"]:
            own = self.registrants.setdefault(
                (number, body["email"]), f"https://zoom.example/w/{number}?tk={len(self.registrants)}"
            )
            return 201, {"registrant_id": "r", "join_url": own}
        if rest == ["recordings"]:
            told = self.recorded.get(number)
            return (200, told) if told else (404, {"code": 3301, "message": "This recording does not exist."})
        if method == "PATCH":
            self.meetings[number].update(body)
            return 204, None
        if method == "DELETE":
            del self.meetings[number]
            return 204, None
        return 200, self.meetings[number]


class DailyBooks:
    """Daily's side: rooms by name, passes that name a room and an end."""

    def __init__(self) -> None:
        self.rooms: dict[str, dict[str, Any]] = {}
        self.passes: list[dict[str, Any]] = []
        self.renames = False

    def __call__(self, method: str, path: str, query: dict[str, list[str]], body: Any, token: str) -> Answer:
        if token != "Bearer daily-key":
            return 401, {"error": "authentication-error"}
        match method, path.removeprefix("/v1").strip("/").split("/"):
            case "POST", ["rooms"]:
                if body["name"] in self.rooms:
                    return 400, {"error": "invalid-request-error", "info": "a room named … already exists"}
                name = "another" if self.renames else body["name"]
                self.rooms[name] = {**body, "name": name, "url": f"https://team.daily.example/{name}"}
                return 200, self.rooms[name]
            case "POST", ["meeting-tokens"]:
                self.passes.append(body["properties"])
                return 200, {"token": f"pass-{len(self.passes)}"}
            case verb, ["rooms", name]:
                if name not in self.rooms:
                    return 404, {"error": "not-found"}
                return self._room(verb, name, body)
        return 404, {"error": "not-found"}

    def _room(self, method: str, name: str, body: Any) -> Answer:
        if method == "DELETE":
            del self.rooms[name]
            return 200, {"deleted": True, "name": name}
        if method == "POST":
            self.rooms[name]["properties"].update(body["properties"])
        return 200, self.rooms[name]
