"""What mentors have earned and what credit mentees have (MN-5, MN-7, MN-10, MN-13). Always the sum of postings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

from sqlalchemy import Text, Uuid, bindparam, case, func, select

from app.domain.ledger import credit, wallet
from app.domain.money import Money
from app.domain.vocabulary import AccountKind, PaymentState
from app.extensions import db
from app.foundation.prepared import Prepared
from app.models import (
    LedgerAccount,
    LedgerPosting,
    LedgerTransaction,
    MentoringSession,
    Payment,
)
from app.money.ledger import balance, lock_account


@dataclass(frozen=True, slots=True)
class WalletBalance:
    """A mentor's money in one currency.

    :param pending: paid by mentees for sessions that are not over yet
    :param available: may be paid out; below zero after a late reversal, which future earnings settle first (MN-13)
    """

    pending: Money
    available: Money

    @property
    def currency(self) -> str:
        return self.pending.currency

    @property
    def payable(self) -> Money:
        """What a payout may be at most: nothing while the balance is below zero."""
        return Money(max(0, self.available.minor), self.currency)


@dataclass(frozen=True, slots=True)
class Wallet:
    """A mentor's balances, one per currency, in the currencies' order."""

    mentor_id: UUID
    balances: tuple[WalletBalance, ...]

    def in_currency(self, currency: str) -> WalletBalance:
        """The balance in ``currency``; nothing earned yet is zero."""
        empty = WalletBalance(Money(0, currency), Money(0, currency))
        return next((found for found in self.balances if found.currency == currency), empty)


@dataclass(frozen=True, slots=True)
class WalletLine:
    """What one session has brought a mentor so far."""

    session_id: UUID
    title: str
    scheduled_at: datetime | None
    pending: Money
    available: Money


_PENDING = func.coalesce(func.sum(LedgerPosting.amount_minor).filter(LedgerAccount.kind == AccountKind.HELD), 0)
_AVAILABLE = func.coalesce(
    func.sum(LedgerPosting.amount_minor).filter(LedgerAccount.kind == AccountKind.MENTOR_PAYABLE), 0
)
_EARNINGS = (AccountKind.HELD, AccountKind.MENTOR_PAYABLE)


def wallet_of(mentor_id: UUID) -> Wallet:
    """This function will add up what a mentor has coming and has available (MN-10)."""
    rows = db.session.execute(
        select(LedgerAccount.currency, _PENDING.label("pending"), _AVAILABLE.label("available"))
        .join(LedgerPosting, LedgerPosting.account_id == LedgerAccount.id)
        .where(LedgerAccount.owner_id == mentor_id, LedgerAccount.kind.in_(_EARNINGS))
        .group_by(LedgerAccount.currency)
        .order_by(LedgerAccount.currency)
    )
    return Wallet(
        mentor_id,
        tuple(
            WalletBalance(
                Money(wallet(int(row.pending)), row.currency), Money(wallet(int(row.available)), row.currency)
            )
            for row in rows
        ),
    )


def wallet_lines(mentor_id: UUID, *, limit: int, offset: int = 0) -> Sequence[WalletLine]:
    """This function will list what each session brought a mentor, the latest first (MN-10)."""
    rows = db.session.execute(
        select(
            MentoringSession.id,
            MentoringSession.title,
            MentoringSession.scheduled_at,
            LedgerAccount.currency,
            _PENDING.label("pending"),
            _AVAILABLE.label("available"),
        )
        .select_from(LedgerPosting)
        .join(LedgerAccount, LedgerAccount.id == LedgerPosting.account_id)
        .join(LedgerTransaction, LedgerTransaction.id == LedgerPosting.transaction_id)
        .join(MentoringSession, MentoringSession.id == LedgerTransaction.session_id)
        .where(LedgerAccount.owner_id == mentor_id, LedgerAccount.kind.in_(_EARNINGS))
        .group_by(MentoringSession.id, LedgerAccount.currency)
        .order_by(MentoringSession.scheduled_at.desc().nulls_last(), MentoringSession.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [
        WalletLine(
            row.id,
            row.title,
            row.scheduled_at,
            Money(wallet(int(row.pending)), row.currency),
            Money(wallet(int(row.available)), row.currency),
        )
        for row in rows
    ]


def credit_of(mentee_id: UUID, currency: str) -> Money:
    """The mentee's credit, what open payments have set aside included (MN-7)."""
    return Money(wallet(balance(credit(mentee_id), currency)), currency)


def lock_credit(mentee_id: UUID, currency: str) -> None:
    """This function will lock a mentee's credit: two checkouts at once would both count on it (MN-7)."""
    lock_account(credit(mentee_id), currency)


def available_credit(mentee_id: UUID, currency: str, *, apart_from: UUID | None = None) -> Money:
    """How much credit the next checkout can use: all of it less what open payments set aside.

    ``lock_credit`` first, where it is then used.

    :param apart_from: a payment whose own share of the credit does not count as set aside
    """
    set_aside = _set_aside().run(mentee_id=mentee_id, currency=currency, own=apart_from).scalar_one()
    return Money(max(0, credit_of(mentee_id, currency).minor - int(set_aside)), currency)


@cache
def _set_aside() -> Prepared:
    own = Payment.id == bindparam("own", type_=Uuid())
    return Prepared(
        select(func.coalesce(func.sum(case((own, 0), else_=Payment.credit_minor)), 0))
        .join(MentoringSession, MentoringSession.id == Payment.session_id)
        .where(
            Payment.status == PaymentState.INITIATED,
            Payment.credit_minor > 0,
            Payment.currency == bindparam("currency", type_=Text()),
            MentoringSession.mentee_id == bindparam("mentee_id", type_=Uuid()),
        )
    )
