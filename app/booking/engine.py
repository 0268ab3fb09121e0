"""The only writer of a session's status (SM-2).

``begin`` makes a session, ``move`` takes it along one edge of the table in ``domain.states``; both write the audit row
in the same transaction (SM-3). Everything else about a move (money, calendar, messages) is its caller's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.domain.context import Context
from app.domain.states import require_move
from app.domain.vocabulary import SessionStatus
from app.extensions import db
from app.foundation import audit
from app.models import MentoringSession


def begin(
    session: MentoringSession,
    *,
    status: SessionStatus,
    ctx: Context,
    action: str,
    details: Mapping[str, Any] | None = None,
) -> MentoringSession:
    """This function will store a new session in its first status.

    :raises InvalidTransition: when nobody like this actor may begin there (SM-1)
    """
    require_move(None, status, ctx.actor.kind)
    session.status = status
    session.version = 1
    session.created_at = session.updated_at = ctx.now
    db.session.add(session)
    db.session.flush()  # the audit row and the calendar refer to it
    audit.record(
        session,
        action=action,
        ctx=ctx,
        new_status=status,
        new_scheduled_at=session.scheduled_at,
        details=details,
    )
    return session


def move(
    session: MentoringSession,
    *,
    to: SessionStatus,
    ctx: Context,
    action: str,
    reason_category: str | None = None,
    reason_details: str | None = None,
    policy_snapshot: Mapping[str, Any] | None = None,
    details: Mapping[str, Any] | None = None,
) -> SessionStatus:
    """This function will change a locked session's status, and give the status before.

    :param action: the audit action in the specification's words
    :param policy_snapshot: the policy values that the decision used (POL-2)
    :raises InvalidTransition: naming both states when the table has no such move (SM-1)
    """
    before = session.status
    require_move(before, to, ctx.actor.kind)
    session.status = to
    touch(session, ctx=ctx)
    audit.record(
        session,
        action=action,
        ctx=ctx,
        reason_category=reason_category,
        reason_details=reason_details,
        previous_status=before,
        new_status=to,
        policy_snapshot=policy_snapshot,
        details=details,
    )
    return before


def touch(session: MentoringSession, *, ctx: Context) -> None:
    """This function will mark a session as changed, so that another screen's edit is recognised as stale."""
    session.version += 1
    session.updated_at = ctx.now
