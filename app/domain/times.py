"""Instants, intervals, and the only place where a time zone is computed (ID-7, AV-3).

Instants are aware and in UTC everywhere below the doors. A wall time becomes an instant here and nowhere else: not in
PostgreSQL, whose zone data is another copy, and not by adding to local datetimes, which sells one instant twice on the
day a clock changes.
"""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import tzdata  # type: ignore[import-untyped]  # data with a version, and no types

from app.domain.errors import Invalid

# The interpreter would take the machine's zone files first, and those differ from host to host: one host's copy of 2025
# and a tzdata package of 2026 disagree about Vancouver and Casablanca today. With no search path left, every process
# computes with the tzdata that the lock file pins.
zoneinfo.reset_tzpath(to=())
ZoneInfo.clear_cache()

TZDATA_VERSION: Final[str] = tzdata.IANA_VERSION
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Instants that people may give. Wide enough for every booking, narrow enough that no sum overflows.
EARLIEST: Final = datetime(1970, 1, 3, tzinfo=UTC)
LATEST: Final = datetime(2199, 12, 29, tzinfo=UTC)

_SECOND: Final = timedelta(seconds=1)
_MINUTES_PER_DAY: Final = 24 * 60


def utc(value: datetime) -> datetime:
    """The same instant in UTC.

    :raises ValueError: when ``value`` is naive
    """
    if value.tzinfo is None or value.utcoffset() is None:
        message = f"{value!r} has no offset; an instant is always aware (ID-7)"
        raise ValueError(message)
    return value.astimezone(UTC)


def parse_instant(text: str, *, field: str) -> datetime:
    """Read an ISO 8601 time that carries its offset (ID-7).

    :raises Invalid: ``fields[field]`` says why it cannot be used
    """
    try:
        value = utc(datetime.fromisoformat(text.strip()))
    except (ValueError, OverflowError) as error:
        message = "Give the time with its offset, such as 2026-03-29T10:00:00+02:00 or 2026-03-29T08:00:00Z."
        raise Invalid(message, fields={field: message}) from error
    if not EARLIEST <= value <= LATEST:
        message = f"Give a time between {EARLIEST:%Y} and {LATEST:%Y}."
        raise Invalid(message, fields={field: message})
    return value


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """The half-open time ``[start, end)``; both aware. An empty one has ``start == end``."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if utc(self.end) < utc(self.start):
            message = "An interval cannot end before it starts"
            raise ValueError(message)

    @classmethod
    def lasting(cls, start: datetime, minutes: int) -> Interval:
        """From ``start``, ``minutes`` of elapsed time long."""
        return cls(start, start + timedelta(minutes=minutes))

    @property
    def duration(self) -> timedelta:
        return self.end - self.start

    def overlaps(self, other: Interval) -> bool:
        """Whether they share an instant; touching ends do not."""
        return self.start < other.end and other.start < self.end

    def contains(self, instant: datetime) -> bool:
        return self.start <= instant < self.end

    def covers(self, other: Interval) -> bool:
        """Whether ``other`` lies wholly inside."""
        return self.start <= other.start and other.end <= self.end

    def widened(self, *, before: timedelta = timedelta(0), after: timedelta = timedelta(0)) -> Interval:
        """With time added at either side, such as a mentor's buffer after a session (AV-4)."""
        return Interval(self.start - before, self.end + after)


def seconds_floor(instant: datetime) -> int:
    """Whole seconds since 1970 at or before ``instant``."""
    return (instant - EPOCH) // _SECOND


