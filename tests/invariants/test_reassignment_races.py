"""Mentors cancel, mentees answer and the clock ticks at once: one answer each, and nobody in two places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.booking.book import create_booking
from app.booking.cancel import cancel_session
from app.booking.reassign import accept_reassignment, decline_reassignment, reject_reassignment, select_alternative
from app.booking.tick import tick
from app.domain.context import CLOCK, Actor
from app.domain.errors import DomainError
from app.domain.vocabulary import CancellationCategory, MeetingType, ReassignmentStatus, SessionStatus
from app.extensions import db
from app.models import AdminAuditTrail, CalendarEntry, MentoringSession, Refund, User
from app.money.checks import CHECKS
from app.support.reassign_session import preview_reassign, reassign_session
from tests.factories.people import a_mentee, a_mentor, a_support_agent, actor_of, offering_of
from tests.factories.sessions import START_AT, a_paid_session, a_reassigned_session, a_session_without_mentor
from tests.invariants.test_dispute_races import at_once
from tests.world import START, Clock, context

pytestmark = [pytest.mark.race, pytest.mark.slow]

PENDING, AWAITING = ReassignmentStatus.PENDING_ACCEPTANCE, ReassignmentStatus.AWAITING_MENTEE_CHOICE


@pytest.fixture
def desk(own_database: Callable[..., Flask]) -> Flask:
    app = own_database()
    app.extensions["desk-clock"] = Clock()
    return app


def give_up(session_id: UUID, mentor: Actor) -> object:
    """As a person would: whoever is told that somebody else is at it tries again."""
    for attempt in range(5):
        try:
            return cancel_session(
                session_id, category=CancellationCategory.ILLNESS, reason="", ctx=context(mentor, START)
            )
        except DomainError as refusal:
            if refusal.error_code != "busy" or attempt == 4:
                raise
    return None


def now_is(session_id: UUID) -> MentoringSession:
    return db.session.scalars(
        select(MentoringSession).where(MentoringSession.id == session_id).execution_options(populate_existing=True)
    ).one()


def problems() -> list[str]:
    return [str(problem) for check in CHECKS for problem in check.run()]


@pytest.mark.spec("RA-1", "AV-5", "INV-1")
@pytest.mark.parametrize("free", [0, 1, 2, 3])
def test_mentors_who_cancel_at_the_same_time_never_give_one_mentor_two_sessions(desk: Flask, free: int) -> None:
    with desk.app_context():
        # Later than the others' hours: none of the three can follow another.
        late = dict.fromkeys(range(5), (("09:00", "11:00"),))
        made = [a_paid_session(mentor=a_mentor(weekly_hours=late)) for _ in range(3)]
        acts = [partial(give_up, session.id, actor_of(session.mentor)) for session in made]
        ids = [session.id for session in made]
        able = {a_mentor().id for _ in range(free)}
    assert at_once(desk, *acts) == Counter(done=3)
    with desk.app_context():
        found = [now_is(session_id) for session_id in ids]
        assert {each.reassignment_status for each in found} <= {PENDING, AWAITING}
        # Those who cancelled are free again and may follow one another, so at least as many as were free are found.
        taken = [each.mentor_id for each in found if each.reassignment_status is PENDING]
        assert len(taken) == len(set(taken)) >= min(free, 3)
        assert able <= set(taken) or free == 3
        held = db.session.scalar(
            select(func.count()).select_from(CalendarEntry).where(CalendarEntry.user_id.in_(taken))
        )
        assert held == len(taken)


@pytest.mark.spec("RA-4", "RA-5", "RA-7", "RA-8", "SM-4", "INV-3")
@pytest.mark.parametrize("round_", range(4))
def test_of_all_that_may_happen_to_a_reassignment_at_once_one_thing_does(desk: Flask, round_: int) -> None:
    with desk.app_context():
        session = a_reassigned_session()
        session_id, deadline = session.id, session.reassignment_deadline
        assert deadline is not None
        just_before = deadline - timedelta(seconds=1)
        mentee, mentor = (context(actor_of(each), just_before) for each in (session.mentee, session.mentor))
    acts: list[Callable[[], Any]] = [
        lambda: accept_reassignment(session_id, ctx=mentee),
        lambda: reject_reassignment(session_id, ctx=mentee),
        lambda: decline_reassignment(session_id, ctx=mentor),
        lambda: tick(ctx=context(CLOCK, deadline)),
    ]
    at_once(desk, *acts[round_:], *acts[:round_])
    with desk.app_context():
        session = now_is(session_id)
        refunds = db.session.scalar(select(func.count()).select_from(Refund).where(Refund.session_id == session_id))
        if session.status is SessionStatus.CANCELLED:
            assert (session.reassignment_status, refunds) == (ReassignmentStatus.REJECTED, 1)
        else:
            assert session.status is SessionStatus.SCHEDULED
            assert refunds == 0
        assert problems() == []


@pytest.mark.spec("RA-6", "AV-5", "INV-1")
def test_two_mentees_who_choose_one_mentor_at_the_same_time_do_not_share_the_hour(desk: Flask) -> None:
    with desk.app_context():
        made = [a_session_without_mentor(mentor=a_mentor()) for _ in range(2)]
        wanted = a_mentor().id
        acts = [
            partial(
                select_alternative,
                session.id,
                mentor_id=wanted,
                scheduled_at=START_AT + timedelta(hours=2),
                ctx=context(actor_of(session.mentee), START),
            )
            for session in made
        ]
    result = at_once(desk, *acts)
    assert result == Counter(done=1, slot_taken=1)
    with desk.app_context():
        assert problems() == []


@pytest.mark.spec("ACT-4", "AV-5", "INV-1")
@pytest.mark.parametrize("round_", range(3))
def test_support_and_a_mentee_who_want_one_mentor_at_the_same_time_do_not_share_the_hour(
    desk: Flask, round_: int
) -> None:
    with desk.app_context():
        session = a_paid_session()
        wanted, mentee, support = a_mentor(), a_mentee(), actor_of(a_support_agent())
        session_id, former, wish = session.id, session.mentor_id, _wish(wanted)
        mark = preview_reassign(session_id, to=wanted.id, ctx=context(support, START)).fingerprint
        to, booker = wanted.id, context(actor_of(mentee), START)
    give = partial(
        reassign_session, session_id, to=to, reason="The mentor is ill", fingerprint=mark, ctx=context(support, START)
    )
    acts: list[Callable[[], object]] = [give, lambda: create_booking(ctx=booker, **wish)]
    result = at_once(desk, *acts[round_ % 2 :], *acts[: round_ % 2])
    assert result == Counter(done=1, slot_taken=1)
    with desk.app_context():
        session = now_is(session_id)
        trail = db.session.scalar(select(func.count()).where(AdminAuditTrail.session_id == session_id))
        assert (session.mentor_id, trail) in {(to, 1), (former, 0)}
        assert session.was_reassigned is (trail == 1)
        assert problems() == []


def _wish(mentor: User) -> dict[str, Any]:
    return {
        "mentor_id": mentor.id, "offering_id": offering_of(mentor).id, "scheduled_at": START_AT,
        "meeting_type": MeetingType.VIDEO, "title": "How to lead a team",
        "description": "I lead five people and would like to talk about it.",
    }  # fmt: skip
