"""A remembered address is the one that Flask would build (PERF-1)."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask, url_for
from werkzeug.routing import BuildError

pytestmark = [pytest.mark.spec("PERF-1")]

_ONE, _OTHER, _THIRD = uuid4(), uuid4(), uuid4()
_ASKED: list[tuple[str, dict[str, Any]]] = [
    ("console_sessions.index", {}),
    ("console_sessions.index", {"status": "a b&c", "page": 2}),
    ("console_sessions.index", {"page": None, "q": "ü"}),
    ("console_sessions.index", {"status": ["one", "two"], "deep": True}),
    ("console_sessions.index", {"a": 1, "b": True}),
    ("console_sessions.index", {"a": True, "b": 1}),
    ("console_sessions.index", {"a": _ONE, "b": _OTHER, "c": _THIRD}),
    ("console_sessions.index", {"a": _OTHER, "b": _OTHER}),
    ("console_sessions.index", {"_anchor": "story", "_external": False}),
    ("console_sessions.index", {"_external": True}),
    ("console_sessions.index", {"_scheme": "https"}),
    ("console_sessions.case", {"session_id": _ONE}),
    ("console_sessions.case", {"session_id": _OTHER, "show": "money", "list": str(_ONE)}),
    ("console_sessions.case", {"session_id": str(_THIRD)}),
    ("static", {"filename": "css/tokens.css", "v": "abc"}),
]  # fmt: skip


@pytest.mark.parametrize("root", ["", "/desk"])
def test_each_address_is_the_one_that_flask_builds(app: Flask, root: str) -> None:
    with app.test_request_context("/admin/", environ_overrides={"SCRIPT_NAME": root}):
        for endpoint, values in _ASKED * 2:
            assert url_for(endpoint, **values) == Flask.url_for(app, endpoint, **values), (endpoint, values)
            assert app.url_for(endpoint, **values) == Flask.url_for(app, endpoint, **values), (endpoint, values)


def test_another_id_is_another_address_though_it_is_built_once(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.test_request_context("/admin/"):
        url_for("console_sessions.case", session_id=_ONE)
        monkeypatch.setattr(Flask, "url_for", lambda *_args, **_values: pytest.fail("built anew"))
        for session_id in (uuid4(), UUID(int=0)):
            assert url_for("console_sessions.case", session_id=session_id) == f"/admin/sessions/{session_id}"


def test_what_cannot_be_built_is_said_so_each_time(app: Flask) -> None:
    with app.test_request_context("/admin/"):
        for _ in range(2):
            with pytest.raises(BuildError):
                url_for("console_sessions.case")
            with pytest.raises(BuildError):
                url_for("nowhere")
