"""A mentor gives a confirmed session up, and somebody else is looked for (RA-1, RA-8)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

from app.booking import announce_reassigned
from app.booking.handover import hand_on
from app.domain.context import Context
from app.domain.vocabulary import CancellationCategory, ReassignmentStatus
from app.foundation import audit
from app.models import MentoringSession

# One row each time, also when the session lives on: what the statistics of a mentor count (RA-8).
MENTOR_CANCELLED: Final = "mentor_cancelled"
DECLINED: Final = "reassignment_declined"


def give_up(
    session: MentoringSession,
    candidates: Collection[UUID],
    *,
    action: str = MENTOR_CANCELLED,
    category: CancellationCategory | None,
    reason: str,
    ctx: Context,
    policy_snapshot: Mapping[str, Any] | None = None,
    is_late: bool = False,
) -> None:
    """This function will take a locked session from its mentor, give it to another or have the mentee choose.

    :param candidates: who was locked with it, by ``handover.load_to_give_up``
    :param action: whether a mentor cancelled, or declined to take over what was just assigned
    """
    former = session.mentor
    was_assigned = session.reassignment_status is ReassignmentStatus.PENDING_ACCEPTANCE
    audit.record(
        session,
        action=action,
        ctx=ctx,
        reason_category=category,
        reason_details=reason or None,
        previous_status=session.status,
        new_status=session.status,
        policy_snapshot=policy_snapshot,
        details={"mentor_id": former.id, "is_late": is_late, "was_assigned": was_assigned},
    )
    found = hand_on(session, candidates, ctx=ctx)
    declines = action == DECLINED
    if found is None:
        announce_reassigned.none_found(session, former, reason=reason, declines=declines, ctx=ctx)
    else:
        announce_reassigned.found(session, former, reason=reason, declines=declines, ctx=ctx)
