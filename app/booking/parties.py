"""Who can be booked, and for what (ID-3, ID-4)."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, and_, select

from app.domain.errors import Invalid, NotFound, Refused
from app.domain.vocabulary import Role
from app.extensions import db
from app.models import MentorOffering, MentorProfile, User


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
