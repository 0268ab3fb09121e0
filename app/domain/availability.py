"""Which times of a mentor can be booked (AV-1 to AV-4, BK-10).

The engine asks for facts and answers with slots. A window of the weekly pattern is wall time in the mentor's zone; it
is turned into two instants, and from there on everything is whole seconds: slots step in **elapsed** time from the
window's start, so that a day of 23 or 25 hours needs no special case. The starts are sorted, so that whatever rules
some of them out is one slice. Aware datetimes appear at the two edges only; comparing each slot with each session in
them is what makes the obvious way many times slower.

Conventions, where the specification leaves a choice: the grid of a window runs on through its breaks; an ``extra``
period is a window of its own, which breaks do not cut; ``blocked`` wins over both; two windows that touch are two
windows, and no slot spans them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from operator import itemgetter
from typing import Final, NamedTuple

from app.domain.decision import Decision, Refusal
from app.domain.errors import Invalid
from app.domain.times import (
    EARLIEST,
    EPOCH,
    LATEST,
    Interval,
    days_bounds,
    seconds_ceil,
    seconds_floor,
    utc,
    wall_seconds,
    zone,
)
from app.domain.vocabulary import BlockType, ExceptionType, SlotReason

MAX_DAYS: Final = 62
_DAY: Final = 24 * 60
_Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Schedule:
    """The frame of a mentor's week, as in ``mentor_schedules``."""

    timezone: str
    is_active: bool = True
    buffer_minutes: int = 15
    min_notice_hours: int = 2
    max_advance_days: int = 60
    slot_interval_minutes: int = 30

    def __post_init__(self) -> None:
        if self.slot_interval_minutes < 1 or min(self.buffer_minutes, self.min_notice_hours, self.max_advance_days) < 0:
            raise ValueError("A schedule steps forward, and its other numbers are not negative")

    def without_notice(self) -> Schedule:
        """The same for a time that the mentor proposes: the minimum notice protects the mentor alone (RS-1)."""
        return replace(self, min_notice_hours=0)


@dataclass(frozen=True, slots=True)
class WeeklyBlock:
    """A block of an enabled weekday; wall time in the mentor's zone.

    :param weekday: Monday is 0; the day on which the block starts
    :param start_minute: minutes after that day's midnight; may pass 1,440 for a break after midnight
    :param end_minute: likewise; one that is not after the start means the next day (22:00 to 02:00)
    """

    weekday: int
    start_minute: int
    end_minute: int
    type: BlockType = BlockType.AVAILABLE

    def __post_init__(self) -> None:
        if not (0 <= self.weekday <= 6 and 0 <= self.start_minute < 2 * _DAY and 0 <= self.end_minute <= 3 * _DAY):
            raise ValueError("A block lies in a week and lasts no longer than a day")
        if self.last_minute - self.start_minute > _DAY or self.last_minute <= self.start_minute:
            raise ValueError("A block lasts more than nothing and at most a day")

    @property
    def last_minute(self) -> int:
        """The end, counted from the midnight before the start."""
        return self.end_minute if self.end_minute > self.start_minute else self.end_minute + _DAY


@dataclass(frozen=True, slots=True)
class ExceptionPeriod:
    """A blocked or an extra period; instants."""

    start: datetime
    end: datetime
    type: ExceptionType


@dataclass(frozen=True, slots=True)
class BusyInterval:
    """When a person is occupied; instants, a mentor's own buffer included (AV-4).

    :param held: not confirmed yet: an unpaid draft, a request awaiting review, a time under negotiation
    """

    start: datetime
    end: datetime
    held: bool = False


class Slot(NamedTuple):
    """A start on the mentor's grid, and whether it can be booked.

    A tuple, not a dataclass: two months are up to six thousand of them, and making them is most of the work.
    """

    start_at: datetime
    end_at: datetime
    local_start: datetime
    available: bool
    reason: SlotReason | None


