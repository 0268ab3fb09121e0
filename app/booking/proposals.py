"""A session's open proposal of another time: its row and the session's pending fields, changed together (INV-6)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from app.domain.context import Context
from app.domain.rescheduling import OPEN_PROPOSALS
from app.domain.vocabulary import Party, RescheduleStatus
from app.extensions import db
from app.foundation import audit
from app.foundation.policies import policies_for
from app.models import MentoringSession, RescheduleRequest

_USED: Final = ("reschedule_cutoff_hours", "mentor_reschedule_cutoff_hours", "max_reschedules_per_session",
                "mentor_max_reschedules_per_session", "reschedule_request_expiry_hours",
                "max_counter_proposals")  # fmt: skip


def open_request_of(session: MentoringSession) -> RescheduleRequest | None:
    """The negotiation that a locked session is in; None when its time is settled."""
    if session.pending_reschedule_request_id is None:
        return None
    return db.session.scalars(
        select(RescheduleRequest)
        .where(RescheduleRequest.id == session.pending_reschedule_request_id)
        .execution_options(populate_existing=True)
    ).one()


def put_on_table(session: MentoringSession, request_id: UUID, *, time: datetime, by: Party) -> None:
    """This function will write on the session what its open request says: which time, and whose it is.

    :param by: the side that proposed this time; the other one's turn it is
    """
    session.pending_reschedule_request_id = request_id
    session.pending_reschedule_time = time
    session.pending_reschedule_by = by


def close_request(session: MentoringSession, status: RescheduleStatus, *, now: datetime) -> RescheduleRequest | None:
    """This function will close the open negotiation of a locked session, if there is one, and give its row.

    The held time is the caller's: whoever closes a proposal frees it, moves the session there, or frees everything.
    """
    request = open_request_of(session)
    if request is not None and request.status in OPEN_PROPOSALS:
        request.status, request.resolved_at = status, now
    session.pending_reschedule_request_id = session.pending_reschedule_time = session.pending_reschedule_by = None
    db.session.flush()  # at most one is open: the next one may be opened in this very transaction
    return request


def time_on_table(request: RescheduleRequest) -> datetime:
    """The last word: the counter-proposal, or what was proposed first."""
    return request.counter_proposed_time or request.proposed_time


def record_step(
    session: MentoringSession,
    request: RescheduleRequest,
    *,
    action: str,
    after: datetime | None,
    ctx: Context,
    before: datetime | None = None,
    reason: str = "",
    details: Mapping[str, Any] | None = None,
) -> None:
    """This function will write a step's audit row: the times before and after, and the policies that counted (RS-7).

    :param before: default: the session's own time
    :param after: the time that is asked for, or that holds from now on
    """
    stored = policies_for(session).values.as_json()
    audit.record(
        session,
        action=action,
        ctx=ctx,
        reason_details=reason or None,
        previous_scheduled_at=before or session.scheduled_at,
        new_scheduled_at=after,
        policy_snapshot={key: stored[key] for key in _USED},
        details={
            "request_id": request.id,
            "initiated_by": request.initiated_by,
            "time_on_table": time_on_table(request),
            "duration": request.proposed_duration,
            **(details or {}),
        },
    )
