"""Profile, photo, password and sign-ins of whoever is signed in (ID-2, ID-6, SEC-2)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user

from app.domain.errors import Invalid
from app.http import login
from app.http.bodies import takes_up_to
from app.http.context import current_context, request_now
from app.http.errors import refused
from app.http.frame import home_of
from app.http.limits import limit_password, limit_upload
from app.http.login import signed_in
from app.http.photos import photo_folder
from app.http.redirects import safe_next
from app.people import avatars, logins, profile, sign_in
from app.web.account.devices import device_icon, device_name
from app.web.account.forms import ConfirmPasswordForm, PasswordForm, PhotoForm, ProfileForm
from app.web.forms import show, text_of

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

bp = Blueprint("account", __name__)


@bp.get("/account")
@signed_in
def overview() -> ResponseReturnValue:
    return redirect(url_for("account.edit_profile"))


@bp.route("/account/profile", methods=["GET", "POST"])
@signed_in
def edit_profile() -> ResponseReturnValue:
    form = ProfileForm(
        name=current_user.name,
        timezone=current_user.timezone,
        **{key: profile.preference(current_user, key) for key in profile.PREFERENCES},
    )
    error = None
    if form.validate_on_submit():
        try:
            profile.update_profile(
                current_user.id,
                name=text_of(form.name),
                timezone=form.timezone.data,
                preferences={key: form[key].data for key in profile.PREFERENCES},
                ctx=current_context(),
            )
        except Invalid as refusal:
            error = refusal
        else:
            flash("Your profile is saved.", "success")
            return redirect(url_for("account.edit_profile"), 303)
    return show("account/profile.html", form, error, photo_form=PhotoForm(formdata=None))


@bp.post("/account/photo")
@signed_in
@limit_upload
@takes_up_to(avatars.LARGEST_BYTES + 64 * 1024)
def upload_photo() -> ResponseReturnValue:
    form = PhotoForm()
    here = url_for("account.edit_profile")
    if not form.validate_on_submit():
        flash("Choose a photo first.", "error")
        return redirect(here, 303)
    content = form.photo.data.stream.read(avatars.LARGEST_BYTES + 1)
    try:
        avatars.set_avatar(current_user.id, content, folder=photo_folder(), ctx=current_context())
    except Invalid as error:
        return refused(error, here)
    flash("Your photo is saved.", "success")
    return redirect(here, 303)


@bp.post("/account/photo/remove")
@signed_in
def remove_photo() -> ResponseReturnValue:
    avatars.remove_avatar(current_user.id, folder=photo_folder(), ctx=current_context())
    flash("Your photo is removed.", "success")
    return redirect(url_for("account.edit_profile"), 303)


@bp.route("/account/password", methods=["GET", "POST"])
@signed_in
@limit_password
def change_password() -> ResponseReturnValue:
    form = PasswordForm()
    error = None
    if form.validate_on_submit():
        found = login.current_login()
        try:
            user = sign_in.change_password(
                current_user.id, current=text_of(form.current), new=text_of(form.new), ctx=current_context()
            )
        except Invalid as refusal:
            error = refusal
        else:
            login.sign_in(user, remember=bool(found and found.remembered))
            flash("Your new password holds. You were signed out everywhere else.", "success")
            return redirect(url_for("account.change_password"), 303)
    return show("account/password.html", form, error)


@bp.route("/account/confirm-password", methods=["GET", "POST"])
@signed_in
@limit_password
def confirm_password() -> ResponseReturnValue:
    wanted = safe_next(request.values.get("next"), home_of(current_user))
    form = ConfirmPasswordForm()
    error = None
    found = login.current_login()
    if found is not None and form.validate_on_submit():
        try:
            sign_in.confirm_password(current_user.id, text_of(form.password))
        except Invalid as refusal:
            error = refusal
        else:
            logins.note_password_confirmed(found.id, ctx=current_context())
            return redirect(wanted, 303)
    return show("account/confirm_password.html", form, error, wanted=wanted)


@bp.get("/account/sign-ins")
@signed_in
def sign_ins() -> ResponseReturnValue:
    found = login.current_login()
    return render_template(
        "account/sign_ins.html",
        logins=logins.live_logins(current_user.id, now=request_now()),
        own_id=found.id if found else None,
        device_name=device_name,
        device_icon=device_icon,
    )


@bp.post("/account/sign-ins/<uuid:login_id>/end")
@signed_in
def end_sign_in(login_id: UUID) -> ResponseReturnValue:
    logins.end_login(login_id, user_id=current_user.id, ctx=current_context())
    flash("That device is signed out.", "success")
    return redirect(url_for("account.sign_ins"), 303)


@bp.post("/account/sign-ins/end-others")
@signed_in
def end_other_sign_ins() -> ResponseReturnValue:
    found = login.current_login()
    ended = logins.end_logins_of(current_user.id, ctx=current_context(), but=found.id if found else None)
    flash(f"You are signed out on {ended} other device{'' if ended == 1 else 's'}.", "success")
    return redirect(url_for("account.sign_ins"), 303)
