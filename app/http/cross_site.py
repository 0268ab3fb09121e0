"""No other site's page may act in a signed-in browser's name: Flask-WTF's token alone, on every unsafe request (SEC-2).

Exempt are requests with a bearer token, which a browser never sends by itself, and what says so with ``csrf.exempt``:
webhooks, which are signed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import current_app, g, request, session
from flask_login import current_user
from flask_wtf.csrf import CSRFError, generate_csrf

from app.extensions import csrf
from app.http.login import has_bearer, is_api

if TYPE_CHECKING:
    from flask import Flask

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def _protect() -> None:
    if request.method in _SAFE_METHODS or request.endpoint is None or has_bearer():
        return
    if is_api() and not current_user.is_authenticated:
        return  # nobody's name to act in: the view says 401, which a program understands better
    csrf.protect(apply_exemptions=True)
    if "Origin" in request.headers and not csrf._is_exempt() and not _is_ours(request.headers["Origin"]):  # noqa: SLF001 - the same exemptions
        raise CSRFError("The request comes from another site.")


def _is_ours(origin: str) -> bool:
    ours = {request.host_url.rstrip("/"), _origin(current_app.config["PUBLIC_URL"])}
    return origin in ours


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@lru_cache(maxsize=1024)
def _signed(_secret: str, _own: str) -> str:
    """The token of a browser's own secret: signing it takes longer than all else around a form (PERF-1)."""
    return str(generate_csrf())


def _token() -> str:
    known: str | None = g.get("csrf_token")
    if known is not None:
        return known
    own = session.get("csrf_token")
    if own is not None:
        # Where Flask-WTF looks before it signs anew, the hidden fields of forms included.
        known = g.csrf_token = _signed(str(current_app.secret_key), own)
        return known
    return str(generate_csrf())


def init_app(app: Flask) -> None:
    """Check every unsafe request, after the limits and before the view."""
    app.add_template_global(_token, "csrf_token")
    app.context_processor(lambda: {"csrf_token": _token})  # over Flask-WTF's own, which is another one
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False  # the check is ours, because of bearer tokens
    app.before_request(_protect)
