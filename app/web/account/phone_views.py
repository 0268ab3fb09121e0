"""One's number for text messages before sessions (SMS-1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, flash, redirect, url_for
from flask_login import current_user

from app.domain.errors import Conflict, Invalid
from app.domain.permissions import Permission
from app.http.adapters import adapters
from app.http.context import current_context
from app.http.limits import limit_text_message
from app.http.login import requires
from app.people.phones import confirm_phone, give_phone, phone_of, remove_phone
from app.web.account.forms import CodeForm, PhoneForm
from app.web.forms import show, text_of

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.domain.errors import DomainError

bp = Blueprint("phone", __name__)


@bp.before_request
def _only_where_messages_are_sent() -> None:
    if adapters().sms is None:
        abort(404)


@bp.route("/account/phone", methods=["GET", "POST"])
@requires(Permission.OWN_SESSION_VIEW)
@limit_text_message
def own_phone() -> ResponseReturnValue:
    form, error = PhoneForm(), None
    if form.validate_on_submit():
        try:
            give_phone(current_user.id, number=text_of(form.number), ctx=current_context())
        except (Invalid, Conflict) as refusal:
            error = refusal
        else:
            flash("A code is on its way to your phone.", "success")
            return redirect(url_for("phone.own_phone"), 303)
    return _shown(form, error)


@bp.post("/account/phone/confirm")
@requires(Permission.OWN_SESSION_VIEW)
@limit_text_message
def confirm() -> ResponseReturnValue:
    form, error = CodeForm(), None
    if form.validate_on_submit():
        try:
            confirm_phone(current_user.id, code=text_of(form.code), ctx=current_context())
        except Invalid as refusal:
            error = refusal
        else:
            flash("Your number is confirmed. You get a text message 15 minutes before your sessions.", "success")
            return redirect(url_for("phone.own_phone"), 303)
    return _shown(form, error)


@bp.post("/account/phone/remove")
@requires(Permission.OWN_SESSION_VIEW)
def remove() -> ResponseReturnValue:
    remove_phone(current_user.id, ctx=current_context())
    flash("Your number is forgotten. You get no more text messages.", "success")
    return redirect(url_for("phone.own_phone"), 303)


def _shown(form: PhoneForm | CodeForm, error: DomainError | None) -> ResponseReturnValue:
    sender, is_code = adapters().sms, isinstance(form, CodeForm)
    return show(
        "account/phone.html",
        form,
        error,
        phone=phone_of(current_user.id),
        number_form=PhoneForm(formdata=None) if is_code else form,
        code_form=form if is_code else CodeForm(formdata=None),
        is_on_console=sender is not None and sender.name == "console",
    )
