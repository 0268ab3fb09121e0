"""Instants, intervals, zones and their labels (ID-7)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import TZPATH, ZoneInfo

import pytest

from app.domain.errors import Invalid
from app.domain.times import (
    Interval,
    ceil_to,
    day_bounds,
    days_bounds,
    floor_to,
    offset_label,
    parse_instant,
    seconds_ceil,
    seconds_floor,
    starts_at,
    utc,
    valid_zone,
    zone,
    zone_label,
)
from tests.domain.facts import at

NOON = at("2026-03-01 12:00")


@pytest.mark.spec("ID-7")
class TestInstants:
    def test_a_naive_time_is_refused(self) -> None:
        with pytest.raises(ValueError, match="no offset"):
            utc(datetime(2026, 3, 1, 12))  # noqa: DTZ001 - the point

    def test_the_same_instant_comes_back_in_utc(self) -> None:
        assert utc(datetime(2026, 3, 1, 13, tzinfo=timezone(timedelta(hours=1)))).isoformat() == NOON.isoformat()

    @pytest.mark.parametrize(
        "text", ["2026-03-01T12:00:00Z", " 2026-03-01T13:00+01:00", "2026-03-01 17:45:00+05:45", "20260301T120000Z"]
    )
    def test_a_time_with_its_offset_is_read(self, text: str) -> None:
        assert parse_instant(text, field="scheduledAt") == NOON

    @pytest.mark.parametrize(
        "text",
        [
            "2026-03-01T12:00:00",
            "2026-02-30T12:00:00Z",
            "tomorrow",
            "",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-14:00",
            "1969-12-31T00:00:00Z",
            "2300-01-01T00:00:00Z",
        ],
    )
    def test_anything_else_names_its_field(self, text: str) -> None:
        with pytest.raises(Invalid) as refusal:
            parse_instant(text, field="scheduledAt")

        assert list(refusal.value.fields) == ["scheduledAt"]

    def test_seconds_round_outward_where_asked(self) -> None:
        just_after = NOON + timedelta(microseconds=1)

        assert seconds_floor(NOON) == seconds_ceil(NOON) == seconds_floor(just_after)
        assert seconds_ceil(just_after) == seconds_floor(just_after) + 1

    def test_a_grid_has_a_point_before_and_one_after(self) -> None:
        step, origin = timedelta(minutes=45), at("2026-03-01 09:00")

        assert floor_to(NOON, step, origin=origin) == ceil_to(NOON, step, origin=origin) == NOON
        assert floor_to(NOON + timedelta(seconds=1), step, origin=origin) == NOON
        assert ceil_to(NOON + timedelta(seconds=1), step, origin=origin) == NOON + step


class TestInterval:
    HOUR = Interval.lasting(NOON, 60)

    def test_it_is_half_open(self) -> None:
        after = Interval.lasting(self.HOUR.end, 60)

        assert self.HOUR.contains(self.HOUR.start)
        assert not self.HOUR.contains(self.HOUR.end)
        assert not self.HOUR.overlaps(after)
        assert self.HOUR.overlaps(self.HOUR.widened(after=timedelta(minutes=15)))

    def test_it_covers_what_lies_wholly_inside(self) -> None:
        wider = self.HOUR.widened(before=timedelta(minutes=1))

        assert wider.covers(self.HOUR)
        assert not self.HOUR.covers(wider)
        assert wider.duration == timedelta(minutes=61)

    def test_it_cannot_end_before_it_starts(self) -> None:
        with pytest.raises(ValueError, match="before it starts"):
            Interval(NOON, NOON - timedelta(seconds=1))


@pytest.mark.spec("ID-7")
class TestZones:
    @pytest.mark.parametrize(
        "name, ok",
        [
            ("Europe/Berlin", True),
            ("America/Argentina/Ushuaia", True),
            ("UTC", True),
            ("Europe/Atlantis", False),
            ("../../etc/passwd", False),
            ("Etc/GMT+5", False),
            ("EST", False),
            ("", False),
        ],
    )
    def test_a_person_chooses_a_place_or_utc(self, name: str, ok: bool) -> None:
        assert valid_zone(name) is ok

    def test_an_unknown_zone_names_its_field(self) -> None:
        with pytest.raises(Invalid) as refusal:
            zone("Europe/Atlantis", field="tz")

        assert list(refusal.value.fields) == ["tz"]

    @pytest.mark.parametrize(
        "name, day, label",
        [
            ("Europe/Berlin", "2026-03-01", "Berlin, GMT+1"),
            ("Europe/Berlin", "2026-07-01", "Berlin, GMT+2"),
            ("Asia/Kathmandu", "2026-03-01", "Kathmandu, GMT+5:45"),
            ("America/New_York", "2026-03-01", "New York, GMT-5"),
            ("America/St_Johns", "2026-03-01", "St Johns, GMT-3:30"),
            ("Africa/Accra", "2026-03-01", "Accra, GMT"),
        ],
    )
    def test_the_label_carries_the_offset_of_that_day(self, name: str, day: str, label: str) -> None:
        assert zone_label(at(f"{day} 12:00"), name) == label

    def test_an_offset_is_labelled_in_whole_minutes(self) -> None:
        assert offset_label(datetime(1850, 1, 1, tzinfo=UTC), ZoneInfo("Europe/Berlin")) == "GMT+0:53"

    def test_no_zone_file_of_the_machine_is_read(self) -> None:
        import zoneinfo

        assert zoneinfo.TZPATH == ()
        assert TZPATH is not None

    @pytest.mark.parametrize(
        "name, day, hours",
        [
            ("Europe/Berlin", "2026-03-29", 23),
            ("Europe/Berlin", "2026-10-25", 25),
            ("Europe/Berlin", "2026-06-01", 24),
            ("America/Havana", "2025-11-02", 25),
            ("Africa/Cairo", "2026-04-24", 23),
            ("Australia/Lord_Howe", "2026-04-05", 24.5),
            ("Pacific/Apia", "2011-12-30", 0),
        ],
    )
    def test_a_calendar_day_has_as_many_hours_as_the_clock_makes_it(self, name: str, day: str, hours: float) -> None:
        assert day_bounds(date.fromisoformat(day), zone(name)).duration == timedelta(hours=hours)

    def test_days_follow_one_another_without_gap_or_overlap(self) -> None:
        havana = zone("America/Havana")
        first, second = (day_bounds(date(2025, 11, day), havana) for day in (2, 3))

        assert first.end == second.start
        assert days_bounds(date(2025, 11, 2), date(2025, 11, 3), havana) == Interval(first.start, second.end)

    def test_a_zone_that_knows_no_offset_cannot_be_used(self) -> None:
        class Nowhere(tzinfo):
            def utcoffset(self, _: datetime | None) -> None:
                return None

        with pytest.raises(ValueError, match="knows no offset"):
            starts_at(date(2026, 3, 1), 0, Nowhere())
