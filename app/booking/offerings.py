"""What a mentor offers (AV-7). A change never touches sessions already sold: those carry their own price and length."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import func, select

from app.booking.access import lock_people
from app.domain.context import Context
from app.domain.errors import Conflict, Invalid, NotFound
from app.domain.permissions import Permission, require
from app.domain.vocabulary import BookingMode, MeetingType
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import MentorOffering

MOST_OFFERINGS: Final = 50
_TITLE: Final = (3, 120)
_DESCRIPTION_MAX: Final = 2_000
_DURATION: Final = (5, 1_440)
_RATE_MAX: Final = 100_000_000
_LOCATION_MAX: Final = 300
_CURRENCY: Final = re.compile(r"[A-Z]{3}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenOffering:
    """An offering as typed: minutes, minor units, where for meetings in person."""

    title: str
    duration: int
    rate_minor: int
    currency: str
    booking_mode: BookingMode
    meeting_types: Sequence[MeetingType]
    description: str = ""
    location: str | None = None


def create_offering(given: GivenOffering, *, ctx: Context) -> MentorOffering:
    """This function will add an offering of the signed-in mentor's.

    :raises Invalid: naming every field that cannot be used
    :raises Conflict: too many of them
    """
    mentor_id = _mentor_of(ctx)
    _check(given)
    with transaction():
        lock_people(mentor_id)
        count = db.session.scalar(
            select(func.count())
            .select_from(MentorOffering)
            .where(MentorOffering.mentor_id == mentor_id, MentorOffering.is_active)
        )
        if (count or 0) >= MOST_OFFERINGS:
            raise Conflict(f"You have {MOST_OFFERINGS} offerings. Retire one first.")
        offering = MentorOffering(id=uuid4(), mentor_id=mentor_id, is_active=True, created_at=ctx.now)
        _write(offering, given, ctx)
        db.session.add(offering)
    return offering


def update_offering(offering_id: UUID, given: GivenOffering, *, ctx: Context) -> MentorOffering:
    """This function will change what can be booked from now on.

    :raises NotFound: there is none, or it is another's
    :raises Invalid: naming every field that cannot be used
    """
    mentor_id = _mentor_of(ctx)
    _check(given)
    with transaction():
        offering = _load(offering_id, mentor_id)
        _write(offering, given, ctx)
    return offering


def retire_offering(offering_id: UUID, *, ctx: Context) -> MentorOffering:
    """This function will stop an offering from being booked; asked twice, it stays retired.

    :raises NotFound: there is none, or it is another's
    """
    return _set_active(offering_id, ctx, is_active=False)


def restore_offering(offering_id: UUID, *, ctx: Context) -> MentorOffering:
    """This function will let a retired offering be booked again.

    :raises NotFound: there is none, or it is another's
    """
    return _set_active(offering_id, ctx, is_active=True)


def offerings_of(mentor_id: UUID, *, with_retired: bool = False) -> list[MentorOffering]:
    """A mentor's offerings, cheapest first."""
    question = select(MentorOffering).where(MentorOffering.mentor_id == mentor_id)
    if not with_retired:
        question = question.where(MentorOffering.is_active)
    order = (MentorOffering.is_active.desc(), MentorOffering.rate_minor, MentorOffering.duration, MentorOffering.id)
    return list(db.session.scalars(question.order_by(*order)))


def _set_active(offering_id: UUID, ctx: Context, *, is_active: bool) -> MentorOffering:
    mentor_id = _mentor_of(ctx)
    with transaction():
        offering = _load(offering_id, mentor_id)
        offering.is_active, offering.updated_at = is_active, ctx.now
    return offering


def _load(offering_id: UUID, mentor_id: UUID) -> MentorOffering:
    offering = db.session.scalars(
        select(MentorOffering)
        .where(MentorOffering.id == offering_id, MentorOffering.mentor_id == mentor_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if offering is None:
        raise NotFound
    return offering


def _write(offering: MentorOffering, given: GivenOffering, ctx: Context) -> None:
    offering.title = given.title.strip()
    offering.description = given.description.strip()
    offering.duration = given.duration
    offering.rate_minor, offering.currency = given.rate_minor, given.currency
    offering.booking_mode = given.booking_mode
    offering.meeting_types = [kind.value for kind in dict.fromkeys(given.meeting_types)]
    offering.location = (given.location or "").strip() or None
    offering.updated_at = ctx.now


def _check(given: GivenOffering) -> None:
    problems: dict[str, str] = {}
    if not _TITLE[0] <= len(given.title.strip()) <= _TITLE[1]:
        problems["title"] = f"Between {_TITLE[0]} and {_TITLE[1]} characters."
    if len(given.description) > _DESCRIPTION_MAX:
        problems["description"] = f"At most {_DESCRIPTION_MAX} characters."
    if not _DURATION[0] <= given.duration <= _DURATION[1]:
        problems["duration"] = f"Between {_DURATION[0]} and {_DURATION[1]} minutes."
    if not 0 <= given.rate_minor <= _RATE_MAX:
        problems["rate"] = "Give a price that is not negative; zero is free."
    if not _CURRENCY.match(given.currency):
        problems["currency"] = "Give a currency such as EUR."
    if not given.meeting_types:
        problems["meetingTypes"] = "Choose at least one way to meet."
    place = (given.location or "").strip()
    if MeetingType.IN_PERSON in given.meeting_types and not place:
        problems["location"] = "Say where you meet."
    if len(place) > _LOCATION_MAX:
        problems["location"] = f"At most {_LOCATION_MAX} characters."
    if problems:
        raise Invalid("This offering cannot be used as it is.", fields=problems)


def _mentor_of(ctx: Context) -> UUID:
    require(ctx.actor, Permission.OWN_OFFERING_EDIT)
    if ctx.actor.user_id is None:
        raise NotFound
    return ctx.actor.user_id
