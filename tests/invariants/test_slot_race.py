"""Many people after one slot at once: one gets it, the others are told so, whoever they are and whatever is under way.

Threads are real, connections are their own, commits are real. The same race is run with the guards taken away, in a
copy of the database, and must then be lost: a race test that cannot lose proves nothing.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from app.booking import access, book, expiry
from app.booking.book import create_booking
from app.booking.cancel import cancel_session
from app.booking.pay import Settled, settle_payment, start_checkout
from app.booking.tick import tick
from app.domain.context import CLOCK, PAYMENT, Actor
from app.domain.errors import Invalid, SlotTaken
from app.domain.vocabulary import CancellationCategory, MeetingType, Party
from app.extensions import db
from app.integrations.payments.base import ChargeState
from app.models import MentoringSession
from tests.factories.people import a_mentee, a_mentor, actor_of, offering_of
from tests.factories.sessions import RETURN_URL, sandbox, they_join
from tests.world import START, Clock, context

pytestmark = [pytest.mark.race, pytest.mark.slow]

THREADS = 16
ROUNDS = 200
ROUND_THE_CLOCK = {weekday: [("00:00", "24:00")] for weekday in range(7)}

DOUBLE_BOOKED = """
    SELECT count(*) FROM sessions a JOIN sessions b
        ON a.id < b.id AND (a.mentor_id = b.mentor_id OR a.mentee_id = b.mentee_id)
    WHERE a.status IN ('draft', 'scheduled') AND b.status IN ('draft', 'scheduled')
        AND a.scheduled_at < b.scheduled_at + b.duration * interval '1 minute'
        AND b.scheduled_at < a.scheduled_at + a.duration * interval '1 minute'
