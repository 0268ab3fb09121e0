"""Reporting a problem, and going on with it: on the session's page, for whoever reported it (DSP-1, DSP-2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Blueprint, flash, redirect, url_for
from flask_wtf import FlaskForm
from wtforms import MultipleFileField, RadioField, StringField, TextAreaField
from wtforms.validators import InputRequired

from app.booking.access import load_session_for
from app.booking.queries import load_session_row
from app.domain.disputes import DESCRIPTION_LENGTH, MESSAGE_LENGTH, MOST_FILES, REASON_LENGTH
from app.domain.errors import Conflict, DomainError, Invalid, NotFound, Refused
from app.domain.permissions import Permission
from app.domain.vocabulary import DisputeCategory, DisputeResolution
from app.http.bodies import takes_up_to
from app.http.context import current_context
from app.http.errors import refused
from app.http.evidence import LARGEST_FORM, evidence_folder, hand_out, uploads_of
from app.http.limits import limit_upload
from app.http.login import requires
from app.support.disputes.evidence import own_evidence
from app.support.disputes.reporting import answer_support, decide_for, decide_knowing, own_disputes, report_problem
from app.web.field_names import as_typed
from app.web.forms import needed, show
from app.web.sessions.forms import at_most

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.domain.context import Context
    from app.models import MentoringSession
    from app.support.disputes.reporting import OwnDispute

bp = Blueprint("disputes", __name__)

CATEGORY_WORDS = {
    DisputeCategory.NO_SHOW: "The other person did not come",
    DisputeCategory.TECHNICAL: "Sound, picture or link did not work",
    DisputeCategory.QUALITY: "It was not what was promised",
    DisputeCategory.BEHAVIOR: "Behavior that was not all right",
    DisputeCategory.REFUND: "Money or a refund",
    DisputeCategory.OTHER: "Something else",
}
OUTCOME_WORDS = {
    DisputeResolution.REFUND_ISSUED: "Money was given back.",
    DisputeResolution.WARNING_SENT: "A warning was sent.",
    DisputeResolution.ACCOUNT_SUSPENDED: "An account was suspended.",
    DisputeResolution.SESSION_RESCHEDULED: "A new time was set.",
    DisputeResolution.NO_ACTION: "No further step was needed.",
}
_FILES = f"Up to {MOST_FILES} files: pictures, PDF or plain text, 10 MB each. Only you and support can open them."


class ReportForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    category = RadioField(
        "What was it?",
        choices=[(each.value, words) for each, words in CATEGORY_WORDS.items()],
        validators=[InputRequired("Choose what fits best.")],
    )
    reason = StringField("In one line", needed("Say in one line what happened.", REASON_LENGTH[1]))
    description = TextAreaField(
        "What happened?",
        needed("Tell us what happened.", DESCRIPTION_LENGTH[1]),
        description="When, who, and what you would like us to do.",
    )
    evidence = MultipleFileField("Screenshots or documents", description=_FILES)


class AnswerForm(FlaskForm):  # type: ignore[misc]  # as above
    message = TextAreaField("Your answer", [at_most(MESSAGE_LENGTH[1])])
    evidence = MultipleFileField("More files", description=_FILES)


def reports_of(session: MentoringSession, ctx: Context) -> dict[str, Any]:
    """What the session's page says of the reader's own reports."""
    own = own_disputes(session.id, ctx=ctx)
    return {
        "reports": own,
        "may_report": decide_knowing(session, has_open=any(each.is_open for each in own), ctx=ctx).allowed,
        "category_words": CATEGORY_WORDS,
        "outcome_words": OUTCOME_WORDS,
        "answer_form": AnswerForm(formdata=None),
    }


@bp.route("/sessions/<uuid:session_id>/report", methods=["GET", "POST"])
@requires(Permission.OWN_DISPUTE_OPEN)
@limit_upload
@takes_up_to(LARGEST_FORM)
def report(session_id: UUID) -> ResponseReturnValue:
    ctx = current_context()
    session, row = load_session_for(ctx, session_id), load_session_row(session_id, ctx=ctx)
    back = url_for("sessions.page", session_id=session_id)
    decision = decide_for(session, ctx)
    if not decision.allowed:
        return refused(decision.error(), back)
    form = ReportForm()
    error: DomainError | None = None
    if form.validate_on_submit():
        try:
            report_problem(
                session_id,
                category=DisputeCategory(form.category.data),
                reason=form.reason.data or "",
                description=form.description.data or "",
                uploads=uploads_of("evidence"),
                folder=evidence_folder(),
                ctx=ctx,
            )
        except Invalid as refusal:
            error = as_typed(refusal)
        except (Conflict, Refused) as refusal:
            return refused(refusal, back)
        else:
            _say("We have your report", "Somebody from support looks into it and writes to you.")
            return redirect(f"{back}#reports", 303)
    return show("sessions/report.html", form, error, row=row)


@bp.route("/sessions/<uuid:session_id>/disputes/<uuid:dispute_id>", methods=["GET", "POST"])
@requires(Permission.OWN_DISPUTE_OPEN)
@limit_upload
@takes_up_to(LARGEST_FORM)
def one(session_id: UUID, dispute_id: UUID) -> ResponseReturnValue:
    """One report with its talk; what its form posts comes from the session's page, too."""
    ctx = current_context()
    found = _own(session_id, dispute_id, ctx)
    back = f"{url_for('sessions.page', session_id=session_id)}#reports"
    form = AnswerForm()
    error: DomainError | None = None
    if form.validate_on_submit():
        try:
            answer_support(
                dispute_id,
                session_id=session_id,
                message=form.message.data or "",
                uploads=uploads_of("evidence"),
                folder=evidence_folder(),
                ctx=ctx,
            )
        except Invalid as refusal:
            error = as_typed(refusal)
        except Conflict as refusal:
            return refused(refusal, back)
        else:
            _say("Sent", "Support has your answer.")
            return redirect(back, 303)
    return show(
        "sessions/dispute.html",
        form,
        error,
        row=load_session_row(session_id, ctx=ctx),
        report=found,
        category_words=CATEGORY_WORDS,
        outcome_words=OUTCOME_WORDS,
    )


@bp.get("/sessions/<uuid:session_id>/evidence/<uuid:evidence_id>")
@requires(Permission.OWN_DISPUTE_OPEN)
def evidence(session_id: UUID, evidence_id: UUID) -> ResponseReturnValue:
    """A file for whoever sent it."""
    found = own_evidence(evidence_id, session_id=session_id, folder=evidence_folder(), ctx=current_context())
    return hand_out(found)


def _own(session_id: UUID, dispute_id: UUID, ctx: Context) -> OwnDispute:
    found = next((each for each in own_disputes(session_id, ctx=ctx) if each.id == dispute_id), None)
    if found is None:
        raise NotFound
    return found


def _say(title: str, text: str) -> None:
    message: Any = {"title": title, "text": text}
    flash(message, "success")
