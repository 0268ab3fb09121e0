"""Refunds that need a person: approve or decline another's, try a failed one again, settle it outside (MN-8, MN-9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from app.booking.access import load_session_for
from app.domain.context import Context
from app.domain.errors import Conflict, DomainError, Invalid, NotFound, ProviderFailed
from app.domain.money import Money
from app.domain.permissions import OWN_CASE, Permission, may, require
from app.domain.refunds import decide_second_opinion
from app.domain.vocabulary import RefundState, RefundType
from app.domain.wording import format_money
from app.extensions import db
from app.foundation.transaction import in_transaction
from app.integrations.payments.base import GatewayRefundState, PaymentGateway
from app.models import MentoringSession, Payment, Refund, User
from app.money.outside import settle_refund_outside
from app.money.refunds import approve_refund, decline_refund, record_refund_result, retry_refund
from app.support.disputes.resolving import settle_awaiting
from app.support.staff_acts import clean_reason, is_own_case, require_staff_for

_log = structlog.get_logger(__name__)

_LISTED: Final = 100
COUNT_CAP: Final = 10_000


class RefundAct(StrEnum):
    """What can be done about a refund."""

    APPROVE = "approve"
    DECLINE = "decline"
    RETRY = "retry"
    SETTLE = "settle"


_NEEDS: Final = {
    RefundAct.APPROVE: (Permission.REFUND_APPROVE, RefundState.AWAITING_APPROVAL),
    RefundAct.DECLINE: (Permission.REFUND_APPROVE, RefundState.AWAITING_APPROVAL),
    RefundAct.RETRY: (Permission.REFUND_RETRY, RefundState.FAILED),
    RefundAct.SETTLE: (Permission.REFUND_SETTLE_OUTSIDE, RefundState.FAILED),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundCase:
    """A refund with all that a decision about it needs.

    :param why_not: for each act that this reader's role has: why it cannot be done now; None when it can
    """

    refund: Refund
    session: MentoringSession
    amount: Money
    price: Money
    asked_by: User | None
    why_not: dict[RefundAct, str | None]

    @property
    def is_bonus(self) -> bool:
        return self.refund.type is RefundType.BONUS

    @property
    def since(self) -> datetime:
        return self.refund.created_at


def refund_cases(
    state: RefundState, *, ctx: Context, page: int = 1, size: int = _LISTED, newest_first: bool = False
) -> Sequence[RefundCase]:
    """One page of the refunds in one state, those that wait longest first.

    :raises Forbidden: the reader's role does not see refunds
    :raises Invalid: the page lies too far back
    """
    require(ctx.actor, Permission.REFUND_VIEW)
    if page * size > COUNT_CAP:
        message = f"Only the first {COUNT_CAP:,} are listed."
        raise Invalid(message, fields={"page": message})
    order = [each.desc() if newest_first else each.asc() for each in (Refund.created_at, Refund.id)]
    keys = select(Refund.id).where(Refund.status == state).order_by(*order).limit(size).offset((page - 1) * size)
    rows = db.session.execute(
        select(Refund, MentoringSession, User)
        .join(MentoringSession, MentoringSession.id == Refund.session_id)
        .outerjoin(User, User.id == Refund.requested_by)
        .where(Refund.id.in_(keys))
        .options(joinedload(MentoringSession.mentor), joinedload(MentoringSession.mentee))
        .order_by(*order)
    )
    return [_case(refund, session, asked_by, ctx) for refund, session, asked_by in rows]


def count_refunds(state: RefundState) -> int:
    """How many refunds are in one state, counted up to one more than ``COUNT_CAP``."""
    capped = select(Refund.id).where(Refund.status == state).limit(COUNT_CAP + 1).subquery()
    return db.session.scalar(select(func.count()).select_from(capped)) or 0


def refund_case(refund_id: UUID, act: RefundAct, *, ctx: Context) -> RefundCase:
    """One refund, for whoever may decide ``act`` about it.

    :raises NotFound: there is no such refund
    :raises Forbidden: the role may not, it is one's own case, or one's own request
    """
    refund = db.session.get(Refund, refund_id, populate_existing=True)
    if refund is None:
        raise NotFound
    session = load_session_for(ctx, refund.session_id)
    require_staff_for(session, _NEEDS[act][0], ctx)
    if act in {RefundAct.APPROVE, RefundAct.DECLINE}:
        decide_second_opinion(requested_by=refund.requested_by, approver=ctx.actor.user_id).require()
    asked_by = db.session.get(User, refund.requested_by) if refund.requested_by else None
    return _case(refund, session, asked_by, ctx)


def decide_about_refund(
    refund_id: UUID, act: RefundAct, *, reason: str, gateway: PaymentGateway, ctx: Context
) -> RefundCase:
    """This function will do one of the four acts, audited once.

    :param reason: for the audit trail; the mentee never reads it
    :raises NotFound: there is no such refund
    :raises Forbidden: the role may not, it is one's own case, or one's own request (MN-9)
    :raises Conflict: it is not in the state for it any more, or the gateway paid it after all
    :raises Invalid: the reason cannot be used
    :raises ProviderFailed: settling outside asks the gateway first, and it did not answer
    """
    refund_case(refund_id, act, ctx=ctx)
    text = clean_reason(reason)
    match act:
        case RefundAct.APPROVE:
            approve_refund(refund_id, reason=text, ctx=ctx)
        case RefundAct.DECLINE:
            decline_refund(refund_id, reason=text, ctx=ctx)
        case RefundAct.RETRY:
            retry_refund(refund_id, reason=text, ctx=ctx)
        case RefundAct.SETTLE:
            _require_not_paid_after_all(refund_id, gateway, ctx)
            settle_refund_outside(refund_id, reason=text, ctx=ctx)
    if act in {RefundAct.APPROVE, RefundAct.DECLINE}:
        _go_on_with_dispute(refund_id, ctx)
    return refund_case(refund_id, act, ctx=ctx)


def _go_on_with_dispute(refund_id: UUID, ctx: Context) -> None:
    """The dispute that waited for this decision; whatever keeps it from going on now, the clock tries again (DSP-4)."""
    try:
        settle_awaiting(refund_id, ctx=ctx)
    except DomainError as error:
        _log.info("dispute_still_waits", refund_id=str(refund_id), error=error.error_code)


def _require_not_paid_after_all(refund_id: UUID, gateway: PaymentGateway, ctx: Context) -> None:
    """The last try may have arrived although its answer was lost: to pay again from our bank would pay twice."""
    if in_transaction():
        message = "The gateway is never called inside a transaction (OPS-1)"
        raise RuntimeError(message)
    refund = db.session.get_one(Refund, refund_id)
    if refund.payment_id is None or refund.status is not RefundState.FAILED:
        return
    reference, key = db.session.get_one(Payment, refund.payment_id).reference, refund.idempotency_key
    try:
        found = gateway.find_refund(reference=reference, key=key)
    except ProviderFailed as error:
        if error.retryable or error.unknown:
            raise
        found = None
    if found is not None and found.state is not GatewayRefundState.FAILED:
        if found.state is GatewayRefundState.PROCESSED:
            record_refund_result(refund_id, found, ctx)
        raise Conflict("The gateway paid this refund after all. Nothing is to be settled outside.", code="was_paid")


def _case(refund: Refund, session: MentoringSession, asked_by: User | None, ctx: Context) -> RefundCase:
    return RefundCase(
        refund=refund,
        session=session,
        amount=Money(refund.amount_minor, refund.currency),
        price=Money(session.rate_minor, session.currency),
        asked_by=asked_by,
        why_not={
            act: _why_not(refund, session, act, state, ctx)
            for act, (permission, state) in _NEEDS.items()
            if may(ctx.actor.role, permission)
        },
    )


def _why_not(
    refund: Refund, session: MentoringSession, act: RefundAct, state: RefundState, ctx: Context
) -> str | None:  # fmt: skip
    if is_own_case(session, ctx):
        return OWN_CASE
    if refund.status is not state:
        words = refund.status.value.replace("_", " ")
        return f"This refund is {words} by now. Reload the page to see where it stands."
    if act in {RefundAct.APPROVE, RefundAct.DECLINE}:
        decision = decide_second_opinion(requested_by=refund.requested_by, approver=ctx.actor.user_id)
        return None if decision.allowed else decision.message
    return None


def words_of(case: RefundCase, act: RefundAct) -> str:
    """What will happen, in a sentence."""
    amount, mentee = format_money(case.amount), case.session.mentee.name
    told = "is told now" if case.refund.notify_parties else "is not told"
    match act:
        case RefundAct.APPROVE if case.is_bonus:
            return f"{mentee} gets {amount} of credit at the platform's cost, and {told}."
        case RefundAct.APPROVE:
            return f"{amount} go back to {mentee}, who {told}."
        case RefundAct.DECLINE:
            return f"{mentee} does not get these {amount}, and never hears of them."
        case RefundAct.RETRY:
            return f"{amount} are sent to {mentee} once more under the same key: the gateway cannot pay them twice."
        case RefundAct.SETTLE:
            return (
                f"You paid {amount} to {mentee} another way, by bank transfer for instance. The gateway is asked first "
                f"whether it paid after all; then {mentee} {told}."
            )
