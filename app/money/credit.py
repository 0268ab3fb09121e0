"""A mentee's credit as its owner sees it: how much of each currency, and where it came from (MN-7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from app.domain.ledger import LedgerEvent, wallet
from app.domain.money import Money
from app.domain.vocabulary import AccountKind
from app.extensions import db
from app.models import LedgerAccount, LedgerPosting, LedgerTransaction, MentoringSession
from app.money.rows import read_rows
from app.money.wallets import available_credit


@dataclass(frozen=True, slots=True)
class CreditLine:
    """One movement; what came in is positive."""

    at: datetime
    event: LedgerEvent
    amount: Money
    session_id: UUID | None
    title: str | None


def credits_of(mentee_id: UUID) -> list[Money]:
    """What the mentee has in each currency in which there is or ever was any."""
    rows = db.session.execute(
        select(LedgerAccount.currency, func.sum(LedgerPosting.amount_minor).label("total"))
        .join(LedgerPosting, LedgerPosting.account_id == LedgerAccount.id)
        .where(LedgerAccount.owner_id == mentee_id, LedgerAccount.kind == AccountKind.MENTEE_CREDIT)
        .group_by(LedgerAccount.currency)
        .order_by(LedgerAccount.currency)
    )
    return [Money(wallet(int(row.total)), row.currency) for row in rows]


def credit_history(mentee_id: UUID, *, limit: int, offset: int = 0) -> Sequence[CreditLine]:
    """Every movement of it, the latest first."""
    rows = db.session.execute(
        select(
            LedgerTransaction.created_at,
            LedgerTransaction.kind,
            LedgerPosting.amount_minor,
            LedgerPosting.currency,
            LedgerTransaction.session_id,
            MentoringSession.title,
        )
        .join(LedgerPosting, LedgerPosting.transaction_id == LedgerTransaction.id)
        .join(LedgerAccount, LedgerAccount.id == LedgerPosting.account_id)
        .outerjoin(MentoringSession, MentoringSession.id == LedgerTransaction.session_id)
        .where(LedgerAccount.owner_id == mentee_id, LedgerAccount.kind == AccountKind.MENTEE_CREDIT)
        .order_by(LedgerTransaction.created_at.desc(), LedgerTransaction.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [
        CreditLine(
            row.created_at,
            LedgerEvent(row.kind),
            Money(wallet(row.amount_minor), row.currency),
            row.session_id,
            row.title,
        )
        for row in rows
    ]


def credit_for(mentee_id: UUID, price: Money) -> Money:
    """How much of a price the next checkout would take from the mentee's credit."""
    if price.minor == 0:
        return price
    return Money(min(available_credit(mentee_id, price.currency).minor, price.minor), price.currency)


def credit_used_by(session_id: UUID, currency: str) -> Money:
    """What a session was paid by credit, or what its open payment has set aside of it."""
    rows = read_rows(session_id)
    payment = rows.paid_by or rows.open_payment
    return Money(payment.credit_minor if payment else 0, currency)
