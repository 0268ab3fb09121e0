"""A mentor answers a request (BK-5)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Blueprint, flash, redirect, url_for

from app.booking.queries import load_session_row
from app.booking.review_request import approve_request, reject_request
from app.domain.errors import Conflict, DomainError, Forbidden, Invalid
from app.domain.permissions import Permission
from app.domain.wording import format_money
from app.http.context import current_context
from app.http.errors import refused
from app.http.login import requires
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
    if row.scheduled_at is not None:
        del form.day
        del form.time
    error: DomainError | None = None
    if form.validate_on_submit():
        try:
            approve_request(
                session_id,
                message=form.message.data or "",
                meeting_url=(form.meeting_url.data or "").strip() or None,
                scheduled_at=_start(form) if row.scheduled_at is None else None,
                ctx=ctx,
            )
        except Invalid as refusal:
            error = as_typed(refusal, scheduledAt="time")
        except (Conflict, Forbidden) as refusal:
            return refused(refusal, back)
        else:
            paying = f" and asked to pay {format_money(row.price)}" if row.price.minor else ""
            _say("Request approved", f"{row.other.name} is told{paying}.")
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


def _start(form: ApproveForm) -> datetime:
    """The wall time that the mentor typed, in the mentor's own zone.

    :raises Invalid: when it is none
    """
    return wall_instant(form.day.data or "", form.time.data or "", field="scheduledAt")


def _say(title: str, text: str) -> None:
    message: Any = {"title": title, "text": text}
    flash(message, "success")
