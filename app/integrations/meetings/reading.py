"""What the readers of meeting webhooks share: signatures, instants, and bodies that are not what they should be."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from app.domain.errors import Malformed, NotAuthentic

# Older than this, a signed message may be somebody's recording of it.
_REPLAY_WINDOW: Final = timedelta(minutes=5)
# Beyond it a number of seconds would lie thousands of years ahead: it counts milliseconds.
_SECONDS_END: Final = 10**11


def require_same(given: str, expected: str) -> None:
    """:raises NotAuthentic: they differ; however far they agree, the answer takes equally long."""
    if not given or not hmac.compare_digest(given.encode(), expected.encode()):
        raise NotAuthentic("This does not come from the meeting provider.")


def require_fresh(timestamp: str, now: datetime) -> None:
    """This function will refuse what was signed long ago, or in the future.

    :param timestamp: unix time, as the signed header has it
    :raises NotAuthentic: it is not within five minutes of now
    """
    try:
        sent = instant(float(timestamp))
    except ValueError:
        sent = None
    if sent is None or abs(now - sent) > _REPLAY_WINDOW:
        raise NotAuthentic("This message is too old to be believed.")


def digest_of(secret: bytes, message: bytes) -> bytes:
    """The keyed digest that the providers sign with."""
    return hmac.new(secret, message, hashlib.sha256).digest()


def fingerprint(body: bytes) -> str:
    """A name for a message that brings none: the same for every delivery of it."""
    return hashlib.sha256(body).hexdigest()


def parsed(body: bytes) -> Mapping[str, Any]:
    """:raises Malformed: it is no JSON object"""
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        raise Malformed("That is no message of the meeting provider.")
    return read


def part(message: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A nested object; empty where there is none."""
    found = message.get(name)
    return found if isinstance(found, dict) else {}


def word(message: Mapping[str, Any], name: str) -> str:
    """A text, or a number as text; empty where there is none."""
    found = message.get(name)
    return str(found)[:500] if isinstance(found, str | int) and not isinstance(found, bool) else ""


def instant(value: object) -> datetime | None:
    """Unix seconds or milliseconds, or ISO 8601 with a zone, in UTC; None for anything else."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if value > _SECONDS_END else value, UTC)
        if isinstance(value, str):
            read = datetime.fromisoformat(value)
            return read.astimezone(UTC) if read.tzinfo else None
    except (ValueError, OverflowError, OSError):
        pass
    return None


def person(value: str) -> UUID | None:
    """Our own name of a person, if it is one."""
    try:
        return UUID(value)
    except ValueError:
        return None


def base64_bytes(text: str) -> bytes | None:
    """None, where it is no base64."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return None
