"""How amounts, times and names are written for a reader; the numbers are the specification's, not the code's."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from app.domain import wording
from app.domain.money import Money
from tests.domain.facts import at

NOW = at("2026-11-14 12:00", "Europe/Berlin")
NBSP, MINUS = "\N{NO-BREAK SPACE}", "\N{MINUS SIGN}"


@pytest.mark.spec("MN-12")
@pytest.mark.parametrize(
    "minor, currency, whole, text",
    [
        (3_500, "EUR", False, "€35.00"),
        (3_500, "EUR", True, "€35"),
        (3_505, "EUR", True, "€35.05"),
        (3_500, "JPY", False, "¥3,500"),
        (123_456_789, "KWD", False, f"KWD{NBSP}123,456.789"),
        (-1, "USD", False, f"{MINUS}$0.01"),
        (0, "USD", True, "$0"),
    ],
)
def test_money_has_its_currencys_own_decimals(minor: int, currency: str, whole: bool, text: str) -> None:
    assert wording.format_money(minor, currency, whole=whole) == text
    assert wording.format_money(Money(minor, currency), whole=whole) == text


@pytest.mark.spec("SL-4")
def test_counts_are_honest_and_shares_are_percentages() -> None:
    assert wording.format_count(10_000, cap=10_000) == "10,000"
    assert wording.format_count(10_001, cap=10_000) == "10,000+"
    assert wording.format_count(12_345) == "12,345"
    assert wording.format_number(1234.5) == "1,234.5"
    assert (wording.format_percent(0.425), wording.format_percent(0.4255, 1)) == ("42 %", "42.5 %")


@pytest.mark.parametrize(
    "minutes, text",
    [(45, "45 min"), (119, "119 min"), (120, "2 h"), (150, "2 h 30 min"), (2_880, "2 d"), (4_560, "3 d 4 h")],
)
def test_a_length_of_time_is_said_as_people_say_it(minutes: int, text: str) -> None:
    assert wording.format_duration(minutes) == text


@pytest.mark.spec("ID-7")
def test_a_moment_is_told_in_the_readers_zone_with_the_place() -> None:
    assert wording.format_when(NOW, "Europe/Berlin", NOW) == "Sat 14 Nov, 12:00 (Berlin)"
    assert wording.format_when(NOW, "America/Argentina/Buenos_Aires", NOW) == "Sat 14 Nov, 08:00 (Buenos Aires)"
    assert wording.format_when(at("2027-01-01 00:00"), "Etc/UTC", NOW) == "Fri 1 Jan 2027, 00:00 (UTC)"
    assert wording.format_when(NOW, "Mars/Olympus", NOW) == "Sat 14 Nov, 11:00 (Olympus)"
    assert wording.format_short(NOW, "Asia/Kathmandu", NOW) == "Sat 14 Nov, 16:45"
    assert wording.format_exact(NOW + timedelta(seconds=5), "Europe/Berlin") == "Sat 14 Nov 2026, 12:00:05 UTC+01:00"
    assert wording.format_iso(NOW) == "2026-11-14T11:00:00Z"
    assert wording.zone_offset(NOW, "America/St_Johns") == f"UTC{MINUS}03:30"


@pytest.mark.spec("AV-3", "ID-7")
def test_where_the_clock_shows_an_hour_twice_the_offset_says_which() -> None:
    first, second = (at("2026-10-25 02:30", "Europe/Berlin", fold=fold) for fold in (0, 1))
    assert wording.format_when(first, "Europe/Berlin", NOW) == "Sun 25 Oct, 02:30 (Berlin, UTC+02:00)"
    assert wording.format_when(second, "Europe/Berlin", NOW) == "Sun 25 Oct, 02:30 (Berlin, UTC+01:00)"
    assert wording.format_clock(second, "Europe/Berlin") == "02:30 UTC+01:00"
    assert wording.format_clock(at("2026-10-25 04:30", "Europe/Berlin"), "Europe/Berlin") == "04:30"


def test_days_near_today_have_their_names() -> None:
    today = date(2026, 11, 14)
    days = [wording.format_day(today + timedelta(days=n), "Europe/Berlin", NOW) for n in (-2, -1, 0, 1, 2)]
    assert days == ["Thu 12 Nov", "Yesterday", "Today", "Tomorrow", "Mon 16 Nov"]
    assert wording.format_day(at("2026-11-14 23:30"), "Europe/Berlin", NOW) == "Tomorrow"
    assert wording.format_month(today) == "November 2026"


@pytest.mark.parametrize(
    "distance, text",
    [
        (timedelta(seconds=44), "in a moment"),
        (timedelta(seconds=-44), "just now"),
        (timedelta(), "just now"),
        (timedelta(seconds=45), "in 1 min"),
        (timedelta(minutes=-89), "89 min ago"),
        (timedelta(minutes=90), "in 2 h"),
        (timedelta(hours=35), "in 35 h"),
        (timedelta(days=-59), "59 days ago"),
        (timedelta(days=61), "in 2 months"),
        (timedelta(days=-731), "2 years ago"),
    ],
)
def test_how_far_away_a_moment_is(distance: timedelta, text: str) -> None:
    assert wording.format_relative(NOW + distance, NOW) == text


@pytest.mark.spec("ID-6")
@pytest.mark.parametrize(
    "name, letters", [("Ada Lovelace", "AL"), ("ada", "A"), ("Jean - Luc Picard", "JP"), ("", "?"), ("… !", "?")]
)
def test_initials_stand_for_a_person_without_a_photo(name: str, letters: str) -> None:
    assert wording.initials(name) == letters


def test_small_marks_stay_the_same_for_ever() -> None:
    assert wording.short_id("3f6c2d6e-3f0a-4e43-9d3b-0f6c1f6a2b11") == "3f6c2d6e"
    assert wording.avatar_color("one") == wording.avatar_color("one") < wording.AVATAR_COLORS
    assert wording.sparkline_points([1]) == ""
    assert wording.sparkline_points([0, 5, 10], width=10, height=24) == "0.0,22.0 5.0,12.0 10.0,2.0"
    assert wording.sparkline_points([3, 3], width=10, height=24) == "0.0,22.0 10.0,22.0"
