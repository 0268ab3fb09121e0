"""An application that remembers the addresses it has built: a page has dozens, nearly all of them again (PERF-1)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from uuid import UUID

from flask import Flask, has_request_context, request

_MOST = 4096
# Of these alone, equal values make equal addresses: 1 and True are equal, too.
_PLAIN = frozenset({str, int, UUID})


class AddressedFlask(Flask):
    """Flask, where the path to a view with plain values is built once for each place that the product is mounted at."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._remembered = lru_cache(_MOST)(self._build)

    def url_for(self, /, endpoint: str, **values: Any) -> str:
        """As Flask's own, which is asked for whatever is not a plain path of this request's application."""
        kinds = {type(value) for value in values.values()}
        if not has_request_context() or endpoint.startswith(".") or "_external" in values or not kinds <= _PLAIN:
            return super().url_for(endpoint, **values)
        return self._remembered(request.root_path, request.scheme, request.host, endpoint, tuple(values.items()))

    def _build(self, _root: str, _scheme: str, _host: str, endpoint: str, values: tuple[tuple[str, Any], ...]) -> str:
        return super().url_for(endpoint, **dict(values))
