"""Finding a mentor and a time (BK-1, AV-2)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from pydantic import Field

from app.api.fields import (
    Amount,
    Day,
    Given,
    Instant,
    Paged,
    Pagination,
    PriceLimit,
    StarsLimit,
    Told,
    WholeMinutes,
    ZoneName,
    pagination,
)
from app.api.schema import ANYBODY, api
from app.api.writing import in_utc
from app.booking.mentor_queries import MentorFilter, find_mentors, load_mentor_page, load_slots
from app.booking.offerings import offerings_of
from app.booking.read_models import MentorCard, OfferingView, ReviewView
from app.domain.availability import MAX_DAYS, Slot
from app.domain.errors import Invalid
from app.domain.money import Money
from app.domain.vocabulary import BookingMode, MeetingType, Role, SlotReason
from app.http.context import current_actor, current_context
from app.http.formatting import reader_zone
from app.http.photos import avatar_url

_TAG: Final = "Mentors"
_ONE_HOUR: Final = 60


class SortMentors(StrEnum):
    RATING = "rating"
    PRICE = "price"
    NAME = "name"


class WhichMentors(Paged):
    q: str = Field("", max_length=100, description="Words of name, headline, bio or expertise.")
    expertise: str | None = Field(None, max_length=40, description="One of the tags.")
    max_price: PriceLimit | None = Field(None, description="At least one offering costs no more, in `currency`.")
    currency: str | None = Field(None, pattern="^[A-Z]{3}$")
    min_rating: StarsLimit | None = Field(None, description="Stars.")
    sort: SortMentors = SortMentors.RATING


class MentorTold(Told):
    """One mentor in the list."""

    id: UUID
    name: str
    avatar: str | None
    headline: str
    expertise: list[str]
    timezone: str
    rating: float | None = Field(description="The average of the reviews; null without any.")
    rating_count: int
    price_from: Amount
    currency: str
    durations: list[int] = Field(description="Minutes.")
    next_free_at: Instant | None = Field(description="The first free start of the next days.")


class MentorList(Told):
    mentors: list[MentorTold]
    pagination: Pagination


class BookableOffering(Told):
    id: UUID
    title: str
    description: str
    duration: int = Field(description="Minutes.")
    rate: Amount
    currency: str
    booking_mode: BookingMode
    meeting_types: list[MeetingType]
    location: str | None


class PublicReview(Told):
    rating: int
    comment: str
    author: str = Field(description="The first name.")
    created_at: Instant


class MentorProfileTold(Told):
    id: UUID
    name: str
    avatar: str | None
    headline: str
    bio: str
    expertise: list[str]
    timezone: str
    is_accepting: bool
    rating: float | None
    rating_count: int
    completed_sessions: int
    offerings: list[BookableOffering]
    reviews: list[PublicReview] = Field(description="The newest ten.")


class WhichSlots(Given):
    start: Day = Field(description="The first day, in `timezone`.", examples=["2026-11-23"])
    end: Day = Field(description=f"The last day, included; at most {MAX_DAYS} days.", examples=["2026-11-29"])
    timezone: ZoneName | None = Field(None, description="Yours, or UTC, when left out.")
    duration: WholeMinutes | None = Field(
        None, description="Minutes; that of the mentor's cheapest offering when left out."
    )


class SlotTold(Told):
    start_at: Instant
    end_at: Instant
    local_start: str = Field(description="The start on the clock of `timezone`, with its offset.")
    available: bool
    reason: SlotReason | None = Field(description="Why it cannot be booked.")


class SlotsTold(Told):
    mentor_id: UUID
    timezone: str
    mentor_timezone: str
    duration: int
    slots: list[SlotTold]


@api.declare("GET", "/mentors", tag=_TAG, summary="Find mentors", needs=ANYBODY, query=WhichMentors, answer=MentorList)
def list_mentors(query: WhichMentors) -> MentorList:
    """Those who are verified and take bookings."""
    found = find_mentors(
        _filter(query), mentee_id=_own_mentee_id(), page=query.page, limit=query.limit, now=current_context().now
    )
    return MentorList(
        mentors=[_card(card) for card in found.items], pagination=pagination(found.page, found.limit, found.total)
    )


@api.declare(
    "GET",
    "/mentors/<uuid:mentor_id>",
    tag=_TAG,
    summary="One mentor, with offerings and reviews",
    needs=ANYBODY,
    answer=MentorProfileTold,
)
def one_mentor(mentor_id: UUID) -> MentorProfileTold:
    page = load_mentor_page(mentor_id)
    return MentorProfileTold(
        id=page.id,
        name=page.name,
        avatar=avatar_url(page.avatar),
        headline=page.headline,
        bio=page.bio,
        expertise=list(page.expertise),
        timezone=page.timezone,
        is_accepting=page.is_accepting,
        rating=page.rating_average,
        rating_count=page.rating_count,
        completed_sessions=page.completed_sessions,
        offerings=[_offering(each) for each in page.offerings],
        reviews=[_review(each) for each in page.reviews],
    )


@api.declare(
    "GET",
    "/mentors/<uuid:mentor_id>/availability/slots",
    tag=_TAG,
    summary="The starts of a range of days, free and taken",
    needs=ANYBODY,
    query=WhichSlots,
    answer=SlotsTold,
)
def mentor_slots(mentor_id: UUID, query: WhichSlots) -> dict[str, Any]:
    """Instants are absolute: on a day that a clock changes, an hour is missing or comes twice.

    Signed in as a mentee, your own sessions are in the way, too (`own_conflict`).
    """
    answer = load_slots(
        mentor_id,
        first_day=query.start,
        last_day=query.end,
        duration=query.duration or _usual_duration(mentor_id),
        viewer_zone=query.timezone or str(reader_zone()),
        mentee_id=_own_mentee_id(),
        now=current_context().now,
    )
    # Two months are thousands: written directly, since a model for each would take longer than finding them.
    return {
        "mentorId": mentor_id,
        "timezone": answer.timezone,
        "mentorTimezone": answer.mentor_timezone,
        "duration": answer.duration,
        "slots": [_slot(slot) for slot in answer.slots],
    }


def _filter(query: WhichMentors) -> MentorFilter:
    if query.max_price is not None and query.currency is None:
        message = "Say in which currency the price is."
        raise Invalid(message, fields={"currency": message})
    max_rate = None
    if query.max_price is not None and query.currency is not None:
        try:
            max_rate = Money.parse(f"{query.max_price:f}", query.currency).minor
        except ValueError as error:
            raise Invalid("This price cannot be used.", fields={"maxPrice": f"{error}."}) from None
    return MentorFilter(
        text=query.q,
        expertise=query.expertise,
        max_rate_minor=max_rate,
        currency=query.currency,
        min_rating=float(query.min_rating) if query.min_rating is not None else None,
        sort=query.sort.value,
    )


def _own_mentee_id() -> UUID | None:
    actor = current_actor()
    return actor.user_id if actor.role is Role.MENTEE else None


def _usual_duration(mentor_id: UUID) -> int:
    return next((each.duration for each in offerings_of(mentor_id)), _ONE_HOUR)


def _slot(slot: Slot) -> dict[str, Any]:
    return {
        "startAt": in_utc(slot.start_at),
        "endAt": in_utc(slot.end_at),
        "localStart": slot.local_start.isoformat(),
        "available": slot.available,
        "reason": slot.reason,
    }


def _card(card: MentorCard) -> MentorTold:
    return MentorTold(
        id=card.id,
        name=card.name,
        avatar=avatar_url(card.avatar),
        headline=card.headline,
        expertise=list(card.expertise),
        timezone=card.timezone,
        rating=card.rating_average,
        rating_count=card.rating_count,
        price_from=card.price_from.amount,
        currency=card.price_from.currency,
        durations=list(card.durations),
        next_free_at=card.next_free,
    )


def _offering(view: OfferingView) -> BookableOffering:
    return BookableOffering(
        id=view.id,
        title=view.title,
        description=view.description,
        duration=view.duration,
        rate=view.price.amount,
        currency=view.price.currency,
        booking_mode=view.booking_mode,
        meeting_types=list(view.meeting_types),
        location=view.location,
    )


def _review(view: ReviewView) -> PublicReview:
    return PublicReview(rating=view.rating, comment=view.comment, author=view.author, created_at=view.created_at)
