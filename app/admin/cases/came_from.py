"""The list that one came from, so that the next and the previous case are those of that list (SD-2)."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from flask import request

_LONGEST = 2_000


def list_before(list_path: str) -> str | None:
    """The query of that list: named by the address from case to case, else by the browser.

    After an act one comes back from the very page, whose address may name it.
    """
    named = request.args.get("list")
    if named is not None:
        return named[:_LONGEST]
    before = urlsplit(request.referrer or "")
    if before.netloc != request.host:
        return None
    if before.path == request.path:
        kept = parse_qs(before.query, keep_blank_values=True).get("list")
        return kept[0][:_LONGEST] if kept else None
    return before.query[:_LONGEST] if before.path == list_path else None
