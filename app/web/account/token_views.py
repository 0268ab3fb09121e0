"""Bearer tokens for the API, as their owner handles them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from flask import Blueprint, flash, redirect, url_for
from flask_login import current_user

from app.domain.errors import Invalid
from app.http.context import current_context, request_now
from app.http.login import require_fresh_password, signed_in
from app.people import tokens
from app.web.account.forms import TokenForm
from app.web.forms import show, text_of

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

bp = Blueprint("account_tokens", __name__)


@bp.route("/account/tokens", methods=["GET", "POST"], endpoint="own_tokens")
@signed_in
def own_tokens() -> ResponseReturnValue:
    form = TokenForm()
    error, secret = None, None
    if form.is_submitted():
        # Whoever finds an open browser must not be able to take the account along.
        require_fresh_password()
    if form.validate_on_submit():
        ctx = current_context()
        try:
            _, secret = tokens.issue_token(
                current_user.id,
                name=text_of(form.name),
                scopes=[tokens.Scope(form.scope.data)] if form.scope.data else [],
                expires_at=ctx.now + timedelta(days=int(form.days.data)),
                ctx=ctx,
            )
        except Invalid as refusal:
            error = refusal
        else:
            form = TokenForm(formdata=None)
    # The secret is shown in this answer and never again, so it is not put off behind a redirect.
    return show(
        "account/tokens.html",
        form,
        error,
        secret=secret,
        tokens=tokens.live_tokens(current_user.id, now=request_now()),
    )


@bp.post("/account/tokens/<uuid:token_id>/revoke")
@signed_in
def revoke_token(token_id: UUID) -> ResponseReturnValue:
    tokens.revoke_token(token_id, user_id=current_user.id, ctx=current_context())
    flash("The token no longer works.", "success")
    return redirect(url_for("account_tokens.own_tokens"), 303)
