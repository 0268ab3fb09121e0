"""Both parties, the clock and others at once over one session's time: one wins, the other is told so (SM-4, INV-6)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.booking import reschedule_answers
from app.booking.access import load_session_for
from app.booking.cancel import cancel_session
from app.booking.reschedule import propose
from app.booking.reschedule_answers import accept, withdraw
from app.booking.tick import tick
from app.domain.context import CLOCK, Actor, Context
from app.domain.errors import Conflict, SlotTaken
from app.domain.vocabulary import CancellationCategory, Role
from app.extensions import db
from tests.invariants.test_slot_race import DOUBLE_BOOKED, Desk, make_desk, slot
from tests.world import START, context

pytestmark = [pytest.mark.race, pytest.mark.slow]
__all__ = ["make_desk"]  # a fixture

ROUNDS = 8
_DISAGREE = """
    SELECT count(*) FROM sessions s
    FULL JOIN (
        SELECT * FROM reschedule_requests WHERE status IN ('pending', 'counter_proposed')
    ) r ON r.session_id = s.id
    WHERE s.pending_reschedule_request_id IS DISTINCT FROM r.id
"""


def mentor_of(desk: Desk) -> Actor:
    return Actor.user(desk.mentors[0], Role.MENTOR, "Mentor")


def proposed(desk: Desk, mentee: int, number: int) -> tuple[UUID, UUID, datetime]:
    """A free session with the mentee's proposal: its id, the request's, the time on the table."""
    start, wanted = slot(10 * number), slot(10 * number + 4)
    with desk.app.app_context():
        session_id = desk.book(mentee, start)
        propose(session_id, proposed_time=wanted, ctx=context(desk.mentees[mentee]))
        request_id: Any = db.session.execute(
            text("SELECT pending_reschedule_request_id FROM sessions WHERE id = :id"), {"id": session_id}
        ).scalar()
    return session_id, request_id, wanted


def after(desk: Desk, session_id: UUID) -> dict[str, Any]:
    with desk.app.app_context():
        row = db.session.execute(
            text(
                "SELECT s.status, s.scheduled_at, s.reschedules_total AS moves, r.status AS request, "
                "(SELECT count(*) FROM session_audit_log l WHERE l.session_id = s.id "
                " AND l.action = 'reschedule_accepted') AS accepted "
                "FROM sessions s JOIN reschedule_requests r ON r.session_id = s.id WHERE s.id = :id"
            ),
            {"id": session_id},
        ).one()
        return dict(row._mapping)


def agrees(desk: Desk) -> None:
    assert desk.scalar(_DISAGREE) == 0
    assert desk.scalar(DOUBLE_BOOKED) == 0


def by_mentor(desk: Desk, now: datetime = START) -> Context:
    return context(mentor_of(desk), now)


@pytest.mark.spec("RS-3", "SM-4", "INV-6")
def test_two_acceptances_at_once_move_the_session_once(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    for number in range(ROUNDS):
        session_id, request_id, wanted = proposed(desk, 0, number)
        outcomes = desk.at_once(*[partial(accept, session_id, request_id=request_id, ctx=by_mentor(desk))] * 3)
        lost = [each for each in outcomes if isinstance(each, Exception)]
        assert [type(each) for each in lost] == [Conflict, Conflict], outcomes
        assert {each.error_code for each in lost} == {"proposal_closed"}
        told = after(desk, session_id)
        assert (told["scheduled_at"], told["moves"], told["accepted"]) == (wanted, 1, 1)
    agrees(desk)


@pytest.mark.spec("SM-4")
def test_without_the_lock_the_same_race_is_lost(
    make_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk()
    monkeypatch.setattr(reschedule_answers, "_load", load_session_for)
    for number in range(20):
        session_id, request_id, _ = proposed(desk, 0, number)
        outcomes = desk.at_once(*[partial(accept, session_id, request_id=request_id, ctx=by_mentor(desk))] * 3)
        if sum(not isinstance(each, Exception) for each in outcomes) > 1:
            return
    pytest.fail("nobody accepted twice, so this race proves nothing")


@pytest.mark.spec("RS-3", "SM-4", "INV-6")
def test_withdrawing_and_accepting_at_once_has_one_winner(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    for number in range(ROUNDS):
        session_id, request_id, wanted = proposed(desk, 0, number)
        taken_back, accepted = desk.at_once(
            partial(withdraw, session_id, ctx=context(desk.mentees[0])),
            partial(accept, session_id, request_id=request_id, ctx=by_mentor(desk)),
        )
        assert [isinstance(each, Conflict) for each in (taken_back, accepted)].count(True) == 1, (taken_back, accepted)
        told = after(desk, session_id)
        expected = (slot(10 * number), "cancelled") if isinstance(accepted, Conflict) else (wanted, "accepted")
        assert (told["scheduled_at"], told["request"]) == expected
    agrees(desk)


@pytest.mark.spec("RS-5", "SM-4", "INV-6")
def test_cancelling_and_accepting_at_once_leaves_nothing_half_done(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    for number in range(ROUNDS):
        session_id, request_id, _ = proposed(desk, 0, number)
        cancelled, accepted = desk.at_once(
            partial(
                cancel_session, session_id, category=CancellationCategory.TECHNICAL, reason="",
                ctx=context(desk.mentees[0]),
            ),
            partial(accept, session_id, request_id=request_id, ctx=by_mentor(desk)),
        )  # fmt: skip
        assert not isinstance(cancelled, Exception), cancelled
        told = after(desk, session_id)
        assert told["status"] == "cancelled"
        if isinstance(accepted, Exception):
            assert isinstance(accepted, Conflict), accepted
            assert told["request"] == "cancelled"
        else:
            assert told["request"] == "accepted", "accepted first, then cancelled"
    assert desk.scalar("SELECT count(*) FROM calendar_entries") == 0
    agrees(desk)


@pytest.mark.spec("RS-1", "AV-5", "INV-1")
def test_the_held_time_goes_to_nobody_else_while_it_is_accepted(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    for number in range(ROUNDS):
        session_id, request_id, wanted = proposed(desk, 0, number)
        accepted, booked = desk.at_once(
            partial(accept, session_id, request_id=request_id, ctx=by_mentor(desk)),
            partial(desk.book, 1, wanted + timedelta(minutes=30)),
        )
        assert not isinstance(accepted, Exception), accepted
        assert isinstance(booked, SlotTaken), booked
    agrees(desk)


@pytest.mark.spec("AV-5", "INV-1", "SM-4")
def test_the_time_that_is_left_is_booked_by_whoever_comes_after_the_move(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    for number in range(ROUNDS):
        session_id, request_id, wanted = proposed(desk, 0, number)
        accepted, booked = desk.at_once(
            partial(accept, session_id, request_id=request_id, ctx=by_mentor(desk)),
            partial(desk.book, 1, slot(10 * number)),
        )
        assert not isinstance(accepted, Exception), accepted
        assert isinstance(booked, UUID | SlotTaken), booked
        assert after(desk, session_id)["scheduled_at"] == wanted
    agrees(desk)


@pytest.mark.spec("RS-1", "SM-4", "INV-6")
def test_two_proposals_at_once_have_one_winner(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    for number in range(ROUNDS):
        with desk.app.app_context():
            session_id = desk.book(0, slot(10 * number))
        outcomes = desk.at_once(
            partial(propose, session_id, proposed_time=slot(10 * number + 3), ctx=context(desk.mentees[0])),
            partial(propose, session_id, proposed_time=slot(10 * number + 5), ctx=by_mentor(desk)),
        )
        lost = [each for each in outcomes if isinstance(each, Exception)]
        assert [getattr(each, "error_code", each) for each in lost] == ["proposal_open"], outcomes
    agrees(desk)


@pytest.mark.spec("RS-5", "AV-4", "SM-4")
def test_the_clock_and_whoever_wants_the_held_time_close_the_proposal_once(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    for number in range(ROUNDS):
        session_id, _, wanted = proposed(desk, 0, number + 8)
    with desk.app.app_context():
        expires: Any = db.session.execute(text("SELECT max(expires_at) FROM reschedule_requests")).scalar()
    report, booked = desk.at_once(
        partial(tick, ctx=context(CLOCK, expires)), partial(desk.book, 1, wanted, now=expires)
    )
    assert isinstance(booked, UUID), booked
    assert report.failed == frozenset()
    assert after(desk, session_id)["request"] == "expired"
    expired = "SELECT count(*) FROM session_audit_log WHERE action = 'reschedule_expired'"
    assert desk.scalar(expired) == ROUNDS
    agrees(desk)
