"""`make bench`: the console at 1,000,000 sessions beside the best hand-written SQL, in one run (PERF-1 to 3).

Both sides read the same PostgreSQL in one process, alternately, so that a noisy machine is noisy for both. Printed are
medians and their ratio: the ratio is the result, milliseconds only show the size. Nothing here is a test.
"""

from __future__ import annotations

import argparse
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
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
from bench.handwritten import CSV, pages

ROUNDS = 15
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


def bare(application: Callable[..., Iterable[bytes]], path: str, query: str = "") -> bytes:
    return b"".join(application({"PATH_INFO": path, "QUERY_STRING": query}, lambda *_: None))


def signed_in_page(app: Flask, address: str, cookie: str) -> bytes:
    """One page of ours, called as the web server calls it: a test client would add a browser's work to it."""
    path, _, query = address.partition("?")
    status: list[str] = []
    environ = EnvironBuilder(path=path, query_string=query, headers={"Cookie": cookie}).get_environ()
    answer = app.wsgi_app(environ, lambda line, *_: status.append(line))  # type: ignore[arg-type,return-value]
    body = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    if not status[0].startswith("200"):
        message = f"{address} answered {status[0]}"
        raise RuntimeError(message)
    return body


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


def signed_in(app: Flask) -> FlaskClient:
    client = app.test_client()
    page = client.get("/sign-in").get_data(as_text=True)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    form = {"email": AGENT, "password": PASSWORD, "csrf_token": token[1] if token else ""}
    answer = client.post("/sign-in", data=form)
    if answer.status_code not in {302, 303}:
        message = f"the agent could not sign in: {answer.status_code}"
        raise RuntimeError(message)
    return client


def get(client: FlaskClient, path: str) -> bytes:
    answer = client.get(path)
    if answer.status_code != 200:
        message = f"{path} answered {answer.status_code}"
        raise RuntimeError(message)
    return answer.get_data()


def compare(app: Flask, database_url: str) -> dict[str, float]:
    client = signed_in(app)
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
    ]  # fmt: skip
    print(f"{'page':22}{'ours ms':>9}{'by hand':>9}{'ratio':>7}{'SQL':>5}{'KB':>6}")
    medians = {}
    get(client, "/admin/sessions/")  # leaves the form's token in the cookie, as in any browser that is in use
    cookie = "; ".join(f"{one.key}={one.value}" for one in client._cookies.values())  # noqa: SLF001 - has no other way
    for name, ours, path, query in rows:

        def page(ours: str = ours) -> bytes:
            return signed_in_page(app, ours, cookie)

        weight = len(page()) / 1024
        sent = statements.of(page)
        mine, theirs = side_by_side(page, lambda p=path, q=query: bare(by_hand, p, q))
        medians[name] = mine
        print(f"{name:22}{mine:9.1f}{theirs:9.1f}{mine / theirs:7.2f}{sent:5}{weight:6.0f}")
    export(client, connection)
    connection.close()
    return medians


def export(client: FlaskClient, connection: psycopg.Connection[Any]) -> None:
    """CSV: first byte, total and memory, ours over the filter that holds about 100,000 rows."""
    since = connection.execute(
        "SELECT scheduled_at::date FROM sessions ORDER BY scheduled_at DESC OFFSET 100000 LIMIT 1"
    )
    first = since.fetchone()
    path = "/admin/sessions/export.csv" + (f"?from={first[0]}" if first else "")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    answer = client.get(path, buffered=False)
    size, first_byte = 0, 0.0
    for block in answer.response:
        first_byte = first_byte or time.perf_counter() - began
        size += len(block)
    total = time.perf_counter() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    began = time.perf_counter()
    with connection.cursor() as cursor, cursor.copy(CSV) as copy:
        for _ in copy:
            pass
    theirs = time.perf_counter() - began
    print(
        f"CSV: first byte {first_byte:.3f} s, total {total:.2f} s, {size / 1e6:.1f} MB, memory +{grown:.0f} MB; "
        f"by hand {theirs:.2f} s, ratio {total / theirs:.2f}"
    )


def one_size(folder: Path, sessions: int) -> dict[str, float]:
    with embedded_servers(folder, durable=False, postgres_settings=_SERVER) as servers:
        app = prepare(folder, servers.database_url, servers.redis_url, sessions)
        print(f"\n{sessions:,} sessions")
        return compare(app, servers.database_url)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=Path("var/bench"), help="kept, so that a second run is quick")
    chosen = parser.parse_args()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print(f"commit {commit.stdout.strip()}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, medians of {ROUNDS}")
    small = one_size(chosen.folder / "small", 10_000)
    large = one_size(chosen.folder / "large", chosen.sessions)
    name = "list, newest first"
    print(f"\nthe list at {chosen.sessions:,} takes {large[name] / small[name]:.2f} times its time at 10,000")


if __name__ == "__main__":
    main()
