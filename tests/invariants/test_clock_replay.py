"""The clock was away for a day, or jumps by an hour: a small world is replayed and must come out right (OPS-4, EM-5).

Nothing is told twice, nothing due is left out, no reminder is late, and two clocks at once are as good as one. The
measure is the same world under a clock that never failed.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from app.booking.cancel import cancel_session
from app.booking.tick import TickReport, tick
from app.domain.context import CLOCK
from app.domain.reminding import MAY_BE_LATE
from app.domain.vocabulary import BookingMode, CancellationCategory, MeetingType, NotificationType, Party, SessionStatus
from app.extensions import db
from app.models import CalendarEntry, EmailEvent, MentoringSession, Notification, SessionAuditLog
from app.money.checks import CHECKS
from tests.factories.people import a_mentee, a_mentor, actor_of
from tests.factories.sessions import an_approved_request, book, pay, they_join
from tests.outbox import drain
from tests.world import Clock, context

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FIRST = datetime(2028, 3, 1, tzinfo=UTC)
OPENS = FIRST + DAY
# Everything in this world is due on a half hour.
STEP = HOUR / 2
ALWAYS = {day: [("00:00", "23:59")] for day in range(7)}
STORIES = (
    "both joined", "nobody joined", "only the mentee joined", "audio", "never paid", "approved, never paid",
    "never answered", "cancelled", "free", "both joined again",
)  # fmt: skip
SIZE = 30
# Which session, and what; how often.
Told = Counter[tuple[str, str]]


@dataclass(frozen=True)
class Outcome:
    """What a world came to.

    :param reminders: hours before the start, by session
    """

    told: Told
    reminders: Counter[tuple[str, timedelta]]
    states: dict[str, SessionStatus]
    steps: dict[str, list[str]]


class World:
    """Sessions of every kind, half an hour apart, by the same names in every replay."""

    def __init__(self, app: Flask, size: int = SIZE) -> None:
        app.extensions["desk-clock"] = Clock()
        self.names: dict[UUID, str] = {}
        self.starts: dict[str, datetime] = {}
        for number in range(size):
            name, at = f"{number:02} {STORIES[number % len(STORIES)]}", OPENS + number * HOUR / 2
            self.starts[name] = at
            self.names[_begin(STORIES[number % len(STORIES)], at).id] = name
        drain(kind="meeting.create")

    def outcome(self) -> Outcome:
        sessions = db.session.scalars(
            select(MentoringSession)
            .where(MentoringSession.id.in_(self.names))
            .execution_options(populate_existing=True)
        )
        steps: dict[str, list[str]] = {name: [] for name in self.starts}
        reminders: Counter[tuple[str, timedelta]] = Counter()
        rows = select(SessionAuditLog).where(SessionAuditLog.session_id.in_(self.names))
        for row in db.session.scalars(rows.order_by(SessionAuditLog.number)):
            if row.action == "session_reminded":
                reminders[self.names[row.session_id], timedelta(hours=row.details["hours"])] += 1
            else:
                steps[self.names[row.session_id]].append(row.action)
        return Outcome(self._told(), reminders, {self.names[each.id]: each.status for each in sessions}, steps)

    def _told(self) -> Told:
        found: Told = Counter()
        for template, session_id in db.session.execute(
            select(EmailEvent.template, EmailEvent.session_id).where(
                EmailEvent.session_id.in_(self.names), EmailEvent.template != "session_reminder"
            )
        ):
            found[self.names[session_id], f"mail {template}"] += 1
        for kind, title, session_id in db.session.execute(
            select(Notification.type, Notification.title, Notification.session_id).where(
                Notification.session_id.in_(self.names), Notification.type != NotificationType.SESSION_REMINDER
            )
        ):
            found[self.names[session_id], f"{kind} {title}"] += 1
        return found

    def late_reminders(self) -> list[str]:
        """Reminders, in the product or by mail, that were written outside their few minutes."""
        wrong = []
        for what in (
            select(Notification.session_id, Notification.created_at).where(
                Notification.session_id.in_(self.names), Notification.type == NotificationType.SESSION_REMINDER
            ),
            select(EmailEvent.session_id, EmailEvent.created_at).where(
                EmailEvent.session_id.in_(self.names), EmailEvent.template == "session_reminder"
            ),
        ):
            for session_id, at in db.session.execute(what):
                name = self.names[session_id]
                if not any(timedelta() <= at - (self.starts[name] - before) <= MAY_BE_LATE for before in (DAY, HOUR)):
                    wrong.append(f"{name} at {at}")
        return wrong


def _begin(story: str, at: datetime) -> MentoringSession:
    """One session, brought to where the clock takes over; nobody shares a calendar."""
    mode = BookingMode.REQUEST if story in {"approved, never paid", "never answered"} else BookingMode.INSTANT
    rate = 0 if story == "free" else 5_000
    mentor = a_mentor(weekly_hours=ALWAYS, rate_minor=rate, booking_mode=mode, schedule={"buffer_minutes": 0})
    mentee = a_mentee()
    if story == "approved, never paid":
        return an_approved_request(mentor=mentor, mentee=mentee, at=at)
    kind = MeetingType.AUDIO if story == "audio" else MeetingType.VIDEO
    session = book(mentor=mentor, mentee=mentee, at=at, meeting_type=kind)
    if story not in {"never paid", "never answered", "free"}:
        pay(session)
    if story == "cancelled":
        ctx = context(actor_of(mentee))
        cancel_session(session.id, category=CancellationCategory.SCHEDULE_CONFLICT, reason="", ctx=ctx)
    joined = {"only the mentee joined": [Party.MENTEE], "nobody joined": [], "never paid": [], "never answered": []}
    they_join(session, *joined.get(story, list(Party)))
    return session


def steady(begin: datetime, end: datetime, step: timedelta = STEP) -> list[datetime]:
    return [begin + number * step for number in range((end - begin) // step + 1)]


def one_tick(now: datetime) -> TickReport:
    report = tick(ctx=context(CLOCK, now))
    assert not report.failed
    return report


def replay(app: Flask, instants: Sequence[datetime]) -> tuple[World, Outcome]:
    """A fresh world under a clock that ticks at these instants, and then four times a day until all has lapsed."""
    world = World(app)
    for now in [*instants, *steady(instants[-1] + HOUR, instants[-1] + 4 * DAY, 6 * HOUR)]:
        one_tick(now)
    return world, world.outcome()


_known: list[Outcome] = []


def never_failing(app: Flask) -> Outcome:
    """The measure, made once: what it came to holds no rows."""
    if not _known:
        _known.append(replay(app, NEVER_FAILED)[1])
    return _known[0]


BUSY_UNTIL = OPENS + DAY
NEVER_FAILED = steady(FIRST, BUSY_UNTIL)
_BREAK = OPENS - 4 * HOUR
CLOCKS = {
    "a day of downtime": [now for now in NEVER_FAILED if not _BREAK < now < _BREAK + DAY],
    "an hour forward": [now for now in NEVER_FAILED if not OPENS + 3 * HOUR < now < OPENS + 4 * HOUR],
    "an hour back": [
        *steady(FIRST, OPENS + 3 * HOUR), *steady(OPENS + 2 * HOUR, BUSY_UNTIL),
    ],
    "every tick twice": [now for now in NEVER_FAILED for _ in range(2)],
}  # fmt: skip


@pytest.mark.timeout(600)  # some seconds, and as much longer as others keep the machine busy
@pytest.mark.spec("OPS-4", "EM-5", "SM-3", "INV-3")
@pytest.mark.parametrize("failing", sorted(CLOCKS))
def test_whatever_the_clock_does_the_world_comes_out_as_if_it_had_never_failed(app: Flask, failing: str) -> None:
    expected = never_failing(app)
    world, found = replay(app, CLOCKS[failing])

    assert found.told == expected.told
    assert found.states == expected.states
    assert found.steps == expected.steps
    assert max(found.reminders.values()) == 1, "never twice"
    assert world.late_reminders() == []
    assert dict(found.reminders) == {
        (name, before): 1
        for name, before in expected.reminders
        if any(timedelta() <= now - (world.starts[name] - before) <= MAY_BE_LATE for now in CLOCKS[failing])
    }, "what could be sent in time was, and nothing else"
    assert [str(problem) for check in CHECKS for problem in check.run()] == []


@pytest.mark.spec("OPS-4", "EM-5")
def test_the_world_that_is_replayed_has_something_of_everything(app: Flask) -> None:
    found = never_failing(app)
    assert Counter(found.states.values()) == {
        SessionStatus.COMPLETED: 18,
        SessionStatus.EXPIRED: 3,
        SessionStatus.CANCELLED: 6,
        SessionStatus.REJECTED: 3,
    }
    assert len(found.reminders) == 18 * 2, "a day and an hour before each that took place"
    assert sum(steps.count("no_show_suggested") for steps in found.steps.values()) == 6


@pytest.mark.timeout(600)
@pytest.mark.spec("OPS-4", "SM-4", "EM-5")
def test_two_clocks_at_once_do_everything_once(own_database: Callable[..., Flask]) -> None:
    app = own_database()
    with app.app_context():
        world = World(app, size=len(STORIES))
        starts = list(world.starts.values())
    ends = [start + HOUR for start in starts]
    moments = {*(start - before for start in starts for before in (DAY, HOUR, timedelta())), *ends, BUSY_UNTIL}
    instants = [*sorted(moments | {end + HOUR for end in ends}), BUSY_UNTIL + 3 * DAY]
    both = threading.Barrier(2)
    reports: list[Any] = []

    def keep_time() -> None:
        with app.app_context():
            for now in instants:
                both.wait(timeout=60)
                try:
                    reports.append(tick(ctx=context(CLOCK, now)))
                except Exception as error:  # noqa: BLE001 - what went wrong is what is looked at
                    reports.append(error)
                finally:
                    db.session.remove()

    clocks = [threading.Thread(target=keep_time) for _ in range(2)]
    for clock in clocks:
        clock.start()
    for clock in clocks:
        clock.join(timeout=300)

    assert len(reports) == 2 * len(instants)
    assert [report for report in reports if not isinstance(report, TickReport) or report.failed] == []
    with app.app_context():
        found = world.outcome()
        assert max(found.reminders.values()) == 1
        assert len(found.reminders) == 6 * 2
        for name, steps in found.steps.items():
            assert max(Counter(steps).values()) == 1, f"{name}: {steps}"
        # Both sides at most: nobody reads the same thing twice.
        assert max(found.told.values()) <= 2, found.told
        assert set(found.states.values()) <= {
            SessionStatus.COMPLETED, SessionStatus.EXPIRED, SessionStatus.CANCELLED, SessionStatus.REJECTED,
        }  # fmt: skip
        assert db.session.scalars(select(CalendarEntry.session_id)).all() == []
        assert [str(problem) for check in CHECKS for problem in check.run()] == []
