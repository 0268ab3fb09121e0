"""The pages around coming and not coming: a report of absence, and a meeting link of the mentor's own (NS-1, JN-4)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from app.booking.access import load_session_for
from app.booking.meetings import decide_own_link, set_meeting_link
from app.booking.no_show import report_no_show
from app.booking.queries import load_session_row
from app.domain.attendance import NoShowDecision
from app.domain.errors import Conflict, DomainError, Forbidden, Invalid, Refused
from app.domain.permissions import Permission
from app.http.context import current_context
from app.http.errors import refused
from app.http.login import requires
from app.web.field_names import as_typed
from app.web.forms import show
from app.web.sessions.forms import LinkForm, NothingForm

bp = Blueprint("attendance", __name__)


@bp.route("/sessions/<uuid:session_id>/no-show", methods=["GET", "POST"])
@requires(Permission.OWN_SESSION_REPORT_NO_SHOW)
def no_show(session_id: UUID) -> ResponseReturnValue:
    """What will follow is shown before the button; the action decides once more (NS-1, NS-2)."""
    ctx, back = current_context(), url_for("sessions.page", session_id=session_id)
    row = load_session_row(session_id, ctx=ctx)
    decision = row.decisions["noShow"]
    if not decision.allowed or not isinstance(decision, NoShowDecision):
        return refused(decision.error(), back)
    form = NothingForm()
    if form.validate_on_submit():
        try:
            report_no_show(session_id, ctx=ctx)
        except (Conflict, Forbidden, Refused) as refusal:
            return refused(refusal, back)
        _say("Noted", f"{row.other.name} is marked as absent, and both of you are told.")
        return redirect(back, 303)
    return show("sessions/no_show.html", form, None, row=row, decision=decision)


@bp.route("/sessions/<uuid:session_id>/meeting-link", methods=["GET", "POST"])
@requires(Permission.OWN_SESSION_SET_MEETING_LINK)
def meeting_link(session_id: UUID) -> ResponseReturnValue:
    """The mentor's own link, instead of a provider's or where none could make a room (JN-4)."""
    ctx, back = current_context(), url_for("sessions.page", session_id=session_id)
    session = load_session_for(ctx, session_id)
    decision = decide_own_link(session, ctx)
    if not decision.allowed:
        return refused(decision.error(), back)
    form = LinkForm()
    error: DomainError | None = None
    if form.validate_on_submit():
        try:
            set_meeting_link(session_id, form.meeting_url.data or "", ctx=ctx)
        except Invalid as refusal:
            error = as_typed(refusal, meetingUrl="meeting_url")
        except (Conflict, Forbidden) as refusal:
            return refused(refusal, back)
        else:
            _say("Link saved", f"{session.mentee.name} finds it on the session's page shortly before the start.")
            return redirect(back, 303)
    return show("sessions/meeting_link.html", form, error, session=session, has_link=session.meeting_url is not None)


def _say(title: str, text: str) -> None:
    message: Any = {"title": title, "text": text}
    flash(message, "success")
