"""What a page announces is what the action then does: every action, state, side and moment (WHY-1, CX-3).

The states are reached by the product's own actions; each action is tried for real and undone, so that the next one
finds the same world.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from app.booking import reschedule_answers as answers
from app.booking.cancel import cancel_session
from app.booking.complete import complete_session
from app.booking.decisions import _ACTIONS, decisions_for
from app.booking.join import record_join
from app.booking.no_show import report_no_show
from app.booking.pay import start_checkout
from app.booking.reassign import accept_reassignment, decline_reassignment, reject_reassignment, select_alternative
from app.booking.reschedule import counter_propose, propose
from app.booking.reschedule_decisions import _ANSWERS, RESCHEDULE
from app.booking.review import review_session
from app.booking.review_request import approve_request, reject_request
from app.domain.cancellation import CancellationDecision
from app.domain.context import Context
from app.domain.errors import Conflict, DomainError, Forbidden, Refused
from app.domain.vocabulary import BookingMode, CancellationCategory, Party, ReassignmentStatus, SessionStatus
from app.extensions import db
from app.models import MentoringSession
from tests.factories import sessions
from tests.factories.people import a_mentee, a_mentor, a_support_agent, actor_of
from tests.factories.proposals import a_counter, a_proposal
from tests.factories.sessions import RETURN_URL, START_AT, fresh, sandbox
from tests.outbox import drain
from tests.world import Clock, context

Maker = Callable[[], MentoringSession]
Perform = Callable[[MentoringSession, Context], Any]

STATES: Final[dict[str, Maker]] = {
    "draft": sessions.a_draft,
    "expired": sessions.an_expired_draft,
    "request": sessions.a_pending_request,
    "request without a time": lambda: sessions.a_pending_request(at=None, preferred_time_note="Any evening"),
    "approved request": sessions.an_approved_request,
    "rejected request": sessions.a_rejected_request,
    "free": sessions.a_scheduled_session,
    "paid": sessions.a_paid_session,
    "running": sessions.a_running_session,
    "running, nobody joined": lambda: sessions.a_running_session(joined=()),
    "running, the mentee joined": lambda: sessions.a_running_session(joined=(Party.MENTEE,)),
    "completed": sessions.a_completed_session,
    "cancelled": sessions.a_cancelled_session,
    "cancelled by the mentor": lambda: sessions.a_cancelled_session(by_mentor=True),
    "proposal of the mentee": lambda: a_proposal(Party.MENTEE),
    "proposal of the mentor": lambda: a_proposal(Party.MENTOR),
    "counter to the mentee": lambda: a_counter(Party.MENTEE),
    "counter to the mentor": lambda: a_counter(Party.MENTOR),
    "another mentor assigned": sessions.a_reassigned_session,
    "no mentor found": sessions.a_session_without_mentor,
    "free request": lambda: sessions.a_pending_request(mentor=a_mentor(rate_minor=0, booking_mode=BookingMode.REQUEST)),
}
_SECOND: Final = timedelta(seconds=1)
# From the start: where a rule of the default policies changes; on demand with a second to either side of each edge:
# DESK_SECONDS=1 pytest tests/invariants/test_decisions_hold.py
_AROUND: Final = (-_SECOND, timedelta(), _SECOND) if "DESK_SECONDS" in os.environ else (timedelta(),)
_EDGES: Final = (timedelta(hours=-24), timedelta(hours=-2), timedelta(), timedelta(minutes=10), timedelta(minutes=60))
BANDS: Final = sorted(
    {timedelta(hours=-30), timedelta(hours=-4), timedelta(hours=2), timedelta(days=15), timedelta(days=31)}
    | {timedelta(seconds=-1), timedelta(minutes=30)}
    | {edge + shift for edge in _EDGES for shift in _AROUND}
)


def pay(session: MentoringSession, ctx: Context) -> None:
    start_checkout(session.id, gateway=sandbox(), return_url=RETURN_URL, ctx=ctx)


def choose_another(session: MentoringSession, ctx: Context) -> None:
    """Somebody who is free at the session's time, and at any time where none is left."""
    mentor = a_mentor(weekly_hours=dict.fromkeys(range(7), (("00:00", "24:00"),)))
    start = None if session.reassignment_status is ReassignmentStatus.PENDING_ACCEPTANCE else a_free_time(ctx.now)
    select_alternative(session.id, mentor_id=mentor.id, scheduled_at=start, ctx=ctx)


