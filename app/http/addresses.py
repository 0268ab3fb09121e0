"""An application that remembers the addresses it has built: a page has dozens, nearly all of them again (PERF-1)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any
from uuid import UUID

from flask import Flask

from app.http.context import request_itself
from app.http.templating import QuickEnvironment

_MOST = 4096
# With these, an address may be one with scheme and host.
_FOREIGN = frozenset({"_external", "_scheme"})
# Ids stand in an address as they are: it is built once with these, and each id is put in their place.
_STAND_INS = ("0f0f0f0f-57a4-4d11-8000-000000000001", "0f0f0f0f-57a4-4d11-8000-000000000002")


class AddressedFlask(Flask):
    """Flask, where the path to a view with plain values is built once for each place that the product is mounted at."""

    jinja_environment = QuickEnvironment

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._remembered = lru_cache(_MOST)(self._build)

    def url_for(self, /, endpoint: str, **values: Any) -> str:
        """As Flask's own, which is asked for whatever is not a plain path of this request's application."""
        known: dict[str, str | int] = {}
        ids: list[UUID] = []
        for name, value in values.items():
            if value is None:  # adds nothing to an address
                continue
            kind = type(value)
            if kind is UUID and len(ids) < len(_STAND_INS):
                known[name] = _STAND_INS[len(ids)]
                ids.append(value)
            elif kind is str or kind is int:  # of these, equal values make equal addresses: 1 and True are equal, too
                known[name] = value
            else:
                return super().url_for(endpoint, **values)
        try:
            root = request_itself().root_path
        except RuntimeError:
            return super().url_for(endpoint, **values)
        if endpoint.startswith(".") or not _FOREIGN.isdisjoint(known):
            return super().url_for(endpoint, **values)
        address = self._remembered(root, endpoint, tuple(known.items()))
        for stand_in, value in zip(_STAND_INS, ids, strict=False):
            address = address.replace(stand_in, str(value))
        return address

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """What is asked of each function around each request: none of ours is a coroutine."""
        return func

    def _build(self, _root: str, endpoint: str, values: tuple[tuple[str, Any], ...]) -> str:
        return super().url_for(endpoint, **dict(values))
