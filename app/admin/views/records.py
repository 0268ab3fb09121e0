"""Rules, messages and background work as tables."""

from __future__ import annotations

from typing import Any

from flask import url_for
from markupsafe import Markup

from app.admin import cells
from app.admin.base import ConsoleView
from app.domain.permissions import Permission, may
from app.domain.vocabulary import EmailState, OutboxState
from app.http.context import current_actor
from app.models import (
    EmailEvent,
    Heartbeat,
    KillSwitch,
    Notification,
    OutboxRow,
    PolicyChange,
    PolicyOverride,
    PolicyVersion,
    ReasonSnippet,
    SessionPolicy,
    WebhookEvent,
)


class PoliciesView(ConsoleView):
    """The stored rows; the list to read and change is ``admin.policies``."""

    permission = Permission.POLICY_VIEW
    icon = "sliders"
    column_list = ("key", "value", "group", "description", "updated_by", "updated_at")
    column_formatters = {"key": cells.code, "description": cells.text, "value": lambda v, c, row, n: _value(row.value)}
    column_classes = {"description": "wrap"}
    column_default_sort = [("group", False), ("key", False)]
    column_sortable_list = ()
    page_size = 100
    people = ("updated_by",)

    def init_search(self) -> bool:
        return False

    def title_of(self, row: SessionPolicy) -> str:
        return row.key


def _value(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)


class PolicyVersionsView(ConsoleView):
    permission = Permission.POLICY_VIEW
    icon = "layers"
    column_list = ("number", "reason", "created_by", "created_at")
    column_details_list = ("id", "number", "reason", "created_by", "created_at", "values")
    column_formatters = {"reason": cells.text}
    column_default_sort = [("number", True)]
    column_sortable_list = ()
    people = ("created_by",)


class PolicyChangesView(ConsoleView):
    permission = Permission.POLICY_VIEW
    icon = "clock-history"
    column_list = ("key", "old_value", "new_value", "reason", "changed_by", "created_at")
    column_formatters = {
        "key": cells.code, "reason": cells.text,
        "old_value": lambda v, c, row, n: _value(row.old_value),
        "new_value": lambda v, c, row, n: _value(row.new_value),
    }  # fmt: skip
    column_sortable_list = ()
    column_filters = ("key", "created_at")
    people = ("changed_by",)
    empty_title, empty_text = "No changes yet", "Every change of a policy leaves a row here."


class OverridesView(ConsoleView):
    """Every one that ever was; those in force stand on a page of their own, ``admin.policies.overrides``."""

    permission = Permission.OVERRIDE_VIEW
    icon = "unlock"
    tabs = {
        "all": ("All", None),
        "unused": ("Not used yet", lambda: PolicyOverride.used_at.is_(None) & PolicyOverride.revoked_at.is_(None)),
    }
    column_list = ("session_id", "override_type", "reason", "granted_by", "expires_at", "used_at", "revoked_at")
    column_labels = {"session_id": "Session", "override_type": "Allows"}
    column_formatters = {"reason": cells.text}
    column_sortable_list = ()
    column_filters = ("override_type", "session_id")
    people, sessions = ("granted_by", "revoked_by"), ("session_id",)
    search_ids = ("id", "session_id")


class SnippetsView(ConsoleView):
    permission = Permission.SNIPPET_EDIT
    icon = "chat-square-text"
    column_list = ("title", "body", "action", "created_by", "created_at", "retired_at")
    column_labels = {"action": "Offered for"}
    column_formatters = {"body": cells.text}
    column_sortable_list = ()
    people = ("created_by",)
    empty_title = "No reasons yet"
    empty_text = "The dialogs offer those that came with the product; the first one kept here takes their place."


class EmailsView(ConsoleView):
    permission = Permission.MAIL_VIEW
    section, icon = "Messages", "envelope"
    tabs = {
        "all": ("All", None),
        "queued": ("Queued", lambda: EmailEvent.status == EmailState.QUEUED),
        "failed": ("Failed", lambda: EmailEvent.status == EmailState.FAILED),
    }
    column_list = ("subject", "recipient", "status", "session_id", "created_at", "sent_at", "attempts", "template")
    column_details_list = (
        "id", "subject", "recipient", "user_id", "template", "action", "session_id", "status", "attempts", "error",
        "created_at", "sent_at",
    )  # fmt: skip
    column_labels = {"session_id": "Session", "user_id": "To", "error": "What went wrong"}
    column_formatters = {"status": cells.badge("work_status"), "subject": cells.text, "template": cells.code}
    column_classes = {"attempts": "num"}
    column_sortable_list = ("created_at",)
    column_filters = ("status", "template", "recipient", "session_id", "created_at")
    sessions = ("session_id",)
    search_ids = ("id", "session_id")
    search_exact = ("recipient",)
    search_hint = "Address or id"
    empty_title, empty_text = "No e-mails here", "Every e-mail that the product decides to send is listed."

    def title_of(self, row: EmailEvent) -> str:
        return row.subject

    def details_buttons(self, row: EmailEvent) -> Markup:
        return Markup('<a class="btn btn-primary" href="{}">Preview</a>').format(
            url_for("console_mailbox.letter", event_id=row.id)
        )


