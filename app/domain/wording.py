"""How times, durations, money and names are written for a reader: on pages, in the console, in e-mails and in refusals.

Pure: the reader's zone and the present moment are arguments. ``app.http.formatting`` makes template filters of these.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.numbers import format_decimal, get_currency_symbol

from app.domain.money import Money, decimals

LOCALE = "en"
AVATAR_COLORS = 8
_UTC_NAMES = {"UTC", "Etc/UTC", "Etc/GMT", "GMT", "Zulu"}
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LONG_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def format_money(amount: int | Money, currency: str = "", *, whole: bool = False) -> str:
    """An amount of minor units with its symbol and the currency's own decimals: ``€35.00``, ``¥3,500`` (MN-12).

    :param amount: minor units, or a :class:`Money`, which brings its currency
    :param whole: leave the decimals out when they are all zero, as on a price tag
    :raises ValueError: when neither says which currency it is
    """
    if isinstance(amount, Money):
        return _written_money(amount.minor, amount.currency, whole)
    return _written_money(amount, currency, whole)


@lru_cache(maxsize=4096)
def _written_money(minor: int, currency: str, whole: bool) -> str:  # noqa: FBT001 - part of the cache's key
    money = Money(minor, currency)
    places = decimals(money.currency)
    if whole and money.minor % 10**places == 0:
        places = 0
    symbol = get_currency_symbol(money.currency, locale=LOCALE)
    if symbol[-1].isalpha():
        symbol += "\N{NO-BREAK SPACE}"
    digits = format_decimal(abs(money.amount), "#,##0" + ("." + "0" * places if places else ""), locale=LOCALE)
    sign = "\N{MINUS SIGN}" if money.minor < 0 else ""
    return f"{sign}{symbol}{digits}"


def is_number_typed(typed: str, number: int) -> bool:
    """Whether somebody who was asked to type ``number`` did, with or without separators."""
    return typed.replace(",", "").strip() == str(number)


def format_number(value: float) -> str:
    """A count with thousands apart: ``10,000``."""
    if isinstance(value, int):
        return f"{value:,}"
    return format_decimal(value, locale=LOCALE)


def format_count(count: int, cap: int | None = None) -> str:
    """An honest count: ``10,000+`` when counting stopped at ``cap`` (SL-4)."""
    if cap is not None and count > cap:
        return f"{format_number(cap)}+"
    return format_number(count)


def format_percent(share: float, places: int = 0) -> str:
    """A share between 0 and 1 as ``42 %``."""
    return f"{share * 100:.{places}f} %"


def format_duration(minutes: int) -> str:
    """A length of time: ``45 min``, ``90 min``, ``2 h``, ``2 h 30 min``, ``3 d 4 h``."""
    if minutes < 120:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def zone_of(name: str | ZoneInfo) -> ZoneInfo:
    """The zone of that name; one that this machine does not know reads as UTC, so that a page still appears."""
    if isinstance(name, ZoneInfo):
        return name
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def zone_label(zone: str | ZoneInfo) -> str:
    """The place a zone is named after: ``Berlin``, ``Buenos Aires``, ``UTC`` (ID-7)."""
    key = zone if isinstance(zone, str) else zone.key
    if key in _UTC_NAMES:
        return "UTC"
    return key.rsplit("/", 1)[-1].replace("_", " ")


def zone_offset(moment: datetime, zone: str | ZoneInfo) -> str:
    """The zone's distance from UTC at that moment: ``UTC+02:00``."""
    return _written_offset(moment.astimezone(zone_of(zone)).utcoffset() or timedelta())


@lru_cache(maxsize=512)
def _written_offset(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    sign = "+" if minutes >= 0 else "\N{MINUS SIGN}"
    return f"UTC{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def format_date(day: date | datetime, zone: str | ZoneInfo, now: datetime) -> str:
    """``Thu 14 Nov``; with the year when it is not the present one."""
    local = day.astimezone(zone_of(zone)).date() if isinstance(day, datetime) else day
    return _written_day(local, _year(now, zone_of(zone)))


@lru_cache(maxsize=4096)
def _written_day(day: date, this_year: int) -> str:
    text = f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}"
    return text if day.year == this_year else f"{text} {day.year}"


@lru_cache(maxsize=512)
def _year(now: datetime, zone: ZoneInfo) -> int:
    return now.astimezone(zone).year


def format_day(day: date | datetime, zone: str | ZoneInfo, now: datetime) -> str:
    """A day as people say it: ``Today``, ``Tomorrow``, ``Yesterday``, or its date."""
    place = zone_of(zone)
    local = day.astimezone(place).date() if isinstance(day, datetime) else day
    words = {0: "Today", 1: "Tomorrow", -1: "Yesterday"}
    return words.get((local - now.astimezone(place).date()).days) or format_date(local, place, now)


def format_month(day: date) -> str:
    """``November 2026``."""
    return f"{_LONG_MONTHS[day.month - 1]} {day.year}"


