"""What a mentor offers: length, price, and how to meet (AV-7). Sessions already sold keep what they were sold with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for

from app.booking.offerings import (
    GivenOffering,
    create_offering,
    offerings_of,
    restore_offering,
    retire_offering,
    update_offering,
)
from app.domain.errors import Conflict, DomainError, Invalid, NotFound
from app.domain.money import Money
from app.domain.permissions import Permission
from app.domain.vocabulary import BookingMode, MeetingType
from app.http.context import current_actor, current_context
from app.http.errors import refused
from app.http.login import requires
from app.web.field_names import as_typed
from app.web.forms import show
from app.web.mentor.forms import OfferingForm

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.models import MentorOffering

bp = Blueprint("offerings", __name__)


@bp.get("/mentor/offerings")
@requires(Permission.OWN_OFFERING_EDIT)
def overview() -> ResponseReturnValue:
    return render_template("mentor/offerings.html", offerings=_mine())


@bp.route("/mentor/offerings/new", methods=["GET", "POST"])
@requires(Permission.OWN_OFFERING_EDIT)
def add() -> ResponseReturnValue:
    form = OfferingForm()
    error: DomainError | None = None
    if form.validate_on_submit():
        try:
            create_offering(_given(form), ctx=current_context())
        except Invalid as refusal:
            error = as_typed(refusal)
        except Conflict as refusal:
            return refused(refusal, url_for("offerings.overview"))
        else:
            flash("Your offering can be booked now.", "success")
            return redirect(url_for("offerings.overview"), 303)
    return show("mentor/offering.html", form, error, offering=None)


@bp.route("/mentor/offerings/<uuid:offering_id>", methods=["GET", "POST"])
@requires(Permission.OWN_OFFERING_EDIT)
def edit(offering_id: UUID) -> ResponseReturnValue:
    offering = next((each for each in _mine() if each.id == offering_id), None)
    if offering is None:
        raise NotFound
    form = OfferingForm(**_shown(offering)) if request.method == "GET" else OfferingForm()
    error: DomainError | None = None
    if form.validate_on_submit():
        try:
            update_offering(offering_id, _given(form), ctx=current_context())
        except Invalid as refusal:
            error = as_typed(refusal)
        else:
            flash("Saved. Sessions already booked keep their price and length.", "success")
            return redirect(url_for("offerings.overview"), 303)
    return show("mentor/offering.html", form, error, offering=offering)


@bp.post("/mentor/offerings/<uuid:offering_id>/retire")
@requires(Permission.OWN_OFFERING_EDIT)
def retire(offering_id: UUID) -> ResponseReturnValue:
    retire_offering(offering_id, ctx=current_context())
    flash("It cannot be booked any more. Sessions already booked stand.", "success")
    return redirect(url_for("offerings.overview"), 303)


@bp.post("/mentor/offerings/<uuid:offering_id>/restore")
@requires(Permission.OWN_OFFERING_EDIT)
def restore(offering_id: UUID) -> ResponseReturnValue:
    restore_offering(offering_id, ctx=current_context())
    flash("It can be booked again.", "success")
    return redirect(url_for("offerings.overview"), 303)


def _given(form: OfferingForm) -> GivenOffering:
    """What was typed, as ``booking.offerings`` judges it.

    :raises Invalid: for a price that is none
    """
    try:
        rate = Money.parse((form.rate.data or "").replace(",", "."), form.currency.data)
    except ValueError:
        message = "Write a price such as 50.00, or 0 for a free session."
        raise Invalid(message, fields={"rate": message}) from None
    return GivenOffering(
        title=form.title.data or "",
        description=form.description.data or "",
        duration=form.duration.data or 0,
        rate_minor=rate.minor,
        currency=rate.currency,
        booking_mode=BookingMode(form.booking_mode.data),
        meeting_types=[MeetingType(kind) for kind in form.meeting_types.data or ()],
        location=form.location.data,
    )


def _shown(offering: MentorOffering) -> dict[str, Any]:
    return {
        "title": offering.title,
        "description": offering.description,
        "duration": offering.duration,
        "rate": str(Money(offering.rate_minor, offering.currency).amount),
        "currency": offering.currency,
        "booking_mode": offering.booking_mode.value,
        "meeting_types": list(offering.meeting_types),
        "location": offering.location,
    }


def _mine() -> list[MentorOffering]:
    user = current_actor().user_id
    return offerings_of(user, with_retired=True) if user else []
