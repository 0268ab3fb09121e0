"""The API's description: as OpenAPI for programs, as a page for people. Both come from the declarations."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, render_template

from app.api.documentation import chapters
from app.api.openapi import document
from app.api.schema import api
from app.api.writing import to_json

_KEEP = "private, max-age=300"


@api.blueprint.get("/openapi.json")
def openapi_document() -> Response:
    response = Response(to_json(_document()), mimetype="application/json")
    response.headers["Cache-Control"] = _KEEP
    return response


@api.blueprint.get("/docs")
def docs() -> str:
    described = _document()
    return render_template(
        "api/docs.html", document=described, chapters=chapters(described), server=described["servers"][0]["url"]
    )


def _document() -> dict[str, Any]:
    config = current_app.config
    return document(api.endpoints.values(), title=config["BRAND_NAME"], server=config["PUBLIC_URL"])
