"""Where a page may send somebody afterwards: to a path of ours, whatever the request asked for (B-5)."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from flask import request

# A path that begins with exactly one slash. Browsers read a backslash as a slash and skip control characters and
# spaces at either end, so that none of them is let through; two slashes in a row would name a host.
_OURS = re.compile(r"/(?!/)[^\\\x00-\x20\x7f]*")
_SAFE_IN_PATH = "/:@!$&'()*+,;=~-._%"
_SAFE_IN_QUERY = _SAFE_IN_PATH + "?"
_LONGEST = 2_000


def safe_next(target: str | None, fallback: str) -> str:
    """``target`` when it is a path on this host, else ``fallback``. The answer is re-quoted and has no fragment."""
    return local_path(target) or fallback


def local_path(target: str | None) -> str | None:
    """``target`` as a path on this host with its query, or None when it could lead anywhere else."""
    if not target or len(target) > _LONGEST or not _OURS.fullmatch(target):
        return None
    try:
        parts = urlsplit(target)
    except ValueError:
        return None
    if parts.scheme or parts.netloc or "//" in parts.path:
        return None
    path = quote(parts.path, safe=_SAFE_IN_PATH)
    return f"{path}?{quote(parts.query, safe=_SAFE_IN_QUERY)}" if parts.query else path


def back(fallback: str) -> str:
    """The page of ours that this request came from, or ``fallback``."""
    try:
        parts = urlsplit(request.referrer or "")
    except ValueError:
        return fallback
    if f"{parts.scheme}://{parts.netloc}/" != request.host_url:
        return fallback
    return safe_next(f"{parts.path}?{parts.query}" if parts.query else parts.path, fallback)


def here() -> str:
    """This page with its query, to come back to; a posted form comes back to the page it stood on."""
    if request.method in {"GET", "HEAD"}:
        query = quote(request.query_string, safe=_SAFE_IN_QUERY)
        path = quote(request.path, safe=_SAFE_IN_PATH)
        return safe_next(f"{path}?{query}" if query else path, "/")
    return back("/")
