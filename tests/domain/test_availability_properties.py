"""What holds for the slots of any window in any zone on any day (AV-2, AV-3, AV-4)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.domain.availability import BusyInterval, WeeklyBlock, is_bookable
from app.domain.times import ends_at, starts_at, zone_names
from tests.domain.facts import open_schedule, slots_of

ZONES = st.sampled_from(sorted(zone_names()))
DAYS = st.dates(date(2000, 1, 1), date(2036, 12, 31))
STARTS = st.integers(0, 95).map(lambda quarter: quarter * 15)
LENGTHS = st.integers(1, 96).map(lambda quarter: quarter * 15)
STEPS = st.sampled_from([15, 20, 30, 45, 60, 90])
# The days on which a naive engine fails, tried every time.
PINNED = [
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Asia/Kathmandu", date(2026, 3, 29)),
    ("Pacific/Chatham", date(2026, 4, 5)),
    ("America/Sao_Paulo", date(2018, 11, 4)),
    ("Europe/Dublin", date(2026, 10, 25)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("America/Havana", date(2025, 11, 2)),
    ("Antarctica/Troll", date(2026, 3, 29)),
]


def pinned(function: object) -> object:
    for zone, day in PINNED:
        function = example(zone=zone, day=day, start=0, length=360, step=30, duration=60)(function)  # type: ignore[type-var]
    return function


@pytest.mark.spec("AV-2", "AV-3")
@pinned
@settings(max_examples=300, deadline=None)
@given(zone=ZONES, day=DAYS, start=STARTS, length=LENGTHS, step=STEPS, duration=STEPS)
def test_slots_ascend_on_the_grid_inside_their_window_and_last_as_long_as_they_say(
    zone: str, day: date, start: int, length: int, step: int, duration: int
) -> None:
    opens = starts_at(day, start, ZoneInfo(zone))
    closes = ends_at(day, start + length, ZoneInfo(zone))

    found = slots_of(
        open_schedule(zone, interval=step),
        [WeeklyBlock(day.weekday(), start, start + length)],
        day - timedelta(days=1),
        day + timedelta(days=2),
        duration=duration,
        viewer="UTC",
    )

    starts = [slot.start_at for slot in found]
    expected = []
    if opens < closes:
        many = (closes - opens - timedelta(minutes=duration)) // timedelta(minutes=step) + 1
        expected = [opens + number * timedelta(minutes=step) for number in range(max(0, many))]
    assert starts == expected
    assert all(slot.end_at - slot.start_at == timedelta(minutes=duration) for slot in found)
    if step >= duration:
        assert all(one.end_at <= two.start_at for one, two in pairwise(found))


@pytest.mark.spec("AV-3")
@settings(max_examples=300, deadline=None)
@given(zone=ZONES, day=DAYS, minute=st.integers(0, 1439))
@example(zone="Europe/Berlin", day=date(2026, 3, 29), minute=150)
@example(zone="Europe/Berlin", day=date(2026, 10, 25), minute=150)
@example(zone="Australia/Lord_Howe", day=date(2026, 10, 4), minute=135)
@example(zone="America/Sao_Paulo", day=date(2018, 11, 4), minute=0)
def test_a_wall_time_becomes_the_instant_that_shows_it_or_the_first_after_the_gap(
    zone: str, day: date, minute: int
) -> None:
    where = ZoneInfo(zone)
    wall = datetime.combine(day, datetime.min.time()) + timedelta(minutes=minute)

    first, last = starts_at(day, minute, where), ends_at(day, minute, where)

    assert first <= last
    shown = first.astimezone(where).replace(tzinfo=None, fold=0)
    if shown == wall:
        assert last.astimezone(where).replace(tzinfo=None, fold=0) == wall
        if first != last:
            assert first.astimezone(where).utcoffset() > last.astimezone(where).utcoffset()  # type: ignore[operator]
    else:
        # The clock jumps over the wall time exactly here.
        just_before = (first - timedelta(seconds=1)).astimezone(where).replace(tzinfo=None)
        assert just_before < wall < shown
        assert first == last


@pytest.mark.spec("AV-3")
@settings(max_examples=150, deadline=None)
@given(zone=ZONES, day=st.dates(date(2024, 1, 1), date(2030, 12, 31)))
@example(zone="Europe/Berlin", day=date(2026, 3, 29))
@example(zone="Europe/Berlin", day=date(2026, 10, 25))
def test_around_the_clock_every_instant_of_the_day_is_sold_once(zone: str, day: date) -> None:
    where = ZoneInfo(zone)

    found = slots_of(
        open_schedule(zone, interval=15), [WeeklyBlock(weekday, 0, 0) for weekday in range(7)], day, duration=15
    )

    start, end = starts_at(day, 0, where), starts_at(day, 1440, where)
    assert [slot.start_at for slot in found] == [
        start + number * timedelta(minutes=15) for number in range((end - start) // timedelta(minutes=15))
    ]


@st.composite
def calendars(draw: st.DrawFn) -> list[BusyInterval]:
    entries = draw(st.lists(st.tuples(st.integers(-600, 3000), st.integers(1, 300), st.booleans()), max_size=8))
    midnight = datetime(2026, 3, 29, tzinfo=UTC)
    return [
        BusyInterval(midnight + timedelta(minutes=begin), midnight + timedelta(minutes=begin + length), held)
        for begin, length, held in entries
    ]


@pytest.mark.spec("BK-10", "AV-4")
@settings(max_examples=150, deadline=None)
@given(
    busy=calendars(),
    own=calendars(),
    buffer=st.sampled_from([0, 15, 40]),
    probe=st.integers(-300, 1800),
    now=st.integers(-1000, 1500),
)
def test_whether_a_start_can_be_booked_agrees_with_the_slots_that_are_shown(
    busy: list[BusyInterval], own: list[BusyInterval], buffer: int, probe: int, now: int
) -> None:
    midnight = datetime(2026, 3, 29, tzinfo=UTC)
    schedule = open_schedule("Europe/Berlin", interval=20, buffer=buffer, notice=2, ahead=1)
    pattern = [WeeklyBlock(6, 0, 900), WeeklyBlock(6, 1200, 300)]
    moment = midnight + timedelta(minutes=now)
    start = midnight + timedelta(minutes=probe)

    shown = {
        slot.start_at: slot.reason
        for slot in slots_of(
            schedule, pattern, date(2026, 3, 27), date(2026, 3, 31), now=moment, booked=busy, own=own, viewer="UTC"
        )
    }
    decision = is_bookable(
        schedule, pattern, [], start=start, duration_minutes=60, mentor_busy=busy, mentee_busy=own, now=moment
    )

    if start in shown:
        reason = shown[start]
        assert decision.rule == (reason.value if reason else "slot_free")
        assert decision.allowed is (reason is None)
    else:
        assert decision.rule == ("past" if start < moment else "off_grid")
    # The obvious way, slot by slot, comes to the same answer.
    for slot_start, reason in shown.items():
        end = slot_start + timedelta(minutes=60)
        hits = [each for each in busy if slot_start < each.end and each.start < end + timedelta(minutes=buffer)]
        owns = any(slot_start < each.end and each.start < end for each in own)
        if reason is None:
            assert not hits
            assert not owns
        elif reason == "held":
            assert hits
            assert all(each.held for each in hits)