def slots(
    schedule: Schedule,
    pattern: Sequence[WeeklyBlock],
    exceptions: Iterable[ExceptionPeriod],
    *,
    mentor_busy: Iterable[BusyInterval],
    mentee_busy: Iterable[BusyInterval],
    first_day: date,
    last_day: date,
    duration_minutes: int,
    viewer_zone: str,
    now: datetime,
) -> list[Slot]:
    """All starts of the mentor's grid in a range of days, in order (AV-2).

    :param pattern: blocks of enabled days only
    :param mentor_busy: each with its own buffer after it
    :param mentee_busy: the signed-in mentee's sessions, without buffer; empty for anybody else
    :param first_day: calendar day in ``viewer_zone``, as is ``last_day``, both included
    :param now: the instant of asking, aware
    :raises Invalid: an unknown zone, a range that is reversed or longer than 62 days, a duration out of bounds
    """
    _check_request(first_day, last_day, duration_minutes)
    where = zone(viewer_zone)
    bounds = days_bounds(first_day, last_day, where)
    span = (seconds_floor(bounds.start), seconds_floor(bounds.end))
    judged = _judged(
        schedule, pattern, list(exceptions), mentor_busy, mentee_busy, span, duration_minutes * 60, utc(now)
    )
    length = timedelta(minutes=duration_minutes)
    instant = datetime.fromtimestamp
    return [
        Slot(start_at := instant(start, UTC), start_at + length, instant(start, where), reason is None, reason)
        for start, reason in judged
    ]


def is_bookable(
    schedule: Schedule,
    pattern: Sequence[WeeklyBlock],
    exceptions: Iterable[ExceptionPeriod],
    *,
    start: datetime,
    duration_minutes: int,
    mentor_busy: Iterable[BusyInterval],
    mentee_busy: Iterable[BusyInterval],
    now: datetime,
) -> Decision:
    """Whether a session may start at ``start``: on the mentor's grid, and free (BK-10). Agrees with ``slots``.

    The refusal is ``SlotTaken`` when somebody was quicker, ``Invalid`` on ``scheduledAt`` for anything that could have
    been known.
    """
    start = utc(start)
    # What has passed is told so, whatever else is wrong with it.
    off_grid = SlotReason.PAST if start < utc(now) else None
    if not EARLIEST <= start <= LATEST:
        return _refused(off_grid or SlotReason.BEYOND_WINDOW, start, schedule)
    if (start - EPOCH) % timedelta(seconds=1):
        return _refused(off_grid, start, schedule)
    at = seconds_floor(start)
    judged = _judged(
        schedule,
        pattern,
        list(exceptions),
        mentor_busy,
        mentee_busy,
        (at, at + 1),
        duration_minutes * 60,
        utc(now),
    )
    if not judged:
        return _refused(off_grid, start, schedule)
    reason = judged[0][1]
    if reason is not None:
        return _refused(reason, start, schedule)
    return Decision(allowed=True, rule="slot_free", message="This time is free.", numbers={"start": start})


def is_covered(
    schedule: Schedule, pattern: Sequence[WeeklyBlock], exceptions: Iterable[ExceptionPeriod], wanted: Interval
) -> bool:
    """Whether the mentor works throughout ``wanted``, on the grid or not: what a replacement needs (AV-6)."""
    if not schedule.is_active:
        return False
    span = (seconds_floor(wanted.start), seconds_ceil(wanted.end))
    known = list(exceptions)
    if _meets(_periods(known, ExceptionType.BLOCKED), span):
        return False
    if _covers(_periods(known, ExceptionType.EXTRA), span):
        return True
    where = zone(schedule.timezone)
    return _covers(_windows(pattern, BlockType.AVAILABLE, where, span), span) and not _meets(
        _windows(pattern, BlockType.BREAK, where, span), span
    )


def nearest_free(found: Iterable[Slot], around: datetime, count: int = 3) -> list[Slot]:
    """The ``count`` available slots nearest to ``around``, in order of time: what a refusal offers (BK-2, RS-4)."""
    free = sorted((slot for slot in found if slot.available), key=lambda slot: (abs(slot.start_at - around), slot))
    return sorted(free[:count], key=itemgetter(0))


