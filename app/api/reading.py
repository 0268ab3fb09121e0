"""What a request says, checked against its declaration; what cannot be used is named in the caller's own words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from flask import request
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from werkzeug.exceptions import RequestEntityTooLarge

from app.api.fields import Given
from app.domain.errors import DomainError, Invalid, Malformed

LARGEST_BODY: Final = 64 * 1024
_FIELDS_TOLD: Final = 20
_LONGEST_NAME: Final = 80

G = TypeVar("G", bound=Given)

# What pydantic calls a problem → what would be right.
_WORDS: Final[dict[str, str]] = {
    "bool_type": "Give true or false.",
    "date_from_datetime_parsing": "Give a day that exists, such as 2026-03-29.",
    "date_parsing": "Give a day that exists, such as 2026-03-29.",
    "date_type": "Give a day as text, such as 2026-03-29.",
    "decimal_type": "Give a number.",
    "dict_type": "Give an object.",
    "enum": "Give one of {expected}.",
    "extra_forbidden": "There is no such field here.",
    "finite_number": "Give a number.",
    "greater_than": "Give more than {gt}.",
    "greater_than_equal": "Give at least {ge}.",
    "int_from_float": "Give a whole number.",
    "int_parsing": "Give a whole number.",
    "int_parsing_size": "Give a smaller number.",
    "int_type": "Give a whole number.",
    "less_than": "Give less than {lt}.",
    "less_than_equal": "Give at most {le}.",
    "list_type": "Give a list.",
    "literal_error": "Give one of {expected}.",
    "missing": "This is needed.",
    "model_type": "Give an object.",
    "string_too_long": "Give at most {max_length} characters.",
    "string_too_short": "Give at least {min_length} characters.",
    "string_type": "Give text.",
    "string_unicode": "This holds characters that no text has.",
    "too_long": "Give at most {max_length} entries.",
    "too_short": "Give at least {min_length} entries.",
    "uuid_parsing": "Give an id, such as 3f6c2d6e-3f0a-4e43-9d3b-0f6c1f6a2b11.",
    "uuid_type": "Give an id as text.",
}


def read_query(model: type[G] | None) -> G | None:
    """The parameters of the address; an endpoint that declares none takes none.

    :raises Invalid: naming every parameter that is unknown, given twice or of the wrong type
    """
    given = request.args
    twice = {name: "Give this once." for name in given if len(given.getlist(name)) > 1}
    if twice:
        raise _invalid(twice)
    if model is None:
        if given:
            raise _invalid(dict.fromkeys(given, _WORDS["extra_forbidden"]))
        return None
    _refuse_nul(given)
    try:
        return model.model_validate_strings(given.to_dict())
    except ValidationError as error:
        raise _refusal(error, is_flat=True) from None


def read_body(model: type[G] | None) -> G | None:
    """The body of the request, as JSON.

    :raises Malformed: when it is too large, no JSON, or is said to be something else
    :raises Invalid: naming every field that is missing, unknown or of the wrong type
    """
    request.max_content_length = LARGEST_BODY
    try:
        raw = request.get_data(cache=True, parse_form_data=False)
    except RequestEntityTooLarge:
        message = f"The body may have at most {LARGEST_BODY // 1024} KB."
        raise Malformed(message, code="too_large", fields={"body": message}) from None
    if model is None:
        # Clients that always send something send an empty object.
        if raw.strip() not in {b"", b"{}"}:
            message = "This takes no body."
            raise Malformed(message, fields={"body": message})
        return None
    if raw and not request.is_json:
        message = "Send the body as JSON, with the header Content-Type: application/json."
        raise Malformed(message, fields={"body": message})
    try:
        found = model.model_validate_json(raw or b"{}")
    except ValidationError as error:
        raise _refusal(error, is_flat=False) from None
    if b"\\u0000" in raw:
        _refuse_nul(json.loads(raw))
    return found


def _refuse_nul(given: Mapping[str, Any]) -> None:
    """PostgreSQL's text has no NUL, so that nobody can mean one."""
    holding = {name: _WORDS["string_unicode"] for name, value in given.items() if _holds_nul(value)}
    if holding:
        raise _invalid(holding)


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_holds_nul(each) for each in inner)


def _refusal(error: ValidationError, *, is_flat: bool) -> DomainError:
    problems = error.errors(include_url=False, include_input=False)
    if any(problem["type"] == "json_invalid" for problem in problems):
        message = "The body is not JSON that we can read."
        return Malformed(message, fields={"body": message})
    fields: dict[str, str] = {}
    for problem in problems:
        name, words = _name(problem, is_flat=is_flat), _say(problem)
        # Where one of two kinds would do, both are told.
        fields[name] = f"{fields[name]} Or: {words}" if name in fields else words
    return _invalid(fields)


def _invalid(fields: Mapping[str, str]) -> Invalid:
    told = dict(list(fields.items())[:_FIELDS_TOLD])
    return Invalid("Some of what was sent cannot be used.", fields=told)


def _name(problem: ErrorDetails, *, is_flat: bool) -> str:
    parts = problem["loc"][:1] if is_flat else problem["loc"]
    path = ".".join(str(part) for part in parts)
    return path[:_LONGEST_NAME] or "body"


def _say(problem: ErrorDetails) -> str:
    facts: Mapping[str, Any] = problem.get("ctx") or {}
    if problem["type"] == "value_error":
        return str(facts["error"])
    words = _WORDS.get(problem["type"])
    return words.format(**facts) if words else problem["msg"]
