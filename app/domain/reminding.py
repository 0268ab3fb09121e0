"""Which reminders of a session are to be sent now: each once, none late (EM-5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

# Ticks come each minute and mails leave within five. Later than this, "in one hour" would not be true any more.
MAY_BE_LATE: Final = timedelta(minutes=10)


def reminder_window(start: datetime, hours: int) -> tuple[datetime, datetime]:
    """From when until when a reminder can be sent: the first instant belongs to it, the last as well."""
    due = start - timedelta(hours=hours)
    return due, due + MAY_BE_LATE


def due_reminders(
    start: datetime, hours: Iterable[int], *, known_since: datetime, sent: Mapping[int, datetime], now: datetime
) -> list[int]:
    """The hours before ``start`` of which a reminder is due at ``now``.

    :param known_since: since when the session is agreed for this time; a reminder whose moment lay before is skipped
    :param sent: when the last reminder of so many hours was sent; one for an earlier time does not count
    """
    found = []
    for each in hours:
        opens, closes = reminder_window(start, each)
        last = sent.get(each)
        if opens <= now <= closes and known_since <= opens and (last is None or last < opens):
            found.append(each)
    return found
