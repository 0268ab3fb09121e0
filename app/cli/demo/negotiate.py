"""Two people who look for another time: one asks, the other accepts, declines, suggests a third, or is silent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from random import Random
from uuid import UUID

from app.booking.reschedule import counter_propose, load_move_facts, propose
from app.booking.reschedule_answers import accept, reject
from app.domain.context import Actor, Context
from app.domain.times import parse_instant
from app.domain.vocabulary import Party, SessionStatus
from app.extensions import db
from app.models import MentoringSession

_REASONS = (
    "My train comes two hours later than planned.",
    "We moved our release to this day.",
    "A doctor's appointment, sorry.",
    "I would like to prepare better.",
)


@dataclass(frozen=True, slots=True)
class Negotiation:
    """One attempt to move a session.

    :param plan: lets something happen later
    :param then: called with the start that holds in the end
    """

    session_id: UUID
    sides: dict[Party, Actor]
    by: Party
    random: Random
    plan: Callable[[datetime, Callable[[datetime], None]], None]
    as_: Callable[[Actor, datetime], Context]
    then: Callable[[datetime], None]

    def ask(self, now: datetime) -> None:
        """Ask for a time a day or so later; the answer is planned, and may lie beyond the story's end."""
        session = self._session()
        if session.status is not SessionStatus.SCHEDULED or session.scheduled_at is None:
            return
        wanted = self._free(session, self.by, session.scheduled_at + timedelta(days=1), now)
        if wanted is None:
            self.then(session.scheduled_at)
            return
        ctx = self.as_(self.sides[self.by], now)
        propose(session.id, proposed_time=wanted, reason=self.random.choice(_REASONS), ctx=ctx)
        left = min(session.scheduled_at, wanted) - now
        self.plan(now + left * self.random.uniform(0.1, 0.6), partial(self._answer, self._other(self.by)))

    def _answer(self, by: Party, now: datetime) -> None:
        session = self._session()
        start, request_id = session.scheduled_at, session.pending_reschedule_request_id
        if start is None:
            return
        if request_id is None:
            self.then(start)
            return
        ctx, fate = self.as_(self.sides[by], now), self.random.random()
        wanted = session.pending_reschedule_time
        another = self._free(session, by, start + timedelta(days=2), now) if fate < 0.25 else None
        if another is not None and session.pending_reschedule_by is self.by:
            counter_propose(session.id, request_id=request_id, proposed_time=another, ctx=ctx)
            self.plan(now + (min(start, another) - now) * 0.4, partial(self._answer, self.by))
        elif fate > 0.85 and by is Party.MENTOR:
            reject(session.id, request_id=request_id, ctx=ctx)
            self.then(start)
        elif wanted is not None:
            accept(session.id, request_id=request_id, ctx=ctx)
            self.then(wanted)

    def _session(self) -> MentoringSession:
        return db.session.get_one(MentoringSession, self.session_id, populate_existing=True)

    def _free(self, session: MentoringSession, by: Party, around: datetime, now: datetime) -> datetime | None:
        facts = load_move_facts(session, around=around, by=by, now=now)
        taken = {session.scheduled_at, session.pending_reschedule_time}
        nearest = facts.nearest(around, duration_minutes=session.duration, now=now)
        found = (parse_instant(each, field="start") for each in nearest)
        return next((each for each in found if each not in taken), None)

    @staticmethod
    def _other(party: Party) -> Party:
        return Party.MENTOR if party is Party.MENTEE else Party.MENTEE