def format_clock(moment: datetime, zone: str | ZoneInfo) -> str:
    """The time of day, ``10:00``; with the offset where the clock shows that hour twice."""
    return _written_clock(moment.astimezone(zone_of(zone)))


def _written_clock(local: datetime) -> str:
    text = f"{local.hour:02}:{local.minute:02}"
    return f"{text} {_written_offset(local.utcoffset() or timedelta())}" if _shown_twice(local) else text


def format_short(moment: datetime, zone: str | ZoneInfo, now: datetime) -> str:
    """Date and time of day without the place, for a column whose head names it: ``Thu 14 Nov, 10:00``."""
    place = zone_of(zone)
    local = moment.astimezone(place)
    return f"{_written_day(local.date(), _year(now, place))}, {_written_clock(local)}"


def format_when(moment: datetime, zone: str | ZoneInfo, now: datetime) -> str:
    """A moment for a reader in ``zone``: ``Thu 14 Nov, 10:00 (Berlin)`` (ID-7).

    The year is added when it is not the present one, the offset when the clock shows that hour twice.
    """
    label = zone_label(zone)
    local = moment.astimezone(zone_of(zone))
    if _shown_twice(local):
        label = f"{label}, {zone_offset(moment, zone)}"
    return f"{format_date(moment, zone, now)}, {local:%H:%M} ({label})"


def format_exact(moment: datetime, zone: str | ZoneInfo) -> str:
    """A moment to the second with its offset, for what stands on hover: ``Thu 14 Nov 2026, 10:00:05 UTC+01:00``."""
    local = moment.astimezone(zone_of(zone))
    day = _written_day(local.date(), 0)
    clock = f"{local.hour:02}:{local.minute:02}:{local.second:02}"
    return f"{day}, {clock} {_written_offset(local.utcoffset() or timedelta())}"


def format_iso(moment: datetime) -> str:
    """The machine's way, in UTC: ``2026-11-14T09:00:00Z``."""
    return f"{moment.astimezone(UTC).isoformat(timespec='seconds')[:-6]}Z"


def format_relative(moment: datetime, now: datetime) -> str:
    """How far away a moment is: ``in 3 h``, ``5 min ago``, ``just now``; beyond 60 days in months, then years."""
    seconds = (moment - now).total_seconds()
    distance = abs(seconds)
    if distance < 45:
        return "just now" if seconds <= 0 else "in a moment"
    text = _distance(distance)
    return f"in {text}" if seconds > 0 else f"{text} ago"


def _distance(seconds: float) -> str:
    if seconds < 90 * _MINUTE:
        return f"{max(1, round(seconds / _MINUTE))} min"
    if seconds < 36 * _HOUR:
        return f"{round(seconds / _HOUR)} h"
    days = round(seconds / _DAY)
    if days < 60:
        return f"{days} days"
    if days < 730:
        return f"{round(days / 30.44)} months"
    return f"{round(days / 365.25)} years"


def _shown_twice(local: datetime) -> bool:
    if not _turns_clock(local.date(), local.tzinfo):
        return False
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


@lru_cache(maxsize=4096)
def _turns_clock(day: date, zone: tzinfo | None) -> bool:
    """Whether that day is longer or shorter than others there; only then can an hour come twice."""
    begins = datetime.combine(day, time(), zone)
    return begins.utcoffset() != (begins + timedelta(days=1)).utcoffset()


def short_id(value: object) -> str:
    """The first eight characters of an id, as people read it out."""
    return str(value).replace("-", "")[:8]


@lru_cache(maxsize=8192)
def initials(name: str) -> str:
    """One or two letters for a person without a photo (ID-6): ``Ada Lovelace`` is ``AL``."""
    words = [word for word in name.split() if any(letter.isalnum() for letter in word)]
    letters = [next(letter for letter in word if letter.isalnum()) for word in words]
    chosen = letters[:1] + letters[-1:] if len(letters) > 1 else letters
    return "".join(chosen).upper() or "?"


def avatar_color(key: object) -> int:
    """A number below ``AVATAR_COLORS`` that stays with a person for ever: the same id, the same color."""
    return zlib.crc32(str(key).encode()) % AVATAR_COLORS


def sparkline_points(values: Sequence[float], width: int = 72, height: int = 28) -> str:
    """The points of a trend line in an SVG of that size, oldest value on the left."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    span = (high - low) or 1
    step = width / (len(values) - 1)
    inner = height - 4
    return " ".join(
        f"{index * step:.1f},{2 + inner - (value - low) / span * inner:.1f}" for index, value in enumerate(values)
    )


# Marks that turn the order of what follows: a name with one would rewrite the sentence that it stands in (B-15).
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")


def in_reading_order(text: str) -> str:
    """The text with a visible sign in place of each mark that turns the direction of reading.

    Letters of every script keep their own direction; only what overrides it is shown instead of obeyed.
    """
    return text if text.isascii() else _TURNING.sub("\ufffd", text)
