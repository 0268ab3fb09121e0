"""Slots and the reasons why some cannot be booked (AV-2, AV-4, AV-6, BK-10)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from app.domain.availability import (
    BusyInterval,
    ExceptionPeriod,
    Schedule,
    Slot,
    WeeklyBlock,
    is_bookable,
    is_covered,
    nearest_free,
)
from app.domain.errors import Invalid, SlotTaken
from app.domain.times import Interval
from app.domain.vocabulary import BlockType, ExceptionType
from tests.domain.facts import LONG_AGO, at, minutes, open_schedule, slots_of, window_on

MONDAY = date(2026, 6, 1)
MORNING = [window_on(MONDAY, "09:00", "12:00")]


def by_clock(found: list[Slot]) -> dict[str, str | None]:
    """Start on the viewer's clock → reason, None where it can be booked."""
    return {f"{slot.local_start:%H:%M}": slot.reason.value if slot.reason else None for slot in found}


def busy(start: str, end: str, *, held: bool = False) -> BusyInterval:
    return BusyInterval(at(f"2026-06-01 {start}"), at(f"2026-06-01 {end}"), held)


@pytest.mark.spec("AV-2")
class TestGrid:
    def test_starts_step_by_the_interval_and_every_slot_ends_inside_its_block(self) -> None:
        found = slots_of(open_schedule("UTC"), MORNING, MONDAY)

        assert by_clock(found) == dict.fromkeys(["09:00", "09:30", "10:00", "10:30", "11:00"])

    def test_a_break_removes_what_runs_into_it_and_leaves_the_grid_alone(self) -> None:
        pattern = [*MORNING, WeeklyBlock(0, minutes("10:15"), minutes("10:45"), BlockType.BREAK)]

        found = slots_of(open_schedule("UTC"), pattern, MONDAY)

        assert list(by_clock(found)) == ["09:00", "11:00"]

    def test_a_break_after_midnight_cuts_a_block_that_began_the_day_before(self) -> None:
        pattern = [window_on(MONDAY, "22:00", "02:00"), WeeklyBlock(0, 1440, 1500, BlockType.BREAK)]

        found = slots_of(open_schedule("UTC", interval=60), pattern, MONDAY, MONDAY + timedelta(days=1))

        assert list(by_clock(found)) == ["22:00", "23:00", "01:00"]

    def test_two_blocks_that_touch_are_two_blocks(self) -> None:
        pattern = [window_on(MONDAY, "09:00", "10:00"), window_on(MONDAY, "10:00", "11:00")]

        found = slots_of(open_schedule("UTC"), pattern, MONDAY)

        assert list(by_clock(found)) == ["09:00", "10:00"]

    def test_blocks_that_overlap_offer_each_start_once(self) -> None:
        pattern = [window_on(MONDAY, "09:00", "11:00"), window_on(MONDAY, "09:00", "12:00")]

        found = slots_of(open_schedule("UTC"), pattern, MONDAY)

        assert list(by_clock(found)) == ["09:00", "09:30", "10:00", "10:30", "11:00"]

    def test_a_schedule_that_is_switched_off_has_no_slots(self) -> None:
        schedule = Schedule("UTC", is_active=False)

        assert slots_of(schedule, MORNING, MONDAY) == []

    def test_extra_hours_are_a_window_of_their_own(self) -> None:
        extra = ExceptionPeriod(at("2026-06-02 18:10"), at("2026-06-02 19:40"), ExceptionType.EXTRA)

        found = slots_of(open_schedule("UTC"), MORNING, date(2026, 6, 2), exceptions=[extra])

        assert by_clock(found) == {"18:10": None, "18:40": None}

    def test_the_range_is_the_viewer_s_calendar_days(self) -> None:
        found = slots_of(
            open_schedule("Asia/Tokyo"), [window_on(MONDAY, "00:00", "03:00")], date(2026, 5, 31), viewer="UTC"
        )

        assert found[0].start_at == at("2026-05-31 15:00")

    @pytest.mark.parametrize("block", [(7, 0, 60), (0, -1, 60), (0, 0, 1500), (0, 2880, 2900), (0, 100, 3000)])
    def test_an_impossible_block_is_refused(self, block: tuple[int, int, int]) -> None:
        with pytest.raises(ValueError, match="A block"):
            WeeklyBlock(*block)

    def test_a_schedule_without_a_step_is_refused(self) -> None:
        with pytest.raises(ValueError, match="steps forward"):
            Schedule("UTC", slot_interval_minutes=0)


