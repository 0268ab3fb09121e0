"""The OpenAPI document as a page shows it: rows of fields, statuses and an example to copy."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_DEPTH: Final = 4
_BOUNDS: Final = {
    "minLength": ("at least", "character", "characters"),
    "maxLength": ("at most", "character", "characters"),
    "minimum": ("at least", "", ""),
    "maximum": ("at most", "", ""),
    "exclusiveMinimum": ("more than", "", ""),
    "minItems": ("at least", "entry", "entries"),
    "maxItems": ("at most", "entry", "entries"),
}


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field of a body or an answer, or one parameter; ``depth`` is how far it is nested."""

    name: str
    kind: str
    is_needed: bool
    text: str
    limits: str
    depth: int = 0
    place: str = ""


@dataclass(frozen=True, slots=True)
class Described:
    """One endpoint as the page shows it."""

    anchor: str
    method: str
    path: str
    summary: str
    text: str
    is_open: bool
    parameters: list[FieldRow]
    body: list[FieldRow]
    success: str
    answer: list[FieldRow]
    is_enveloped: bool
    refusals: list[tuple[str, str]]
    example: str


def chapters(document: Mapping[str, Any]) -> list[tuple[str, list[Described]]]:
    """All endpoints by their tag, in the document's order."""
    found: dict[str, list[Described]] = {tag["name"]: [] for tag in document["tags"]}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            found[operation["tags"][0]].append(_described(document, path, method.upper(), operation))
    return list(found.items())


def _described(document: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]) -> Described:
    responses = operation["responses"]
    success = next(status for status in responses if status < "300")
    told = next(iter(responses[success]["content"].values()))["schema"]
    is_enveloped = "data" in told.get("properties", {})
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    return Described(
        anchor=operation["operationId"].replace("_", "-"),
        method=method,
        path=path,
        summary=operation["summary"],
        text=operation.get("description", ""),
        is_open={} in operation["security"],
        parameters=[_parameter(document, each) for each in operation.get("parameters", ())],
        body=_rows(document, body) if body else [],
        success=success,
        answer=_rows(document, told["properties"]["data"] if is_enveloped else told),
        is_enveloped=is_enveloped,
        refusals=[(status, each["description"]) for status, each in responses.items() if status >= "300"],
        example=_curl(document, path, method, operation, body),
    )


def _parameter(document: Mapping[str, Any], parameter: Mapping[str, Any]) -> FieldRow:
    kind, limits = _kind(document, parameter["schema"])
    return FieldRow(
        parameter["name"], kind, parameter["required"], parameter.get("description", ""), limits,
        place=parameter["in"],
    )  # fmt: skip


def _resolve(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in schema:
        return schema
    name = schema["$ref"].rsplit("/", maxsplit=1)[-1]
    found: Mapping[str, Any] = document["components"]["schemas"][name]
    return {**found, **{key: value for key, value in schema.items() if key != "$ref"}}


def _rows(document: Mapping[str, Any], schema: Mapping[str, Any], depth: int = 0) -> list[FieldRow]:
    schema = _core(document, schema)
    if depth >= _DEPTH:
        return []
    if schema.get("type") == "array":
        return _rows(document, schema["items"], depth)
    options = schema.get("anyOf", ())
    if options:
        return [row for option in options for row in _rows(document, option, depth)]
    rows = []
    for name, described in schema.get("properties", {}).items():
        kind, limits = _kind(document, described)
        is_needed = name in schema.get("required", ())
        rows.append(FieldRow(name, kind, is_needed, described.get("description", ""), limits, depth))
        rows += _rows(document, described, depth + 1)
    return rows


def _core(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema without its reference, and without the null that may stand in its place."""
    schema = _resolve(document, schema)
    options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    if len(options) == 1:
        return {**{key: value for key, value in schema.items() if key != "anyOf"}, **_resolve(document, options[0])}
    return schema


def _kind(document: Mapping[str, Any], schema: Mapping[str, Any]) -> tuple[str, str]:
    """What a field holds, and within which bounds, in words."""
    can_be_null = any(option.get("type") == "null" for option in schema.get("anyOf", ()))
    core = _core(document, schema)
    if "anyOf" in core:
        both = [_kind(document, option) for option in core["anyOf"] if option.get("type") != "null"]
        kinds = " or ".join(dict.fromkeys(kind for kind, _ in both))
        return kinds + (" or null" if can_be_null else ""), ", ".join(limits for _, limits in both if limits)
    limits = [_bound(key, core[key]) for key in _BOUNDS if key in core]
    if "enum" in core:
        limits.insert(0, ", ".join(str(value) for value in core["enum"]))
    if core.get("default") not in (None, "", []):
        limits.append(f"default {json.dumps(core['default'])}")
    kind = {"string": "text", "integer": "whole number", "boolean": "true or false"}.get(
        core.get("type", "object"), core.get("type", "object")
    )
    kind = {"date-time": "time", "date": "day", "uuid": "id"}.get(core.get("format", ""), kind)
    if kind == "array":
        inner, more = _kind(document, core["items"])
        kind = f"list of {inner}"
        limits = [*([more] if more else []), *limits]
    return kind + (" or null" if can_be_null else ""), "; ".join(limits)


def _bound(key: str, value: Any) -> str:
    words, one, many = _BOUNDS[key]
    return f"{words} {value:,} {one if value == 1 else many}".rstrip()


def _curl(
    document: Mapping[str, Any],
    path: str,
    method: str,
    operation: Mapping[str, Any],
    body: Mapping[str, Any] | None,
) -> str:
    server = document["servers"][0]["url"]
    needed = [each for each in operation.get("parameters", ()) if each["in"] == "query" and each["required"]]
    query = "&".join(f"{each['name']}={_example(document, each['schema'])}" for each in needed)
    lines = ["curl" + (f" -X {method}" if method != "GET" else "") + f" '{server}{path}{'?' if query else ''}{query}'"]
    if {} not in operation["security"]:
        lines.append('  -H "Authorization: Bearer $TOKEN"')
    if any(each["in"] == "header" for each in operation.get("parameters", ())):
        lines.append("  -H 'Idempotency-Key: my-order-17'")
    if body:
        lines.append("  -H 'Content-Type: application/json'")
        lines.append(f"  -d {shlex.quote(json.dumps(_example(document, body), ensure_ascii=False))}")
    return " \\\n".join(lines)


def _example(document: Mapping[str, Any], schema: Mapping[str, Any], depth: int = 0) -> Any:
    core = _core(document, schema)
    if core.get("examples"):
        return core["examples"][0]
    if "enum" in core:
        return core["enum"][0]
    match core.get("type"):
        case "object" if depth < _DEPTH:
            needed = set(core.get("required", ()))
            return {
                name: _example(document, each, depth + 1)
                for name, each in core.get("properties", {}).items()
                if name in needed or "examples" in _core(document, each)
            }
        case "array":
            return [_example(document, core["items"], depth + 1)]
        case "integer" | "number":
            return core.get("minimum", 1)
        case "boolean":
            return True
        case _:
            samples = {
                "uuid": "3f6c2d6e-3f0a-4e43-9d3b-0f6c1f6a2b11",
                "date": "2026-03-29",
                "date-time": "2026-03-29T08:00:00Z",
            }
            return samples.get(core.get("format", ""), "…")
