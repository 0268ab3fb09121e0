"""Bookings: made, read, changed, cancelled, paid (BK, CX, DB)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

from flask import Response, current_app
from pydantic import Field

from app.api.booking_answers import (
    BookingList,
    BookingMade,
    BookingTold,
    PaymentPage,
    made,
    payment_page,
)
from app.api.booking_reading import done_once, tell, tell_all
from app.api.fields import Count, Day, Given, Instant, Paged, pagination
from app.api.schema import SIGNED_IN, api, idempotency_key
from app.api.writing import to_json
from app.booking.access import load_session_for
from app.booking.book import PLACE_MAX, create_booking
from app.booking.cancel import cancel_session
from app.booking.edit import edit_session
from app.booking.holds import UNPAID
from app.booking.pay import CheckoutStarted, start_checkout
from app.booking.queries import SessionFilter, find_sessions
from app.domain.cancellation import REASON_MAX
from app.domain.context import Context
from app.domain.errors import Invalid
from app.domain.permissions import Permission
from app.domain.requests import DESCRIPTION_MAX, TITLE_LENGTH
from app.domain.times import day_bounds
from app.domain.vocabulary import CancellationCategory, MeetingType, SessionStatus
from app.foundation.idempotency import keep_answer, once
from app.http.adapters import adapters
from app.http.context import current_context
from app.http.formatting import reader_zone, zone_of
from app.http.limits import limit_booking
from app.messaging.links import PAYMENT_RETURN
from app.models import MentoringSession
from app.money.credit import credit_used_by

TAG = "Bookings"
_CREATE = "POST /api/bookings"
_THROUGH_API = "Cancelled through the API"


class NewBooking(Given):
    mentor_id: UUID = Field(examples=["3f6c2d6e-3f0a-4e43-9d3b-0f6c1f6a2b11"])
    offering_id: UUID | None = Field(
        None,
        description="One of the mentor's offerings. A request in words may leave it to the mentor.",
        examples=["8c1f5a0e-5d0b-4f3e-9a53-2f7f0c9b7d42"],
    )
    scheduled_at: Instant | None = Field(
        None, description="A free slot's start. A request may describe the time in words instead."
    )
    preferred_time_note: str | None = Field(None, max_length=DESCRIPTION_MAX, description="When it would suit you.")
    meeting_type: MeetingType = Field(description="One that the offering lists.", examples=["video"])
    title: str = Field(min_length=TITLE_LENGTH[0], max_length=TITLE_LENGTH[1], examples=["How to lead a team of five"])
    description: str = Field("", max_length=DESCRIPTION_MAX, examples=["I would like to talk about delegation."])
    message: str | None = Field(None, max_length=DESCRIPTION_MAX, description="For the mentor, with a request.")
    location: str | None = Field(
        None,
        max_length=PLACE_MAX,
        description="Where you would like to meet in person, with a request. Left out: the offering's place.",
    )


class BookingChange(Given):
    version: Count = Field(ge=1, description="The booking's, as you read it.", examples=[1])
    title: str | None = Field(None, min_length=TITLE_LENGTH[0], max_length=TITLE_LENGTH[1])
    description: str | None = Field(None, max_length=DESCRIPTION_MAX)
    meeting_type: MeetingType | None = None


class Cancellation(Given):
    reason_category: CancellationCategory | None = Field(
        None, description="Needed once it was paid for, where the policy says so.", examples=["schedule_conflict"]
    )
    reason: str = Field("", max_length=REASON_MAX, description="Needed with the category `other`.")


@api.declare(
    "POST",
    "/bookings",
    tag=TAG,
    summary="Book a session",
    needs=Permission.OWN_BOOKING_CREATE,
    body=NewBooking,
    answer=BookingMade,
    status=201,
    is_idempotent=True,
    limit=limit_booking,
    refusals={
        404: "`not_found`: there is no such mentor to be booked",
        409: "`slot_taken`: `details.nearest` lists free starts; `busy`: try again in a moment",
        422: "`policy_refused`: `details.rule` says which rule, such as `max_open_holds_per_mentee`",
    },
)
def make_booking(body: NewBooking) -> Response | BookingMade:
    """Book one of a mentor's offerings.

    A paid one becomes a `draft` whose slot is held while you pay at `payment.authorizationUrl`; a free one is
    `scheduled` at once; one that the mentor wants to look at first becomes `pending_mentor_review`.
    """
    ctx, key = current_context(), idempotency_key()
    result, _ = once(key, scope=_CREATE, body=body.model_dump(mode="json"), ctx=ctx, run=lambda: _book(body))
    if "answer" in result:
        return Response(result["answer"], status=201, mimetype="application/json")
    session = load_session_for(ctx, UUID(result["id"]))
    checkout = _checkout(session.id) if _awaits_payment(session) else None
    # Read again: credit may have paid for it.
    answer = made(tell(load_session_for(ctx, session.id), ctx), checkout, credit_used_by(session.id, session.currency))
    if key is not None:
        text = to_json({"success": True, "data": answer}) + "\n"
        keep_answer(key, scope=_CREATE, result={**result, "answer": text}, ctx=ctx)
    return answer


def _book(body: NewBooking) -> dict[str, object]:
    session = create_booking(
        mentor_id=body.mentor_id,
        offering_id=body.offering_id,
        scheduled_at=body.scheduled_at,
        meeting_type=body.meeting_type,
        title=body.title,
        description=body.description,
        message=body.message,
        preferred_time_note=body.preferred_time_note,
        location=body.location,
        ctx=current_context(),
    )
    return {"id": session.id}


class Group(StrEnum):
    """What a list may ask for beside a single status."""

    UPCOMING = "upcoming"
    PAST = "past"
    AWAITING_PAYMENT = "awaiting_payment"


class WhichBookings(Paged):
    status: Group | SessionStatus | None = Field(None, description="All, when left out.")
    from_: Day | None = Field(None, alias="from", description="The first day of the start, in your zone.")
    to: Day | None = Field(None, description="The last day, included.")
    q: str = Field("", max_length=120, description="Part of the other party's name, or of the title.")


@api.declare(
    "GET",
    "/bookings",
    tag=TAG,
    summary="Your bookings",
    needs=Permission.OWN_SESSION_VIEW,
    query=WhichBookings,
    answer=BookingList,
)
def list_bookings(query: WhichBookings) -> BookingList:
    """What is to come nearest first, everything else most recent first."""
    ctx = current_context()
    found = find_sessions(_wanted(query), page=query.page, limit=query.limit, ctx=ctx)
    return BookingList(bookings=tell_all(found.items, ctx), pagination=pagination(query.page, query.limit, found.total))


def _wanted(query: WhichBookings) -> SessionFilter:
    if query.from_ and query.to and query.from_ > query.to:
        message = "The last day lies before the first."
        raise Invalid(message, fields={"to": message})
    where = zone_of(reader_zone())
    return SessionFilter(
        tab="past" if query.status is Group.PAST else "",
        statuses=_statuses(query.status),
        awaiting_payment=query.status is Group.AWAITING_PAYMENT,
        nearest_first=query.status in {Group.UPCOMING, Group.AWAITING_PAYMENT},
        text=" ".join(query.q.split()),
        start=day_bounds(query.from_, where).start if query.from_ else None,
        end=day_bounds(query.to, where).end if query.to else None,
    )


def _statuses(status: Group | SessionStatus | None) -> Sequence[SessionStatus]:
    if status is Group.UPCOMING:
        return (SessionStatus.SCHEDULED, SessionStatus.IN_PROGRESS)
    return (status,) if isinstance(status, SessionStatus) else ()


@api.declare("GET", "/bookings/<uuid:session_id>", tag=TAG, summary="One booking", needs=SIGNED_IN, answer=BookingTold)
def one_booking(session_id: UUID) -> BookingTold:
    ctx = current_context()
    return tell(load_session_for(ctx, session_id), ctx)


@api.declare(
    "PUT",
    "/bookings/<uuid:session_id>",
    tag=TAG,
    summary="Change topic, detail or kind of meeting",
    needs=Permission.OWN_SESSION_EDIT,
    body=BookingChange,
    answer=BookingTold,
    refusals={409: "`stale_version`: it was changed meanwhile; `not_editable`: it has begun or is over; `busy`"},
)
def change_booking(session_id: UUID, body: BookingChange) -> BookingTold:
    """What is left out stays. Possible until the session begins."""
    ctx = current_context()
    edit_session(
        session_id,
        version=body.version,
        title=body.title,
        description=body.description,
        meeting_type=body.meeting_type,
        ctx=ctx,
    )
    return tell(load_session_for(ctx, session_id), ctx)


_CANNOT_CANCEL = {
    409: "`invalid_transition`: it is running or over; `busy`",
    422: "`policy_refused`: too late, by `details.rule`",
}


@api.declare(
    "POST",
    "/bookings/<uuid:session_id>/cancel",
    tag=TAG,
    summary="Cancel a booking",
    needs=Permission.OWN_SESSION_CANCEL,
    body=Cancellation,
    answer=BookingTold,
    is_idempotent=True,
    refusals=_CANNOT_CANCEL,
)
def cancel_booking(session_id: UUID, body: Cancellation) -> BookingTold:
    """`GET …/decisions` says beforehand what would be refunded."""
    return _cancel(session_id, body)


@api.declare(
    "DELETE",
    "/bookings/<uuid:session_id>",
    tag=TAG,
    summary="Cancel a booking without giving a reason",
    needs=Permission.OWN_SESSION_CANCEL,
    answer=BookingTold,
    refusals=_CANNOT_CANCEL,
)
def delete_booking(session_id: UUID) -> BookingTold:
    """The same as cancelling with the category `other`. Nothing is ever deleted."""
    return _cancel(session_id, Cancellation(reasonCategory=CancellationCategory.OTHER, reason=_THROUGH_API))


def _cancel(session_id: UUID, body: Cancellation) -> BookingTold:
    def act(ctx: Context) -> None:
        cancel_session(session_id, category=body.reason_category, reason=body.reason, ctx=ctx)

    return done_once("cancel", session_id, body, act)


@api.declare(
    "POST",
    "/bookings/<uuid:session_id>/proceed-payment",
    tag=TAG,
    summary="Get the payment page",
    needs=Permission.OWN_BOOKING_PAY,
    answer=PaymentPage,
    limit=limit_booking,
    refusals={
        403: "`forbidden`: only the mentee who booked can pay",
        409: "`nothing_to_pay`, `hold_expired`; `busy`",
        503: "`provider_failed`: the gateway did not answer; trying again is safe",
    },
)
def proceed_to_payment(session_id: UUID) -> PaymentPage:
    """A payment page that is open already is given again; asking twice makes no second payment."""
    return payment_page(_checkout(session_id))


def _awaits_payment(session: MentoringSession) -> bool:
    return session.status is SessionStatus.DRAFT and session.payment_status in UNPAID


def _checkout(session_id: UUID) -> CheckoutStarted:
    return start_checkout(
        session_id,
        gateway=adapters().gateway,
        return_url=current_app.config["PUBLIC_URL"] + PAYMENT_RETURN,
        ctx=current_context(),
    )
