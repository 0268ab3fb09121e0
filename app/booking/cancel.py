"""Cancelling by a party, and what every cancellation has in common (CX-1, CX-2, CX-5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.booking import announce_cancelled, calendar, meetings, why
from app.booking.access import load_for_change
from app.booking.engine import move
from app.booking.proposals import close_request
from app.booking.session_facts import cancellation_facts, is_settled
from app.domain.cancellation import (
    CancellationDecision,
    CancellationFacts,
    decide_cancellation,
    decide_reason,
)
from app.domain.context import Context
from app.domain.errors import Forbidden
from app.domain.permissions import Permission, require
from app.domain.reassignment import OPEN_REASSIGNMENTS
from app.domain.vocabulary import (
    CancellationCategory,
    CancelledBy,
    Party,
    ReassignmentStatus,
    RefundType,
    RescheduleStatus,
    SessionStatus,
)
from app.foundation.transaction import transaction
from app.models import MentoringSession, Refund
from app.money.payments import abandon_payment
from app.money.refunds import request_refund
from app.money.rows import read_rows
from app.money.settlement import settle_session, split_of

_USED = ("cancellation_cutoff_hours", "free_cancellation_hours", "partial_refund_percentage",
         "late_refund_percentage", "late_cancellation_rule", "require_cancellation_reason")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Concluded:
    """What a cancellation did.

    :param was_confirmed: both parties counted on it: scheduled, and paid or free
    :param refund: what goes back; None when nothing does
    :param kept_minor: the mentor's share of what was kept
    """

    previous_status: SessionStatus
    was_confirmed: bool
    paid_minor: int
    refund: Refund | None
    kept_minor: int

    @property
    def refund_minor(self) -> int:
        return self.refund.amount_minor if self.refund else 0


def decide_for(session: MentoringSession, by: Party, *, now: datetime) -> CancellationDecision:
    """Whether this party may cancel now and what follows: what the dialog shows and the action obeys (CX-3)."""
    return decide_cancellation(cancellation_facts(session, now=now), by, now)


def cancel_session(
    session_id: UUID, *, category: CancellationCategory | None, reason: str, ctx: Context
) -> MentoringSession:
    """This function will cancel a session for the signed-in party, with the refund that the rules give (CX-1, CX-2).

    A mentor's cancellation refunds everything.

    :raises NotFound: for those who may not know of it
    :raises InvalidTransition: when it is over, or running
    :raises Refused: when the rule for late cancellations says so
    :raises Invalid: when the reason is missing
    """
    require(ctx.actor, Permission.OWN_SESSION_CANCEL)
    with transaction():
        session = load_for_change(ctx, session_id)
        party = party_of(session, ctx)
        facts = cancellation_facts(session, now=ctx.now)
        decision = decide_cancellation(facts, party, ctx.now)
        why.require(decision, session=session, kind="cancel", ctx=ctx)
        decide_reason(decision, party, category, reason).require()
        why.remember(decision, session=session, kind="cancel", ctx=ctx)
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


def conclude_cancellation(
    session: MentoringSession,
    *,
    cancelled_by: CancelledBy,
    category: CancellationCategory | None,
    reason: str,
    refund_percentage: int,
    ctx: Context,
    action: str = "session_cancelled",
    policy_snapshot: Mapping[str, Any] | None = None,
    details: Mapping[str, Any] | None = None,
    by_staff: bool = False,
    notify_parties: bool = True,
) -> Concluded:
    """This function will do what every cancellation does: status, slot, meeting, money, audit (CX-5).

    Telling people is the caller's. Call it inside a transaction, on a session from ``load_for_change``.

    :param refund_percentage: of what was paid; what is kept is settled in favor of mentor and platform
    :param by_staff: whether the refund counts for the approval threshold (MN-9)
    :raises InvalidTransition: when nobody like this actor may cancel from here
    """
    was_confirmed = session.status in {SessionStatus.SCHEDULED, SessionStatus.IN_PROGRESS} and is_settled(session)
    paid_minor = read_rows(session.id).paid_minor
    session.cancelled_by, session.cancelled_by_user_id = cancelled_by, ctx.actor.user_id
    session.cancelled_at = ctx.now
    session.cancellation_category, session.cancellation_reason = category, reason or None
    session.hold_expires_at = session.approval_deadline = None
    if was_confirmed:
        session.calendar_sequence += 1
    before = move(
        session,
        to=SessionStatus.CANCELLED,
        ctx=ctx,
        action=action,
        reason_category=category,
        reason_details=reason or None,
        policy_snapshot=policy_snapshot,
        details={"refund_percentage": refund_percentage, **(details or {})},
    )
    _close_open_questions(session, ctx)
    calendar.release(session.id)
    meetings.drop_meeting(session, ctx=ctx)
    why_refunded = reason or (category.value if category else "cancelled")
    refund, kept = _money(
        session, paid_minor, refund_percentage, why_refunded, ctx=ctx, by_staff=by_staff, notify_parties=notify_parties
    )
    return Concluded(before, was_confirmed, paid_minor, refund, kept)


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


def _money(
    session: MentoringSession,
    paid_minor: int,
    percentage: int,
    reason: str,
    *,
    ctx: Context,
    by_staff: bool,
    notify_parties: bool,
) -> tuple[Refund | None, int]:
    if not paid_minor:
        abandon_payment(session, ctx=ctx)
        return None, 0
    refund = None
    if percentage:
        refund = request_refund(
            session,
            percentage=percentage,
            type=RefundType.POLICY,
            reason=reason,
            ctx=ctx,
            by_staff=by_staff,
            notify_parties=notify_parties,
        )
    if percentage < 100:
        settle_session(session, ctx)
    return refund, split_of(session).mentor.minor


def _close_open_questions(session: MentoringSession, ctx: Context) -> None:
    """A cancelled session negotiates about nothing: not about its time (RS-5), not about its mentor."""
    close_request(session, RescheduleStatus.CANCELLED, now=ctx.now)
    if session.reassignment_status in OPEN_REASSIGNMENTS:
        session.reassignment_status, session.reassignment_deadline = ReassignmentStatus.REJECTED, None


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
