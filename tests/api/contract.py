"""A caller of the API that holds every answer against the published document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import uuid4

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.api.endpoints import api
from app.api.openapi import Refusal
from app.api.schema import Endpoint
from app.models import User
from app.people.tokens import Scope, issue_token
from tests.factories.people import ctx_of


def token_of(user: User, scopes: Iterable[Scope] = ()) -> str:
    """The secret of a new bearer token."""
    _, secret = issue_token(user.id, name="tests", scopes=list(scopes), ctx=ctx_of(user))
    return secret


def endpoint_of(app: Flask, method: str, path: str) -> Endpoint:
    """The declaration that serves a path; paths are of the API's own blueprint."""
    name, _ = app.url_map.bind("localhost").match(path.split("?", maxsplit=1)[0], method=method)
    return api.endpoints[name]


class Caller:
    """Somebody with a token, or nobody; asserts that each answer is one that the document promises."""

    def __init__(self, client: FlaskClient, token: str | None = None) -> None:
        self.client = client
        self.token = token

    @classmethod
    def of(cls, client: FlaskClient, user: User, scopes: Iterable[Scope] = ()) -> Caller:
        return cls(client, token_of(user, scopes))

    def call(
        self,
        method: str,
        path: str,
        json: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> TestResponse:
        sent = dict(headers or {})
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        response = self.client.open(path, method=method, json=json, query_string=query, headers=sent)
        check(self.client.application, method, path, response)
        return response

    def get(self, path: str, **query: Any) -> TestResponse:
        return self.call("GET", path, query=query)

    def post(self, path: str, json: Any = None, *, key: str | None = None) -> TestResponse:
        return self.call("POST", path, json, headers={"Idempotency-Key": key} if key else None)

    def put(self, path: str, json: Any) -> TestResponse:
        return self.call("PUT", path, json)

    def delete(self, path: str, **query: Any) -> TestResponse:
        return self.call("DELETE", path, query=query)


def check(app: Flask, method: str, path: str, response: TestResponse) -> None:
    """The status, the envelope and every field of an answer are as declared."""
    endpoint = endpoint_of(app, method, path)
    status = response.status_code
    if status == endpoint.status:
        if endpoint.answer is None:
            assert response.mimetype == endpoint.media_type
            return
        told = response.get_json()
        if not endpoint.is_bare:
            assert set(told) == {"success", "data"}
            assert told["success"] is True
            told = told["data"]
        endpoint.answer.model_validate(told)  # nothing missing, nothing more
        return
    assert status in endpoint.all_refusals(), f"{method} {path} answered {status}, which nobody was told of"
    told = Refusal.model_validate(response.get_json())
    assert told.success is False


def data_of(response: TestResponse, status: int = 200) -> Any:
    """The data of a success."""
    assert response.status_code == status, response.get_json()
    return response.get_json()["data"]


def error_of(response: TestResponse, status: int, code: str | None = None) -> dict[str, Any]:
    """The error of a refusal."""
    assert response.status_code == status, response.get_json()
    error: dict[str, Any] = response.get_json()["error"]
    assert code is None or error["code"] == code, error
    return error


def assert_unknown_alike(caller: Caller, method: str, path: str, foreign_id: object, json: Any = None) -> None:
    """What belongs to others is answered exactly as what does not exist (INV-8).

    :param path: with ``{}`` where the id goes
    """
    foreign = caller.call(method, path.format(foreign_id), json)
    nothing = caller.call(method, path.format(uuid4()), json)
    error_of(foreign, 404, "not_found")
    assert foreign.get_data() == nothing.get_data()
