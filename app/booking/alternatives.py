"""Whom a mentee may choose when the mentor gave the session up (RA-6).

While somebody is assigned, those who are free at the same time; when nobody was found, every mentor who can be booked
and holds sessions of this length and kind, at any of their free times. What the session cost stays what it costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import exists, func, select

from app.booking.facts import load_availability
from app.booking.mentor_queries import next_free_starts
from app.booking.parties import is_findable
from app.booking.replacement import find_replacements, need_of
from app.domain.decision import Decision, Refusal
from app.domain.errors import Conflict
from app.domain.reassignment import OPEN_REASSIGNMENTS
from app.domain.times import Interval
from app.domain.vocabulary import ReassignmentStatus
from app.extensions import db
from app.models import MentoringSession, MentorOffering, MentorProfile, MentorSchedule, User

MOST: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """One mentor who may be chosen.

    :param rank: from 1, best first
    :param starts_at: the session's own time, or this mentor's next free start; None when there is none soon
    :param shared: topics shared with the mentor before
    """

    rank: int
    id: UUID
    name: str
    avatar: str | None
    headline: str
    expertise: Sequence[str]
    shared: Sequence[str]
    timezone: str
    rating_average: float | None
    rating_count: int
    starts_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternatives:
    """:param same_time: whether only the session's own time can be chosen"""

    same_time: bool
    mentors: Sequence[Alternative]


def find_alternatives(session: MentoringSession, *, now: datetime, limit: int = MOST) -> Alternatives:
    """The mentors whom the mentee may choose now, best first.

    :raises Conflict: no mentor is being replaced
    """
    require_open(session)
    if session.reassignment_status is ReassignmentStatus.PENDING_ACCEPTANCE:
        found = find_replacements(need_of(session), now=now, limit=limit)
        order = [each.mentor_id for each in found]
        starts: dict[UUID, datetime] = {each: session.scheduled_at for each in order if session.scheduled_at}
        return Alternatives(same_time=True, mentors=_told(session, order, starts))
    order = _bookable(session, limit)
    starts = next_free_starts(dict.fromkeys(order, session.duration), mentee_id=session.mentee_id, now=now)
    # Who has a free time soon is of more use than who has none.
    order.sort(key=lambda mentor: mentor not in starts)
    return Alternatives(same_time=False, mentors=_told(session, order, starts))


def find_alternative(session: MentoringSession, mentor_id: UUID) -> Alternative | None:
    """One mentor who may be chosen at any free time; None when this one may not."""
    require_open(session)
    if session.reassignment_status is ReassignmentStatus.PENDING_ACCEPTANCE or not _bookable(session, 1, mentor_id):
        return None
    return _told(session, [mentor_id], {})[0]


def decide_alternative(session: MentoringSession, mentor_id: UUID, start: datetime, *, now: datetime) -> Decision:
    """Whether this mentor can have the session at this time (RA-6)."""
    if session.reassignment_status is ReassignmentStatus.PENDING_ACCEPTANCE:
        if start != session.scheduled_at:
            return _invalid("scheduledAt", "While a mentor is assigned, only the session's own time can be chosen.")
        return _at_its_time(session, mentor_id, now)
    if not _bookable(session, 1, mentor_id):
        return _invalid("mentorId", "This mentor cannot take the session. Choose another.")
    if start == session.scheduled_at and _at_its_time(session, mentor_id, now).allowed:
        return _at_its_time(session, mentor_id, now)
    window = Interval.lasting(start, session.duration)
    facts = load_availability(mentor_id, session.mentee_id, window, now=now, leaving_out=session.id)
    return facts.decide(start, duration_minutes=session.duration, now=now)


def require_open(session: MentoringSession) -> None:
    """Raise unless a mentor is being replaced.

    :raises Conflict: as said
    """
    if session.reassignment_status not in OPEN_REASSIGNMENTS:
        raise Conflict("No mentor is being replaced here.", code="no_reassignment")


def _at_its_time(session: MentoringSession, mentor_id: UUID, now: datetime) -> Decision:
    if find_replacements(need_of(session), now=now, limit=1, among=[mentor_id]):
        return Decision(allowed=True, rule="free_at_its_time", message="This mentor is free at the session's time.")
    return Decision(
        allowed=False,
        rule="not_free_at_its_time",
        message="This mentor is not free at the session's time any more. Choose another.",
        numbers={"mentor_id": mentor_id, "start": session.scheduled_at},
        refusal=Refusal.SLOT_TAKEN,
    )


def _bookable(session: MentoringSession, limit: int, only: UUID | None = None) -> list[UUID]:
    offers = exists().where(
        MentorOffering.mentor_id == User.id,
        MentorOffering.is_active,
        MentorOffering.duration == session.duration,
        MentorOffering.meeting_types.contains([session.meeting_type.value]),
    )
    question = (
        select(User.id)
        .join(MentorProfile, MentorProfile.user_id == User.id)
        .join(MentorSchedule, MentorSchedule.mentor_id == User.id)
        .where(
            is_findable(),
            MentorProfile.is_accepting,
            MentorSchedule.is_active,
            User.id.not_in([*session.cancelled_mentor_ids, session.mentor_id, session.mentee_id]),
            offers,
        )
        .order_by(func.coalesce(MentorProfile.rating_average, 0).desc(), MentorProfile.rating_count.desc(), User.id)
        .limit(limit)
    )
    return list(db.session.scalars(question if only is None else question.where(User.id == only)))


def _told(session: MentoringSession, order: Sequence[UUID], starts: dict[UUID, datetime]) -> list[Alternative]:
    rows = db.session.execute(
        select(
            User.id,
            User.name,
            User.avatar,
            User.timezone,
            MentorProfile.headline,
            MentorProfile.expertise,
            MentorProfile.rating_average,
            MentorProfile.rating_count,
        )
        .join(MentorProfile, MentorProfile.user_id == User.id)
        .where(User.id.in_(order))
    )
    by_id = {row.id: row for row in rows}
    tags = need_of(session).tags
    return [
        Alternative(
            rank=rank,
            id=row.id,
            name=row.name,
            avatar=row.avatar,
            headline=row.headline,
            expertise=tuple(row.expertise),
            shared=tuple(tag for tag in row.expertise if tag.casefold() in tags),
            timezone=row.timezone,
            rating_average=row.rating_average,
            rating_count=row.rating_count,
            starts_at=starts.get(row.id),
        )
        for rank, row in enumerate((by_id[mentor] for mentor in order), start=1)
    ]


def _invalid(field: str, message: str) -> Decision:
    return Decision(
        allowed=False, rule="alternative", message=message, refusal=Refusal.INVALID, fields={field: message}
    )
