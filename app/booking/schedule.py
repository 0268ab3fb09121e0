"""A mentor's schedule: the weekly pattern, exceptions, and what mentees would see of it (AV-1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from app.booking.access import lock_people
from app.booking.facts import load_availability
from app.domain.availability import Schedule, Slot, WeeklyBlock
from app.domain.context import Context
from app.domain.errors import Conflict, Invalid, NotFound, StaleVersion
from app.domain.permissions import Permission, require
from app.domain.times import days_bounds, utc, valid_zone, zone
from app.domain.vocabulary import BlockType, ExceptionType
from app.domain.weekly import GivenBlock, GivenDay, read_week
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import AvailabilityException, CalendarEntry, MentorSchedule, WeeklyPattern

MOST_EXCEPTIONS: Final = 500
_LONGEST_EXCEPTION: Final = timedelta(days=366)
_LONGEST_REASON: Final = 200
# As the table has them, so that a bad number is a field's problem and not the database's.
_BOUNDS: Final = {
    "buffer_minutes": (0, 240),
    "min_notice_hours": (0, 720),
    "max_advance_days": (1, 365),
    "slot_interval_minutes": (5, 240),
}
_FIELDS: Final = {
    "buffer_minutes": "bufferMinutes",
    "min_notice_hours": "minNoticeHours",
    "max_advance_days": "maxAdvanceDays",
    "slot_interval_minutes": "slotIntervalMinutes",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenSchedule:
    """A schedule as typed; times of day are wall time in ``timezone``.

    :param days: by weekday, Monday is 0; one that is missing is off
    """

    timezone: str
    days: Mapping[int, GivenDay]
    is_active: bool = True
    buffer_minutes: int = 15
    min_notice_hours: int = 2
    max_advance_days: int = 60
    slot_interval_minutes: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionView:
    """One blocked or extra period; instants."""

    id: UUID
    starts_at: datetime
    ends_at: datetime
    type: ExceptionType
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleView:
    """What the schedule page shows. ``version`` is None before the first save."""

    given: GivenSchedule
    version: int | None
    exceptions: tuple[ExceptionView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionAdded:
    """:param sessions_inside: sessions sold before that lie in a blocked period: they stand"""

    id: UUID
    sessions_inside: int


def load_schedule(mentor_id: UUID, *, fallback_zone: str, now: datetime) -> ScheduleView:
    """The mentor's schedule with the exceptions that are not over, in three statements.

    :param fallback_zone: the person's own zone, for a mentor who has saved none yet
    """
    row = db.session.scalars(
        select(MentorSchedule).where(MentorSchedule.mentor_id == mentor_id).execution_options(populate_existing=True)
    ).one_or_none()
    days = {
        pattern.weekday: GivenDay(
            pattern.is_enabled,
            tuple(GivenBlock(each["start"], each["end"], BlockType(each["type"])) for each in pattern.blocks),
        )
        for pattern in db.session.scalars(
            select(WeeklyPattern)
            .where(WeeklyPattern.mentor_id == mentor_id)
            .order_by(WeeklyPattern.weekday)
            .execution_options(populate_existing=True)
        )
    }
    exceptions = tuple(
        ExceptionView(id=each.id, starts_at=each.starts_at, ends_at=each.ends_at, type=each.type, reason=each.reason)
        for each in db.session.scalars(
            select(AvailabilityException)
            .where(AvailabilityException.mentor_id == mentor_id, AvailabilityException.ends_at > now)
            .order_by(AvailabilityException.starts_at)
            .limit(MOST_EXCEPTIONS)
        )
    )
    if row is None:
        given = GivenSchedule(timezone=fallback_zone, days=days, is_active=False)
        return ScheduleView(given=given, version=None, exceptions=exceptions)
    given = GivenSchedule(
        timezone=row.timezone,
        days=days,
        is_active=row.is_active,
        **{name: getattr(row, name) for name in _BOUNDS},
    )
    return ScheduleView(given=given, version=row.version, exceptions=exceptions)


def save_schedule(given: GivenSchedule, *, version: int | None, ctx: Context) -> int:
    """This function will store the signed-in mentor's schedule, and give its new version; sold bookings stand.

    :param version: as it was when the page was opened; None for the first save
    :raises Invalid: naming every field that cannot be used
    :raises StaleVersion: it was changed on another screen meanwhile
    """
    require(ctx.actor, Permission.OWN_SCHEDULE_EDIT)
    mentor_id = _mentor_of(ctx)
    _checked(given)
    with transaction():
        lock_people(mentor_id)
        stored = db.session.scalar(select(MentorSchedule.version).where(MentorSchedule.mentor_id == mentor_id))
        if stored != version:
            raise StaleVersion("Your schedule was changed on another screen. Reload the page, then change it again.")
        frame = {
            "timezone": given.timezone,
            "is_active": given.is_active,
            **{name: getattr(given, name) for name in _BOUNDS},
            "updated_at": ctx.now,
            "version": (stored or 0) + 1,
        }
        db.session.execute(
            insert(MentorSchedule)
            .values(mentor_id=mentor_id, **frame)
            .on_conflict_do_update(index_elements=["mentor_id"], set_=frame)
        )
        for weekday in range(7):
            _store_day(mentor_id, weekday, given.days.get(weekday, GivenDay(is_enabled=False)))
        return (stored or 0) + 1


def preview_slots(
    given: GivenSchedule, *, first_day: date, last_day: date, duration_minutes: int, viewer_zone: str, ctx: Context
) -> list[Slot]:
    """What mentees would see if the signed-in mentor saved this: his or her own bookings and exceptions as they are.

    :raises Invalid: naming every field that cannot be used
    """
    require(ctx.actor, Permission.OWN_SCHEDULE_EDIT)
    pattern = _checked(given)
    window = days_bounds(first_day, last_day, zone(viewer_zone))
    facts = load_availability(_mentor_of(ctx), None, window, now=ctx.now)
    schedule = Schedule(given.timezone, given.is_active, *(getattr(given, name) for name in _BOUNDS))
    enabled = [block for day, blocks in pattern.items() if given.days[day].is_enabled for block in blocks]
    return replace(facts, schedule=schedule, pattern=enabled).slots(
        first_day=first_day,
        last_day=last_day,
        duration_minutes=duration_minutes,
        viewer_zone=viewer_zone,
        now=ctx.now,
    )


def add_exception(
    *,
    starts_at: datetime,
    ends_at: datetime,
    kind: ExceptionType,
    reason: str | None,
    ctx: Context,
) -> ExceptionAdded:
    """This function will block a period, or offer an extra one; both instants aware.

    :raises Invalid: reversed, over already, or longer than a year
    :raises Conflict: too many of them
    """
    require(ctx.actor, Permission.OWN_SCHEDULE_EDIT)
    mentor_id = _mentor_of(ctx)
    start, end = utc(starts_at), utc(ends_at)
    problems = {}
    if end <= start:
        problems["endsAt"] = "The end must come after the start."
    elif end <= ctx.now:
        problems["endsAt"] = "This time has passed already."
    elif end - start > _LONGEST_EXCEPTION:
        problems["endsAt"] = "At most a year at once."
    if len(reason or "") > _LONGEST_REASON:
        problems["reason"] = f"At most {_LONGEST_REASON} characters."
    if problems:
        raise Invalid("This exception cannot be used.", fields=problems)
    with transaction():
        lock_people(mentor_id)
        count = db.session.scalar(
            select(func.count())
            .select_from(AvailabilityException)
            .where(AvailabilityException.mentor_id == mentor_id, AvailabilityException.ends_at > ctx.now)
        )
        if (count or 0) >= MOST_EXCEPTIONS:
            raise Conflict(f"You have {MOST_EXCEPTIONS} exceptions. Remove one first.")
        row = AvailabilityException(
            id=uuid4(),
            mentor_id=mentor_id,
            starts_at=start,
            ends_at=end,
            type=kind,
            reason=(reason or "").strip() or None,
            created_at=ctx.now,
        )
        db.session.add(row)
        inside = _sessions_inside(mentor_id, start, end) if kind is ExceptionType.BLOCKED else 0
    return ExceptionAdded(id=row.id, sessions_inside=inside)


def remove_exception(exception_id: UUID, *, ctx: Context) -> None:
    """This function will take an exception of the signed-in mentor's back.

    :raises NotFound: there is none, or it is another's
    """
    require(ctx.actor, Permission.OWN_SCHEDULE_EDIT)
    mentor_id = _mentor_of(ctx)
    with transaction():
        lock_people(mentor_id)
        removed = db.session.execute(
            delete(AvailabilityException)
            .where(AvailabilityException.id == exception_id, AvailabilityException.mentor_id == mentor_id)
            .returning(AvailabilityException.id)
        ).scalar()
        if removed is None:
            raise NotFound


def _checked(given: GivenSchedule) -> dict[int, list[WeeklyBlock]]:
    pattern, problems = read_week(given.days)
    if not valid_zone(given.timezone):
        problems["timezone"] = "Choose a time zone such as Europe/Berlin."
    for name, (least, most) in _BOUNDS.items():
        if not least <= getattr(given, name) <= most:
            problems[_FIELDS[name]] = f"Between {least} and {most}."
    if problems:
        raise Invalid("This schedule cannot be used as it is.", fields=problems)
    return pattern


def _store_day(mentor_id: UUID, weekday: int, day: GivenDay) -> None:
    values = {
        "is_enabled": day.is_enabled,
        "blocks": [{"start": each.start, "end": each.end, "type": each.type.value} for each in day.blocks],
    }
    db.session.execute(
        insert(WeeklyPattern)
        .values(mentor_id=mentor_id, weekday=weekday, **values)
        .on_conflict_do_update(index_elements=["mentor_id", "weekday"], set_=values)
    )


def _sessions_inside(mentor_id: UUID, start: datetime, end: datetime) -> int:
    return (
        db.session.scalar(
            select(func.count())
            .select_from(CalendarEntry)
            .where(
                CalendarEntry.user_id == mentor_id,
                CalendarEntry.busy.op("&&")(func.tstzrange(start, end, "[)")),
            )
        )
        or 0
    )


def _mentor_of(ctx: Context) -> UUID:
    if ctx.actor.user_id is None:
        raise NotFound
    return ctx.actor.user_id
