"""The caller's own bearer tokens."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from flask import g
from pydantic import Field

from app.api.fields import Given, Instant, Told
from app.api.people import own_id
from app.api.schema import REAUTHENTICATE, api, idempotency_key
from app.domain.errors import Conflict, Forbidden
from app.domain.permissions import Permission
from app.foundation.idempotency import once
from app.http.context import current_context
from app.http.limits import limit_password
from app.http.login import require_fresh_password
from app.models import ApiToken
from app.people.tokens import LONGEST_NAME, MOST_TOKENS, Scope, issue_token, live_tokens, revoke_token

_TAG = "Tokens"


class NewToken(Given):
    name: str = Field(
        min_length=1, max_length=LONGEST_NAME, description="What will use it.", examples=["Reporting script"]
    )
    scopes: list[Scope] = Field(
        default_factory=list,
        max_length=len(Scope),
        description="`read` for GET, `write` for the rest; all that you may do when left out.",
        examples=[["read"]],
    )
    expires_at: Instant | None = Field(
        None, description="When it ends; never, when left out.", examples=["2030-01-01T00:00:00Z"]
    )


class WhichToken(Given):
    id: UUID


class TokenTold(Told):
    id: UUID
    name: str
    scopes: list[Scope]
    created_at: Instant
    expires_at: Instant | None
    last_used_at: Instant | None = Field(description="To within a few minutes.")


class TokenMade(TokenTold):
    token: str = Field(description="The secret. It is shown here once and kept nowhere.")


class TokenList(Told):
    tokens: list[TokenTold] = Field(description=f"Newest first; {MOST_TOKENS} at most.")


class TokenRevoked(Told):
    id: UUID


@api.declare(
    "GET",
    "/auth/tokens",
    tag=_TAG,
    summary="Your tokens that work",
    needs=Permission.OWN_TOKEN_MANAGE,
    answer=TokenList,
)
def list_tokens() -> TokenList:
    ctx = current_context()
    return TokenList(tokens=[TokenTold(**_facts(row)) for row in live_tokens(own_id(), now=ctx.now)])


@api.declare(
    "POST",
    "/auth/tokens",
    tag=_TAG,
    summary="Make a token",
    needs=Permission.OWN_TOKEN_MANAGE,
    body=NewToken,
    answer=TokenMade,
    status=201,
    limit=limit_password,
    is_idempotent=True,
    refusals={403: REAUTHENTICATE, 409: "`made_already`: with this key, and its secret is not kept"},
)
def make_token(body: NewToken) -> TokenMade:
    """A token never gets scopes that the token with which it is made does not have."""
    require_fresh_password()
    _require_no_wider(body.scopes)
    ctx = current_context()
    made: list[tuple[ApiToken, str]] = []

    def run() -> dict[str, object]:
        made.append(issue_token(own_id(), name=body.name, scopes=body.scopes, expires_at=body.expires_at, ctx=ctx))
        return {}  # the secret is kept nowhere, so that it cannot be told again

    once(idempotency_key(), scope="make token", body=body.model_dump(mode="json"), ctx=ctx, run=run)
    if not made:
        raise Conflict("A token was made with this key already. Revoke it if its secret was lost.", code="made_already")
    row, secret = made[0]
    return TokenMade(**_facts(row), token=secret)


@api.declare(
    "DELETE",
    "/auth/tokens",
    tag=_TAG,
    summary="Revoke a token",
    needs=Permission.OWN_TOKEN_MANAGE,
    query=WhichToken,
    answer=TokenRevoked,
    refusals={404: "`not_found`: you have no such token"},
)
def end_token(query: WhichToken) -> TokenRevoked:
    """It stops working at once."""
    revoke_token(query.id, user_id=own_id(), ctx=current_context())
    return TokenRevoked(id=query.id)


def _require_no_wider(scopes: Collection[Scope]) -> None:
    """A token must not be the way to one that may more."""
    own = set(g.get("token_scopes") or ())
    if own and (not scopes or not own.issuperset(scopes)):
        raise Forbidden("Your token can only make tokens with scopes of its own.", code="scope_missing")


def _facts(row: ApiToken) -> dict[str, object]:
    return {
        "id": row.id,
        "name": row.name,
        "scopes": [Scope(scope) for scope in row.scopes],
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "last_used_at": row.last_used_at,
    }