# --- whole seconds from here on --------------------------------------------------------------------------------------


def _meets(spans: Iterable[_Span], wanted: _Span) -> bool:
    return any(begin < wanted[1] and wanted[0] < end for begin, end in spans)


def _covers(spans: Iterable[_Span], wanted: _Span) -> bool:
    return any(begin <= wanted[0] and wanted[1] <= end for begin, end in spans)


_Judged = list[tuple[int, SlotReason | None]]


def _judged(
    schedule: Schedule,
    pattern: Sequence[WeeklyBlock],
    exceptions: Sequence[ExceptionPeriod],
    mentor_busy: Iterable[BusyInterval],
    mentee_busy: Iterable[BusyInterval],
    span: _Span,
    length: int,
    now: datetime,
) -> _Judged:
    """Every start within ``span``, in order, with the reason why it cannot be booked.

    The starts are sorted, so what rules some of them out is a slice. Reasons are painted over one another, the weakest
    first, and no start is looked at by itself.
    """
    starts = _grid(schedule, pattern, exceptions, span, length)
    reasons: list[SlotReason | None] = [None] * len(starts)

    def paint(low: int, high: int, reason: SlotReason) -> None:
        reasons[low:high] = [reason] * (high - low)

    def paint_over(spans: Iterable[_Span], room: int, reason: SlotReason) -> None:
        for low, high in _slices(starts, spans, room):
            paint(low, high, reason)

    mentors = list(mentor_busy)
    # AV-4: one buffer lies between two sessions; the one before has its own in its interval.
    room = length + schedule.buffer_minutes * 60
    paint_over(_seconds(mentee_busy), length, SlotReason.OWN_CONFLICT)
    paint_over(_seconds(busy for busy in mentors if busy.held), room, SlotReason.HELD)
    paint_over(_seconds(busy for busy in mentors if not busy.held), room, SlotReason.BOOKED)
    paint_over(_periods(exceptions, ExceptionType.BLOCKED), length, SlotReason.EXCEPTION)
    # A start exactly on the boundary of notice or window can still be booked.
    present = seconds_ceil(now)
    latest = seconds_floor(now) + schedule.max_advance_days * 86_400
    paint(bisect_right(starts, latest), len(starts), SlotReason.BEYOND_WINDOW)
    paint(0, bisect_left(starts, present + schedule.min_notice_hours * 3_600), SlotReason.TOO_SOON)
    paint(0, bisect_left(starts, present), SlotReason.PAST)
    return list(zip(starts, reasons, strict=True))


def _slices(starts: Sequence[int], spans: Iterable[_Span], room: int) -> Iterator[_Span]:
    """For each span the slice of sorted ``starts`` from which ``room`` seconds would run into it."""
    for begin, end in spans:
        low, high = bisect_right(starts, begin - room), bisect_left(starts, end)
        if low < high:
            yield low, high


def _grid(
    schedule: Schedule,
    pattern: Sequence[WeeklyBlock],
    exceptions: Sequence[ExceptionPeriod],
    span: _Span,
    length: int,
) -> list[int]:
    """The starts within ``span`` of slots that lie wholly in a window; ascending, each once."""
    if not schedule.is_active:
        return []
    where = zone(schedule.timezone)
    step = schedule.slot_interval_minutes * 60
    # A window may have begun before the span and still have starts in it.
    starts = _steps(_windows(pattern, BlockType.AVAILABLE, where, span), step, length, span)
    breaks = _windows(pattern, BlockType.BREAK, where, (span[0], span[1] + length))
    if breaks:
        weekly = sorted(starts)
        for low, high in _slices(weekly, breaks, length):
            starts.difference_update(weekly[low:high])
    starts |= _steps(_periods(exceptions, ExceptionType.EXTRA), step, length, span)
    return sorted(starts)


