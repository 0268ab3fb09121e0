"""A cookie that was verified once is not verified anew, and means nothing else than it did (SEC-2)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask, session
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer

from tests.factories.people import a_mentee, sign_in

pytestmark = [pytest.mark.usefixtures("app", "clock"), pytest.mark.spec("SEC-2", "PERF-1")]


def _is_signed_in(client: FlaskClient) -> bool:
    return client.get("/my/sessions").status_code == 200


def test_it_is_verified_once_and_signing_out_ends_it_everywhere(
    client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, a_mentee())
    assert _is_signed_in(client), "the first page puts the token of its forms in, which makes another cookie"
    assert _is_signed_in(client)
    copy = app.test_client()
    for cookie in client._cookies.values():
        copy.set_cookie(cookie.key, cookie.value, domain=cookie.domain)
    with monkeypatch.context() as patch:
        patch.setattr(URLSafeTimedSerializer, "loads", lambda *_args, **_named: pytest.fail("verified anew"))
        assert _is_signed_in(client)
        assert _is_signed_in(copy)
    client.post("/sign-out")
    assert not _is_signed_in(copy)


def test_one_letter_changed_and_it_is_nobodys(client: FlaskClient, app: Flask) -> None:
    sign_in(client, a_mentee())
    assert _is_signed_in(client)
    (cookie,) = client._cookies.values()
    other = app.test_client()
    for at in (3, len(cookie.value) - 3):
        changed = cookie.value[:at] + ("a" if cookie.value[at] != "a" else "b") + cookie.value[at + 1 :]
        other.set_cookie(cookie.key, changed)
        assert not _is_signed_in(other)


def test_another_key_or_too_old_and_it_is_nobodys(client: FlaskClient, app: Flask) -> None:
    sign_in(client, a_mentee())
    assert _is_signed_in(client)
    life, key = app.config["PERMANENT_SESSION_LIFETIME"], app.secret_key
    try:
        app.config["PERMANENT_SESSION_LIFETIME"] = timedelta(seconds=-1)
        assert not _is_signed_in(client)
        app.config["PERMANENT_SESSION_LIFETIME"] = life
        app.secret_key = "another key"
        assert not _is_signed_in(client)
    finally:
        app.config["PERMANENT_SESSION_LIFETIME"], app.secret_key = life, key


def test_what_one_request_puts_in_is_not_in_the_next_ones(app: Flask) -> None:
    with app.test_request_context("/"):
        session["login"] = "x"
        answer = app.make_response("")
        app.session_interface.save_session(app, session, answer)  # type: ignore[arg-type]
    cookie = answer.headers["Set-Cookie"].split(";")[0]
    for _ in range(3):
        with app.test_request_context("/", headers={"Cookie": cookie}):
            assert dict(session) == {"login": "x"}
            session["more"] = [1]
    with app.test_request_context("/", headers={"Cookie": cookie}):
        session["_flashes"] = [("info", "kept")]
        answer = app.make_response("")
        app.session_interface.save_session(app, session, answer)  # type: ignore[arg-type]
    cookie = answer.headers["Set-Cookie"].split(";")[0]
    for _ in range(2):
        with app.test_request_context("/", headers={"Cookie": cookie}):
            assert session["_flashes"] == [("info", "kept")]
            session["_flashes"].append(("info", "another"))
