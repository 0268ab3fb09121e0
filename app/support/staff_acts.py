"""What every staff act on a session has in common: preview, fingerprint, reason, own cases (ACT)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.domain.context import Context
from app.domain.errors import Invalid, StalePreview
from app.domain.money import Money
from app.domain.permissions import Permission, is_party, require, require_no_party
from app.domain.vocabulary import SessionStatus
from app.foundation.audit import plain, record_staff_act
from app.models import MentoringSession

SHORTEST_REASON = 3
LONGEST_REASON = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """One line of a preview: who · what changes · money · message."""

    who: str
    change: str
    money: Money | None = None
    message: str = ""


def fingerprint_of(facts: Mapping[str, Any]) -> str:
    """A short mark of the facts that a preview was made of: the same facts, the same mark."""
    text = json.dumps(plain(facts), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def require_seen(shown: str | None, now: str) -> None:
    """Raise unless what would happen now is what was shown.

    :param shown: the fingerprint of the preview; None acts without one, for callers that show none (the API)
    :raises StalePreview: the case changed since
    """
    if shown is not None and shown != now:
        raise StalePreview("This case changed since you opened it. Look at what would happen now, then decide.")


def clean_reason(reason: str) -> str:
    """The reason without surrounding blanks.

    :raises Invalid: when it has fewer than 3 or more than 1,000 characters
    """
    text = reason.replace("\0", "").strip()
    if not SHORTEST_REASON <= len(text) <= LONGEST_REASON:
        message = f"Give a reason of {SHORTEST_REASON} to {LONGEST_REASON:,} characters."
        raise Invalid(message, fields={"reason": message})
    return text


def require_staff_for(session: MentoringSession, permission: Permission, ctx: Context) -> None:
    """Raise unless this person may do this, and to this case.

    :raises Forbidden: the role does not have it, or it is the person's own case (ADM-2)
    """
    require(ctx.actor, permission)
    require_no_party(ctx.actor, parties_of(session))


def record_act_on(
    session: MentoringSession,
    action: str,
    *,
    reason: str,
    ctx: Context,
    before: SessionStatus | None = None,
    details: Mapping[str, Any] | None = None,
) -> UUID:
    """This function will put the row of an act on a session into the staff trail, with the status it has now.

    :param before: the status before the act; None where the act leaves it as it is
    :raises RuntimeError: outside a transaction
    """
    return record_staff_act(
        action=action,
        reason=reason,
        ctx=ctx,
        subject_type="session",
        subject_id=session.id,
        session_id=session.id,
        previous_status=before or session.status,
        new_status=session.status,
        details=details,
    )


def parties_of(session: MentoringSession) -> set[UUID | None]:
    """Mentee, mentor, and whoever was the mentor before."""
    return {session.mentor_id, session.mentee_id, session.reassigned_from_mentor_id, *session.cancelled_mentor_ids}


def is_own_case(session: MentoringSession, ctx: Context) -> bool:
    """Whether the reader is a party in it (ADM-2)."""
    return is_party(ctx.actor, parties_of(session))
