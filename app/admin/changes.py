"""What an audit row says has changed, field by field: before and after (AUD-1)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup, escape

from app.admin import cells

# ``previousMentorName`` goes with ``newMentorName``; ``changes`` names its own fields.
_BEFORE = re.compile(r"^(?:previous|old)[_]?(?P<field>\w+)$")
_OLD, _NEW = ("old", "before", "from"), ("new", "after", "to")


@dataclass(frozen=True, slots=True)
class Change:
    """One field."""

    field: str
    before: Any
    after: Any


def changes_of(row: Any) -> list[Change]:
    """The fields that differ, from the row's own pairs of columns and from its details."""
    pairs = [("status", row.previous_status, row.new_status)]
    if hasattr(row, "new_scheduled_at"):
        pairs.append(("time", row.previous_scheduled_at, row.new_scheduled_at))
    pairs += _told(row.details or {})
    return [Change(_words(field), before, after) for field, before, after in pairs if before != after]


def cell(view: Any, context: Any, row: Any, name: str) -> Any:
    """The fields as a small table."""
    found = changes_of(row)
    if not found:
        return cells.DASH
    lines = [
        Markup('<tr><th scope="row">{}</th><td>{}</td><td>{}</td></tr>').format(
            change.field, _shown(change.before), _shown(change.after)
        )
        for change in found
    ]
    head = Markup(
        '<thead><tr><th scope="col">Field</th><th scope="col">Before</th><th scope="col">After</th></tr></thead>'
    )
    return Markup('<table class="changes">{}<tbody>{}</tbody></table>').format(head, Markup().join(lines))


def _told(details: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    listed = details.get("changes")
    if isinstance(listed, Mapping):
        for field, pair in listed.items():
            before, after = _pair(pair)
            yield field, before, after
    before, after = details.get("before"), details.get("after")
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for field in dict.fromkeys((*before, *after)):
            yield field, before.get(field), after.get(field)
    elif "before" in details and "after" in details:
        yield "value", before, after
    for key in details:
        match = _BEFORE.match(key)
        if match is None:
            continue
        field = match["field"]
        other = next((name for name in (f"new{field}", f"new_{field}") if name in details), None)
        if other is not None:
            yield field, details[key], details[other]


def _pair(pair: Any) -> tuple[Any, Any]:
    if isinstance(pair, Mapping):
        return _first(pair, _OLD), _first(pair, _NEW)
    return (pair[0], pair[1]) if isinstance(pair, list | tuple) and len(pair) == 2 else (None, pair)


def _first(pair: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((pair[name] for name in names if name in pair), None)


def _words(field: str) -> str:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", field).replace("_", " ")
    return spaced[:1].upper() + spaced[1:].lower()


def _shown(value: Any) -> Any:
    if value is None or value == "":
        return cells.DASH
    if isinstance(value, datetime):
        return cells.macro("data", "when")(value)
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return cells.json_facts(value) if isinstance(value, dict | list) else escape(str(value))
