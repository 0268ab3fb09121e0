"""What surrounds a running product: its address, its errors, its rooms, its queue (B-16…B-19)."""

from __future__ import annotations

import ast
import math
import pickle
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from rq import SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer

from app.config import ConfigurationError
from app.extensions import Doorbell, doorbell
from app.integrations.meetings.base import MeetingRequest
from app.integrations.meetings.jitsi import JitsiProvider
from tests.architecture.world_of_roles import World
from tests.factories.people import a_mentee, sign_in
from tests.web.test_auth import link_in_mail
from tests.world import Clock

APP = Path(__file__).parents[2] / "app"


@pytest.mark.spec("SEC-2", "ID-2")
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"X-Forwarded-Host": "evil.example"},
        {"Forwarded": "host=evil.example"},
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "//evil.example"},
        {"Host": "localhost:80@evil.example"},
        {"X-Original-Host": "evil.example", "X-Host": "evil.example"},
    ],
    ids="+".join,
)
def test_b16_no_header_says_where_a_mailed_link_leads(client: FlaskClient, headers: dict[str, str]) -> None:
    user = a_mentee()
    answer = client.post("/forgot-password", data={"email": user.email}, headers=headers)
    if answer.status_code == 400:
        return  # the host is none at all
    assert link_in_mail("password_reset").startswith(("/reset-password/", "http://localhost/reset-password/"))
    assert "evil" not in (answer.location or "")
    assert "evil" not in answer.text


@pytest.mark.spec("SEC-3", "API-3")
def test_b16_an_address_is_forged_by_no_header_unless_a_proxy_is_trusted(
    client: FlaskClient, limits: None, clock: Clock
) -> None:
    """A guesser who names another address each time is still one guesser."""
    form = {"email": "x@people.example", "password": "wrong words altogether"}
    answers = [
        client.post("/sign-in", data={**form, "email": f"n{number}@people.example"},
                    headers={"X-Forwarded-For": f"10.0.0.{number}", "X-Real-IP": f"10.0.0.{number}"}).status_code
        for number in range(60)
    ]  # fmt: skip
    assert answers[-1] == 429


def test_b16_as_many_proxies_are_believed_as_are_trusted(own_database: Callable[..., Flask], clock: Clock) -> None:
    trusting = own_database(trusted_proxies=1)
    seen = []

    @trusting.before_request
    def note() -> None:
        from flask import request

        seen.append(request.remote_addr)

    # The last entry is the proxy's own word; what stands before it came from the caller.
    trusting.test_client().get("/healthz", headers={"X-Forwarded-For": "6.6.6.6, 198.51.100.7"})
    assert seen == ["198.51.100.7"]


_NOT_THERE = [
    "/console", "/?__debugger__=yes&cmd=resource&f=debugger.js", "/.git/config", "/.git/HEAD", "/.env", "/var/",
    "/static/../.env", "/static/%2e%2e/.env", "/static/..%2f..%2fapp/config.py", "/app/config.py", "/wsgi.py", "/debug",
    "/static/.git/config", "/server-status", "/phpinfo.php", "/admin/fileadmin/", "/admin/rediscli/", "/admin/console/",
]  # fmt: skip


@pytest.mark.spec("SEC-6", "RUN-4")
@pytest.mark.parametrize("address", _NOT_THERE)
def test_b17_no_tool_of_developers_is_reachable(world: World, address: str) -> None:
    for browser in (world.app.test_client(), world.browser("admin")):
        answer = browser.get(address, buffered=True)
        assert answer.status_code in {200, 302, 400, 404}
        assert "SECRET_KEY" not in answer.text
        assert "debugger.js" not in answer.text
        if not address.startswith("/?"):
            assert answer.status_code != 200, address


@pytest.mark.spec("SEC-6", "UX-3")
@pytest.mark.parametrize("debug_name", ["FLASK_DEBUG", "WERKZEUG_DEBUG_PIN", "FLASK_ENV"])
def test_b17_an_error_shows_no_trace_whatever_the_environment_says(
    app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch, debug_name: str
) -> None:
    monkeypatch.setenv(debug_name, "1")
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)

    def broken() -> None:
        raise RuntimeError("hunter2 in a sentence")

    monkeypatch.setitem(app.view_functions, "auth.check_mail", broken)
    answer = app.test_client().get("/check-mail")
    assert answer.status_code == 500
    assert not re.search(r"Traceback|hunter2|RuntimeError|File \"", answer.text)


@pytest.mark.spec("RUN-4")
def test_b17_a_key_that_everybody_knows_starts_no_production() -> None:
    from app.config import Settings

    with pytest.raises((ConfigurationError, ValueError)):
        Settings(app_env="production", secret_key="a key for tests only")  # type: ignore[arg-type]


