"""The API's description: as OpenAPI for programs, as a page for people. Both come from the declarations."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import Response, current_app, render_template

from app.api.documentation import chapters
from app.api.openapi import document
from app.api.schema import api
from app.api.writing import to_json

_KEEP = "private, max-age=300"


@api.blueprint.get("/openapi.json")
def openapi_document() -> Response:
    response = Response(_as_json(*_about()), mimetype="application/json")
    response.headers["Cache-Control"] = _KEEP
    return response


@api.blueprint.get("/docs")
def docs() -> str:
    described = _document(*_about())
    return render_template(
        "api/docs.html", document=described, chapters=chapters(described), server=described["servers"][0]["url"]
    )


def _about() -> tuple[str, str]:
    return current_app.config["BRAND_NAME"], current_app.config["PUBLIC_URL"]


# The declarations stand still once the application runs, and to describe them takes a third of a second.
@cache
def _document(title: str, server: str) -> dict[str, Any]:
    return document(api.endpoints.values(), title=title, server=server)


@cache
def _as_json(title: str, server: str) -> str:
    return to_json(_document(title, server))
