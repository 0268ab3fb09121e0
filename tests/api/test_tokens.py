"""Bearer tokens over the API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from flask.testing import FlaskClient

from app.extensions import db
from app.models import IdempotencyKey
from app.people.tokens import Scope
from tests.api.contract import Caller, data_of, error_of
from tests.factories.people import a_mentee, a_mentor, sign_in
from tests.world import START


def test_a_token_made_over_the_api_works_and_is_listed_without_its_secret(
    calling: Callable[..., Caller], client: FlaskClient
) -> None:
    made = data_of(calling(a_mentee()).post("/api/auth/tokens", {"name": "Script", "scopes": ["read"]}), 201)
    theirs = Caller(client, made["token"])

    listed = data_of(theirs.get("/api/auth/tokens"))["tokens"]

    assert made["id"] in [token["id"] for token in listed]
    assert all("token" not in token for token in listed)


@pytest.mark.spec("API-2", "SEC-6")
def test_one_key_makes_one_token_whose_secret_is_told_once(calling: Callable[..., Caller]) -> None:
    owner, wish = calling(a_mentee()), {"name": "Script", "scopes": ["read"]}
    made = data_of(owner.post("/api/auth/tokens", wish, key="k-1"), 201)
    error_of(owner.post("/api/auth/tokens", wish, key="k-1"), 409, "made_already")
    error_of(owner.post("/api/auth/tokens", {**wish, "name": "Other"}, key="k-1"), 409, "idempotency_mismatch")
    kept = db.session.scalars(db.select(IdempotencyKey.result)).all()
    assert made["token"] not in str(kept)
    assert [each["name"] for each in data_of(owner.get("/api/auth/tokens"))["tokens"]].count("Script") == 1


def test_a_token_that_may_only_read_changes_nothing(client: FlaskClient) -> None:
    reader = Caller.of(client, a_mentee(), [Scope.READ])

    assert reader.get("/api/notifications").status_code == 200
    error_of(reader.post("/api/notifications/read", {}), 403, "scope_missing")


def test_a_token_cannot_make_one_that_may_more(client: FlaskClient) -> None:
    writer = Caller.of(client, a_mentee(), [Scope.WRITE])

    error_of(writer.post("/api/auth/tokens", {"name": "Everything"}), 403, "scope_missing")
    error_of(writer.post("/api/auth/tokens", {"name": "Both", "scopes": ["read", "write"]}), 403, "scope_missing")
    data_of(writer.post("/api/auth/tokens", {"name": "Same", "scopes": ["write"]}), 201)


def test_a_revoked_token_stops_at_once(calling: Callable[..., Caller], client: FlaskClient) -> None:
    owner = calling(a_mentee())
    made = data_of(owner.post("/api/auth/tokens", {"name": "Script"}), 201)

    data_of(owner.delete("/api/auth/tokens", id=made["id"]))

    error_of(Caller(client, made["token"]).get("/api/notifications"), 401, "bad_token")


@pytest.mark.spec("SEC-1")
def test_another_persons_token_is_as_unknown_as_none(calling: Callable[..., Caller]) -> None:
    theirs = data_of(calling(a_mentor()).post("/api/auth/tokens", {"name": "Theirs"}), 201)["id"]
    me = calling(a_mentee())

    foreign, nothing = me.delete("/api/auth/tokens", id=theirs), me.delete("/api/auth/tokens", id=str(uuid4()))

    error_of(foreign, 404, "not_found")
    assert foreign.get_data() == nothing.get_data()


@pytest.mark.parametrize(
    "body, field",
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "x", "scopes": ["everything"]}, "scopes.0"),
        ({"name": "x", "expiresAt": "2028-03-01T10:00:00"}, "expiresAt"),
        ({"name": "x", "expiresAt": (START - timedelta(days=1)).isoformat()}, "expiresAt"),
        ({"name": "x", "expires_at": None}, "expires_at"),
        ({"name": "x", "admin": True}, "admin"),
        ([], "body"),
    ],
)
@pytest.mark.spec("API-1")
def test_a_token_that_cannot_be_made_names_the_field(calling: Callable[..., Caller], body: object, field: str) -> None:
    error = error_of(calling(a_mentee()).post("/api/auth/tokens", body), 422, "validation_failed")

    assert field in error["fields"]


@pytest.mark.spec("SEC-2")
def test_a_browser_needs_the_token_of_its_pages_besides_its_cookie(client: FlaskClient) -> None:
    sign_in(client, a_mentee())

    error_of(client.post("/api/auth/tokens", json={"name": "Another site"}, csrf=False), 400, "csrf_failed")
    data_of(client.post("/api/auth/tokens", json={"name": "A page of ours"}), 201)


def test_a_program_without_a_token_is_told_to_sign_in(client: FlaskClient) -> None:
    error_of(client.post("/api/auth/tokens", json={"name": "Nobody's"}, csrf=False), 401, "sign_in_required")
