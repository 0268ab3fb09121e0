"""The way into a session: its link inside the window, the join as evidence, the calendar file (JN, DB-6)."""

from __future__ import annotations

from uuid import UUID

from flask import Response, current_app
from pydantic import Field

from app.api.booking_answers import BookingTold
from app.api.booking_reading import tell
from app.api.bookings import TAG
from app.api.fields import Given, Told
from app.api.schema import SIGNED_IN, api
from app.booking.access import load_session_for
from app.booking.join import record_join, release_link
from app.booking.meetings import set_meeting_link
from app.domain.errors import Conflict
from app.domain.permissions import Permission
from app.domain.vocabulary import SessionStatus
from app.http.context import current_context
from app.messaging.ics import CONTENT_TYPE, CalendarFacts, calendar_file
from app.models import MentoringSession

_CLOSED = {
    403: "`too_early`, `link_expired`: `details.opensAt` and `details.closesAt` say when; `forbidden`: no party",
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
    return VideoLink(meeting_url=release_link(session_id, ctx=current_context()))


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
    return Joined(url=record_join(session_id, ctx=current_context()))


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
    session = load_session_for(ctx, session_id)
    if session.scheduled_at is None:
        raise Conflict("This session has no time yet.", code="no_time")
    content = calendar_file(
        CalendarFacts(
            session_id=session.id,
            title=session.title,
            other_name=_other(session, ctx.actor.user_id),
            starts_at=session.scheduled_at,
            duration=session.duration,
            sequence=session.calendar_sequence,
            written_at=ctx.now,
            location=session.location or "",
        ),
        method="CANCEL" if session.status in _GONE else "PUBLISH",
        organizer=current_app.config["MAIL_DEFAULT_SENDER"],
        public_url=current_app.config["PUBLIC_URL"],
    )
    name = f"session-{str(session.id)[:8]}.ics"
    return Response(content, content_type=CONTENT_TYPE, headers={"Content-Disposition": f"attachment; filename={name}"})


_GONE = frozenset({SessionStatus.CANCELLED, SessionStatus.EXPIRED, SessionStatus.REJECTED})


def _other(session: MentoringSession, reader: UUID | None) -> str:
    return session.mentee.name if reader == session.mentor_id else session.mentor.name
