"""Payouts: what mentors have available is sent in a batch, recorded once, never more than there is (MN-10, MN-13)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import func, select

from app.domain.context import Context
from app.domain.errors import Conflict, Invalid, StalePreview
from app.domain.ledger import payout, wallet
from app.domain.money import Money, decimals
from app.domain.permissions import Permission, require
from app.domain.vocabulary import AccountKind, NotificationType
from app.domain.wording import format_money, is_number_typed
from app.extensions import db
from app.foundation.audit import record_staff_act
from app.foundation.transaction import transaction
from app.messaging.notify import notify
from app.models import LedgerAccount, LedgerPosting, Payout, User
from app.money.ledger import post

ACTION: Final = "ADMIN_PAYOUT_RECORDED"
_SMALLEST: Final = 10
_WALLET: Final = "/mentor/wallet"


@dataclass(frozen=True, slots=True)
class PayoutLine:
    """One mentor's available balance.

    :param why_not: why nothing is sent; empty when it is
    """

    mentor: User
    available: Money
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class PayoutPlan:
    """What a batch would send now, and what it would leave.

    :param fingerprint: of who gets how much, so that what was seen is what is recorded
    """

    currency: str
    minimum: Money
    sent: Sequence[PayoutLine]
    left: Sequence[PayoutLine]

    @property
    def total(self) -> Money:
        return Money(sum(line.available.minor for line in self.sent), self.currency)

    @property
    def fingerprint(self) -> str:
        text = ",".join(f"{line.mentor.id.hex}:{line.available.minor}" for line in self.sent)
        return hashlib.sha256(f"{self.currency} {text}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class PayoutBatch:
    """What was recorded in one go."""

    id: UUID
    total: Money
    count: int
    recorded_at: datetime
    recorded_by: str | None = None


def payout_currencies() -> list[str]:
    """The currencies in which mentors have ever earned."""
    rows = db.session.scalars(
        select(LedgerAccount.currency).where(LedgerAccount.kind == AccountKind.MENTOR_PAYABLE).distinct()
    )
    return sorted(rows)


def usual_minimum(currency: str) -> Money:
    """Less than this is not sent unless somebody says so: ten whole units."""
    return Money(_SMALLEST * 10 ** decimals(currency), currency)


def preview_payouts(currency: str, *, minimum: Money, ctx: Context) -> PayoutPlan:
    """What a batch in this currency would send; nothing is changed.

    :raises Forbidden: not an admin
    :raises Invalid: the minimum is below zero
    """
    require(ctx.actor, Permission.PAYOUT_RECORD)
    return _plan(currency, minimum)


def record_payouts(
    currency: str,
    *,
    minimum: Money,
    reference: str,
    fingerprint: str,
    reason: str,
    ctx: Context,
    typed: str | None = None,
) -> PayoutBatch:
    """This function will record a batch: a row and a ledger entry for each mentor, and tell them (MN-10).

    The accounts are locked while the balances are read, so that two batches at once never send the same money.

    :param reference: the bank's, or whatever names the transfer; empty makes one
    :param fingerprint: the preview's
    :param reason: for the audit trail
    :param typed: how many mentors are paid, typed by hand; None where a program asks, which would copy the number
    :raises Forbidden: not an admin
    :raises StalePreview: balances changed since the preview
    :raises Conflict: there is nothing to send
    :raises Invalid: another number was typed
    """
    require(ctx.actor, Permission.PAYOUT_RECORD)
    actor = ctx.actor.user_id
    if actor is None:
        raise Invalid("A payout is recorded by a person.")
    with transaction():
        _lock_payable_accounts(currency)
        plan = _plan(currency, minimum)
        if plan.fingerprint != fingerprint:
            raise StalePreview("Balances changed since you opened this. Look at the batch as it is now.")
        if not plan.sent:
            raise Conflict("There is nothing to pay out.", code="nothing_to_pay_out")
        if typed is not None and not is_number_typed(typed, len(plan.sent)):
            told = f"Type {len(plan.sent)}, the number of mentors who are paid."
            raise Invalid(told, fields={"typed": told})
        batch_id = uuid4()
        name = reference.strip()[:60] or f"MD-{batch_id.hex[:8].upper()}"
        for number, line in enumerate(plan.sent, start=1):
            _record(line, batch_id, f"{name}-{number}", actor, ctx)
        record_staff_act(
            action=ACTION,
            reason=reason,
            ctx=ctx,
            subject_type="payout_batch",
            subject_id=batch_id,
            details={
                "currency": currency,
                "total": str(plan.total.amount),
                "mentors": len(plan.sent),
                "minimum": str(minimum.amount),
                "reference": name,
            },
        )
    return PayoutBatch(batch_id, plan.total, len(plan.sent), ctx.now)


def payouts_of(mentor_id: UUID, *, limit: int = 50) -> Sequence[Payout]:
    """What was sent to a mentor, the latest first (MN-10)."""
    return db.session.scalars(
        select(Payout).where(Payout.mentor_id == mentor_id).order_by(Payout.created_at.desc(), Payout.id).limit(limit)
    ).all()


def count_batches() -> int:
    """How many batches were ever recorded."""
    return db.session.scalar(select(func.count(Payout.batch_id.distinct()))) or 0


def payout_batches(*, limit: int = 50, offset: int = 0) -> list[PayoutBatch]:
    """What was recorded, the latest batch first."""
    rows = db.session.execute(
        select(
            Payout.batch_id,
            Payout.currency,
            func.sum(Payout.amount_minor).label("total"),
            func.count().label("mentors"),
            func.min(Payout.created_at).label("at"),
            func.min(User.name).label("by"),
        )
        .join(User, User.id == Payout.recorded_by)
        .group_by(Payout.batch_id, Payout.currency)
        .order_by(func.min(Payout.created_at).desc(), Payout.batch_id)
        .limit(limit)
        .offset(offset)
    )
    return [PayoutBatch(row.batch_id, Money(int(row.total), row.currency), row.mentors, row.at, row.by) for row in rows]


def _record(line: PayoutLine, batch_id: UUID, reference: str, actor: UUID, ctx: Context) -> None:
    row = Payout(
        id=uuid4(),
        batch_id=batch_id,
        mentor_id=line.mentor.id,
        amount_minor=line.available.minor,
        currency=line.available.currency,
        reference=reference,
        recorded_by=actor,
        created_at=ctx.now,
    )
    db.session.add(row)
    db.session.flush()
    amount = line.available
    post(
        payout(line.mentor.id, amount.minor, amount.currency, available_minor=amount.minor),
        source_id=row.id,
        ctx=ctx,
        note=reference,
    )
    notify(
        line.mentor.id,
        NotificationType.PAYMENT_RECEIVED,
        title="Payout Sent",
        body=f"{format_money(amount)} are on their way to your bank account. Reference: {reference}.",
        action_url=_WALLET,
        ctx=ctx,
    )


def _lock_payable_accounts(currency: str) -> None:
    db.session.execute(
        select(LedgerAccount.id)
        .where(LedgerAccount.kind == AccountKind.MENTOR_PAYABLE, LedgerAccount.currency == currency)
        .order_by(LedgerAccount.owner_id)
        .with_for_update(key_share=True)
    )


def _plan(currency: str, minimum: Money) -> PayoutPlan:
    if minimum.minor < 0:
        message = "The smallest payout is zero or more."
        raise Invalid(message, fields={"minimum": message})
    rows = db.session.execute(
        select(User, func.sum(LedgerPosting.amount_minor).label("total"))
        .join(LedgerAccount, LedgerAccount.owner_id == User.id)
        .join(LedgerPosting, LedgerPosting.account_id == LedgerAccount.id)
        .where(LedgerAccount.kind == AccountKind.MENTOR_PAYABLE, LedgerAccount.currency == currency)
        .group_by(User.id)
        .having(func.sum(LedgerPosting.amount_minor) != 0)
        .order_by(User.name, User.id)
    )
    lines = [_line(row.User, Money(wallet(int(row.total)), currency), minimum) for row in rows]
    sent, left = [line for line in lines if not line.why_not], [line for line in lines if line.why_not]
    return PayoutPlan(currency, minimum, sent, left)


def _line(mentor: User, available: Money, minimum: Money) -> PayoutLine:
    why_not = ""
    if available.minor < 0:
        why_not = "Below zero: future earnings settle it first"
    elif mentor.suspended_at is not None:
        why_not = "The account is suspended"
    elif available < minimum:
        why_not = "Less than the smallest payout"
    return PayoutLine(mentor, available, why_not)
