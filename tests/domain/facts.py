"""Facts for the rules' tests, each minimal and valid. The tests say what matters to them and nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from app.domain import times  # noqa: F401 - pins the zone data before any zone below is read
from app.domain.availability import BusyInterval, Schedule, Slot, WeeklyBlock, slots

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def at(wall: str, zone: str = "UTC", *, fold: int = 0) -> datetime:
    """The instant that a clock on the wall of ``zone`` shows, in UTC."""
    return datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def open_schedule(zone: str, *, interval: int = 30, buffer: int = 0, notice: int = 0, ahead: int = 40_000) -> Schedule:
    """A schedule whose frame rules nothing out."""
    return Schedule(zone, True, buffer, notice, ahead, interval)


def minutes(clock: str) -> int:
    """Minutes after midnight of ``"22:30"``; ``"24:00"`` and later are the next day."""
    hours, rest = clock.split(":")
    return int(hours) * 60 + int(rest)


def window_on(day: date, opens: str, closes: str) -> WeeklyBlock:
    return WeeklyBlock(day.weekday(), minutes(opens), minutes(closes))


def slots_of(
    schedule: Schedule,
    pattern: list[WeeklyBlock],
    first: date,
    last: date | None = None,
    *,
    duration: int = 60,
    now: datetime = LONG_AGO,
    viewer: str | None = None,
    booked: list[BusyInterval] | None = None,
    own: list[BusyInterval] | None = None,
    exceptions: list[object] | None = None,
) -> list[Slot]:
    return slots(
        schedule,
        pattern,
        exceptions or [],  # type: ignore[arg-type]
        mentor_busy=booked or [],
        mentee_busy=own or [],
        first_day=first,
        last_day=last or first,
        duration_minutes=duration,
        viewer_zone=viewer or schedule.timezone,
        now=now,
    )


def labels(found: list[Slot]) -> list[str]:
    """What the viewer's clock shows at each start, with its offset: ``"02:00+0100"``."""
    return [slot.local_start.strftime("%H:%M%z") for slot in found]
