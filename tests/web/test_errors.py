"""What somebody reads when something goes wrong, on pages and in the API (UX-3, SEC-6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import DataError, OperationalError

from app.domain import errors as domain
from app.http.errors import STATUS, status_of
from tests.factories.people import a_mentee, sign_in

PAGE, API = "/check-mail", "/api/session-policies"
SECRET = "postgresql://desk:hunter2@db"


@pytest.fixture
def failing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """``failing(error)``: one page and one endpoint of the API raise it."""

    def arrange(error: BaseException) -> None:
        def view(*_: Any, **__: Any) -> None:
            raise error

        monkeypatch.setitem(app.view_functions, "auth.check_mail", view)
        monkeypatch.setitem(app.view_functions, "api.session_policies", view)
        monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)

    return arrange


def every_error() -> list[type[domain.DomainError]]:
    found, todo = [], [domain.DomainError]
    while todo:
        kind = todo.pop()
        found.append(kind)
        todo += kind.__subclasses__()
    return [kind for kind in found if kind.__module__ == "app.domain.errors"]


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_every_refusal_has_a_status(kind: type[domain.DomainError]) -> None:
    error = kind.__new__(kind)
    assert 400 <= status_of(error) <= 503
    mapped = [above for above in kind.__mro__ if above in STATUS]
    assert kind is domain.DomainError or mapped[0] is not domain.DomainError, "it needs a line of its own"


@pytest.mark.spec("UX-3")
@pytest.mark.parametrize(
    "error, status, code",
    [
        (domain.Malformed("That is no time."), 400, "malformed"),
        (domain.Forbidden("Only the mentor may do this."), 403, "forbidden"),
        (domain.NotFound(), 404, "not_found"),
        (domain.SlotTaken("This time has just been taken."), 409, "slot_taken"),
        (domain.InvalidTransition("It is cancelled already."), 409, "invalid_transition"),
        (domain.Invalid("Choose a topic.", fields={"title": "Choose a topic."}), 422, "validation_failed"),
        (domain.Refused("It is too late to cancel.", rule="late_cancellation"), 422, "policy_refused"),
        (domain.Throttled("Wait a little.", details={"retry_after": 30}), 429, "rate_limited"),
        (domain.ProviderFailed("The gateway does not answer."), 503, "provider_failed"),
    ],
)
def test_a_refusal_is_told_in_its_own_words_on_the_page_and_in_the_api(
    client: FlaskClient, failing: Callable[[BaseException], None], error: domain.DomainError, status: int, code: str
) -> None:
    failing(error)
    page, envelope = client.get(PAGE), client.get(API)
    assert (page.status_code, envelope.status_code) == (status, status)
    assert error.message.replace("'", "&#39;") in page.text
    assert page.headers["X-Request-ID"] in page.text
    told = envelope.json
    assert told["success"] is False
    assert (told["error"]["code"], told["error"]["message"]) == (code, error.message)
    assert told["error"].get("fields", {}) == error.fields
    if "retry_after" in error.details:
        assert page.headers["Retry-After"] == "30"


@pytest.mark.spec("SEC-6", "UX-3")
@pytest.mark.parametrize(
    "error, status",
    [
        (RuntimeError(SECRET), 500),
        (KeyError(SECRET), 500),
        (OperationalError(f"SELECT {SECRET}", {}, Exception(SECRET)), 503),
        (DataError("INSERT", {}, Exception("PostgreSQL text fields cannot contain NUL (0x00) bytes")), 400),
        (DataError("INSERT", {}, Exception(SECRET)), 500),
    ],
)
def test_what_nobody_expected_is_told_by_its_reference_and_nothing_else(
    client: FlaskClient, failing: Callable[[BaseException], None], error: BaseException, status: int
) -> None:
    failing(error)
    page = client.get(PAGE, headers={"X-Request-ID": "reference-0001"})
    envelope = client.get(API, headers={"X-Request-ID": "reference-0002"})
    assert (page.status_code, envelope.status_code) == (status, status)
    assert "reference-0001" in page.text
    if status >= 500:
        assert envelope.json["error"]["details"]["reference"] == "reference-0002"
    for answer in (page, envelope):
        assert "hunter2" not in answer.text
        assert "Traceback" not in answer.text
        assert type(error).__name__ not in answer.text


@pytest.mark.spec("UX-3")
def test_a_page_that_is_not_there_says_so_even_while_the_database_is_away(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, a_mentee())

    def away(*_: Any, **__: Any) -> None:
        raise OperationalError("SELECT 1", {}, Exception("server closed the connection"))

    monkeypatch.setattr("app.people.logins.ask_for_login", away)
    for path, status in (("/nowhere", 503), ("/account/profile", 503), ("/api/nowhere", 404)):
        answer = client.get(path)
        assert answer.status_code == status
        assert "SELECT" not in answer.text


def test_an_unexpected_failure_is_not_hidden_from_tests(app: Flask, client: FlaskClient, failing: Any) -> None:
    failing(RuntimeError("found by a test"))
    app.config["PROPAGATE_EXCEPTIONS"] = None
    with pytest.raises(RuntimeError, match="found by a test"):
        client.get(PAGE)


@pytest.mark.parametrize("path", ["/nowhere", "/admin/nowhere", "/account/sign-ins/not-an-id/end"])
def test_an_address_that_leads_nowhere_says_so(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code in {404, 405}
    assert "Start page" in answer.text


@pytest.mark.spec("API-1")
def test_the_api_answers_in_its_envelope_where_no_endpoint_is(client: FlaskClient) -> None:
    answer = client.get("/api/nowhere")
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "not_found")
    answer = client.delete("/api/session-policies")
    assert (answer.status_code, answer.json["error"]["code"]) == (405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]


@pytest.mark.spec("API-1")
def test_what_is_too_large_is_refused_before_it_is_read(client: FlaskClient) -> None:
    sign_in(client, a_mentee())
    answer = client.post("/account/profile", data={"name": "x" * 2_000_000})
    assert answer.status_code == 413
    answer = client.post("/api/notifications/read", data=b"[" * 2_000_000, content_type="application/json")
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "too_large")


@pytest.mark.parametrize("given", ["short", "x" * 65, "a b c d e f g h", "<script>alert(1)</script>", "id\x1b[31mred"])
def test_a_reference_that_no_log_could_hold_is_replaced(client: FlaskClient, given: str) -> None:
    assert client.get(PAGE, headers={"X-Request-ID": given}).headers["X-Request-ID"].startswith("req-")


def test_a_reference_of_the_caller_is_kept(client: FlaskClient) -> None:
    given = "from-the-proxy.42"
    assert client.get(PAGE, headers={"X-Request-ID": given}).headers["X-Request-ID"] == given
