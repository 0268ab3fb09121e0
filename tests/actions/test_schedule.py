"""A mentor's schedule and offerings: saved, previewed, refused field by field, and never a matter of sold sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from app.booking.offerings import (
    GivenOffering,
    create_offering,
    offerings_of,
    restore_offering,
    retire_offering,
    update_offering,
)
from app.booking.queries import load_slots
from app.booking.schedule import (
    GivenSchedule,
    add_exception,
    load_schedule,
    preview_slots,
    remove_exception,
    save_schedule,
)
from app.domain.errors import Forbidden, Invalid, NotFound, StaleVersion
from app.domain.vocabulary import BlockType, BookingMode, ExceptionType, MeetingType, SessionStatus
from app.domain.weekly import GivenBlock, GivenDay, read_week
from app.models import User
from tests.factories.people import a_mentee, a_mentor, ctx_of
from tests.factories.sessions import START_AT, a_draft, book, fresh
from tests.world import START, Clock

pytestmark = pytest.mark.usefixtures("app", "clock")

NIGHT = GivenDay(is_enabled=True, blocks=(GivenBlock("22:00", "02:00"), GivenBlock("00:30", "01:00", BlockType.BREAK)))
OFFERING = GivenOffering(
    title="One hour", duration=60, rate_minor=5_000, currency="EUR", booking_mode=BookingMode.INSTANT,
    meeting_types=[MeetingType.VIDEO],
)  # fmt: skip


def starts(mentor: User, day: date = date(2028, 3, 1), days: int = 1) -> list[str]:
    """The free starts that a stranger sees."""
    answer = load_slots(
        mentor.id, first_day=day, last_day=day + timedelta(days=days - 1), duration=60, viewer_zone="UTC",
        mentee_id=None, now=START,
    )  # fmt: skip
    return [f"{slot.start_at:%d %H:%M}" for slot in answer.slots if slot.available]


def given_of(mentor: User) -> tuple[GivenSchedule, int | None]:
    view = load_schedule(mentor.id, fallback_zone="UTC", now=START)
    return view.given, view.version


@pytest.mark.spec("AV-1", "AV-3")
def test_a_saved_week_is_what_mentees_see_and_the_preview_showed_it_before() -> None:
    mentor = a_mentor()
    given, version = given_of(mentor)
    changed = replace(given, days={2: NIGHT}, min_notice_hours=0)
    shown = preview_slots(
        changed, first_day=date(2028, 3, 1), last_day=date(2028, 3, 2), duration_minutes=60, viewer_zone="UTC",
        ctx=ctx_of(mentor),
    )  # fmt: skip

    assert save_schedule(changed, version=version, ctx=ctx_of(mentor)) == 2

    seen = starts(mentor, days=2)
    assert seen == ["01 22:00", "01 22:30", "01 23:00", "01 23:30", "02 01:00"]
    assert [f"{slot.start_at:%d %H:%M}" for slot in shown if slot.available] == seen
    assert given_of(mentor)[0].days[2] == NIGHT


@pytest.mark.spec("AV-1", "SM-4")
def test_a_schedule_changed_on_another_screen_is_not_overwritten() -> None:
    mentor = a_mentor()
    given, version = given_of(mentor)
    save_schedule(given, version=version, ctx=ctx_of(mentor))
    with pytest.raises(StaleVersion):
        save_schedule(replace(given, buffer_minutes=0), version=version, ctx=ctx_of(mentor))
    assert given_of(mentor)[0].buffer_minutes == 15


def day(*blocks: GivenBlock, is_enabled: bool = True) -> dict[str, Any]:
    return {"days": {0: GivenDay(is_enabled, blocks)}}


@pytest.mark.spec("AV-1")
@pytest.mark.parametrize(
    "change, field",
    [
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"buffer_minutes": 241}, "bufferMinutes"),
        ({"slot_interval_minutes": 0}, "slotIntervalMinutes"),
        (day(), "days.0.blocks"),
        (day(GivenBlock("09:00", "12:00", BlockType.BREAK)), "days.0.blocks"),
        (day(GivenBlock("9:00", "12:00")), "days.0.blocks.0.start"),
        (day(GivenBlock("09:00", "25:00")), "days.0.blocks.0.end"),
        (day(GivenBlock("09:00", "12:00"), GivenBlock("11:00", "13:00")), "days.0.blocks"),
        ({"days": {7: GivenDay(is_enabled=False)}}, "days.7"),
        ({"days": {0: NIGHT, 1: GivenDay(True, (GivenBlock("01:00", "03:00"),))}}, "days.1.blocks"),
        ({"days": {6: NIGHT, 0: GivenDay(True, (GivenBlock("01:00", "03:00"),))}}, "days.0.blocks"),
    ],
)
def test_a_week_that_makes_no_sense_says_where(change: Mapping[str, Any], field: str) -> None:
    mentor = a_mentor()
    given, version = given_of(mentor)
    with pytest.raises(Invalid) as refused:
        save_schedule(replace(given, **change), version=version, ctx=ctx_of(mentor))
    assert field in refused.value.fields
    assert given_of(mentor) == (given, version)


@pytest.mark.spec("AV-3")
def test_windows_that_only_touch_do_not_overlap() -> None:
    touching = GivenDay(True, (GivenBlock("00:00", "12:00"), GivenBlock("12:00", "24:00")))
    assert read_week(dict.fromkeys(range(7), touching))[1] == {}


@pytest.mark.spec("AV-1")
def test_a_day_that_is_off_keeps_its_blocks_and_sells_nothing() -> None:
    mentor = a_mentor()
    given, version = given_of(mentor)
    off = {weekday: replace(each, is_enabled=False) for weekday, each in given.days.items()}
    save_schedule(replace(given, days=off), version=version, ctx=ctx_of(mentor))
    assert starts(mentor) == []
    assert given_of(mentor)[0].days[2].blocks == given.days[2].blocks


@pytest.mark.spec("AV-1", "AV-2")
def test_blocked_and_extra_periods_change_what_is_offered_and_sold_sessions_stand() -> None:
    mentor = a_mentor()
    sold = a_draft(mentor=mentor)
    ctx = ctx_of(mentor)
    blocked = add_exception(
        starts_at=START_AT, ends_at=START_AT + timedelta(hours=8), kind=ExceptionType.BLOCKED, reason="Dentist", ctx=ctx
    )
    assert blocked.sessions_inside == 1
    assert starts(mentor) == [], "nine to ten has no room for the buffer"
    assert fresh(sold).status is SessionStatus.DRAFT
    with pytest.raises(Invalid):
        book(mentor=mentor, at=START_AT + timedelta(hours=3))

    evening = START_AT + timedelta(hours=9)
    extra = add_exception(
        starts_at=evening, ends_at=evening + timedelta(hours=1), kind=ExceptionType.EXTRA, reason=None, ctx=ctx
    )
    assert "01 19:00" in starts(mentor)
    remove_exception(extra.id, ctx=ctx)
    assert "01 19:00" not in starts(mentor)
    assert [each.id for each in load_schedule(mentor.id, fallback_zone="UTC", now=START).exceptions] == [blocked.id]


@pytest.mark.spec("AV-1", "INV-8")
def test_an_exception_needs_a_time_that_is_not_over_and_belongs_to_its_mentor(clock: Clock) -> None:
    mentor = a_mentor()
    for start, end in (
        (START_AT, START_AT),
        (START - timedelta(days=2), START),
        (START_AT, START_AT + timedelta(days=400)),
    ):
        with pytest.raises(Invalid) as refused:
            add_exception(starts_at=start, ends_at=end, kind=ExceptionType.BLOCKED, reason=None, ctx=ctx_of(mentor))
        assert "endsAt" in refused.value.fields
    mine = add_exception(
        starts_at=START_AT, ends_at=START_AT + timedelta(hours=1), kind=ExceptionType.BLOCKED, reason=None,
        ctx=ctx_of(mentor),
    )  # fmt: skip
    with pytest.raises(NotFound):
        remove_exception(mine.id, ctx=ctx_of(a_mentor()))


@pytest.mark.spec("ADM-2")
def test_only_mentors_have_schedules_and_offerings() -> None:
    mentor = a_mentor()
    given, version = given_of(mentor)
    with pytest.raises(Forbidden):
        save_schedule(given, version=version, ctx=ctx_of(a_mentee()))
    with pytest.raises(Forbidden):
        create_offering(OFFERING, ctx=ctx_of(a_mentee()))


@pytest.mark.spec("AV-7")
def test_offerings_are_made_changed_retired_and_brought_back() -> None:
    mentor = a_mentor()
    ctx = ctx_of(mentor)
    offering = create_offering(OFFERING, ctx=ctx)
    update_offering(offering.id, replace(OFFERING, title="Two hours", duration=120, rate_minor=9_000), ctx=ctx)
    assert [(each.title, each.duration) for each in offerings_of(mentor.id)][-1] == ("Two hours", 120)

    retire_offering(offering.id, ctx=ctx)
    assert offering.id not in {each.id for each in offerings_of(mentor.id)}
    with pytest.raises(Invalid) as refused:
        book(mentor=mentor, offering_id=offering.id)
    assert list(refused.value.fields) == ["offeringId"]
    restore_offering(offering.id, ctx=ctx)
    assert offering.id in {each.id for each in offerings_of(mentor.id)}
    with pytest.raises(NotFound):
        retire_offering(offering.id, ctx=ctx_of(a_mentor()))


@pytest.mark.spec("AV-7", "MN-12")
@pytest.mark.parametrize(
    "change, field",
    [
        ({"title": "ab"}, "title"),
        ({"duration": 4}, "duration"),
        ({"rate_minor": -1}, "rate"),
        ({"currency": "eur"}, "currency"),
        ({"meeting_types": []}, "meetingTypes"),
        ({"meeting_types": [MeetingType.IN_PERSON]}, "location"),
        ({"description": "x" * 2_001}, "description"),
    ],
)
def test_an_offering_that_cannot_be_used_names_its_field(change: Mapping[str, Any], field: str) -> None:
    mentor = a_mentor()
    with pytest.raises(Invalid) as refused:
        create_offering(replace(OFFERING, **change), ctx=ctx_of(mentor))
    assert list(refused.value.fields) == [field]


@pytest.mark.spec("AV-2")
def test_a_schedule_that_is_off_offers_nothing() -> None:
    mentor = a_mentor()
    given, version = given_of(mentor)
    save_schedule(replace(given, is_active=False), version=version, ctx=ctx_of(mentor))
    assert starts(mentor) == []