class NotificationsView(ConsoleView):
    permission = Permission.NOTIFICATION_VIEW
    section, icon = "Messages", "bell"
    column_list = ("title", "user_id", "type", "session_id", "created_at", "read_at")
    column_labels = {"user_id": "To", "session_id": "Session"}
    column_default_sort = [("number", True)]
    column_sortable_list = ()
    column_filters = ("type", "user_id", "session_id")
    people, sessions = ("user_id",), ("session_id",)
    search_ids = ("id", "session_id")


class JobsView(ConsoleView):
    permission = Permission.JOB_VIEW
    section, icon = "Operations", "stack"
    tabs = {
        "all": ("All", None),
        "due": ("Waiting", lambda: OutboxRow.state.in_([OutboxState.QUEUED, OutboxState.CLAIMED])),
        "dead": ("Gave up", lambda: OutboxRow.state == OutboxState.DEAD),
    }
    column_list = ("kind", "state", "session_id", "attempts", "available_at", "last_error", "created_at", "settled_at")
    # The payload may hold what only its handler may know: a reset link waits there until it is sent.
    column_details_list = (
        "id", "kind", "key", "state", "session_id", "attempts", "available_at", "not_after", "last_error", "request_id",
        "created_at", "settled_at",
    )  # fmt: skip
    column_labels = {"session_id": "Session", "available_at": "Not before", "last_error": "What went wrong"}
    column_formatters = {"state": cells.badge("work_status"), "kind": cells.code, "last_error": cells.text}
    column_classes = {"attempts": "num", "subject": "wrap"}
    column_sortable_list = ("created_at",)
    column_filters = ("state", "kind", "session_id", "created_at")
    sessions = ("session_id",)
    search_ids = ("id", "session_id")
    search_exact = ("key",)
    empty_title, empty_text = "Nothing waits here", "Work that the background processes do is listed as it comes."

    def details_buttons(self, row: OutboxRow) -> Markup:
        if row.state is not OutboxState.DEAD or not may(current_actor().role, Permission.JOB_RETRY):
            return Markup()
        return Markup('<a class="btn btn-primary" href="{}" data-dialog>Try again</a>').format(
            url_for("console_operations.retry", row_id=row.id)
        )


class HeartbeatsView(ConsoleView):
    permission = Permission.HEALTH_VIEW
    column_list = ("name", "seen_at", "report")
    column_default_sort = [("name", False)]
    column_sortable_list = ()
    empty_title, empty_text = "Nothing has reported yet", "Worker and clock say here each minute that they are alive."


class WebhooksView(ConsoleView):
    permission = Permission.JOB_VIEW
    icon = "box-arrow-in-down"
    column_list = ("provider", "kind", "reference", "outcome", "received_at", "processed_at")
    column_details_list = (
        "id", "provider", "event_key", "kind", "reference", "outcome", "received_at", "processed_at", "payload",
    )  # fmt: skip
    column_formatters = {"kind": cells.code, "reference": cells.code}
    column_default_sort = [("received_at", True)]
    column_sortable_list = ("received_at",)
    column_filters = ("provider", "kind", "received_at")
    empty_title, empty_text = "No webhooks yet", "What payment and meeting providers report is listed as it arrives."
    search_ids = ("id",)


class KillSwitchesView(ConsoleView):
    permission = Permission.KILL_SWITCH_VIEW
    column_list = ("key", "is_off", "reason", "changed_by", "changed_at")
    column_default_sort = [("key", False)]
    column_sortable_list = ()
    people = ("changed_by",)
    one = "Kill switch"
    empty_title, empty_text = (
        "Everything is on",
        "A part of the product that is switched off stands here, with the reason.",
    )


VIEWS = (
    (PoliciesView, SessionPolicy, "Policy rows"),
    (OverridesView, PolicyOverride, "Override rows"),
    (PolicyChangesView, PolicyChange, "Changes"),
    (PolicyVersionsView, PolicyVersion, "Versions"),
    (SnippetsView, ReasonSnippet, "Reasons"),
    (EmailsView, EmailEvent, "E-mails"),
    (NotificationsView, Notification, "Notifications"),
    (JobsView, OutboxRow, "Jobs", "jobs"),
    (HeartbeatsView, Heartbeat, "Heartbeats"),
    (WebhooksView, WebhookEvent, "Webhooks"),
    (KillSwitchesView, KillSwitch, "Kill switches"),
)