@pytest.mark.spec("AV-2")
class TestReasons:
    def test_past_too_soon_and_beyond_the_window_meet_at_the_second(self) -> None:
        schedule = open_schedule("UTC", interval=60, notice=1, ahead=7)

        def reasons(now: str, day: date = MONDAY) -> dict[str, str | None]:
            return by_clock(slots_of(schedule, MORNING, day, now=at(now)))

        assert reasons("2026-06-01 09:00") == {"09:00": "too_soon", "10:00": None, "11:00": None}
        assert reasons("2026-06-01 09:00:01") == {"09:00": "past", "10:00": "too_soon", "11:00": None}
        assert reasons("2026-05-25 10:00") == {"09:00": None, "10:00": None, "11:00": "beyond_window"}
        assert reasons("2026-05-25 09:59:59") == {"09:00": None, "10:00": "beyond_window", "11:00": "beyond_window"}

    def test_part_of_a_second_counts_as_past(self) -> None:
        now = at("2026-06-01 09:00") + timedelta(microseconds=1)

        found = slots_of(open_schedule("UTC", interval=60), MORNING, MONDAY, now=now)

        assert by_clock(found)["09:00"] == "past"

    def test_a_blocked_period_says_exception_and_wins_over_bookings(self) -> None:
        blocked = ExceptionPeriod(at("2026-06-01 10:00"), at("2026-06-01 10:01"), ExceptionType.BLOCKED)

        found = slots_of(
            open_schedule("UTC", interval=60),
            MORNING,
            MONDAY,
            booked=[busy("10:00", "12:00")],
            exceptions=[blocked],
        )

        assert by_clock(found) == {"09:00": None, "10:00": "exception", "11:00": "booked"}

    def test_an_empty_period_blocks_nothing(self) -> None:
        empty = ExceptionPeriod(at("2026-06-01 10:00"), at("2026-06-01 10:00"), ExceptionType.BLOCKED)

        found = slots_of(open_schedule("UTC"), MORNING, MONDAY, exceptions=[empty])

        assert set(by_clock(found).values()) == {None}

    def test_booked_wins_over_held_and_held_over_the_mentee_s_own(self) -> None:
        found = slots_of(
            open_schedule("UTC", interval=60),
            MORNING,
            MONDAY,
            booked=[busy("09:00", "10:00"), busy("09:30", "11:00", held=True)],
            own=[busy("09:00", "12:00")],
        )

        assert by_clock(found) == {"09:00": "booked", "10:00": "held", "11:00": "own_conflict"}


@pytest.mark.spec("AV-4")
class TestBuffer:
    def test_one_buffer_lies_between_two_sessions_on_either_side(self) -> None:
        schedule = open_schedule("UTC", interval=15, buffer=15)
        # The neighbour's own buffer is in its interval: 60 minutes and 15.
        neighbour = busy("10:00", "11:15")

        found = slots_of(schedule, [window_on(MONDAY, "08:00", "13:00")], MONDAY, booked=[neighbour])

        free = [clock for clock, reason in by_clock(found).items() if reason is None]
        assert free == ["08:00", "08:15", "08:30", "08:45", "11:15", "11:30", "11:45", "12:00"]

    def test_the_mentee_has_no_buffer(self) -> None:
        schedule = open_schedule("UTC", interval=15, buffer=15)

        found = slots_of(schedule, [window_on(MONDAY, "08:00", "13:00")], MONDAY, own=[busy("10:00", "11:00")])

        free = [clock for clock, reason in by_clock(found).items() if reason is None]
        assert free == ["08:00", "08:15", "08:30", "08:45", "09:00", "11:00", "11:15", "11:30", "11:45", "12:00"]


