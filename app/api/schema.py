"""One declaration per endpoint: it checks what comes in, says who may ask, and becomes the OpenAPI document.

Written here and not taken from a library. The nearest (spectree, APIFlask) read a body that is no JSON as an empty one,
let a parameter through that is given twice, answer validation in a form of their own, know nothing of permissions, and
draw their pages with scripts from elsewhere, which our Content-Security-Policy refuses. What remained of them would be
less than this file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Final, Literal, TypeVar

from flask import Blueprint, Response, request
from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from app.api.fields import Given
from app.api.reading import read_body, read_query
from app.api.writing import answer, private
from app.domain.errors import DomainError, SignInRequired
from app.domain.permissions import Permission, require
from app.http.context import current_actor
from app.http.login import require_fresh_password

Method = Literal["GET", "POST", "PUT", "DELETE"]
View = Callable[..., Any]
V = TypeVar("V", bound=View)

PREFIX: Final = "/api"
IDEMPOTENCY_HEADER: Final = "Idempotency-Key"
REAUTHENTICATE: Final = "`password_needed`: type the password again in the browser first; a token is not asked for it"


class Anybody:
    """Nobody needs to be signed in."""


class SignedIn:
    """Whoever is signed in; the action itself asks the rest."""


ANYBODY: Final = Anybody()
SIGNED_IN: Final = SignedIn()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """What an endpoint takes, answers and refuses.

    :param needs: who may ask: anybody, whoever is signed in, or whoever has the permission
    :param refusals: beyond what every such endpoint refuses: the status, and the codes with what they mean
    :param file: the name of the field in which a file comes, as ``multipart/form-data``; then there is no other body
    :param needs_password: a browser must have typed the password lately; a bearer token has none to type (SEC-2)
    :param is_bare: the answer stands alone, without the envelope
    :param media_type: what the answer is; only JSON has a model
    """

    name: str
    method: Method
    rule: str
    tag: str
    summary: str
    description: str
    needs: Permission | SignedIn | Anybody
    query: type[Given] | None = None
    body: type[Given] | None = None
    file: str | None = None
    answer: type[BaseModel] | None = None
    status: int = 200
    is_bare: bool = False
    media_type: str = "application/json"
    is_idempotent: bool = False
    needs_password: bool = False
    refusals: Mapping[int, str] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        return isinstance(self.needs, Anybody)

    @property
    def takes_body(self) -> bool:
        return self.method in {"POST", "PUT", "DELETE"}

    def all_refusals(self) -> dict[int, str]:
        """Every status that is no success, with its codes in words."""
        found = {
            400: "`malformed`: it could not be read" + (", or `csrf_failed`" if self.takes_body else ""),
            401: "`sign_in_required`, `bad_token`: nobody is signed in, or the token does not work",
            422: "`validation_failed`: `fields` says which and why",
            429: "`rate_limited`: too many requests; `Retry-After` says when to try again",
            503: "`unavailable`: a part of the product is away",
        }
        # A bearer token may lack the scope anywhere, also where nobody needs to be signed in.
        found[403] = "`forbidden`, `scope_missing`: this account or token may not do this"
        if self.needs_password:
            found[403] += f"; {REAUTHENTICATE}"
        if "<" in self.rule:
            found[404] = "`not_found`: it does not exist, or is not yours to know of"
        if self.is_idempotent:
            found[409] = "`idempotency_mismatch`: this key came with another request; `busy`: try again in a moment"
        for status, words in self.refusals.items():
            found[status] = f"{found[status]}; {words}" if status in found else words
        return dict(sorted(found.items()))


class Api:
    """A blueprint whose every route is declared."""

    def __init__(self, name: str) -> None:
        self.blueprint = Blueprint(name, __name__, url_prefix=PREFIX)
        self.endpoints: dict[str, Endpoint] = {}

    def declare(
        self,
        method: Method,
        rule: str,
        *,
        tag: str,
        summary: str,
        needs: Permission | SignedIn | Anybody,
        limit: Callable[[View], View] | None = None,
        **declared: Any,
    ) -> Callable[[V], V]:
        """Make a view the endpoint ``method rule``.

        The view gets the parts of the path, and ``query`` and ``body`` where those are declared; what it gives back is
        told as declared. Its docstring, where it has one, describes the endpoint to callers.

        :param limit: how often somebody may ask, one of ``app.http.limits``
        :param declared: the rest of ``Endpoint``
        """

        def decorate(view: V) -> V:
            endpoint = Endpoint(
                name=view.__name__,
                method=method,
                rule=rule,
                tag=tag,
                summary=summary,
                description=" ".join((view.__doc__ or "").split()),
                needs=needs,
                **declared,
            )
            self.endpoints[f"{self.blueprint.name}.{endpoint.name}"] = endpoint
            guarded = _guarded(endpoint, view)
            self.blueprint.add_url_rule(
                rule, endpoint.name, limit(guarded) if limit else guarded, methods=[method], strict_slashes=True
            )
            return view

        return decorate


def idempotency_key() -> str | None:
    """The caller's ``Idempotency-Key`` (API-2)."""
    return request.headers.get(IDEMPOTENCY_HEADER)


def _guarded(endpoint: Endpoint, view: View) -> View:
    @wraps(view)
    def serve(**path: Any) -> Response:
        _require(endpoint)
        given: dict[str, Any] = dict(path)
        query, body = read_query(endpoint.query), _read_body(endpoint)
        if query is not None:
            given["query"] = query
        if body is not None:
            given["body"] = body
        try:
            found = view(**given)
        except DomainError as error:
            _say_in_camel_case(error)
            raise
        if isinstance(found, Response):
            return private(found)
        return answer(found, status=endpoint.status, is_bare=endpoint.is_bare)

    return serve


def _read_body(endpoint: Endpoint) -> Given | None:
    """The body as declared; a file is the view's own to read."""
    return read_body(endpoint.body) if endpoint.takes_body and endpoint.file is None else None


def _require(endpoint: Endpoint) -> None:
    actor = current_actor()
    match endpoint.needs:
        case Permission() as permission:
            require(actor, permission)
        case SignedIn() if actor.user_id is None:
            raise SignInRequired("Please sign in first.")
        case _:
            pass
    if endpoint.needs_password:
        require_fresh_password()


def _say_in_camel_case(error: DomainError) -> None:
    """Put a refusal into the API's spelling: the floors below name fields and facts as Python does."""
    error.fields = {_camel(name): message for name, message in error.fields.items()}
    error.details = {_camel(name): value for name, value in error.details.items()}


def _camel(name: str) -> str:
    return ".".join(to_camel(part) if "_" in part.strip("_") else part for part in name.split("."))


api = Api("api")
