"""Notes on a case (ACT-7): written on the case page, edited on a page of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.admin.toasts import say_done
from app.domain.errors import Conflict, Invalid, NotFound
from app.domain.permissions import Permission, require
from app.extensions import db
from app.http.context import current_actor, current_context
from app.models import AdminSessionNote
from app.support.notes import add_note, edit_note


class NoteActs:
    """Part of the sessions view."""

    if TYPE_CHECKING:

        def render(self, template: str, **kwargs: Any) -> str: ...

    @expose("/<uuid:session_id>/notes", methods=("GET", "POST"))
    def note(self, session_id: UUID) -> ResponseReturnValue:
        require(current_actor(), Permission.NOTE_ADD)
        text, problem = request.form.get("note", ""), ""
        if request.method == "POST":
            try:
                add_note(session_id, note=text, ctx=current_context())
            except Invalid as wrong:
                problem = wrong.message
            else:
                say_done("Note added")
                return redirect(url_for("console_sessions.case", session_id=session_id, _anchor="story"), 303)
        url = url_for("console_sessions.note", session_id=session_id)
        return self._form(session_id, url, text, problem, title="Add a note")

    @expose("/<uuid:session_id>/notes/<uuid:note_id>", methods=("GET", "POST"))
    def edit_note(self, session_id: UUID, note_id: UUID) -> ResponseReturnValue:
        require(current_actor(), Permission.NOTE_ADD)
        row = db.session.get(AdminSessionNote, note_id)
        if row is None or row.session_id != session_id:
            raise NotFound
        text, problem = row.note, ""
        if request.method == "POST":
            text = request.form.get("note", "")
            try:
                edit_note(note_id, note=text, seen=request.form.get("seen", ""), ctx=current_context())
            except (Invalid, Conflict) as wrong:
                problem = wrong.message
            else:
                say_done("Note changed; what stood there before is kept")
                return redirect(url_for("console_sessions.case", session_id=session_id, _anchor="story"), 303)
        url = url_for("console_sessions.edit_note", session_id=session_id, note_id=note_id)
        return self._form(session_id, url, text, problem, title="Edit the note", seen=row.updated_at.isoformat())

    def _form(
        self, session_id: UUID, url: str, text: str, problem: str, *, title: str, seen: str = ""
    ) -> ResponseReturnValue:
        html = self.render(
            "admin/cases/note.html",
            form_url=url,
            text=text,
            problem=problem,
            form_title=title,
            seen=seen,
            back_url=url_for("console_sessions.case", session_id=session_id),
        )
        return html, 422 if problem else 200
