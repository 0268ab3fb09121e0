"""Cancelling by a party (CX-1, CX-2, RA-1)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from app.booking import announce_cancelled, why
from app.booking.conclude import Concluded, conclude_cancellation
from app.booking.give_up import give_up
from app.booking.handover import load_to_give_up
from app.booking.session_facts import cancellation_facts
from app.domain.cancellation import (
    CancellationDecision,
    CancellationFacts,
    decide_cancellation,
    decide_reason,
)
from app.domain.context import Context
from app.domain.errors import Forbidden
from app.domain.permissions import Permission, require
from app.domain.vocabulary import (
    CancellationCategory,
    CancelledBy,
    Party,
    SessionStatus,
)
from app.foundation.transaction import transaction
from app.models import MentoringSession

__all__ = ["Concluded", "cancel_session", "conclude_cancellation", "decide_for", "party_of", "used_policies"]

_USED = ("cancellation_cutoff_hours", "free_cancellation_hours", "partial_refund_percentage",
         "late_refund_percentage", "late_cancellation_rule", "require_cancellation_reason")  # fmt: skip


def decide_for(session: MentoringSession, by: Party, *, now: datetime) -> CancellationDecision:
    """Whether this party may cancel now and what follows: what the dialog shows and the action obeys (CX-3)."""
    return decide_cancellation(cancellation_facts(session, now=now), by, now)


def cancel_session(
    session_id: UUID, *, category: CancellationCategory | None, reason: str, ctx: Context
) -> MentoringSession:
    """This function will cancel a session for the signed-in party, with the refund that the rules give (CX-1, CX-2).

    When a mentor gives up a session that is paid or free, another one is looked for first: the session lives on with a
    new mentor whom the mentee may accept, or until the mentee has chosen one (RA-1, RA-2). An unpaid one is simply
    cancelled.

    :raises NotFound: for those who may not know of it
    :raises InvalidTransition: when it is over, or running
    :raises Refused: when the rule for late cancellations says so
    :raises Invalid: when the reason is missing
    """
    require(ctx.actor, Permission.OWN_SESSION_CANCEL)
    with transaction():
        session, candidates = load_to_give_up(session_id, ctx)
        party = party_of(session, ctx)
        facts = cancellation_facts(session, now=ctx.now)
        decision = decide_cancellation(facts, party, ctx.now)
        why.require(decision, session=session, kind="cancel", ctx=ctx)
        decide_reason(decision, party, category, reason).require()
        why.remember(decision, session=session, kind="cancel", ctx=ctx)
        if decision.searches_replacement:
            give_up(
                session,
                candidates,
                category=category,
                reason=reason.strip(),
                policy_snapshot=used_policies(facts),
                is_late=decision.is_late,
                ctx=ctx,
            )
            return session
        was_known = session.status is not SessionStatus.DRAFT
        done = conclude_cancellation(
            session,
            cancelled_by=CancelledBy(party.value),
            category=category,
            reason=reason.strip(),
            refund_percentage=decision.refund_percentage,
            ctx=ctx,
            policy_snapshot=used_policies(facts),
            details={"rule": decision.rule, "is_late": decision.is_late},
        )
        _tell(session, party, done, was_known=was_known, reason=reason.strip(), ctx=ctx)
    return session


def party_of(session: MentoringSession, ctx: Context) -> Party:
    """Which side of the session the actor is.

    :raises Forbidden: neither
    """
    if ctx.actor.user_id == session.mentee_id:
        return Party.MENTEE
    if ctx.actor.user_id == session.mentor_id:
        return Party.MENTOR
    raise Forbidden("Only the two parties of a session can do this.")


def used_policies(facts: CancellationFacts) -> dict[str, Any]:
    """The policy values that a decision about cancelling used, for the audit row (POL-2)."""
    stored = facts.policies.as_json()
    return {key: stored[key] for key in _USED}


def _tell(
    session: MentoringSession, party: Party, done: Concluded, *, was_known: bool, reason: str, ctx: Context
) -> None:
    if party is Party.MENTOR:
        announce_cancelled.by_mentor(session, refund_minor=done.refund_minor, reason=reason, ctx=ctx)
    elif done.was_confirmed:
        announce_cancelled.by_mentee(
            session,
            refund_minor=done.refund_minor,
            paid_minor=done.paid_minor,
            earnings_minor=done.kept_minor,
            reason=reason,
            ctx=ctx,
        )
    elif was_known:
        announce_cancelled.withdrawn(session, ctx=ctx)
