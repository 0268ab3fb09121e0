"""How often somebody may ask, by account and by address; a refusal is a 429 in words (API-3, SEC-3).

Counts stand in Redis and, while that is away, in this process: the product goes on and stays guarded.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from flask import request
from flask_limiter import Limit, Limiter
from flask_login import current_user
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from app.config import Settings
from app.http.login import is_api

if TYPE_CHECKING:
    from flask import Flask, Response

P = ParamSpec("P")
R = TypeVar("R")


def address() -> str:
    """The caller's address, as the trusted proxies tell it."""
    return f"address:{request.remote_addr}"


def account() -> str:
    """The signed-in account, or the address of a stranger."""
    try:
        return f"user:{current_user.id}" if current_user.is_authenticated else address()
    except SQLAlchemyError:
        # The limiter would take it for a failure of its own storage; the view will meet it again and say so.
        return address()


def named_account() -> str:
    """The account that a form names, whether or not it exists (SEC-3)."""
    return f"named:{_typed_email()}"


def named_account_here() -> str:
    """The account that a form names, as tried from this address."""
    return f"named:{_typed_email()}:{request.remote_addr}"


def _typed_email() -> str:
    try:
        typed = request.form.get("email", "").strip().lower()[:254]
    except HTTPException:
        typed = ""  # the body is too large; as above
    return typed or f"nobody at {request.remote_addr}"


limiter = Limiter(
    account,
    default_limits=[Limit("600 per minute", key_function=account), Limit("1200 per minute", key_function=address)],
    default_limits_exempt_when=lambda: not is_api(),
    strategy="fixed-window",
    in_memory_fallback_enabled=True,
    key_prefix="limits",
)


_UNSAFE = ["POST", "PUT", "PATCH", "DELETE"]
_Limit = tuple[str, Callable[[], str]]


def _limited(
    *limits: _Limit, failures: Sequence[_Limit] = (), successes: Sequence[_Limit] = ()
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A decorator that puts several limits on what a view is posted; stands below the route's own decorator.

    :param failures: limits that count refused tries only; ``successes``: the others only. Both are counted after the
        answer, so that many at once could slip through: give them company in ``limits``.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        for value, key in limits:
            view = limiter.limit(value, key_func=key, methods=_UNSAFE)(view)
        for value, key in failures:
            view = limiter.limit(value, key_func=key, methods=_UNSAFE, deduct_when=_was_refused)(view)
        for value, key in successes:
            view = limiter.limit(value, key_func=key, methods=_UNSAFE, deduct_when=_was_done)(view)
        return view

    return decorate


def _was_done(response: Response) -> bool:
    return response.status_code < 400


def _was_refused(response: Response) -> bool:
    return response.status_code >= 400 and response.status_code != 429


# Tries against one account from one address end soon; against one account from everywhere later, so that a stranger
# cannot lock its owner out; against all accounts from one address in between. All of them are over within the hour.
limit_sign_in = _limited(
    ("30 per minute", named_account_here),
    ("60 per minute", address),
    failures=[
        ("5 per minute; 20 per hour", named_account_here),
        ("100 per hour", named_account),
        ("20 per minute", address),
    ],
)
# What sends a mail: nobody's mailbox is flooded, whoever asks.
limit_reset = _limited(
    ("20 per minute", address), successes=[("3 per 15 minutes", named_account), ("10 per 15 minutes", address)]
)
limit_registration = _limited(
    ("20 per minute", address), successes=[("3 per 15 minutes", named_account), ("20 per hour", address)]
)
limit_secret_link = _limited(("20 per 15 minutes", address))
limit_password = _limited(("30 per minute", account), failures=[("5 per minute; 20 per hour", account)])
# A code costs money, and has six digits: few are sent, and few are tried.
limit_text_message = _limited(("10 per 15 minutes; 30 per day", account))
limit_booking = _limited(("10 per minute; 60 per hour", account))
limit_chat = _limited(("30 per minute; 300 per hour", account))
limit_upload = _limited(("20 per hour", account))


def _was_forged(response: Response) -> bool:
    return response.status_code in {400, 401}


def limit_forgeries(view: Callable[P, R]) -> Callable[P, R]:
    """A decorator for webhooks: only what was refused as not authentic counts, an honest backlog is welcome (MN-3)."""
    limit = limiter.limit("30 per minute", key_func=address, deduct_when=_was_forged)
    limited: Callable[P, R] = limit(view)
    return limited


def limit_feed(view: Callable[P, R]) -> Callable[P, R]:
    """A decorator for calendars: often enough for any of them, and an end to guessing.

    Calendars of many people come from one address, so that each feed counts for itself and only misses by address.
    """
    by_feed = limiter.limit("60 per hour", key_func=lambda: f"feed:{hash_of_path()}")(view)
    limited: Callable[P, R] = limiter.limit(
        "30 per 15 minutes", key_func=address, deduct_when=lambda response: response.status_code == 404
    )(by_feed)
    return limited


def hash_of_path() -> str:
    """The address that was asked for, as something that tells nobody the secret in it."""
    return hashlib.sha256(request.path.encode()).hexdigest()


def storage_uri(redis_url: str) -> str:
    """The address of the same Redis as the library that counts writes it."""
    return f"redis+{redis_url}" if redis_url.startswith("unix://") else redis_url


def _tell_limits(response: Response) -> Response:
    limit = limiter.current_limit
    if limit is not None and limiter.enabled:
        seconds = max(1, math.ceil(limit.reset_at - time.time()))
        response.headers["RateLimit-Limit"] = str(limit.limit.amount)
        response.headers["RateLimit-Remaining"] = str(max(0, limit.remaining))
        response.headers["RateLimit-Reset"] = str(seconds)
        if limit.breached:
            response.headers["Retry-After"] = str(seconds)
    return response


def init_app(app: Flask, settings: Settings) -> None:
    """Start counting; in tests only where a test turns it on (``limiter.enabled``)."""
    is_test = settings.app_env == "test"
    app.config["RATELIMIT_STORAGE_URI"] = "memory://" if is_test else storage_uri(settings.redis_url)
    if not is_test:
        app.config["RATELIMIT_STORAGE_OPTIONS"] = {"socket_timeout": 1, "socket_connect_timeout": 1}
    limiter.enabled = True
    limiter.init_app(app)
    limiter.enabled = not is_test
    app.after_request(_tell_limits)
