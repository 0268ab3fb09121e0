"""Open pages at the real web server: they hear, are counted, end with their login, and let the server stop (NT-2)."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.domain.context import Actor
from app.domain.vocabulary import NotificationType, Role
from app.embedded.processes import wait_until
from app.foundation.transaction import transaction
from app.http.live import PER_PERSON
from app.messaging.notify import notify
from app.models import User
from app.people.logins import end_logins_of, open_login
from tests.factories.people import a_user
from tests.world import context

pytestmark = pytest.mark.spec("NT-2")

ROOT = Path(__file__).parents[2]
_KEY = "a key for this test, which nobody else may know"


@dataclass
class Served:
    """A web server process and the application whose database it shares."""

    app: Flask
    port: int
    process: subprocess.Popen[bytes]
    opened: ExitStack

    def cookie(self, user: User) -> str:
        token = open_login(user, remembered=False, ctx=context(Actor.user(user.id, user.role), _now()))
        signer: Any = self.app.session_interface.get_signing_serializer(self.app)  # type: ignore[attr-defined]
        return f"desk={signer.dumps({'login': token})}"

    def open(self, cookie: str) -> http.client.HTTPResponse:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        self.opened.callback(line.close)
        line.request("GET", "/api/notifications/stream", headers={"Cookie": cookie})
        return self.opened.enter_context(line.getresponse())


def _now() -> datetime:
    return datetime.now(UTC)


def read_until(stream: http.client.HTTPResponse, word: bytes) -> bool:
    """Whether a line with ``word`` comes before the stream ends."""
    return any(word in line for line in iter(stream.readline, b""))


@pytest.fixture
def served(own_database: Callable[..., Flask]) -> Iterator[Served]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    app = own_database(app_env="demo", secret_key=_KEY, public_url=f"http://127.0.0.1:{port}")
    settings = app.extensions["desk-settings"]
    env = {
        **os.environ, "APP_ENV": "demo", "SECRET_KEY": _KEY, "DATA_DIR": str(settings.data_dir),
        "DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url, "PUBLIC_URL": settings.public_url,
        # Longer than the test waits: a server that waited for its streams would be noticed.
        "WEB_GRACEFUL_SECONDS": "300",
    }  # fmt: skip
    with app.app_context(), _web(port, env) as process, ExitStack() as opened:
        yield Served(app, port, process, opened)


@contextmanager
def _web(port: int, env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "--bind", f"127.0.0.1:{port}",
               "--log-level", "error", "wsgi:app"]  # fmt: skip
    with subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.DEVNULL) as process:
        try:
            assert wait_until(lambda: _answers(port), patience=60), "the web server did not come up"
            yield process
        finally:
            process.kill() if process.poll() is None else None


def _answers(port: int) -> bool:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        line.request("GET", "/healthz")
        return line.getresponse().status == 200
    except OSError:
        return False
    finally:
        line.close()


def _tell(user: User, title: str) -> None:
    with transaction():
        ctx = context(now=_now())
        notify(user.id, NotificationType.REVIEW_RECEIVED, title=title, body="", ctx=ctx)


def test_a_stream_hears_and_ends_with_its_login_and_the_server_stops_under_open_streams(served: Served) -> None:
    reader, other = a_user(Role.MENTEE), a_user(Role.MENTEE)
    stream, others = served.open(served.cookie(reader)), served.open(served.cookie(other))
    assert stream.status == 200
    _tell(reader, "For the reader")
    assert read_until(stream, b"For the reader")
    end_logins_of(reader.id, ctx=context(now=_now()))
    _tell(reader, "For nobody")
    assert not read_until(stream, b"For nobody"), "the stream ends without it"
    assert read_until(others, b"data: ")
    served.process.terminate()
    served.process.wait(timeout=60)
    assert not read_until(others, b"data: "), "the other stream has ended, too"


def test_one_person_cannot_hold_all_streams(served: Served) -> None:
    cookie = served.cookie(a_user(Role.MENTEE))
    opened = [served.open(cookie) for _ in range(PER_PERSON)]
    assert {stream.status for stream in opened} == {200}
    assert served.open(cookie).status == 204
