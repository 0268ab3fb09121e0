"""Reading a mentor's weekly pattern as given, and refusing what makes no sense (AV-1, AV-3)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.domain.availability import WeeklyBlock
from app.domain.vocabulary import BlockType

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MOST_BLOCKS: Final = 12
_CLOCK: Final = re.compile(r"(\d{2}):(\d{2})\Z")
_DAY: Final = 24 * 60


@dataclass(frozen=True, slots=True)
class GivenBlock:
    """A block as typed: wall times ``"09:00"``; an end that is not after the start lies on the next day."""

    start: str
    end: str
    type: BlockType = BlockType.AVAILABLE


@dataclass(frozen=True, slots=True)
class GivenDay:
    """A weekday as typed; the blocks of a day that is off are kept for when it is on again."""

    is_enabled: bool
    blocks: Sequence[GivenBlock] = ()


def read_week(days: Mapping[int, GivenDay]) -> tuple[dict[int, list[WeeklyBlock]], dict[str, str]]:
    """The blocks of each weekday (Monday is 0), and what is wrong with them, by field: ``days.0.blocks.1.end``.

    A break after midnight belongs to the evening before it and is given as that evening's: ``"00:30"`` inside 22:00 to
    02:00 is half past midnight.
    """
    week: dict[int, list[WeeklyBlock]] = {}
    problems: dict[str, str] = {}
    for weekday, day in sorted(days.items()):
        if not 0 <= weekday <= 6:
            problems[f"days.{weekday}"] = "A week has the days 0 (Monday) to 6."
            continue
        week[weekday] = _read_day(weekday, day, problems)
    if not problems:
        _find_overlaps({day: week[day] for day, given in days.items() if given.is_enabled}, problems)
    return week, problems


def minute_of(clock: str) -> int | None:
    """Minutes after midnight of ``"09:30"``, up to ``"24:00"``; None when it is no such time."""
    found = _CLOCK.match(clock)
    if found is None:
        return None
    hours, minutes = int(found[1]), int(found[2])
    total = hours * 60 + minutes
    return total if minutes < 60 and total <= _DAY else None


def block_of(weekday: int, start: int, end: int, kind: BlockType, opens: int = 0) -> WeeklyBlock:
    """One block; a break that begins before the day ``opens`` is one after midnight."""
    shift = _DAY if kind is BlockType.BREAK and start < opens else 0
    return WeeklyBlock(weekday, start + shift, end + shift if shift else end, kind)


def _read_day(weekday: int, day: GivenDay, problems: dict[str, str]) -> list[WeeklyBlock]:
    place = f"days.{weekday}.blocks"
    if len(day.blocks) > MOST_BLOCKS:
        problems[place] = f"At most {MOST_BLOCKS} blocks a day."
        return []
    read: list[tuple[int, int, BlockType]] = []
    for number, given in enumerate(day.blocks):
        start, end = minute_of(given.start), minute_of(given.end)
        if start is None or start == _DAY:
            problems[f"{place}.{number}.start"] = "Give a time of day, such as 09:00."
        if end is None:
            problems[f"{place}.{number}.end"] = "Give a time of day, such as 17:00."
        if start is not None and end is not None and start != _DAY:
            read.append((start, end, given.type))
    opens = min((start for start, _, kind in read if kind is BlockType.AVAILABLE), default=0)
    if day.is_enabled and not problems and not any(kind is BlockType.AVAILABLE for _, _, kind in read):
        problems[place] = "A day that is on needs a time in which you are available."
    return [block_of(weekday, start, end, kind, opens) for start, end, kind in read]


def _find_overlaps(week: Mapping[int, Sequence[WeeklyBlock]], problems: dict[str, str]) -> None:
    """Two windows that overlap would sell the same time on two grids; the last night of the week meets its first."""
    spans = sorted(
        (weekday * _DAY + block.start_minute, weekday * _DAY + block.last_minute, weekday)
        for weekday, blocks in week.items()
        for block in blocks
        if block.type is BlockType.AVAILABLE
    )
    if not spans:
        return
    first = (spans[0][0] + 7 * _DAY, spans[0][1] + 7 * _DAY, spans[0][2])
    for (_, end, weekday), (start, _, next_weekday) in zip(spans, [*spans[1:], first], strict=True):
        if start < end:
            names = WEEKDAYS[weekday], WEEKDAYS[next_weekday]
            problems[f"days.{next_weekday}.blocks"] = (
                f"Two blocks on {names[0]} overlap."
                if names[0] == names[1]
                else f"A block of {names[0]} runs into {names[1]}'s."
            )
