"""Who is signed in: a random token in the signed cookie, its hash in ``logins``; or a bearer token for the API (SEC-2).

The cookie alone is worth nothing: each request asks the database, so that signing out, a new password, suspension or a
new role work at once in every browser. A request with an ``Authorization`` header never looks at the cookie.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache, wraps
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from flask import Request, g, has_request_context, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_login import current_user
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy.exc import SQLAlchemyError

from app.domain.context import Actor
from app.domain.errors import Forbidden, SignInRequired
from app.domain.permissions import Permission, require
from app.extensions import login
from app.foundation.transaction import read_alone
from app.http.context import current_actor, current_context, request_globals, request_itself, request_now
from app.models import User
from app.people import logins, tokens
from app.people.logins import OpenLogin, Person

if TYPE_CHECKING:
    from flask import Flask, Response

P = ParamSpec("P")
R = TypeVar("R")

API_PREFIX = "/api/"
# What a provider sends in that header is for whoever checks the provider.
_WEBHOOKS = f"{API_PREFIX}webhooks/"
LIVE_STREAM = "/api/notifications/stream"
_TOKEN = "login"  # noqa: S105 - the name of a place in the cookie
_COOKIE_LIFE = timedelta(days=60)
# Endpoints and whole blueprints that are the same for everybody.
_ASK_NOBODY = frozenset({"static", "photo", "api.openapi_document", "health", "metrics", "webhooks"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class PasswordNeeded(Forbidden):
    """The password has to be typed again before money or policies are touched (SEC-2)."""

    code = "password_needed"


def sign_in(user: User, remember: bool = False) -> None:  # noqa: FBT001, FBT002 - as Flask-Login's own
    """Sign this browser in with a new session, so that nothing planted in the old one survives (B-6)."""
    ctx = current_context().acting_as(_actor(user))
    token = logins.open_login(user, remembered=remember, ctx=ctx)
    session.clear()
    g.pop("csrf_token", None)
    session[_TOKEN] = token
    session.permanent = remember and not user.is_staff
    _become(user, None)


def sign_out() -> None:
    """Sign this browser out, in the database first: a copy of its cookie is worth nothing afterwards."""
    found = current_login()
    if found is not None:
        logins.end_login(found.id, user_id=found.user_id, ctx=current_context())
    session.clear()
    g.pop("csrf_token", None)
    _become(None, None)


def current_login() -> OpenLogin | None:
    """The row of this browser's sign-in; None for a bearer token and for nobody."""
    if not current_user.is_authenticated:
        return None
    found: OpenLogin | None = g.get("login_row")
    return found


def is_api() -> bool:
    """Whether this request is one to the JSON API."""
    return request.path.startswith(API_PREFIX)


def has_bearer() -> bool:
    """Whether this request brings a bearer token of its own, which no other site's page can make a browser send."""
    return is_api() and not request.path.startswith(_WEBHOOKS) and "Authorization" in request.headers


def require_fresh_password() -> None:
    """Let money and policies be touched only shortly after the password was typed (SEC-2).

    Ten minutes for a page that is just opened, a quarter of an hour for whoever goes on with it. The login's row
    remembers when, so that it counts for this browser alone, and ends with it. A bearer token cannot confirm a
    password; what it may do was chosen when it was made.

    :raises SignInRequired: when nobody is signed in
    :raises PasswordNeeded: when the last time was too long ago
    """
    if current_actor().user_id is None:
        raise SignInRequired("Please sign in first.")
    require_fresh_password_if(lambda: True)


def require_fresh_password_if(moves_money: Callable[[], bool]) -> None:
    """The same for what may move money and may not, which is asked only where the password is not fresh.

    :raises PasswordNeeded: when the last time was too long ago, and money moves
    """
    found = current_login()
    begins = request.method in _SAFE_METHODS and not request.args
    within = logins.FRESH_TO_BEGIN if begins else logins.FRESH_FOR
    if found is not None and not logins.is_fresh(found, now=request_now(), within=within) and moves_money():
        raise PasswordNeeded("Please type your password again before you go on.")


def requires(permission: Permission) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A view for whoever has ``permission``: others get to the sign-in page (401 in the API), or 403 (ADM-2)."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            require(current_actor(), permission)
            return view(*args, **kwargs)

        return guarded

    return decorate