"""


@dataclass(frozen=True)
class Desk:
    """An application with real commits, and its people by id only: rows belong to one thread."""

    app: Flask
    mentors: Sequence[UUID]
    offerings: Sequence[UUID]
    mentees: Sequence[Actor]

    def book(self, mentee: int, at: datetime, *, mentor: int = 0, now: datetime = START) -> UUID:
        return create_booking(
            mentor_id=self.mentors[mentor],
            offering_id=self.offerings[mentor],
            scheduled_at=at,
            meeting_type=MeetingType.VIDEO,
            title="How to lead a team",
            ctx=context(self.mentees[mentee], now),
        ).id

    def scalar(self, sql: str) -> Any:
        with self.app.app_context():
            return db.session.execute(text(sql)).scalar()

    def at_once(self, *acts: Callable[[], Any]) -> list[Any]:
        """Run each act in a thread of its own, all released together, and give what each returned or raised."""
        outcomes: list[Any] = [None] * len(acts)
        barrier = threading.Barrier(len(acts))

        def run(number: int, act: Callable[[], object]) -> None:
            with self.app.app_context():
                barrier.wait(timeout=10)
                try:
                    outcomes[number] = act()
                except Exception as error:  # noqa: BLE001 - what went wrong is what is looked at
                    outcomes[number] = error

        threads = [threading.Thread(target=run, args=each) for each in enumerate(acts)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
        assert not any(thread.is_alive() for thread in threads), "somebody waits for ever"
        return outcomes


@pytest.fixture
def make_desk(own_database: Callable[..., Flask]) -> Callable[..., Desk]:
    def make(*, mentors: int = 1, rate_minor: int = 0) -> Desk:
        app = own_database()
        app.extensions["desk-clock"] = Clock()
        with app.app_context():
            people = [
                a_mentor(rate_minor=rate_minor, weekly_hours=ROUND_THE_CLOCK, schedule={"buffer_minutes": 0})
                for _ in range(mentors)
            ]
            return Desk(
                app,
                [person.id for person in people],
                [offering_of(person).id for person in people],
                [actor_of(a_mentee()) for _ in range(THREADS)],
            )

    return make


def slot(number: int) -> datetime:
    return datetime(2028, 3, 1, tzinfo=UTC) + timedelta(hours=number)


@pytest.mark.timeout(600)  # half a minute of work, and as much longer as others keep the machine busy
@pytest.mark.spec("AV-5", "SM-4", "INV-1", "BK-10")
def test_sixteen_people_after_one_slot_have_one_winner_in_two_hundred_rounds(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    for number in range(ROUNDS):
        # Shifted starts overlap without being equal: what a unique key would let pass.
        starts = [slot(2 * number) + timedelta(minutes=30 * (mentee % 2)) for mentee in range(THREADS)]
        outcomes = desk.at_once(*(partial(desk.book, mentee, start) for mentee, start in enumerate(starts)))
        kinds = Counter(type(outcome).__name__ for outcome in outcomes)
        assert kinds == {"UUID": 1, "SlotTaken": THREADS - 1}, f"round {number}: {kinds}"
        assert all(outcome.details["nearest"] for outcome in outcomes if isinstance(outcome, SlotTaken)), (
            "each is shown where there is time"
        )
    assert desk.scalar("SELECT count(*) FROM sessions") == ROUNDS
    assert desk.scalar(DOUBLE_BOOKED) == 0


@pytest.mark.spec("AV-5")
def test_without_lock_and_constraint_the_same_race_is_lost(
    make_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk()
    with desk.app.app_context():
        db.session.execute(text("ALTER TABLE calendar_entries DROP CONSTRAINT calendar_entries_no_overlap"))
        db.session.commit()
    _without_locks(monkeypatch)

    for number in range(20):
        desk.at_once(*(partial(desk.book, mentee, slot(2 * number)) for mentee in range(THREADS)))
        if desk.scalar(DOUBLE_BOOKED):
            return
    pytest.fail("nobody was booked twice, so this race proves nothing")


@pytest.mark.spec("AV-5")
def test_the_constraint_alone_lets_nobody_be_booked_twice(
    make_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk()
    _without_locks(monkeypatch)
    for number in range(20):
        desk.at_once(*(partial(desk.book, mentee, slot(2 * number)) for mentee in range(THREADS)))
    assert desk.scalar(DOUBLE_BOOKED) == 0


def _without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (access, book, expiry):
        if hasattr(module, "lock_people"):
            monkeypatch.setattr(module, "lock_people", lambda *people: None)


@pytest.mark.spec("AV-5", "INV-1")
def test_a_mentee_who_books_two_mentors_at_once_gets_one_of_them(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(mentors=2)
    for number in range(20):
        outcomes = desk.at_once(
            partial(desk.book, 0, slot(2 * number), mentor=0),
            partial(desk.book, 0, slot(2 * number) + timedelta(minutes=30), mentor=1),
        )
        lost = [outcome for outcome in outcomes if not isinstance(outcome, UUID)]
        assert [type(outcome) for outcome in lost] == [Invalid], outcomes
        assert list(lost[0].fields) == ["scheduledAt"]
    assert desk.scalar(DOUBLE_BOOKED) == 0


def a_paid_but_unsettled_draft(desk: Desk, mentee: int, at: datetime) -> tuple[UUID, str]:
    """A draft whose mentee has just paid on the gateway's page; nobody has told us yet."""
    with desk.app.app_context():
        session_id = desk.book(mentee, at)
        ctx = context(desk.mentees[mentee])
        reference = start_checkout(session_id, gateway=sandbox(), return_url=RETURN_URL, ctx=ctx).reference
        sandbox().decide(reference, ChargeState.SUCCEEDED)
    return session_id, reference


def settle(reference: str, now: datetime = START) -> Settled:
    """News of a payment, from wherever."""
    return settle_payment(reference, gateway=sandbox(), ctx=context(PAYMENT, now))


def facts_after(desk: Desk, session_id: UUID) -> dict[str, Any]:
    with desk.app.app_context():
        row = db.session.execute(
            text(
                """
                SELECT s.status, s.payment_status,
                    (SELECT count(*) FROM calendar_entries c WHERE c.session_id = s.id) AS entries,
                    (SELECT count(*) FROM payments p WHERE p.session_id = s.id AND p.status = 'succeeded') AS captured,
                    (SELECT coalesce(sum(r.amount_minor), 0) FROM refunds r WHERE r.session_id = s.id) AS refunded,
                    (SELECT count(*) FROM session_audit_log l
                        WHERE l.session_id = s.id AND l.new_status IS NOT NULL) AS moves
                FROM sessions s WHERE s.id = :id
                """
            ),
            {"id": session_id},
        ).one()
        return dict(row._mapping)


