"""A small marketplace under random steps: whatever is done in whichever order, the invariants hold after every step.

Steps that a rule refuses are as good as none, but the refusal must be the one that the decision had announced.
Each example has all its steps: a rule that nothing can be done with yet is not drawn (an ``assume`` in a rule would
throw the whole example away), and what there is to draw from comes along with the answer of the invariants.
"""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest.mock import patch
from uuid import UUID

from flask import Flask
from hypothesis import event, note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import TextClause, text

from app.booking import reschedule_answers as answers
from app.booking.book import create_booking
from app.booking.cancel import cancel_session
from app.booking.complete import complete_session
from app.booking.decisions import decisions_for
from app.booking.join import record_join
from app.booking.no_show import report_no_show
from app.booking.pay import settle_payment, start_checkout
from app.booking.reassign import accept_reassignment, decline_reassignment, reject_reassignment, select_alternative
from app.booking.reschedule import counter_propose, propose
from app.booking.reschedule_decisions import _ANSWERS
from app.booking.review import review_session
from app.booking.review_request import approve_request, reject_request
from app.booking.tick import tick
from app.domain.context import CLOCK, SYSTEM, Actor, Context
from app.domain.errors import DomainError
from app.domain.money import Money
from app.domain.reassignment import OPEN_REASSIGNMENTS
from app.domain.rescheduling import OPEN_PROPOSALS
from app.domain.vocabulary import (
    BookingMode,
    CancellationCategory,
    MeetingType,
    OverrideType,
    Party,
    ReassignmentStatus,
    RefundState,
    RefundType,
    SessionStatus,
)
from app.extensions import db
from app.foundation.audit import verify_chain
from app.foundation.transaction import transaction
from app.integrations.payments.base import ChargeState
from app.integrations.payments.sandbox import SandboxGateway
from app.models import MentoringSession, User
from app.money import checks
from app.support import invariants
from app.support.clear_no_show import clear_no_show
from app.support.dismiss_suggestion import dismiss_suggestion
from app.support.force_cancel import force_cancel
from app.support.force_complete import force_complete
from app.support.manual_refund import manual_refund
from app.support.mark_no_show import mark_no_show
from app.support.move_session import move_session
from app.support.override_policy import grant_override
from app.support.refund_decisions import RefundAct, decide_about_refund
from tests.conftest import rolled_back
from tests.factories.people import a_mentee, a_mentor, a_support_agent, actor_of, an_admin, offering_of
from tests.outbox import drain
from tests.world import START, Clock, context

S = SessionStatus
# A Wednesday, two days ahead, then the same hours a day later: few enough that people collide.
SLOTS: Final = [
    START.replace(hour=hour, minute=0) + timedelta(days=days) for days in (2, 3) for hour in (9, 10, 11, 14)
]
NUMBERS: Final = st.integers(0, 99)
# How long it is to the first session; half of all examples begin in it, where people complete it or miss each other.
BEGINNINGS: Final = [timedelta(hours=48), timedelta(hours=25), timedelta(minutes=5)] + [
    timedelta(minutes=-minutes) for minutes in (1, 20, 61)
]


def when_there_is(what: str) -> Callable[..., Any]:
    """The rule is drawn only while there is something for it."""
    return precondition(lambda machine: bool(machine.seen[what]))


def when_one_is(*states: SessionStatus) -> Callable[..., Any]:
    """The rule is drawn only while something can come of it; one time in five it is then tried with any session."""
    return precondition(lambda machine: not set(states).isdisjoint(machine.status.values()))


# In flight until the worker has run: what the outbox still holds is no fault.
_LATE_BY_NATURE: Final = ("nothing stays held once a session is over",)


def _quoted(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in sorted(values))


# What the rules draw from, in an order that a replay finds again; asked in the same round trip as the invariants.
_THERE_IS: Final = {
    "status": "SELECT id || ' ' || status FROM sessions",
    "payment": "SELECT reference FROM payments WHERE gateway = 'sandbox' ORDER BY created_at, id",
    "proposal": f"""SELECT session_id || ' ' || id FROM reschedule_requests
                    WHERE status IN ({_quoted(OPEN_PROPOSALS)}) ORDER BY created_at, id""",
    "reassignment": f"""SELECT id::text FROM sessions WHERE reassignment_status IN ({_quoted(OPEN_REASSIGNMENTS)})
                        ORDER BY created_at, id""",
    "refund": f"""SELECT status || ' ' || id FROM refunds
                  WHERE status IN ({_quoted((RefundState.AWAITING_APPROVAL, RefundState.FAILED))})
                  ORDER BY created_at, id""",
    "start": f"""SELECT extract(epoch FROM scheduled_at)::bigint::text FROM sessions
                 WHERE status IN ({_quoted((S.SCHEDULED, S.IN_PROGRESS))})""",
}


