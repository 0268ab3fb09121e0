"""Who could take a session instead of its mentor, best first (AV-6).

One question to the database gives everybody who may be booked, offers such a session, is free then and may work then,
with all that the ranking asks. Weekly patterns are wall time in each mentor's zone, which is computed in Python only:
Python says what the clock on the wall shows in each zone, SQL leaves out whose week has no block around it, and Python
looks at the whole patterns of the best few; at more only while too few of those really work then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from datetime import time as clock
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    Integer,
    Text,
    Uuid,
    and_,
    bindparam,
    column,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

from app.booking.facts import read_blocks
from app.booking.holds import has_run_out
from app.booking.parties import is_findable
from app.domain.availability import ExceptionPeriod, Schedule, WeeklyBlock, is_covered
from app.domain.reassignment import Candidate, ranked
from app.domain.times import Interval, zone
from app.domain.vocabulary import ExceptionType, MeetingType, ReassignmentStatus, SessionStatus
from app.extensions import UtcDateTime, db
from app.foundation.prepared import Prepared
from app.models import (
    AvailabilityException,
    CalendarEntry,
    MentoringSession,
    MentorOffering,
    MentorProfile,
    MentorSchedule,
    User,
    WeeklyPattern,
)

# As the schedule's own constraint says: the index finds who is busy by one range for everybody, widened by this.
_LONGEST_BUFFER: Final = timedelta(minutes=240)
# Whose patterns are looked at first; each further step takes four times as many.
_FIRST_STEP: Final = 25
_STEP_GROWS: Final = 4
# A clock that changes within these two days may change what a block means.
_AROUND: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """The session that somebody else shall take.

    :param duration: minutes
    :param tags: the expertise of the mentor who gives it up
    :param excluded: who may not be asked: the parties, and whoever gave it up before
    """

    start: datetime
    duration: int
    currency: str
    meeting_type: MeetingType
    tags: frozenset[str]
    excluded: frozenset[UUID]

    @property
    def time(self) -> Interval:
        return Interval.lasting(self.start, self.duration)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """A mentor who works then and is free, with the numbers that gave the place in the ranking.

    :param shared: the tags shared with the mentor who gives the session up
    :param buffer_minutes: the mentor's own, which follows the session in the calendar (AV-4)
    """

    mentor_id: UUID
    name: str
    shared: Sequence[str]
    rating_average: float | None
    upcoming_sessions: int
    buffer_minutes: int


def need_of(session: MentoringSession) -> Need:
    """What a replacement for this session must be able to do.

    :raises ValueError: for a session without a time
    """
    if session.scheduled_at is None:
        message = "Nobody can be found for a session without a time"
        raise ValueError(message)
    tags = db.session.scalar(select(MentorProfile.expertise).where(MentorProfile.user_id == session.mentor_id))
    return Need(
        start=session.scheduled_at,
        duration=session.duration,
        currency=session.currency,
        meeting_type=session.meeting_type,
        tags=frozenset(tag.casefold() for tag in tags or ()),
        excluded=frozenset({*session.cancelled_mentor_ids, session.mentor_id, session.mentee_id}),
    )


def find_replacements(
    need: Need, *, now: datetime, limit: int, among: Collection[UUID] | None = None
) -> list[Replacement]:
    """The mentors who could take it, best first: shared expertise, rating, fewer upcoming sessions, id (AV-6).

    :param limit: at most so many
    :param among: only these, as a second look at few
    """
    found = {row.id: row for row in _ask(need, now, among)}
    order = ranked((_candidate(row, need) for row in found.values()), need.excluded)
    chosen: list[Replacement] = []
    for step in _steps([each.mentor_id for each in order]):
        working = _who_works(step, {mentor: found[mentor].timezone for mentor in step}, need)
        chosen += [_replacement(found[mentor], need) for mentor in step if mentor in working]
        if len(chosen) >= limit:
            break
    return chosen[:limit]


def in_numbers(found: Replacement) -> str:
    """Why a mentor stands where it does in the ranking, in words."""
    topics = ", ".join(found.shared) if found.shared else "no topic"
    rating = f"rated {found.rating_average:.2f}" if found.rating_average else "not rated yet"
    ahead = {0: "no session", 1: "one session"}.get(found.upcoming_sessions, f"{found.upcoming_sessions} sessions")
    return f"shares {topics} with the mentor before, {rating}, has {ahead} ahead"


def ranking_in_numbers(candidates: Iterable[Replacement]) -> dict[str, list[str]]:
    """A ranking as a decision keeps it (WHY-1): what it goes by, and what each has."""
    return {
        "order": ["shared expertise", "rating", "fewer upcoming sessions", "id"],
        "candidates": [f"{each.name}: {in_numbers(each)}" for each in candidates],
    }


# --- the one question ------------------------------------------------------------------------------------------------

S = MentoringSession
_begin, _end = bindparam("begin", type_=UtcDateTime), bindparam("end", type_=UtcDateTime)
_widest_end = bindparam("widest_end", type_=UtcDateTime)
_now = bindparam("now", type_=UtcDateTime)


_IS_EXTRA: Final = AvailabilityException.type == ExceptionType.EXTRA
# The columns of the wall clocks: per zone the weekday and minute of start and end.
_WALL: Final = (("zone", Text), ("weekday", Integer), ("day_before", Integer), ("begins", Text), ("ends", Text))
# Blocks hold texts of one length ("09:00"), which compare as times do; an end not after its start is on the next day.
_THAT_DAY: Final[Any] = literal_column(
    """'$[*] ? (@.type == "AVAILABLE" && @.start <= $s && (@.end <= @.start || @.end >= $e))'::jsonpath"""
)
_OVERNIGHT: Final[Any] = literal_column(
    """'$[*] ? (@.type == "AVAILABLE" && @.end <= @.start && @.end >= $e)'::jsonpath"""
)
# A session over midnight ends later than any block of its first day says.
_NEXT_DAY: Final = "99:99"


def _reaches_into() -> tuple[Any, Any]:
    return AvailabilityException.starts_at < _end, AvailabilityException.ends_at > _begin


def _upcoming() -> Any:
    """How many sessions each mentor has ahead; one whose mentee chooses another mentor is none of theirs (RA-2)."""
    return (
        select(S.mentor_id, func.count().label("sessions"))
        .where(
            S.status == SessionStatus.SCHEDULED,
            S.scheduled_at > _now,
            S.reassignment_status.is_distinct_from(ReassignmentStatus.AWAITING_MENTEE_CHOICE),
        )
        .group_by(S.mentor_id)
        .subquery("upcoming")
    )


def _busy() -> Any:
    """Who is busy then, each with the own buffer; a hold that has run out blocks nobody (AV-4)."""
    own_end = _end + MentorSchedule.buffer_minutes * timedelta(minutes=1)
    return (
        select(CalendarEntry.user_id)
        .join(MentorSchedule, MentorSchedule.mentor_id == CalendarEntry.user_id)
        .join(S, S.id == CalendarEntry.session_id)
        .where(
            # By the index first, then exactly.
            CalendarEntry.busy.op("&&")(func.tstzrange(_begin, _widest_end, "[)")),
            CalendarEntry.busy.op("&&")(func.tstzrange(_begin, own_end, "[)")),
            not_(func.coalesce(has_run_out(_now), False)),
        )
    )


def _may_work() -> Any:
    """Who has a block around the time: that day, or one that began the day before and runs on past midnight.

    A breath too generous, never too strict: breaks and exceptions are looked at afterwards.
    """
    wall = (
        func.unnest(*(bindparam(name, type_=ARRAY(kind)) for name, kind in _WALL))
        .table_valued(*(column(name, kind) for name, kind in _WALL), name="wall")
        .render_derived()
    )
    shown = func.jsonb_build_object("s", wall.c.begins, "e", wall.c.ends)
    blocks = WeeklyPattern.blocks
    return (
        select(WeeklyPattern.mentor_id)
        .join(MentorSchedule, MentorSchedule.mentor_id == WeeklyPattern.mentor_id)
        .join(wall, wall.c.zone == MentorSchedule.timezone)
        .where(
            WeeklyPattern.is_enabled,
            or_(
                and_(WeeklyPattern.weekday == wall.c.weekday, func.jsonb_path_exists(blocks, _THAT_DAY, shown)),
                and_(WeeklyPattern.weekday == wall.c.day_before, func.jsonb_path_exists(blocks, _OVERNIGHT, shown)),
            ),
        )
    )


def _able(*more: Any) -> Any:
    upcoming = _upcoming()
    offers = exists().where(
        MentorOffering.mentor_id == User.id,
        MentorOffering.is_active,
        MentorOffering.duration == bindparam("duration"),
        MentorOffering.currency == bindparam("currency"),
        MentorOffering.meeting_types.contains(bindparam("meeting_types", type_=MentorOffering.meeting_types.type)),
    )
    return (
        select(
            User.id,
            User.name,
            MentorSchedule.timezone,
            MentorSchedule.buffer_minutes,
            MentorProfile.expertise,
            MentorProfile.rating_average,
            func.coalesce(upcoming.c.sessions, 0).label("upcoming_sessions"),
        )
        .join(MentorProfile, MentorProfile.user_id == User.id)
        .join(MentorSchedule, MentorSchedule.mentor_id == User.id)
        .outerjoin(upcoming, upcoming.c.mentor_id == User.id)
        .where(
            is_findable(),
            MentorProfile.is_accepting,
            MentorSchedule.is_active,
            User.id != func.all(bindparam("excluded", type_=ARRAY(Uuid))),
            User.id.not_in(_busy()),
            offers,
            or_(
                User.id.in_(_may_work()),
                # A clock changes around then: its patterns are looked at one by one.
                MentorSchedule.timezone == func.any(bindparam("changing", type_=ARRAY(Text))),
                User.id.in_(select(AvailabilityException.mentor_id).where(*_reaches_into(), _IS_EXTRA)),
            ),
            *more,
        )
    )


_ABLE: Final = Prepared(_able())
_ABLE_AMONG: Final = Prepared(_able(User.id == func.any(bindparam("among", type_=ARRAY(Uuid)))))
_mentors = func.any(bindparam("mentors", type_=ARRAY(Uuid)))
_PATTERNS: Final = Prepared(
    select(WeeklyPattern.mentor_id, WeeklyPattern.weekday, WeeklyPattern.blocks).where(
        WeeklyPattern.mentor_id == _mentors, WeeklyPattern.is_enabled
    )
)
_EXCEPTIONS: Final = Prepared(
    select(
        AvailabilityException.mentor_id,
        AvailabilityException.starts_at,
        AvailabilityException.ends_at,
        AvailabilityException.type,
    ).where(AvailabilityException.mentor_id == _mentors, *_reaches_into())
)
_ZONES: Final = Prepared(select(MentorSchedule.timezone).where(MentorSchedule.is_active).distinct())


def _ask(need: Need, now: datetime, among: Collection[UUID] | None) -> Sequence[Any]:
    time = need.time
    values: dict[str, Any] = {
        "begin": time.start,
        "end": time.end,
        "widest_end": time.end + _LONGEST_BUFFER,
        "now": now,
        "duration": need.duration,
        "currency": need.currency,
        "meeting_types": [need.meeting_type.value],
        "excluded": list(need.excluded),
        **_wall_clocks([row.timezone for row in _ZONES.run()], time),
    }
    if among is None:
        return _ABLE.run(**values).all()
    return _ABLE_AMONG.run(**values, among=list(among)).all()


def _wall_clocks(zones: Iterable[str], time: Interval) -> dict[str, list[Any]]:
    """What the clocks on the walls show at both ends of ``time``, and the zones where one changes around then."""
    found: dict[str, list[Any]] = {"changing": [], **{name: [] for name, _ in _WALL}}
    for name in zones:
        where = zone(name)
        around = (time.start - _AROUND, time.start, time.end + _AROUND)
        if len({instant.astimezone(where).utcoffset() for instant in around}) > 1:
            found["changing"].append(name)
            continue
        start, end = time.start.astimezone(where), time.end.astimezone(where)
        midnight = datetime.combine(start.date() + timedelta(days=1), clock(), where)
        # Part of a minute belongs to the session.
        ends = f"{end:%H:%M}" if not end.second and not end.microsecond else f"{end + timedelta(minutes=1):%H:%M}"
        row = (name, start.weekday(), (start.weekday() - 1) % 7, f"{start:%H:%M}",
               ends if end < midnight else "24:00" if end == midnight else _NEXT_DAY)  # fmt: skip
        for (column_name, _), value in zip(_WALL, row, strict=True):
            found[column_name].append(value)
    return found


# --- ranking and patterns --------------------------------------------------------------------------------------------


def _candidate(row: Any, need: Need) -> Candidate:
    return Candidate(
        mentor_id=row.id,
        shared_expertise=len(need.tags.intersection(tag.casefold() for tag in row.expertise)),
        rating_hundredths=round((row.rating_average or 0) * 100),
        upcoming_sessions=row.upcoming_sessions,
    )


def _replacement(row: Any, need: Need) -> Replacement:
    return Replacement(
        mentor_id=row.id,
        name=row.name,
        shared=sorted(tag for tag in row.expertise if tag.casefold() in need.tags),
        rating_average=row.rating_average,
        upcoming_sessions=row.upcoming_sessions,
        buffer_minutes=row.buffer_minutes,
    )


def _steps(order: list[UUID]) -> Iterable[list[UUID]]:
    size, begin = _FIRST_STEP, 0
    while begin < len(order):
        yield order[begin : begin + size]
        begin, size = begin + size, size * _STEP_GROWS


def _who_works(mentors: list[UUID], zones: dict[UUID, str], need: Need) -> set[UUID]:
    """Those of these mentors whose pattern and exceptions allow the time; two statements."""
    time = need.time
    patterns: dict[UUID, list[WeeklyBlock]] = defaultdict(list)
    for row in _PATTERNS.run(mentors=mentors):
        patterns[row.mentor_id] += read_blocks(row.weekday, row.blocks)
    exceptions: dict[UUID, list[ExceptionPeriod]] = defaultdict(list)
    for row in _EXCEPTIONS.run(mentors=mentors, begin=time.start, end=time.end):
        exceptions[row.mentor_id].append(ExceptionPeriod(row.starts_at, row.ends_at, row.type))
    return {
        mentor for mentor in mentors if is_covered(Schedule(zones[mentor]), patterns[mentor], exceptions[mentor], time)
    }
