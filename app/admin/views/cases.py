"""Sessions as raw rows, and what hangs on them: proposals, disputes, notes, reviews, joins, decisions."""

from __future__ import annotations

from markupsafe import Markup

from app.admin import cells
from app.admin.base import ConsoleView
from app.admin.reviews import review_buttons
from app.domain.permissions import Permission
from app.domain.vocabulary import DisputeStatus, RescheduleStatus
from app.models import (
    AdminSessionNote,
    CalendarEntry,
    DecisionRecord,
    MentoringSession,
    NoteHistory,
    RescheduleRequest,
    SessionDispute,
    SessionJoin,
    SessionReview,
)
from app.support.kpis import counted_review


class RawSessionsView(ConsoleView):
    """Every column of a session, for whoever looks behind the case page."""

    permission = Permission.SESSION_VIEW
    column_list = ("id", "title", "status", "mentor_id", "mentee_id", "scheduled_at", "payment_status", "created_at")
    column_details_exclude_list = ("mentor", "mentee", "offering")
    column_labels = {"mentor_id": "Mentor", "mentee_id": "Mentee"}
    column_formatters = {
        "title": cells.text,
        "status": cells.badge("session_status"),
        "payment_status": cells.badge("payment_status"),
        "refund_status": cells.badge("refund_status"),
        "rate_minor": cells.money(),
        "refund_amount_minor": cells.money(),
    }
    column_sortable_list = ("scheduled_at", "created_at")
    column_filters = ("status", "payment_status", "refund_status", "booking_mode", "scheduled_at", "created_at")
    people = ("mentor_id", "mentee_id", "cancelled_by_user_id", "reassigned_from_mentor_id", "no_show_marked_by")
    search_ids = ("id",)


class ReschedulesView(ConsoleView):
    permission = Permission.SESSION_VIEW
    section, icon = "Cases", "calendar2-range"
    tabs = {
        "open": (
            "Open",
            lambda: RescheduleRequest.status.in_([RescheduleStatus.PENDING, RescheduleStatus.COUNTER_PROPOSED]),
        ),
        "all": ("All", None),
    }
    column_list = (
        "session_id", "status", "initiator_id", "original_time", "proposed_time", "counter_proposed_time",
        "counter_proposal_count", "expires_at", "created_at",
    )  # fmt: skip
    column_labels = {
        "session_id": "Session", "initiator_id": "Proposed by", "counter_proposal_count": "Counters",
        "counter_proposed_time": "Counter-proposal",
    }  # fmt: skip
    column_formatters = {"status": cells.badge("reschedule_status"), "reason": cells.text}
    column_classes = {"counter_proposal_count": "num"}
    column_sortable_list = ()
    column_filters = ("status", "initiated_by", "session_id")
    people, sessions = ("initiator_id",), ("session_id",)
    search_ids = ("id", "session_id")


class DisputesView(ConsoleView):
    """Every column of a dispute; the desk, which acts, is ``admin.cases.disputes``."""

    permission = Permission.DISPUTE_VIEW
    icon = "flag"
    tabs = {
        "open": (
            "Open", lambda: SessionDispute.status.in_([DisputeStatus.OPEN, DisputeStatus.IN_PROGRESS]),
        ),
        "all": ("All", None),
    }  # fmt: skip
    column_list = (
        "session_id", "category", "priority", "status", "reported_by", "assigned_to", "resolution_due_at", "created_at",
    )  # fmt: skip
    column_details_exclude_list = ("evidence", "version", "waited_seconds")
    column_labels = {"session_id": "Session", "resolution_due_at": "Due"}
    column_formatters = {
        "status": cells.badge("dispute_status"), "priority": cells.badge("priority"), "reason": cells.text,
    }  # fmt: skip
    column_default_sort = [("created_at", True)]
    column_sortable_list = ("created_at", "resolution_due_at")
    column_filters = ("status", "priority", "category", "assigned_to", "created_at")
    people, sessions = ("reported_by", "assigned_to", "resolved_by"), ("session_id",)
    search_ids = ("id", "session_id")
    empty_title, empty_text = "No disputes", "When somebody reports a problem with a session, it waits here."


