"""What tests of the console share: staff who are signed in, and a count of the statements of one request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.engine import Engine

from tests.factories import people
from tests.world import Clock

# What the test's own transaction adds to a request; production has none of it.
_NOT_THE_PAGES = ("SAVEPOINT", "RELEASE", "ROLLBACK", "SET CONSTRAINTS")


class Statements:
    """The statements since the last ``clear``."""

    def __init__(self) -> None:
        self.all: list[str] = []

    def clear(self) -> None:
        self.all.clear()

    def __len__(self) -> int:
        return len(self.all)


@pytest.fixture
def statements(app: Flask) -> Iterator[Statements]:
    """Counts what the pages ask the database."""
    seen = Statements()

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(_NOT_THE_PAGES):
            seen.all.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


@pytest.fixture
def as_role(app: Flask, clock: Clock) -> Callable[[str], FlaskClient]:
    """``as_role("support")``: a browser in which somebody of that role is signed in; ``"anonymous"`` is nobody."""
    makers = {
        "mentee": people.a_mentee,
        "mentor": people.a_mentor,
        "support": people.a_support_agent,
        "admin": people.an_admin,
        "ops": people.an_ops,
    }

    def open_browser(role: str) -> FlaskClient:
        browser = app.test_client()
        return browser if role == "anonymous" else people.sign_in(browser, makers[role]())

    return open_browser


@pytest.fixture
def support(as_role: Callable[[str], FlaskClient]) -> FlaskClient:
    return as_role("support")


@pytest.fixture
def admin(as_role: Callable[[str], FlaskClient]) -> FlaskClient:
    return as_role("admin")