@pytest.mark.spec("BK-3", "MN-1", "SM-4")
def test_the_return_page_and_two_webhooks_at_once_capture_one_payment(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(rate_minor=5_000)
    for number in range(10):
        session_id, reference = a_paid_but_unsettled_draft(desk, number, slot(2 * number))
        outcomes = desk.at_once(*[partial(settle, reference)] * 3)
        assert Counter(outcome.payment.value for outcome in outcomes) == {"captured": 1, "unchanged": 2}
        assert facts_after(desk, session_id) == {
            "status": "scheduled", "payment_status": "paid", "entries": 2, "captured": 1, "refunded": 0, "moves": 2,
        }  # fmt: skip


@pytest.mark.spec("MN-1", "CX-1", "SM-4")
def test_whoever_withdraws_while_the_payment_arrives_gets_all_of_it_back(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(rate_minor=5_000)
    for number in range(10):
        session_id, reference = a_paid_but_unsettled_draft(desk, number, slot(48 + 2 * number))
        withdraw = partial(cancel_session, session_id, category=CancellationCategory.TECHNICAL, reason="")
        outcomes = desk.at_once(partial(settle, reference), partial(withdraw, ctx=context(desk.mentees[number])))
        assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)], outcomes
        after = facts_after(desk, session_id)
        assert (after["status"], after["entries"]) == ("cancelled", 0)
        assert (after["captured"], after["refunded"]) == (1, 5_000)


@pytest.mark.spec("BK-7", "SM-4")
def test_a_payment_that_arrives_as_the_hold_runs_out_confirms_or_revives(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(rate_minor=5_000)
    then = START + timedelta(minutes=15)
    for number in range(10):
        session_id, reference = a_paid_but_unsettled_draft(desk, number, slot(2 * number))
        settled, report = desk.at_once(partial(settle, reference, then), partial(tick, ctx=context(CLOCK, then)))
        assert (settled.payment.value, report.failed) == ("captured", frozenset())
        after = facts_after(desk, session_id)
        assert (after["status"], after["payment_status"], after["entries"]) == ("scheduled", "paid", 2)
        assert after["refunded"] == 0


@pytest.mark.spec("BK-7", "AV-4", "INV-1")
def test_a_late_payment_and_somebody_elses_booking_never_both_get_the_slot(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(rate_minor=5_000)
    then = START + timedelta(minutes=15)
    for number in range(10):
        session_id, reference = a_paid_but_unsettled_draft(desk, 0, slot(2 * number))
        _, booked = desk.at_once(
            partial(settle, reference, then), partial(desk.book, 1 + number, slot(2 * number), now=then)
        )
        after = facts_after(desk, session_id)
        if isinstance(booked, UUID):
            assert (after["status"], after["entries"], after["refunded"]) == ("expired", 0, 5_000)
        else:
            assert isinstance(booked, SlotTaken), booked
            assert (after["status"], after["entries"], after["refunded"]) == ("scheduled", 2, 0)
    assert desk.scalar(DOUBLE_BOOKED) == 0


@pytest.mark.spec("OPS-4", "SM-4")
def test_two_ticks_at_once_take_every_session_along_once(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    with desk.app.app_context():
        for number in range(12):
            they_join(db.session.get_one(MentoringSession, desk.book(number, slot(2 * number))), *Party)
    later = slot(2 * 12 + 2)

    reports = desk.at_once(*[partial(tick, ctx=context(CLOCK, later))] * 2)

    counts = sum((Counter(report.counts) for report in reports), Counter())
    assert counts == {"started": 12, "completed": 12}, reports
    assert desk.scalar("SELECT count(*) FROM session_audit_log WHERE action = 'session_completed'") == 12
    assert desk.scalar("SELECT count(*) FROM calendar_entries") == 0
