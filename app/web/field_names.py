"""Refusals name fields as the API does; a form names them as Python does."""

from __future__ import annotations

import re
from typing import TypeVar

from app.domain.errors import DomainError

Refusal = TypeVar("Refusal", bound=DomainError)

_HUMP = re.compile(r"(?<=[a-z])([A-Z])")


def as_typed(error: Refusal, **renamed: str) -> Refusal:
    """The same refusal with the form's names: ``meetingUrl`` is ``meeting_url``.

    :param renamed: fields that the form calls otherwise, by the API's name
    """
    error.fields = {renamed.get(name) or _HUMP.sub(r"_\1", name).lower(): text for name, text in error.fields.items()}
    return error
