"""The range of days that a page of figures tells of: the last so many, or from one day to another."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import request, url_for

from app.domain.errors import Invalid
from app.http.context import request_now
from app.http.formatting import reader_zone
from app.support.kpis import LONGEST_DAYS, Period, period_ending_today

RANGES = (7, 30, 90, 365)


def read_period(default_days: int) -> tuple[Period, int]:
    """The range of this request, and its number of days when it is one of the usual ranges, else 0.

    :raises Invalid: a day that is none, the wrong order, or more than a year
    """
    first, last = request.args.get("from", ""), request.args.get("to", "")
    if not first and not last:
        text = request.args.get("days", "")
        days = int(text) if text in {str(count) for count in RANGES} else default_days
        return ending_today(days), days
    try:
        period = Period(date.fromisoformat(first), date.fromisoformat(last), str(reader_zone()))
    except ValueError:
        raise Invalid("This range cannot be used.", fields={"from": "Both days are written like 2026-11-14."}) from None
    if not 1970 <= period.first.year <= period.last.year <= 9000:
        raise Invalid("This range cannot be used.", fields={"from": "Choose days of this century."})
    if not 1 <= period.days <= LONGEST_DAYS:
        raise Invalid(
            "This range cannot be used.",
            fields={"to": f"The last day comes after the first, at most {LONGEST_DAYS} days later."},
        )
    return period, 0


def usable_period(default_days: int) -> tuple[Period, int, str]:
    """As ``read_period``; where the range cannot be used the default, and why in words."""
    try:
        return *read_period(default_days), ""
    except Invalid as refused:
        problem = next(iter(refused.fields.values()), refused.message)
        return ending_today(default_days), default_days, problem


def ending_today(days: int) -> Period:
    """The reader's last days, today included."""
    return period_ending_today(days, zone=str(reader_zone()), now=request_now())


def chosen_arguments(period: Period, days: int) -> dict[str, Any]:
    """What an address says to mean this range."""
    return {"days": days} if days else {"from": period.first.isoformat(), "to": period.last.isoformat()}


def range_entries(endpoint: str, days: int, **values: Any) -> list[dict[str, Any]]:
    """The usual ranges as links to a page."""
    return [
        {
            "label": "Year" if count == 365 else f"{count} days",
            "url": url_for(endpoint, days=count, **values),
            "active": count == days,
        }
        for count in RANGES
    ]
