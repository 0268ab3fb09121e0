"""Who could replace a mentor: each condition by itself, the order, and the same answer as asking one by one (AV-6)."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.booking.replacement import Need, find_replacements, need_of
from app.domain.times import Interval
from app.domain.vocabulary import ExceptionType, MeetingType, ReassignmentStatus
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import (
    AvailabilityException,
    CalendarEntry,
    MentoringSession,
    MentorOffering,
    MentorProfile,
    MentorSchedule,
    User,
)
from bench.replacement import one_by_one
from tests.actions.test_booking_queries import statements
from tests.factories.people import a_mentee, a_mentor, an_offering
from tests.factories.sessions import START_AT, a_draft, a_paid_session, a_scheduled_session, fresh
from tests.world import START

pytestmark = pytest.mark.usefixtures("app", "clock")


def names(session: MentoringSession, limit: int = 10, now: Any = START) -> list[str]:
    return [each.name for each in find_replacements(need_of(fresh(session)), now=now, limit=limit)]


def change(table: Any, mentor: User, **values: Any) -> None:
    owner = {MentorProfile: "user_id", User: "id"}.get(table, "mentor_id")
    with transaction():
        db.session.execute(update(table).where(getattr(table, owner) == mentor.id).values(**values))


def away(mentor: User) -> None:
    with transaction():
        db.session.add(
            AvailabilityException(
                mentor_id=mentor.id, starts_at=START_AT + timedelta(minutes=30), ends_at=START_AT + timedelta(days=1),
                type=ExceptionType.BLOCKED, created_at=START,
            )
        )  # fmt: skip


def busy_before(mentor: User) -> None:
    """A session that ends with its buffer five minutes after our start."""
    session = a_scheduled_session(mentor=mentor, at=START_AT - timedelta(hours=1))
    with transaction():
        begin = START_AT - timedelta(minutes=70)
        row = db.session.get_one(CalendarEntry, (mentor.id, session.id))
        row.busy = [type(row.busy[0])(begin, START_AT + timedelta(minutes=5), bounds="[)")]


LOST: dict[str, Callable[[User], object]] = {
    "suspended": lambda mentor: change(User, mentor, suspended_at=START, suspension_reason="trouble"),
    "inactive": lambda mentor: change(User, mentor, is_active=False),
    "not verified": lambda mentor: change(MentorProfile, mentor, verified_at=None),
    "not accepting": lambda mentor: change(MentorProfile, mentor, is_accepting=False),
    "schedule off": lambda mentor: change(MentorSchedule, mentor, is_active=False),
    "offering retired": lambda mentor: change(MentorOffering, mentor, is_active=False),
    "another duration": lambda mentor: change(MentorOffering, mentor, duration=30),
    "another currency": lambda mentor: change(MentorOffering, mentor, currency="USD"),
    "no video": lambda mentor: change(MentorOffering, mentor, meeting_types=["audio"]),
    "away": away,
    "booked then": lambda mentor: a_scheduled_session(mentor=mentor, at=START_AT),
    "held then": lambda mentor: a_draft(mentor=mentor, at=START_AT + timedelta(minutes=30)),
    "buffer before": busy_before,
    # Ours ends at eleven; the own buffer must fit before the next one.
    "buffer after": lambda mentor: a_scheduled_session(mentor=mentor, at=START_AT + timedelta(hours=1)),
    "another zone": lambda mentor: change(MentorSchedule, mentor, timezone="America/New_York"),
}


@pytest.mark.spec("AV-6")
@pytest.mark.parametrize("why", LOST, ids=LOST)
def test_whoever_fails_one_condition_is_not_found(why: str) -> None:
    session = a_paid_session()
    mentor = a_mentor(name="Able Mentor")
    assert names(session) == ["Able Mentor"]
    LOST[why](mentor)
    db.session.expire_all()
    assert names(session) == []


@pytest.mark.spec("AV-6", "RA-8")
def test_neither_the_parties_nor_those_who_gave_it_up_are_asked_again() -> None:
    session = a_paid_session()
    again = a_mentor(name="Was Asked")
    with transaction():
        session.cancelled_mentor_ids = [again.id]
    assert names(session) == []


@pytest.mark.spec("AV-4", "AV-6")
def test_a_hold_that_ran_out_is_in_nobodys_way() -> None:
    session = a_paid_session()
    mentor = a_mentor(name="Held Once")
    draft = a_draft(mentor=mentor)
    assert draft.hold_expires_at is not None
    assert names(session) == []
    assert names(session, now=draft.hold_expires_at) == ["Held Once"]


@pytest.mark.spec("AV-6")
def test_the_order_is_expertise_then_rating_then_few_sessions_then_id() -> None:
    session = a_paid_session(mentor=a_mentor(expertise=("Python", "Leadership")))
    by_rating = a_mentor(name="3 rated", expertise=("python",))
    change(MentorProfile, by_rating, rating_average=4.5)
    twice = a_mentor(name="1 both tags", expertise=("LEADERSHIP", "Python"))
    busy, idle, other = (a_mentor(name=name, expertise=("Sales",), rate_minor=0) for name in ("busy", "idle", "idle"))
    a_scheduled_session(mentor=busy, at=START_AT + timedelta(days=1))
    better = a_mentor(name="2 better rated", expertise=("Python", "Cooking"))
    change(MentorProfile, better, rating_average=4.6)
    with transaction():
        # Her mentee chooses another mentor: it is no session of hers any more (RA-2).
        given_up = a_scheduled_session(mentor=idle, at=START_AT + timedelta(days=1))
        given_up.reassignment_status = ReassignmentStatus.AWAITING_MENTEE_CHOICE
        db.session.query(CalendarEntry).filter_by(session_id=given_up.id, user_id=idle.id).delete()

    found = find_replacements(need_of(session), now=START, limit=10)

    first_of_idle = sorted([idle.id, other.id], key=str)
    assert [each.mentor_id for each in found] == [twice.id, better.id, by_rating.id, *first_of_idle, busy.id]
    assert (list(found[0].shared), found[1].rating_average, found[-1].upcoming_sessions) == (
        ["LEADERSHIP", "Python"],
        4.6,
        1,
    )
    assert names(session, limit=2) == ["1 both tags", "2 better rated"]


ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati", "Asia/Kathmandu")


def a_random_world(seed: int) -> tuple[list[User], list[Need]]:
    dice = random.Random(seed)
    mentors = []
    for _ in range(9):
        days = dice.sample(range(7), 5)
        hours = {day: ((f"{dice.randrange(0, 12):02}:{dice.choice(('00', '15'))}",
                        dice.choice(("18:00", "24:00", "22:30"))),) for day in days}  # fmt: skip
        mentor = a_mentor(
            timezone=dice.choice(ZONES), rate_minor=0, expertise=dice.sample(["A", "B", "c", "D"], 2),
            weekly_hours=hours, schedule={"buffer_minutes": dice.choice((0, 15, 60)), "min_notice_hours": 0},
            duration=dice.choice((60, 60, 30)), is_accepting=dice.random() < 0.9,
        )  # fmt: skip
        change(MentorProfile, mentor, rating_average=dice.choice((None, 4.0, 4.25)))
        mentors.append(mentor)
    begin = START.replace(minute=0) + timedelta(days=2)
    for mentor in dice.sample(mentors, 6):
        at = begin + timedelta(hours=dice.randrange(72))
        if dice.random() < 0.4:
            with transaction():
                db.session.add(
                    AvailabilityException(
                        mentor_id=mentor.id, starts_at=at, ends_at=at + timedelta(hours=dice.randrange(1, 30)),
                        type=dice.choice(list(ExceptionType)), created_at=START,
                    )
                )  # fmt: skip
        else:
            occupy(mentor, at)
    excluded = frozenset(each.id for each in dice.sample(mentors, 2))
    needs = [
        Need(
            start=begin + timedelta(minutes=15 * dice.randrange(4 * 96)), duration=dice.choice((30, 60)),
            currency="EUR", meeting_type=MeetingType.VIDEO, tags=frozenset(dice.sample("abcd", 2)), excluded=excluded,
        )
        for _ in range(12)
    ]  # fmt: skip
    return mentors, needs


def occupy(mentor: User, at: Any) -> None:
    """A session at any hour, whatever the mentor's week says."""
    session = a_scheduled_session(mentor=a_mentor(rate_minor=0))
    own = Interval.lasting(at, 60)
    with transaction():
        session.mentor_id, session.scheduled_at = mentor.id, own.start
        entry = db.session.query(CalendarEntry).filter_by(session_id=session.id, user_id=session.mentee_id).one()
        made = type(entry.busy[0])(own.start, own.end + timedelta(minutes=15), bounds="[)")
        db.session.query(CalendarEntry).filter_by(session_id=session.id).delete()
        db.session.add(CalendarEntry(user_id=mentor.id, session_id=session.id, busy=[made]))


@pytest.mark.spec("AV-6", "PERF-4")
@pytest.mark.parametrize("seed", range(6))
def test_the_search_names_whom_asking_one_by_one_names(seed: int) -> None:
    _, needs = a_random_world(seed)
    limit = 1 + seed % 4
    found = [[each.mentor_id for each in find_replacements(need, now=START, limit=limit)] for need in needs]
    assert found == [one_by_one(need, now=START, limit=limit) for need in needs]
    assert any(found)


@pytest.mark.spec("AV-6", "PERF-7")
def test_few_of_many_are_found_in_few_statements() -> None:
    session = a_paid_session()
    for _ in range(4):
        a_mentor()
    a_mentee(), an_offering(a_mentor(), duration=30)
    need = need_of(session)
    with statements() as sent:
        assert len(find_replacements(need, now=START, limit=3)) == 3
    assert len(sent) == 4
