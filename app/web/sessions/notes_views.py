"""Private notes and the mentor's summary, on the session's page and on pages of their own (RV-2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Blueprint, flash, redirect, request, url_for
from flask_wtf import FlaskForm
from wtforms import TextAreaField

from app.booking.access import load_session_for
from app.booking.notes import add_own_note, change_own_note, decide_summary_for, notes_for, send_summary
from app.booking.queries import load_session_row
from app.domain.context import Context
from app.domain.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from app.domain.notes import ITEM_MAX, ITEMS_MAX, NOTE_MAX
from app.domain.permissions import Permission
from app.http.context import current_context
from app.http.errors import refused
from app.http.login import requires
from app.web.field_names import as_typed
from app.web.forms import needed, show
from app.web.sessions.forms import at_most

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.models import MentoringSession

bp = Blueprint("notes", __name__)


class NoteForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    body = TextAreaField("Your note", [at_most(NOTE_MAX)], description="Leave it empty to remove the note.")


class SummaryForm(FlaskForm):  # type: ignore[misc]  # as above
    body = TextAreaField("What did you talk about?", needed("Write a few words.", NOTE_MAX))
    action_items = TextAreaField(
        "What to do next",
        [at_most(ITEMS_MAX * (ITEM_MAX + 2))],
        description=f"One a line, up to {ITEMS_MAX}.",
    )


def notes_of(session: MentoringSession, *, ctx: Context) -> dict[str, Any]:
    """What the page's section shows."""
    return {
        "notes": notes_for(session, ctx=ctx),
        "may_sum_up": ctx.actor.user_id == session.mentor_id and decide_summary_for(session, ctx).allowed,
        "note_max": NOTE_MAX,
    }


@bp.post("/sessions/<uuid:session_id>/notes")
@requires(Permission.OWN_NOTE_WRITE)
def add(session_id: UUID) -> ResponseReturnValue:
    back = _back(session_id)
    try:
        add_own_note(session_id, body=request.form.get("body", ""), ctx=current_context())
    except Invalid as error:
        return refused(error, back)
    return redirect(back, 303)


@bp.route("/sessions/<uuid:session_id>/notes/<uuid:note_id>", methods=["GET", "POST"])
@requires(Permission.OWN_NOTE_WRITE)
def change(session_id: UUID, note_id: UUID) -> ResponseReturnValue:
    ctx = current_context()
    session = load_session_for(ctx, session_id)
    row = next((each for each in notes_for(session, ctx=ctx).own if each.id == note_id), None)
    if row is None:
        raise NotFound
    form, error = NoteForm(body=row.body), None
    if form.validate_on_submit():
        try:
            change_own_note(session_id, note_id, body=form.body.data or "", ctx=ctx)
        except Invalid as refusal:
            error = as_typed(refusal)
        else:
            flash("Your note is saved." if (form.body.data or "").strip() else "Your note is removed.", "success")
            return redirect(_back(session_id), 303)
    return show("sessions/note.html", form, error, row=load_session_row(session_id, ctx=ctx), note_id=note_id)


@bp.route("/sessions/<uuid:session_id>/summary", methods=["GET", "POST"])
@requires(Permission.OWN_NOTE_WRITE)
def summary(session_id: UUID) -> ResponseReturnValue:
    ctx = current_context()
    session = load_session_for(ctx, session_id)
    decision, back = decide_summary_for(session, ctx), _back(session_id)
    before = notes_for(session, ctx=ctx).summary
    if ctx.actor.user_id != session.mentor_id:
        raise Forbidden("The summary is the mentor's to write.")
    if not decision.allowed:
        return refused(decision.error(), back)
    form = SummaryForm(
        body=before.body if before else "", action_items="\n".join(before.action_items) if before else ""
    )
    error: DomainError | None = None
    if form.validate_on_submit():
        items = (form.action_items.data or "").splitlines()
        try:
            send_summary(session_id, body=form.body.data or "", action_items=items, ctx=ctx)
        except Invalid as refusal:
            error = as_typed(refusal)
        except Conflict as refusal:
            return refused(refusal, back)
        else:
            flash(f"{session.mentee.name.split()[0]} can read your summary now.", "success")
            return redirect(back, 303)
    return show("sessions/summary.html", form, error, row=load_session_row(session_id, ctx=ctx), is_new=before is None)


def _back(session_id: UUID) -> str:
    return url_for("sessions.page", session_id=session_id, _anchor="notes")
