"""One side did not come: said by the other, or by support (NS-1, NS-2, NS-4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from app.booking import announce_attendance, calendar, why
from app.booking.access import load_for_change
from app.booking.cancel import party_of
from app.booking.engine import move
from app.booking.proposals import close_request
from app.booking.session_facts import SessionFacts, facts_of, first_join
from app.domain.attendance import NoShowDecision, decide_no_show_report
from app.domain.context import Context
from app.domain.decision import Refusal
from app.domain.permissions import Permission, require
from app.domain.vocabulary import Party, RescheduleStatus, SessionStatus
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import MentoringSession, SessionAuditLog
from app.money.attendance import Correction, bring_to

MARKED = "no_show_marked"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedNoShow:
    """What a no-show did."""

    previous_status: SessionStatus
    money: Correction
    notifications_sent: int


def decide_report(facts: SessionFacts, by: Party, ctx: Context) -> NoShowDecision:
    """Whether this side may report the other's absence now, and what follows: what the page shows first (NS-1)."""
    if facts.session.scheduled_at is None:
        return NoShowDecision(
            allowed=False,
            rule="no_time",
            message="This session has no time yet.",
            refusal=Refusal.CONFLICT,
            code="no_time",
            absent=_other(by),
        )
    return decide_no_show_report(facts.for_attending(), by, ctx.now)


def report_no_show(session_id: UUID, *, ctx: Context) -> MentoringSession:
    """This function will record that the other side did not come, and put the money right (NS-1, NS-2).

    :raises NotFound: for those who may not know of it
    :raises Refused: the grace is not over
    :raises Conflict: ``party_joined`` when the join log shows the other side, ``reporter_not_joined`` when it does not
        show one's own, or nobody can be reported any more (``InvalidTransition``)
    """
    require(ctx.actor, Permission.OWN_SESSION_REPORT_NO_SHOW)
    with transaction():
        session = load_for_change(ctx, session_id)
        by = party_of(session, ctx)
        decision = decide_report(facts_of(session), by, ctx)
        why.require(decision, session=session, kind="no_show", ctx=ctx)
        conclude_no_show(session, decision=decision, reason=decision.message, marked_by=by, ctx=ctx)
    return session


def conclude_no_show(
    session: MentoringSession,
    *,
    decision: NoShowDecision,
    reason: str,
    marked_by: Party | None,
    ctx: Context,
    details: Mapping[str, Any] | None = None,
    notify_parties: bool = True,
) -> MarkedNoShow:
    """This function will do what every no-show does: status, evidence, calendar, money, telling both.

    Call it inside a transaction, on a session from ``load_for_change``.

    :param marked_by: the side that said so; None for support
    :raises InvalidTransition: when nobody like this actor may do it from here
    """
    why.remember(decision, session=session, kind="no_show", ctx=ctx)
    before = move(
        session,
        to=SessionStatus.NO_SHOW,
        ctx=ctx,
        action=MARKED,
        reason_details=reason,
        details={"absent": decision.absent, "refund_percentage": decision.refund_percentage, **(details or {})},
    )
    session.no_show_party, session.no_show_marked_by = decision.absent, ctx.actor.user_id
    session.attendance_decided_at = ctx.now
    close_request(session, RescheduleStatus.CANCELLED, now=ctx.now)
    session.started_at = first_join(session.id) or session.scheduled_at
    calendar.release(session.id)
    money = bring_to(
        session, percentage=decision.refund_percentage, reason=reason, ctx=ctx, notify_parties=notify_parties
    )
    sent = 0
    if notify_parties:
        sent = announce_attendance.no_show_marked(
            session,
            absent=decision.absent,
            refund=money.refund if money.refund.minor and not money.needs_approval else None,
            earnings=money.mentor if money.mentor.minor else None,
            marked_by=marked_by,
            turn=times_marked(session.id),
            ctx=ctx,
        )
    return MarkedNoShow(previous_status=before, money=money, notifications_sent=sent)


def times_marked(session_id: UUID) -> int:
    """How often this session was marked as missed."""
    db.session.flush()
    marked = select(func.count()).where(SessionAuditLog.session_id == session_id, SessionAuditLog.action == MARKED)
    return db.session.scalar(marked) or 0


def _other(side: Party) -> Party:
    return Party.MENTOR if side is Party.MENTEE else Party.MENTEE
