"""The headers that keep a page to itself."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers

from app.http.csp import content_security_policy, security_headers


@pytest.mark.spec("SEC-2")
def test_every_answer_carries_the_strict_policy(client: FlaskClient) -> None:
    for path in ("/", "/static/css/tokens.css", "/no-such-page"):
        headers = _headers(client, path)
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"


@pytest.mark.spec("SEC-2", "JN-6")
def test_only_the_page_that_tries_them_may_ask_for_camera_and_microphone(client: FlaskClient) -> None:
    assert "camera=(), microphone=()" in _headers(client, "/")["Permissions-Policy"]
    (own,) = _headers(client, "/join-test").getlist("Permissions-Policy")
    assert "camera=(self), microphone=(self)" in own
    assert "unsafe" not in _headers(client, "/join-test")["Content-Security-Policy"]


def test_https_is_remembered_only_where_there_is_https() -> None:
    assert "Strict-Transport-Security" not in security_headers("http://127.0.0.1:8000")
    assert "max-age=31536000" in security_headers("https://desk.example")["Strict-Transport-Security"]


def test_a_gateway_elsewhere_may_be_where_a_form_ends() -> None:
    assert "form-action 'self' https://pay.example" in content_security_policy(("https://pay.example",))


def test_a_file_with_a_mark_is_kept_for_a_year_and_one_without_is_asked_for_again(client: FlaskClient) -> None:
    assert "immutable" in _headers(client, "/static/css/tokens.css?v=abc")["Cache-Control"]
    assert "immutable" not in _headers(client, "/static/css/tokens.css").get("Cache-Control", "")


def _headers(client: FlaskClient, path: str) -> Headers:
    # A file is sent as an open stream; closing the answer closes it.
    with client.get(path) as answer:
        return answer.headers
