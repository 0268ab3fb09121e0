"""Facts for the slot engine, loaded in three statements whatever the number of mentors (AV-2, BK-1, PERF-7)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Uuid, bindparam, case, func, not_, select

from app.booking.holds import has_run_out, proposal_has_run_out
from app.domain.availability import (
    BusyInterval,
    ExceptionPeriod,
    Schedule,
    Slot,
    WeeklyBlock,
    is_bookable,
    nearest_free,
    slots,
)
from app.domain.decision import Decision
from app.domain.times import Interval
from app.domain.vocabulary import BlockType, SessionStatus
from app.domain.weekly import GivenBlock, GivenDay, read_week
from app.extensions import UtcDateTime, db
from app.models import AvailabilityException, CalendarEntry, MentoringSession, MentorSchedule, WeeklyPattern

# A session or an exception that began before the window may reach into it; a buffer may reach past it.
_MARGIN: Final = timedelta(days=2)
# Most have time on the day itself; only for the others a fortnight is looked through.
_SEARCH: Final = (timedelta(days=1), timedelta(days=14))
_NEAREST: Final = 5
_NO_SCHEDULE: Final = Schedule(timezone="UTC", is_active=False)
_HELD: Final = frozenset({SessionStatus.DRAFT, SessionStatus.PENDING_MENTOR_REVIEW})


@dataclass(frozen=True, slots=True)
class AvailabilityFacts:
    """One mentor's schedule, and who is busy when around the asked-for time."""

    schedule: Schedule
    pattern: Sequence[WeeklyBlock]
    exceptions: Sequence[ExceptionPeriod]
    mentor_busy: Sequence[BusyInterval]
    mentee_busy: Sequence[BusyInterval]

    def for_the_mentor(self) -> AvailabilityFacts:
        """The same for a time that the mentor proposes: the notice protects the mentor alone (RS-1)."""
        return replace(self, schedule=self.schedule.without_notice())

    def slots(
        self, *, first_day: date, last_day: date, duration_minutes: int, viewer_zone: str, now: datetime
    ) -> list[Slot]:
        """As ``domain.availability.slots``."""
        return slots(
            self.schedule,
            self.pattern,
            self.exceptions,
            mentor_busy=self.mentor_busy,
            mentee_busy=self.mentee_busy,
            first_day=first_day,
            last_day=last_day,
            duration_minutes=duration_minutes,
            viewer_zone=viewer_zone,
            now=now,
        )

    def decide(self, start: datetime, *, duration_minutes: int, now: datetime) -> Decision:
        """As ``domain.availability.is_bookable``."""
        return is_bookable(
            self.schedule,
            self.pattern,
            self.exceptions,
            start=start,
            duration_minutes=duration_minutes,
            mentor_busy=self.mentor_busy,
            mentee_busy=self.mentee_busy,
            now=now,
        )

    def nearest(self, around: datetime, *, duration_minutes: int, now: datetime) -> list[str]:
        """Up to five free starts nearest to ``around``, as ISO strings in UTC; loaded for ``surroundings`` of it."""
        middle = max(around, now)
        near: list[Slot] = []
        for reach in _SEARCH:
            found = self.slots(
                first_day=(middle - reach).date(),
                last_day=(middle + reach).date(),
                duration_minutes=duration_minutes,
                viewer_zone="UTC",
                now=now,
            )
            near = nearest_free(found, around, _NEAREST)
            if len(near) == _NEAREST:
                break
        return [slot.start_at.isoformat().replace("+00:00", "Z") for slot in near]


def load_availability(
    mentor_id: UUID,
    mentee_id: UUID | None,
    window: Interval,
    *,
    now: datetime,
    leaving_out: UUID | None = None,
) -> AvailabilityFacts:
    """This function will load what decides about one mentor's times in ``window``.

    :param mentee_id: the signed-in mentee, whose own sessions are in the way too; None for anybody else
    :param now: holds that have run out by then block nobody (AV-4)
    :param leaving_out: a session whose own time is not in its way
    """
    return load_availabilities([mentor_id], mentee_id, window, now=now, leaving_out=leaving_out)[mentor_id]


def load_availabilities(
    mentor_ids: Iterable[UUID],
    mentee_id: UUID | None,
    window: Interval,
    *,
    now: datetime,
    leaving_out: UUID | None = None,
) -> dict[UUID, AvailabilityFacts]:
    """This function will load the same for several mentors, still in three statements."""
    mentors = list(mentor_ids)
    wide = window.widened(before=_MARGIN, after=_MARGIN)
    schedules, patterns = _schedules(mentors)
    exceptions = _exceptions(mentors, wide)
    people = mentors if mentee_id is None else [*mentors, mentee_id]
    busy = _busy(people, wide, now, leaving_out)
    return {
        mentor: AvailabilityFacts(
            schedules.get(mentor, _NO_SCHEDULE),
            patterns[mentor],
            exceptions[mentor],
            busy[mentor],
            busy[mentee_id] if mentee_id is not None else [],
        )
        for mentor in mentors
    }


