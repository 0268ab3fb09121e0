"""What a log line says, and what it never says (OPS-5, SEC-6)."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from app.config import Settings
from app.http import logs
from tests.conftest import own_logging


@pytest.mark.spec("OPS-5")
def test_a_request_is_one_line_with_its_reference_and_its_rule(client: FlaskClient) -> None:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        answer = client.get("/api/session-policies?token=abc", headers={"X-Request-ID": "watcher-12345"})
    (line,) = [line for line in lines if line["event"] == "request"]
    assert (line["method"], line["route"]) == ("GET", "/api/session-policies")
    assert line["request_id"] == "watcher-12345" == answer.headers["X-Request-ID"]
    assert line["status"] == answer.status_code
    assert "abc" not in str(lines)


def test_a_line_is_still_seen_after_an_application_that_is_no_tests(
    own_database: Callable[..., Flask], client: FlaskClient
) -> None:
    own_database(app_env="demo", secret_key="k" * 40, public_url="http://127.0.0.1:1")
    client.get("/api/session-policies")
    own_database()
    with capture_logs() as lines:
        client.get("/api/session-policies")
    assert [line["event"] for line in lines] == ["request"]


def test_whoever_watches_the_product_fills_no_log(client: FlaskClient) -> None:
    with capture_logs() as lines:
        client.get("/healthz")
    assert [line for line in lines if line["event"] == "request"] == []


@pytest.mark.spec("SEC-6")
def test_what_looks_like_a_secret_is_blotted_out_at_any_depth() -> None:
    event = {
        "event": "x",
        "password": "a",
        "reset_token": "b",
        "headers": {"Authorization": "c", "Cookie": "d", "Accept": "text/html"},
        "user": "ada",
    }
    told = logs.blot_secrets(None, "info", event)
    assert told == {
        "event": "x",
        "password": "[hidden]",
        "reset_token": "[hidden]",
        "headers": {"Authorization": "[hidden]", "Cookie": "[hidden]", "Accept": "text/html"},
        "user": "ada",
    }


@pytest.mark.spec("OPS-5", "SEC-6")
def test_in_production_each_line_is_json_and_a_failure_tells_no_local_values(
    app: Flask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(
        app_env="production",
        secret_key="k" * 40,
        public_url="https://desk.example",
        mail_server="mail",
        payment_gateway="stripe",
        stripe_secret_key="sk",
        stripe_webhook_secret="wh",
        database_url="postgresql://x/y",
        redis_url="redis://x",
        data_dir=tmp_path,
    )
    with own_logging(app.extensions["desk-settings"]):
        logs.configure(settings)
        _fail()
        logging.getLogger("some.library").warning("%s went wrong", "something")
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (first["event"], first["level"]) == ("it_failed", "error")
    assert "ZeroDivisionError" in str(first["exception"])
    assert "a-very-secret-value" not in str(first)
    assert (second["event"], second["logger"]) == ("something went wrong", "some.library")


def _fail() -> None:
    card = "a-very-secret-value"
    try:
        1 / len(card[:0])
    except ZeroDivisionError:
        structlog.get_logger("test").exception("it_failed")
