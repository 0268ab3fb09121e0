"""A year of bookings, made through the actions: when what happens is drawn with a fixed seed, the rest is real."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from itertools import count
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from app.booking.book import create_booking
from app.booking.cancel import cancel_session
from app.booking.join import record_join
from app.booking.pay import settle_payment, start_checkout
from app.booking.review import review_session
from app.booking.review_request import approve_request, reject_request
from app.booking.tick import tick
from app.cli.demo import cast
from app.cli.demo.goodwill import EVERY, make_up_for_it
from app.cli.demo.negotiate import Negotiation
from app.cli.demo.reassigned import plan_answer
from app.cli.demo.settle_outside import settle_outside
from app.cli.demo.talk import plan_talk
from app.domain.context import CLOCK, Actor, Context
from app.domain.errors import DomainError
from app.domain.vocabulary import BookingMode, CancellationCategory, MeetingType, Party, SessionStatus
from app.extensions import db
from app.foundation.transaction import transaction
from app.integrations.adapters import Adapters
from app.integrations.payments.base import ChargeState
from app.integrations.payments.sandbox import SandboxGateway
from app.models import MentoringSession
from app.support.disputes.escalation import escalate_disputes
from app.support.force_cancel import force_cancel, preview_force_cancel
from app.support.mark_no_show import mark_no_show
from app.support.notes import add_note

_TRIES = 8
_GOLDEN = (5**0.5 - 1) / 2
# Every so many that take place, the two write to each other.
_TALKATIVE = 12
_CLOCK_EVERY = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Offer:
    id: UUID
    mode: BookingMode
    duration: int
    types: tuple[MeetingType, ...]


@dataclass(frozen=True, slots=True)
class Mentor:
    actor: Actor
    timezone: str
    hours: cast.Hours
    offers: tuple[Offer, ...]
    popularity: float


@dataclass(slots=True)
class Year:
    """The story so far. Everything that will happen waits in ``_ahead``, in order of time."""

    random: Random
    mentors: list[Mentor]
    mentees: list[Actor]
    support: list[Actor]
    adapters: Adapters
    gateway: SandboxGateway
    until: datetime
    made: Counter[str] = field(default_factory=Counter)
    _ahead: list[tuple[datetime, int, Callable[[datetime], None]]] = field(default_factory=list)
    _order: count[int] = field(default_factory=count)
    _lives: int = 0

    def plan(self, when: datetime, what: Callable[[datetime], None]) -> None:
        """Let ``what`` happen at ``when``; what lies after the end of the story is left to real people."""
        if when <= self.until:
            heapq.heappush(self._ahead, (when, next(self._order), what))

    def run(self, begin: datetime, say: Callable[[str], None]) -> None:
        """Live through everything planned, the clock and the worker doing their part in between."""
        next_clock, month = begin, begin.month
        while self._ahead:
            when, _, what = heapq.heappop(self._ahead)
            while next_clock <= when:
                self._work(next_clock)
                next_clock += _CLOCK_EVERY
            try:
                what(when)
            except DomainError as refusal:
                # As in life: the slot was gone, the session was cancelled meanwhile.
                self.made[f"refused: {refusal.error_code}"] += 1
            if when.month != month:
                month = when.month
                _analyze()
                say(f"{when:%B %Y}")
        self._work(self.until, left_to_the_worker=timedelta(hours=1))

    def _work(self, now: datetime, left_to_the_worker: timedelta = timedelta()) -> None:
        tick(ctx=_context(CLOCK, now))
        escalate_disputes(ctx=_context(CLOCK, now))
        settle_outside(_context(CLOCK, now - left_to_the_worker), self.adapters)

    def book(
        self,
        now: datetime,
        *,
        start: datetime | None = None,
        mentor: Mentor | None = None,
        mentee: Actor | None = None,
        offer: Offer | None = None,
    ) -> None:
        """A mentee finds a mentor and a time; whatever follows from it is drawn and planned."""
        with_whom = mentor or self.random.choices(self.mentors, [one.popularity for one in self.mentors])[0]
        by_whom, what = mentee or self.random.choice(self.mentees), offer or self.random.choice(with_whom.offers)
        session = self._make(by_whom, with_whom, what, now, start)
        if session is None:
            if mentor is None:
                # That mentor has no time left: as in life, one looks at the next.
                self.plan(now + timedelta(minutes=10), partial(self.book, mentee=mentee))
            return
        self.made["sessions"] += 1
        if session.status is SessionStatus.PENDING_MENTOR_REVIEW:
            self._await_review(session, by_whom, with_whom, now)
        elif session.status is SessionStatus.DRAFT:
            self._await_payment(session, by_whom, with_whom, now)
        else:
            self._live(session, by_whom, with_whom, now)

    def ask_in_words(self, now: datetime, *, mentor: Mentor, offer: Offer, mentee: Actor) -> None:
        """A mentee says when it would suit, and leaves the offering to a mentor who has more than one."""
        create_booking(
            mentor_id=_id(mentor.actor),
            offering_id=None if len(mentor.offers) > 1 else offer.id,
            scheduled_at=None,
            preferred_time_note="Weekday evenings, or Friday before noon. Not next week.",
            meeting_type=offer.types[0],
            title=self.random.choice(cast.TOPICS),
            description=self.random.choice(cast.DETAILS),
            message="I am not sure what fits. What would you propose?",
            ctx=_context(mentee, now),
        )
        self.made["requests in words"] += 1

    def _make(
        self, mentee: Actor, mentor: Mentor, offer: Offer, now: datetime, start: datetime | None
    ) -> MentoringSession | None:
        for _ in range(1 if start else _TRIES):
            wanted = start or self._some_start(mentor, offer, now)
            if wanted is None:
                continue
            try:
                return create_booking(
                    mentor_id=_id(mentor.actor),
                    offering_id=offer.id,
                    scheduled_at=wanted,
                    meeting_type=self.random.choice(offer.types),
                    title=self.random.choice(cast.TOPICS),
                    description=self.random.choice(cast.DETAILS),
                    message="I would be glad if you had time for this." if offer.mode is BookingMode.REQUEST else None,
                    ctx=_context(mentee, now),
                )
            except DomainError:
                continue
        return None

    def _some_start(self, mentor: Mentor, offer: Offer, now: datetime) -> datetime | None:
        zone = ZoneInfo(mentor.timezone)
        ahead = min(1 + int(self.random.expovariate(1 / 6)), 40)
        day: date = now.astimezone(zone).date() + timedelta(days=ahead)
        blocks = [block for block in mentor.hours.get(day.weekday(), []) if block[2] == "AVAILABLE"]
        if not blocks:
            return None
        opens, closes, _ = self.random.choice(blocks)
        first, last = _minutes(opens), _minutes(closes)
        last += 1440 if last <= first else 0
        steps = (last - first - offer.duration) // 30
        if steps < 0:
            return None
        minute = first + 30 * self.random.randint(0, steps)
        local = datetime.combine(day, datetime.min.time(), zone) + timedelta(minutes=minute)
        return local.astimezone(now.tzinfo)

    def _await_payment(self, session: MentoringSession, mentee: Actor, mentor: Mentor, now: datetime) -> None:
        fate = self.random.random()
        if fate < 0.06:
            return  # walks away; the hold runs out
        state = ChargeState.FAILED if fate < 0.08 else ChargeState.SUCCEEDED
        self.plan(
            now + timedelta(minutes=self.random.uniform(1, 9)),
            lambda at: self._pay(session.id, mentee, mentor, state, at),
        )

    def _pay(self, session_id: UUID, mentee: Actor, mentor: Mentor, state: ChargeState, now: datetime) -> None:
        ctx = _context(mentee, now)
        checkout = start_checkout(session_id, gateway=self.gateway, return_url="/payments/return", ctx=ctx)
        self.gateway.decide(checkout.reference, state)
        settled = settle_payment(checkout.reference, gateway=self.gateway, ctx=ctx)
        self.made[f"payments {state.value}"] += 1
        if settled.status is SessionStatus.SCHEDULED:
            self._live(_read(session_id), mentee, mentor, now)

    def _await_review(self, session: MentoringSession, mentee: Actor, mentor: Mentor, now: datetime) -> None:
        fate, when = self.random.random(), now + timedelta(hours=self.random.uniform(1, 30))
        if fate < 0.12:
            return  # never answered; the clock rejects it
        if fate < 0.26:
            why = "This is outside what I know well; Lina or Omar would be better company for it."
            self.plan(when, lambda at: _ignore(reject_request(session.id, reason=why, ctx=_context(mentor.actor, at))))
            return
        self.plan(when, lambda at: self._approve(session.id, mentee, mentor, at))

    def _approve(self, session_id: UUID, mentee: Actor, mentor: Mentor, now: datetime) -> None:
        words = "Gladly. Send me two lines on what you tried so far."
        session = approve_request(session_id, message=words, ctx=_context(mentor.actor, now))
        if self.random.random() < 0.85 and session.rate_minor:
            later = now + timedelta(minutes=self.random.uniform(5, 300))
            self.plan(later, lambda at: self._pay(session_id, mentee, mentor, ChargeState.SUCCEEDED, at))

    def _live(self, session: MentoringSession, mentee: Actor, mentor: Mentor, now: datetime) -> None:
        """What becomes of a confirmed session."""
        start = session.scheduled_at
        if start is None:
            return
        # Evenly spread over all that can become of a session, so that a small story, too, has some of each.
        self._lives += 1
        session_id, fate = session.id, self._lives * _GOLDEN % 1
        before = now + (start - now) * self.random.random() ** 0.5
        if fate < 0.10:
            self.plan(before, lambda at: self._cancel(session_id, mentee, cast.REASONS, at))
        elif fate < 0.15:
            self.plan(before, lambda at: self._give_up(session_id, mentee, mentor, at))
        elif fate < 0.18:
            self.plan(before, lambda at: self._force_cancel(session_id, at))
        elif fate < 0.22:
            absent = Party.MENTOR if fate < 0.20 else Party.MENTEE
            came = mentee if absent is Party.MENTOR else mentor.actor
            self.plan(start + timedelta(minutes=self.random.uniform(-6, 4)), partial(_join, session_id, came))
            self.plan(
                start + timedelta(hours=self.random.uniform(9, 30)), lambda at: self._miss(session_id, absent, at)
            )
        elif fate < 0.28:
            by = Party.MENTOR if fate < 0.25 else Party.MENTEE
            talk = Negotiation(
                session_id, {Party.MENTEE: mentee, Party.MENTOR: mentor.actor}, by, self.random, self.plan, _context,
                lambda agreed: self._meet(session, mentee, mentor, agreed),
            )  # fmt: skip
            # What would be asked after the end of the story is asked in its last hours, and waits for an answer.
            latest = max(now, self.until - timedelta(hours=self.random.uniform(1, 5)))
            self.plan(min(before, latest) + timedelta(minutes=1), talk.ask)
        else:
            self._meet(session, mentee, mentor, start)

    def _meet(self, session: MentoringSession, mentee: Actor, mentor: Mentor, start: datetime) -> None:
        session_id, ends = session.id, start + timedelta(minutes=session.duration)
        for actor in (mentee, mentor.actor):
            when = start + timedelta(minutes=self.random.uniform(-6, 4))
            self.plan(when, partial(_join, session_id, actor))
        if self.random.random() < 0.55:
            later = ends + timedelta(hours=self.random.uniform(9, 90))
            self.plan(later, lambda at: self._review(session_id, mentee, at))
        if self._lives % _TALKATIVE == 0:
            plan_talk(session_id, mentee, mentor.actor, start=start, ends=ends, plan=self.plan, as_=_context)
        if self.random.random() < 0.04:
            self.plan(ends + timedelta(hours=self.random.uniform(1, 40)), lambda at: self._note(session_id, at))

        if self._lives % EVERY == 0:
            as_credit = self._lives % (2 * EVERY) == 0
            self.plan(ends + timedelta(hours=20), lambda at: self._make_up(session_id, at, as_credit=as_credit))

    def _make_up(self, session_id: UUID, now: datetime, *, as_credit: bool) -> None:
        agent = self.support[self._lives % len(self.support)]
        if make_up_for_it(session_id, as_credit=as_credit, ctx=_context(agent, now)):
            self.made["made up for"] += 1

    def _cancel(self, session_id: UUID, who: Actor, reasons: tuple[tuple[str, str], ...], now: datetime) -> None:
        category, words = self.random.choice(reasons)
        cancel_session(session_id, category=CancellationCategory(category), reason=words, ctx=_context(who, now))
        self.made[f"cancelled by {who.kind.value}"] += 1

    def _give_up(self, session_id: UUID, mentee: Actor, mentor: Mentor, now: datetime) -> None:
        self._cancel(session_id, mentor.actor, cast.MENTOR_REASONS, now)
        plan_answer(
            session_id, mentee, random=self.random, now=now, plan=self.plan, as_=_context,
            goes_on=lambda changed, at: self._go_on(changed, mentee, at),
        )  # fmt: skip

    def _go_on(self, session_id: UUID, mentee: Actor, now: datetime) -> None:
        """With another mentor, at the same time or another."""
        session = _read(session_id)
        mentor = next((one for one in self.mentors if one.actor.user_id == session.mentor_id), None)
        if mentor is not None and session.scheduled_at is not None:
            self.made["reassigned"] += 1
            self._meet(session, mentee, mentor, session.scheduled_at)

    def _force_cancel(self, session_id: UUID, now: datetime) -> None:
        ctx = _context(self.random.choice(self.support), now)
        percentage = self.random.choice((100, 100, 100, 50))
        plan = preview_force_cancel(session_id, refund_percentage=percentage, ctx=ctx)
        force_cancel(
            session_id,
            reason=self.random.choice(cast.SUPPORT_REASONS),
            refund_percentage=percentage,
            fingerprint=plan.fingerprint,
            ctx=ctx,
        )
        self.made["cancelled by support"] += 1

    def _miss(self, session_id: UUID, absent: Party, now: datetime) -> None:
        ctx = _context(self.random.choice(self.support), now)
        mark_no_show(session_id, absent=absent, reason="Reported by the other side; the call log agrees.", ctx=ctx)
        self.made[f"missed by {absent.value}"] += 1

    def _review(self, session_id: UUID, mentee: Actor, now: datetime) -> None:
        rating, words = self.random.choice(cast.PRAISE)
        review_session(session_id, rating=rating, comment=words, ctx=_context(mentee, now))
        self.made["reviews"] += 1

    def _note(self, session_id: UUID, now: datetime) -> None:
        words = "The mentee wrote to say thank you; nothing to do."
        add_note(session_id, note=words, ctx=_context(self.random.choice(self.support), now))


def _context(actor: Actor, now: datetime) -> Context:
    return Context(actor, now, "demonstration", ip_address="127.0.0.1", user_agent="Demonstration data")


def _analyze() -> None:
    """Statements that were planned when the tables were empty are planned anew; nobody does it for us this quickly."""
    with transaction() as session:
        session.execute(text("ANALYZE"))


def _id(actor: Actor) -> UUID:
    if actor.user_id is None:
        message = "a person of the cast has an id"
        raise ValueError(message)
    return actor.user_id


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)


def _read(session_id: UUID) -> MentoringSession:
    return db.session.get_one(MentoringSession, session_id)


def _join(session_id: UUID, actor: Actor, now: datetime) -> None:
    record_join(session_id, ctx=_context(actor, now))


def _ignore(result: object) -> None:
    """An action's outcome that the story does not need."""
