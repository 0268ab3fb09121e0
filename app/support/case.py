"""One case with everything on it (SD-1): at most a dozen statements, however much there is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Select, Uuid, and_, bindparam, func, literal, select, true, union_all

from app.booking.access import see_session
from app.booking.give_up import MENTOR_CANCELLED
from app.booking.session_facts import note_joined, who_joined
from app.domain.context import Context
from app.domain.permissions import Permission, require
from app.domain.reliability import Record, reliability
from app.domain.vocabulary import CancelledBy, Party, SessionStatus
from app.extensions import UtcDateTime, db
from app.foundation.parts import PartRow, part
from app.foundation.policies import newest_version, note_newest
from app.foundation.prepared import Prepared
from app.models import MentoringSession, SessionAuditLog, SessionDispute, Strike, User
from app.money.overview import SessionMoney, sum_up
from app.money.parts import money_parts
from app.support.keyset import page_of_keys, reverse
from app.support.session_filter import SessionFilter
from app.support.session_list import all_conditions, keys_of, sessions_of
from app.support.timeline import Happening, story_parts, timeline_of

S = MentoringSession


@dataclass(frozen=True, slots=True)
class History:
    """A person's past with us, in the role they have in this session.

    :param cancelled: sessions that they themselves called off
    :param strikes: those in force
    """

    sessions: int = 0
    completed: int = 0
    cancelled: int = 0
    no_shows: int = 0
    disputes: int = 0
    strikes: int = 0

    @property
    def reliability(self) -> Decimal:
        """The published score, over everything so far."""
        return reliability(Record(self.completed, self.cancelled, self.no_shows))


@dataclass(frozen=True, slots=True)
class Story:
    """What stands about a session in other tables."""

    money: SessionMoney
    timeline: list[Happening]
    mentor: History
    mentee: History


@dataclass(frozen=True, slots=True)
class Case:
    """What the case page shows.

    :param story: waits for the database, which was asked already; the same each time
    """

    session: MentoringSession
    story: Callable[[], Story]


def read_case(session_id: UUID, *, ctx: Context) -> Case:
    """Gather a case for staff; the story is under way until it is looked at (PERF-1).

    :raises NotFound: there is no such session
    :raises Forbidden: the reader's role may not look
    """
    require(ctx.actor, Permission.SESSION_VIEW)
    session, (newest, joined) = see_session(ctx, session_id, _beside)
    # What the acts of the page would ask by themselves has come along.
    note_newest(newest)
    note_joined(session.id, joined)
    answer = _everything().start(
        session_id=session.id, mentor_id=session.mentor_id, mentee_id=session.mentee_id, now=ctx.now
    )

    def story() -> Story:
        found: Any = answer()
        rows = [PartRow(*row[:-1]) for row in found]
        names = {row.actor_id: row.name for row in found if row.name}
        histories = {row.source: History(*row.facts) for row in rows if row.source in _HISTORIES}
        money = sum_up(rows, session.currency)
        timeline = timeline_of(rows, names, money)
        return Story(money, timeline, histories[Party.MENTOR.value], histories[Party.MENTEE.value])

    return Case(session, cache(story))


_HISTORIES = {Party.MENTOR.value, Party.MENTEE.value}


def _beside() -> list[Any]:
    joined = who_joined(MentoringSession.id).correlate(MentoringSession).scalar_subquery()
    return [newest_version().scalar_subquery(), func.array(joined, type_=ARRAY(Uuid))]


@cache
def _everything() -> Prepared:
    """All that stands in other tables, in one statement."""
    session_id = bindparam("session_id", type_=Uuid())
    mentor, mentee = bindparam("mentor_id", type_=Uuid()), bindparam("mentee_id", type_=Uuid())
    parts = [
        *story_parts(session_id),
        *money_parts(session_id),
        _history(Party.MENTOR, S.mentor_id, mentor, CancelledBy.MENTOR),
        _history(Party.MENTEE, S.mentee_id, mentee, CancelledBy.MENTEE),
    ]
    rows = union_all(*parts).subquery("r")
    return Prepared(select(rows, User.name).outerjoin(User, User.id == rows.c.actor_id))


def _history(party: Party, column: Any, person: Any, cancelled_by: CancelledBy) -> Select[Any]:
    disputes = select(func.count(SessionDispute.id)).join(S, S.id == SessionDispute.session_id).where(column == person)
    # Each time counts, also when somebody else took it over (RA-8).
    given_up = select(func.count()).where(SessionAuditLog.user_id == person, SessionAuditLog.action == MENTOR_CANCELLED)
    in_force = (
        Strike.user_id == person,
        Strike.lifted_at.is_(None),
        Strike.expires_at > bindparam("now", type_=UtcDateTime()),
    )
    strikes = select(func.count()).select_from(Strike).where(*in_force)
    facts: list[Any] = [
        func.count(),
        func.count().filter(S.status == SessionStatus.COMPLETED),
        func.count().filter(
            and_(
                S.status == SessionStatus.CANCELLED,
                S.cancelled_by == cancelled_by,
                # A mentor who gave it up is counted below, and need not be who had it last.
                true() if party is Party.MENTEE else func.cardinality(S.cancelled_mentor_ids) == 0,
            )
        )
        + given_up.scalar_subquery(),
        func.count().filter(and_(S.status == SessionStatus.NO_SHOW, S.no_show_party == party)),
        disputes.scalar_subquery(),
        strikes.scalar_subquery(),
    ]
    return part(party.value, facts).where(column == person)


def history_of(user_id: UUID, party: Party, *, now: datetime) -> History:
    """A person's past with us as mentor or as mentee."""
    (row,) = _history_alone(party).run(person=user_id, now=now)
    return History(*row.facts)


@cache
def _history_alone(party: Party) -> Prepared:
    column, by = (S.mentor_id, CancelledBy.MENTOR) if party is Party.MENTOR else (S.mentee_id, CancelledBy.MENTEE)
    return Prepared(_history(party, column, bindparam("person", type_=Uuid()), by))


def neighbors(session: MentoringSession, chosen: SessionFilter, *, now: datetime) -> tuple[UUID | None, UUID | None]:
    """The cases before and behind this one in the list that one came from, in one statement (SD-2)."""
    keys = keys_of(chosen)
    person = session.mentor if chosen.sort == "mentor" else session.mentee
    here = tuple(_value(key.column, session, person) for key in keys)
    base = sessions_of(chosen).where(*all_conditions(chosen, now))
    last = f"k{len(keys) - 1}"
    sides = [
        page_of_keys(base, walked, limit=1, after=here).subquery(name)
        for name, walked in (("newer", reverse(keys)), ("older", keys))
    ]
    one = select(literal(1).label("one")).subquery("here")
    newer, older = db.session.execute(
        select(sides[0].c[last], sides[1].c[last])
        .select_from(one)
        .join(sides[0], true(), isouter=True)
        .join(sides[1], true(), isouter=True)
    ).one()
    return newer, older


def _value(column: Any, session: MentoringSession, person: User) -> Any:
    owner = person if column.class_ is User else session
    return getattr(owner, column.key)