def _questions() -> tuple[TextClause, dict[str, str]]:
    """Every query as one statement that gives (its name, what), and the words of those of the invariants."""
    asked = [(f"{key}: {says}", sql) for key, says, sql in invariants._QUERIES]
    asked += [
        (
            f"{check.invariant}: {check.says}",
            f"{check.given} SELECT subject::text || ' ' || what::text FROM ({check.sql}) AS problems",
        )
        for check in checks.CHECKS
        if check.says not in _LATE_BY_NATURE
    ]
    named = _THERE_IS | {str(number): sql for number, (_, sql) in enumerate(asked)}
    parts = [f"SELECT '{name}' AS which, q.* FROM ({sql}) AS q(what)" for name, sql in named.items()]
    return text(" UNION ALL ".join(parts)), {str(number): words for number, (words, _) in enumerate(asked)}


QUESTIONS, WORDS = _questions()


@dataclass(frozen=True)
class World:
    """Who takes part, what has been booked, and the gateway's books; the same at the beginning of every example.

    Something to begin with: otherwise half of all steps would only make sessions.
    """

    mentees: list[UUID]
    mentors: list[UUID]
    agent: UUID
    admin: UUID
    actors: dict[UUID, Actor]
    sessions: list[UUID]
    books: dict[str, bytes]


_ID_BYTES = 16


def _ids_from(*, seed: int) -> Any:
    """The same ids each time: they decide who comes first of two that were made at one instant.

    An example is tried again to make it smaller, and once more in the next run when it failed. With other ids it would
    go another way and tell nothing.
    """
    ids, other = Random(seed), os.urandom  # libraries draw from the same place, and not each time as much
    return patch.object(os, "urandom", lambda size: ids.randbytes(size) if size == _ID_BYTES else other(size))


def _use_gateway(app: Flask, folder: str) -> SandboxGateway:
    gateway = SandboxGateway(Path(folder), "http://localhost")
    app.extensions["desk-adapters"] = replace(app.extensions["desk-adapters"], gateway=gateway)
    return gateway


def make_world(app: Flask) -> World:
    """Commit people and bookings to the application's database: three mentees, five mentors, support and an admin."""
    app.extensions["desk-clock"] = Clock()
    around_the_clock = dict.fromkeys(range(7), (("00:00", "24:00"),))
    with app.app_context(), _ids_from(seed=1), tempfile.TemporaryDirectory() as folder:
        mentees = [a_mentee(), a_mentee(timezone="Asia/Kathmandu"), a_mentee()]
        mentors = [
            a_mentor(),
            a_mentor(booking_mode=BookingMode.REQUEST, expertise=("Python",)),
            a_mentor(rate_minor=0),
            a_mentor(timezone="Europe/Berlin", weekly_hours=around_the_clock),
            a_mentor(rate_minor=0, booking_mode=BookingMode.REQUEST),
        ]
        staff = [a_support_agent(), an_admin()]
        gateway = _use_gateway(app, folder)
        booked = [
            _scheduled(mentees[who], mentors[mentor], slot, gateway)
            for who, mentor, slot in ((0, 0, SLOTS[0]), (1, 2, SLOTS[1]), (2, 3, SLOTS[2]), (0, 0, SLOTS[5]))
        ]
        drain()
        return World(
            [each.id for each in mentees],
            [each.id for each in mentors],
            *(each.id for each in staff),
            actors={each.id: actor_of(each) for each in (*mentees, *mentors, *staff)},
            sessions=booked,
            books={
                str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()
            },
        )


def _scheduled(mentee: User, mentor: User, at: datetime, gateway: SandboxGateway) -> UUID:
    """Booked and, where it costs something, paid."""
    ctx = context(actor_of(mentee), START)
    session = _book(mentor.id, offering_of(mentor).id, at, ctx)
    if session.status is S.DRAFT:
        started = start_checkout(session.id, gateway=gateway, return_url="http://localhost/", ctx=ctx)
        gateway.decide(started.reference, ChargeState.SUCCEEDED)
        settle_payment(started.reference, gateway=gateway, ctx=ctx)
    db.session.refresh(session)
    assert session.status is S.SCHEDULED
    return session.id


