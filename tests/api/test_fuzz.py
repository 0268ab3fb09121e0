"""Whatever is sent to whichever endpoint, by whomever: an answer that the document promises, never a crash (API-1)."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.api.endpoints import api
from app.api.openapi import document
from app.api.schema import Endpoint
from app.models import User
from tests.api.contract import Caller, check, token_of
from tests.architecture.test_role_matrix import undone
from tests.conftest import rolled_back
from tests.factories.people import a_mentee, a_mentor, a_support_agent, offering_of
from tests.factories.sessions import a_paid_session, a_pending_request, fresh
from tests.world import Clock

DOCUMENT = document(api.endpoints.values(), title="Tests", server="http://localhost")
ENDPOINTS = sorted(api.endpoints)

_AWKWARD = [
    "", " ", "\0", "'", '"', "%", "\\", "null", "true", "1", "-1", "1e9", "NaN", "x" * 5_000, "\ufeff", "Ⅷ", "🎉",
    "2028-03-01", "2028-02-30", "0001-01-01", "2028-03-01T10:00:00Z", "2028-03-01T10:00:00",
    "9999-12-31T23:59:59-12:00",
]  # fmt: skip
_texts = st.text(max_size=30) | st.sampled_from(_AWKWARD)
_names = st.text(string.ascii_letters, max_size=8)
_anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3),
    max_leaves=6,
)


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    return DOCUMENT["components"]["schemas"][reference.rsplit("/", maxsplit=1)[-1]] if reference else schema


def fitting(schema: dict[str, Any], known: list[str]) -> st.SearchStrategy[Any]:
    """Values that are of the declared kind, and often of existing things."""
    schema = resolved(schema)
    if "anyOf" in schema:
        return st.one_of([fitting(each, known) for each in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"), schema.get("format"):
        case "string", "uuid":
            return st.sampled_from(known) | st.uuids().map(str)
        case "string", "date":
            return st.dates().map(str)
        case "string", "date-time":
            return st.datetimes().map(lambda moment: moment.isoformat() + "Z")
        case "string", _:
            return _texts
        case "integer", _:
            return st.integers(schema.get("minimum", -5), schema.get("maximum", 1_000))
        case "number", _:
            return st.floats(0, 1_000, allow_nan=False)
        case "boolean", _:
            return st.booleans()
        case "array", _:
            return st.lists(fitting(schema["items"], known), max_size=3)
        case "object", _:
            fields = {name: fitting(each, known) for name, each in schema.get("properties", {}).items()}
            return st.fixed_dictionaries({}, optional=fields)
        case _:
            return st.none()


def operation_of(endpoint: Endpoint) -> dict[str, Any]:
    return next(
        operation
        for methods in DOCUMENT["paths"].values()
        for operation in methods.values()
        if operation["operationId"] == endpoint.name
    )


@pytest.fixture(scope="module")
def standing(shared_app: Flask) -> Iterator[tuple[list[str | None], list[str]]]:
    """The secret of one caller of each kind, and the ids of what exists: made once, for all endpoints."""
    with rolled_back(shared_app), pytest.MonkeyPatch.context() as patch:
        patch.setitem(shared_app.extensions, "desk-clock", Clock())
        session, request = fresh(a_paid_session()), a_pending_request()
        mentor = session.mentor
        users: list[User] = [session.mentee, mentor, a_mentee(), a_mentor(), a_support_agent()]
        ids = [session.id, request.id, mentor.id, offering_of(mentor).id, session.mentee_id]
        yield [None, *map(token_of, users)], [str(each) for each in ids]


@pytest.fixture
def app(standing: tuple[list[str | None], list[str]], shared_app: Flask) -> Iterator[Flask]:
    """The application with what stands, in a transaction that is rolled back."""
    with shared_app.app_context(), undone():
        yield shared_app


@pytest.fixture
def people(client: FlaskClient, standing: tuple[list[str | None], list[str]]) -> tuple[list[Caller], list[str]]:
    """One caller of each kind, and the ids of what exists."""
    secrets, ids = standing
    return [Caller(client, secret) for secret in secrets], ids


@pytest.mark.spec("API-1")
@pytest.mark.parametrize("name", ENDPOINTS)
def test_nothing_that_is_sent_makes_it_fail(name: str, people: tuple[list[Caller], list[str]]) -> None:
    endpoint = api.endpoints[name]
    operation, (callers, known) = operation_of(endpoint), people
    parameters = {each["name"]: each["schema"] for each in operation.get("parameters", []) if each["in"] == "query"}
    wanted = {each: fitting(schema, known).map(as_text) for each, schema in parameters.items()}
    names = st.sampled_from([*parameters, "page", "x"]) | st.text(max_size=5)
    queries = st.fixed_dictionaries({}, optional=wanted) | st.dictionaries(names, _texts, max_size=3)
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    bodies = fitting(body, known) | _anything if body else st.none() | _anything

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
    @given(st.data())
    def send(data: st.DataObject) -> None:
        caller = data.draw(st.sampled_from(callers))
        target = data.draw(st.sampled_from([*known, str(uuid4())]))
        path = "/api" + "/".join(target if part.startswith("<") else part for part in endpoint.rule.split("/"))
        sent = data.draw(bodies) if endpoint.takes_body else None
        caller.call(endpoint.method, path, sent, query=data.draw(queries))

    send()


def as_text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.spec("API-1")
@pytest.mark.parametrize(
    "raw, kind, status",
    [
        (b"", "application/json", 422),
        (b"{", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'{"name": "\\ud800"}', "application/json", 400),
        (b"[" * 50_000, "application/json", 400),
        (b'{"name": ' + b"9" * 10_000 + b"}", "application/json", 400),
        (b'{"name": NaN}', "application/json", 422),
        (b'{"name": "x"}', "text/plain", 400),
        (b"name=x", "application/x-www-form-urlencoded", 400),
        (b'{"name": "' + b"x" * 70_000 + b'"}', "application/json", 400),
        (b"null", "application/json", 422),
    ],
)
def test_a_body_that_cannot_be_read_is_said_to_be_so(
    client: FlaskClient, calling: Callable[[User], Caller], raw: bytes, kind: str, status: int
) -> None:
    token = calling(a_mentee()).token
    response = client.post(
        "/api/auth/tokens", data=raw, content_type=kind, headers={"Authorization": f"Bearer {token}"}
    )

    check(client.application, "POST", "/api/auth/tokens", response)
    assert response.status_code == status
    assert response.get_json()["error"]["fields"]
