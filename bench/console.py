"""`make bench`: the console at 1,000,000 sessions beside the best hand-written SQL, in one run (PERF-1 to 3).

Both sides read the same PostgreSQL in one process, alternately, so that a noisy machine is noisy for both. Printed are
medians and their ratio: the ratio is the result, milliseconds only show the size. Behind it stands the processor time
alone, which hardly depends on what else the machine does. Nothing here is a test.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import resource
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy import event, text
from werkzeug.test import EnvironBuilder

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app import create_app
from app.cli.seed_volume import seed_volume
from app.config import Settings
from app.domain.context import SYSTEM, Context
from app.domain.vocabulary import Role
from app.embedded.servers import embedded_servers
from app.extensions import db
from app.people.accounts import create_user
from bench import console  # what another process calls must be in a module that it can import
from bench._processor import processor_milliseconds
from bench.handwritten import pages

ROUNDS = 101
PASSWORD = "measure-only-on-this-machine"
AGENT = "agent@bench.example"
_SERVER = {"shared_buffers": "1GB", "maintenance_work_mem": "512MB", "max_wal_size": "8GB"}


def measured(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def side_by_side(ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, float]:
    """Medians in milliseconds, the two taking turns."""
    ours(), theirs()
    pairs = [(measured(ours), measured(theirs)) for _ in range(ROUNDS)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def caller(application: Callable[..., Iterable[bytes]], address: str, cookie: str) -> Callable[[], bytes]:
    """Asks for one page as the web server does: a test client would add a browser's work to it."""
    path, _, query = address.partition("?")
    environ = EnvironBuilder(path=path, query_string=query, headers={"Cookie": cookie}).get_environ()

    def call() -> bytes:
        status: list[str] = []
        answer = application({**environ}, lambda line, *_: status.append(line))
        body = b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        if not status[0].startswith("200"):
            message = f"{address} answered {status[0]}"
            raise RuntimeError(message)
        return body

    return call


def streamed(application: Callable[..., Iterable[bytes]], address: str, cookie: str) -> tuple[float, float, int]:
    """Seconds to the first byte and to the last, and how many there were; nothing is kept."""
    path, _, query = address.partition("?")
    environ = EnvironBuilder(path=path, query_string=query, headers={"Cookie": cookie}).get_environ()
    began, first, size = time.perf_counter(), 0.0, 0
    answer = application(environ, lambda *_: None)
    for block in answer:
        first = first or time.perf_counter() - began
        size += len(block)
    if hasattr(answer, "close"):
        answer.close()
    return first, time.perf_counter() - began, size


def hand_login(connection: psycopg.Connection[Any], email: str = AGENT) -> str:
    """The cookie of the agent's browser on the other side."""
    token = secrets.token_urlsafe(32)
    connection.execute(
        """INSERT INTO logins (id, token_hash, user_id, remembered, created_at, last_seen_at, expires_at)
           SELECT gen_random_uuid(), %s, id, false, now(), now(), now() + interval '1 hour'
           FROM users WHERE email = %s""",
        (hashlib.sha256(token.encode()).hexdigest(), email),
    )
    return f"login={token}"


class Statements:
    """Counts what is sent to the database while it listens."""

    def __init__(self, app: Flask) -> None:
        self.count = 0
        with app.app_context():
            event.listen(db.engine, "before_cursor_execute", self._one)

    def _one(self, *_: Any) -> None:
        self.count += 1

    def of(self, call: Callable[[], object]) -> int:
        self.count = 0
        call()
        return self.count


def prepare(folder: Path, database_url: str, redis_url: str, sessions: int) -> Flask:
    settings = Settings(
        app_env="test", secret_key="bench", data_dir=folder / "data", database_url=database_url, redis_url=redis_url,
        public_url="http://localhost",
    )  # fmt: skip
    app = create_app(settings)
    # As in production: templates do not change, and the counts in the sidebar may be five seconds old.
    app.config["CONSOLE_COUNTS_SECONDS"] = 5
    with app.app_context():
        upgrade()
        if not db.session.scalar(text("SELECT count(*) FROM users WHERE email = :agent"), {"agent": AGENT}):
            began = time.monotonic()
            now = datetime.now(UTC)
            create_user(
                email=AGENT, name="Bench Agent", role=Role.SUPPORT, password=PASSWORD, timezone="UTC",
                ctx=Context(SYSTEM, now, "bench"),
            )  # fmt: skip
            seed_volume(db.session(), sessions=sessions, now=now, say=lambda _: None)
            print(f"{sessions:,} sessions made in {time.monotonic() - began:.0f} s")
    return app


def signed_in(app: Flask, email: str = AGENT) -> FlaskClient:
    client = app.test_client()
    page = client.get("/sign-in").get_data(as_text=True)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    form = {"email": email, "password": PASSWORD, "csrf_token": token[1] if token else ""}
    answer = client.post("/sign-in", data=form)
    if answer.status_code not in {302, 303}:
        message = f"the agent could not sign in: {answer.status_code}"
        raise RuntimeError(message)
    return client


def cookie_of(app: Flask, email: str = AGENT) -> str:
    """What the browser of somebody sends who has signed in and opened a page."""
    client = signed_in(app, email)
    get(client, "/admin/sessions/")  # leaves the form's token in the cookie, as in any browser that is in use
    return "; ".join(f"{one.key}={one.value}" for one in client._cookies.values())  # noqa: SLF001 - has no other way


def get(client: FlaskClient, path: str) -> bytes:
    answer = client.get(path)
    if answer.status_code != 200:
        message = f"{path} answered {answer.status_code}"
        raise RuntimeError(message)
    return answer.get_data()