def _book(mentor: UUID, offering: UUID, at: datetime, ctx: Context) -> MentoringSession:
    return create_booking(
        mentor_id=mentor,
        offering_id=offering,
        scheduled_at=at,
        meeting_type=MeetingType.VIDEO,
        title="How to lead a team",
        ctx=ctx,
    )


class SessionMachine(RuleBasedStateMachine):
    """Time, the workers, and everything that anybody may do with a session."""

    # Set by the test; the database is the application's own.
    app: Flask
    world: World

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.clock = Clock()
        self.sessions = [*self.world.sessions]
        self.seen: defaultdict[str, list[str]] = defaultdict(list)
        self.status: dict[UUID, SessionStatus] = {}
        self._enter()

    def _enter(self) -> None:
        """One database transaction per example, rolled back at its end, and a gateway with books of its own."""
        app = type(self).app
        self.stack.enter_context(_ids_from(seed=2))
        self.stack.enter_context(rolled_back(app))
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        for name, content in self.world.books.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self.gateway = _use_gateway(app, folder)
        app.extensions["desk-clock"] = self.clock

    def teardown(self) -> None:
        try:
            assert verify_chain().is_intact
        finally:
            self.stack.close()

    @initialize(
        ahead=st.sampled_from(BEGINNINGS),
        there=st.sampled_from([(), (Party.MENTOR,), (Party.MENTEE,), tuple(Party)]),
    )
    def begin(self, ahead: timedelta, there: tuple[Party, ...]) -> None:
        """Anywhere on the way to the first session and through it: steps of all kinds seldom come that far."""
        if ahead < timedelta(0):
            self.clock.set(SLOTS[0])
            self.the_clock_ticks()
            first = db.session.get_one(MentoringSession, self.sessions[0])
            for side in there:
                record_join(first.id, ctx=self.party(first, side))
        self.clock.set(SLOTS[0] - ahead)
        self.the_clock_ticks()

    # Helpers of the rules.

    def as_user(self, user_id: UUID) -> Context:
        return context(self.world.actors[user_id], self.clock.now)

    def session(self, number: int, *likely: SessionStatus) -> MentoringSession:
        """One of the sessions; mostly one in a status in which something can come of it."""
        ids = self.sessions
        if likely and number % 5:
            ids = [one for one in ids if self.status[one] in likely] or ids
        return db.session.get_one(MentoringSession, ids[number // 5 % len(ids)], populate_existing=True)

    def take(self, what: str, act: Callable[[], Any], *, announced: bool | None = None) -> Any:
        """Act; a refusal is fine unless the decision had said that it is allowed, and the other way round."""
        result, refusal = None, None
        try:
            result = act()
        except DomainError as refused:
            db.session.rollback()
            refusal = refused
        event(f"{what} {'refused' if refusal else 'done'}")
        note(f"{what}: {refusal or 'done'}")
        if announced is not None:
            assert announced is (refusal is None), f"{what} was announced as {announced}, and then: {refusal}"
        return result

    def party(self, session: MentoringSession, side: Party) -> Context:
        return self.as_user(session.mentor_id if side is Party.MENTOR else session.mentee_id)

    def announced(self, session: MentoringSession, action: str, ctx: Context) -> bool:
        decision = decisions_for(session, ctx).get(action)
        return decision is not None and decision.allowed

    # Booking and paying.

    @rule(who=st.integers(0, 2), mentor=st.integers(0, 4), slot=st.sampled_from(SLOTS))
    def book(self, who: int, mentor: int, slot: datetime) -> None:
        chosen = db.session.get_one(User, self.world.mentors[mentor])
        booked = self.take(
            "book",
            lambda: _book(chosen.id, offering_of(chosen).id, slot, self.as_user(self.world.mentees[who])),
        )
        if booked is not None:
            self.sessions.append(booked.id)

    @when_one_is(S.DRAFT)
    @rule(number=NUMBERS, state=st.sampled_from([ChargeState.SUCCEEDED] * 4 + [ChargeState.FAILED]))
    def pay(self, number: int, state: ChargeState) -> None:
        session = self.session(number, S.DRAFT)
        ctx = self.party(session, Party.MENTEE)
        announced = self.announced(session, "pay", ctx)
        started = self.take(
            "checkout",
            lambda: start_checkout(session.id, gateway=self.gateway, return_url="http://localhost/", ctx=ctx),
            announced=announced,
        )
        if started is not None:
            self.gateway.decide(started.reference, state)
            self.take("settle", lambda: settle_payment(started.reference, gateway=self.gateway, ctx=ctx))

    @when_there_is("payment")
    @rule(number=NUMBERS)
    def pay_on_an_old_page(self, number: int) -> None:
        """Whatever checkout was once opened is paid now, however late (BK-7)."""
        references = self.seen["payment"]
        reference = references[number % len(references)]
        self.gateway.decide(reference, ChargeState.SUCCEEDED)
        self.take(
            "late payment",
            lambda: settle_payment(reference, gateway=self.gateway, ctx=context(SYSTEM, self.clock.now)),
        )

    @when_one_is(S.PENDING_MENTOR_REVIEW)
    @rule(number=NUMBERS, approves=st.booleans())
    def review_request(self, number: int, approves: bool) -> None:
        session = self.session(number, S.PENDING_MENTOR_REVIEW)
        ctx = self.party(session, Party.MENTOR)
        if approves:
            announced = self.announced(session, "approve", ctx)
            self.take("approve", lambda: approve_request(session.id, message="Yes", ctx=ctx), announced=announced)
        else:
            announced = self.announced(session, "reject", ctx)
            self.take("reject", lambda: reject_request(session.id, reason="Away then", ctx=ctx), announced=announced)

    # What the parties do.

    @when_one_is(S.SCHEDULED)
    @rule(number=NUMBERS, side=st.sampled_from(Party))
    def cancel(self, number: int, side: Party) -> None:
        session = self.session(number, S.SCHEDULED)
        ctx = self.party(session, side)
        announced = self.announced(session, "cancel", ctx)
        category = CancellationCategory.SCHEDULE_CONFLICT
        self.take(
            "cancel", lambda: cancel_session(session.id, category=category, reason="", ctx=ctx), announced=announced
        )

    @when_one_is(S.SCHEDULED, S.IN_PROGRESS)
    @rule(number=NUMBERS, side=st.sampled_from(Party))
    def join(self, number: int, side: Party) -> None:
        session = self.session(number, S.SCHEDULED, S.IN_PROGRESS)
        ctx = self.party(session, side)
        self.take("join", lambda: record_join(session.id, ctx=ctx))

    @when_one_is(S.IN_PROGRESS)
    @rule(number=NUMBERS)
    def complete(self, number: int) -> None:
        session = self.session(number, S.IN_PROGRESS)
        ctx = self.party(session, Party.MENTOR)
        announced = self.announced(session, "complete", ctx)
        self.take("complete", lambda: complete_session(session.id, ctx=ctx), announced=announced)

    @when_one_is(S.SCHEDULED, S.IN_PROGRESS)
    @rule(number=NUMBERS, side=st.sampled_from(Party))
    def report_no_show(self, number: int, side: Party) -> None:
        session = self.session(number, S.SCHEDULED, S.IN_PROGRESS)
        ctx = self.party(session, side)
        announced = self.announced(session, "noShow", ctx)
        self.take("report no-show", lambda: report_no_show(session.id, ctx=ctx), announced=announced)

    @when_one_is(S.COMPLETED)
    @rule(number=NUMBERS, side=st.sampled_from(Party), stars=st.integers(1, 5))
    def review(self, number: int, side: Party, stars: int) -> None:
        session = self.session(number, S.COMPLETED)
        ctx = self.party(session, side)
        announced = self.announced(session, "review", ctx)
        self.take("review", lambda: review_session(session.id, rating=stars, comment="", ctx=ctx), announced=announced)

    # Negotiating about another time.

    @when_one_is(S.SCHEDULED)
    @rule(number=NUMBERS, side=st.sampled_from(Party), slot=st.sampled_from(SLOTS))
    def propose(self, number: int, side: Party, slot: datetime) -> None:
        session = self.session(number, S.SCHEDULED)
        ctx = self.party(session, side)
        announced = self.announced(session, "reschedule", ctx)
        done = self.take("propose", lambda: propose(session.id, proposed_time=slot, ctx=ctx))
        assert announced or done is None, "a proposal was announced as refused, and happened"

    @when_there_is("proposal")
    @rule(
        number=NUMBERS, side=st.sampled_from(Party), how=st.sampled_from(sorted(_ANSWERS)), slot=st.sampled_from(SLOTS)
    )
    def answer(self, number: int, side: Party, how: str, slot: datetime) -> None:
        open_ones = self.seen["proposal"]
        session_id, request_id = map(UUID, open_ones[number % len(open_ones)].split())
        session = db.session.get_one(MentoringSession, session_id)
        ctx = self.party(session, side)
        acts: dict[str, Callable[[], Any]] = {
            "acceptReschedule": lambda: answers.accept(session_id, request_id=request_id, ctx=ctx),
            "rejectReschedule": lambda: answers.reject(session_id, request_id=request_id, ctx=ctx),
            "counterReschedule": lambda: counter_propose(
                session_id, request_id=request_id, proposed_time=slot, ctx=ctx
            ),
            "cancelInsteadOfReschedule": lambda: answers.cancel_session_instead(
                session_id, request_id=request_id, ctx=ctx
            ),
            "withdrawReschedule": lambda: answers.withdraw(session_id, ctx=ctx),
        }
        announced = self.announced(session, how, ctx)
        done = self.take(how, acts[how])
        # Whether a slot is free is the calendar's answer, beside the rule's.
        assert announced or done is None, f"{how} was announced as refused, and happened"

    @when_there_is("reassignment")
    @rule(
        number=NUMBERS,
        how=st.sampled_from(
            ["acceptReassignment", "rejectReassignment", "selectAlternativeMentor", "declineReassignment"]
        ),
        slot=st.sampled_from(SLOTS),
    )
    def answer_a_change_of_mentor(self, number: int, how: str, slot: datetime) -> None:
        waiting = self.seen["reassignment"]
        session = db.session.get_one(MentoringSession, UUID(waiting[number % len(waiting)]))
        ctx = self.party(session, Party.MENTOR if how == "declineReassignment" else Party.MENTEE)
        chosen = self.world.mentors[number % len(self.world.mentors)]
        start = None if session.reassignment_status is ReassignmentStatus.PENDING_ACCEPTANCE else slot
        acts: dict[str, Callable[[], Any]] = {
            "acceptReassignment": lambda: accept_reassignment(session.id, ctx=ctx),
            "rejectReassignment": lambda: reject_reassignment(session.id, ctx=ctx),
            "declineReassignment": lambda: decline_reassignment(session.id, ctx=ctx),
            "selectAlternativeMentor": lambda: select_alternative(
                session.id, mentor_id=chosen, scheduled_at=start, ctx=ctx
            ),
        }
        announced = self.announced(session, how, ctx)
        done = self.take(how, acts[how])
        assert announced or done is None, f"{how} was announced as refused, and happened"

    # What staff do.

    @when_one_is(S.SCHEDULED, S.IN_PROGRESS)
    @rule(number=NUMBERS, percentage=st.sampled_from([0, 33, 100]))
    def force_cancel(self, number: int, percentage: int) -> None:
        session = self.session(number, S.SCHEDULED, S.IN_PROGRESS)
        self.take(
            "force cancel",
            lambda: force_cancel(
                session.id,
                reason="Both asked for it",
                refund_percentage=percentage,
                fingerprint=None,
                ctx=self.as_user(self.world.agent),
            ),
        )

    @when_one_is(S.SCHEDULED, S.IN_PROGRESS, S.COMPLETED)
    @rule(number=NUMBERS, absent=st.sampled_from(Party))
    def mark_no_show(self, number: int, absent: Party) -> None:
        session = self.session(number, S.SCHEDULED, S.IN_PROGRESS, S.COMPLETED)
        ctx = self.as_user(self.world.agent)
        self.take("mark no-show", lambda: mark_no_show(session.id, absent=absent, reason="Nobody came", ctx=ctx))

    @when_one_is(S.NO_SHOW)
    @rule(number=NUMBERS, restore=st.sampled_from([S.COMPLETED, S.CANCELLED]), percentage=st.sampled_from([0, 33, 100]))
    def clear_no_show(self, number: int, restore: SessionStatus, percentage: int) -> None:
        session = self.session(number, S.NO_SHOW)
        wish = {"restore": restore, "refund_percentage": percentage, "ctx": self.as_user(self.world.agent)}
        self.take("clear no-show", lambda: clear_no_show(session.id, reason="A mistake", fingerprint=None, **wish))

    @when_one_is(S.SCHEDULED, S.IN_PROGRESS, S.COMPLETED)
    @rule(number=NUMBERS, what=st.sampled_from(["complete", "move", "override", "dismiss", "refund", "bonus"]))
    def support_acts(self, number: int, what: str) -> None:
        session = self.session(number, S.SCHEDULED, S.IN_PROGRESS, S.COMPLETED)
        ctx = self.as_user(self.world.agent)
        reason = "Asked for by e-mail"
        acts: dict[str, Callable[[], Any]] = {
            "complete": lambda: force_complete(session.id, reason=reason, fingerprint=None, ctx=ctx),
            "move": lambda: move_session(
                session.id, starts_at=SLOTS[number % len(SLOTS)], reason=reason, fingerprint=None, ctx=ctx
            ),
            "override": lambda: grant_override(
                session.id,
                override_type=list(OverrideType)[number % 3],
                reason=reason,
                fingerprint=None,
                ctx=ctx,
            ),
            "dismiss": lambda: dismiss_suggestion(session.id, reason=reason, fingerprint=None, ctx=ctx),
            "refund": lambda: self._refund(session, RefundType.PARTIAL, 1 + number * 37, ctx),
            "bonus": lambda: self._refund(session, RefundType.BONUS, 1 + number * 11, ctx),
        }
        self.take(f"support: {what}", acts[what])

    def _refund(self, session: MentoringSession, kind: RefundType, minor: int, ctx: Context) -> Any:
        amount = Money(minor, session.currency)
        return manual_refund(session.id, type=kind, amount=amount, reason="Goodwill", fingerprint=None, ctx=ctx)

    @when_there_is("refund")
    @rule(number=NUMBERS, act=st.sampled_from(RefundAct))
    def the_second_person_decides(self, number: int, act: RefundAct) -> None:
        state = RefundState.AWAITING_APPROVAL if act in {RefundAct.APPROVE, RefundAct.DECLINE} else RefundState.FAILED
        pairs = [row.split() for row in self.seen["refund"]]
        # One that waits for this act; else one of the others, and it is refused.
        refunds = [refund_id for found, refund_id in pairs if found == state] or [refund_id for _, refund_id in pairs]
        refund_id = UUID(refunds[number % len(refunds)])
        ctx = self.as_user(self.world.admin)
        self.take(
            f"refund: {act}",
            lambda: decide_about_refund(refund_id, act, reason="Looked at", gateway=self.gateway, ctx=ctx),
        )

    # Time and the workers.

    @rule(minutes=st.sampled_from([5, 16, 60, 60 * 6]))
    def time_passes(self, minutes: int) -> None:
        self.clock.advance(minutes=minutes)

    @when_there_is("start")
    @rule(
        hours=st.sampled_from([-24, -2, -1, 0, 1, 2]),
        seconds=st.sampled_from([-1, 0, 1, 60 * 15]),
        ticks=st.booleans(),
    )
    def time_comes_to_a_boundary(self, hours: int, seconds: int, ticks: bool) -> None:
        """Close to where a rule changes: hours before the next start, the start itself, the end of an hour."""
        starts = [datetime.fromtimestamp(int(start), UTC) for start in self.seen["start"]]
        instants = [start + timedelta(hours=hours, seconds=seconds) for start in starts]
        self.clock.set(min((instant for instant in instants if instant > self.clock.now), default=self.clock.now))
        if ticks:
            drain()
            self.the_clock_ticks()

    @rule()
    def the_clock_ticks(self) -> None:
        report = tick(ctx=context(CLOCK, self.clock.now))
        assert not report.failed
        for what, count in report.counts.items():
            event(f"clock {what}", count)

    @rule(kill=st.sampled_from([None, None, "claim", "act"]))
    def the_worker_runs(self, kill: Any) -> None:
        drain(kill_after=kill)

    # What is always true.

    @invariant()
    def nothing_is_broken(self) -> None:
        with transaction():
            answers = db.session.execute(QUESTIONS).all()
        assert not (broken := [(WORDS[which], what) for which, what in answers if which in WORDS]), broken
        db.session.expire_all()
        self.seen.clear()
        for which, what in answers:
            self.seen[which].append(what)
        pairs = (row.split() for row in self.seen["status"])
        self.status = {UUID(session_id): SessionStatus(status) for session_id, status in pairs}
