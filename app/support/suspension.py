"""What suspending or reinstating a person would mean, before it is done (ID-4, ACT)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from app.domain.context import Context
from app.domain.errors import Forbidden, NotFound
from app.domain.permissions import Permission, may, require
from app.domain.vocabulary import Role, SessionStatus
from app.extensions import db
from app.models import MentoringSession, User
from app.people.logins import live_logins
from app.people.tokens import live_tokens
from app.support.queues import COUNT_CAP

OWN_ACCOUNT = "Nobody suspends the own account. Ask another admin."
_LISTED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspensionPlan:
    """Whom it concerns and what it would touch.

    :param upcoming: how many sessions lie ahead, counted up to one more than ``COUNT_CAP``
    :param next_sessions: the first few of them, soonest first, with both parties
    """

    user: User
    sign_ins: int
    tokens: int
    upcoming: int
    next_sessions: Sequence[MentoringSession]

    @property
    def is_suspended(self) -> bool:
        return self.user.suspended_at is not None

    @property
    def is_mentor(self) -> bool:
        return self.user.role is Role.MENTOR


def why_not_suspendable(user_id: UUID, ctx: Context) -> str | None:
    """Why this reader may not suspend or reinstate this person; None when nothing stands against it (ADM-2)."""
    if not may(ctx.actor.role, Permission.USER_SUSPEND):
        return "Only an admin may do this."
    return OWN_ACCOUNT if user_id == ctx.actor.user_id else None


def preview_suspension(user_id: UUID, *, ctx: Context) -> SuspensionPlan:
    """What would happen to a person's sign-ins, tokens and sessions. Changes nothing.

    :raises Forbidden: when the actor may not, or asks for the own account
    :raises NotFound: there is no such user
    """
    require(ctx.actor, Permission.USER_SUSPEND)
    if user_id == ctx.actor.user_id:
        raise Forbidden(OWN_ACCOUNT, code="own_account")
    user = db.session.get(User, user_id, populate_existing=True)
    if user is None:
        raise NotFound
    party = MentoringSession.mentor_id if user.role is Role.MENTOR else MentoringSession.mentee_id
    ahead = (
        party == user_id,
        MentoringSession.status == SessionStatus.SCHEDULED,
        MentoringSession.scheduled_at > ctx.now,
    )
    counted = select(MentoringSession.id).where(*ahead).limit(COUNT_CAP + 1).subquery()
    upcoming = db.session.scalar(select(func.count()).select_from(counted)) or 0
    parties = (joinedload(MentoringSession.mentor), joinedload(MentoringSession.mentee))
    soonest = (
        select(MentoringSession)
        .where(*ahead)
        .options(*parties)
        .order_by(MentoringSession.scheduled_at, MentoringSession.id)
        .limit(_LISTED)
    )
    return SuspensionPlan(
        user=user,
        sign_ins=len(live_logins(user_id, now=ctx.now)),
        tokens=len(live_tokens(user_id, now=ctx.now)),
        upcoming=upcoming,
        next_sessions=db.session.scalars(soonest).all() if upcoming else (),
    )
