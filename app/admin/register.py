"""Connects the console to an application."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_admin import Admin

from app.admin import menu
from app.admin.analytics import AnalyticsView
from app.admin.base import ConsoleView
from app.admin.cases import saved_views
from app.admin.cases.bulk_cancel import BulkCancelView
from app.admin.cases.disputes import DisputesDesk
from app.admin.cases.saved_views import SavedViewsView
from app.admin.cases.sessions import SessionsView
from app.admin.chain import ChainView
from app.admin.money_acts.payouts import PayOutView
from app.admin.money_acts.reconciliation import ReconciliationView
from app.admin.money_acts.refund_queue import RefundQueueView
from app.admin.overview import OverviewView
from app.admin.pages import ApplicationsView, MailboxView, OperationsView, TablesView
from app.admin.person import PersonView
from app.admin.policies.desk import PolicyDesk
from app.admin.policies.overrides import OverrideDesk
from app.admin.reviews import ReviewActsView
from app.admin.search import SearchView
from app.admin.suspension import SuspensionView
from app.admin.theme import ConsoleTheme
from app.admin.views import audit, cases, money, people, records

_ENDPOINTS = {"mentor_profiles": "mentors"}


def init_app(app: Flask) -> None:
    """Register the console: its written pages, and a closed, read-only view of each table."""
    menu.init_app(app)
    saved_views.init_app(app)
    console = Admin(
        app,
        name=app.config["BRAND_NAME"],
        theme=ConsoleTheme(),
        index_view=OverviewView(name="Overview", endpoint="console", url="/admin"),
    )
    written: list[Any] = [
        SessionsView(name="Sessions", endpoint="console_sessions", url="/admin/sessions"),
        BulkCancelView(name="Bulk cancels", endpoint="console_bulk_cancels", url="/admin/bulk-cancels"),
        SavedViewsView(name="Saved views", endpoint="console_saved_views", url="/admin/views"),
        AnalyticsView(name="Analytics", endpoint="console_analytics", url="/admin/analytics"),
        SearchView(name="Search", endpoint="console_search", url="/admin/search"),
        DisputesDesk(name="Disputes", endpoint="console_disputes", url="/admin/disputes"),
        ApplicationsView(name="Applications", endpoint="console_applications", url="/admin/applications"),
        PersonView(name="Person", endpoint="console_people", url="/admin/people"),
        SuspensionView(name="Suspension", endpoint="console_suspension", url="/admin/suspension"),
        ReviewActsView(name="Review acts", endpoint="console_review_acts", url="/admin/review-acts"),
        RefundQueueView(name="Refund queue", endpoint="console_refund_queue", url="/admin/refund-queue"),
        PayOutView(name="Pay out", endpoint="console_pay_out", url="/admin/pay-out"),
        ReconciliationView(name="Reconciliation", endpoint="console_reconciliation", url="/admin/reconciliation"),
        PolicyDesk(name="Policies", endpoint="console_policies", url="/admin/policies"),
        OverrideDesk(name="Overrides", endpoint="console_overrides", url="/admin/overrides"),
        MailboxView(name="Mailbox", endpoint="console_mailbox", url="/admin/mailbox"),
    ]
    tables = [_table(*entry) for module in (cases, money, people, records, audit) for entry in module.VIEWS]
    closing: list[Any] = [
        ChainView(name="Verify", endpoint="console_chain", url="/admin/audit/verify"),
        audit.AuditExportView(name="Audit export", endpoint="console_audit_export", url="/admin/audit/export"),
        OperationsView(name="Health", endpoint="console_operations", url="/admin/operations"),
        TablesView(name="All tables", endpoint="console_tables", url="/admin/tables"),
    ]
    for view in (*written, *tables, *closing):
        console.add_view(view)
    app.extensions[menu.MENU] = [console.index_view, *written, *tables, *closing]


def _table(kind: type[ConsoleView], model: Any, name: str, endpoint: str | None = None) -> ConsoleView:
    place = endpoint or _ENDPOINTS.get(model.__tablename__, model.__tablename__)
    return kind(model, name=name, endpoint=f"console_{place}", url=f"/admin/{place.replace('_', '-')}")
