"""`python -m bench streams`: 200 open pages at one web process: memory, how long news and other requests take (NT-2).

The server is the real one, with its own configuration; each stream is another person's.
"""

from __future__ import annotations

import argparse
import http.client
import os
import re
import selectors
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

from flask import Flask
from flask_migrate import upgrade

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app import create_app
from app.config import Settings
from app.domain.context import SYSTEM, Actor, Context
from app.domain.vocabulary import NotificationType, Role
from app.embedded.servers import embedded_servers
from app.extensions import db
from app.foundation.transaction import transaction
from app.http.clock import now
from app.messaging.notify import notify
from app.models import User
from app.people.logins import open_login

ROOT = Path(__file__).resolve().parent.parent
_KEY = "for this run, which nobody else reaches"
_PATIENCE = 15.0


def at_this_moment(actor: Actor = SYSTEM) -> Context:
    return Context(actor=actor, now=now(), request_id=f"bench-{uuid4().hex[:8]}")


def people(count: int) -> list[User]:
    with transaction():
        found = [
            User(
                email=f"reader{number}@bench.example", name=f"Reader {number}", password_hash="-", role=Role.MENTEE,
                created_at=now(),
            )
            for number in range(count)
        ]  # fmt: skip
        db.session.add_all(found)
    return found


def cookie_of(app: Flask, user: User) -> str:
    token = open_login(user, remembered=False, ctx=at_this_moment(Actor.user(user.id, user.role)))
    signer: Any = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    return f"{app.config['SESSION_COOKIE_NAME']}={signer.dumps({'login': token})}"


class Pages:
    """Open streams, read as a browser reads them."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._ready = selectors.DefaultSelector()
        self._sockets: list[socket.socket] = []

    def open(self, cookie: str) -> None:
        one = socket.create_connection(("127.0.0.1", self._port))
        lines = ("GET /api/notifications/stream HTTP/1.1", f"Host: 127.0.0.1:{self._port}", f"Cookie: {cookie}", "", "")
        one.sendall("\r\n".join(lines).encode())
        one.setblocking(False)
        self._ready.register(one, selectors.EVENT_READ, len(self._sockets))
        self._sockets.append(one)

    def wait_for(self, word: bytes, count: int) -> list[float]:
        """When each of ``count`` streams got ``word``, in seconds from now."""
        begun, heard = time.monotonic(), {}
        while len(heard) < count and time.monotonic() - begun < _PATIENCE:
            for key, _ in self._ready.select(timeout=0.5):
                chunk = self._sockets[key.data].recv(65_536)
                if word in chunk:
                    heard.setdefault(key.data, time.monotonic() - begun)
        return sorted(heard.values())

    def close(self) -> None:
        for one in self._sockets:
            one.close()


def memory_of(pid: int) -> float:
    """Megabytes of a process and what it started."""
    pids = [pid, *(int(child) for child in subprocess.run(
        ["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split())]  # fmt: skip
    found = 0
    for one in pids:
        status = Path(f"/proc/{one}/status").read_text()
        found += int(re.findall(r"VmRSS:\s+(\d+)", status)[0])
    return found / 1024


def ask(port: int, cookie: str, times: int) -> list[float]:
    """How long the list of notifications takes, in milliseconds."""
    line, took = http.client.HTTPConnection("127.0.0.1", port), []
    for _ in range(times):
        begun = time.monotonic()
        line.request("GET", "/api/notifications", headers={"Cookie": cookie})
        line.getresponse().read()
        took.append((time.monotonic() - begun) * 1000)
    return sorted(took)


def measure(app: Flask, port: int, pid: int, count: int) -> None:
    readers = people(count)
    cookies = [cookie_of(app, user) for user in readers]
    ask(port, cookies[0], 20)
    alone, before = ask(port, cookies[0], 100), memory_of(pid)
    pages = Pages(port)
    begun = time.monotonic()
    for cookie in cookies:
        pages.open(cookie)
    opened = pages.wait_for(b"data: ", count)
    print(f"{len(opened)} of {count} streams open in {time.monotonic() - begun:.1f} s")
    print(f"memory of the web server: {before:.0f} MB without, {memory_of(pid):.0f} MB with them")
    to_one = []
    for number in range(20):
        tell(readers[number : number + 1], f"One {number}.")
        to_one += pages.wait_for(f"One {number}.".encode(), 1)
    tell(readers, "For all.")
    to_all = pages.wait_for(b"For all.", count)
    print(f"news for one: {_ms(to_one)}; for all {len(to_all)} at once: {_ms(to_all)}")
    crowded = ask(port, cookies[0], 100)
    print(f"another request: {_spread(alone)} without, {_spread(crowded)} with them")
    pages.close()


def tell(readers: list[User], title: str) -> None:
    with transaction():
        for reader in readers:
            notify(reader.id, NotificationType.REVIEW_RECEIVED, title=title, body="", ctx=at_this_moment())


def _ms(seconds: list[float]) -> str:
    return _spread([each * 1000 for each in seconds])


def _spread(found: list[float]) -> str:
    return f"{statistics.median(found):.0f} ms (most {max(found):.0f})" if found else "never"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=200)
    count = parser.parse_args().streams
    folder = Path(tempfile.mkdtemp(prefix="streams-"))
    folder.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    try:
        with embedded_servers(folder / "servers", durable=False) as servers:
            settings = Settings(
                app_env="demo", secret_key=_KEY, data_dir=folder, database_url=servers.database_url,
                redis_url=servers.redis_url, public_url=f"http://127.0.0.1:{port}",
            )  # fmt: skip
            app = create_app(settings)
            with app.app_context():
                upgrade()
                env = {
                    **os.environ, "APP_ENV": "demo", "SECRET_KEY": _KEY, "DATA_DIR": str(folder),
                    "DATABASE_URL": servers.database_url, "REDIS_URL": servers.redis_url,
                    "PUBLIC_URL": settings.public_url, "WEB_GRACEFUL_SECONDS": "5",
                }  # fmt: skip
                command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py",
                           "--bind", f"127.0.0.1:{port}", "--log-level", "error", "wsgi:app"]  # fmt: skip
                with subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.DEVNULL) as web:
                    try:
                        _wait(port)
                        measure(app, port, web.pid, count)
                    finally:
                        begun = time.monotonic()
                        web.terminate()
                        web.wait(timeout=30)
                        print(f"the server stopped in {time.monotonic() - begun:.1f} s")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(port: int) -> None:
    for _ in range(300):
        try:
            line = http.client.HTTPConnection("127.0.0.1", port)
            line.request("GET", "/healthz")
            line.getresponse().read()
        except OSError:
            time.sleep(0.1)
        else:
            return
    message = "the web server did not come up"
    raise RuntimeError(message)


if __name__ == "__main__":
    main()
