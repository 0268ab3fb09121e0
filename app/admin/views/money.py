"""Payments, refunds, the ledger, payouts, and what reconciliation found. Nothing here is written by a form (ADM-1)."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup
from sqlalchemy.orm import joinedload

from app.admin import cells
from app.admin.base import ConsoleView
from app.admin.filters import words_of
from app.domain.permissions import Permission
from app.domain.vocabulary import PaymentState, RefundState
from app.models import (
    LedgerAccount,
    LedgerPosting,
    LedgerTransaction,
    Payment,
    Payout,
    ReconciliationFinding,
    Refund,
)


class PaymentsView(ConsoleView):
    permission = Permission.PAYMENT_VIEW
    section, icon = "Money", "credit-card"
    tabs = {
        "all": ("All", None),
        "flagged": ("To look at", lambda: Payment.flagged_reason.is_not(None)),
        "open": ("Open", lambda: Payment.status == PaymentState.INITIATED),
    }
    column_list = (
        "reference", "session_id", "amount_minor", "credit_minor", "status", "gateway", "flagged_reason",
        "created_at",
    )  # fmt: skip
    column_details_exclude_list = ("authorization_url",)
    column_labels = {
        "session_id": "Session", "amount_minor": "Amount", "credit_minor": "By credit", "flagged_reason": "To look at",
        "raw": "What the gateway said",
    }  # fmt: skip
    column_formatters = {
        "reference": cells.code, "amount_minor": cells.money(), "credit_minor": cells.money(),
        "status": cells.badge("payment_status"),
    }  # fmt: skip
    column_classes = {"amount_minor": "num", "credit_minor": "num"}
    column_sortable_list = ("created_at",)
    column_filters = ("status", "gateway", "session_id", "created_at")
    sessions = ("session_id",)
    search_ids = ("id", "session_id")
    search_exact = ("reference", "gateway_payment_id")
    search_hint = "Reference or id"


class RefundsView(ConsoleView):
    permission = Permission.REFUND_VIEW
    section, icon = "Money", "arrow-counterclockwise"
    tabs = {
        "all": ("All", None),
        "awaiting": ("Awaiting approval", lambda: Refund.status == RefundState.AWAITING_APPROVAL),
        "pending": ("Pending", lambda: Refund.status == RefundState.PENDING),
        "failed": ("Failed", lambda: Refund.status == RefundState.FAILED),
    }
    column_list = (
        "session_id", "amount_minor", "type", "status", "requested_by", "reason", "created_at", "processed_at",
    )  # fmt: skip
    column_labels = {
        "session_id": "Session", "amount_minor": "Amount", "credit_minor": "To credit", "by_staff": "Decided by staff",
        "error": "The gateway's words", "notify_parties": "Tell the mentee",
    }  # fmt: skip
    column_formatters = {
        "amount_minor": cells.money(), "credit_minor": cells.money(), "status": cells.badge("refund_status"),
        "reason": cells.text, "error": cells.text,
    }  # fmt: skip
    column_classes = {"amount_minor": "num", "reason": "wrap"}
    column_sortable_list = ("created_at",)
    column_filters = ("status", "type", "by_staff", "session_id", "created_at")
    people, sessions = ("requested_by", "approved_by"), ("session_id",)
    search_ids = ("id", "session_id", "payment_id")
    empty_title, empty_text = "No refunds here", "Refunds appear as they are decided."


class LedgerTransactionsView(ConsoleView):
    permission = Permission.LEDGER_VIEW
    section, icon = "Money", "journal-text"
    one = "Ledger entry"
    column_list = ("kind", "session_id", "source_id", "note", "created_at")
    column_details_list = ("id", "kind", "session_id", "source_id", "note", "postings", "created_at")
    column_labels = {"session_id": "Session", "source_id": "Stands for"}
    column_formatters = {"kind": lambda view, context, row, name: row.kind.replace("_", " ").capitalize()}
    column_formatters_detail = {"postings": lambda view, context, row, name: _postings(row)}
    column_sortable_list = ("created_at",)
    column_filters = ("kind", "session_id", "created_at")
    sessions = ("session_id",)
    search_ids = ("id", "session_id")
    search_exact = ("source_id",)

    def get_one(self, id: Any) -> Any:  # noqa: A002 - Flask-Admin's name
        row = super().get_one(id)
        cells.remember_names((posting.account.owner_id for posting in row.postings), ())
        return row

    def row_options(self) -> tuple[Any, ...]:
        return (joinedload(LedgerTransaction.postings).joinedload(LedgerPosting.account),)


def _postings(row: LedgerTransaction) -> Any:
    lines = [
        (
            cells.person_of(posting.account.owner_id) if posting.account.owner_id else "",
            words_of(posting.account.kind),
            cells.macro("data", "money")(posting.amount_minor, posting.currency),
        )
        for posting in row.postings
    ]
    return cells.macro("data", "facts")([(kind, Markup("{} {}").format(amount, who)) for who, kind, amount in lines])


class LedgerPostingsView(ConsoleView):
    permission = Permission.LEDGER_VIEW
    column_list = ("transaction_id", "account_id", "amount_minor", "currency")
    column_details_list = ("id", *column_list)
    column_labels = {"transaction_id": "Ledger entry"}
    column_formatters = {
        "amount_minor": cells.money(), "account_id": lambda view, context, row, name: words_of(row.account.kind)
    }  # fmt: skip
    column_classes = {"amount_minor": "num"}
    column_default_sort: Any = []
    column_sortable_list = ()
    column_filters = ("transaction_id", "account_id", "currency")

    def row_options(self) -> tuple[Any, ...]:
        return (joinedload(LedgerPosting.account),)


class LedgerAccountsView(ConsoleView):
    permission = Permission.LEDGER_VIEW
    icon = "bank"
    column_list = ("kind", "owner_id", "currency", "created_at")
    column_labels = {"owner_id": "Owner"}
    column_sortable_list = ()
    column_filters = ("kind", "currency", "owner_id")
    people = ("owner_id",)


class PayoutsView(ConsoleView):
    permission = Permission.PAYOUT_VIEW
    section, icon = "Money", "cash-stack"
    column_list = ("mentor_id", "amount_minor", "reference", "recorded_by", "batch_id", "created_at")
    column_labels = {"mentor_id": "Mentor", "amount_minor": "Amount", "batch_id": "Batch"}
    column_formatters = {"amount_minor": cells.money()}
    column_classes = {"amount_minor": "num"}
    column_sortable_list = ()
    column_filters = ("mentor_id", "batch_id", "created_at")
    people = ("mentor_id", "recorded_by")
    search_ids = ("id", "batch_id")


class FindingsView(ConsoleView):
    permission = Permission.RECONCILIATION_VIEW
    icon = "clipboard2-x"
    tabs = {
        "open": ("Open", lambda: ReconciliationFinding.resolved_at.is_(None)),
        "all": ("All", None),
    }
    column_list = ("check", "session_id", "facts", "found_at", "resolved_at")
    column_labels = {"session_id": "Session"}
    column_default_sort = [("found_at", True)]
    column_sortable_list = ()
    column_filters = ("check", "session_id")
    sessions = ("session_id",)
    empty_title, empty_text = "All books agree", "The nightly reconciliation puts here what does not."


VIEWS = (
    (PaymentsView, Payment, "Payments"),
    (RefundsView, Refund, "Refunds"),
    (LedgerTransactionsView, LedgerTransaction, "Ledger"),
    (LedgerPostingsView, LedgerPosting, "Postings"),
    (LedgerAccountsView, LedgerAccount, "Accounts"),
    (PayoutsView, Payout, "Payouts"),
    (FindingsView, ReconciliationFinding, "Findings"),
)
