"""The OpenAPI 3.1 document, made from the declarations that validate."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from app.api.fields import Told
from app.api.schema import IDEMPOTENCY_HEADER, PREFIX, Endpoint

_PATH_PART = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")
_REF = "#/components/schemas/{model}"
_JSON: Final = "application/json"
VERSION: Final = "1.0.0"


class _Plain(GenerateJsonSchema):
    """Without a title for each field, which would only be its name again."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


class Error(Told):
    """What every refusal says.

    ``code`` is for programs and stays; ``message`` is for people. ``details`` are named facts, such as the rule of a
    policy and its numbers; ``fields`` says of each bad input what would be right.
    """

    code: str
    message: str
    details: dict[str, Any] | None = None
    fields: dict[str, str] | None = None


class Refusal(Told):
    """The envelope of every answer that is no success."""

    success: bool
    error: Error


def document(endpoints: Iterable[Endpoint], *, title: str, server: str) -> dict[str, Any]:
    """The whole document.

    :param server: the address of the product, without a slash at its end
    """
    declared = sorted(endpoints, key=lambda each: (each.tag, each.rule, each.method))
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in declared:
        paths.setdefault(path_of(endpoint), {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{title} API",
            "version": VERSION,
            "description": (
                "JSON in camelCase; times in ISO 8601 with `Z`; money as numbers with the currency's own decimals. "
                'Success is `{"success": true, "data": …}`, a refusal `{"success": false, "error": …}`.'
            ),
        },
        "servers": [{"url": server}],
        "tags": [{"name": name} for name in dict.fromkeys(each.tag for each in declared)],
        "paths": paths,
        "components": {
            "schemas": _schemas(declared),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A personal token: `POST /api/auth/tokens`, or `flask user token EMAIL`.",
                },
                "cookie": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "desk",
                    "description": "The login of a browser (`__Host-desk` where the product is reached over https).",
                },
                "csrf": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-CSRFToken",
                    "description": "Goes with the cookie on everything but GET; the `csrf-token` of a page.",
                },
            },
        },
    }


def path_of(endpoint: Endpoint) -> str:
    """The whole path, in OpenAPI's spelling."""
    return PREFIX + _PATH_PART.sub(lambda part: "{" + _outside(part["name"]) + "}", endpoint.rule)


def _outside(name: str) -> str:
    return "id" if name == "session_id" else re.sub(r"_(\w)", lambda part: part[1].upper(), name)


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "security": _security(endpoint),
        "responses": _responses(endpoint),
    }
    if endpoint.description:
        operation["description"] = endpoint.description
    parameters = [*_path_parameters(endpoint), *_query_parameters(endpoint), *_header_parameters(endpoint)]
    if parameters:
        operation["parameters"] = parameters
    if endpoint.body:
        is_needed = any(field.is_required() for field in endpoint.body.model_fields.values())
        operation["requestBody"] = {
            "required": is_needed,
            "content": {_JSON: {"schema": {"$ref": _REF.format(model=endpoint.body.__name__)}}},
        }
    if endpoint.file:
        schema = {
            "type": "object",
            "required": [endpoint.file],
            "properties": {endpoint.file: {"type": "string", "contentMediaType": "application/octet-stream"}},
        }
        operation["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    return operation


def _security(endpoint: Endpoint) -> list[dict[str, list[str]]]:
    browser: dict[str, list[str]] = {"cookie": [], "csrf": []} if endpoint.takes_body else {"cookie": []}
    signed_in: list[dict[str, list[str]]] = [{"bearer": []}, browser]
    return [{}, *signed_in] if endpoint.is_open else signed_in


def _path_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    return [
        {
            "name": _outside(part["name"]),
            "in": "path",
            "required": True,
            "schema": {"type": "string", **({"format": "uuid"} if part["kind"] == "uuid" else {})},
        }
        for part in _PATH_PART.finditer(endpoint.rule)
    ]


def _query_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    if endpoint.query is None:
        return []
    schema = endpoint.query.model_json_schema(by_alias=True, ref_template=_REF, schema_generator=_Plain)
    found = []
    for name, described in schema["properties"].items():
        needed = name in schema.get("required", ())
        parameter = {"name": name, "in": "query", "required": needed, "schema": _without_null(described)}
        text = parameter["schema"].pop("description", None)
        if parameter["schema"].get("default") == []:
            del parameter["schema"]["default"]  # nothing was chosen; as a text that would be another thing
        if text:
            parameter["description"] = text
        found.append(parameter)
    return found


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter that is left out is left out; no address can say null."""
    options = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key not in {"anyOf", "default"} or value is not None}
    if len(options) == 1:
        rest.pop("anyOf")
        return {**rest, **options[0]}
    return rest


def _header_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    if not endpoint.is_idempotent:
        return []
    return [
        {
            "name": IDEMPOTENCY_HEADER,
            "in": "header",
            "required": False,
            "description": "A word of yours for this one request: sent again with it, the first answer comes again.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        }
    ]


def _responses(endpoint: Endpoint) -> dict[str, Any]:
    found: dict[str, Any] = {
        str(endpoint.status): {"description": HTTPStatus(endpoint.status).phrase, "content": _success(endpoint)}
    }
    for status, words in endpoint.all_refusals().items():
        found[str(status)] = {
            "description": words,
            "content": {_JSON: {"schema": {"$ref": _REF.format(model=Refusal.__name__)}}},
        }
    return found


def _success(endpoint: Endpoint) -> dict[str, Any]:
    if endpoint.answer is None:
        # A stream is a row of events, which readers of the document take one by one: no schema fits both.
        is_stream = endpoint.media_type == "text/event-stream"
        return {endpoint.media_type: {"schema": {} if is_stream else {"type": "string"}}}
    data = {"$ref": _REF.format(model=endpoint.answer.__name__)}
    if endpoint.is_bare:
        return {_JSON: {"schema": data}}
    return {
        _JSON: {
            "schema": {
                "type": "object",
                "required": ["success", "data"],
                "properties": {"success": {"const": True}, "data": data},
            }
        }
    }


def _schemas(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    listed = list(endpoints)
    taken: set[type[BaseModel]] = {each.body for each in listed if each.body} | {
        each.query for each in listed if each.query
    }
    told: set[type[BaseModel]] = {each.answer for each in listed if each.answer} | {Refusal}
    models: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [
        *((model, "validation") for model in taken),
        *((model, "serialization") for model in told),
    ]
    models.sort(key=lambda pair: pair[0].__name__)
    _, schema = models_json_schema(models, by_alias=True, ref_template=_REF, schema_generator=_Plain)
    found: dict[str, Any] = schema.get("$defs", {})
    parameters = {each.query.__name__ for each in listed if each.query}
    return {name: body for name, body in sorted(found.items()) if name not in parameters}