class NotesView(ConsoleView):
    permission = Permission.NOTE_VIEW
    section, icon = "Cases", "sticky"
    column_list = ("note", "session_id", "admin_id", "created_at", "updated_at")
    column_labels = {"session_id": "Session", "admin_id": "By"}
    column_formatters = {"note": cells.text}
    column_formatters_detail = {"note": lambda view, context, row, name: row.note}
    column_sortable_list = ()
    column_filters = ("admin_id", "session_id", "created_at")
    people, sessions = ("admin_id",), ("session_id",)
    search_ids = ("id", "session_id")


class NoteHistoryView(ConsoleView):
    permission = Permission.NOTE_VIEW
    column_list = ("note", "note_id", "edited_by", "created_at")
    one = "Earlier note"
    empty_title, empty_text = "No note was edited", "When a note is edited, what stood there before is kept here."
    column_labels = {"note": "What stood there", "note_id": "Note"}
    column_formatters = {"note": cells.text}
    column_sortable_list = ()
    column_filters = ("note_id",)
    people = ("edited_by",)


class ReviewsView(ConsoleView):
    permission = Permission.REVIEW_VIEW
    section, icon = "Cases", "star"
    column_list = ("session_id", "rating", "comment", "author_id", "mentor_id", "hidden_at", "created_at")
    column_labels = {"session_id": "Session", "author_id": "By", "mentor_id": "Mentor", "hidden_at": "Hidden"}
    column_formatters = {"comment": cells.text}
    column_classes = {"rating": "num"}
    column_sortable_list = ("created_at",)
    column_filters = ("rating", "mentor_id", "created_at")
    tabs = {"all": ("All", None), "counted": ("In the average rating", counted_review)}
    people, sessions = ("author_id", "mentor_id", "mentee_id", "hidden_by"), ("session_id",)
    search_ids = ("id", "session_id")

    def details_buttons(self, row: SessionReview) -> Markup:
        return review_buttons(row)


class JoinsView(ConsoleView):
    permission = Permission.SESSION_VIEW
    column_list = ("session_id", "user_id", "source", "joined_at", "left_at")
    column_labels = {"session_id": "Session", "user_id": "Who"}
    column_default_sort = [("joined_at", True)]
    column_sortable_list = ()
    column_filters = ("session_id", "user_id", "source")
    people, sessions = ("user_id",), ("session_id",)
    search_ids = ("session_id",)


class DecisionsView(ConsoleView):
    permission = Permission.SESSION_VIEW
    icon = "signpost-split"
    column_list = ("session_id", "kind", "allowed", "rule", "message", "created_at")
    column_details_list = (
        "id", "session_id", "kind", "actor_id", "allowed", "rule", "message", "inputs", "consequences", "next_change",
        "policy_version_id", "created_at",
    )  # fmt: skip
    column_labels = {"session_id": "Session", "next_change": "What would have changed it"}
    column_formatters = {"message": cells.text, "rule": cells.code}
    column_sortable_list = ()
    column_filters = ("session_id", "kind", "rule", "allowed")
    people, sessions = ("actor_id",), ("session_id",)
    search_ids = ("id", "session_id")


class CalendarView(ConsoleView):
    permission = Permission.SESSION_VIEW
    column_list = ("user_id", "session_id", "busy")
    column_labels = {"user_id": "Who", "session_id": "Session"}
    column_formatters = {"busy": cells.busy}
    column_default_sort = []
    column_sortable_list = ()
    column_filters = ("user_id", "session_id")
    one = "Calendar entry"
    people, sessions = ("user_id",), ("session_id",)


VIEWS = (
    (RawSessionsView, MentoringSession, "Session rows", "session_rows"),
    (DisputesView, SessionDispute, "Dispute rows"),
    (ReschedulesView, RescheduleRequest, "Reschedules"),
    (ReviewsView, SessionReview, "Reviews"),
    (NotesView, AdminSessionNote, "Notes"),
    (NoteHistoryView, NoteHistory, "Note history"),
    (DecisionsView, DecisionRecord, "Decisions"),
    (JoinsView, SessionJoin, "Joins"),
    (CalendarView, CalendarEntry, "Calendar"),
)
