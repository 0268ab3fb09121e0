"""One session's page, and what its two parties may do with it (DB-5, JN-3, CX-3, CX-4, RV-1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from flask import Blueprint, current_app, flash, redirect, render_template, url_for

from app.booking.access import load_session_for
from app.booking.cancel import cancel_session
from app.booking.complete import complete_session
from app.booking.join import record_join
from app.booking.queries import load_session_page, load_session_row
from app.booking.read_models import SessionRow
from app.booking.records import records_of
from app.booking.review import review_session
from app.domain.cancellation import CancellationDecision
from app.domain.errors import Conflict, DomainError, Forbidden, Invalid, ProviderFailed, Refused
from app.domain.joining import countdown
from app.domain.money import Money
from app.domain.permissions import Permission
from app.domain.vocabulary import CancellationCategory, Party, SessionStatus
from app.domain.wording import format_money
from app.foundation.policies import policies_for
from app.http.adapters import adapters
from app.http.calendar_answer import calendar_answer
from app.http.context import current_context, request_now
from app.http.csp import framing_headers
from app.http.errors import refused
from app.http.login import requires
from app.web.field_names import as_typed
from app.web.forms import show
from app.web.meeting_words import MEETING_WORDS
from app.web.refund_words import RefundStep, refund_steps
from app.web.sessions.chat_views import chat_of
from app.web.sessions.dispute_views import reports_of
from app.web.sessions.forms import CancelForm, NothingForm, ReviewForm
from app.web.sessions.given_up import given_up
from app.web.sessions.notes_views import notes_of
from app.web.sessions.words import DECISION_WORDS, TIMELINE_WORDS, status_sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask.typing import ResponseReturnValue

    from app.models import MentoringSession

bp = Blueprint("sessions", __name__)

_NOBODY_PAID = "withdrawn_before_payment"


@bp.get("/sessions/<uuid:session_id>")
@requires(Permission.OWN_SESSION_VIEW)
def page(session_id: UUID) -> ResponseReturnValue:
    ctx = current_context()
    session = load_session_for(ctx, session_id)
    told = load_session_page(session_id, ctx=ctx)
    return render_template(
        "sessions/page.html",
        told=told,
        row=told.row,
        mentor=session.mentor,
        mentee=session.mentee,
        refunds=_refunds(session, told.row),
        sentence=status_sentence(told.row),
        records=records_of(session_id),
        countdown=countdown(session.scheduled_at, request_now()) if session.scheduled_at else None,
        join_page=current_app.config["PUBLIC_URL"] + url_for("sessions.page", session_id=session_id),
        timeline_words=TIMELINE_WORDS,
        decision_words=DECISION_WORDS,
        meeting_words=MEETING_WORDS,
        **reports_of(session, ctx),
        chat=chat_of(session, ctx=ctx),
        chat_key=uuid4().hex,
        own=notes_of(session, ctx=ctx),
    )


@bp.get("/sessions/<uuid:session_id>/calendar.ics")
@requires(Permission.OWN_SESSION_VIEW)
def calendar_ics(session_id: UUID) -> ResponseReturnValue:
    """The session for a calendar: one event for life, which leads to this page and never to the meeting (DB-6)."""
    ctx = current_context()
    return calendar_answer(load_session_for(ctx, session_id), ctx)


@bp.post("/sessions/<uuid:session_id>/join")
@requires(Permission.OWN_SESSION_JOIN)
def join(session_id: UUID) -> ResponseReturnValue:
    """Record who joined when, and open the meeting.

    A page that moves on by itself, since the policy lets no form end at another house (JN-2, JN-3); or one that shows
    the meeting, where that is set up and the provider can be shown (MT-3).
    """
    try:
        address = record_join(session_id, providers=adapters().meetings, ctx=current_context())
    except (Forbidden, Conflict, ProviderFailed) as error:
        return refused(error, url_for("sessions.page", session_id=session_id))
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    session = load_session_for(current_context(), session_id)
    framing = framing_headers(address) if _is_shown_here(session) else None
    page = "sessions/meeting.html" if framing else "sessions/joining.html"
    html = render_template(page, address=address, session_id=session_id, title=session.title)
    return html, 200, {**headers, **(framing or {})}


@bp.post("/sessions/<uuid:session_id>/complete")
@requires(Permission.OWN_SESSION_COMPLETE)
def complete(session_id: UUID) -> ResponseReturnValue:
    try:
        complete_session(session_id, ctx=current_context())
    except (Forbidden, Conflict) as error:
        return refused(error, url_for("sessions.page", session_id=session_id))
    _say("Session completed", "Your share is available in your wallet.")
    return redirect(url_for("sessions.page", session_id=session_id), 303)


@bp.route("/sessions/<uuid:session_id>/cancel", methods=["GET", "POST"])
@requires(Permission.OWN_SESSION_CANCEL)
def cancel(session_id: UUID) -> ResponseReturnValue:
    """The dialog says what will happen before the button does it; the action decides once more (CX-3, CX-4)."""
    ctx = current_context()
    session = load_session_for(ctx, session_id)
    row = load_session_row(session_id, ctx=ctx)
    decision = row.decisions["cancel"]
    if not decision.allowed or not isinstance(decision, CancellationDecision):
        return refused(decision.error(), url_for("sessions.page", session_id=session_id))
    form = CancelForm() if decision.reason_required else NothingForm()
    if isinstance(form, CancelForm):
        form.offer(row.side)
    error: DomainError | None = None
    if form.validate_on_submit():
        try:
            done = _cancel(session_id, form)
        except Invalid as refusal:
            error = as_typed(refusal, reasonCategory="category")
        except (Conflict, Refused) as refusal:
            return refused(refusal, url_for("sessions.page", session_id=session_id))
        else:
            if decision.searches_replacement:
                return given_up(done, decision)
            return _cancelled(row, decision)
    return show(
        "sessions/cancel.html",
        form,
        error,
        row=row,
        decision=decision,
        refunds=_refunds(session, row),
        is_withdrawal=decision.rule == _NOBODY_PAID,
    )


@bp.route("/sessions/<uuid:session_id>/review", methods=["GET", "POST"])
@requires(Permission.OWN_SESSION_VIEW)
def review(session_id: UUID) -> ResponseReturnValue:
    """The mentee's review, which others read, or the mentor's own rating; changed while its window is open (RV-1)."""
    ctx = current_context()
    told = load_session_page(session_id, ctx=ctx)
    decision, back = told.row.decisions["review"], url_for("sessions.page", session_id=session_id)
    if not decision.allowed:
        return refused(decision.error(), back)
    before = told.review
    form = ReviewForm(rating=str(before.rating) if before else None, comment=before.comment if before else "")
    error: DomainError | None = None
    if form.validate_on_submit():
        try:
            review_session(session_id, rating=int(form.rating.data), comment=form.comment.data or "", ctx=ctx)
        except Invalid as refusal:
            error = as_typed(refusal)
        except (Conflict, Refused) as refusal:
            return refused(refusal, back)
        else:
            _say("Thank you", "Your review is saved." if told.row.side is Party.MENTEE else "Your rating is saved.")
            return redirect(back, 303)
    return show("sessions/review.html", form, error, row=told.row, is_new=before is None)


def _is_shown_here(session: MentoringSession) -> bool:
    """A link by hand may lead anywhere, so it is not."""
    found = (one for one in adapters().meetings if one.name == session.meeting_provider)
    return bool(current_app.config["MEETING_EMBED"]) and any(one.can_be_framed for one in found)


def _cancel(session_id: UUID, form: Any) -> MentoringSession:
    category, reason = None, ""
    if isinstance(form, CancelForm):
        category = CancellationCategory(form.category.data) if form.category.data else None
        reason = form.reason.data or ""
    return cancel_session(session_id, category=category, reason=reason, ctx=current_context())


def _cancelled(row: SessionRow, decision: CancellationDecision) -> ResponseReturnValue:
    back = Money(decision.refund.minor, decision.refund.currency) if decision.refund else None
    refund = f"{format_money(back)} goes back to you." if back and back.minor else ""
    if decision.rule == _NOBODY_PAID:
        _say("Withdrawn", "The time is free again. Nothing was charged.")
    elif row.side is Party.MENTEE:
        text = "The session has been cancelled successfully. Your mentor has been notified."
        _say("Session Cancelled", f"{text} {refund}".strip())
    else:
        amount = f" and will receive a full refund of {format_money(back)}" if back and back.minor else ""
        _say("Session Cancelled", f"The session has been cancelled. The mentee has been notified{amount}.")
    return redirect(url_for("sessions.page", session_id=row.id), 303)


def _refunds(session: MentoringSession, row: SessionRow) -> Sequence[RefundStep]:
    """What the mentee's cancelling would give back at which date; nothing to say once it is over or began."""
    start, now = session.scheduled_at, request_now()
    if start is None or start <= now or row.status is not SessionStatus.SCHEDULED:
        return []
    return refund_steps(policies_for(session).values, start=start, price=row.price, now=now)


def _say(title: str, text: str) -> None:
    message: Any = {"title": title, "text": text}
    flash(message, "success")
