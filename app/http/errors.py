"""One table from what went wrong to an HTTP status, told as a calm page, or as the API's envelope.

Actions raise types without any HTTP in them (``app.domain.errors``); views let them pass. What nobody expected is
logged under the request's reference, and the reader sees the reference and nothing else (SEC-6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import structlog
from flask import current_app, flash, g, has_request_context, jsonify, redirect, render_template, request
from flask_limiter.errors import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from app.domain.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    Malformed,
    NotAuthentic,
    NotFound,
    ProviderFailed,
    Refused,
    SignInRequired,
    Throttled,
)
from app.extensions import db, login
from app.foundation.audit import plain
from app.http.context import current_actor, request_id
from app.http.login import PasswordNeeded, is_api
from app.http.redirects import here

if TYPE_CHECKING:
    from flask import Flask
    from flask.typing import ResponseReturnValue
    from flask_wtf import FlaskForm

_log = structlog.get_logger(__name__)

STATUS: dict[type[DomainError], int] = {
    Malformed: 400,
    SignInRequired: 401,
    NotAuthentic: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    Invalid: 422,
    Refused: 422,
    Throttled: 429,
    ProviderFailed: 503,
    DomainError: 400,
}

# Forms below these are nobody's who is not signed in.
_SIGNED_IN = ("/admin/", "/account", "/mentor/", "/my/", "/notifications", "/sessions/")

# What a person reads: title and what to do next, by status. The error's own message stands in between.
_WORDS: dict[int, tuple[str, str, str]] = {
    400: ("We could not read that", "The request was not complete.", "Go back, reload the page and try again."),
    401: ("Please sign in first", "This page is for people who are signed in.", "Sign in, and you are taken there."),
    403: ("This is not yours to open", "Your account does not allow this.", "If you need it, ask whoever runs this."),
    404: (
        "We could not find that page",
        "It may have moved, or it is not yours to see.",
        "Check the address, or start from the beginning.",
    ),
    405: ("That does not work here", "This page cannot be asked for in that way.", "Go back and use its buttons."),
    409: ("This changed meanwhile", "Somebody was quicker; nothing was done.", "Reload the page and look again."),
    413: ("That is too large", "What you sent is larger than we can take.", "Send a smaller file or a shorter text."),
    415: ("We cannot read this kind of file", "It comes in a form we do not know.", "Try another kind of file."),
    422: ("That cannot be done like this", "Something in it has to be put right.", "Go back, change it and try again."),
    429: ("A little slower, please", "There were too many tries in a short time.", "Wait a moment and try again."),
    500: ("That did not work, and it is our fault", "We have been told of it.", "Try again in a moment."),
    503: ("We are not reachable right now", "A part of the product is away.", "Try again in a minute."),
}

_CODES = {
    400: "malformed",
    401: "sign_in_required",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    422: "validation_failed",
    429: "rate_limited",
    500: "internal_error",
    503: "unavailable",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is told to the caller, whoever asked."""

    status: int
    code: str
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


_UNREACHABLE = Problem(503, "unavailable", "We cannot reach our database.", headers={"Retry-After": "30"})


def status_of(error: DomainError) -> int:
    """The HTTP status of a refusal: that of its type, or of the nearest type above it."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def problem_of(error: DomainError) -> Problem:
    """A refusal as the door tells it."""
    headers = {}
    if isinstance(error, Throttled) and "retry_after" in error.details:
        headers["Retry-After"] = str(error.details["retry_after"])
    if isinstance(error, SignInRequired):
        headers["WWW-Authenticate"] = "Bearer"
    return Problem(status_of(error), error.error_code, error.message, error.details, error.fields, headers)


def refused(error: DomainError, back: str) -> ResponseReturnValue:
    """For a posted form: say the refusal as a message on the page ``back``. A door that wants this calls it."""
    title, _, _ = _words(status_of(error))
    message: Any = {"title": title, "text": error.message}
    flash(message, "error")
    return redirect(back, 303)


def put_errors(form: FlaskForm, error: DomainError) -> None:
    """Put a refusal into the form that caused it: beside the fields it names, else above them all."""
    placed = False
    for name, message in error.fields.items():
        if name in form:
            form[name].errors = [*form[name].errors, message]
            placed = True
    if not placed:
        form.form_errors.append(error.message)


def as_json(problem: Problem) -> ResponseReturnValue:
    """The API's envelope (api.md)."""
    error: dict[str, Any] = {"code": problem.code, "message": problem.message}
    details = plain(dict(problem.details))
    if problem.status >= 500:
        details["reference"] = request_id()
    if details:
        error["details"] = details
    if problem.fields:
        error["fields"] = dict(problem.fields)
    response = jsonify({"success": False, "error": error})
    response.status_code = problem.status
    response.headers.extend(problem.headers)
    response.headers["Cache-Control"] = "no-store"
    return response


