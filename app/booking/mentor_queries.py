"""Finding a mentor, a mentor's page, and the slots of the next days (BK-1, AV-2).

Each answer takes a fixed number of statements, whatever it holds (PERF-7).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, func, or_, select

from app.booking.facts import AvailabilityFacts, load_availabilities, load_availability
from app.booking.offerings import offerings_of
from app.booking.parties import is_findable
from app.booking.read_models import (
    LARGEST_PAGE,
    MentorCard,
    MentorPage,
    OfferingView,
    Page,
    ReviewView,
    SlotsAnswer,
)
from app.domain.availability import MAX_DAYS
from app.domain.errors import Invalid, NotFound
from app.domain.money import Money
from app.domain.times import Interval, days_bounds, zone
from app.domain.vocabulary import MeetingType, SessionStatus
from app.extensions import db
from app.models import MentoringSession, MentorOffering, MentorProfile, SessionReview, User

NEXT_FREE_DAYS: Final = 14
_REVIEWS: Final = 10
_FACETS: Final = 40
_LONGEST_SEARCH: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class MentorFilter:
    """What narrows the list.

    :param text: parts of name, headline, bio or expertise; every word must be found
    :param expertise: one of the tags
    :param max_rate_minor: at least one offering costs no more, in ``currency`` where that is given
    :param min_rating: stars
    :param sort: ``rating`` (default), ``price`` or ``name``
    """

    text: str = ""
    expertise: str | None = None
    max_rate_minor: int | None = None
    currency: str | None = None
    min_rating: float | None = None
    sort: str = "rating"


def find_mentors(
    wanted: MentorFilter, *, mentee_id: UUID | None, page: int, limit: int, now: datetime
) -> Page[MentorCard]:
    """The bookable mentors that fit, with the next free slot of those on this page only; six statements.

    :param mentee_id: the signed-in mentee, whose own sessions are in the way too
    :raises Invalid: a page or limit out of bounds, or an unknown order
    """
    if page < 1 or not 1 <= limit <= LARGEST_PAGE:
        raise Invalid("There is no such page.", fields={"page": f"From 1, with at most {LARGEST_PAGE} entries."})
    if wanted.sort not in _ORDERS:
        raise Invalid("This order is not known.", fields={"sort": "rating, price or name"})
    question = _filtered(wanted)
    total = db.session.scalar(select(func.count()).select_from(question.subquery())) or 0
    rows = db.session.execute(question.order_by(*_ORDERS[wanted.sort]).limit(limit).offset((page - 1) * limit)).all()
    ids = [row.id for row in rows]
    durations = _durations(ids)
    shortest = {mentor: min(found) for mentor, found in durations.items()}
    free = next_free_starts(shortest, mentee_id=mentee_id, now=now)
    cards = [
        MentorCard(
            id=row.id,
            name=row.name,
            avatar=row.avatar,
            headline=row.headline,
            expertise=tuple(row.expertise),
            timezone=row.timezone,
            rating_average=row.rating_average,
            rating_count=row.rating_count,
            price_from=Money(row.rate_minor, row.currency),
            durations=sorted(durations[row.id]),
            next_free=free.get(row.id),
        )
        for row in rows
    ]
    return Page(cards, total, page, limit)


def expertise_tags() -> list[tuple[str, int]]:
    """The tags of the mentors who can be found, most frequent first, with how many have each; at most forty."""
    tag = func.unnest(MentorProfile.expertise).label("tag")
    tags = select(tag).join(User, User.id == MentorProfile.user_id).where(is_findable(), MentorProfile.is_accepting)
    found = tags.subquery()
    rows = db.session.execute(
        select(found.c.tag, func.count())
        .group_by(found.c.tag)
        .order_by(func.count().desc(), found.c.tag)
        .limit(_FACETS)
    )
    return [(row[0], row[1]) for row in rows]


def next_free_starts(durations: dict[UUID, int], *, mentee_id: UUID | None, now: datetime) -> dict[UUID, datetime]:
    """The first bookable start of each mentor within two weeks, for sessions of so many minutes; three statements."""
    if not durations:
        return {}
    first, last = now.date(), now.date() + timedelta(days=NEXT_FREE_DAYS)
    window = days_bounds(first, last, zone("UTC"))
    found = load_availabilities(durations, mentee_id, window, now=now)
    starts: dict[UUID, datetime] = {}
    for mentor, facts in found.items():
        start = _first_free(facts, first, durations[mentor], now)
        if start is not None:
            starts[mentor] = start
    return starts


def load_mentor_page(mentor_id: UUID) -> MentorPage:
    """A mentor's public page; four statements.

    :raises NotFound: unknown, not verified, or suspended
    """
    row = db.session.execute(
        select(
            User.id, User.name, User.avatar, User.timezone, MentorProfile.headline, MentorProfile.bio,
            MentorProfile.expertise, MentorProfile.is_accepting, MentorProfile.rating_average,
            MentorProfile.rating_count,
        )
        .join(MentorProfile, MentorProfile.user_id == User.id)
        .where(User.id == mentor_id, is_findable())
    ).one_or_none()  # fmt: skip
    if row is None:
        raise NotFound
    completed = db.session.scalar(
        select(func.count())
        .select_from(MentoringSession)
        .where(MentoringSession.mentor_id == mentor_id, MentoringSession.status == SessionStatus.COMPLETED)
    )
    return MentorPage(
        **{name: row._mapping[name] for name in row._fields if name != "expertise"},  # noqa: SLF001 - a Row's documented public names
        expertise=tuple(row.expertise),
        completed_sessions=completed or 0,
        offerings=[offering_view(each) for each in offerings_of(mentor_id)],
        reviews=_reviews(mentor_id),
    )


def load_slots(
    mentor_id: UUID,
    *,
    first_day: date,
    last_day: date,
    duration: int,
    viewer_zone: str,
    mentee_id: UUID | None,
    now: datetime,
    leaving_out: UUID | None = None,
) -> SlotsAnswer:
    """The slots of a mentor in a range of the viewer's days (AV-2); four statements.

    :param duration: minutes
    :param mentee_id: the signed-in mentee; None for anybody else
    :param leaving_out: a session that is not in its own way
    :raises NotFound: unknown, not verified, or suspended
    :raises Invalid: naming the field: an unknown zone, more than 62 days, a length out of bounds
    """
    is_accepting = db.session.scalar(
        select(MentorProfile.is_accepting)
        .join(User, User.id == MentorProfile.user_id)
        .where(User.id == mentor_id, is_findable())
    )
    if is_accepting is None:
        raise NotFound
    where = zone(viewer_zone)
    if first_day <= last_day and (last_day - first_day).days < MAX_DAYS:
        window = days_bounds(first_day, last_day, where)
    else:
        window = Interval(now, now)  # the engine refuses the range, and says why
    facts = load_availability(mentor_id, mentee_id, window, now=now, leaving_out=leaving_out)
    found = facts.slots(
        first_day=first_day, last_day=last_day, duration_minutes=duration, viewer_zone=viewer_zone, now=now
    )
    return SlotsAnswer(
        first_day=first_day,
        last_day=last_day,
        duration=duration,
        timezone=viewer_zone,
        mentor_timezone=facts.schedule.timezone,
        slots=found if is_accepting else [],
    )


def offering_view(offering: MentorOffering) -> OfferingView:
    return OfferingView(
        id=offering.id,
        title=offering.title,
        description=offering.description,
        duration=offering.duration,
        price=Money(offering.rate_minor, offering.currency),
        booking_mode=offering.booking_mode,
        meeting_types=tuple(MeetingType(kind) for kind in offering.meeting_types),
        location=offering.location,
    )


def _first_free(facts: AvailabilityFacts, first: date, duration: int, now: datetime) -> datetime | None:
    # Most mentors have something tomorrow: a few days first, the rest only when there is nothing in them.
    for begin, end in ((0, 3), (4, NEXT_FREE_DAYS)):
        found = facts.slots(
            first_day=first + timedelta(days=begin),
            last_day=first + timedelta(days=end),
            duration_minutes=duration,
            viewer_zone="UTC",
            now=now,
        )
        start = next((slot.start_at for slot in found if slot.available), None)
        if start is not None:
            return start
    return None


def _filtered(wanted: MentorFilter) -> Select[Any]:
    cheapest = (
        select(MentorOffering.rate_minor, MentorOffering.currency)
        .where(MentorOffering.mentor_id == User.id, MentorOffering.is_active)
        .order_by(MentorOffering.rate_minor, MentorOffering.id)
        .limit(1)
    )
    if wanted.currency is not None:
        cheapest = cheapest.where(MentorOffering.currency == wanted.currency)
    price = cheapest.lateral("price")
    question = (
        select(
            User.id, User.name, User.avatar, User.timezone, MentorProfile.headline, MentorProfile.expertise,
            MentorProfile.rating_average, MentorProfile.rating_count, price.c.rate_minor, price.c.currency,
        )
        .join(MentorProfile, MentorProfile.user_id == User.id)
        # Without an offering there is nothing to book.
        .join(price, onclause=User.id.is_not(None))
        .where(is_findable(), MentorProfile.is_accepting)
    )  # fmt: skip
    for word in wanted.text[:_LONGEST_SEARCH].split():
        question = question.where(
            or_(
                User.name.icontains(word, autoescape=True),
                MentorProfile.headline.icontains(word, autoescape=True),
                MentorProfile.bio.icontains(word, autoescape=True),
                func.array_to_string(MentorProfile.expertise, " ").icontains(word, autoescape=True),
            )
        )
    if wanted.expertise:
        question = question.where(MentorProfile.expertise.contains([wanted.expertise]))
    if wanted.max_rate_minor is not None:
        question = question.where(price.c.rate_minor <= wanted.max_rate_minor)
    if wanted.min_rating is not None:
        question = question.where(MentorProfile.rating_average >= wanted.min_rating)
    return question


_BY_RATING: Final = (MentorProfile.rating_average.desc().nulls_last(), MentorProfile.rating_count.desc(), User.id)
_ORDERS: Final[dict[str, Sequence[Any]]] = {
    "rating": _BY_RATING,
    # The column of the lateral subquery, by its name in the answer.
    "price": (func.coalesce(db.literal_column("price.rate_minor"), 0), *_BY_RATING),
    "name": (User.name, User.id),
}


def _durations(mentor_ids: Iterable[UUID]) -> dict[UUID, set[int]]:
    rows = db.session.execute(
        select(MentorOffering.mentor_id, MentorOffering.duration).where(
            MentorOffering.mentor_id.in_(list(mentor_ids)), MentorOffering.is_active
        )
    )
    found: dict[UUID, set[int]] = defaultdict(set)
    for mentor, duration in rows:
        found[mentor].add(duration)
    return found


def _reviews(mentor_id: UUID) -> list[ReviewView]:
    rows = db.session.execute(
        select(SessionReview.rating, SessionReview.comment, SessionReview.created_at, User.name)
        .join(User, User.id == SessionReview.author_id)
        .where(
            SessionReview.mentor_id == mentor_id,
            SessionReview.author_id == SessionReview.mentee_id,
            SessionReview.hidden_at.is_(None),
        )
        .order_by(SessionReview.created_at.desc())
        .limit(_REVIEWS)
    )
    return [
        ReviewView(rating=row.rating, comment=row.comment, author=row.name.split()[0], created_at=row.created_at)
        for row in rows
    ]