PERFORM: Final[dict[str, Perform]] = {
    "pay": pay,
    "cancel": lambda session, ctx: cancel_session(
        session.id, category=CancellationCategory.SCHEDULE_CONFLICT, reason="", ctx=ctx
    ),
    "approve": lambda session, ctx: approve_request(
        session.id, message="", scheduled_at=None if session.scheduled_at else a_free_time(ctx.now), ctx=ctx
    ),
    "reject": lambda session, ctx: reject_request(session.id, reason="Away then", ctx=ctx),
    "join": lambda session, ctx: record_join(session.id, ctx=ctx),
    "complete": lambda session, ctx: complete_session(session.id, ctx=ctx),
    "review": lambda session, ctx: review_session(session.id, rating=4, comment="", ctx=ctx),
    "reschedule": lambda session, ctx: propose(session.id, proposed_time=a_free_time(ctx.now), ctx=ctx),
    "acceptReschedule": lambda session, ctx: answers.accept(session.id, request_id=open_id(session), ctx=ctx),
    "rejectReschedule": lambda session, ctx: answers.reject(session.id, request_id=open_id(session), ctx=ctx),
    "counterReschedule": lambda session, ctx: counter_propose(
        session.id, request_id=open_id(session), proposed_time=a_free_time(ctx.now), ctx=ctx
    ),
    "cancelInsteadOfReschedule": lambda session, ctx: answers.cancel_session_instead(
        session.id, request_id=open_id(session), ctx=ctx
    ),
    "withdrawReschedule": lambda session, ctx: answers.withdraw(session.id, ctx=ctx),
    "acceptReassignment": lambda session, ctx: accept_reassignment(session.id, ctx=ctx),
    "rejectReassignment": lambda session, ctx: reject_reassignment(session.id, ctx=ctx),
    "declineReassignment": lambda session, ctx: decline_reassignment(session.id, ctx=ctx),
    "selectAlternativeMentor": choose_another,
    "noShow": lambda session, ctx: report_no_show(session.id, ctx=ctx),
}


def open_id(session: MentoringSession) -> UUID:
    assert session.pending_reschedule_request_id is not None
    return session.pending_reschedule_request_id


def a_free_time(now: datetime) -> datetime:
    """Ten o'clock on a workday, a few days ahead."""
    day = (now + timedelta(days=3)).replace(hour=10, minute=0, second=0, microsecond=0)
    while day.weekday() > 4:
        day += timedelta(days=1)
    return day


@contextmanager
def undone() -> Iterator[None]:
    """Whatever happens inside has not happened."""
    db.session.remove()
    savepoint = db.engines[None].begin_nested()  # type: ignore[attr-defined]  # the test's open connection
    try:
        yield
    finally:
        db.session.remove()
        savepoint.rollback()


def test_every_action_that_is_decided_is_tried_here() -> None:
    decided = {action for actions in _ACTIONS.values() for action in actions} | {RESCHEDULE, *_ANSWERS}
    assert decided == set(PERFORM)


@pytest.mark.spec("WHY-1", "CX-3", "I-6")
@pytest.mark.slow
@pytest.mark.parametrize("state", sorted(STATES))
def test_a_decision_is_what_the_action_does(state: str, clock: Clock) -> None:
    session = STATES[state]()
    drain(kind="meeting.create")
    sides = {"mentee": session.mentee, "mentor": session.mentor}
    # As it stands before each attempt: read once, since every attempt is undone.
    seen = fresh(session)
    strangers = [a_mentee(), a_mentor()]
    agent = a_support_agent()
    wrong: list[str] = []
    for band in BANDS:
        if START_AT + band < clock.now:
            continue
        for name, user in sides.items():
            ctx = context(actor_of(user), START_AT + band)
            for action, decision in decisions_for(fresh(session), ctx).items():
                told = f"{action} by the {name} at {band}"
                wrong += compare(told, seen, action, decision, ctx)
    for stranger in (*strangers, agent):
        assert decisions_for(fresh(session), context(actor_of(stranger), clock.now)) == {}
    assert not wrong, "\n".join(wrong)


def compare(told: str, session: MentoringSession, action: str, decision: Any, ctx: Context) -> Iterator[str]:
    before = session.refund_amount_minor
    with undone():
        try:
            PERFORM[action](session, ctx)
        except DomainError as refusal:
            if decision.allowed:
                yield f"{told}: announced as allowed, but {type(refusal).__name__}: {refusal}"
            elif not isinstance(refusal, Conflict | Refused | Forbidden):
                yield f"{told}: refused as {type(refusal).__name__}, which is no answer about the state"
        else:
            if not decision.allowed:
                yield f"{told}: announced as refused ({decision.rule}), and happened"
            elif isinstance(decision, CancellationDecision) and decision.refund is not None:
                after = fresh(session)
                if after.status is not SessionStatus.CANCELLED:
                    return  # the mentor gave it up: the money waits until the mentee has answered (RA-1)
                made = after.refund_amount_minor - before
                if made != decision.refund.minor:
                    yield f"{told}: announced {decision.refund.minor} back, gave {made}"
