"""Who can be booked, and for what (ID-3, ID-4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, and_, select

from app.domain.errors import Invalid, NotFound, Refused
from app.domain.vocabulary import BookingMode, MeetingType, PaymentStatus, Role
from app.extensions import db
from app.models import MentoringSession, MentorOffering, MentorProfile, User


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a session is booked on.

    :param offering_id: None while the mentor has yet to choose the offering; all but the currency are stand-ins then
    """

    offering_id: UUID | None
    booking_mode: BookingMode
    meeting_types: Sequence[str]
    duration: int
    rate_minor: int
    currency: str
    location: str | None = None

    @classmethod
    def of(cls, offering: MentorOffering) -> Terms:
        return cls(
            offering_id=offering.id,
            booking_mode=offering.booking_mode,
            meeting_types=offering.meeting_types,
            duration=offering.duration,
            rate_minor=offering.rate_minor,
            currency=offering.currency,
            location=offering.location,
        )

    @property
    def payment_status(self) -> PaymentStatus:
        is_free = self.offering_id is not None and self.rate_minor == 0
        return PaymentStatus.NOT_REQUIRED if is_free else PaymentStatus.PENDING

    def place_for(self, kind: MeetingType) -> str | None:
        return self.location if kind is MeetingType.IN_PERSON else None


def is_findable() -> ColumnElement[bool]:
    """The condition in SQL, over ``users`` joined with ``mentor_profiles``: verified, active, not suspended (ID-3)."""
    return and_(
        User.role == Role.MENTOR,
        User.is_active,
        User.suspended_at.is_(None),
        MentorProfile.verified_at.is_not(None),
    )


def load_bookable_mentor(mentor_id: UUID) -> User:
    """This function will read a mentor whom a mentee may book now; lock the person first.

    :raises NotFound: unknown, not verified, or suspended: nobody learns which
    :raises Refused: known, but not accepting bookings at present
    """
    found = db.session.execute(
        select(User, MentorProfile.is_accepting)
        .join(MentorProfile, MentorProfile.user_id == User.id)
        .where(User.id == mentor_id, is_findable())
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise NotFound
    mentor, is_accepting = found
    if not is_accepting:
        raise Refused("This mentor takes no new bookings at present.", rule="mentor_not_accepting")
    return mentor


def load_offering(offering_id: UUID | None, *, mentor_id: UUID) -> MentorOffering:
    """This function will read an active offering of this mentor (AV-7).

    :raises Invalid: on ``offeringId``, when there is none
    """
    offering = None
    if offering_id is not None:
        offering = db.session.scalars(
            select(MentorOffering)
            .where(
                MentorOffering.id == offering_id,
                MentorOffering.mentor_id == mentor_id,
                MentorOffering.is_active,
            )
            .execution_options(populate_existing=True)
        ).one_or_none()
    if offering is None:
        message = "Choose one of the mentor's offerings."
        raise Invalid(message, fields={"offeringId": message})
    return offering


def load_terms(offering_id: UUID | None, *, mentor_id: UUID, names_time: bool) -> Terms:
    """This function will read what a mentee books: an offering, or in request mode what the mentor makes of it (BK-4).

    :param names_time: a slot needs a length, so an offering goes with it; the only one there is goes without saying
    :raises Invalid: on ``offeringId``
    """
    if offering_id is not None:
        return Terms.of(load_offering(offering_id, mentor_id=mentor_id))
    offerings = db.session.scalars(
        select(MentorOffering)
        .where(
            MentorOffering.mentor_id == mentor_id,
            MentorOffering.is_active,
            MentorOffering.booking_mode == BookingMode.REQUEST,
        )
        .order_by(MentorOffering.duration, MentorOffering.id)
    ).all()
    if not offerings:
        return Terms.of(load_offering(None, mentor_id=mentor_id))
    if names_time:
        if len(offerings) == 1:
            return Terms.of(offerings[0])
        message = "Choose an offering for the time that you name, or say in words when it would suit you."
        raise Invalid(message, fields={"offeringId": message})
    return Terms(
        offering_id=None,
        booking_mode=BookingMode.REQUEST,
        meeting_types=list(dict.fromkeys(kind for each in offerings for kind in each.meeting_types)),
        duration=offerings[0].duration,
        rate_minor=0,
        currency=offerings[0].currency,
    )


def is_open(session: MentoringSession) -> bool:
    """Whether it is the mentor's to say which offering a request becomes (BK-5)."""
    return session.offering_id is None and session.booking_mode is BookingMode.REQUEST
