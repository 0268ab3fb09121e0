"""Refunds: decided, approved or declined by a second person, withdrawn, tried again (MN-6, MN-7, MN-9).

The row exists before the gateway hears of it and keeps its key for ever. Sending it is ``money.sending``'s work.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import select

from app.domain.context import Context
from app.domain.errors import Conflict, NotFound
from app.domain.ledger import goodwill_bonus, goodwill_withdrawn, refund_processed, refund_requested, refund_withdrawn
from app.domain.money import Money
from app.domain.permissions import Permission, require
from app.domain.refunds import (
    RefundDecision,
    Split,
    decide_manual_refund,
    decide_percentage_refund,
    decide_second_opinion,
)
from app.domain.vocabulary import RefundState, RefundType
from app.extensions import db
from app.foundation import audit, outbox
from app.foundation.policies import policies_for
from app.foundation.transaction import transaction
from app.models import MentoringSession, Payment, Refund, SessionDispute
from app.money.ledger import is_settled, post
from app.money.rows import MoneyRows, keep_summary, lock_rows, lock_session, terms_of
from app.money.sending import (
    KIND,
    RefundOrder,
    load_for_send,
    record_refund_result,
    send_refund,
)
from app.money.settlement import settle_if_over
from app.money.telling import tell_paid_twice, tell_refund_arrived, tell_refund_awaits, tell_refund_issued
from app.money.wallets import available_credit, lock_credit

__all__ = [
    "RefundOrder",
    "approve_refund",
    "audit_refund_act",
    "decide_refund",
    "decline_refund",
    "load_for_send",
    "load_refund",
    "record_refund_result",
    "refund_unwanted",
    "request_refund",
    "retry_refund",
    "send_refund",
    "withdraw_refund",
]


def decide_refund(
    session: MentoringSession,
    rows: MoneyRows,
    *,
    percentage: int | None = None,
    amount: Money | None = None,
    type: RefundType = RefundType.POLICY,  # noqa: A002 - the column's name
    by_staff: bool = False,
) -> RefundDecision:
    """The refund that would be made, for a preview and for the act itself: one of percentage and amount is given."""
    if (percentage is None) is (amount is None):
        raise ValueError("A refund is either a percentage of what was paid or an amount")
    threshold = policies_for(session).values.refund_approval_threshold
    facts = rows.facts(session.currency)
    if amount is not None:
        return decide_manual_refund(facts, type, amount, threshold=threshold)
    assert percentage is not None
    return decide_percentage_refund(facts, percentage, by_staff=by_staff, threshold=threshold)


def request_refund(
    session: MentoringSession,
    *,
    percentage: int | None = None,
    amount: Money | None = None,
    type: RefundType = RefundType.POLICY,  # noqa: A002 - the column's name
    reason: str,
    ctx: Context,
    by_staff: bool = False,
    notify_parties: bool = True,
    send_at: datetime | None = None,
) -> Refund | None:
    """This function will decide a refund of a locked session; None when nothing is missing to the percentage.

    A percentage is a target: the refund is what is missing to it, so that asking twice refunds once. An amount is a
    person's wish of ``type`` full, partial or bonus. Above the threshold it waits for a second person (MN-9).

    :param by_staff: whether a person of staff decided it, and not a rule
    :param send_at: not before this instant (LEAD-1); default: at once
    :raises Invalid: the percentage is none, or the amount does not fit its type or what is left
    """
    rows = lock_rows(session)
    staff = by_staff or amount is not None
    decision = decide_refund(session, rows, percentage=percentage, amount=amount, type=type, by_staff=staff)
    decision.require()
    if decision.amount.minor == 0:
        if rows.paid_by is not None and not rows.decided():
            session.refund_percentage = percentage  # nothing goes back, and that was decided
        return None
    is_bonus = type is RefundType.BONUS
    refund = _new_refund(session, None if is_bonus else rows.paid_by, decision.split, type=type, reason=reason, ctx=ctx)
    refund.percentage = percentage
    refund.by_staff = staff
    refund.requested_by = ctx.actor.user_id
    refund.notify_parties = notify_parties
    if decision.needs_approval:
        refund.status = RefundState.AWAITING_APPROVAL
        db.session.flush()
        tell_refund_awaits(session, refund, ctx)
    else:
        _go_ahead(session, rows, refund, ctx, send_at=send_at)
    return refund


def refund_unwanted(session: MentoringSession, payment: Payment, ctx: Context) -> Refund:
    """This function will send a captured payment back whole that does not count for its session (MN-1).

    Its ledger entry already owes the money back, so that only sending it is left.
    """
    split = Split(payment.amount_minor, 0)
    reason = "The session did not need this payment."
    refund = _new_refund(session, payment, split, type=RefundType.FULL, reason=reason, ctx=ctx)
    refund.percentage = 100
    db.session.flush()
    _put(session, refund, ctx, send_at=None)
    tell_paid_twice(session, refund, ctx)
    return refund


def approve_refund(refund_id: UUID, *, reason: str, ctx: Context) -> Refund:
    """This function will agree to another person's refund, which then goes its way (MN-9).

    :raises Forbidden: not an admin, or the one who asked for it
    :raises Conflict: it was decided already
    """
    with transaction():
        session, rows, refund = _load_to_decide(refund_id, ctx)
        refund.approved_by, refund.decided_at = ctx.actor.user_id, ctx.now
        _require_something_left(rows, refund)
        audit_refund_act("ADMIN_REFUND_APPROVED", session, refund, reason, ctx)
        _go_ahead(session, rows, refund, ctx, send_at=None)
        if not _is_told_by_a_dispute(refund):
            tell_refund_issued(session, refund, ctx)
        settle_if_over(session, lock_rows(session), ctx)
        return refund


def decline_refund(refund_id: UUID, *, reason: str, ctx: Context) -> Refund:
    """This function will refuse another person's refund; nothing moves, and the mentee hears nothing of it (MN-9).

    :raises Forbidden: not an admin, or the one who asked for it
    :raises Conflict: it was decided already
    """
    with transaction():
        session, _rows, refund = _load_to_decide(refund_id, ctx)
        refund.status, refund.decided_at = RefundState.DECLINED, ctx.now
        refund.error = reason
        audit_refund_act("ADMIN_REFUND_DECLINED", session, refund, reason, ctx)
        rows = lock_rows(session)
        keep_summary(session, rows)
        settle_if_over(session, rows, ctx)
        return refund


def withdraw_refund(session: MentoringSession, refund: Refund, *, reason: str, ctx: Context) -> bool:
    """This function will take back a refund of a locked session that nobody has begun to send (LEAD-1, ACT-5).

    False when it is too late: the gateway may have heard of it, or the credit has been used.
    """
    rows = lock_rows(session)
    is_bonus = refund.type is RefundType.BONUS
    if refund.status is RefundState.PENDING:
        # Waiting for another try, it may have reached the gateway before.
        if refund.attempts or not outbox.withdraw([refund.idempotency_key], ctx=ctx):
            return False
        net = rows.net_minor
        entry = refund_withdrawn(terms_of(session), refund.amount_minor, net_before=net, settled=is_settled(session.id))
        post(entry, source_id=refund.id, ctx=ctx, session_id=session.id, note=reason)
    elif refund.status is RefundState.PROCESSED and is_bonus:
        lock_credit(session.mentee_id, refund.currency)
        if available_credit(session.mentee_id, refund.currency).minor < refund.amount_minor:
            return False  # spent, or set aside by a checkout
        entry = goodwill_withdrawn(terms_of(session), refund.amount_minor)
        post(entry, source_id=refund.id, ctx=ctx, session_id=session.id, note=reason)
    elif refund.status is not RefundState.AWAITING_APPROVAL:
        return False
    refund.status, refund.decided_at, refund.error = RefundState.DECLINED, ctx.now, reason
    rows = lock_rows(session)
    if not rows.decided():
        session.refund_percentage = None
    keep_summary(session, rows)
    return True


def retry_refund(refund_id: UUID, *, reason: str, ctx: Context) -> Refund:
    """This function will send a refund that failed for good once more, under its one key (MN-8).

    :raises Conflict: it has not failed
    """
    require(ctx.actor, Permission.REFUND_RETRY)
    with transaction():
        session, rows, refund = load_refund(refund_id)
        if refund.status is not RefundState.FAILED:
            raise Conflict("This refund has not failed. Reload the page to see where it stands.", code="not_failed")
        refund.status = RefundState.PENDING
        audit_refund_act("ADMIN_REFUND_RETRIED", session, refund, reason, ctx)
        keep_summary(session, rows)
        outbox.put(
            KIND,
            key=f"{refund.idempotency_key}:again:{refund.attempts}",
            payload={"refund_id": refund.id},
            ctx=ctx,
            session_id=session.id,
        )
        return refund


def _new_refund(
    session: MentoringSession,
    payment: Payment | None,
    split: Split,
    *,
    type: RefundType,  # noqa: A002 - the column's name
    reason: str,
    ctx: Context,
) -> Refund:
    refund_id = uuid4()
    refund = Refund(
        id=refund_id,
        session_id=session.id,
        payment_id=payment.id if payment else None,
        amount_minor=split.total_minor,
        credit_minor=split.credit_minor,
        currency=session.currency,
        type=type,
        reason=reason,
        status=RefundState.PENDING,
        idempotency_key=f"refund:{refund_id}",
        attempts=0,
        created_at=ctx.now,
    )
    db.session.add(refund)
    return refund


def _go_ahead(
    session: MentoringSession, rows: MoneyRows, refund: Refund, ctx: Context, *, send_at: datetime | None
) -> None:
    """Nobody has to agree any more: the shares go back, and the money is sent, or becomes credit at once."""
    terms = terms_of(session)
    if refund.type is RefundType.BONUS:
        entry = goodwill_bonus(terms, refund.amount_minor)
    else:
        settled = is_settled(session.id)
        entry = refund_requested(terms, refund.amount_minor, net_before=rows.net_minor, settled=settled)
    refund.status = RefundState.PENDING
    db.session.flush()
    post(entry, source_id=refund.id, ctx=ctx, session_id=session.id)
    if refund.credit_minor < refund.amount_minor:
        _put(session, refund, ctx, send_at=send_at)
    else:
        if refund.type is not RefundType.BONUS:
            arrived = refund_processed(terms, Split(0, refund.credit_minor))
            post(arrived, source_id=refund.id, ctx=ctx, session_id=session.id)
        refund.status, refund.processed_at = RefundState.PROCESSED, ctx.now
        tell_refund_arrived(session, refund, ctx)
    keep_summary(session, lock_rows(session))


def _put(session: MentoringSession, refund: Refund, ctx: Context, *, send_at: datetime | None) -> None:
    outbox.put(
        KIND,
        key=refund.idempotency_key,
        payload={"refund_id": refund.id},
        ctx=ctx,
        session_id=session.id,
        available_at=send_at,
    )


def load_refund(refund_id: UUID) -> tuple[MentoringSession, MoneyRows, Refund]:
    """This function will lock a refund with its session and all its money.

    :raises NotFound: there is none
    """
    session_id = db.session.scalar(select(Refund.session_id).where(Refund.id == refund_id))
    if session_id is None:
        raise NotFound
    session = lock_session(session_id)
    rows = lock_rows(session)
    return session, rows, next(refund for refund in rows.refunds if refund.id == refund_id)


def _load_to_decide(refund_id: UUID, ctx: Context) -> tuple[MentoringSession, MoneyRows, Refund]:
    require(ctx.actor, Permission.REFUND_APPROVE)
    session, rows, refund = load_refund(refund_id)
    if refund.status is not RefundState.AWAITING_APPROVAL:
        raise Conflict("This refund was decided already. Reload the page to see how.", code="decided_already")
    decide_second_opinion(requested_by=refund.requested_by, approver=ctx.actor.user_id).require()
    return session, rows, refund


def _require_something_left(rows: MoneyRows, refund: Refund) -> None:
    """What somebody paid back at the gateway by hand meanwhile is not there any more (MN-14)."""
    if refund.type is not RefundType.BONUS and refund.amount_minor > rows.net_minor:
        message = "Less than this is left of the payment by now. Decline it, and refund what is left."
        raise Conflict(message, code="less_is_left")


def _is_told_by_a_dispute(refund: Refund) -> bool:
    """A dispute that waits for this refund is resolved by it, and tells both parties of both at once (DSP-4)."""
    waits = select(SessionDispute.id).where(SessionDispute.awaiting_refund_id == refund.id)
    return db.session.scalar(waits) is not None


def audit_refund_act(action: str, session: MentoringSession, refund: Refund, reason: str, ctx: Context) -> None:
    """This function will write the staff trail's row of what somebody decided about a refund."""
    audit.record_staff_act(
        action=action,
        reason=reason,
        ctx=ctx,
        subject_type="refund",
        subject_id=refund.id,
        session_id=session.id,
        details={
            "refundAmount": str(Money(refund.amount_minor, refund.currency).amount),
            "currency": refund.currency,
            "refundType": refund.type,
            "requestedBy": refund.requested_by,
        },
    )
