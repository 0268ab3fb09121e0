"""A mentor's week as typed: read, or refused where it makes no sense (AV-1, AV-3)."""

from __future__ import annotations

import pytest

from app.domain.availability import WeeklyBlock
from app.domain.vocabulary import BlockType
from app.domain.weekly import MOST_BLOCKS, GivenBlock, GivenDay, minute_of, read_week

FREE, BREAK = BlockType.AVAILABLE, BlockType.BREAK
H = 60


def day(*blocks: tuple[str, str] | tuple[str, str, BlockType], on: bool = True) -> GivenDay:
    return GivenDay(on, [GivenBlock(*each) for each in blocks])


@pytest.mark.parametrize(
    "clock, minute",
    [("00:00", 0), ("09:30", 570), ("24:00", 1440), ("24:01", None), ("9:30", None), ("09:60", None), ("", None)],
)
def test_a_time_of_day_is_two_digits_and_two_digits(clock: str, minute: int | None) -> None:
    assert minute_of(clock) == minute


@pytest.mark.spec("AV-1")
def test_a_week_with_breaks_is_read_as_it_stands() -> None:
    week, problems = read_week({0: day(("09:00", "17:00"), ("12:00", "13:00", BREAK)), 6: day(on=False)})
    assert problems == {}
    assert week == {
        0: [WeeklyBlock(0, 9 * H, 17 * H, FREE), WeeklyBlock(0, 12 * H, 13 * H, BREAK)],
        6: [],
    }


@pytest.mark.spec("AV-3")
def test_a_break_after_midnight_belongs_to_the_evening_before_it() -> None:
    week, problems = read_week({4: day(("22:00", "02:00"), ("00:30", "01:00", BREAK))})
    assert problems == {}
    assert week[4][1] == WeeklyBlock(4, 24 * H + 30, 25 * H, BREAK)


@pytest.mark.spec("AV-1")
@pytest.mark.parametrize(
    "given, field",
    [
        ({7: day()}, "days.7"),
        ({0: day(("24:00", "02:00"))}, "days.0.blocks.0.start"),
        ({0: day(("09:00", "12:00"), ("13:00", "late"))}, "days.0.blocks.1.end"),
        ({0: day(("12:00", "13:00", BREAK))}, "days.0.blocks"),
        ({0: day()}, "days.0.blocks"),
        ({0: day(*[("09:00", "10:00")] * (MOST_BLOCKS + 1))}, "days.0.blocks"),
    ],
)
def test_what_makes_no_sense_is_named_by_its_field(given: dict[int, GivenDay], field: str) -> None:
    assert list(read_week(given)[1]) == [field]


@pytest.mark.spec("AV-1", "AV-3")
@pytest.mark.parametrize(
    "given, field, words",
    [
        ({2: day(("09:00", "12:00"), ("11:59", "15:00"))}, "days.2.blocks", "Two blocks on Wednesday overlap."),
        ({0: day(("22:00", "02:00")), 1: day(("01:00", "05:00"))}, "days.1.blocks", "Monday runs into Tuesday"),
        ({6: day(("22:00", "02:00")), 0: day(("01:00", "05:00"))}, "days.0.blocks", "Sunday runs into Monday"),
    ],
)
def test_the_same_time_is_not_offered_twice(given: dict[int, GivenDay], field: str, words: str) -> None:
    problems = read_week(given)[1]
    assert list(problems) == [field]
    assert words in problems[field]


@pytest.mark.spec("AV-1")
def test_blocks_that_touch_and_days_that_are_off_overlap_with_nothing() -> None:
    given = {
        0: day(("09:00", "12:00"), ("12:00", "15:00")),
        1: day(("22:00", "02:00")),
        2: day(("01:00", "05:00"), on=False),
    }
    week, problems = read_week(given)
    assert problems == {}
    assert week[2], "what is off is kept for when it is on again"
