"""Who gets what in the console: the lines of ``matrix.py`` for written pages, and one line for each generated table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tests.architecture.matrix import (
    ADMIN,
    CONSOLE,
    OPS_AND_ADMIN,
    STAFF,
    SUPPORT_AND_ADMIN,
    Answer,
    Expected,
    Row,
    but,
    only,
    row,
)

_SESSION = {"session_id": "session"}
_VIEW = {"view_id": "shared_view"}
_VIEW_READERS = SUPPORT_AND_ADMIN
_BULK = {"bulk_id": "bulk_cancel"}
_NOTE = {"session_id": "session", "note_id": "note"}
_CASE = "/admin/sessions/<uuid:session_id>"
_DISPUTE = "/admin/disputes/<uuid:dispute_id>"
_REPORTED = {"dispute_id": "dispute"}
_FILE = {"evidence_id": "evidence"}
_REFUND = "/admin/refund-queue/<uuid:refund_id>"
_WAITING, _FAILED = {"refund_id": "waiting_refund"}, {"refund_id": "failed_refund"}
_APPLICANT = {"user_id": "applicant"}
_LETTER = {"event_id": "letter"}
_REVIEW = {"review_id": "review"}
_POLICY, _GOLDEN = {"key": "policy_key"}, {"precedent_id": "precedent"}
_ANOTHER_VALUE = {"key": "late_refund_percentage", "late_refund_percentage": "10"}

CONSOLE_ROWS = [
    *row("GET", "/admin/", CONSOLE),
    *row("GET", "/admin/charts", CONSOLE),
    *row("GET", "/admin/tables/", CONSOLE),
    *row("GET", "/admin/search/", CONSOLE),
    *row("GET", "/admin/analytics/", SUPPORT_AND_ADMIN),
    *row("GET", "/admin/analytics/<name>", SUPPORT_AND_ADMIN, ids={"name": "report"}),
    *row("GET", "/admin/analytics/<name>.csv", SUPPORT_AND_ADMIN, ids={"name": "report"}),
    *row("GET", "/admin/sessions/", CONSOLE),
    *row("GET", "/admin/sessions/people", CONSOLE),
    *row("GET", "/admin/sessions/search-help", CONSOLE),
    *row("GET", "/admin/sessions/export-progress", CONSOLE),
    *row("GET", "/admin/sessions/columns", CONSOLE),
    *row("GET", "/admin/sessions/export.csv", SUPPORT_AND_ADMIN),
    *row("GET", "/admin/views/", CONSOLE),
    *row("GET POST", "/admin/views/new", CONSOLE, data={"name": "Mine", "list": "status=cancelled"}),
    # A view is changed by whoever saved it, here support; if it is shared, by an admin, too.
    *row("GET POST", "/admin/views/<uuid:view_id>/edit", _VIEW_READERS, ids=_VIEW, data={"name": "Ours"}),
    *row("GET POST", "/admin/views/<uuid:view_id>/delete", _VIEW_READERS, ids=_VIEW),
    *row("GET", "/admin/bulk-cancels/", SUPPORT_AND_ADMIN),
    *row("POST", "/admin/bulk-cancels/", SUPPORT_AND_ADMIN, data={"ids": "@session.id"}),
    *row("GET", "/admin/bulk-cancels/<uuid:bulk_id>", SUPPORT_AND_ADMIN, ids=_BULK),
    # A list is confirmed by whoever made it, here support.
    *row("POST", "/admin/bulk-cancels/<uuid:bulk_id>", only("support"), ids=_BULK),
    *row("GET", "/admin/bulk-cancels/<uuid:bulk_id>.csv", SUPPORT_AND_ADMIN, ids=_BULK),
    *row("POST", "/admin/bulk-cancels/<uuid:bulk_id>/stop", SUPPORT_AND_ADMIN, ids=_BULK),
    *row("GET", _CASE, CONSOLE, ids=_SESSION),
    *row("GET", f"{_CASE}/", CONSOLE, ids=_SESSION),
    *row("GET", f"{_CASE}/messages", CONSOLE, ids=_SESSION),
    *row("GET POST", f"{_CASE}/cancel", SUPPORT_AND_ADMIN, ids=_SESSION),
    *row("GET POST", f"{_CASE}/chat", SUPPORT_AND_ADMIN, ids=_SESSION, data={"reason": "A party reported a problem."}),
    *row("GET POST", f"{_CASE}/complete", SUPPORT_AND_ADMIN, ids=_SESSION),
    *row("GET POST", f"{_CASE}/clear-no-show", SUPPORT_AND_ADMIN, ids=_SESSION),
    *row("GET POST", f"{_CASE}/no-show", SUPPORT_AND_ADMIN, ids=_SESSION),
    *row("GET POST", f"{_CASE}/dismiss-suggestion", SUPPORT_AND_ADMIN, ids=_SESSION),
    *row("GET POST", f"{_CASE}/move", SUPPORT_AND_ADMIN, ids=_SESSION),
    *row("GET POST", f"{_CASE}/reassign", SUPPORT_AND_ADMIN, ids=_SESSION),
    *row("GET POST", f"{_CASE}/override", SUPPORT_AND_ADMIN, ids=_SESSION),
    *row("GET POST", f"{_CASE}/meeting-link", SUPPORT_AND_ADMIN, ids=_SESSION),
    *row("GET POST", f"{_CASE}/refund", SUPPORT_AND_ADMIN, ids=_SESSION),
    *row("GET POST", f"{_CASE}/precedent", SUPPORT_AND_ADMIN, ids=_SESSION),
    *row("GET POST", f"{_CASE}/notes", SUPPORT_AND_ADMIN, ids=_SESSION, data={"note": "Called the mentor."}),
    # A note is edited by whoever wrote it, here support.
    *row("GET", f"{_CASE}/notes/<uuid:note_id>", SUPPORT_AND_ADMIN, ids=_NOTE),
    *row("POST", f"{_CASE}/notes/<uuid:note_id>", only("support"), ids=_NOTE, data={"note": "Called him twice."}),
    *row("GET", "/admin/disputes/", SUPPORT_AND_ADMIN),
    *row("GET", _DISPUTE, SUPPORT_AND_ADMIN, ids=_REPORTED),
    *row("GET", f"{_DISPUTE}/", SUPPORT_AND_ADMIN, ids=_REPORTED),
    *row("POST", f"{_DISPUTE}/take", SUPPORT_AND_ADMIN, ids=_REPORTED),
    *row("GET POST", f"{_DISPUTE}/assign", SUPPORT_AND_ADMIN, ids=_REPORTED, data={"reason": "Because"}),
    *row("GET POST", f"{_DISPUTE}/priority", SUPPORT_AND_ADMIN, ids=_REPORTED, data={"priority": "high"}),
    *row("GET POST", f"{_DISPUTE}/write", SUPPORT_AND_ADMIN, ids=_REPORTED, data={"message": "When?"}),
    *row("GET POST", f"{_DISPUTE}/comments", SUPPORT_AND_ADMIN, ids=_REPORTED, data={"comment": "Hm."}),
    *row("GET", f"{_DISPUTE}/evidence/<uuid:evidence_id>", SUPPORT_AND_ADMIN, ids=_REPORTED | _FILE),
    # The one outcome that only an admin may bring about.
    *row("GET POST", f"{_DISPUTE}/resolve/<how>", ADMIN, ids=_REPORTED | {"how": "suspension_of_dispute"}),
    *row("GET", "/admin/applications/", ADMIN),
    *row("GET POST", "/admin/applications/<uuid:user_id>/verify", ADMIN, ids=_APPLICANT),
    *row("GET POST", "/admin/applications/<uuid:user_id>/decline", ADMIN, ids=_APPLICANT),
    *row("GET", "/admin/people/", SUPPORT_AND_ADMIN),
    *row("GET", "/admin/people/<uuid:user_id>", SUPPORT_AND_ADMIN, ids=_APPLICANT),
    *row("GET POST", "/admin/people/<uuid:user_id>/warn", SUPPORT_AND_ADMIN, ids=_APPLICANT),
    *row("GET", "/admin/suspension/", ADMIN),
    *row("GET POST", "/admin/suspension/<uuid:user_id>/suspend", ADMIN, ids=_APPLICANT),
    *row("GET POST", "/admin/suspension/<uuid:user_id>/reinstate", ADMIN, ids=_APPLICANT),
    *row("GET", "/admin/refund-queue/", CONSOLE),
    *row("GET POST", f"{_REFUND}/approve", ADMIN, ids=_WAITING),
    *row("GET POST", f"{_REFUND}/decline", ADMIN, ids=_WAITING),
    *row("GET POST", f"{_REFUND}/retry", SUPPORT_AND_ADMIN, ids=_FAILED),
    *row("GET POST", f"{_REFUND}/settle", ADMIN, ids=_FAILED),
    *row("GET", "/admin/pay-out/", SUPPORT_AND_ADMIN),
    *row("GET POST", "/admin/pay-out/next/<currency>", ADMIN, ids={"currency": "currency"}),
    *row("GET", "/admin/pay-out/batches/<uuid:batch_id>.csv", ADMIN, ids={"batch_id": "payout_batch"}),
    *row("GET", "/admin/reconciliation/", CONSOLE),
    *row("POST", "/admin/reconciliation/run", OPS_AND_ADMIN),
    *row("GET POST", "/admin/reconciliation/<uuid:finding_id>/close", CONSOLE, ids={"finding_id": "finding"}),
    *row("GET", "/admin/policies/", SUPPORT_AND_ADMIN),
    *row("GET", "/admin/policies/<key>/history", SUPPORT_AND_ADMIN, ids=_POLICY),
    *row("GET", "/admin/policies/change", SUPPORT_AND_ADMIN, query=_ANOTHER_VALUE),
    *row("POST", "/admin/policies/change", ADMIN, data={**_ANOTHER_VALUE, "reason": "A trial"}),
    *row("GET POST", "/admin/policies/precedents/<uuid:precedent_id>/retire", SUPPORT_AND_ADMIN, ids=_GOLDEN),
    *row("GET", "/admin/overrides/", SUPPORT_AND_ADMIN),
    *row("GET POST", "/admin/overrides/<uuid:override_id>/revoke", SUPPORT_AND_ADMIN, ids={"override_id": "override"}),
    *row("GET", "/admin/mailbox/", CONSOLE),
    *row("GET", "/admin/mailbox/<uuid:event_id>", CONSOLE, ids=_LETTER),
    *row("GET", "/admin/mailbox/<uuid:event_id>/body.html", CONSOLE, ids=_LETTER),
    *row("GET POST", "/admin/mailbox/<uuid:event_id>/resend", CONSOLE, ids=_LETTER, data={"reason": "It got lost"}),
    *row("GET", "/admin/review-acts/", SUPPORT_AND_ADMIN),
    *row("GET POST", "/admin/review-acts/<uuid:review_id>/hide", SUPPORT_AND_ADMIN, ids=_REVIEW),
    *row("GET POST", "/admin/review-acts/<uuid:review_id>/show", SUPPORT_AND_ADMIN, ids=_REVIEW),
    *row("GET", "/admin/operations/", CONSOLE),
    *row("GET POST", "/admin/operations/jobs/<uuid:row_id>/retry", OPS_AND_ADMIN, ids={"row_id": "dead_job"}),
    *row("GET POST", "/admin/audit/verify/", CONSOLE),
    *row("GET", "/admin/audit/verify/step", CONSOLE),
    *row("GET", "/admin/audit/export/", ADMIN),
    *row("GET", "/admin/audit/export/<name>.csv", ADMIN, ids={"name": "trail"}),
]  # fmt: skip

_WRITING = ("/new/", "/edit/", "/delete/", "/action/", "/ajax/update/")
# Flask-Admin's own file and look-up: need more than the address says, or are not offered.
_ASIDE = ("/export/<export_type>/", "/ajax/lookup/")


@dataclass(frozen=True)
class GeneratedView:
    """Every rule below ``prefix``, as Flask-Admin makes them for one table.

    Nobody creates, edits or deletes there: what readers get from those addresses is ``CLOSED``.

    :param readers: who sees the list and the details
    """

    prefix: str
    readers: frozenset[str]

    def rules_below(self, rules: Iterable[tuple[str, str]]) -> list[Row]:
        return [Row(method, rule, self._expected(rule)) for method, rule in rules if rule.startswith(self.prefix)]

    def _expected(self, rule: str) -> Expected:
        if rule.endswith(_WRITING + _ASIDE):
            return but(only(*self.readers), **dict.fromkeys(self.readers, Answer.CLOSED))
        return only(*self.readers)


_EVERY_STAFF = frozenset(STAFF)
_CASE_WORKERS = frozenset({"support", "admin"})
_ADMINS = frozenset({"admin"})

_FOR_ALL_STAFF = (
    "calendar-entries", "decision-records", "email-events", "heartbeats", "jobs", "kill-switches", "ledger-accounts",
    "ledger-postings", "ledger-transactions", "notifications", "payments", "reconciliation-findings", "refunds",
    "reschedule-requests", "session-joins", "session-rows", "webhook-events",
)  # fmt: skip
_FOR_CASE_WORKERS = (
    "admin-session-notes", "availability-exceptions", "mentor-offerings", "mentor-schedules", "mentors",
    "note-history", "payouts", "policy-history", "policy-overrides", "policy-versions", "reason-snippets",
    "session-disputes", "session-log", "session-policies", "session-reviews", "staff-trail", "strikes", "users",
    "weekly-patterns",
)  # fmt: skip

GENERATED = [
    *(GeneratedView(f"/admin/{name}/", readers=_EVERY_STAFF) for name in _FOR_ALL_STAFF),
    *(GeneratedView(f"/admin/{name}/", readers=_CASE_WORKERS) for name in _FOR_CASE_WORKERS),
    GeneratedView("/admin/api-tokens/", readers=_ADMINS),
]
