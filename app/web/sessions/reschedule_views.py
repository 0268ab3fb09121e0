"""The pages about another time: asking for one, answering, withdrawing (RS-1 to RS-3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from flask import Blueprint, flash, redirect, request, url_for
from flask_wtf import FlaskForm
from wtforms import HiddenField, TextAreaField

from app.booking.access import load_session_for
from app.booking.queries import load_session_row
from app.booking.read_models import SessionRow
from app.booking.reschedule import REASON_MAX, counter_propose, propose
from app.booking.reschedule_answers import accept, cancel_session_instead, reject, withdraw
from app.booking.reschedule_decisions import ACCEPT, CANCEL_INSTEAD, COUNTER, DECLINE, RESCHEDULE
from app.booking.reschedule_views import load_move_slots
from app.domain.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, Refused, SlotTaken
from app.domain.permissions import Permission
from app.domain.rescheduling import ProposalDecision
from app.domain.times import parse_instant, zone
from app.domain.vocabulary import Party, SlotReason
from app.domain.wording import format_when
from app.foundation.policies import policies_for
from app.http.context import current_context, request_now
from app.http.errors import refused
from app.http.login import requires
from app.web.asking import date_arg, instant, url_with, viewer_zone
from app.web.field_names import as_typed
from app.web.forms import show
from app.web.month import SHOWN_WHY, month_of
from app.web.sessions.forms import NothingForm, at_most

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

bp = Blueprint("moves", __name__)

_NEEDS: Final = Permission.OWN_RESCHEDULE_NEGOTIATE
_MENTORS_WHY: Final[Mapping[SlotReason, str]] = {
    **SHOWN_WHY,
    SlotReason.OWN_CONFLICT: "your mentee is busy then",
}


class MoveForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    start = HiddenField()
    reason = TextAreaField("Would you like to say why?", [at_most(REASON_MAX)])


class AnswerForm(FlaskForm):  # type: ignore[misc]  # as above
    reason = TextAreaField("Would you like to say why?", [at_most(REASON_MAX)])


@bp.route("/sessions/<uuid:session_id>/reschedule", methods=["GET", "POST"])
@requires(_NEEDS)
def ask(session_id: UUID) -> ResponseReturnValue:
    """What asking means is said first: until when, how often, and when the question runs out."""
    row, back = _row(session_id), _page_of(session_id)
    decision = row.decisions[RESCHEDULE]
    if not decision.allowed:
        return refused(decision.error(), back)
    form = MoveForm()
    error: DomainError | None = None
    if "look" in request.form:
        # Another day or time, asked for without a script: what was typed stays.
        return _picker(row, form, error, is_counter=False, decision=decision)
    if form.validate_on_submit():
        try:
            start = _start()
            propose(session_id, proposed_time=start, reason=form.reason.data or "", ctx=current_context())
        except (Invalid, SlotTaken) as refusal:
            error = as_typed(refusal, proposedTime="start")
        except (Conflict, Forbidden, Refused) as refusal:
            return refused(refusal, back)
        else:
            role = "mentor" if row.side is Party.MENTEE else "mentee"
            text = f"Your request to reschedule to {_when(start)} has been sent to the {role} for approval."
            return _done("Reschedule Request Sent", text, back)
    return _picker(row, form, error, is_counter=False, decision=decision)


@bp.route("/sessions/<uuid:session_id>/reschedule/counter", methods=["GET", "POST"])
@requires(_NEEDS)
def counter(session_id: UUID) -> ResponseReturnValue:
    row, back = _row(session_id), _page_of(session_id)
    if row.proposal is None or not row.decisions[COUNTER].allowed:
        return _closed(row, COUNTER)
    form = MoveForm()
    error: DomainError | None = None
    if form.validate_on_submit():
        try:
            start = _start()
            counter_propose(session_id, request_id=_request_id(), proposed_time=start, ctx=current_context())
        except (Invalid, SlotTaken) as refusal:
            error = as_typed(refusal, counterProposedTime="start")
        except (Conflict, Forbidden, Refused) as refusal:
            return refused(refusal, back)
        else:
            text = f"Your alternative time of {_when(start)} has been sent for approval."
            return _done("Counter-Proposal Sent", text, back)
    return _picker(row, form, error, is_counter=True)


@bp.route("/sessions/<uuid:session_id>/reschedule/respond", methods=["GET", "POST"])
@requires(_NEEDS)
def respond(session_id: UUID) -> ResponseReturnValue:
    """All answers on one page, each with what follows (RS-2)."""
    row, back = _row(session_id), _page_of(session_id)
    if row.proposal is None or not row.decisions[ACCEPT].allowed:
        return _closed(row, ACCEPT)
    form = AnswerForm()
    if form.validate_on_submit():
        try:
            return _answered(row, request.form.get("action", ""), form.reason.data or "")
        except SlotTaken as refusal:
            # The proposal stays open, and the next step is another time (RS-4).
            return refused(refusal, url_for("moves.counter", session_id=session_id))
        except (Conflict, Forbidden, Invalid, Refused) as refusal:
            return refused(refusal, back)
    return show(
        "sessions/respond.html",
        form,
        row=row,
        may_counter=row.decisions[COUNTER],
        may_decline=row.decisions[DECLINE].allowed,
        may_cancel=row.decisions[CANCEL_INSTEAD].allowed,
    )


@bp.post("/sessions/<uuid:session_id>/reschedule/withdraw")
@requires(_NEEDS)
def take_back(session_id: UUID) -> ResponseReturnValue:
    _row(session_id)
    back = _page_of(session_id)
    if not NothingForm().validate_on_submit():
        return redirect(back, 303)
    try:
        withdraw(session_id, request_id=request.form.get("request_id", type=UUID), ctx=current_context())
    except (Conflict, Forbidden) as refusal:
        return refused(refusal, back)
    return _done("Request Withdrawn", "The session stays where it was.", back)


def _answered(row: SessionRow, action: str, reason: str) -> ResponseReturnValue:
    ctx, back, request_id = current_context(), _page_of(row.id), _request_id()
    if action == "accept":
        session = accept(row.id, request_id=request_id, ctx=ctx)
        when = _when(session.scheduled_at) if session.scheduled_at else ""
        return _done("Session Rescheduled", f"Session confirmed for {when}. Both parties have been notified.", back)
    if action == "reject":
        reject(row.id, request_id=request_id, ctx=ctx)
        return _done("Request Declined", f"The session stays where it was. {row.other.name} is told.", back)
    if action == "cancel_session":
        cancel_session_instead(row.id, request_id=request_id, reason=reason, ctx=ctx)
        refund = " You will receive a full refund." if row.price.minor else ""
        return _done("Session Cancelled", f"The session has been cancelled.{refund}", back)
    message = "Choose one of the answers."
    raise Invalid(message, fields={"action": message})


def _picker(
    row: SessionRow,
    form: MoveForm,
    error: DomainError | None,
    *,
    is_counter: bool,
    decision: Any = None,
) -> ResponseReturnValue:
    session = load_session_for(current_context(), row.id)
    now, place = request_now(), viewer_zone()
    day, chosen = _looked_at(place)
    shown = chosen or session.pending_reschedule_time or session.scheduled_at
    find = partial(_slots, session, row.side, place, now)
    month = month_of(
        find,
        day=day or (shown.astimezone(zone(place)).date() if shown and shown > now else None),
        viewer_zone=place,
        now=now,
        why=_MENTORS_WHY if row.side is Party.MENTOR else SHOWN_WHY,
    )
    return show(
        "sessions/reschedule.html",
        form,
        error,
        row=row,
        is_counter=is_counter,
        month=month,
        zone=place,
        chosen=chosen,
        nearest=[parse_instant(each, field="start") for each in error.details.get("nearest", ())] if error else [],
        url_with=url_with,
        limits=_limits(decision),
        policies=policies_for(session).values,
    )


def _looked_at(place: str) -> tuple[date | None, datetime | None]:
    """The day whose times shall be seen, and the time that is chosen so far: of that day, or none."""
    day, chosen = date_arg("look"), instant(request.form.get("look")) or instant(request.values.get("start"))
    if day is not None and chosen is not None and chosen.astimezone(zone(place)).date() != day:
        chosen = None
    return day or date_arg("day"), chosen


def _slots(session: Any, side: Party, place: str, now: datetime, first: date, last: date) -> Sequence[Any]:
    return load_move_slots(session, by=side, first_day=first, last_day=last, viewer_zone=place, now=now)


def _limits(decision: Any) -> dict[str, Any] | None:
    """How often this side may still ask, and until when."""
    if not isinstance(decision, ProposalDecision):
        return None
    count, most = int(str(decision.numbers["count"])), int(str(decision.numbers["max_reschedules"]))
    return {
        "left": max(0, most - count),
        "most": most,
        "cutoff_hours": decision.numbers["cutoff_hours"],
        "by_override": decision.uses_override,
    }


def _row(session_id: UUID) -> SessionRow:
    row = load_session_row(session_id, ctx=current_context())
    if RESCHEDULE not in row.decisions:
        raise NotFound
    return row


def _closed(row: SessionRow, action: str) -> ResponseReturnValue:
    decision = row.decisions.get(action)
    error = decision.error() if decision is not None else Conflict("This proposal is not open any more.")
    return refused(error, _page_of(row.id))


def _start() -> datetime:
    """The chosen time.

    :raises Invalid: none was chosen
    """
    return parse_instant(request.form.get("start") or "", field="start")


def _request_id() -> UUID:
    found = request.form.get("request_id", type=UUID)
    if found is None:
        raise Conflict("This proposal is not open any more. Reload the page.", code="proposal_closed")
    return found


def _page_of(session_id: UUID) -> str:
    return url_for("sessions.page", session_id=session_id)


def _when(moment: datetime) -> str:
    return format_when(moment, viewer_zone(), request_now())


def _done(title: str, text: str, back: str) -> ResponseReturnValue:
    message: Any = {"title": title, "text": text}
    flash(message, "success")
    return redirect(back, 303)
