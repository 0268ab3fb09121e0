"""Applying as a mentor (ID-3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_login import current_user

from app.domain.errors import Conflict, DomainError, Forbidden, Invalid
from app.domain.money import Money
from app.extensions import db
from app.http import login
from app.http.context import current_context
from app.http.login import signed_in
from app.models import MentorProfile, User
from app.people import mentors
from app.web.account.forms import ApplicationForm
from app.web.forms import show, text_of

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

bp = Blueprint("mentor_application", __name__)


@bp.route("/mentor/apply", methods=["GET", "POST"], endpoint="apply")
@signed_in
def application() -> ResponseReturnValue:
    if current_user.is_staff:
        raise Forbidden("Staff cannot be mentors with the same account.")
    user: User = current_user
    known = db.session.get(MentorProfile, user.id)
    if known is not None and known.declined_at is None:
        return render_template("account/application_state.html", profile=known)
    form = _form(user, known)
    error: DomainError | None = None
    if form.validate_on_submit():
        try:
            _apply(user, form)
        except (Invalid, Conflict) as refusal:
            error = refusal
        else:
            flash("Your application has reached us.", "success")
            return redirect(url_for("mentor_application.apply"), 303)
    return show("account/apply.html", form, error, profile=known)


def _form(user: User, known: MentorProfile | None) -> ApplicationForm:
    if known is None:
        return ApplicationForm(timezone=user.timezone)
    rate = Money(known.requested_rate_minor or 0, known.requested_currency or "EUR")
    return ApplicationForm(
        headline=known.headline,
        bio=known.bio,
        expertise=", ".join(known.expertise),
        timezone=user.timezone,
        rate=str(rate.amount),
        currency=rate.currency,
    )


def _apply(user: User, form: ApplicationForm) -> None:
    try:
        rate = Money.parse(text_of(form.rate), form.currency.data)
    except ValueError:
        problem = "Write a price such as 60 or 59.50."
        raise Invalid(problem, fields={"rate": problem}) from None
    was_signed_in = login.current_login()
    mentors.apply_as_mentor(
        user.id,
        headline=text_of(form.headline),
        bio=text_of(form.bio),
        expertise=text_of(form.expertise).split(","),
        timezone=form.timezone.data,
        rate_minor=rate.minor,
        currency=rate.currency,
        ctx=current_context(),
    )
    # A new role ends every sign-in; the person who asked for it stays, in a session of its own.
    login.sign_in(db.session.get_one(User, user.id), remember=bool(was_signed_in and was_signed_in.remembered))
