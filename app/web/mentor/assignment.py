"""A mentor to whom a session was assigned may decline it (RA-8)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from app.booking.queries import load_session_row
from app.booking.reassign import decline_reassignment
from app.domain.errors import Conflict, DomainError, Forbidden, Invalid
from app.domain.permissions import Permission
from app.http.context import current_context
from app.http.errors import refused
from app.http.login import requires
from app.web.field_names import as_typed
from app.web.forms import show
from app.web.sessions.forms import ReasonForm

bp = Blueprint("assignment", __name__)


@bp.route("/sessions/<uuid:session_id>/decline-assignment", methods=["GET", "POST"])
@requires(Permission.OWN_REASSIGNMENT_DECLINE)
def decline(session_id: UUID) -> ResponseReturnValue:
    """What follows is shown before the button; the action decides once more."""
    row, back = load_session_row(session_id, ctx=current_context()), url_for("sessions.page", session_id=session_id)
    decision = row.decisions.get("declineReassignment")
    if decision is None:
        raise Forbidden("Only the mentor of this session can decline it.")
    if not decision.allowed:
        return refused(decision.error(), back)
    form = ReasonForm()
    error: DomainError | None = None
    if form.validate_on_submit():
        try:
            decline_reassignment(session_id, reason=form.reason.data or "", ctx=current_context())
        except Invalid as refusal:
            error = as_typed(refusal)
        except Conflict as refusal:
            return refused(refusal, back)
        else:
            _say("Session Declined", "We look for somebody else. Your time is free again.")
            return redirect(url_for("mentor.schedule"), 303)
    return show("sessions/decline_assignment.html", form, error, row=row)


def _say(title: str, text: str) -> None:
    message: Any = {"title": title, "text": text}
    flash(message, "success")
