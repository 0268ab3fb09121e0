"""What the two dashboards read out of an address, and their tabs (DB-1, DB-2)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from flask import url_for

from app.booking.queries import SessionFilter
from app.domain.joining import countdown
from app.domain.times import day_bounds, zone
from app.http.context import request_now
from app.web.asking import date_arg, text_arg, viewer_zone

ROWS_PER_PAGE: Final = 20


def asked_sessions(tab: str) -> SessionFilter:
    """The filter that the address asks for; its days are the reader's own."""
    first, last = date_arg("from"), date_arg("to")
    where = zone(viewer_zone())
    return SessionFilter(
        tab=tab,
        name=text_arg("name"),
        start=day_bounds(first, where).start if first else None,
        end=day_bounds(last, where).end if last else None,
    )


def has_filter(wanted: SessionFilter) -> bool:
    return bool(wanted.name or wanted.start or wanted.end)


def tab_entries(
    labels: Mapping[str, str], counts: Mapping[str, int], current: str, endpoint: str, **tones: str
) -> list[dict[str, Any]]:
    """The tabs as the macro draws them; ``tones`` colors the count of a tab that has any."""
    return [
        {
            "label": label,
            "url": url_for(endpoint, tab=tab),
            "active": tab == current,
            "count": counts.get(tab) or None,
            "tone": tones.get(tab) if counts.get(tab) else None,
        }
        for tab, label in labels.items()
    ]


def starts_in(start: datetime | None) -> str:
    """``Session starts in 2h 5m`` (JN-3)."""
    return countdown(start, request_now()) if start else ""
