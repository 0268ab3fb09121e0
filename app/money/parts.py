"""Payments, refunds and postings of one session as plain rows, in the one shape that a case is read in (PERF-1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select

from app.domain.money import Money
from app.domain.vocabulary import AccountKind, PaymentState, RefundState, RefundType
from app.foundation.parts import PartRow, part
from app.models import LedgerAccount, LedgerPosting, LedgerTransaction, Payment, Refund

_PAYMENT, _REFUND, _POSTING = "payment", "refund", "posting"
SOURCES = frozenset({_PAYMENT, _REFUND, _POSTING})


class PaymentRow(NamedTuple):
    """One payment, as a page tells of it."""

    id: str
    created_at: datetime
    status: PaymentState
    amount_minor: int
    credit_minor: int
    currency: str
    reference: str
    gateway: str
    flagged_reason: str | None
    succeeded_at: datetime | None


class RefundRow(NamedTuple):
    """One refund, as a page tells of it."""

    id: str
    created_at: datetime
    status: RefundState
    type: RefundType
    amount_minor: int
    currency: str
    reason: str | None
    error: str | None
    requested_by: UUID | None
    processed_at: datetime | None


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One posting, as the case page lists it: debit positive, credit negative."""

    at: datetime
    event: str
    account: AccountKind
    owner_id: UUID | None
    amount: Money
    note: str | None


@dataclass(frozen=True, slots=True)
class MoneyParts:
    """All of a session's money, oldest first."""

    payments: tuple[PaymentRow, ...]
    refunds: tuple[RefundRow, ...]
    lines: list[LedgerLine]


def money_parts(session_id: Any) -> list[Select[Any]]:
    """The parts of a statement that reads a session's money."""
    posting, entry, account = LedgerPosting, LedgerTransaction, LedgerAccount
    return [
        part(
            _PAYMENT,
            [Payment.id, Payment.status, Payment.amount_minor, Payment.credit_minor, Payment.currency,
             Payment.reference, Payment.gateway, Payment.flagged_reason, Payment.succeeded_at],
            at=Payment.created_at,
        ).where(Payment.session_id == session_id),
        part(
            _REFUND,
            [Refund.id, Refund.status, Refund.type, Refund.amount_minor, Refund.currency, Refund.reason, Refund.error,
             Refund.processed_at],
            at=Refund.created_at,
            actor=Refund.requested_by,
        ).where(Refund.session_id == session_id),
        part(
            _POSTING,
            [entry.id, posting.id, entry.kind, account.kind, account.owner_id, posting.amount_minor, posting.currency,
             entry.note],
            at=entry.created_at,
        )
        .select_from(entry)
        .join(posting, posting.transaction_id == entry.id)
        .join(account, account.id == posting.account_id)
        .where(entry.session_id == session_id),
    ]  # fmt: skip


def money_of(rows: Iterable[PartRow]) -> MoneyParts:
    """What the rows of those parts say."""
    payments, refunds, postings = [], [], []
    for row in rows:
        if row.source == _PAYMENT:
            payments.append(_payment(row))
        elif row.source == _REFUND:
            refunds.append(_refund(row))
        elif row.source == _POSTING:
            postings.append(row)
    postings.sort(key=lambda row: (row.at, row.facts[0], row.facts[3], row.facts[1]))
    return MoneyParts(
        tuple(sorted(payments, key=lambda row: (row.created_at, row.id))),
        tuple(sorted(refunds, key=lambda row: (row.created_at, row.id))),
        [_line(row) for row in postings],
    )


def _payment(row: PartRow) -> PaymentRow:
    key, status, amount, credit, currency, reference, gateway, flagged, succeeded = row.facts
    return PaymentRow(
        key, row.at, PaymentState(status), amount, credit, currency, reference, gateway, flagged, _instant(succeeded)
    )


def _refund(row: PartRow) -> RefundRow:
    key, status, kind, amount, currency, reason, error, processed = row.facts
    return RefundRow(
        key, row.at, RefundState(status), RefundType(kind), amount, currency, reason, error, row.actor_id,
        _instant(processed),
    )  # fmt: skip


def _line(row: PartRow) -> LedgerLine:
    _, _, event, kind, owner, amount, currency, note = row.facts
    return LedgerLine(row.at, event, AccountKind(kind), UUID(owner) if owner else None, Money(amount, currency), note)


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
