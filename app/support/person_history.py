"""One person's past with us: sessions, what went wrong, and what staff did about it (SD-1, DSP-4, ADM-1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, Text, cast, func, or_, select, union_all

from app.booking.give_up import MENTOR_CANCELLED
from app.domain.context import Context
from app.domain.permissions import Permission, may, require
from app.domain.vocabulary import DisputeResolution, Party, Role, SessionStatus
from app.extensions import db
from app.models import AdminAuditTrail, MentoringSession, SessionAuditLog, SessionDispute, User
from app.people.accounts import load_user
from app.support.case import History, history_of

LISTED: Final = 10
_CANCELLED: Final = ("session_cancelled", MENTOR_CANCELLED)
_ABOUT_PEOPLE: Final = (DisputeResolution.WARNING_SENT, DisputeResolution.ACCOUNT_SUSPENDED)
S, D, A = MentoringSession, SessionDispute, AdminAuditTrail


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonHistory:
    """What the page of one person shows; every list is the latest first and at most ``LISTED`` long.

    :param record: in the role that the person has now; the lists hold what was in another one, too
    :param disputes: None for a reader who may not see them
    :param acts: what staff did about this person; None for a reader who may not see the trail
    """

    user: User
    record: History
    sessions: Sequence[Row[Any]]
    cancellations: Sequence[Row[Any]]
    no_shows: Sequence[Row[Any]]
    disputes: Sequence[Row[Any]] | None
    acts: Sequence[Row[Any]] | None


def read_person(user_id: UUID, *, ctx: Context) -> PersonHistory:
    """Gather one person's past in seven statements.

    :raises Forbidden: the role may not look at people
    :raises NotFound: there is no such user
    """
    require(ctx.actor, Permission.USER_VIEW)
    user = load_user(user_id)
    record = history_of(user_id, Party.MENTOR if user.role is Role.MENTOR else Party.MENTEE, now=ctx.now)
    return PersonHistory(
        user=user,
        record=record,
        sessions=_rows(_sessions(user_id)),
        cancellations=_rows(_cancellations(user_id)),
        no_shows=_rows(_sessions(user_id).where(S.status == SessionStatus.NO_SHOW, _was_absent(user_id))),
        disputes=_rows(_disputes(user_id)) if may(ctx.actor.role, Permission.DISPUTE_VIEW) else None,
        acts=_rows(_acts(user_id)) if may(ctx.actor.role, Permission.AUDIT_VIEW) else None,
    )


def _rows(chosen: Select[Any]) -> Sequence[Row[Any]]:
    return db.session.execute(chosen.limit(LISTED)).all()


def _is_party(user_id: UUID) -> ColumnElement[bool]:
    return or_(S.mentor_id == user_id, S.mentee_id == user_id)


def _was_absent(user_id: UUID) -> ColumnElement[bool]:
    return or_(
        (S.mentor_id == user_id) & (S.no_show_party == Party.MENTOR),
        (S.mentee_id == user_id) & (S.no_show_party == Party.MENTEE),
    )


def _sessions(user_id: UUID) -> Select[Any]:
    columns: Any = (S.id, S.title, S.status, S.scheduled_at, S.created_at)
    return select(*columns).where(_is_party(user_id)).order_by(S.scheduled_at.desc().nulls_last(), S.id.desc())


def _cancellations(user_id: UUID) -> Select[Any]:
    """By this person; a mentor's count also when another one took the session over (RA-8)."""
    log = SessionAuditLog
    columns: Any = (S.id, S.title, log.created_at, log.reason_category, log.reason_details)
    return (
        select(*columns)
        .join(log, log.session_id == S.id)
        .where(log.user_id == user_id, log.action.in_(_CANCELLED))
        .order_by(log.created_at.desc(), log.id)
    )


def _disputes(user_id: UUID) -> Select[Any]:
    is_own = (D.reported_by == user_id).label("is_own")
    columns: Any = (D.id, D.reason, D.status, D.resolution_action, D.created_at, is_own, S.title)
    return select(*columns).join(S, S.id == D.session_id).where(_is_party(user_id)).order_by(D.created_at.desc(), D.id)


def _acts(user_id: UUID) -> Select[Any]:
    """What stands in the staff trail under this person's id, and disputes that ended with a warning or suspension."""
    columns = (A.id, A.action, A.reason, A.admin_id, A.created_at)
    about = (
        select(*columns)
        .where(A.subject_type.in_(("user", "mentor")), A.subject_id == str(user_id))
        .order_by(A.created_at.desc(), A.id)
        .limit(LISTED)
    )
    named = or_(A.details["warnedUser"].astext == str(user_id), A.details["suspendedUser"].astext == str(user_id))
    resolved = (
        select(*columns)
        .join(D, (A.subject_type == "dispute") & (A.subject_id == cast(D.id, Text)))
        .join(S, S.id == D.session_id)
        .where(_is_party(user_id), D.resolution_action.in_(_ABOUT_PEOPLE), named)
    )
    found = union_all(about, resolved).subquery("acts")
    chosen: Select[Any] = select(found, func.coalesce(User.name, "Command line").label("by"))
    return chosen.outerjoin(User, User.id == found.c.admin_id).order_by(found.c.created_at.desc(), found.c.id)
