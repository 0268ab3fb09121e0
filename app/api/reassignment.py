"""A session whose mentor gave it up: what the mentee and the new mentor answer (RA-3 to RA-8)."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from app.api.booking_answers import BookingTold
from app.api.booking_reading import done_once
from app.api.bookings import TAG
from app.api.fields import Given, Instant, Told
from app.api.schema import api
from app.booking.access import load_session_for
from app.booking.alternatives import Alternative, find_alternatives
from app.booking.reassign import (
    accept_reassignment,
    decline_reassignment,
    reject_reassignment,
    select_alternative,
)
from app.domain.cancellation import REASON_MAX
from app.domain.errors import Forbidden
from app.domain.permissions import Permission
from app.http.context import current_context
from app.http.photos import avatar_url

_CONFLICTS = "`no_reassignment`: no mentor is being replaced; `reassignment_expired`: too late; `busy`"


class ReassignmentReply(Given):
    reason: str = Field("", max_length=REASON_MAX, description="In your own words.")


class MentorSelection(Given):
    mentor_id: UUID = Field(description="One of the alternative mentors.")
    scheduled_at: Instant | None = Field(
        None, description="A free start of this mentor; the session's own time, when left out."
    )


class AlternativeTold(Told):
    """One mentor who may be chosen, best first."""

    rank: int
    id: UUID
    name: str
    avatar: str | None = Field(description="A path to the picture; null where initials are shown.")
    headline: str
    expertise: list[str]
    shared_expertise: list[str] = Field(description="Topics shared with the mentor before.")
    timezone: str
    rating_average: float | None
    rating_count: int
    scheduled_at: Instant | None = Field(description="The session's own time, or the next free start.")


class AlternativesTold(Told):
    same_time: bool = Field(description="Whether only the session's own time can be chosen.")
    mentors: list[AlternativeTold]


@api.declare(
    "POST",
    "/bookings/<uuid:session_id>/accept-reassignment",
    tag=TAG,
    summary="Go on with the new mentor",
    needs=Permission.OWN_REASSIGNMENT_ANSWER,
    body=ReassignmentReply,
    answer=BookingTold,
    is_idempotent=True,
    refusals={409: f"{_CONFLICTS}; `no_mentor_proposed`: choose one"},
)
def accept_booking_reassignment(session_id: UUID, body: ReassignmentReply) -> BookingTold:
    """Nothing more is to be paid, whatever the new mentor's own price is."""
    return done_once("accept-reassignment", session_id, body, lambda ctx: accept_reassignment(session_id, ctx=ctx))


@api.declare(
    "POST",
    "/bookings/<uuid:session_id>/reject-reassignment",
    tag=TAG,
    summary="Cancel instead, with a full refund",
    needs=Permission.OWN_REASSIGNMENT_ANSWER,
    body=ReassignmentReply,
    answer=BookingTold,
    is_idempotent=True,
    refusals={409: _CONFLICTS},
)
def reject_booking_reassignment(session_id: UUID, body: ReassignmentReply) -> BookingTold:
    return done_once(
        "reject-reassignment",
        session_id,
        body,
        lambda ctx: reject_reassignment(session_id, reason=body.reason, ctx=ctx),
    )


@api.declare(
    "POST",
    "/bookings/<uuid:session_id>/decline-reassignment",
    tag=TAG,
    summary="Decline a session that was assigned to you",
    needs=Permission.OWN_REASSIGNMENT_DECLINE,
    body=ReassignmentReply,
    answer=BookingTold,
    is_idempotent=True,
    refusals={409: f"{_CONFLICTS}: the mentee answered already"},
)
def decline_booking_reassignment(session_id: UUID, body: ReassignmentReply) -> BookingTold:
    """For the mentor to whom it was assigned, until the mentee has answered. Somebody else is looked for."""
    return done_once(
        "decline-reassignment",
        session_id,
        body,
        lambda ctx: decline_reassignment(session_id, reason=body.reason, ctx=ctx),
    )


@api.declare(
    "GET",
    "/bookings/<uuid:session_id>/alternative-mentors",
    tag=TAG,
    summary="Mentors who could take the session",
    needs=Permission.OWN_REASSIGNMENT_ANSWER,
    answer=AlternativesTold,
    refusals={409: "`no_reassignment`: no mentor is being replaced"},
)
def alternative_mentors(session_id: UUID) -> AlternativesTold:
    """While a mentor is assigned, those who are free at the same time; otherwise all who can be booked."""
    ctx = current_context()
    session = load_session_for(ctx, session_id)
    if session.mentee_id != ctx.actor.user_id:
        raise Forbidden("Only the mentee of this session can choose.")
    found = find_alternatives(session, now=ctx.now)
    return AlternativesTold(same_time=found.same_time, mentors=[_told(each) for each in found.mentors])


@api.declare(
    "POST",
    "/bookings/<uuid:session_id>/select-alternative-mentor",
    tag=TAG,
    summary="Choose another mentor",
    needs=Permission.OWN_REASSIGNMENT_ANSWER,
    body=MentorSelection,
    answer=BookingTold,
    is_idempotent=True,
    refusals={
        409: f"{_CONFLICTS}; `slot_taken`: somebody was quicker",
        422: "`validation_failed`: this mentor cannot take it, or not then",
    },
)
def select_alternative_mentor(session_id: UUID, body: MentorSelection) -> BookingTold:
    """The session moves to this mentor without a new payment."""
    return done_once(
        "select-alternative-mentor",
        session_id,
        body,
        lambda ctx: select_alternative(session_id, mentor_id=body.mentor_id, scheduled_at=body.scheduled_at, ctx=ctx),
    )


def _told(each: Alternative) -> AlternativeTold:
    return AlternativeTold(
        rank=each.rank,
        id=each.id,
        name=each.name,
        avatar=avatar_url(each.avatar),
        headline=each.headline,
        expertise=list(each.expertise),
        shared_expertise=list(each.shared),
        timezone=each.timezone,
        rating_average=each.rating_average,
        rating_count=each.rating_count,
        scheduled_at=each.starts_at,
    )
