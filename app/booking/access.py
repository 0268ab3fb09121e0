"""The only way to a session on somebody's behalf (INV-8), and the order in which rows are locked.

Lock order: people by id, then the session, then its payments and refunds, then accounts; the audit chain comes last by
itself. Whoever keeps to ``load_for_change`` cannot deadlock with another who does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Select, Uuid, bindparam, func, select
from sqlalchemy.orm import aliased, joinedload

from app.domain.context import Context
from app.domain.errors import Busy, NotFound, SignInRequired
from app.domain.permissions import Permission, may
from app.domain.vocabulary import ActorKind
from app.extensions import db
from app.foundation.prepared import Prepared, columns_of, read_only
from app.models import MentoringSession, User

# The product itself may reach every session; people must be a party or staff who may look.
_PRODUCT = frozenset({ActorKind.CLOCK, ActorKind.PAYMENT, ActorKind.SYSTEM})


@cache
def _people_locked(*, skip: bool = False) -> Prepared:
    named = User.id == func.any(bindparam("ids", type_=ARRAY(Uuid)))
    return Prepared(select(User.id).where(named).order_by(User.id).with_for_update(key_share=True, skip_locked=skip))


def lock_people(*user_ids: UUID) -> None:
    """This function will lock people's rows in id order, so that contention waits and never deadlocks (AV-5)."""
    _people_locked().run(ids=list(set(user_ids)))


def try_lock_people(*user_ids: UUID) -> bool:
    """This function will lock people's rows as ``lock_people`` does, or say that somebody else holds one of them."""
    wanted = set(user_ids)
    got = _people_locked(skip=True).run(ids=list(wanted)).all()
    return len(got) == len(wanted)


def may_know_of(session: MentoringSession, ctx: Context) -> bool:
    """Whether this actor may know that the session exists.

    A mentor who cancelled and waits to be replaced is history and no party any more (RA-2).
    """
    actor = ctx.actor
    if actor.kind in _PRODUCT:
        return True
    if actor.user_id in {session.mentor_id, session.mentee_id}:
        return actor.user_id == session.mentee_id or session.mentor_id not in session.cancelled_mentor_ids
    return may(actor.role, Permission.SESSION_VIEW)


# Put together once: they are asked at nearly every request, and building them takes longer than the answer.
@cache
def _with_people() -> Select[MentoringSession]:
    return (
        select(MentoringSession)
        .where(MentoringSession.id == bindparam("session_id"))
        .options(joinedload(MentoringSession.mentor), joinedload(MentoringSession.mentee))
        .execution_options(populate_existing=True)
    )


@cache
def _with_people_locked() -> Select[MentoringSession]:
    return _with_people().with_for_update(of=MentoringSession)


@cache
def _parties() -> Prepared:
    columns = select(MentoringSession.mentor_id, MentoringSession.mentee_id)
    return Prepared(columns.where(MentoringSession.id == bindparam("session_id")))


def load_session_for(ctx: Context, session_id: UUID) -> MentoringSession:
    """This function will read a session with its two people for whoever may know that it exists.

    :raises SignInRequired: when nobody is signed in
    :raises NotFound: when it does not exist, or may not be known to
    """
    _require_somebody(ctx)
    session = db.session.scalars(_with_people(), {"session_id": session_id}).one_or_none()
    if session is None or not may_know_of(session, ctx):
        raise NotFound
    return session


Beside = Callable[[], Sequence[ColumnElement[Any]]]


def _nothing() -> Sequence[ColumnElement[Any]]:
    return ()


# Nothing that a page shows: secrets, and what only the person's own pages read.
_OWN = frozenset({"password_hash", "totp_secret", "calendar_token_hash", "preferences"})


@cache
def _seen(beside: Beside) -> tuple[Prepared, int, int]:
    mentor, mentee = aliased(User), aliased(User)
    people = [*columns_of(mentor, _OWN), *columns_of(mentee, _OWN)]
    statement = (
        select(*columns_of(MentoringSession), *people, *beside())
        .join(mentor, mentor.id == MentoringSession.mentor_id)
        .join(mentee, mentee.id == MentoringSession.mentee_id)
        .where(MentoringSession.id == bindparam("session_id", type_=Uuid()))
    )
    return Prepared(statement), len(columns_of(MentoringSession)), len(people) // 2


def see_session(ctx: Context, session_id: UUID, beside: Beside = _nothing) -> tuple[MentoringSession, Sequence[Any]]:
    """This function will read a session as ``load_session_for`` does, with its two people, to be looked at (PERF-1).

    It is none of the database session's objects: nothing can be changed through it, nor read that it did not bring.

    :param beside: gives what is asked along with it, a function of a module
    :returns: the session, and the values of ``beside``
    :raises SignInRequired: when nobody is signed in
    :raises NotFound: when it does not exist, or may not be known to
    """
    _require_somebody(ctx)
    statement, own, of_a_person = _seen(beside)
    row = statement.run(session_id=session_id).one_or_none()
    if row is None:
        raise NotFound
    first, second = own + of_a_person, own + 2 * of_a_person
    mentor, mentee = read_only(User, row[own:first], _OWN), read_only(User, row[first:second], _OWN)
    session = read_only(MentoringSession, row[:own], mentor=mentor, mentee=mentee)
    if not may_know_of(session, ctx):
        raise NotFound
    return session, row[second:]


def load_for_change(ctx: Context, session_id: UUID, *, also: Iterable[UUID] = ()) -> MentoringSession:
    """This function will lock the parties (and ``also``), then the session, and read it as it is now.

    :param also: other people whose calendars the change touches, a new mentor for instance
    :raises NotFound: as ``load_session_for``
    :raises Busy: when the parties changed between reading and locking, or a lock did not come in time
    """
    _require_somebody(ctx)
    parties = _parties().run(session_id=session_id).one_or_none()
    if parties is None:
        raise NotFound
    lock_people(*parties, *also)
    session = db.session.scalars(_with_people_locked(), {"session_id": session_id}).one()
    if not may_know_of(session, ctx):
        raise NotFound
    if (session.mentor_id, session.mentee_id) != tuple(parties):
        raise Busy("This session was given to another mentor this very moment. Reload the page.")
    return session


def _require_somebody(ctx: Context) -> None:
    if ctx.actor.kind is ActorKind.ANONYMOUS:
        raise SignInRequired("Sign in to see this.")