def nearest_starts(
    mentor_id: UUID, mentee_id: UUID | None, *, around: datetime, duration_minutes: int, now: datetime
) -> list[str]:
    """Up to five free starts nearest to ``around``, as ISO strings in UTC: what a refusal offers (BK-2, RS-4)."""
    facts = load_availability(mentor_id, mentee_id, surroundings(around, now=now), now=now)
    return facts.nearest(around, duration_minutes=duration_minutes, now=now)


def surroundings(around: datetime, *, now: datetime) -> Interval:
    """The window that must be loaded for ``AvailabilityFacts.nearest``."""
    middle = max(around, now)
    return Interval(middle - _SEARCH[-1], middle + _SEARCH[-1])


def read_blocks(weekday: int, blocks: Sequence[Mapping[str, Any]]) -> list[WeeklyBlock]:
    """A weekday's stored blocks as the engine reads them; what was stored was checked by ``domain.weekly``."""
    given = tuple(GivenBlock(block["start"], block["end"], BlockType(block["type"])) for block in blocks)
    return read_week({weekday: GivenDay(is_enabled=True, blocks=given)})[0][weekday]


# Built once: putting such statements together costs more than asking them, and every slot page and booking asks.
_people = bindparam("people", expanding=True, type_=Uuid)
_begin, _end = bindparam("begin", type_=UtcDateTime), bindparam("end", type_=UtcDateTime)
_SCHEDULES: Final = (
    select(
        MentorSchedule.mentor_id,
        MentorSchedule.timezone,
        MentorSchedule.is_active,
        MentorSchedule.buffer_minutes,
        MentorSchedule.min_notice_hours,
        MentorSchedule.max_advance_days,
        MentorSchedule.slot_interval_minutes,
        WeeklyPattern.weekday,
        WeeklyPattern.blocks,
    )
    .outerjoin(WeeklyPattern, (WeeklyPattern.mentor_id == MentorSchedule.mentor_id) & WeeklyPattern.is_enabled)
    .where(MentorSchedule.mentor_id.in_(_people))
)
_EXCEPTIONS: Final = select(
    AvailabilityException.mentor_id,
    AvailabilityException.starts_at,
    AvailabilityException.ends_at,
    AvailabilityException.type,
).where(
    AvailabilityException.mentor_id.in_(_people),
    AvailabilityException.starts_at < _end,
    AvailabilityException.ends_at > _begin,
)
_BUSY: Final = (
    select(
        CalendarEntry.user_id,
        CalendarEntry.session_id,
        func.unnest(CalendarEntry.busy).label("piece"),
        MentoringSession.status,
        MentoringSession.scheduled_at,
        MentoringSession.duration,
        case((CalendarEntry.user_id == MentoringSession.mentor_id, MentoringSession.buffer_minutes), else_=0),
        proposal_has_run_out(bindparam("now", type_=UtcDateTime)),
    )
    .join(MentoringSession, MentoringSession.id == CalendarEntry.session_id)
    .where(
        CalendarEntry.user_id.in_(_people),
        CalendarEntry.busy.op("&&")(func.tstzrange(_begin, _end, "[)")),
        not_(func.coalesce(has_run_out(bindparam("now", type_=UtcDateTime)), False)),
    )
)


def _schedules(mentors: list[UUID]) -> tuple[dict[UUID, Schedule], dict[UUID, list[WeeklyBlock]]]:
    schedules: dict[UUID, Schedule] = {}
    patterns: dict[UUID, list[WeeklyBlock]] = defaultdict(list)
    for mentor, *frame, weekday, blocks in db.session.execute(_SCHEDULES, {"people": mentors}):
        schedules.setdefault(mentor, Schedule(*frame))
        if weekday is not None:
            patterns[mentor] += read_blocks(weekday, blocks)
    return schedules, patterns


def _exceptions(mentors: list[UUID], window: Interval) -> dict[UUID, list[ExceptionPeriod]]:
    rows = db.session.execute(_EXCEPTIONS, {"people": mentors, "begin": window.start, "end": window.end})
    found: dict[UUID, list[ExceptionPeriod]] = defaultdict(list)
    for mentor, starts_at, ends_at, kind in rows:
        found[mentor].append(ExceptionPeriod(starts_at, ends_at, kind))
    return found


def _busy(
    people: list[UUID], window: Interval, now: datetime, leaving_out: UUID | None
) -> dict[UUID, list[BusyInterval]]:
    asked = {"people": people, "begin": window.start, "end": window.end, "now": now}
    found: dict[UUID, list[BusyInterval]] = defaultdict(list)
    for person, session_id, busy, status, start, duration, buffer, is_over in db.session.execute(_BUSY, asked):
        if session_id == leaving_out:
            continue
        begin, end = busy.lower, busy.upper
        if is_over and start is not None:
            # Nobody answered in time: what is left of the piece is the session's own time (AV-4).
            begin, end = max(begin, start), min(end, start + timedelta(minutes=duration + buffer))
        if is_over and (start is None or begin >= end):
            continue
        # A piece that is not the session's own time is one under negotiation.
        found[person].append(BusyInterval(begin, end, held=status in _HELD or begin != start))
    return found
