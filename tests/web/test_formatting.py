"""How times, durations, money and names are written for a reader."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from flask import Flask, g

from app.domain.money import Money
from app.http import formatting as f

NOW = datetime(2026, 11, 10, 12, 0, tzinfo=UTC)


@pytest.mark.spec("MN-12")
@pytest.mark.parametrize(
    "minor, currency, text",
    [
        (3500, "EUR", "€35.00"),
        (5, "USD", "$0.05"),
        (123456789, "EUR", "€1,234,567.89"),
        (-3500, "EUR", "\N{MINUS SIGN}€35.00"),
        (3500, "JPY", "¥3,500"),
        (1234567, "KWD", "KWD\N{NO-BREAK SPACE}1,234.567"),
        (0, "GBP", "£0.00"),
    ],
)
def test_money_has_its_currency_and_its_own_decimals(minor: int, currency: str, text: str) -> None:
    assert f.format_money(minor, currency) == text
    assert f.format_money(Money(minor, currency)) == text


def test_a_price_tag_leaves_round_decimals_out() -> None:
    assert f.format_money(3500, "EUR", whole=True) == "€35"
    assert f.format_money(3550, "EUR", whole=True) == "€35.50"


@pytest.mark.spec("ID-7")
@pytest.mark.parametrize(
    "moment, zone, text",
    [
        (datetime(2026, 11, 14, 9, 0, tzinfo=UTC), "Europe/Berlin", "Sat 14 Nov, 10:00 (Berlin)"),
        (datetime(2026, 11, 14, 2, 0, tzinfo=UTC), "America/New_York", "Fri 13 Nov, 21:00 (New York)"),
        (datetime(2027, 1, 1, 9, 0, tzinfo=UTC), "UTC", "Fri 1 Jan 2027, 09:00 (UTC)"),
        (datetime(2026, 12, 31, 23, 30, tzinfo=UTC), "Asia/Kolkata", "Fri 1 Jan 2027, 05:00 (Kolkata)"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "Europe/Berlin", "Sun 25 Oct, 02:30 (Berlin, UTC+02:00)"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "Europe/Berlin", "Sun 25 Oct, 02:30 (Berlin, UTC+01:00)"),
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "Europe/Berlin", "Sun 29 Mar, 03:00 (Berlin)"),
    ],
)
def test_a_moment_is_told_in_the_readers_zone_with_its_name(moment: datetime, zone: str, text: str) -> None:
    assert f.format_when(moment, zone, NOW) == text


def test_a_zone_that_is_not_known_reads_as_utc_and_breaks_no_page() -> None:
    assert f.format_clock(NOW, "Mars/Olympus") == "12:00"


def test_today_is_the_readers_today() -> None:
    late = datetime(2026, 11, 10, 23, 30, tzinfo=UTC)
    assert f.format_day(late, "UTC", NOW) == "Today"
    assert f.format_day(late, "Asia/Tokyo", NOW) == "Tomorrow"
    assert f.format_day(date(2026, 11, 9), "UTC", NOW) == "Yesterday"
    assert f.format_day(date(2026, 11, 20), "UTC", NOW) == "Fri 20 Nov"


@pytest.mark.parametrize(
    "seconds, text",
    [
        (0, "just now"), (-44, "just now"), (44, "in a moment"), (45, "in 1 min"), (-300, "5 min ago"),
        (89 * 60, "in 89 min"), (90 * 60, "in 2 h"), (-35 * 3600, "35 h ago"), (36 * 3600, "in 2 days"),
        (59 * 86400, "in 59 days"), (-90 * 86400, "3 months ago"), (800 * 86400, "in 2 years"),
    ],
)  # fmt: skip
def test_a_distance_in_time_is_told_in_one_unit(seconds: int, text: str) -> None:
    moment = datetime.fromtimestamp(NOW.timestamp() + seconds, tz=UTC)
    assert f.format_relative(moment, NOW) == text


@pytest.mark.parametrize(
    "minutes, text",
    [(45, "45 min"), (90, "90 min"), (120, "2 h"), (150, "2 h 30 min"), (2880, "2 d"), (3000, "2 d 2 h")],
)
def test_durations_read_as_people_say_them(minutes: int, text: str) -> None:
    assert f.format_duration(minutes) == text


@pytest.mark.spec("SL-4")
def test_a_count_that_stopped_says_so() -> None:
    assert f.format_count(10_001, cap=10_000) == "10,000+"
    assert f.format_count(10_000, cap=10_000) == "10,000"
    assert f.format_count(3042) == "3,042"


@pytest.mark.spec("ID-6")
@pytest.mark.parametrize(
    "name, letters",
    [
        ("Ada Lovelace", "AL"), ("Ada King Lovelace", "AL"), ("Zoë", "Z"), ("🙂 óscar", "Ó"), ("李小龙", "李"),
        ("", "?"), ("🙂", "?"),
    ],
)  # fmt: skip
def test_a_person_without_a_photo_has_initials(name: str, letters: str) -> None:
    assert f.initials(name) == letters


def test_the_same_person_keeps_the_same_color() -> None:
    assert f.avatar_color("ada") == f.avatar_color("ada") < f.AVATAR_COLORS


def test_a_trend_needs_two_values_and_stays_in_its_box() -> None:
    assert f.sparkline_points([3]) == ""
    assert f.sparkline_points([1, 2, 3]) == "0.0,26.0 36.0,14.0 72.0,2.0"
    assert f.sparkline_points([5, 5]) == "0.0,26.0 72.0,26.0"


@pytest.mark.spec("ID-7")
def test_a_moment_is_drawn_with_what_stands_on_hover(app: Flask) -> None:
    moment = datetime(2026, 11, 14, 9, 0, 5, tzinfo=UTC)
    with app.test_request_context("/"):
        g.now, g.viewer_zone = NOW, "Europe/Berlin"
        drawn = f.drawn_when(moment, zones=[("<Mentor>", "America/New_York"), ("Mentee", "Mars/<Olympus>")])
        assert drawn == (
            '<time datetime="2026-11-14T09:00:05Z" title="Sat 14 Nov 2026, 10:00:05 UTC+01:00&#10;&lt;Mentor&gt;: '
            'Sat 14 Nov, 04:00 (New York)&#10;Mentee: Sat 14 Nov, 09:00 (&lt;Olympus&gt;)">'
            "Sat 14 Nov, 10:00 (Berlin)</time>"
        )
        assert ">Sat 14 Nov, 10:00</time>" in f.drawn_when(moment, short=True)
        assert ">Sat 14 Nov, 04:00 (New York)</time>" in f.drawn_when(moment, "America/New_York")
        relative = f.drawn_relative(moment)
        assert relative.startswith(
            '<time datetime="2026-11-14T09:00:05Z" data-relative title="Sat 14 Nov 2026, 10:00:05'
        )
        assert relative.endswith(">in 4 days</time>")
        assert f.drawn_when(None) == f.drawn_relative(None) == '<span class="muted">\N{EN DASH}</span>'
