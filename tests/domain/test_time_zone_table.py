"""The table of dates on which clocks change, row by row (AV-3)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.domain.facts import at, labels, open_schedule, slots_of, window_on

# zone, day, window, minutes, starts on the mentor's wall, the first of them in UTC
TABLE = [
    ("Europe/Berlin", "2026-03-29", "00:00-06:00", 60,
     "00:00+0100 01:00+0100 03:00+0200 04:00+0200 05:00+0200", "2026-03-28 23:00"),
    ("Europe/Berlin", "2026-03-29", "00:00-06:00", 90, "00:00+0100 01:30+0100 04:00+0200", "2026-03-28 23:00"),
    ("Europe/Berlin", "2026-03-29", "02:00-03:00", 60, "", None),
    ("Europe/Berlin", "2026-03-29", "02:30-04:00", 30, "03:00+0200 03:30+0200", "2026-03-29 01:00"),
    ("Europe/Berlin", "2026-10-25", "00:00-05:00", 60,
     "00:00+0200 01:00+0200 02:00+0200 02:00+0100 03:00+0100 04:00+0100", "2026-10-24 22:00"),
    ("Europe/Berlin", "2026-10-25", "02:00-03:00", 60, "02:00+0200 02:00+0100", "2026-10-25 00:00"),
    ("Europe/Berlin", "2026-10-25", "01:30-03:30", 45,
     "01:30+0200 02:15+0200 02:00+0100 02:45+0100", "2026-10-24 23:30"),
    ("America/New_York", "2026-03-08", "00:00-04:00", 60, "00:00-0500 01:00-0500 03:00-0400", "2026-03-08 05:00"),
    ("America/New_York", "2026-11-01", "00:00-04:00", 60,
     "00:00-0400 01:00-0400 01:00-0500 02:00-0500 03:00-0500", "2026-11-01 04:00"),
    ("Asia/Kolkata", "2026-03-29", "09:00-12:00", 60, "09:00+0530 10:00+0530 11:00+0530", "2026-03-29 03:30"),
    ("Asia/Kathmandu", "2026-03-29", "09:00-11:00", 60, "09:00+0545 10:00+0545", "2026-03-29 03:15"),
    ("Australia/Lord_Howe", "2026-04-05", "00:00-04:00", 60,
     "00:00+1100 01:00+1100 01:30+1030 02:30+1030", "2026-04-04 13:00"),
    ("Australia/Lord_Howe", "2026-10-04", "00:00-04:00", 60, "00:00+1030 01:00+1030 02:30+1100", "2026-10-03 13:30"),
    ("Australia/Lord_Howe", "2026-10-04", "01:30-03:30", 30, "01:30+1030 02:30+1100 03:00+1100", "2026-10-03 15:00"),
    ("Africa/Cairo", "2026-04-24", "00:00-03:00", 60, "01:00+0300 02:00+0300", "2026-04-23 22:00"),
    ("Africa/Cairo", "2026-10-29", "22:00-24:00", 60, "22:00+0300 23:00+0300 23:00+0200", "2026-10-29 19:00"),
    ("Asia/Beirut", "2026-03-29", "00:00-02:00", 60, "01:00+0300", "2026-03-28 22:00"),
    ("America/Nuuk", "2026-03-28", "22:00-24:00", 60, "22:00-0200", "2026-03-29 00:00"),
    ("America/Santiago", "2026-04-04", "22:00-24:00", 60, "22:00-0300 23:00-0300 23:00-0400", "2026-04-05 01:00"),
    ("Pacific/Chatham", "2026-04-05", "02:00-05:00", 60,
     "02:00+1345 03:00+1345 03:00+1245 04:00+1245", "2026-04-04 12:15"),
    ("Africa/Casablanca", "2026-02-15", "02:00-05:00", 60,
     "02:00+0100 02:00+0000 03:00+0000 04:00+0000", "2026-02-15 01:00"),
    ("Africa/Casablanca", "2026-03-22", "01:00-04:00", 60, "01:00+0000 03:00+0100", "2026-03-22 01:00"),
    ("Antarctica/Troll", "2026-03-29", "00:00-05:00", 60, "00:00+0000 03:00+0200 04:00+0200", "2026-03-29 00:00"),
    ("Pacific/Apia", "2026-03-29", "09:00-11:00", 60, "09:00+1300 10:00+1300", "2026-03-28 20:00"),
    ("Pacific/Apia", "2011-12-30", "09:00-11:00", 60, "", None),
    ("Pacific/Apia", "2011-12-29", "22:00-24:00", 60, "22:00-1000 23:00-1000", "2011-12-30 08:00"),
]  # fmt: skip


@pytest.mark.spec("AV-3")
@pytest.mark.parametrize("zone, day, window, step, expected, first_utc", TABLE)
def test_a_window_yields_exactly_the_slots_of_the_table(
    zone: str, day: str, window: str, step: int, expected: str, first_utc: str | None
) -> None:
    on = date.fromisoformat(day)
    opens, closes = window.split("-")

    found = slots_of(
        open_schedule(zone, interval=step),
        [window_on(on, opens, closes)],
        on - timedelta(days=1),
        on + timedelta(days=1),
        duration=step,
    )

    assert labels(found) == expected.split()
    assert [slot.start_at for slot in found[:1]] == ([at(first_utc)] if first_utc else [])
    assert {slot.end_at - slot.start_at for slot in found} <= {timedelta(minutes=step)}


@pytest.mark.spec("AV-3")
def test_the_day_after_the_one_that_samoa_skipped_follows_at_once() -> None:
    pattern = [window_on(date(2011, 12, 29), "22:00", "24:00"), window_on(date(2011, 12, 31), "00:00", "01:00")]

    found = slots_of(open_schedule("Pacific/Apia"), pattern, date(2011, 12, 29), date(2011, 12, 31))

    assert [slot.local_start.isoformat() for slot in found] == [
        "2011-12-29T22:00:00-10:00",
        "2011-12-29T22:30:00-10:00",
        "2011-12-29T23:00:00-10:00",
        "2011-12-31T00:00:00+14:00",
    ]


NEW_YORK_MONDAYS = [
    ("2026-03-02", "14:00", "15:00", "19:30"),
    ("2026-03-09", "13:00", "14:00", "18:30"),
    ("2026-03-30", "13:00", "15:00", "18:30"),
    ("2026-10-26", "13:00", "14:00", "18:30"),
    ("2026-11-02", "14:00", "15:00", "19:30"),
]


@pytest.mark.spec("AV-3", "ID-7")
@pytest.mark.parametrize("day, in_utc, in_berlin, in_kolkata", NEW_YORK_MONDAYS)
def test_a_weekly_series_keeps_its_wall_time_at_home_and_wanders_for_the_others(
    day: str, in_utc: str, in_berlin: str, in_kolkata: str
) -> None:
    monday = date.fromisoformat(day)
    pattern = [window_on(monday, "09:00", "10:00")]

    for viewer, wall in [("UTC", in_utc), ("Europe/Berlin", in_berlin), ("Asia/Kolkata", in_kolkata)]:
        found = slots_of(open_schedule("America/New_York"), pattern, monday, viewer=viewer)

        assert [slot.start_at for slot in found] == [at(f"{day} {in_utc}")]
        assert [f"{slot.local_start:%H:%M}" for slot in found] == [wall]


@pytest.mark.spec("AV-3")
def test_a_window_over_midnight_belongs_to_the_weekday_of_its_start() -> None:
    friday = date(2026, 5, 1)
    pattern = [window_on(friday, "22:00", "02:00")]

    found = slots_of(open_schedule("Europe/Berlin", interval=60), pattern, date(2026, 4, 26), date(2026, 5, 10))

    assert [f"{slot.local_start:%a %d %H:%M}" for slot in found] == [
        "Fri 01 22:00", "Fri 01 23:00", "Sat 02 00:00", "Sat 02 01:00",
        "Fri 08 22:00", "Fri 08 23:00", "Sat 09 00:00", "Sat 09 01:00",
    ]  # fmt: skip


@pytest.mark.spec("AV-3")
def test_a_window_over_midnight_shows_on_the_second_day_alone_too() -> None:
    pattern = [window_on(date(2026, 5, 1), "22:00", "02:00")]

    found = slots_of(open_schedule("Europe/Berlin", interval=60), pattern, date(2026, 5, 2))

    assert [f"{slot.local_start:%H:%M}" for slot in found] == ["00:00", "01:00"]


@pytest.mark.spec("AV-3")
@pytest.mark.parametrize(
    "saturday, expected",
    [
        ("2026-03-28", "22:00+0100 23:00+0100 00:00+0100 01:00+0100 03:00+0200"),
        ("2026-10-24", "22:00+0200 23:00+0200 00:00+0200 01:00+0200 02:00+0200 02:00+0100 03:00+0100"),
    ],
)
def test_a_window_over_midnight_into_a_clock_change_is_an_hour_shorter_or_longer(saturday: str, expected: str) -> None:
    day = date.fromisoformat(saturday)

    found = slots_of(
        open_schedule("Europe/Berlin", interval=60), [window_on(day, "22:00", "04:00")], day, day + timedelta(days=1)
    )

    assert labels(found) == expected.split()


@pytest.mark.spec("AV-3")
@pytest.mark.parametrize(
    "start, before_24_hours",
    [("2026-03-29 10:00", "2026-03-28 09:00"), ("2026-10-25 10:00", "2026-10-24 11:00")],
)
def test_24_hours_before_are_elapsed_hours(start: str, before_24_hours: str) -> None:
    assert at(start, "Europe/Berlin") - timedelta(hours=24) == at(before_24_hours, "Europe/Berlin")


@pytest.mark.spec("AV-3")
def test_a_mentor_who_moves_zone_takes_the_future_along_and_leaves_instants_alone() -> None:
    monday = date(2026, 6, 1)
    pattern = [window_on(monday, "09:00", "10:00")]

    in_berlin = slots_of(open_schedule("Europe/Berlin"), pattern, monday)
    in_lisbon = slots_of(open_schedule("Europe/Lisbon"), pattern, monday)

    assert [slot.start_at for slot in in_berlin] == [at("2026-06-01 07:00")]
    assert [slot.start_at for slot in in_lisbon] == [at("2026-06-01 08:00")]


@pytest.mark.spec("AV-3", "ID-7")
@pytest.mark.parametrize("zone, expected", [("America/Vancouver", "12:00-0700"), ("Africa/Casablanca", "12:00+0000")])
def test_the_pinned_zone_data_wins_over_the_machine_s(zone: str, expected: str) -> None:
    day = date(2026, 12, 1)

    found = slots_of(open_schedule(zone, interval=60), [window_on(day, "12:00", "13:00")], day)

    assert labels(found) == [expected]
