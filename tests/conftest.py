"""One embedded server per run, one migrated template, one database per worker, one rolled-back transaction per test.

Tests of races, crashes and ``SKIP LOCKED`` ask for ``own_database``: a copy of the template in which commits are real.
"""

from __future__ import annotations

import gc
import logging
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from jinja2.bccache import Bucket, BytecodeCache
from psycopg._preparing import PrepareManager
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import make_url
from werkzeug.datastructures import Headers

from app import create_app
from app.config import Settings
from app.domain.context import SYSTEM, Actor, Context
from app.embedded.servers import embedded_servers
from app.extensions import db
from app.http import logs
from app.http.addresses import AddressedFlask
from tests.outbox import RunOutbox, drain
from tests.world import Clock, context, settings_for

_TEMPLATE = "desk_template"
# Tests roll back all the time, and psycopg then forgets which statements the server has planned, since one of them may
# name a table that never came to be. No test makes a table and rolls it back: the plans stay, and are made at once.
PrepareManager.prepare_threshold = 1
PrepareManager._should_discard.__defaults__ = (re.compile(rb"^(?:DROP|ALTER|DISCARD ALL|DEALLOCATE ALL)\b").match,)


class _CompiledOnce(BytecodeCache):
    """Templates as they were compiled, for all applications of this process: a hundred tests make one of their own."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key, bucket.checksum] = bucket.code


AddressedFlask.jinja_options = {"bytecode_cache": _CompiledOnce()}
_ROOM = 8 << 30
_GENERIC_PLANS = {"plan_cache_mode": "force_generic_plan"}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, after the order was shuffled: a process that has done its part takes over what is left."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """What is there by now stays to the end: the collector of cycles need not look through it again and again.

    What tests make is looked through rarely: the collector took a twentieth of the suite's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(autouse=True, scope="session")
def _closed_sockets() -> Iterator[None]:
    """No test talks to anything but this machine."""
    original = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and address[0] not in {"127.0.0.1", "::1", "localhost"}:
            pytest.fail(f"a test tried to reach {address}")
        original(self, address)

    socket.socket.connect = guarded  # type: ignore[method-assign]
    yield
    socket.socket.connect = original  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[tuple[str, str]]:
    """``(database_url, redis_url)`` of servers that this run (or this xdist worker) owns."""
    # Short: a socket's path ends at 107 bytes, and the database's own account must be able to reach it.
    folder = Path(tempfile.mkdtemp(prefix=f"desk-{worker_id}-", dir=_in_memory()))
    folder.chmod(0o755)
    try:
        with embedded_servers(folder, durable=False, postgres_settings=_GENERIC_PLANS) as running:
            yield running.database_url, running.redis_url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _in_memory() -> str | None:
    """Where files are not written to a disk, if there is room: a hundred databases of a thousand files come and go."""
    shared = Path("/dev/shm")
    has_room = shared.is_dir() and os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > _ROOM
    return str(shared) if has_room else None


@pytest.fixture(scope="session")
def worker_id(request: pytest.FixtureRequest) -> str:
    return getattr(request.config, "workerinput", {}).get("workerid", "main")


def _named(database_url: str, name: str) -> str:
    return make_url(database_url).set(database=name).render_as_string(hide_password=False)