@pytest.mark.spec("API-1")
@pytest.mark.parametrize(
    "first, last, duration, field",
    [
        (date(2026, 6, 2), date(2026, 6, 1), 60, "end"),
        (date(2026, 6, 1), date(2026, 8, 2), 60, "end"),
        (date(1, 1, 1), date(1, 1, 1), 60, "start"),
        (date(9999, 12, 31), date(9999, 12, 31), 60, "start"),
        (MONDAY, MONDAY, 0, "duration"),
        (MONDAY, MONDAY, 1441, "duration"),
    ],
)
def test_an_impossible_request_names_its_field(first: date, last: date, duration: int, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        slots_of(open_schedule("UTC"), MORNING, first, last, duration=duration)

    assert list(refusal.value.fields) == [field]


def test_62_days_can_be_asked_for_at_once() -> None:
    found = slots_of(open_schedule("UTC", interval=60), MORNING, date(2026, 6, 1), date(2026, 8, 1))

    assert len(found) == 9 * 3


@pytest.mark.spec("BK-10")
class TestIsBookable:
    def decide(self, start: datetime, now: datetime = LONG_AGO, booked: list[BusyInterval] | None = None) -> object:
        schedule = open_schedule("UTC", interval=60, buffer=15, ahead=20_000)
        return is_bookable(
            schedule, MORNING, [], start=start, duration_minutes=60, mentor_busy=booked or [], mentee_busy=[], now=now
        )

    def test_a_free_start_on_the_grid_can_be_booked(self) -> None:
        assert self.decide(at("2026-06-01 10:00")).allowed  # type: ignore[attr-defined]

    @pytest.mark.parametrize(
        "start, rule",
        [
            (at("2026-06-01 10:30"), "off_grid"),
            (at("2026-06-02 10:00"), "off_grid"),
            (at("2026-06-01 10:00") + timedelta(microseconds=1), "off_grid"),
            (at("2199-12-30 10:00"), "beyond_window"),
            (datetime(1960, 1, 1, tzinfo=UTC), "past"),
        ],
    )
    def test_anything_that_could_have_been_known_is_invalid(self, start: datetime, rule: str) -> None:
        decision = self.decide(start)

        with pytest.raises(Invalid) as refusal:
            decision.require()  # type: ignore[attr-defined]
        assert decision.rule == rule  # type: ignore[attr-defined]
        assert list(refusal.value.fields) == ["scheduledAt"]

    @pytest.mark.parametrize("start", ["2026-06-01 10:30", "2026-05-31 10:00", "2026-06-01 10:00"])
    def test_a_time_that_has_passed_is_told_so_whether_or_not_it_was_ever_offered(self, start: str) -> None:
        assert self.decide(at(start), now=at("2026-06-01 12:00")).rule == "past"  # type: ignore[attr-defined]

    @pytest.mark.parametrize("held, rule", [(False, "booked"), (True, "held")])
    def test_somebody_who_was_quicker_is_a_conflict(self, held: bool, rule: str) -> None:
        decision = self.decide(at("2026-06-01 10:00"), booked=[busy("10:00", "11:15", held=held)])

        with pytest.raises(SlotTaken) as refusal:
            decision.require()  # type: ignore[attr-defined]
        assert refusal.value.details["rule"] == rule

    @pytest.mark.spec("RS-1")
    def test_the_mentor_s_own_proposal_needs_no_notice(self) -> None:
        schedule = Schedule("UTC", min_notice_hours=48, slot_interval_minutes=60)
        now = at("2026-06-01 08:00")

        def rule(frame: Schedule) -> str:
            return is_bookable(
                frame,
                MORNING,
                [],
                start=at("2026-06-01 10:00"),
                duration_minutes=60,
                mentor_busy=[],
                mentee_busy=[],
                now=now,
            ).rule

        assert (rule(schedule), rule(schedule.without_notice())) == ("too_soon", "slot_free")


@pytest.mark.spec("AV-6")
class TestIsCovered:
    def covered(
        self,
        start: str,
        end: str,
        pattern: list[WeeklyBlock] | None = None,
        *exceptions: ExceptionPeriod,
        on: bool = True,
    ) -> bool:
        wanted = Interval(at(f"2026-06-01 {start}"), at(f"2026-06-01 {end}"))
        return is_covered(Schedule("UTC", is_active=on), pattern or MORNING, exceptions, wanted)

    def test_a_replacement_works_at_that_time_whatever_the_grid(self) -> None:
        assert self.covered("09:07", "11:59")
        assert not self.covered("11:30", "12:01")
        assert not self.covered("09:00", "10:00", on=False)

    def test_breaks_and_blocked_hours_count_and_extra_hours_help(self) -> None:
        with_break = [*MORNING, WeeklyBlock(0, minutes("10:00"), minutes("10:30"), BlockType.BREAK)]
        blocked = ExceptionPeriod(at("2026-06-01 09:30"), at("2026-06-01 09:40"), ExceptionType.BLOCKED)
        extra = ExceptionPeriod(at("2026-06-01 14:00"), at("2026-06-01 16:00"), ExceptionType.EXTRA)

        assert not self.covered("09:45", "10:15", with_break)
        assert self.covered("10:30", "11:30", with_break)
        assert not self.covered("09:00", "10:00", None, blocked)
        assert self.covered("14:30", "15:30", None, extra)


@pytest.mark.spec("BK-2", "RS-4")
def test_the_nearest_free_starts_come_in_order_of_time() -> None:
    found = slots_of(open_schedule("UTC"), MORNING, MONDAY, booked=[busy("10:00", "10:30")])

    nearest = nearest_free(found, at("2026-06-01 10:00"), count=2)

    assert [f"{slot.start_at:%H:%M}" for slot in nearest] == ["09:00", "10:30"]


def test_an_unknown_zone_is_named() -> None:
    with pytest.raises(Invalid) as refusal:
        slots_of(open_schedule("Mars/Olympus"), MORNING, MONDAY, viewer="UTC")

    assert list(refusal.value.fields) == ["timezone"]
