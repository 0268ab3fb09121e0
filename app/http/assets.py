"""Addresses of our own static files, each with a mark of its content, so that a browser may keep it for ever."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from flask import has_request_context, request, url_for

from app.http.context import request_itself

if TYPE_CHECKING:
    from flask import Flask, Response

_FOR_EVER = "public, max-age=31536000, immutable"


@cache
def _mark(path: Path, _changed_ns: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def init_app(app: Flask) -> None:
    """Give templates ``asset(filename)``, and let a marked file be cached for a year."""
    folder = Path(app.static_folder or "static")

    known: dict[tuple[str, str], str] = {}

    def asset(filename: str) -> str:
        # Only where a changed file means a new start are the files' marks read once.
        if app.jinja_env.auto_reload:
            return marked(filename)
        key = (request_itself().root_path if has_request_context() else "", filename)
        if key not in known:
            known[key] = marked(filename)
        return known[key]

    def marked(filename: str) -> str:
        path = folder / filename
        mark = _mark(path, path.stat().st_mtime_ns) if path.is_file() else None
        return url_for("static", filename=filename, v=mark)

    app.add_template_global(asset, "asset")

    @app.after_request
    def keep_marked_files(response: Response) -> Response:
        if request.endpoint == "static" and "v" in request.args and response.status_code == 200:
            response.headers["Cache-Control"] = _FOR_EVER
        return response
