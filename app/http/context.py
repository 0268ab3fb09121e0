"""What a request is to the product: who asks, when, from where, and under which reference (OPS-5)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import structlog
from flask import g, has_request_context, request
from flask_login import current_user

from app.domain.context import ANONYMOUS, SYSTEM, Actor, Context
from app.http import clock

if TYPE_CHECKING:
    from flask import Flask, Request, Response

_HEADER = "X-Request-ID"
_SANE = re.compile(r"[A-Za-z0-9._-]{8,64}")
_LONGEST_AGENT = 400


def request_globals() -> Any:
    """Flask's ``g`` itself: the proxy looks anew for what stands behind it at each use (PERF-1)."""
    return g._get_current_object()  # noqa: SLF001 - Werkzeug's way to ask a proxy once


def request_itself() -> Request:
    """Flask's ``request`` itself, for the same reason.

    :raises RuntimeError: there is none
    """
    found: Request = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - as above
    return found


def signed_in_user() -> Any:
    """Flask-Login's ``current_user`` itself, anonymous or not, for the same reason."""
    known = request_globals().get("_login_user")
    return current_user._get_current_object() if known is None else known  # noqa: SLF001 - as above


def request_id() -> str:
    """The reference of this request: the caller's, when it is one that a log can hold, else one of ours."""
    here = request_globals()
    found: str | None = here.get("request_id")
    if found is None:
        given = request.headers.get(_HEADER, "") if has_request_context() else ""
        found = here.request_id = given if _SANE.fullmatch(given) else f"req-{uuid4().hex[:20]}"
    return found


def request_now() -> datetime:
    """The request's own moment: everything in one answer is decided and told at the same time."""
    here = request_globals()
    moment: datetime | None = here.get("now")
    if moment is None:
        moment = here.now = clock.now()
    return moment


def current_actor() -> Actor:
    """Who asks: the signed-in user or the bearer token's owner; nobody otherwise."""
    here = request_globals()
    # Made when the user was loaded (app.http.login): a rolled-back action must not make it ask the database again.
    known: Actor | None = here.get("actor")
    if known is None and has_request_context() and signed_in_user().is_authenticated:
        known = here.actor
    return known or ANONYMOUS


def current_context() -> Context:
    """The last argument of every action that this request calls."""
    here = request_globals()
    known: Context | None = here.get("context")
    if known is not None and known.actor is here.get("actor", ANONYMOUS):
        return known
    actor = current_actor()
    agent = request.headers.get("User-Agent", "")[:_LONGEST_AGENT]
    found = here.context = Context(
        actor=actor,
        now=request_now(),
        request_id=request_id(),
        ip_address=request.remote_addr,
        user_agent=agent.replace("\0", "") or None,
    )
    return found


def command_context() -> Context:
    """The context of a command line: whoever has it has the database as well (ID-1)."""
    return Context(actor=SYSTEM, now=clock.now(), request_id=f"cli-{uuid4().hex[:20]}")


def init_app(app: Flask) -> None:
    """Give every request its reference and moment, and say the reference in every answer."""

    @app.before_request
    def open_request() -> None:
        request_globals().pop("context", None)
        request_now()
        structlog.contextvars.bind_contextvars(request_id=request_id())

    @app.after_request
    def tell_reference(response: Response) -> Response:
        response.headers[_HEADER] = request_id()
        return response

    @app.teardown_request
    def close_request(_: BaseException | None) -> None:
        structlog.contextvars.unbind_contextvars("request_id")
