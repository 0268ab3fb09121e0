"""Payments, refunds, the double-entry ledger, payouts."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.vocabulary import AccountKind, PaymentState, RefundState, RefundType
from app.extensions import Model
from app.models.types import currency, enum_column, json, minor, refers, uuid_key


class Payment(Model):
    """One attempt to be paid for one session; at most one is open (MN-1)."""

    __tablename__ = "payments"
    __table_args__ = (
        UniqueConstraint("reference", name="uq_payments_reference"),
        CheckConstraint("amount_minor >= 0 AND credit_minor >= 0", name="amount"),
        Index("ix_payments_session_id", "session_id", "created_at"),
        Index("ix_payments_created_at", text("created_at DESC"), text("id DESC")),
        Index("uq_payments_one_open", "session_id", unique=True, postgresql_where=text("status = 'initiated'")),
        Index("ix_payments_flagged", "created_at", postgresql_where=text("flagged_reason IS NOT NULL")),
    )

    id: Mapped[UUID] = uuid_key()
    session_id: Mapped[UUID] = refers("sessions.id")
    gateway: Mapped[str]
    reference: Mapped[str]
    amount_minor: Mapped[int] = minor(comment="asked of the gateway")
    credit_minor: Mapped[int] = minor(
        default=0, server_default=text("0"), comment="taken from the mentee's credit (MN-7)"
    )
    currency: Mapped[str] = currency()
    status: Mapped[PaymentState] = enum_column(PaymentState, "status")
    authorization_url: Mapped[str | None]
    gateway_payment_id: Mapped[str | None] = mapped_column(unique=True)
    raw: Mapped[dict[str, Any]] = json(default=dict, server_default=text("'{}'"), comment="what the gateway said last")
    flagged_reason: Mapped[str | None] = mapped_column(comment="needs a person: amount or currency differ, paid twice")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    succeeded_at: Mapped[datetime | None]


class Refund(Model):
    """Money going back. The row exists before the gateway is called and keeps its key for ever (MN-6)."""

    __tablename__ = "refunds"
    __table_args__ = (
        UniqueConstraint("idempotency_key", name="uq_refunds_idempotency_key"),
        CheckConstraint("amount_minor > 0 AND credit_minor >= 0 AND credit_minor <= amount_minor", name="amount"),
        CheckConstraint("approved_by IS NULL OR approved_by <> requested_by", name="second_person"),
        Index("ix_refunds_session_id", "session_id", "created_at"),
        Index("ix_refunds_payment_id", "payment_id"),
        Index("ix_refunds_status", "status", "created_at"),
    )

    id: Mapped[UUID] = uuid_key()
    session_id: Mapped[UUID] = refers("sessions.id")
    payment_id: Mapped[UUID | None] = refers("payments.id", nullable=True, comment="None: goodwill only")
    amount_minor: Mapped[int] = minor(comment="all of it, credit included")
    credit_minor: Mapped[int] = minor(
        default=0, server_default=text("0"), comment="the part that goes to the mentee's credit, not to the gateway"
    )
    currency: Mapped[str] = currency()
    percentage: Mapped[int | None]
    type: Mapped[RefundType] = enum_column(RefundType, "type")
    reason: Mapped[str]
    status: Mapped[RefundState] = enum_column(RefundState, "status")
    by_staff: Mapped[bool] = mapped_column(default=False, server_default=text("false"), comment="counts for MN-9")
    requested_by: Mapped[UUID | None] = refers("users.id", nullable=True)
    approved_by: Mapped[UUID | None] = refers("users.id", nullable=True)
    decided_at: Mapped[datetime | None]
    idempotency_key: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    gateway_refund_id: Mapped[str | None] = mapped_column(unique=True)
    error: Mapped[str | None] = mapped_column(comment="the gateway's own words")
    notify_parties: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    created_at: Mapped[datetime]
    processed_at: Mapped[datetime | None]


class LedgerAccount(Model):
    """One account per kind, owner and currency (MN-4). Its balance is the sum of its postings."""

    __tablename__ = "ledger_accounts"
    __table_args__ = (
        UniqueConstraint(
            "kind",
            "owner_id",
            "currency",
            name="uq_ledger_accounts_kind_owner_id_currency",
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_ledger_accounts_owner_id", "owner_id"),
    )

    id: Mapped[UUID] = uuid_key()
    kind: Mapped[AccountKind] = enum_column(AccountKind, "kind")
    owner_id: Mapped[UUID | None] = refers("users.id", nullable=True)
    currency: Mapped[str] = currency()
    created_at: Mapped[datetime]


class LedgerTransaction(Model):
    """One movement, whose postings sum to zero per currency; unique per cause."""

    __tablename__ = "ledger_transactions"
    __table_args__ = (
        UniqueConstraint("kind", "source_id", name="uq_ledger_transactions_kind_source_id"),
        Index("ix_ledger_transactions_session_id", "session_id"),
        Index("ix_ledger_transactions_created_at", "created_at"),
    )

    id: Mapped[UUID] = uuid_key()
    kind: Mapped[str] = mapped_column(comment="payment_captured, refund_requested, refund_processed, settled, …")
    source_id: Mapped[str] = mapped_column(comment="the payment, refund, session or payout it stands for")
    session_id: Mapped[UUID | None] = refers("sessions.id", nullable=True)
    note: Mapped[str | None]
    created_at: Mapped[datetime]

    postings: Mapped[list[LedgerPosting]] = relationship(back_populates="transaction", lazy="raise_on_sql")


class LedgerPosting(Model):
    """Debit positive, credit negative. The database refuses any change."""

    __tablename__ = "ledger_postings"
    __table_args__ = (
        CheckConstraint("amount_minor <> 0", name="not_zero"),
        Index("ix_ledger_postings_transaction_id", "transaction_id"),
        Index("ix_ledger_postings_account_id", "account_id", postgresql_include=["amount_minor"]),
    )

    id: Mapped[UUID] = uuid_key()
    transaction_id: Mapped[UUID] = refers("ledger_transactions.id")
    account_id: Mapped[UUID] = refers("ledger_accounts.id")
    amount_minor: Mapped[int] = minor()
    currency: Mapped[str] = currency()

    transaction: Mapped[LedgerTransaction] = relationship(back_populates="postings", lazy="raise_on_sql")
    account: Mapped[LedgerAccount] = relationship(lazy="raise_on_sql")


class Payout(Model):
    """Money sent to one mentor, recorded in a batch (MN-10)."""

    __tablename__ = "payouts"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount"),
        Index("ix_payouts_mentor_id", "mentor_id", "created_at"),
        Index("ix_payouts_batch_id", "batch_id"),
    )

    id: Mapped[UUID] = uuid_key()
    batch_id: Mapped[UUID]
    mentor_id: Mapped[UUID] = refers("users.id")
    amount_minor: Mapped[int] = minor()
    currency: Mapped[str] = currency()
    reference: Mapped[str | None]
    recorded_by: Mapped[UUID] = refers("users.id")
    created_at: Mapped[datetime]


class ReconciliationFinding(Model):
    """A disagreement that the nightly reconciliation found (MN-11)."""

    __tablename__ = "reconciliation_findings"
    __table_args__ = (
        Index("ix_reconciliation_findings_open", "found_at", postgresql_where=text("resolved_at IS NULL")),
    )

    id: Mapped[UUID] = uuid_key()
    key: Mapped[str] = mapped_column(unique=True)
    check: Mapped[str]
    session_id: Mapped[UUID | None] = refers("sessions.id", nullable=True)
    facts: Mapped[dict[str, Any]] = json()
    found_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
