"""The mentor of a session changes: the mentee's answers, and the choice of another one (RA-3 to RA-6)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.booking.access import load_session_for
from app.booking.alternatives import Alternatives, find_alternative, find_alternatives
from app.booking.queries import load_session_row
from app.booking.read_models import SessionRow
from app.booking.reassign import accept_reassignment, reject_reassignment, select_alternative
from app.domain.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from app.domain.permissions import Permission
from app.http.context import current_context, request_now
from app.http.errors import refused
from app.http.login import requires
from app.web.asking import date_arg, instant, viewer_zone
from app.web.field_names import as_typed
from app.web.forms import show
from app.web.month import load_month
from app.web.sessions.forms import ReasonForm

bp = Blueprint("reassignment", __name__)


@bp.post("/sessions/<uuid:session_id>/accept-reassignment")
@requires(Permission.OWN_REASSIGNMENT_ANSWER)
def accept(session_id: UUID) -> ResponseReturnValue:
    back = url_for("sessions.page", session_id=session_id)
    try:
        accept_reassignment(session_id, ctx=current_context())
    except Conflict as refusal:
        return refused(refusal, back)
    row = load_session_row(session_id, ctx=current_context())
    _say("Session Confirmed", f"You've confirmed the session with {row.other.name}.")
    return redirect(back, 303)


@bp.route("/sessions/<uuid:session_id>/reject-reassignment", methods=["GET", "POST"])
@requires(Permission.OWN_REASSIGNMENT_ANSWER)
def reject(session_id: UUID) -> ResponseReturnValue:
    """The confirmation says what goes back before anything happens (RA-3)."""
    row, back = _row(session_id, "rejectReassignment"), url_for("sessions.page", session_id=session_id)
    if not isinstance(row, SessionRow):
        return row
    form = ReasonForm()
    error: DomainError | None = None
    if form.validate_on_submit():
        try:
            reject_reassignment(session_id, reason=form.reason.data or "", ctx=current_context())
        except Invalid as refusal:
            error = as_typed(refusal)
        except Conflict as refusal:
            return refused(refusal, back)
        else:
            _say("Session Cancelled", "Session cancelled. A full refund will be processed.")
            return redirect(back, 303)
    return show("sessions/reject_reassignment.html", form, error, row=row)


@bp.get("/sessions/<uuid:session_id>/select-mentor")
@requires(Permission.OWN_REASSIGNMENT_ANSWER)
def select_mentor(session_id: UUID) -> ResponseReturnValue:
    """Those free at the same time, by rank; or everybody who can be booked, each with the own times (RA-6)."""
    row = _row(session_id, "selectAlternativeMentor")
    if not isinstance(row, SessionRow):
        return row
    ctx = current_context()
    found: Alternatives = find_alternatives(load_session_for(ctx, session_id), now=ctx.now)
    return render_template("sessions/select_mentor.html", row=row, found=found)


@bp.get("/sessions/<uuid:session_id>/select-mentor/<uuid:mentor_id>")
@requires(Permission.OWN_REASSIGNMENT_ANSWER)
def select_time(session_id: UUID, mentor_id: UUID) -> ResponseReturnValue:
    """The days and times of one mentor, while nobody is assigned (RA-6)."""
    row = _row(session_id, "selectAlternativeMentor")
    if not isinstance(row, SessionRow):
        return row
    ctx = current_context()
    mentor = find_alternative(load_session_for(ctx, session_id), mentor_id)
    if mentor is None:
        raise NotFound
    month = load_month(
        mentor_id,
        day=date_arg("day"),
        duration=row.duration,
        viewer_zone=viewer_zone(),
        mentee_id=ctx.actor.user_id,
        now=request_now(),
        leaving_out=session_id,
    )
    return render_template("sessions/select_time.html", row=row, mentor=mentor, month=month)


@bp.post("/sessions/<uuid:session_id>/select-mentor")
@requires(Permission.OWN_REASSIGNMENT_ANSWER)
def choose_mentor(session_id: UUID) -> ResponseReturnValue:
    back = url_for("reassignment.select_mentor", session_id=session_id)
    mentor_id, start = request.form.get("mentor", type=UUID), request.form.get("start")
    if mentor_id is None or (start and instant(start) is None):
        return refused(Invalid("Choose a mentor and a time."), back)
    try:
        select_alternative(session_id, mentor_id=mentor_id, scheduled_at=instant(start), ctx=current_context())
    except (Conflict, Invalid) as refusal:
        return refused(refusal, back)
    row = load_session_row(session_id, ctx=current_context())
    _say("Session Confirmed", f"You've confirmed the session with {row.other.name}.")
    return redirect(url_for("sessions.page", session_id=session_id), 303)


def _row(session_id: UUID, action: str) -> SessionRow | ResponseReturnValue:
    """The session as its party sees it; the way back with the reason when this cannot be done now."""
    row = load_session_row(session_id, ctx=current_context())
    decision = row.decisions.get(action)
    if decision is None:
        raise Forbidden("Only the other party of this session can do this.")
    if not decision.allowed:
        return refused(decision.error(), url_for("sessions.page", session_id=session_id))
    return row


def _say(title: str, text: str) -> None:
    message: Any = {"title": title, "text": text}
    flash(message, "success")
