"""Reading and locking one dispute, and its columns as a clock.

Lock order: people and session first (``booking.access``), then the dispute, then its session's payments and refunds.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.booking.access import load_for_change
from app.domain.context import Context
from app.domain.dispute_clock import Deadlines, DisputeClock, Targets, targets_of
from app.domain.errors import NotFound
from app.domain.permissions import Permission, require
from app.extensions import db
from app.foundation.policies import current_policies
from app.models import MentoringSession, SessionDispute
from app.support.staff_acts import require_staff_for


def load_dispute(dispute_id: UUID) -> tuple[SessionDispute, MentoringSession]:
    """A dispute with its session and both people, for a page; permission is the caller's question.

    :raises NotFound: there is none
    """
    found = db.session.execute(
        select(SessionDispute, MentoringSession)
        .join(MentoringSession, MentoringSession.id == SessionDispute.session_id)
        .where(SessionDispute.id == dispute_id)
        .options(joinedload(MentoringSession.mentor), joinedload(MentoringSession.mentee))
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise NotFound
    return found[0], found[1]


def lock_for_staff(dispute_id: UUID, permission: Permission, ctx: Context) -> tuple[SessionDispute, MentoringSession]:
    """This function will lock a dispute and its session for an act of staff.

    :raises NotFound: there is no such dispute
    :raises Forbidden: the role may not, or it is the person's own case (ADM-2)
    """
    require(ctx.actor, permission)
    dispute, session = lock_dispute(dispute_id, ctx)
    require_staff_for(session, permission, ctx)
    return dispute, session


def lock_dispute(dispute_id: UUID, ctx: Context) -> tuple[SessionDispute, MentoringSession]:
    """This function will lock the people, the session and the dispute, and read them as they are now.

    :raises NotFound: there is none, or its session is not this actor's to know of
    """
    session = load_for_change(ctx, session_id_of(dispute_id))
    dispute = db.session.scalars(
        select(SessionDispute)
        .where(SessionDispute.id == dispute_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    return dispute, session


def session_id_of(dispute_id: UUID) -> UUID:
    """Which session a dispute is about.

    :raises NotFound: there is no such dispute
    """
    session_id = db.session.scalar(select(SessionDispute.session_id).where(SessionDispute.id == dispute_id))
    if session_id is None:
        raise NotFound
    return session_id


def clock_of(dispute: SessionDispute) -> DisputeClock:
    """The dispute's clock, out of its columns."""
    return DisputeClock(
        priority=dispute.priority,
        opened_at=dispute.created_at,
        deadlines=Deadlines(dispute.first_response_due_at, dispute.resolution_due_at),
        answered_at=dispute.first_responded_at,
        waiting_since=dispute.waiting_since,
        waited=timedelta(seconds=dispute.waited_seconds),
        warned_at=dispute.warned_at,
        breached_at=dispute.breached_at,
    )


def set_deadlines(dispute: SessionDispute, deadlines: Deadlines) -> None:
    """This function will promise other deadlines, of which nobody has been warned yet."""
    dispute.first_response_due_at, dispute.resolution_due_at = deadlines.answer, deadlines.resolution
    dispute.warned_at = None


def note_first_answer(dispute: SessionDispute, ctx: Context) -> None:
    """This function will stop the clock of the first answer: from now on that of the resolution counts."""
    if dispute.first_responded_at is None:
        dispute.first_responded_at, dispute.warned_at = ctx.now, None


def touch(dispute: SessionDispute, ctx: Context) -> None:
    """This function will mark a dispute as changed, so that a preview of before is recognised as stale."""
    dispute.version += 1
    dispute.updated_at = ctx.now


def current_targets() -> Targets:
    """What is promised per priority now."""
    return targets_of(current_policies().values)
