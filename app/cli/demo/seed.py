"""Making the demonstration: people first, then their year (RUN-1)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.booking.offerings import GivenOffering, create_offering
from app.booking.schedule import GivenSchedule, add_exception, save_schedule
from app.cli.demo import cast
from app.cli.demo.disputes import plan_disputes
from app.cli.demo.year import Mentor, Offer, Year
from app.domain.context import SYSTEM, Actor, Context
from app.domain.money import decimals
from app.domain.vocabulary import BlockType, BookingMode, ExceptionType, MeetingType, Role
from app.domain.weekly import GivenBlock, GivenDay
from app.extensions import db, doorbell
from app.foundation.transaction import transaction
from app.integrations.adapters import Adapters
from app.integrations.payments.sandbox import SandboxGateway
from app.models import User
from app.people.accounts import add_account
from app.people.mentors import apply_as_mentor, verify_mentor
from app.people.passwords import hash_password

SEED = 20_260_214
DAYS = 365
_UNDER_WAY = 8
_UNPAID_NOW = 3
_OF_THE_FIRST = 12
_ASKED_NOW = 3


def seed_demo(
    *,
    now: datetime,
    sessions: int,
    mentors: int,
    mentees: int,
    adapters: Adapters,
    say: Callable[[str], None],
    days: int = DAYS,
) -> bool:
    """Fill an empty database with ``days`` up to now; False, and nothing done, when anybody is in it already."""
    if db.session.scalar(select(func.count()).select_from(User)):
        return False
    gateway = adapters.gateway
    if not isinstance(gateway, SandboxGateway):
        message = "Demonstration data pays in the sandbox; set PAYMENT_GATEWAY=sandbox."
        raise TypeError(message)
    # The worker need not hear of a past that is settled here, and a crash now only means beginning again.
    doorbell.silence()
    _faster(db.session())
    random = Random(SEED)  # noqa: S311 - the same story each time
    began = now - timedelta(days=days + 30)
    secret = hash_password(cast.PASSWORD)
    staff = [
        _person(cast.Person(name, email, zone), role, secret, _at(began)) for name, email, role, zone in cast.STAFF
    ]
    admin = next(person for person in staff if person.role is Role.ADMIN)
    teachers = [
        _mentor(random, person, number, secret, admin, began)
        for number, person in enumerate(cast.people(random, mentors, cast.FIRST_MENTOR, "mentors.example"))
    ]
    learners = [
        _actor(_person(person, Role.MENTEE, secret, _at(began)))
        for person in cast.people(random, mentees, cast.FIRST_MENTEE, "mentees.example")
    ]
    say(f"{len(staff)} staff, {len(teachers)} mentors, {len(learners)} mentees")
    support = [_actor(person) for person in staff if person.role is Role.SUPPORT]
    year = Year(random, teachers, learners, support, adapters, gateway, until=now)
    _plan(year, sessions, now, days)
    plan_disputes(year, admin=_actor(admin))
    year.run(now - timedelta(days=days), say)
    say(", ".join(f"{number} {what}" for what, number in sorted(year.made.items())))
    return True


def _plan(year: Year, sessions: int, now: datetime, days: int) -> None:
    """More bookings the younger the story is, and a few people who are busy this very moment."""
    for _ in range(sessions - _UNDER_WAY - _UNPAID_NOW - _ASKED_NOW - 2 * _OF_THE_FIRST):
        age = timedelta(days=days * (1 - year.random.random() ** 0.7))
        year.plan(now - age - timedelta(minutes=15), year.book)
    # Whoever signs in first, as a mentor or a mentee, shall find something to do.
    for number in range(_OF_THE_FIRST):
        day = now - timedelta(days=2.5 * number + 0.2)
        year.plan(day, partial(year.book, mentor=year.mentors[0]))
        year.plan(day - timedelta(hours=1), partial(year.book, mentee=year.mentees[0]))
    for mentor in year.mentors[1 : _UNDER_WAY + 1]:
        _begin_just_now(year, mentor, now)
    just_now = now - timedelta(minutes=1)
    for mentor in year.mentors[-_UNPAID_NOW:]:
        year.plan(just_now, partial(year.book, mentor=mentor, offer=mentor.offers[0]))
    asked = [(mentor, offer) for mentor in year.mentors for offer in mentor.offers if offer.mode is BookingMode.REQUEST]
    for mentor, offer in asked[:_ASKED_NOW]:
        year.plan(just_now, partial(year.book, mentor=mentor, offer=offer))
    for mentor, offer in asked[:2]:
        year.plan(just_now, partial(year.ask_in_words, mentor=mentor, offer=offer, mentee=year.mentees[0]))


def _begin_just_now(year: Year, mentor: Mentor, now: datetime) -> None:
    """Somebody opens an hour beyond the usual week, and a mentee takes it."""
    start = now.replace(minute=30 * (now.minute // 30), second=0, microsecond=0)
    opened = now - timedelta(hours=41)
    add_exception(
        starts_at=start,
        ends_at=start + timedelta(hours=2),
        kind=ExceptionType.EXTRA,
        reason="An extra hour",
        ctx=_at(opened, mentor.actor),
    )
    year.plan(now - timedelta(hours=40), partial(year.book, start=start, mentor=mentor, offer=mentor.offers[0]))


def _person(person: cast.Person, role: Role, secret: str, ctx: Context) -> User:
    user = User(name=person.name, email=person.email, role=role, timezone=person.timezone, password_hash=secret)
    return add_account(user, ctx=ctx, welcomes=False)


def _mentor(random: Random, person: cast.Person, number: int, secret: str, admin: User, began: datetime) -> Mentor:
    zone = cast.ZONES[number % len(cast.ZONES)]
    currency = cast.CURRENCY_OF.get(zone, "EUR")
    lowest, highest = cast.RATES[currency]
    step = 500 if decimals(currency) else 100
    rate = random.randrange(lowest, highest, step)
    headline, expertise, titles = cast.TRADES[number % len(cast.TRADES)]
    user = _person(cast.Person(person.name, person.email, zone), Role.MENTEE, secret, _at(began))
    apply_as_mentor(
        user.id,
        headline=headline,
        bio=f"{headline}. I have sat on your side of the table and remember what helped. Bring one question.",
        expertise=expertise,
        timezone=zone,
        rate_minor=rate,
        currency=currency,
        ctx=_at(began, _actor(user)),
    )
    verify_mentor(user.id, ctx=_at(began + timedelta(days=1), _actor(admin)))
    actor = Actor.user(user.id, Role.MENTOR, user.name)
    hours = cast.weekly_hours(random)
    _save_week(actor, zone, hours, began)
    offers = tuple(_offer(random, actor, title, index, rate, currency, began) for index, title in enumerate(titles))
    return Mentor(actor, zone, hours, offers, random.uniform(0.4, 2.0))


def _offer(random: Random, actor: Actor, title: str, index: int, rate: int, currency: str, began: datetime) -> Offer:
    duration = 60 if index == 0 else random.choice((30, 45, 90))
    mode = BookingMode.REQUEST if index and random.random() < 0.6 else BookingMode.INSTANT
    types = (MeetingType.VIDEO, MeetingType.AUDIO) if index == 0 else (MeetingType.VIDEO,)
    price = 0 if index and random.random() < 0.12 else rate * duration // 60 // 100 * 100
    offering_id = _create_offer(actor, title, duration, price, currency, mode, types, began)
    return Offer(offering_id, mode, duration, types)


def _create_offer(
    actor: Actor,
    title: str,
    duration: int,
    price: int,
    currency: str,
    mode: BookingMode,
    types: tuple[MeetingType, ...],
    began: datetime,
) -> UUID:
    given = GivenOffering(
        title=title,
        description="Tell me before what you hope to take away.",
        duration=duration,
        rate_minor=price,
        currency=currency,
        booking_mode=mode,
        meeting_types=types,
    )
    return create_offering(given, ctx=_at(began, actor)).id


def _save_week(actor: Actor, zone: str, hours: cast.Hours, began: datetime) -> None:
    days = {
        day: GivenDay(
            is_enabled=day in hours,
            blocks=[GivenBlock(start, end, BlockType(kind)) for start, end, kind in hours.get(day, [])],
        )
        for day in range(7)
    }
    # Applying made an empty schedule, version 1.
    save_schedule(GivenSchedule(timezone=zone, days=days), version=1, ctx=_at(began, actor))


def _at(now: datetime, actor: Actor = SYSTEM) -> Context:
    return Context(actor, now, "demonstration", user_agent="Demonstration data")


def _actor(user: User) -> Actor:
    return Actor.user(user.id, user.role, user.name)


def _faster(session: Session) -> None:
    """Commits need not wait for the disk: what is lost by a crash is made anew."""
    with transaction():
        session.execute(text("SET synchronous_commit = off"))


def write_sign_ins(path: Path) -> None:
    """The accounts to try the product with, for the supervisor to print; written last, as the sign that all is done."""
    accounts = [
        ("Support", "support@demo.example"),
        ("Admin", "admin@demo.example"),
        ("Operations", "ops@demo.example"),
        ("Mentor", cast.FIRST_MENTOR[1]),
        ("Mentee", cast.FIRST_MENTEE[1]),
    ]
    lines = [f"  {role:<11} {email}" for role, email in accounts]
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    draft.write_text(
        "\n".join(["Sign in with the password", f"  {cast.PASSWORD}", "as", *lines]) + "\n", encoding="utf-8"
    )
    draft.replace(path)