def compare(app: Flask, database_url: str) -> None:
    cookie = cookie_of(app)
    statements = Statements(app)
    connection = psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True)
    now = datetime.now(UTC)
    by_hand = pages(connection, now)
    case_id = connection.execute("SELECT id FROM sessions ORDER BY created_at DESC OFFSET 500 LIMIT 1").fetchone()[0]
    since, until = (now - timedelta(days=60)).date().isoformat(), (now - timedelta(days=30)).date().isoformat()
    last = (now - timedelta(days=31)).date().isoformat()  # a list's last day is included
    dates = f"from={since}&to={last}&sort=created_at&order=desc"
    rows = [
        ("list, newest first", "/admin/sessions/", "/list", ""),
        ("page 500", "/admin/sessions/?page=500", "/page500", ""),
        ("filtered", f"/admin/sessions/?status=cancelled&refund=processed&{dates}", "/filtered",
         f"since={since}&until={until}"),
        ("part of a name", "/admin/sessions/?q=Okafor", "/search", "q=Okafor"),
        ("one session", f"/admin/sessions/{case_id}", "/case", f"id={case_id}"),
        ("overview", "/admin/", "/overview", ""),
        ("its charts", "/admin/charts", "/charts", ""),
    ]  # fmt: skip
    print(
        f"{'page':22}{'ours ms':>9}{'by hand':>9}{'ratio':>7}{'processor':>10}{'by hand':>9}{'ratio':>7}"
        f"{'SQL':>6}{'KB':>6}"
    )
    hand_cookie = hand_login(connection)
    for name, ours, path, query in rows:
        page = caller(app.wsgi_app, ours, cookie)  # type: ignore[arg-type]
        weight = len(page()) / 1024
        sent = statements.of(page)
        other = caller(by_hand, f"{path}?{query}", hand_cookie)
        mine, theirs = side_by_side(page, other)
        used, hand_used = (processor_milliseconds(call, connection, ROUNDS * 2) for call in (page, other))
        print(
            f"{name:22}{mine:9.1f}{theirs:9.1f}{mine / theirs:7.2f}{used:10.1f}{hand_used:9.1f}{used / hand_used:7.2f}"
            f"{sent:6}{weight:6.0f}"
        )
    export(app, by_hand, connection, (cookie, hand_cookie))
    connection.close()


def export(app: Flask, by_hand: Any, connection: psycopg.Connection[Any], cookies: tuple[str, str]) -> None:
    """CSV: first byte, total and memory, over the filter that holds about 100,000 rows; medians, in turns."""
    row = connection.execute(
        "SELECT scheduled_at::date FROM sessions ORDER BY scheduled_at DESC NULLS LAST OFFSET 100000 LIMIT 1"
    ).fetchone()
    since = row[0] if row else "2000-01-01"
    streamed(app.wsgi_app, f"/admin/sessions/export.csv?from={since}", cookies[0])  # type: ignore[arg-type]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    runs = [
        (
            streamed(app.wsgi_app, f"/admin/sessions/export.csv?from={since}", cookies[0]),  # type: ignore[arg-type]
            streamed(by_hand, f"/csv?since={since}", cookies[1]),
        )
        for _ in range(5)
    ]
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    first, total, size = (statistics.median(ours[index] for ours, _ in runs) for index in range(3))
    theirs = statistics.median(other[1] for _, other in runs)
    print(
        f"CSV: first byte {first:.3f} s, total {total:.2f} s, {size / 1e6:.1f} MB, memory +{grown:.0f} MB; "
        f"by hand {theirs:.2f} s, ratio {total / theirs:.2f}"
    )


def fill(folder: Path, sessions: int) -> None:
    """Make the database, where it is not there from a run before."""
    with embedded_servers(folder, durable=False, postgres_settings=_SERVER) as servers:
        prepare(folder, servers.database_url, servers.redis_url, sessions)


def one_size(folder: Path, sessions: int) -> None:
    with embedded_servers(folder, durable=False, postgres_settings=_SERVER) as servers:
        app = prepare(folder, servers.database_url, servers.redis_url, sessions)
        print(f"\n{sessions:,} sessions")
        compare(app, servers.database_url)


def apart(call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Call it in a fresh process: one that has just made a million rows answers more slowly than a web server."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(call, *arguments, **options).result()


def growth(folder: Path, sizes: dict[str, int]) -> tuple[float, ...]:
    """The list's medians at both sizes, the two taking turns."""
    with ExitStack() as open_servers:
        calls = []
        for name, sessions in sizes.items():
            servers = open_servers.enter_context(
                embedded_servers(folder / name, durable=False, postgres_settings=_SERVER)
            )
            app = prepare(folder / name, servers.database_url, servers.redis_url, sessions)
            calls.append(caller(app.wsgi_app, "/admin/sessions/", cookie_of(app)))  # type: ignore[arg-type]
        for call in calls:
            for _ in range(ROUNDS):
                call()
        return side_by_side(*calls)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=Path("var/bench"), help="kept, so that a second run is quick")
    chosen = parser.parse_args()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print(f"commit {commit.stdout.strip()}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, medians of {ROUNDS}")
    sizes = {"small": 10_000, "large": chosen.sessions}
    for name, sessions in sizes.items():
        apart(console.fill, chosen.folder / name, sessions)
        apart(console.one_size, chosen.folder / name, sessions)
    small, large = apart(console.growth, chosen.folder, sizes)
    grown = f"{large:.1f} ms at {chosen.sessions:,}, {small:.1f} ms at 10,000, ratio {large / small:.2f}"
    print(f"\nthe list, both sizes in turns: {grown}")


if __name__ == "__main__":
    main()
