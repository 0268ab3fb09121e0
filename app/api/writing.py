"""How an answer becomes JSON: times end in ``Z``, money keeps its currency's decimals, ids are text."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from flask import Response
from pydantic import BaseModel

# A number that the JSON library cannot write exactly is set in as a text that no text of ours can be: the database
# holds no NUL, and requests that bring one are refused.
_NUMBER = re.compile(r'"\\u0000number:(-?[0-9.]+)"')


def to_json(value: Any) -> str:
    """``value`` as the API writes it: models by their outside names, decimals as exact numbers."""
    return _NUMBER.sub(r"\1", json.dumps(value, default=_write, separators=(",", ":"), allow_nan=False))


def in_utc(instant: datetime) -> str:
    """An instant as every answer writes it."""
    # Nearly all are in UTC already, and a list of slots holds thousands.
    instant = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    return instant.isoformat().removesuffix("+00:00") + "Z"


def _write(value: Any) -> Any:
    match value:
        case BaseModel():
            return value.model_dump(by_alias=True)
        case datetime():
            return in_utc(value)
        case date():
            return value.isoformat()
        case Decimal():
            return f"\0number:{value:f}"
        case UUID():
            return str(value)
        case Enum():
            return value.value
        case _:
            message = f"{type(value).__name__} has no place in an answer"
            raise TypeError(message)


def answer(data: Any, *, status: int = 200, is_bare: bool = False) -> Response:
    """The envelope of a success; ``is_bare`` leaves it out."""
    text = to_json(data if is_bare else {"success": True, "data": data})
    return private(Response(text + "\n", status=status, mimetype="application/json"))


def private(response: Response) -> Response:
    """An answer is somebody's own and of this moment, unless its view says otherwise."""
    response.headers.setdefault("Cache-Control", "no-store")
    return response
