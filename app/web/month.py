"""A month of a mentor's free days, and the times of one of them (AV-2, BK-2)."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from app.booking.queries import load_slots
from app.domain.availability import Slot
from app.domain.times import zone
from app.domain.vocabulary import SlotReason

_MONTHS_AHEAD: Final = 12
SHOWN_WHY: Final[Mapping[SlotReason, str]] = {
    SlotReason.BOOKED: "taken",
    SlotReason.HELD: "held for somebody",
    SlotReason.OWN_CONFLICT: "you are busy then",
}
# The starts from one day to another, both included.
Find = Callable[[date, date], Sequence[Slot]]
_PARTS_OF_THE_DAY: Final = (("Morning", 0, 12), ("Afternoon", 12, 17), ("Evening", 17, 24))


@dataclass(frozen=True, slots=True)
class DayCell:
    """A day of the month; ``free`` counts what can be booked."""

    day: date
    free: int
    is_in_month: bool


@dataclass(frozen=True, slots=True)
class SlotGroup:
    """``Morning`` and its times; those that others have, each with why."""

    name: str
    slots: Sequence[tuple[Slot, str | None]]


@dataclass(frozen=True, slots=True)
class MonthView:
    """:param day: the day whose times are shown; None when the month has nothing free"""

    first: date
    weeks: Sequence[Sequence[DayCell]]
    day: date | None
    groups: Sequence[SlotGroup]
    previous: date | None
    following: date | None
    today: date

    @property
    def has_taken(self) -> bool:
        return any(why for group in self.groups for _, why in group.slots)


def load_month(
    mentor_id: UUID,
    *,
    day: date | None,
    duration: int,
    viewer_zone: str,
    mentee_id: UUID | None,
    now: datetime,
    leaving_out: UUID | None = None,
) -> MonthView:
    """The month of ``day``; without one, this month or, when nothing in it is free, the next.

    :param day: in the viewer's zone
    :param duration: minutes
    :param leaving_out: a session of the mentee's that may move, and so is not in its own way
    """

    def find(first_day: date, last_day: date) -> Sequence[Slot]:
        return load_slots(
            mentor_id,
            first_day=first_day,
            last_day=last_day,
            duration=duration,
            viewer_zone=viewer_zone,
            mentee_id=mentee_id,
            now=now,
            leaving_out=leaving_out,
        ).slots

    return month_of(find, day=day, viewer_zone=viewer_zone, now=now)


def month_of(
    find: Find, *, day: date | None, viewer_zone: str, now: datetime, why: Mapping[SlotReason, str] = SHOWN_WHY
) -> MonthView:
    """The same for whatever starts there are.

    :param find: gives the starts of a range of days
    :param why: what is said of starts that are not free; others are left out
    """
    today = now.astimezone(zone(viewer_zone)).date()
    view = _load(find, day or today, day, today, why)
    if day is None and view.day is None and view.following is not None:
        ahead = _load(find, view.following, None, today, why)
        return ahead if ahead.day else view
    return view


def _load(find: Find, month: date, day: date | None, today: date, why: Mapping[SlotReason, str]) -> MonthView:
    last_month = _add_months(today.replace(day=1), _MONTHS_AHEAD)
    first = min(max(month, today), last_month).replace(day=1)
    following = _add_months(first, 1)
    found = find(max(first, today), following - timedelta(days=1))
    free: dict[date, int] = {}
    for slot in found:
        if slot.available:
            free[slot.local_start.date()] = free.get(slot.local_start.date(), 0) + 1
    shown = day if day and first <= day < following and day >= today else next(iter(free), None)
    return MonthView(
        first=first,
        weeks=[
            [DayCell(each, free.get(each, 0), each.month == first.month) for each in week]
            for week in calendar.Calendar().monthdatescalendar(first.year, first.month)
        ],
        day=shown,
        groups=_groups([slot for slot in found if slot.local_start.date() == shown], why),
        previous=_add_months(first, -1) if first > today else None,
        following=following if following <= last_month else None,
        today=today,
    )


def _groups(found: Sequence[Slot], words: Mapping[SlotReason, str]) -> list[SlotGroup]:
    shown = [(slot, words.get(slot.reason) if slot.reason else None) for slot in found]
    shown = [(slot, why) for slot, why in shown if slot.available or why]
    groups = [
        SlotGroup(name, [each for each in shown if begin <= each[0].local_start.hour < end])
        for name, begin, end in _PARTS_OF_THE_DAY
    ]
    return [group for group in groups if group.slots]


def _add_months(first: date, count: int) -> date:
    months = first.year * 12 + first.month - 1 + count
    return date(months // 12, months % 12 + 1, 1)
