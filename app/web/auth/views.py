"""Pages for strangers who want in, and the way out (ID-2, ID-3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, current_app, flash, redirect, render_template, request, session, url_for
from flask_login import current_user

from app.domain.errors import DomainError, Forbidden, Invalid
from app.http import login
from app.http.context import current_context
from app.http.frame import home_of
from app.http.limits import limit_registration, limit_reset, limit_secret_link, limit_sign_in
from app.http.redirects import local_path, safe_next
from app.people import registration, sign_in
from app.web.auth.forms import ConfirmForm, ForgotForm, RegisterForm, ResetForm, SignInForm
from app.web.forms import show, text_of

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

bp = Blueprint("auth", __name__)
_AFTERWARDS = "afterwards"


def _wanted() -> str | None:
    """Where the person was on the way to, when he or she had to sign in or register first."""
    return local_path(request.values.get("next")) or local_path(session.get(_AFTERWARDS))


@bp.route("/sign-in", methods=["GET", "POST"], endpoint="sign_in")
@limit_sign_in
def sign_in_page() -> ResponseReturnValue:
    wanted = _wanted()
    if current_user.is_authenticated and request.method == "GET":
        return redirect(wanted or home_of(current_user))
    form = SignInForm()
    error = None
    if form.validate_on_submit():
        try:
            user = sign_in.authenticate(text_of(form.email), text_of(form.password))
        except (Invalid, Forbidden) as refusal:
            error = refusal
        else:
            login.sign_in(user, remember=form.remember.data)
            return redirect(wanted or home_of(user), 303)
    return show("auth/sign_in.html", form, error, wanted=wanted)


@bp.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    login.sign_out()
    flash("You are signed out.", "success")
    return redirect(url_for("auth.sign_in"), 303)


@bp.route("/register", methods=["GET", "POST"])
@limit_registration
def register() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect(home_of(current_user))
    form = RegisterForm()
    error = None
    if request.method == "GET" and local_path(request.args.get("next")):
        session[_AFTERWARDS] = local_path(request.args["next"])
    if form.validate_on_submit():
        try:
            registration.ask_to_register(
                email=text_of(form.email),
                name=text_of(form.name),
                password=text_of(form.password),
                timezone=form.timezone.data,
                ctx=current_context(),
            )
        except Invalid as refusal:
            error = refusal
        else:
            return redirect(url_for("auth.check_mail", what="register"), 303)
    return show("auth/register.html", form, error)


@bp.get("/check-mail")
def check_mail() -> ResponseReturnValue:
    settings = current_app.extensions["desk-settings"]
    return render_template(
        "auth/check_mail.html", what=request.args.get("what"), is_local_mailbox=not settings.mail_server
    )


@bp.route("/register/<token>", methods=["GET", "POST"])
@limit_secret_link
def confirm_registration(token: str) -> ResponseReturnValue:
    # A GET changes nothing: mail scanners open every link.
    form, ctx = ConfirmForm(), current_context()
    if form.validate_on_submit():
        try:
            user = registration.confirm_registration(token, ctx=ctx)
        except Invalid:
            return _ended()
        wanted = local_path(session.get(_AFTERWARDS))
        login.sign_in(user)
        flash({"title": f"Welcome, {user.name}", "text": "Your account is ready."}, "success")  # type: ignore[arg-type]
        return redirect(safe_next(wanted, "/mentors"), 303)
    waiting = registration.registration_of(token, ctx=ctx)
    if waiting is None:
        return _ended()
    return show("auth/confirm.html", form, waiting=waiting)


@bp.route("/forgot-password", methods=["GET", "POST"])
@limit_reset
def forgot_password() -> ResponseReturnValue:
    form = ForgotForm()
    if form.validate_on_submit():
        sign_in.request_reset(text_of(form.email), ctx=current_context())
        return redirect(url_for("auth.check_mail", what="reset"), 303)
    return show("auth/forgot.html", form)


@bp.route("/reset-password/<token>", methods=["GET", "POST"])
@limit_secret_link
def reset_password(token: str) -> ResponseReturnValue:
    form, ctx = ResetForm(), current_context()
    error: DomainError | None = None
    if form.validate_on_submit():
        try:
            user = sign_in.reset_password(token, new=text_of(form.password), ctx=ctx)
        except Invalid as refusal:
            error = refusal
        else:
            login.sign_in(user)
            flash("Your new password holds. You were signed out everywhere else.", "success")
            return redirect(home_of(user), 303)
    if not sign_in.reset_is_live(token, ctx=ctx):
        return _ended()
    return show("auth/reset.html", form, error)


def _ended() -> ResponseReturnValue:
    return render_template("auth/link_ended.html"), 404
