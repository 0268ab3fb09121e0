"""Sixty days of one mentor's slots: the engine beside the obvious loop, in one run (PERF-4).

Run it with ``python bench/slots.py`` from the checkout. Both sides get the same facts and must give the same answer.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.domain.availability import BusyInterval, Schedule, WeeklyBlock, slots

ROUNDS = 15
FIRST, DAYS = date(2026, 5, 1), 60
NOW = datetime(2026, 5, 1, 6, tzinfo=UTC)
BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
LENGTH, STEP, BUFFER = timedelta(minutes=60), timedelta(minutes=30), timedelta(minutes=15)
Row = tuple[datetime, datetime, datetime, str | None]


def bookings() -> list[BusyInterval]:
    """Two sessions on each of sixty days, every fifth only held."""
    entries = []
    for number in range(DAYS * 2):
        start = NOW + timedelta(hours=12 * number, minutes=30 * (number % 3))
        entries.append(BusyInterval(start, start + LENGTH + BUFFER, held=number % 5 == 0))
    return entries


def naive(busy: list[BusyInterval], opens: int, closes: int) -> list[Row]:
    """As one writes it first: every slot of every day against every booking, in aware datetimes.

    Right on days without a clock change, which is all this benchmark asks for.
    """
    found: list[Row] = []
    for number in range(-1, DAYS + 1):
        midnight = datetime.combine(FIRST + timedelta(days=number), time(), BERLIN)
        start = midnight + timedelta(hours=opens)
        while start + LENGTH <= midnight + timedelta(hours=closes):
            local = start.astimezone(NEW_YORK)
            if FIRST <= local.date() < FIRST + timedelta(days=DAYS):
                reason = None
                if start < NOW:
                    reason = "past"
                elif start < NOW + timedelta(hours=2):
                    reason = "too_soon"
                elif start > NOW + timedelta(days=60):
                    reason = "beyond_window"
                elif any(b.start < start + LENGTH + BUFFER and start < b.end for b in busy if not b.held):
                    reason = "booked"
                elif any(b.start < start + LENGTH + BUFFER and start < b.end for b in busy if b.held):
                    reason = "held"
                found.append((start.astimezone(UTC), (start + LENGTH).astimezone(UTC), local, reason))
            start += STEP
    return found


def engine(busy: list[BusyInterval], opens: int, closes: int) -> list[Row]:
    found = slots(
        Schedule("Europe/Berlin"),
        [WeeklyBlock(weekday, opens * 60, closes * 60) for weekday in range(7)],
        [],
        mentor_busy=busy,
        mentee_busy=[],
        first_day=FIRST,
        last_day=FIRST + timedelta(days=DAYS - 1),
        duration_minutes=60,
        viewer_zone="America/New_York",
        now=NOW,
    )
    return [(slot.start_at, slot.end_at, slot.local_start, slot.reason) for slot in found]


def milliseconds(work: Callable[[], object]) -> float:
    started = perf_counter()
    work()
    return (perf_counter() - started) * 1000


def main() -> None:
    busy = bookings()
    print(f"{'mentor works':<14}{'slots':>7}{'bookings':>10}{'engine ms':>11}{'loop ms':>10}{'ratio':>8}")
    for opens, closes in ((9, 17), (8, 20), (0, 24)):
        ours, theirs = engine(busy, opens, closes), naive(busy, opens, closes)
        if ours != theirs:
            sys.exit("The two ways disagree")
        # In turns, so that a busy machine slows both.
        times = [
            (milliseconds(lambda: engine(busy, opens, closes)), milliseconds(lambda: naive(busy, opens, closes)))  # noqa: B023 - called at once
            for _ in range(ROUNDS)
        ]
        engine_ms, loop_ms = median(each[0] for each in times), median(each[1] for each in times)
        hours = f"{opens:02}-{closes:02} h"
        print(f"{hours:<14}{len(ours):>7}{len(busy):>10}{engine_ms:>11.2f}{loop_ms:>10.1f}{loop_ms / engine_ms:>7.1f}x")


if __name__ == "__main__":
    main()
