"""A mentor answers a request (BK-5)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Blueprint, flash, redirect, url_for
from flask_login import current_user

from app.booking.offerings import offerings_of
from app.booking.queries import load_session_row
from app.booking.read_models import SessionRow
from app.booking.review_request import approve_request, reject_request
from app.domain.errors import Conflict, DomainError, Forbidden, Invalid, SlotTaken
from app.domain.money import Money
from app.domain.permissions import Permission
from app.domain.vocabulary import SessionStatus
from app.domain.wording import format_duration, format_money, format_when
from app.http.context import current_context, request_now
from app.http.errors import refused
from app.http.login import requires
from app.models import MentorOffering
from app.web.asking import instant, viewer_zone
from app.web.field_names import as_typed
from app.web.forms import show
from app.web.sessions.forms import ApproveForm, DeclineForm
from app.web.wall_time import wall_instant

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

bp = Blueprint("requests", __name__)


@bp.route("/sessions/<uuid:session_id>/approve", methods=["GET", "POST"])
@requires(Permission.OWN_REQUEST_REVIEW)
def approve(session_id: UUID) -> ResponseReturnValue:
    ctx = current_context()
    row = load_session_row(session_id, ctx=ctx)
    back = url_for("sessions.page", session_id=session_id)
    if not row.decisions["approve"].allowed:
        return refused(row.decisions["approve"].error(), back)
    form = ApproveForm()
    _ask_what_is_open(form, row)
    error: DomainError | None = None
    if form.validate_on_submit():
        try:
            approve_request(
                session_id,
                message=form.message.data or "",
                meeting_url=(form.meeting_url.data or "").strip() or None,
                scheduled_at=_start(form) if row.scheduled_at is None else None,
                offering_id=_offering(form) if row.is_open else None,
                ctx=ctx,
            )
        except Invalid as refusal:
            error = as_typed(refusal, scheduledAt="time", offeringId="offering")
        except SlotTaken as refusal:
            error = _with_nearest(refusal)
        except (Conflict, Forbidden) as refusal:
            return refused(refusal, back)
        else:
            _say_approved(load_session_row(session_id, ctx=ctx))
            return redirect(back, 303)
    return show("mentor/approve.html", form, error, row=row)


@bp.route("/sessions/<uuid:session_id>/decline", methods=["GET", "POST"])
@requires(Permission.OWN_REQUEST_REVIEW)
def decline(session_id: UUID) -> ResponseReturnValue:
    ctx = current_context()
    row = load_session_row(session_id, ctx=ctx)
    back = url_for("sessions.page", session_id=session_id)
    if not row.decisions["reject"].allowed:
        return refused(row.decisions["reject"].error(), back)
    form = DeclineForm()
    error: DomainError | None = None
    if form.validate_on_submit():
        try:
            reject_request(session_id, reason=form.reason.data or "", ctx=ctx)
        except Invalid as refusal:
            error = as_typed(refusal)
        except (Conflict, Forbidden) as refusal:
            return refused(refusal, back)
        else:
            _say("Request declined", f"{row.other.name} reads your reason.")
            return redirect(url_for("mentor.schedule", tab="approvals"), 303)
    return show("mentor/decline.html", form, error, row=row)


def _ask_what_is_open(form: ApproveForm, row: SessionRow) -> None:
    """Leave of the form what the mentee has not said already."""
    if row.scheduled_at is not None:
        del form.day
        del form.time
    if not row.is_open:
        del form.offering
        return
    fitting = [each for each in offerings_of(current_user.id) if row.meeting_type in each.meeting_types]
    form.offering.choices = [("", "Choose one"), *((str(each.id), _line(each)) for each in fitting)]


def _line(offering: MentorOffering) -> str:
    price = format_money(Money(offering.rate_minor, offering.currency)) if offering.rate_minor else "Free"
    return f"{offering.title} · {format_duration(offering.duration)} · {price}"


def _offering(form: ApproveForm) -> UUID | None:
    """What the mentor chose; a value that our own form never sends is none."""
    try:
        return UUID(form.offering.data or "")
    except ValueError:
        return None


def _start(form: ApproveForm) -> datetime:
    """The wall time that the mentor typed, in the mentor's own zone.

    :raises Invalid: when it is none
    """
    return wall_instant(form.day.data or "", form.time.data or "not given", field="scheduledAt")


def _with_nearest(taken: SlotTaken) -> Invalid:
    """The refusal as one of the form, which keeps what was typed and names free times nearby."""
    near = [format_when(each, viewer_zone(), request_now()) for each in map(instant, taken.details["nearest"]) if each]
    message = f"{taken.message} Free near it: {', '.join(near)}." if near else taken.message
    return Invalid(message, fields={"time": message})


def _say_approved(row: SessionRow) -> None:
    if row.status is SessionStatus.PENDING_MENTOR_REVIEW:
        _say("Time proposed", f"{row.other.name} has to agree; the time is held until then.")
        return
    paying = f" and asked to pay {format_money(row.price)}" if row.price.minor else ""
    _say("Request approved", f"{row.other.name} is told{paying}.")


def _say(title: str, text: str) -> None:
    message: Any = {"title": title, "text": text}
    flash(message, "success")
