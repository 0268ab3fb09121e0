"""The weekly pattern as a plain form posts it: per weekday a switch and rows of start, end and kind (AV-1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from werkzeug.datastructures import MultiDict

from app.booking.schedule import GivenSchedule
from app.domain.errors import Invalid
from app.domain.vocabulary import BlockType
from app.domain.weekly import WEEKDAYS, GivenBlock, GivenDay

NUMBERS = {
    "buffer_minutes": ("Pause between sessions", "minutes"),
    "min_notice_hours": ("Book at the latest", "hours before"),
    "max_advance_days": ("Book at the earliest", "days ahead"),
    "slot_interval_minutes": ("A start every", "minutes"),
}
_MOST_ROWS = 20


@dataclass(frozen=True, slots=True)
class DayRows:
    """A weekday as the form shows it; the last row is empty, for one more block."""

    number: int
    name: str
    is_on: bool
    rows: Sequence[GivenBlock]


def read_given(form: MultiDict[str, str]) -> GivenSchedule:
    """What was typed, as ``booking.schedule`` judges it.

    :raises Invalid: for numbers that are none
    """
    numbers, problems = {}, {}
    for name, (label, _) in NUMBERS.items():
        text = form.get(name, "").strip()
        if text.isascii() and text.isdigit() and len(text) <= 4:
            numbers[name] = int(text)
        else:
            problems[name] = f"{label}: give a whole number."
    if problems:
        raise Invalid("Some of the numbers cannot be read.", fields=problems)
    return GivenSchedule(
        timezone=form.get("timezone", ""),
        is_active="is_active" in form,
        days={number: _day(form, number) for number in range(7)},
        **numbers,
    )


def rows_of(given: GivenSchedule) -> list[DayRows]:
    """A schedule as the form shows it."""
    return [_shown(number, given.days.get(number, GivenDay(is_enabled=False))) for number in range(7)]


def problem_lines(error: Invalid) -> list[str]:
    """What is wrong, each line with its day or field by name."""
    lines = []
    for name, text in error.fields.items():
        parts = name.split(".")
        is_day = len(parts) > 1 and parts[0] == "days" and parts[1].isdigit() and int(parts[1]) < 7
        day = f"{WEEKDAYS[int(parts[1])]}: " if is_day else ""
        label = next((words for key, (words, _) in NUMBERS.items() if key.replace("_", "") == name.lower()), "")
        lines.append(f"{day}{label + ': ' if label else ''}{text}")
    return list(dict.fromkeys(lines)) or [error.message]


def _day(form: MultiDict[str, str], number: int) -> GivenDay:
    starts, ends, kinds = (form.getlist(f"d{number}_{part}")[:_MOST_ROWS] for part in ("start", "end", "type"))
    blocks = [
        GivenBlock(_clock(start), _clock(end), BlockType.BREAK if kind == "BREAK" else BlockType.AVAILABLE)
        for start, end, kind in zip(starts, ends, kinds, strict=False)
        if start.strip() or end.strip()
    ]
    return GivenDay(is_enabled=f"d{number}_on" in form, blocks=tuple(blocks))


def _clock(text: str) -> str:
    """Midnight as the end of a day is 00:00 in a browser's field."""
    return text.strip()[:5]


def _shown(number: int, day: GivenDay) -> DayRows:
    return DayRows(number, WEEKDAYS[number], day.is_enabled, (*day.blocks, GivenBlock("", "")))
