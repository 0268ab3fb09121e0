"""The template filters for times, durations, money and names, and the functions behind them (``app.domain.wording``).

The filters take the reader's zone and the present moment from the request, where the door that opened it put them
(``g.viewer_zone``, ``g.now``).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from app.domain.wording import (
    AVATAR_COLORS,
    LOCALE,
    avatar_color,
    format_clock,
    format_count,
    format_date,
    format_day,
    format_duration,
    format_exact,
    format_iso,
    format_money,
    format_month,
    format_number,
    format_percent,
    format_relative,
    format_short,
    format_when,
    initials,
    short_id,
    sparkline_points,
    zone_label,
    zone_of,
    zone_offset,
)
from app.http.context import request_globals, request_now

if TYPE_CHECKING:
    from flask import Flask

__all__ = [
    "AVATAR_COLORS",
    "LOCALE",
    "avatar_color",
    "format_clock",
    "format_count",
    "format_date",
    "format_day",
    "format_duration",
    "format_exact",
    "format_iso",
    "format_money",
    "format_month",
    "format_number",
    "format_percent",
    "format_relative",
    "format_when",
    "init_app",
    "initials",
    "short_id",
    "sparkline_points",
    "zone_label",
    "zone_of",
    "zone_offset",
]


def reader_zone() -> str | ZoneInfo:
    """The zone of whoever looks at the page, as the door has set it; UTC when nobody is signed in."""
    return request_globals().get("viewer_zone") or "UTC"


_NOTHING = Markup('<span class="muted">\N{EN DASH}</span>')


def drawn_when(
    moment: datetime | None,
    zone: str | ZoneInfo | None = None,
    zones: Iterable[tuple[str, str]] = (),
    short: bool = False,  # noqa: FBT001, FBT002 - as templates give it
) -> Markup:
    """A moment in the reader's zone, on hover to the second, and in each of ``zones`` (who, zone's name).

    :param short: without the place, for a column whose head names it
    """
    if moment is None:
        return _NOTHING
    place, now = zone or reader_zone(), request_now()
    hover = [format_exact(moment, place), *(f"{who}: {format_when(moment, other, now)}" for who, other in zones)]
    text = format_short(moment, place, now) if short else format_when(moment, place, now)
    return _drawn_time(moment, "&#10;".join(map(escape, hover)), text)


def drawn_relative(moment: datetime | None, zone: str | ZoneInfo | None = None) -> Markup:
    """How far away a moment is, kept fresh by a script; the exact time on hover."""
    if moment is None:
        return _NOTHING
    exact = escape(format_exact(moment, zone or reader_zone()))
    return _drawn_time(moment, exact, format_relative(moment, request_now()), " data-relative")


def _drawn_time(moment: datetime, hover: str, text: str, mark: str = "") -> Markup:
    # What comes in as ``hover`` is escaped.
    return Markup(f'<time datetime="{format_iso(moment)}"{mark} title="{hover}">{escape(text)}</time>')  # noqa: S704


def init_app(app: Flask) -> None:
    """Register the functions above as template filters; ``docs/design.md`` lists them."""
    app.jinja_env.globals.setdefault("brand_name", app.config.get("BRAND_NAME") or "Mentor Desk")
    app.add_template_global(drawn_when, "drawn_when")
    app.add_template_global(drawn_relative, "drawn_relative")
    filters = app.jinja_env.filters
    filters.update(
        money=format_money,
        number=format_number,
        count_of=format_count,
        percent=format_percent,
        duration=format_duration,
        month=format_month,
        iso=format_iso,
        short_id=short_id,
        initials=initials,
        avatar_color=avatar_color,
        sparkline=sparkline_points,
        zone_label=zone_label,
        zone_offset=lambda moment, zone=None: zone_offset(moment, zone or reader_zone()),
        when=lambda moment, zone=None: format_when(moment, zone or reader_zone(), request_now()),
        date=lambda day, zone=None: format_date(day, zone or reader_zone(), request_now()),
        day=lambda day, zone=None: format_day(day, zone or reader_zone(), request_now()),
        clock=lambda moment, zone=None: format_clock(moment, zone or reader_zone()),
        exact=lambda moment, zone=None: format_exact(moment, zone or reader_zone()),
        relative=lambda moment: format_relative(moment, request_now()),
    )