@contextmanager
def _maintenance(database_url: str) -> Iterator[Any]:
    engine = create_engine(database_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture(scope="session")
def template(servers: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database with the whole schema, to be copied."""
    database_url, redis_url = servers
    with _maintenance(database_url) as connection:
        connection.execute(text(f"CREATE DATABASE {_TEMPLATE}"))
    migrated = create_app(settings_for(_named(database_url, _TEMPLATE), redis_url, tmp_path_factory.mktemp("template")))
    with migrated.app_context():
        from flask_migrate import upgrade

        upgrade()
        db.engine.dispose()
    return _TEMPLATE


def _copy(database_url: str, template: str) -> str:
    name = f"test_{uuid4().hex[:12]}"
    with _maintenance(database_url) as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    return name


class _Client(FlaskClient):
    """A browser: each request gets an application context of its own, as in production.

    Flask would otherwise reuse the test's context, and with it the database session and the signed-in user.
    What it posts carries the token of its pages, as a browser's forms and scripts do; ``csrf=False`` leaves it out.
    """

    def open(self, *args: Any, csrf: bool = True, **kwargs: Any) -> Any:
        if csrf and kwargs.get("method", "GET") in {"POST", "PUT", "PATCH", "DELETE"}:
            kwargs["headers"] = Headers(kwargs.get("headers"))
            kwargs["headers"].setdefault("X-CSRFToken", self.csrf_token())
        with self.application.app_context():
            response = super().open(*args, **kwargs)
            response.get_data()
        db.session.expire_all()
        return response

    def csrf_token(self) -> str:
        """The token that this browser's pages hold."""
        with self.session_transaction() as cookie:
            raw = cookie.setdefault("csrf_token", "0123456789abcdef0123456789abcdef01234567")
        key = self.application.secret_key
        return str(URLSafeTimedSerializer(key, salt="wtf-csrf-token").dumps(raw))


@pytest.fixture(scope="session")
def shared_app(servers: tuple[str, str], template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One application per run on one copy of the template."""
    database_url, redis_url = servers
    name = _copy(database_url, template)
    app = create_app(settings_for(_named(database_url, name), redis_url, tmp_path_factory.mktemp("data")))
    app.test_client_class = _Client
    yield app
    with app.app_context():
        db.engine.dispose()


@contextmanager
def rolled_back(app: Flask) -> Iterator[None]:
    """A transaction around all that happens inside; commits are savepoints in it."""
    with app.app_context():
        engine = db.engines[None]
        connection = engine.connect()
        outer = connection.begin()
        db.engines[None] = connection  # type: ignore[assignment]
        # What the database checks at COMMIT is checked at each savepoint's end here, since no COMMIT comes.
        event.listen(db.session.session_factory, "before_commit", _check_deferred)
        try:
            yield
        finally:
            event.remove(db.session.session_factory, "before_commit", _check_deferred)
            db.session.remove()
            db.engines[None] = engine
            outer.rollback()
            connection.close()


@pytest.fixture
def app(shared_app: Flask) -> Iterator[Flask]:
    """The application inside a transaction that is rolled back."""
    with rolled_back(shared_app):
        yield shared_app


_SET_CONSTRAINTS = "SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED"


def _check_deferred(session: Any) -> None:
    session.flush()
    # One round trip, past the ORM: this happens at every commit of every test.
    session.connection().exec_driver_sql(_SET_CONSTRAINTS)


@pytest.fixture
def clock(app: Flask) -> Iterator[Clock]:
    """The doors' clock, standing at ``START`` until the test moves it."""
    source = Clock()
    before = app.extensions["desk-clock"]
    app.extensions["desk-clock"] = source
    yield source
    app.extensions["desk-clock"] = before


@pytest.fixture
def client(app: Flask, clock: Clock) -> FlaskClient:
    return app.test_client()


@contextmanager
def own_logging(settings: Settings) -> Iterator[None]:
    """Where lines go may be changed inside: afterwards they go where tests look for them, those of other tests too."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        yield
    finally:
        root.handlers, root.level = handlers, level
        logs.configure(settings.model_copy(update={"app_env": "test"}))


@contextmanager
def database_of_its_own(servers: tuple[str, str], template: str, folder: Path) -> Iterator[Callable[..., Flask]]:
    """A maker of applications on one fresh database, where commits are real; ``folder`` is their ``DATA_DIR``."""
    database_url, redis_url = servers
    name = _copy(database_url, template)
    made: list[Flask] = []

    def make(**changes: Any) -> Flask:
        settings = settings_for(_named(database_url, name), redis_url, folder, **changes)
        with own_logging(settings):
            app = create_app(settings)
        app.test_client_class = _Client
        made.append(app)
        return app

    try:
        yield make
    finally:
        for app in made:
            with app.app_context():
                db.session.remove()
                db.engine.dispose()
        with _maintenance(database_url) as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def own_database(servers: tuple[str, str], template: str, tmp_path: Path) -> Iterator[Callable[..., Flask]]:
    """A maker of applications on one fresh database, where commits are real; for threads and processes."""
    with database_of_its_own(servers, template, tmp_path) as make:
        yield make


@pytest.fixture
def ctx(clock: Clock) -> Callable[..., Context]:
    """``ctx(actor)``: a context at the clock's time."""

    def make(actor: Actor = SYSTEM) -> Context:
        return context(actor, clock.now)

    return make


@pytest.fixture
def run_outbox(app: Flask, clock: Clock) -> RunOutbox:
    """``run_outbox()``: do everything that is due, as the worker would, and give what became of each row.

    ``kill_after="claim"`` or ``"act"`` lets the worker die at that point of the first row.
    """
    return drain