def _steps(windows: Iterable[_Span], step: int, length: int, span: _Span) -> set[int]:
    starts: set[int] = set()
    low, high = span
    for begin, end in windows:
        first = begin if begin >= low else begin + -((begin - low) // step) * step
        starts.update(range(first, min(high, end - length + 1), step))
    return starts


def _windows(pattern: Sequence[WeeklyBlock], kind: BlockType, where: tzinfo, span: _Span) -> list[_Span]:
    """The blocks of one kind as instants, for every day whose blocks may reach into ``span``."""
    by_weekday: list[list[_Span]] = [[] for _ in range(7)]
    for block in pattern:
        if block.type is kind:
            by_weekday[block.weekday].append((block.start_minute, block.last_minute))
    if not any(by_weekday):
        return []
    # Local days run at most a day away from UTC's, and a block ends at most three midnights after its own.
    first = EPOCH.toordinal() + span[0] // 86_400 - 4
    last = EPOCH.toordinal() + span[1] // 86_400 + 1
    windows: list[_Span] = []
    for ordinal in range(first, last + 1):
        # Day 1 of the calendar was a Monday.
        blocks = by_weekday[(ordinal - 1) % 7]
        if not blocks:
            continue
        day = date.fromordinal(ordinal)
        for start_minute, end_minute in blocks:
            start = wall_seconds(day, start_minute, where, is_end=False)
            end = wall_seconds(day, end_minute, where, is_end=True)
            if start < end and end > span[0] and start < span[1]:
                windows.append((start, end))
    return windows


def _periods(exceptions: Iterable[ExceptionPeriod], kind: ExceptionType) -> list[_Span]:
    return _seconds(each for each in exceptions if each.type is kind)


def _seconds(intervals: Iterable[BusyInterval | ExceptionPeriod]) -> list[_Span]:
    return [(seconds_floor(each.start), seconds_ceil(each.end)) for each in intervals if each.start < each.end]


def _check_request(first_day: date, last_day: date, duration_minutes: int) -> None:
    problems: dict[str, str] = {}
    if last_day < first_day:
        problems["end"] = "The last day cannot be before the first."
    elif (last_day - first_day).days >= MAX_DAYS:
        problems["end"] = f"Ask for at most {MAX_DAYS} days at once."
    if not EARLIEST.date() <= first_day <= LATEST.date():
        problems["start"] = f"Give a day between {EARLIEST:%Y} and {LATEST:%Y}."
    if not 1 <= duration_minutes <= _DAY:
        problems["duration"] = f"Between 1 and {_DAY} minutes."
    if problems:
        raise Invalid("These times cannot be looked up.", fields=problems)


_WORDS: Final = {
    None: "The mentor does not offer this start. Choose one of the times shown.",
    SlotReason.PAST: "This time has passed. Choose a later one.",
    SlotReason.TOO_SOON: "This is too soon: the mentor needs {notice} hours' notice.",
    SlotReason.BEYOND_WINDOW: "This is too far ahead: the mentor takes bookings up to {ahead} days ahead.",
    SlotReason.EXCEPTION: "The mentor is away at this time. Choose another.",
    SlotReason.BOOKED: "Somebody else has just booked this time. Choose another.",
    SlotReason.HELD: "Somebody else is about to book this time. Choose another, or try again in a while.",
    SlotReason.OWN_CONFLICT: "You have another session at this time. Choose another.",
}
_TAKEN: Final = frozenset({SlotReason.BOOKED, SlotReason.HELD})


def _refused(reason: SlotReason | None, start: datetime, schedule: Schedule) -> Decision:
    notice, ahead = schedule.min_notice_hours, schedule.max_advance_days
    message = _WORDS[reason].format(notice=notice, ahead=ahead)
    return Decision(
        allowed=False,
        rule=reason.value if reason else "off_grid",
        message=message,
        numbers={"start": start, "min_notice_hours": notice, "max_advance_days": ahead},
        refusal=Refusal.SLOT_TAKEN if reason in _TAKEN else Refusal.INVALID,
        fields={} if reason in _TAKEN else {"scheduledAt": message},
    )
