"""Booking in four named steps, each with its own address, with or without a script (BK-2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.booking.access import load_session_for
from app.booking.book import create_booking
from app.booking.drafts import find_own_draft
from app.booking.facts import load_availability, nearest_starts
from app.booking.queries import load_mentor_page, load_session_row
from app.booking.read_models import MentorPage, OfferingView
from app.domain.errors import (
    Conflict,
    DomainError,
    IdempotencyMismatch,
    Invalid,
    NotFound,
    ProviderFailed,
    Refused,
    SlotTaken,
)
from app.domain.permissions import Permission
from app.domain.times import Interval, parse_instant, zone, zone_names
from app.domain.vocabulary import BookingMode, MeetingType, SessionStatus
from app.foundation.idempotency import once
from app.foundation.policies import current_policies
from app.http.context import current_context, request_now
from app.http.errors import refused
from app.http.limits import limit_booking
from app.http.login import requires
from app.money.credit import credit_for
from app.web.asking import id_arg, instant, mentee_id, url_with
from app.web.meeting_words import MEETING_WORDS
from app.web.mentee.checkout import pay_page
from app.web.mentee.choices import (
    Choice,
    Words,
    chosen,
    durations_of,
    fitting,
    forget_words,
    keep_words,
    may_be_undecided,
    may_use_words,
    read_choice,
    read_words,
    with_key,
    words_of,
)
from app.web.mentee.forms import UNDECIDED, BookForm, DetailsForm
from app.web.month import load_month
from app.web.refund_words import RefundStep, refund_steps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

bp = Blueprint("mentee", __name__)

STEPS = ("Time", "Details", "Confirm", "Done")
_SCOPE = "book in the wizard"
_WORDS = ("meeting_type", "title", "description", "message", "preferred", "location")


@bp.get("/book/<uuid:mentor_id>")
def choose_time(mentor_id: UUID) -> ResponseReturnValue:
    """Step 1. Open to strangers: who wants to go on signs in then, and comes back with the choices."""
    mentor = load_mentor_page(mentor_id)
    choice = read_choice(mentor)
    if choice.minutes is None or not mentor.is_accepting:
        return redirect(url_for("public.mentor", mentor_id=mentor_id))
    where = choice.start.astimezone(zone(choice.zone)).date() if choice.start else None
    month = load_month(
        mentor_id,
        day=choice.day or where,
        duration=choice.minutes,
        viewer_zone=choice.zone,
        mentee_id=mentee_id(),
        now=request_now(),
    )
    return _page(
        "mentee/step_time.html",
        1,
        mentor,
        choice,
        month=month,
        durations=durations_of(mentor),
        zones=sorted(zone_names()),
        may_use_words=may_use_words(mentor),
        lost=_lost(mentor, choice) if "lost" in request.args and choice.start else None,
        url_with=url_with,
    )


@bp.route("/book/<uuid:mentor_id>/details", methods=["GET", "POST"])
@requires(Permission.OWN_BOOKING_CREATE)
def details(mentor_id: UUID) -> ResponseReturnValue:
    """Step 2."""
    mentor = load_mentor_page(mentor_id)
    choice = read_choice(mentor)
    elsewhere = _unless_bookable(mentor, choice)
    if elsewhere is not None:
        return elsewhere
    before = read_words(mentor_id) or _asked_before(choice)
    is_back = "back" in request.form
    given = words_of(request.form) if is_back else before or Words()
    form = DetailsForm(
        formdata=None if is_back or request.method == "GET" else request.form,
        offering=UNDECIDED if choice.undecided else str(choice.offering or ""),
        **{name: getattr(given, name) for name in _WORDS},
    )
    offers, open_too = fitting(mentor, choice), may_be_undecided(mentor, choice)
    form.offer(offers, in_words=choice.in_words, may_be_undecided=open_too)
    if not is_back and form.validate_on_submit():
        undecided = form.offering.data == UNDECIDED
        decided = choice.but(offering=None if undecided else UUID(form.offering.data), undecided=undecided)
        return _on_to_confirm(mentor, decided, _typed(form), before)
    # With one offering there is no choice: the summary shows it, and from when on cancelling would cost something.
    sole = choice.but(offering=offers[0].id) if len(offers) == 1 and not open_too else choice
    refunds = _refunds(sole, chosen(mentor, sole))
    return _page(
        "mentee/step_details.html", 2, mentor, sole, status=422 if form.errors else 200, form=form, refunds=refunds
    )


@bp.get("/book/<uuid:mentor_id>/confirm")
@requires(Permission.OWN_BOOKING_CREATE)
def confirm(mentor_id: UUID) -> ResponseReturnValue:
    """Step 3: everything in one place, and what cancelling would cost, before anything happens."""
    mentor = load_mentor_page(mentor_id)
    choice = read_choice(mentor)
    elsewhere = _unless_bookable(mentor, choice)
    if elsewhere is not None:
        return elsewhere
    offering, words = chosen(mentor, choice), read_words(mentor_id)
    if words is None or (offering is None and not choice.undecided):
        return redirect(_step("mentee.details", mentor, choice))
    return _confirm_page(mentor, choice, offering, words, is_kept=True)


@bp.post("/book/<uuid:mentor_id>/confirm")
@requires(Permission.OWN_BOOKING_CREATE)
@limit_booking
def book(mentor_id: UUID) -> ResponseReturnValue:
    """Book, and go on to the payment page. Sent twice, it answers the same."""
    words = words_of(request.form)
    wish = _wish(mentor_id, words)
    here = _same("mentee.confirm", mentor_id)
    try:
        result, _ = once(
            words.key or None, scope=_SCOPE, body=wish, ctx=current_context(), run=lambda: _create(wish, words)
        )
    except SlotTaken:
        return redirect(_same("mentee.choose_time", mentor_id, lost="1"), 303)
    except IdempotencyMismatch:
        flash("This was sent before with other words. Look at it once more, then book.", "info")
        answer = make_response(redirect(here, 303))
        keep_words(answer, mentor_id, with_key(words, None))
        return answer
    except (Conflict, Invalid, Refused) as error:
        back = _same("mentee.details", mentor_id) if isinstance(error, Invalid) else here
        return refused(_explained(error), back)
    answer = make_response(_after_booking(UUID(result["id"])))
    forget_words(answer, mentor_id)
    return answer


@bp.get("/book/done/<uuid:session_id>")
@requires(Permission.OWN_BOOKING_CREATE)
def booked(session_id: UUID) -> ResponseReturnValue:
    """Step 4: what happens next."""
    row = load_session_row(session_id, ctx=current_context())
    if row.status not in {SessionStatus.SCHEDULED, SessionStatus.PENDING_MENTOR_REVIEW} or row.awaits_payment:
        return redirect(url_for("sessions.page", session_id=session_id))
    return render_template("mentee/step_done.html", row=row, steps=_steps(), step=4, meeting_words=MEETING_WORDS)


def _create(wish: Mapping[str, Any], words: Words) -> dict[str, object]:
    session = create_booking(
        mentor_id=wish["mentor_id"],
        offering_id=wish["offering_id"],
        scheduled_at=wish["scheduled_at"],
        meeting_type=wish["meeting_type"],
        title=words.title,
        description=words.description,
        message=words.message or None,
        preferred_time_note=words.preferred or None,
        location=words.location or None,
        ctx=current_context(),
    )
    return {"id": session.id}


def _wish(mentor_id: UUID, words: Words) -> dict[str, Any]:
    """What the last form asks for, read as strictly as the API reads it.

    :raises Invalid: for what our own form never sends
    """
    start = request.args.get("start")
    try:
        meeting_type = MeetingType(words.meeting_type)
    except ValueError:
        raise Invalid("Choose how to meet.", fields={"meeting_type": "Choose how to meet."}) from None
    return {
        "mentor_id": mentor_id,
        "offering_id": id_arg("offering"),
        "scheduled_at": parse_instant(start, field="start") if start else None,
        "meeting_type": meeting_type,
        "title": words.title,
        "description": words.description,
        "message": words.message,
        "preferred": words.preferred,
        **({"location": words.location} if words.location else {}),
    }


def _after_booking(session_id: UUID) -> ResponseReturnValue:
    session = load_session_for(current_context(), session_id)
    if session.status is not SessionStatus.DRAFT:
        return redirect(url_for("mentee.booked", session_id=session_id), 303)
    try:
        return pay_page(session_id)
    except ProviderFailed:
        # The time is held; nothing is lost by paying a little later.
        flash(
            {  # type: ignore[arg-type]  # a toast with a title
                "title": "Your time is held, but the payment page did not open",
                "text": "Try “Pay now” on this page in a moment.",
            },
            "warning",
        )
        return redirect(url_for("sessions.page", session_id=session_id), 303)


def _on_to_confirm(mentor: MentorPage, choice: Choice, typed: Words, before: Words | None) -> ResponseReturnValue:
    words = with_key(typed, before)
    answer = make_response(redirect(_step("mentee.confirm", mentor, choice), 303))
    if keep_words(answer, mentor.id, words):
        return answer
    offering = chosen(mentor, choice)
    if offering is None and not choice.undecided:
        raise NotFound
    return _confirm_page(mentor, choice, offering, words, is_kept=False)


def _confirm_page(
    mentor: MentorPage, choice: Choice, offering: OfferingView | None, words: Words, *, is_kept: bool
) -> ResponseReturnValue:
    policies = current_policies().values
    user = mentee_id()
    is_request = offering is None or offering.booking_mode is BookingMode.REQUEST
    # A request is paid when it was approved; how much credit there is then, nobody knows now.
    credit = credit_for(user, offering.price) if user and offering and not is_request else None
    return _page(
        "mentee/step_confirm.html",
        3,
        mentor,
        choice,
        form=BookForm(formdata=None),
        words=words,
        is_kept=is_kept,
        is_request=is_request,
        credit=credit,
        to_pay=offering.price - credit if offering and credit else None,
        is_covered=bool(credit and credit.minor and offering and credit == offering.price),
        refunds=_refunds(choice, offering),
        hold_minutes=policies.payment_hold_minutes,
        answer_hours=policies.request_review_expiry_hours,
        meeting_words=MEETING_WORDS,
    )


def _refunds(choice: Choice, offering: OfferingView | None) -> Sequence[RefundStep]:
    """What cancelling would give back at which date, as far as time and price are known."""
    if choice.start is None or offering is None:
        return ()
    return refund_steps(current_policies().values, start=choice.start, price=offering.price, now=request_now())


def _unless_bookable(mentor: MentorPage, choice: Choice) -> Response | None:
    """Back to the first step when there is no time, or none that can still be had."""
    if choice.in_words and choice.start is None:
        return None
    if choice.start is None or choice.minutes is None or not mentor.is_accepting:
        return _back_to_time(mentor, choice)
    window = Interval.lasting(choice.start, choice.minutes)
    facts = load_availability(mentor.id, mentee_id(), window, now=request_now())
    if facts.decide(choice.start, duration_minutes=choice.minutes, now=request_now()).allowed:
        return None
    return _back_to_time(mentor, choice, lost="1")


def _back_to_time(mentor: MentorPage, choice: Choice, **more: str) -> Response:
    answer = redirect(url_for("mentee.choose_time", mentor_id=mentor.id, **{**choice.args(), **more}), 303)
    assert isinstance(answer, Response)
    return answer


def _lost(mentor: MentorPage, choice: Choice) -> dict[str, Any] | None:
    """Why the chosen time cannot be had any more, and what is near it; nothing when it can."""
    now, user = request_now(), mentee_id()
    if choice.start is None or choice.minutes is None:
        return None
    facts = load_availability(mentor.id, user, Interval.lasting(choice.start, choice.minutes), now=now)
    decision = facts.decide(choice.start, duration_minutes=choice.minutes, now=now)
    if decision.allowed:
        return None
    draft = find_own_draft(user, mentor.id, start=choice.start, now=now) if user else None
    near = nearest_starts(mentor.id, user, around=choice.start, duration_minutes=choice.minutes, now=now)
    return {"why": decision.message, "draft": draft, "nearest": [each for each in map(instant, near) if each]}


def _page(
    template: str, step: int, mentor: MentorPage, choice: Choice, *, status: int = 200, **facts: Any
) -> ResponseReturnValue:
    html = render_template(
        template,
        mentor=mentor,
        choice=choice,
        step=step,
        steps=_steps(mentor, choice),
        offering=chosen(mentor, choice),
        **facts,
    )
    return html, status


def _steps(mentor: MentorPage | None = None, choice: Choice | None = None) -> list[dict[str, str | None]]:
    places = ("mentee.choose_time", "mentee.details", "mentee.confirm", None)
    return [
        {"name": name, "url": _step(place, mentor, choice) if place and mentor and choice else None}
        for name, place in zip(STEPS, places, strict=True)
    ]


def _step(endpoint: str, mentor: MentorPage, choice: Choice) -> str:
    return url_for(endpoint, mentor_id=mentor.id, **choice.args())


def _same(endpoint: str, mentor_id: UUID, **more: str) -> str:
    """Another step with the choices of this address."""
    values: dict[str, Any] = {**request.args.to_dict(), **more}
    return url_for(endpoint, mentor_id=mentor_id, **values)


def _typed(form: DetailsForm) -> Words:
    typed = {name: form[name].data.replace("\r\n", "\n").strip() for name in _WORDS if name in form}
    if typed["meeting_type"] != MeetingType.IN_PERSON:
        typed["location"] = ""
    return Words(**typed)


def _asked_before(choice: Choice) -> Words | None:
    """The words of an earlier session, to ask once more, this mentor or another one (BK-8)."""
    if choice.again is None:
        return None
    try:
        session = load_session_for(current_context(), choice.again)
    except NotFound:
        return None
    if session.mentee_id != mentee_id():
        return None
    return Words(
        title=session.title,
        description=session.description,
        meeting_type=session.meeting_type.value,
        message=session.mentee_message or "",
        preferred=session.preferred_time_note or "",
        location=session.location or "",
    )


def _explained(error: DomainError) -> DomainError:
    """The message of a refusal with what it says of single fields: a toast has no fields."""
    if error.fields:
        error.message = " ".join(dict.fromkeys(error.fields.values()))
    return error