@pytest.mark.spec("RUN-4", "ID-5")
def test_b17_a_second_factor_that_is_not_there_is_not_promised() -> None:
    from app.config import Settings

    servers = {"database_url": "postgresql://localhost/desk", "redis_url": "redis://localhost"}
    assert not Settings(app_env="demo", **servers).require_staff_2fa  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no second factor"):
        Settings(app_env="demo", require_staff_2fa=True, **servers)  # type: ignore[arg-type]


@pytest.mark.spec("MT-1", "INV-9")
def test_b18_rooms_are_not_guessed(clock: Clock, world: World) -> None:
    """128 bits at least, and nothing of the session, its time or its people in the name."""
    session = world.session
    asked = MeetingRequest(
        session_id=session.id, key="k", topic=session.title, starts_at=clock.now, duration=60, audio_only=False
    )
    rooms = [JitsiProvider("https://meet.example").create(asked) for _ in range(200)]
    names = {room.ref for room in rooms}
    assert len(names) == 200, "asking twice for the same session does not give the same room"
    secret = [name.removeprefix("session-") for name in names]
    assert all(re.fullmatch(r"[0-9a-f]+", each) and len(each) * math.log2(16) >= 128 for each in secret)
    for word in (session.id.hex, session.title.split()[-1].lower(), session.mentor.name.lower()):
        assert not any(word in name.lower() for name in names)


@pytest.mark.spec("JN-2", "INV-9")
def test_b18_a_link_is_in_no_answer_before_its_window(world: World) -> None:
    from app.booking.meetings import set_meeting_link
    from tests.factories.people import ctx_of

    session, secret = world.session, "https://meet.example/very-secret-room"
    set_meeting_link(session.id, secret, ctx=ctx_of(world.mentor))
    for name in ("mentee", "mentor"):
        browser = world.browser(name)
        for address in (
            f"/sessions/{session.id}", f"/api/bookings/{session.id}", "/api/bookings", "/api/notifications",
            f"/sessions/{session.id}/calendar.ics", f"/api/bookings/{session.id}/video-link", "/notifications",
        ):  # fmt: skip
            assert "very-secret-room" not in browser.get(address).text, f"{name} reads it on {address}"
    assert "very-secret-room" not in world.browser("ops").get(f"/admin/sessions/{session.id}").text


# B-19


@pytest.fixture
def heard(app: Flask, servers: tuple[str, str]) -> Iterator[Doorbell]:
    doorbell.connect(servers[1])
    doorbell.redis.flushall()
    yield doorbell
    Redis.from_url(servers[1]).flushall()
    doorbell.connect(servers[1], is_silent=True)


class _Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


@pytest.mark.spec("OPS-1", "SEC-1")
def test_b19_a_pickle_in_the_queue_runs_nothing(heard: Doorbell, tmp_path: Path) -> None:
    """Whoever reaches Redis may stop work, and run none of theirs."""
    mark = tmp_path / "ran"
    pickle.loads(pickle.dumps(_Bomb(mark)))
    assert mark.exists(), "the bomb works"
    mark.unlink()
    queue = heard.queue()
    job = Job.create("app.tasks.jobs.tick", connection=heard.redis, serializer=JSONSerializer)
    job.save()
    heard.redis.hset(job.key, "data", pickle.dumps(_Bomb(mark)))
    queue.push_job_id(job.id)
    worker = SimpleWorker([queue], connection=heard.redis, serializer=JSONSerializer)
    worker.work(burst=True, logging_level="CRITICAL")
    assert not mark.exists()


_RUNS_TEXT = {"pickle", "marshal", "shelve", "dill", "yaml", "jsonpickle"}


@pytest.mark.spec("SEC-1")
def test_b19_nothing_of_ours_reads_what_could_run() -> None:
    found = []
    for path in APP.rglob("*.py"):
        source = path.read_text()
        if not any(word in source for word in (*_RUNS_TEXT, "eval(", "exec(", "os.system", "shell=True")):
            continue
        for node in ast.walk(ast.parse(source)):
            imported = [each.name for each in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
            if _RUNS_TEXT & set(imported) or called in {"eval", "exec", "__import__"}:
                found.append(f"{path.relative_to(APP)}:{getattr(node, 'lineno', 0)}")
    assert found == []


def test_b19_a_login_is_no_object_that_a_cookie_brings(client: FlaskClient) -> None:
    """Flask's cookie is signed JSON; what claims to be more is text."""
    sign_in(client, a_mentee())
    with client.session_transaction() as cookie:
        cookie["login"] = {" t": ["x"], "__class__": "User"}
    assert client.get("/account/profile").status_code == 302
