"""What every cancellation does, whoever decided it: status, slot, meeting, money, audit (CX-5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.booking import calendar, meetings
from app.booking.engine import move
from app.booking.proposals import close_request
from app.booking.session_facts import is_settled
from app.domain.context import Context
from app.domain.reassignment import OPEN_REASSIGNMENTS
from app.domain.vocabulary import (
    CancellationCategory,
    CancelledBy,
    ReassignmentStatus,
    RefundType,
    RescheduleStatus,
    SessionStatus,
)
from app.models import MentoringSession, Refund
from app.money.earnings import forfeit_earnings
from app.money.payments import abandon_payment
from app.money.refunds import request_refund
from app.money.rows import read_rows
from app.money.settlement import settle_session, split_of


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
    if was_confirmed:
        session.calendar_sequence += 1  # after the room, whose making is known by the number before
    why_refunded = reason or (category.value if category else "cancelled")
    refund, kept = _money(
        session, paid_minor, refund_percentage, why_refunded, ctx=ctx, by_staff=by_staff, notify_parties=notify_parties
    )
    return Concluded(before, was_confirmed, paid_minor, refund, kept)


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
        forfeit_earnings(session, ctx)
        session.reassignment_status, session.reassignment_deadline = ReassignmentStatus.REJECTED, None
