"""A date and a time of day, as a browser's fields give them, become an instant."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from app.domain.errors import Invalid
from app.domain.times import starts_at, zone
from app.web.asking import viewer_zone


def wall_instant(day: str, clock: str, *, field: str, is_end: bool = False) -> datetime:
    """A date and a time of day, as a browser's fields give them, in the reader's zone.

    :raises Invalid: ``fields[field]``
    """
    try:
        on, at = date.fromisoformat(day or ""), time.fromisoformat(clock or "00:00")
    except ValueError:
        message = "Choose a day and a time."
        raise Invalid(message, fields={field: message}) from None
    if not 2000 <= on.year <= 2190:
        message = "Choose a day in this century."
        raise Invalid(message, fields={field: message})
    # A day's end is the next day's beginning.
    if is_end and not clock:
        on += timedelta(days=1)
    return starts_at(on, at.hour * 60 + at.minute, zone(viewer_zone()))
