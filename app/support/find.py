"""One search over everything: a session's id, an e-mail, a name, a payment's reference finds the thing (ADM-3).

Each question is answered by an index and stops after a handful of rows, whatever the size of the tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, or_, select, text
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import aliased
from sqlalchemy.sql.expression import cast

from app.domain.context import Context
from app.domain.permissions import Permission, may, require
from app.domain.vocabulary import Role, SessionStatus
from app.extensions import db
from app.models import MentoringSession, Payment, Refund, SessionDispute, User
from app.support.person_search import person_matches
from app.support.session_shape import Terms, terms_of

LONGEST: Final = 120
_MOST: Final = 8


@dataclass(frozen=True, slots=True)
class Found:
    """One thing.

    :param kind: ``session``, ``user``, ``payment``, ``refund`` or ``dispute``
    :param at: when a session starts
    :param is_exact: the search names this very thing, by its id, address or reference
    """

    kind: str
    id: UUID
    title: str
    note: str = ""
    status: SessionStatus | None = None
    role: Role | None = None
    at: datetime | None = None
    is_exact: bool = False


def find_everything(searched: str, *, ctx: Context) -> list[Found]:
    """This function will look for ``searched`` in everything that the reader may see, at most eight of each kind.

    :param searched: words, the start of an id or an address, a reference; longer than 120 characters finds nothing
    :raises Forbidden: for anybody who is no staff
    """
    require(ctx.actor, Permission.CONSOLE_ENTER)
    wanted = searched.replace("\0", "").strip()
    if not wanted or len(wanted) > LONGEST:
        return []
    terms = terms_of(wanted)
    found: list[Found] = []
    for permission, look in _PLACES:
        if may(ctx.actor.role, permission):
            found += look(wanted, terms)
    return found


def only_one(found: list[Found]) -> Found | None:
    """The thing that was meant: the one that is exactly so, or the only one there is."""
    exact = [each for each in found if each.is_exact]
    if len(exact) == 1:
        return exact[0]
    return found[0] if len(found) == 1 else None


def _sessions(wanted: str, terms: Terms) -> list[Found]:
    pieces: list[Any] = []
    if terms.ids is not None:
        pieces.append(MentoringSession.id.between(*terms.ids))
    if terms.title is not None:
        words = cast(terms.title, TSQUERY)
        pieces.append(func.to_tsvector(text("'simple'"), MentoringSession.title).op("@@")(words))
    if not pieces:
        return []
    mentor, mentee = aliased(User), aliased(User)
    rows = db.session.execute(
        select(
            MentoringSession.id, MentoringSession.title, MentoringSession.status, MentoringSession.scheduled_at,
            mentor.name.label("mentor"), mentee.name.label("mentee"),
        )
        .join(mentor, mentor.id == MentoringSession.mentor_id)
        .join(mentee, mentee.id == MentoringSession.mentee_id)
        .where(or_(*pieces))
        .limit(_MOST)
    )  # fmt: skip
    return [
        Found(
            "session",
            row.id,
            row.title,
            f"{row.mentee} with {row.mentor}",
            status=row.status,
            at=row.scheduled_at,
            is_exact=_is_id(wanted, row.id),
        )
        for row in rows
    ]


def _people(wanted: str, terms: Terms) -> list[Found]:
    by_id = [User.id.between(*terms.ids)] if terms.ids is not None else []
    rows = db.session.execute(
        select(User.id, User.name, User.email, User.role)
        .where(or_(person_matches(wanted), *by_id))
        .order_by(User.name, User.id)
        .limit(_MOST)
    )
    return [
        Found(
            "user",
            row.id,
            row.name,
            row.email,
            role=row.role,
            is_exact=row.email == wanted.lower() or _is_id(wanted, row.id),
        )
        for row in rows
    ]


def _payments(wanted: str, _terms: Terms) -> list[Found]:
    named = [Payment.reference == wanted, Payment.gateway_payment_id == wanted]
    return [
        Found("payment", row.id, row.reference, row.gateway, is_exact=True)
        for row in db.session.execute(
            select(Payment.id, Payment.reference, Payment.gateway).where(_named(Payment, named, wanted)).limit(_MOST)
        )
    ]


def _refunds(wanted: str, _terms: Terms) -> list[Found]:
    named = [Refund.idempotency_key == wanted, Refund.gateway_refund_id == wanted]
    return [
        Found("refund", row.id, row.reason or "Refund", row.status.value.replace("_", " "), is_exact=True)
        for row in db.session.execute(
            select(Refund.id, Refund.reason, Refund.status).where(_named(Refund, named, wanted)).limit(_MOST)
        )
    ]


def _disputes(wanted: str, terms: Terms) -> list[Found]:
    if terms.ids is None:
        return []
    return [
        Found("dispute", row.id, row.reason, row.status.value.replace("_", " "), is_exact=_is_id(wanted, row.id))
        for row in db.session.execute(
            select(SessionDispute.id, SessionDispute.reason, SessionDispute.status)
            .where(SessionDispute.id.between(*terms.ids))
            .limit(_MOST)
        )
    ]


def _named(kind: type[Payment | Refund], named: list[Any], wanted: str) -> Any:
    whole = _whole_id(wanted)
    return or_(*named, kind.id == whole) if whole else or_(*named)


def _whole_id(wanted: str) -> UUID | None:
    try:
        return UUID(wanted)
    except ValueError:
        return None


def _is_id(wanted: str, row_id: UUID) -> bool:
    """Whether an id was meant: whole, or at least the eight characters that the console shows of it."""
    start = wanted.lower().replace("-", "")
    return len(start) >= 8 and row_id.hex.startswith(start)


_PLACES: Final[tuple[tuple[Permission, Callable[[str, Terms], list[Found]]], ...]] = (
    (Permission.SESSION_VIEW, _sessions),
    (Permission.USER_VIEW, _people),
    (Permission.PAYMENT_VIEW, _payments),
    (Permission.REFUND_VIEW, _refunds),
    (Permission.DISPUTE_VIEW, _disputes),
)