def seconds_ceil(instant: datetime) -> int:
    """Whole seconds since 1970 at or after ``instant``."""
    return -((EPOCH - instant) // _SECOND)


def floor_to(instant: datetime, step: timedelta, *, origin: datetime = EPOCH) -> datetime:
    """The last point of the grid ``origin + n * step`` at or before ``instant``."""
    return origin + (instant - origin) // step * step


def ceil_to(instant: datetime, step: timedelta, *, origin: datetime = EPOCH) -> datetime:
    """The first point of the grid ``origin + n * step`` at or after ``instant``."""
    return origin - (origin - instant) // step * step


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """All zones that a person may choose: IANA names with a region, and UTC."""
    return frozenset(name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith("Etc/")) | {
        "UTC"
    }


def valid_zone(name: str) -> bool:
    """Whether ``name`` may be chosen as a time zone."""
    return name in zone_names()


def zone(name: str, *, field: str = "timezone") -> ZoneInfo:
    """The zone called ``name``.

    :raises Invalid: when there is none
    """
    if not valid_zone(name):
        message = f"We do not know the time zone {name[:60]!r}. Choose one such as Europe/Berlin."
        raise Invalid(message, fields={field: message})
    return ZoneInfo(name)


def offset_label(at: datetime, where: tzinfo) -> str:
    """The offset in force, as people read it: ``GMT``, ``GMT+1``, ``GMT+5:30``, ``GMT-3``."""
    offset = at.astimezone(where).utcoffset() or timedelta(0)
    minutes = round(offset.total_seconds() / 60)
    if minutes == 0:
        return "GMT"
    hours, rest = divmod(abs(minutes), 60)
    sign = "+" if minutes > 0 else "-"
    return f"GMT{sign}{hours}:{rest:02}" if rest else f"GMT{sign}{hours}"


def zone_label(at: datetime, name: str) -> str:
    """The zone's city and its offset at that instant: ``Berlin, GMT+1`` (ID-7)."""
    city = name.rsplit("/", maxsplit=1)[-1].replace("_", " ")
    return f"{city}, {offset_label(at, zone(name))}"


def starts_at(day: date, minute: int, where: tzinfo) -> datetime:
    """The instant, in UTC, at which a window starts that opens ``minute`` minutes after midnight on the wall clock.

    A wall time that the clock skips moves to the first instant after the gap; one that it shows twice takes the
    earlier (AV-3). ``minute`` may pass midnight (1,500 is 01:00 the next day).
    """
    return EPOCH + timedelta(seconds=wall_seconds(day, minute, where, is_end=False))


def ends_at(day: date, minute: int, where: tzinfo) -> datetime:
    """The instant, in UTC, at which a window ends: as ``starts_at``, but a time shown twice takes the later (AV-3)."""
    return EPOCH + timedelta(seconds=wall_seconds(day, minute, where, is_end=True))


def wall_seconds(day: date, minute: int, where: tzinfo, *, is_end: bool) -> int:
    """As ``starts_at`` and ``ends_at``, in seconds since 1970 for those who convert many."""
    later_days, minute = divmod(minute, _MINUTES_PER_DAY)
    if later_days:
        day += timedelta(days=later_days)
    wall = datetime.combine(day, time(minute // 60, minute % 60), where)
    first, second = wall.utcoffset(), wall.replace(fold=1).utcoffset()
    if first is None or second is None:
        message = f"{where!r} knows no offset for {wall}"
        raise ValueError(message)
    local = (day.toordinal() - EPOCH.toordinal()) * 86_400 + minute * 60
    before, after = local - _seconds(first), local - _seconds(second)
    if before == after:
        return before
    if before < after:
        # The clock shows it twice.
        return after if is_end else before
    return _end_of_gap(after, before, where)


def day_bounds(day: date, where: tzinfo) -> Interval:
    """The calendar day as instants, in UTC: 23, 24 or 25 hours, and nothing for a day that a zone skipped."""
    return days_bounds(day, day, where)


def days_bounds(first: date, last: date, where: tzinfo) -> Interval:
    """From the start of ``first`` to the start of the day after ``last``, in UTC; days never overlap."""
    return Interval(starts_at(first, 0, where), starts_at(last, _MINUTES_PER_DAY, where))


def _seconds(offset: timedelta) -> int:
    return offset.days * 86_400 + offset.seconds


def _end_of_gap(low: int, high: int, where: tzinfo) -> int:
    """The instant of the clock change that lies in ``(low, high]``, found by halving."""
    old = _offset_at(low, where)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset_at(middle, where) == old:
            low = middle
        else:
            high = middle
    return high


def _offset_at(seconds: int, where: tzinfo) -> timedelta | None:
    return datetime.fromtimestamp(seconds, where).utcoffset()