def signed_in(view: Callable[P, R]) -> Callable[P, R]:
    """A view for whoever is signed in: others get to the sign-in page (401 in the API)."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if not current_user.is_authenticated:
            raise SignInRequired("Please sign in first.")
        return view(*args, **kwargs)

    return guarded


def _ask_early() -> None:
    """Send the question whose cookie this is before limits, origins and routes are looked at: it answers meanwhile."""
    here = request_itself()
    is_theirs = here.method in _SAFE_METHODS and _ASK_NOBODY.isdisjoint((here.endpoint, here.blueprint))
    if not is_theirs or has_bearer():
        return
    token = session.get(_TOKEN)
    if isinstance(token, str):
        # Without a database whoever needs to know asks again, and says so.
        with suppress(SQLAlchemyError):
            read_alone()
            request_globals().login_asked = token, logins.ask_for_login(token, now=request_now())


def _load_user(_: Request) -> User | Person | None:
    if request.method in _SAFE_METHODS:
        read_alone()
    return _from_bearer() if has_bearer() else _from_cookie()


def _from_cookie() -> Person | None:
    token, here = session.get(_TOKEN), request_globals()
    if not isinstance(token, str):
        return None
    asked_for, answer = here.pop("login_asked", (None, None))
    # A request that signs somebody in has another token by now.
    found = answer() if asked_for == token else logins.find_login(token, now=request_now())
    if found is None:
        return None
    _remember(found.user, found.login)
    here.unread = found.unread
    if not _asks_by_itself():
        logins.note_seen(found.login, now=request_now())
    return found.user


def _asks_by_itself() -> bool:
    """Whether the page asks and nobody before it: that must not keep somebody signed in who went away (SEC-2)."""
    asked = request_itself()
    return asked.path == LIVE_STREAM or asked.headers.get("X-Requested-With") == "live"


def _from_bearer() -> User | None:
    scheme, _, secret = request.headers["Authorization"].partition(" ")
    if scheme.lower() != "bearer":
        return None
    found = tokens.authenticate_token(secret.strip(), now=request_now())
    if found is None:
        return None
    token, user = found
    _remember(user, None)
    g.token_scopes, g.token_id = tuple(token.scopes), token.id
    return user


def _remember(user: User | Person, row: OpenLogin | None) -> None:
    here = request_globals()
    here.actor = _actor(user)
    here.login_row = row
    here.viewer_zone = user.timezone


def _become(user: User | None, row: OpenLogin | None) -> None:
    """The rest of this request is the new person's; Flask-Login keeps its user in ``g``, too."""
    for name in ("_login_user", "actor", "login_row", "unread", "viewer_zone"):
        g.pop(name, None)
    if user is not None:
        g._login_user = user  # noqa: SLF001 - where Flask-Login looks
        _remember(user, row)


def _actor(user: User | Person) -> Actor:
    return Actor.user(user.id, user.role, user.name)


def _unauthorized() -> None:
    raise SignInRequired("Please sign in first.")


def _check_bearer() -> None:
    """A bad or too narrow token is refused before any view runs, so that no view can forget to ask."""
    if not has_bearer():
        return
    if not current_user.is_authenticated:
        raise SignInRequired("This token does not work: it is unknown, was revoked, or has ended.", code="bad_token")
    scope = tokens.Scope.READ if request.method in _SAFE_METHODS else tokens.Scope.WRITE
    if not tokens.scope_allows(g.token_scopes, scope):
        raise Forbidden(f"This token does not have the scope “{scope}”.", code="scope_missing")


def _keep_out_of_caches(response: Response) -> Response:
    """Going back after signing out must not bring a page of the signed-in person up again."""
    if "Cache-Control" not in response.headers and (_TOKEN in session or has_bearer()) and request.endpoint != "static":
        response.headers["Cache-Control"] = "private, no-store"
    return response


def _viewer_zone() -> dict[str, str]:
    """Loading the user for a page's frame also sets the zone in which that page's times are written (ID-7)."""
    if has_request_context():
        _ = current_user.is_authenticated
    return {}


@lru_cache(maxsize=1024)
def _verified(signer: URLSafeTimedSerializer, cookie: str) -> tuple[Mapping[str, str | bool], datetime]:
    """What a cookie holds, and when it was signed; only what nobody can change is kept here.

    :raises BadSignature: it is not ours
    :raises TypeError: it holds something else
    """
    held, signed_at = signer.loads(cookie, return_timestamp=True)
    if not all(type(value) in {str, bool} for value in held.values()):
        raise TypeError("only texts and marks are kept")
    return MappingProxyType(held), signed_at


class _Cookies(SecureCookieSessionInterface):
    """Flask's signed cookie: its signer is made once for each set of keys, and a cookie verified once.

    How old it is is asked each time, and whom it signs in is asked of the database (``people.logins``).
    """

    def __init__(self) -> None:
        self._signers: dict[tuple[Any, ...], URLSafeTimedSerializer | None] = {}

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        keys = (app.secret_key, *(app.config["SECRET_KEY_FALLBACKS"] or ()))
        if keys not in self._signers:
            self._signers[keys] = super().get_signing_serializer(app)
        return self._signers[keys]

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        signer, cookie = self.get_signing_serializer(app), request.cookies.get(self.get_cookie_name(app))
        if signer is not None and cookie:
            try:
                held, signed_at = _verified(signer, cookie)
            except (BadSignature, TypeError):
                pass
            else:
                if timedelta() <= datetime.now(UTC) - signed_at < app.permanent_session_lifetime:
                    return self.session_class(held)
        return super().open_session(app, request)


def init_app(app: Flask) -> None:
    """Teach Flask-Login to find users, and guard the API's tokens."""
    app.session_interface = _Cookies()
    app.config["PERMANENT_SESSION_LIFETIME"] = _COOKIE_LIFE
    login.request_loader(_load_user)
    login.unauthorized_handler(_unauthorized)
    app.before_request(_ask_early)
    app.before_request(_check_bearer)
    app.after_request(_keep_out_of_caches)
    app.context_processor(_viewer_zone)