def as_page(problem: Problem) -> ResponseReturnValue:
    """A page that says what happened, why, and what to do (UX-3)."""
    try:
        html = _page(problem)
    except SQLAlchemyError:
        # Its frame would say who is reading, and the database cannot tell.
        _forget_the_database()
        problem = _UNREACHABLE
        html = _page(problem)
    return html, problem.status, [*problem.headers.items(), ("Cache-Control", "no-store")]


def _page(problem: Problem) -> str:
    title, _, advice = _words(problem.status)
    return render_template(
        "errors/error.html", problem=problem, error_title=title, advice=advice, reference=request_id()
    )


def answer(problem: Problem) -> ResponseReturnValue:
    """The envelope for the API, a page for everybody else."""
    return as_json(problem) if is_api() else as_page(problem)


def _words(status: int) -> tuple[str, str, str]:
    return _WORDS.get(status) or _WORDS[500 if status >= 500 else 400]


def _on_refusal(error: DomainError) -> ResponseReturnValue:
    if not is_api():
        # By path: the pages stand one floor up.
        if isinstance(error, SignInRequired):
            return redirect(f"/sign-in?{urlencode({'next': here()})}", 302 if request.method == "GET" else 303)
        if isinstance(error, PasswordNeeded):
            return redirect(f"/account/confirm-password?{urlencode({'next': here()})}", 303)
    return answer(problem_of(error))


def _on_http(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < 400:
        return error.get_response()
    _, message, _ = _words(status)
    headers = {
        name: value for name, value in error.get_headers() if name in {"Allow", "Retry-After", "WWW-Authenticate"}
    }
    return answer(Problem(status, _CODES.get(status, "error"), message, headers=headers))


def _on_csrf(_: CSRFError) -> ResponseReturnValue:
    if not is_api() and current_actor().user_id is None and request.path.startswith(_SIGNED_IN):
        flash("You were signed out meanwhile, and nothing was done. Sign in, and you are back where you were.", "error")
        return redirect(f"/sign-in?{urlencode({'next': here()})}", 303)
    message = (
        "Send the header X-CSRFToken with the token of the page, or use a bearer token."
        if is_api()
        else "This page was open for too long, or you signed in elsewhere meanwhile. Nothing was done."
    )
    return answer(Problem(400, "csrf_failed", message))


def _on_too_many(_: RateLimitExceeded) -> ResponseReturnValue:
    return answer(Problem(429, "rate_limited", "There were too many tries in a short time. Wait a moment."))


def _on_unreachable(error: Exception) -> ResponseReturnValue:
    _log.error("database_unreachable", error=type(error).__name__, exc_info=error)
    _forget_the_database()
    return answer(_UNREACHABLE)


def _on_surprise(error: Exception) -> ResponseReturnValue:
    if _is_bad_text(error):
        db.session.rollback()
        return answer(Problem(400, "malformed", "The request holds characters that no text has."))
    if current_app.testing and current_app.config["PROPAGATE_EXCEPTIONS"] is not False:
        raise error  # a test shall see what broke
    _log.error("unexpected_error", exc_info=error)
    _forget_the_database()
    _, message, _ = _words(500)
    return answer(Problem(500, "internal_error", message))


def _is_bad_text(error: Exception) -> bool:
    """A NUL in a parameter, or a half of a surrogate pair: PostgreSQL cannot hold it, so nobody can mean it."""
    if isinstance(error, DataError):
        return "NUL (0x00)" in str(error.orig)
    return isinstance(error, UnicodeEncodeError) and error.reason == "surrogates not allowed"


def _forget_the_database() -> None:
    """The page that tells of the failure must not ask the database who is reading it."""
    if not has_request_context():
        return
    try:
        db.session.rollback()
    except DBAPIError:
        db.session.remove()
    if "_login_user" not in g:
        g._login_user = login.anonymous_user()  # noqa: SLF001 - where Flask-Login looks
    g.is_broken = True  # frames leave out what they would have to ask for


def init_app(app: Flask) -> None:
    """Answer every error by the table."""
    app.register_error_handler(DomainError, _on_refusal)
    app.register_error_handler(HTTPException, _on_http)
    app.register_error_handler(CSRFError, _on_csrf)
    app.register_error_handler(RateLimitExceeded, _on_too_many)
    for kind in (OperationalError, InterfaceError, PoolTimeout):
        app.register_error_handler(kind, _on_unreachable)
    app.register_error_handler(Exception, _on_surprise)
