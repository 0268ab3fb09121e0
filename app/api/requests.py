"""A mentor's answer to a request (BK-5)."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from app.api.booking_answers import BookingTold
from app.api.booking_reading import done_once
from app.api.bookings import TAG
from app.api.fields import Given, Instant
from app.api.schema import api
from app.booking.review_request import approve_request, reject_request
from app.domain.context import Context
from app.domain.permissions import Permission
from app.domain.requests import DESCRIPTION_MAX, REASON_MAX

_ANSWERED = {
    409: "`invalid_transition`: it was answered already; `request_expired`; `slot_taken`: choose another time; "
    "`proposal_open`: the mentee has yet to answer the time that you proposed; `busy`"
}


class Approval(Given):
    message: str = Field("", max_length=DESCRIPTION_MAX, description="For the mentee.")
    meeting_url: str | None = Field(None, max_length=500, description="Your own link, https only.")
    scheduled_at: Instant | None = Field(None, description="Needed where the request names no time.")
    offering_id: UUID | None = Field(None, description="Needed where the request names no offering: one of your own.")


class Rejection(Given):
    reason: str = Field(
        min_length=1, max_length=REASON_MAX, description="The mentee reads it.", examples=["I am on holiday then."]
    )


@api.declare(
    "POST",
    "/bookings/<uuid:session_id>/approve",
    tag=TAG,
    summary="Approve a request",
    needs=Permission.OWN_REQUEST_REVIEW,
    body=Approval,
    answer=BookingTold,
    is_idempotent=True,
    refusals=_ANSWERED,
)
def approve_booking(session_id: UUID, body: Approval) -> BookingTold:
    """A free one is confirmed at once; a paid one when the mentee has paid, which accepts what you chose.

    Nothing is paid for a free one that named no time: it goes on waiting until the mentee accepts the time that you
    propose, by `…/reschedule/respond`.
    """

    def act(ctx: Context) -> None:
        approve_request(
            session_id,
            message=body.message,
            meeting_url=body.meeting_url,
            scheduled_at=body.scheduled_at,
            offering_id=body.offering_id,
            ctx=ctx,
        )

    return done_once("approve", session_id, body, act)


@api.declare(
    "POST",
    "/bookings/<uuid:session_id>/reject",
    tag=TAG,
    summary="Decline a request",
    needs=Permission.OWN_REQUEST_REVIEW,
    body=Rejection,
    answer=BookingTold,
    is_idempotent=True,
    refusals=_ANSWERED,
)
def reject_booking(session_id: UUID, body: Rejection) -> BookingTold:
    return done_once("reject", session_id, body, lambda ctx: reject_request(session_id, reason=body.reason, ctx=ctx))
