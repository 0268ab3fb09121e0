"""The way into a session: its link inside the window, the join as evidence, the calendar file (JN, DB-6)."""

from __future__ import annotations

from uuid import UUID

from flask import Response
from pydantic import Field

from app.api.booking_answers import BookingTold
from app.api.booking_reading import tell
from app.api.bookings import TAG
from app.api.fields import Given, Told
from app.api.schema import SIGNED_IN, api
from app.booking.access import load_session_for
from app.booking.join import record_join, release_link
from app.booking.meetings import set_meeting_link
from app.domain.permissions import Permission
from app.http.adapters import adapters
from app.http.calendar_answer import calendar_answer
from app.http.context import current_context

_CLOSED = {
    403: "`too_early`, `link_expired`: `details.opensAt` and `details.closesAt` say when; `forbidden`: no party",
    503: "`provider_failed`: the meeting provider did not answer; trying again is safe",
    409: "`not_confirmed`, `payment_due`, `reassignment_open`, `no_link`: there is nothing to join; `busy`",
}


class VideoLink(Told):
    meeting_url: str


class Joined(Told):
    url: str = Field(description="Where the meeting is.")


class OwnLink(Given):
    meeting_url: str = Field(max_length=500, description="https only.", examples=["https://meet.example.com/my-room"])


@api.declare(
    "GET",
    "/bookings/<uuid:session_id>/video-link",
    tag=TAG,
    summary="Get the meeting link",
    needs=Permission.OWN_SESSION_JOIN,
    answer=VideoLink,
    refusals=_CLOSED,
)
def video_link(session_id: UUID) -> VideoLink:
    """Released around the start only; that it was released is recorded."""
    return VideoLink(meeting_url=release_link(session_id, providers=adapters().meetings, ctx=current_context()))


@api.declare(
    "POST",
    "/bookings/<uuid:session_id>/join",
    tag=TAG,
    summary="Join now",
    needs=Permission.OWN_SESSION_JOIN,
    answer=Joined,
    refusals=_CLOSED,
)
def join_booking(session_id: UUID) -> Joined:
    """Records who joined when, which is the evidence that somebody came."""
    return Joined(url=record_join(session_id, providers=adapters().meetings, ctx=current_context()))


@api.declare(
    "PUT",
    "/bookings/<uuid:session_id>/meeting-link",
    tag=TAG,
    summary="Give a meeting link of your own",
    needs=Permission.OWN_SESSION_SET_MEETING_LINK,
    body=OwnLink,
    answer=BookingTold,
    refusals={409: "`conflict`: the session is not confirmed; `busy`"},
)
def set_link(session_id: UUID, body: OwnLink) -> BookingTold:
    """The mentor's own link replaces the provider's, and is released like it."""
    ctx = current_context()
    set_meeting_link(session_id, body.meeting_url, ctx=ctx)
    return tell(load_session_for(ctx, session_id), ctx)


@api.declare(
    "GET",
    "/bookings/<uuid:session_id>/calendar.ics",
    tag=TAG,
    summary="The session as a calendar file",
    needs=SIGNED_IN,
    media_type="text/calendar",
    refusals={409: "`no_time`: it has no time yet"},
)
def booking_calendar(session_id: UUID) -> Response:
    """One event for life: moving or cancelling updates it. It leads to the session's page, never to the meeting."""
    ctx = current_context()
    return calendar_answer(load_session_for(ctx, session_id), ctx)
