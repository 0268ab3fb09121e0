"""Every rule of the application, by every identity, answers as ``matrix.py`` says; a rule that is not in it fails."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask, g, request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.extensions import db
from app.models import User
from tests.architecture.matrix import IDENTITIES, STAFF, STRANGERS, Answer, Row
from tests.architecture.matrix import ROWS as PAGES_AND_API
from tests.architecture.matrix_console import CONSOLE_ROWS, GENERATED, GeneratedView
from tests.architecture.world_of_roles import World
from tests.conftest import rolled_back
from tests.world import Clock

ROWS = [*PAGES_AND_API, *CONSOLE_ROWS]
AUTOMATIC = {"HEAD", "OPTIONS"}


def rules_of(app: Flask) -> list[tuple[str, str]]:
    return sorted(
        (method, rule.rule) for rule in app.url_map.iter_rules() for method in (rule.methods or set()) - AUTOMATIC
    )


@pytest.mark.spec("SEC-1", "INV-8")
def test_every_rule_has_its_line_and_every_line_its_rule(shared_app: Flask) -> None:
    rules = rules_of(shared_app)
    listed = {(row.method, row.rule) for row in ROWS}
    generated = {(row.method, row.rule) for view in GENERATED for row in view.rules_below(rules)}
    missing = [f"{method} {rule}" for method, rule in rules if (method, rule) not in listed | generated]
    assert missing == [], "say in tests/architecture/matrix.py who gets what from these"
    assert sorted(listed - set(rules)) == [], "these lines of the matrix name no rule"
    assert [view.prefix for view in GENERATED if not view.rules_below(rules)] == []
    assert len(listed) == len(ROWS), "a rule is listed twice"


@dataclass(frozen=True)
class Everybody:
    """The people of all lines and their browsers, made once; what a line adds and does is undone after it.

    :param people: the ids, by identity
    :param cookies: what each browser holds after the sign-in
    """

    app: Flask
    people: Mapping[str, UUID]
    cookies: Mapping[str, Mapping[Any, Any]]

    def world(self) -> World:
        """A world in which nobody has done anything yet."""
        world = World(self.app)
        found = {user.id: user for user in db.session.scalars(db.select(User).where(User.id.in_(self.people.values())))}
        world.__dict__.update({identity: found[user_id] for identity, user_id in self.people.items()})
        return world

    def browser(self, identity: str) -> FlaskClient:
        client = self.app.test_client()
        client._cookies = dict(self.cookies[identity])
        return client


@pytest.fixture(scope="module")
def everybody(shared_app: Flask) -> Iterator[Everybody]:
    with rolled_back(shared_app), pytest.MonkeyPatch.context() as patch:
        patch.setitem(shared_app.extensions, "desk-clock", Clock())
        world = World(shared_app)
        cookies = {identity: dict(world.browser(identity)._cookies or {}) for identity in IDENTITIES}
        people = {identity: getattr(world, identity).id for identity in IDENTITIES if identity not in STRANGERS}
        in_vain: set[str | None] = set()
        patch.setitem(
            shared_app.teardown_request_funcs, None, [*shared_app.teardown_request_funcs[None], noting(in_vain)]
        )
        yield Everybody(shared_app, people, cookies)
    assert in_vain == set(), "these pages are the same for everybody: app.http.login need not ask who it is"


def noting(in_vain: set[str | None]) -> Callable[[object], None]:
    """Keeps the endpoints of answers that did not look at who asks, though that was asked for them."""

    def note(_: object) -> None:
        if "login_asked" in g:
            in_vain.add(request.endpoint)

    return note


@pytest.fixture
def app(everybody: Everybody) -> Iterator[Flask]:
    """The application with everybody in it, in a transaction that is rolled back."""
    with everybody.app.app_context(), undone():
        yield everybody.app


@pytest.mark.spec("SEC-1", "INV-8", "ADM-2")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_everybody_gets_what_the_matrix_says(everybody: Everybody, app: Flask, clock: Clock, row: Row) -> None:
    assert_row(everybody, row, clock)


@pytest.mark.spec("SEC-1", "ADM-2")
@pytest.mark.parametrize("view", GENERATED, ids=lambda view: view.prefix)
def test_everybody_gets_what_the_matrix_says_of_generated_views(
    everybody: Everybody, app: Flask, clock: Clock, view: GeneratedView
) -> None:
    # One of each role: nothing here belongs to anybody in particular.
    browsers = {identity: everybody.browser(identity) for identity in ("anonymous", "mentee", "mentor", *STAFF)}
    for row in view.rules_below(rules_of(app)):
        assert_answers(row, browsers, {}, {})


def assert_row(everybody: Everybody, row: Row, clock: Clock) -> None:
    world = everybody.world()
    if row.at:
        clock.set(world.value(row.at))
    ids = {name: world.value(path) for name, path in row.ids.items()}
    ids = {name: getattr(value, "id", value) for name, value in ids.items()}
    sent = what_is_sent(world, row)
    # Much later the first sign-in is an old one: they sign in anew.
    browser = world.browser if row.at else everybody.browser
    assert_answers(row, {identity: browser(identity) for identity in IDENTITIES}, ids, sent)


def assert_answers(
    row: Row, browsers: Mapping[str, FlaskClient], ids: Mapping[str, Any], sent: Mapping[str, Any]
) -> None:
    assert set(row.expected) == set(IDENTITIES)
    for identity, browser in browsers.items():
        wanted = row.expected[identity]
        answer = ask(browser, row, ids, sent)
        assert fits(answer, wanted, row), f"{row.name}: {identity} got {answer.status_code} {answer.text[:300]}"
        if wanted is Answer.HIDDEN and ids:
            nowhere = {name: uuid4() if isinstance(value, UUID) else f"no-{value}" for name, value in ids.items()}
            assert told(ask(browser, row, nowhere, sent)) == told(answer), f"{identity} can tell them apart"


def what_is_sent(world: World, row: Row) -> dict[str, Any]:
    sent: dict[str, Any] = {"query_string": filled(world, row.query)}
    if row.method != "GET" and (row.json is not None or row.rule.startswith("/api/")):
        sent["json"] = filled(world, row.json or {})
    elif row.data is not None:
        sent["data"] = filled(world, row.data)
    return sent


def ask(browser: FlaskClient, row: Row, ids: Mapping[str, Any], sent: Mapping[str, Any]) -> TestResponse:
    with undone():
        return browser.open(path_of(row.rule, ids), method=row.method, buffered=True, **sent)


def path_of(rule: str, ids: Mapping[str, Any]) -> str:
    def value(match: re.Match[str]) -> str:
        return str(ids[match["name"]]) if match["name"] in ids else "csv"

    return re.sub(r"<(?:[^:<>]+:)?(?P<name>\w+)>", value, rule)


def filled(world: World, body: Any) -> Any:
    if isinstance(body, Mapping):
        return {name: filled(world, value) for name, value in body.items()}
    if isinstance(body, list | tuple):
        return [filled(world, value) for value in body]
    if isinstance(body, str) and body.startswith("@"):
        return str(world.value(body[1:]))
    return body


@contextmanager
def undone() -> Iterator[None]:
    """What one identity brings about is gone before the next one asks."""
    db.session.rollback()
    savepoint = db.engines[None].begin_nested()  # type: ignore[attr-defined]  # the test's connection stands there
    try:
        yield
    finally:
        db.session.remove()
        savepoint.rollback()


def fits(answer: TestResponse, wanted: Answer, row: Row) -> bool:
    kind = kind_of(answer)
    if wanted is Answer.CLOSED:
        return kind is not Answer.SIGN_IN and answer.status_code in {302, 303, 403, 404, 405}
    return kind is wanted or (wanted is Answer.OK and answer.status_code in row.also_ok)


def kind_of(answer: TestResponse) -> Answer | int:
    if answer.status_code in {400, 401} and answer.is_json and answer.json["error"]["code"] == "bad_signature":
        return Answer.UNSIGNED
    is_to_sign_in = answer.status_code in {302, 303} and answer.location.startswith("/sign-in?next=")
    if answer.status_code == 401 or is_to_sign_in:
        return Answer.SIGN_IN
    if answer.status_code == 403:
        return Answer.FORBIDDEN
    if answer.status_code == 404:
        return Answer.HIDDEN
    return answer.status_code if answer.status_code in {400, 405} or answer.status_code >= 500 else Answer.OK


def told(answer: TestResponse) -> tuple[int, str]:
    """What a stranger can tell: everything but the reference of the request and the page's own token."""
    text = re.sub(r"req-[0-9a-f]{20}|csrf-token\" content=\"[^\"]*|csrf_token\"[^>]* value=\"[^\"]*", "", answer.text)
    return answer.status_code, text
