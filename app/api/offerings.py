"""What the signed-in mentor offers (AV-7)."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from pydantic import Field

from app.api.fields import Amount, Count, Given, Price, Told, amount
from app.api.people import own_id
from app.api.schema import api, idempotency_key
from app.booking.offerings import (
    MOST_OFFERINGS,
    GivenOffering,
    create_offering,
    offerings_of,
    restore_offering,
    retire_offering,
    update_offering,
)
from app.domain.errors import Invalid
from app.domain.money import Money
from app.domain.permissions import Permission
from app.domain.vocabulary import BookingMode, MeetingType
from app.foundation.idempotency import once
from app.foundation.transaction import transaction
from app.http.context import current_context
from app.models import MentorOffering

_TAG: Final = "Mentors' desk"


class OfferingGiven(Given):
    title: str = Field(min_length=3, max_length=120, examples=["One hour of advice"])
    description: str = Field("", max_length=2_000)
    duration: Count = Field(ge=5, le=1_440, description="Minutes.", examples=[60])
    rate: Price = Field(ge=0, le=1_000_000, description="0 is free.", allow_inf_nan=False)
    currency: str = Field(pattern="^[A-Z]{3}$", examples=["EUR"])
    booking_mode: BookingMode = Field(examples=["instant"])
    meeting_types: list[MeetingType] = Field(min_length=1, max_length=len(MeetingType), examples=[["video"]])
    location: str | None = Field(None, max_length=300, description="Needed for meetings in person.")


class OfferingChange(OfferingGiven):
    id: UUID
    is_active: bool = Field(default=True, description="False retires it.")


class OfferingTold(Told):
    id: UUID
    title: str
    description: str
    duration: int
    rate: Amount
    currency: str
    booking_mode: BookingMode
    meeting_types: list[MeetingType]
    location: str | None
    is_active: bool


class OfferingsTold(Told):
    offerings: list[OfferingTold]


@api.declare(
    "GET",
    "/mentor/offerings",
    tag=_TAG,
    summary="Your offerings, retired ones last",
    needs=Permission.OWN_OFFERING_EDIT,
    answer=OfferingsTold,
)
def list_offerings() -> OfferingsTold:
    return OfferingsTold(offerings=[offering(row) for row in offerings_of(own_id(), with_retired=True)])


@api.declare(
    "POST",
    "/mentor/offerings",
    tag=_TAG,
    summary="Offer something",
    needs=Permission.OWN_OFFERING_EDIT,
    body=OfferingGiven,
    answer=OfferingTold,
    status=201,
    is_idempotent=True,
    refusals={409: f"`conflict`: you have {MOST_OFFERINGS} already"},
)
def make_offering(body: OfferingGiven) -> OfferingTold:
    given, ctx = _given(body), current_context()
    result, _ = once(
        idempotency_key(),
        scope="make offering",
        body=body.model_dump(mode="json"),
        ctx=ctx,
        run=lambda: {"id": create_offering(given, ctx=ctx).id},
    )
    return _one(UUID(result["id"]))


@api.declare(
    "PUT",
    "/mentor/offerings",
    tag=_TAG,
    summary="Change or retire an offering",
    needs=Permission.OWN_OFFERING_EDIT,
    body=OfferingChange,
    answer=OfferingTold,
    refusals={404: "`not_found`: you have no such offering", 409: "`busy`: try again in a moment"},
)
def change_offering(body: OfferingChange) -> OfferingTold:
    """Sessions that were sold keep what was sold."""
    given, ctx = _given(body), current_context()
    with transaction():
        update_offering(body.id, given, ctx=ctx)
        (restore_offering if body.is_active else retire_offering)(body.id, ctx=ctx)
    return _one(body.id)


def offering(row: MentorOffering) -> OfferingTold:
    """An offering as its mentor and as mentees see it."""
    return OfferingTold(
        id=row.id,
        title=row.title,
        description=row.description,
        duration=row.duration,
        rate=amount(row.rate_minor, row.currency),
        currency=row.currency,
        booking_mode=row.booking_mode,
        meeting_types=[MeetingType(kind) for kind in row.meeting_types],
        location=row.location,
        is_active=row.is_active,
    )


def _one(offering_id: UUID) -> OfferingTold:
    return next(offering(row) for row in offerings_of(own_id(), with_retired=True) if row.id == offering_id)


def _given(body: OfferingGiven) -> GivenOffering:
    try:
        rate = Money.parse(f"{body.rate:f}", body.currency)
    except ValueError as error:
        raise Invalid("This price cannot be used.", fields={"rate": f"{error}."}) from None
    return GivenOffering(
        title=body.title,
        description=body.description,
        duration=body.duration,
        rate_minor=rate.minor,
        currency=body.currency,
        booking_mode=body.booking_mode,
        meeting_types=body.meeting_types,
        location=body.location,
    )
