"""What staff do with a dispute in the console: each a page that works in a dialog and without a script (DSP-2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.admin.filters import words_of
from app.admin.snippets import reason_snippets
from app.admin.toasts import say_done, say_refused
from app.domain.errors import Conflict, Invalid
from app.domain.permissions import Permission, require
from app.domain.vocabulary import DisputePriority
from app.http.context import current_actor, current_context
from app.http.evidence import evidence_folder, hand_out
from app.support.disputes.evidence import view_evidence
from app.support.disputes.handling import (
    ASSIGN,
    PRIORITY,
    assign_dispute,
    change_priority,
    comment_on_dispute,
    handlers_for,
    take_dispute,
    write_to_reporter,
)
from app.support.disputes.loading import load_dispute
from app.support.staff_acts import require_staff_for

_ASSIGN_REASONS = ("Knows the two of them", "Is on duty", "I cannot go on with it")
_PRIORITY_REASONS = ("It is still going on", "Money is at stake", "Less pressing than it sounded")
_QUESTIONS = (
    "When exactly did it happen, and what did you see?",
    "Can you send us a screenshot?",
    "What would you like us to do?",
)


class DisputeActs:
    """Part of the disputes view."""

    if TYPE_CHECKING:

        def render(self, template: str, **kwargs: Any) -> str: ...

    @expose("/<uuid:dispute_id>/take", methods=("POST",))
    def take(self, dispute_id: UUID) -> ResponseReturnValue:
        return self._once(dispute_id, lambda: take_dispute(dispute_id, ctx=current_context()), "It is yours now")

    @expose("/<uuid:dispute_id>/assign", methods=("GET", "POST"))
    def assign(self, dispute_id: UUID) -> ResponseReturnValue:
        dispute, session = self._open(dispute_id, Permission.DISPUTE_ASSIGN)
        colleagues = handlers_for(session)

        def act() -> None:
            chosen = request.form.get("assignee", "")
            assignee = next((user.id for user in colleagues if str(user.id) == chosen), None)
            if chosen and assignee is None:
                message = "Choose a colleague from the list."
                raise Invalid(message, fields={"assigneeId": message})
            reason = request.form.get("reason", "")
            assign_dispute(dispute_id, assignee_id=assignee, reason=reason, ctx=current_context())

        return self._act(
            dispute_id, "assign", act, "Given",
            choices=[("", "Nobody"), *((str(user.id), user.name) for user in colleagues)],
            chosen=str(dispute.assigned_to or ""), snippets=reason_snippets(ASSIGN, otherwise=_ASSIGN_REASONS),
        )  # fmt: skip

    @expose("/<uuid:dispute_id>/priority", methods=("GET", "POST"))
    def priority(self, dispute_id: UUID) -> ResponseReturnValue:
        dispute, _ = self._open(dispute_id, Permission.DISPUTE_ASSIGN)

        def act() -> None:
            chosen = next((each for each in DisputePriority if each.value == request.form.get("priority")), None)
            if chosen is None:
                message = "Choose a priority."
                raise Invalid(message, fields={"priority": message})
            reason = request.form.get("reason", "")
            change_priority(dispute_id, priority=chosen, reason=reason, ctx=current_context())

        return self._act(
            dispute_id, "priority", act, "Priority changed",
            choices=[(each.value, words_of(each)) for each in reversed(DisputePriority)],
            chosen=dispute.priority.value, snippets=reason_snippets(PRIORITY, otherwise=_PRIORITY_REASONS),
        )  # fmt: skip

    @expose("/<uuid:dispute_id>/write", methods=("GET", "POST"))
    def write(self, dispute_id: UUID) -> ResponseReturnValue:
        self._open(dispute_id, Permission.DISPUTE_COMMENT)

        def act() -> None:
            write_to_reporter(
                dispute_id,
                message=request.form.get("message", ""),
                awaits_answer=request.form.get("awaitsAnswer") == "1",
                ctx=current_context(),
            )

        return self._act(dispute_id, "write", act, "Sent to the reporter", snippets=list(_QUESTIONS))

    @expose("/<uuid:dispute_id>/comments", methods=("GET", "POST"))
    def comment(self, dispute_id: UUID) -> ResponseReturnValue:
        self._open(dispute_id, Permission.DISPUTE_COMMENT)

        def act() -> None:
            comment_on_dispute(dispute_id, comment=request.form.get("comment", ""), ctx=current_context())

        return self._act(dispute_id, "comment", act, "Comment added")

    @expose("/<uuid:dispute_id>/evidence/<uuid:evidence_id>")
    def evidence(self, dispute_id: UUID, evidence_id: UUID) -> ResponseReturnValue:
        """A file, as an attachment; that it was opened is on record (AUD-4)."""
        found = view_evidence(evidence_id, dispute_id=dispute_id, folder=evidence_folder(), ctx=current_context())
        return hand_out(found)

    @staticmethod
    def _open(dispute_id: UUID, permission: Permission) -> Any:
        require(current_actor(), permission)
        dispute, session = load_dispute(dispute_id)
        require_staff_for(session, permission, current_context())
        return dispute, session

    def _act(
        self, dispute_id: UUID, kind: str, act: Callable[[], object], done: str, **facts: Any
    ) -> ResponseReturnValue:
        """The page of one act: its form, or the deed and the way back."""
        problems: dict[str, str] = {}
        if request.method == "POST":
            try:
                act()
            except Invalid as wrong:
                problems = wrong.fields or {"": wrong.message}
            except Conflict as refused:
                return self._refused(dispute_id, refused)
            else:
                say_done(done)
                return redirect(page_url(dispute_id), 303)
        dispute, session = load_dispute(dispute_id)
        facts.setdefault("chosen", "")
        if request.method == "POST":
            facts["chosen"] = request.form.get(kind if kind == "priority" else "assignee", facts["chosen"])
        html = self.render(
            "admin/cases/dispute_act.html",
            kind=kind,
            dispute=dispute,
            session=session,
            problems=problems,
            given=request.form,
            back_url=page_url(dispute_id),
            **facts,
        )
        return html, 422 if problems else 200

    def _once(self, dispute_id: UUID, act: Callable[[], object], done: str) -> ResponseReturnValue:
        try:
            act()
        except Conflict as refused:
            return self._refused(dispute_id, refused)
        say_done(done)
        return redirect(page_url(dispute_id), 303)

    @staticmethod
    def _refused(dispute_id: UUID, refused: Conflict) -> ResponseReturnValue:
        say_refused(refused.message)
        return redirect(page_url(dispute_id), 303)


def page_url(dispute_id: UUID, **options: Any) -> str:
    """The page of one dispute."""
    return url_for("console_disputes.dispute", dispute_id=dispute_id, **options)
