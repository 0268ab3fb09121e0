"""Ending a dispute: the outcome is done, recorded and told in one transaction (ACT-8, DSP-4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from app.booking.moving import load_for_moving
from app.domain.context import Context
from app.domain.decision import Decision
from app.domain.disputes import NEEDED, NOTES_LENGTH, decide_handling, decide_words, outcomes_for
from app.domain.errors import Invalid
from app.domain.money import Money
from app.domain.permissions import Permission, require
from app.domain.vocabulary import DisputeResolution, DisputeStatus, RefundState, RefundType
from app.extensions import db
from app.foundation.audit import record_staff_act
from app.foundation.transaction import transaction
from app.models import AdminAuditTrail, MentoringSession, Refund, SessionDispute
from app.money.rows import MoneyRows, lock_rows, read_rows
from app.money.telling import tell_refund_issued
from app.support.disputes import telling
from app.support.disputes.loading import (
    load_dispute,
    lock_dispute,
    lock_for_staff,
    note_first_answer,
    session_id_of,
    touch,
)
from app.support.disputes.outcomes import (
    Performed,
    Wish,
    perform_outcome,
    plan_outcome,
    refund_told,
    why_not,
)
from app.support.disputes.plans import Outcome
from app.support.staff_acts import PlanRow, fingerprint_of, require_seen, require_staff_for

ACTION = "ADMIN_DISPUTE_RESOLVED"
_LONGEST_MESSAGE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionPlan:
    """What will happen, shown before and obeyed by the act.

    :param fingerprint: of the facts alone; what one may type in the dialog is no part of it
    """

    decision: Decision
    outcome: DisputeResolution
    sentence: str
    button: str
    rows: Sequence[PlanRow]
    is_dangerous: bool
    needs_approval: bool
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One outcome that this person may choose; ``why_not`` says when the case has nothing for it."""

    outcome: DisputeResolution
    why_not: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What was done."""

    dispute_id: UUID
    status: DisputeStatus
    awaits_approval: bool

    @property
    def sentence(self) -> str:
        if self.awaits_approval:
            return "The refund waits for a second person. The dispute is resolved once they have approved it."
        return "Those concerned are being told."


def offers(session: MentoringSession, ctx: Context) -> list[Offer]:
    """The outcomes that this reader's role may bring about; none of another role's is named (DSP-4)."""
    return [Offer(outcome=outcome, why_not=why_not(session, outcome)) for outcome in outcomes_for(ctx.actor.role)]


def preview_resolution(dispute_id: UUID, *, wish: Wish, ctx: Context) -> ResolutionPlan:
    """What a resolution would do now; nothing is changed.

    :raises NotFound: there is no such dispute
    :raises Forbidden: the role may not, or it is one's own case
    """
    require(ctx.actor, Permission.DISPUTE_RESOLVE)
    dispute, session = load_dispute(dispute_id)
    _require_resolver(session, wish, ctx)
    return _plan(dispute, session, read_rows(session.id), wish, ctx)


def resolve_dispute(dispute_id: UUID, *, wish: Wish, fingerprint: str | None, ctx: Context) -> Resolved:
    """This function will do what the resolution says, and close the dispute (ACT-8, DSP-4).

    A refund above the threshold leaves it open until a second person has decided (MN-9).

    :param fingerprint: the preview's; None acts without one, for callers that show none (the API)
    :raises NotFound: there is no such dispute
    :raises Forbidden: the role may not resolve, or not in this way, or it is one's own case
    :raises Conflict: it is closed, or waits for a second person
    :raises StalePreview: the case changed since the preview
    :raises Invalid: notes or another input cannot be used
    """
    require(ctx.actor, Permission.DISPUTE_RESOLVE)
    with transaction():
        if wish.starts_at is not None:
            # Whoever holds the new time with a payment that ran out has to be locked with the parties (AV-4, AV-5).
            load_for_moving(ctx, session_id_of(dispute_id), wish.starts_at)
        dispute, session = lock_for_staff(dispute_id, Permission.DISPUTE_RESOLVE, ctx)
        _require_resolver(session, wish, ctx)
        _decide_open(dispute).require()
        plan = _plan(dispute, session, lock_rows(session), wish, ctx)
        require_seen(fingerprint, plan.fingerprint)
        notes = _checked_words(wish)
        plan.decision.require()
        before = dispute.status
        done = perform_outcome(dispute, session, wish, ctx)
        _close(dispute, session, wish, notes, done, ctx)
        record_staff_act(
            action=ACTION,
            reason=notes,
            ctx=ctx,
            subject_type="dispute",
            subject_id=dispute.id,
            session_id=session.id,
            previous_status=before,
            new_status=dispute.status,
            details={
                "resolution": wish.outcome,
                "dismissed": wish.dismisses,
                "message": wish.message.strip(),
                **done.details,
            },
        )
    return Resolved(dispute_id=dispute.id, status=dispute.status, awaits_approval=done.awaiting is not None)


def settle_awaiting(refund_id: UUID, *, ctx: Context) -> bool:
    """This function will go on with the dispute whose refund was approved or declined; False when there is none.

    Approved: it is resolved, and everybody is told. Declined: it is open again, and whoever has it is told.
    """
    dispute_id = db.session.scalar(select(SessionDispute.id).where(SessionDispute.awaiting_refund_id == refund_id))
    if dispute_id is None:
        return False
    with transaction():
        dispute, session = lock_dispute(dispute_id, ctx)
        if dispute.awaiting_refund_id != refund_id:
            return False
        refund = db.session.get_one(Refund, refund_id, populate_existing=True)
        if refund.status is RefundState.AWAITING_APPROVAL:
            return False
        dispute.awaiting_refund_id = None
        touch(dispute, ctx)
        if refund.status is RefundState.DECLINED:
            dispute.resolution_action = dispute.resolution_notes = dispute.resolved_by = None
            telling.refund_refused(dispute, ctx)
            return True
        amount, as_credit = Money(refund.amount_minor, refund.currency), refund.type is RefundType.BONUS
        dispute.status, dispute.resolved_at = DisputeStatus.RESOLVED, ctx.now
        told = refund_told(dispute, session, amount, as_credit=as_credit)
        telling.resolved(dispute, session, _with_message(told, _message_of(dispute)), ctx)
        # Whoever approved it left the telling to us, so that both parties hear of both at once.
        tell_refund_issued(session, refund, ctx)
    return True


def settle_all_awaiting(*, ctx: Context, batch: int = 200) -> int:
    """This function will go on with every dispute whose refund was decided meanwhile, and give how many."""
    with transaction():
        decided = db.session.scalars(
            select(Refund.id)
            .join(SessionDispute, SessionDispute.awaiting_refund_id == Refund.id)
            .where(Refund.status != RefundState.AWAITING_APPROVAL)
            .limit(batch)
        ).all()
    return sum(settle_awaiting(refund_id, ctx=ctx) for refund_id in decided)


def _require_resolver(session: MentoringSession, wish: Wish, ctx: Context) -> None:
    require_staff_for(session, Permission.DISPUTE_RESOLVE, ctx)
    require(ctx.actor, NEEDED[wish.outcome])


def _decide_open(dispute: SessionDispute) -> Decision:
    return decide_handling(dispute.status, awaits_approval=dispute.awaiting_refund_id is not None, ends=True)


def _checked_words(wish: Wish) -> str:
    texts = {"notes": wish.notes.replace("\0", "").strip(), "message": wish.message.strip()}
    decide_words(texts, {"notes": NOTES_LENGTH, "message": (0, _LONGEST_MESSAGE)}).require()
    if wish.dismisses and wish.outcome is not DisputeResolution.NO_ACTION:
        message = "Only a report to which no step follows can be dismissed."
        raise Invalid(message, fields={"dismiss": message})
    return texts["notes"]


def _close(
    dispute: SessionDispute, session: MentoringSession, wish: Wish, notes: str, done: Performed, ctx: Context
) -> None:
    dispute.resolution_action, dispute.resolution_notes = wish.outcome, notes
    dispute.resolved_by = ctx.actor.user_id
    dispute.assigned_to = dispute.assigned_to or ctx.actor.user_id
    dispute.waiting_since = None
    touch(dispute, ctx)
    if done.awaiting is not None:
        dispute.awaiting_refund_id, dispute.status = done.awaiting, DisputeStatus.IN_PROGRESS
        return
    note_first_answer(dispute, ctx)
    dispute.status = DisputeStatus.DISMISSED if wish.dismisses else DisputeStatus.RESOLVED
    dispute.resolved_at = ctx.now
    telling.resolved(dispute, session, _with_message(done.told, wish.message), ctx)


def _with_message(told: str, message: str) -> str:
    return f"{told} {message.strip()}".strip()


def _message_of(dispute: SessionDispute) -> str:
    """What whoever asked for the refund wanted to say with it; it stands in the record of that act."""
    details = db.session.scalar(
        select(AdminAuditTrail.details)
        .where(
            AdminAuditTrail.subject_type == "dispute",
            AdminAuditTrail.subject_id == str(dispute.id),
            AdminAuditTrail.action == ACTION,
        )
        .order_by(AdminAuditTrail.seq.desc())
        .limit(1)
    )
    return str((details or {}).get("message", ""))


def _plan(
    dispute: SessionDispute, session: MentoringSession, rows: MoneyRows, wish: Wish, ctx: Context
) -> ResolutionPlan:
    found: Outcome = plan_outcome(dispute, session, rows, wish, ctx)
    handling = _decide_open(dispute)
    decision = found.decision if handling.allowed else handling
    return ResolutionPlan(
        decision=decision,
        outcome=wish.outcome,
        sentence=found.sentence if handling.allowed else handling.message,
        button=found.button,
        rows=found.rows,
        is_dangerous=found.is_dangerous,
        needs_approval=found.needs_approval,
        fingerprint=fingerprint_of(
            {
                "act": ACTION,
                "dispute": dispute.id,
                "version": dispute.version,
                "session_version": session.version,
                "status": session.status,
                "outcome": wish.outcome,
                **found.facts,
            }
        ),
    )
