"""The words of the product as enumerations, shared by rules, tables, pages and the API.

Each member's value is what stands in the database and travels over the API.
"""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What a user is (ID-1); staff roles are granted only by an admin or the command line."""

    MENTEE = "mentee"
    MENTOR = "mentor"
    SUPPORT = "support"
    ADMIN = "admin"
    OPS = "ops"


STAFF_ROLES = frozenset({Role.SUPPORT, Role.ADMIN, Role.OPS})


class ActorKind(StrEnum):
    """On whose behalf something happens: a user in a role, or the product itself."""

    MENTEE = "mentee"
    MENTOR = "mentor"
    SUPPORT = "support"
    ADMIN = "admin"
    OPS = "ops"
    CLOCK = "clock"
    PAYMENT = "payment"
    SYSTEM = "system"
    ANONYMOUS = "anonymous"


class SessionStatus(StrEnum):
    """Where a session is in its life (domain.md, state machine)."""

    DRAFT = "draft"
    PENDING_MENTOR_REVIEW = "pending_mentor_review"
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    NO_SHOW = "no_show"


OCCUPYING_STATUSES = frozenset(
    {
        SessionStatus.DRAFT,
        SessionStatus.PENDING_MENTOR_REVIEW,
        SessionStatus.SCHEDULED,
        SessionStatus.IN_PROGRESS,
    }
)


class BookingMode(StrEnum):
    INSTANT = "instant"
    REQUEST = "request"


class MeetingType(StrEnum):
    VIDEO = "video"
    AUDIO = "audio"
    CHAT = "chat"
    IN_PERSON = "in_person"


class PaymentStatus(StrEnum):
    """The session's summary of its payments."""

    NOT_REQUIRED = "not_required"
    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    REFUNDED = "refunded"
    PARTIALLY_REFUNDED = "partially_refunded"


class PaymentState(StrEnum):
    """The state of one payment row (MN-1)."""

    INITIATED = "initiated"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABANDONED = "abandoned"


class RefundStatus(StrEnum):
    """The session's summary of its refund rows."""

    NONE = "none"
    PENDING = "pending"
    PROCESSED = "processed"
    FAILED = "failed"


class RefundState(StrEnum):
    """The state of one refund row (MN-6)."""

    AWAITING_APPROVAL = "awaiting_approval"
    PENDING = "pending"
    PROCESSED = "processed"
    FAILED = "failed"
    DECLINED = "declined"


class RefundType(StrEnum):
    POLICY = "policy"
    FULL = "full"
    PARTIAL = "partial"
    BONUS = "bonus"


class CancelledBy(StrEnum):
    MENTOR = "mentor"
    MENTEE = "mentee"
    ADMIN = "admin"
    SYSTEM = "system"


class CancellationCategory(StrEnum):
    """Why a session was cancelled; which ones a mentee or mentor may choose stands in ``cancellation``."""

    SCHEDULE_CONFLICT = "schedule_conflict"
    FOUND_OTHER = "found_other"
    NO_LONGER_NEEDED = "no_longer_needed"
    TECHNICAL = "technical"
    EMERGENCY = "emergency"
    ILLNESS = "illness"
    OTHER = "other"
    SUPPORT = "support"
    UNPAID = "unpaid"
    MENTOR_UNAVAILABLE = "mentor_unavailable"


class ReassignmentStatus(StrEnum):
    PENDING_ACCEPTANCE = "pending_acceptance"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    AWAITING_MENTEE_CHOICE = "awaiting_mentee_choice"


class RescheduleStatus(StrEnum):
    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    COUNTER_PROPOSED = "counter_proposed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Party(StrEnum):
    """One side of a session."""

    MENTOR = "mentor"
    MENTEE = "mentee"


class BlockType(StrEnum):
    AVAILABLE = "AVAILABLE"
    BREAK = "BREAK"


class ExceptionType(StrEnum):
    BLOCKED = "blocked"
    EXTRA = "extra"


class SlotReason(StrEnum):
    """Why a slot on the mentor's grid cannot be booked (AV-2)."""

    PAST = "past"
    TOO_SOON = "too_soon"
    BEYOND_WINDOW = "beyond_window"
    EXCEPTION = "exception"
    BOOKED = "booked"
    HELD = "held"
    OWN_CONFLICT = "own_conflict"


class OverrideType(StrEnum):
    ALLOW_RESCHEDULE = "allow_reschedule"
    ALLOW_CANCELLATION = "allow_cancellation"
    EXTEND_TIME = "extend_time"


class DisputeStatus(StrEnum):
    OPEN = "open"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"
    DISMISSED = "dismissed"


class DisputePriority(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    URGENT = "urgent"


class DisputeCategory(StrEnum):
    NO_SHOW = "no_show"
    QUALITY = "quality"
    BEHAVIOR = "behavior"
    TECHNICAL = "technical"
    REFUND = "refund"
    OTHER = "other"


class DisputeResolution(StrEnum):
    REFUND_ISSUED = "refund_issued"
    WARNING_SENT = "warning_sent"
    ACCOUNT_SUSPENDED = "account_suspended"
    SESSION_RESCHEDULED = "session_rescheduled"
    NO_ACTION = "no_action"


class JoinSource(StrEnum):
    PAGE = "page"
    PROVIDER = "provider"


class EmailState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


class OutboxState(StrEnum):
    """Where a piece of outside work is (OPS-1, OPS-3)."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    DONE = "done"
    DEAD = "dead"
    WITHDRAWN = "withdrawn"


class AccountKind(StrEnum):
    """Ledger accounts (MN-4). ``held`` is owned by a mentor for the mentor's share, by nobody for the platform's."""

    GATEWAY_CLEARING = "gateway_clearing"
    HELD = "held"
    PLATFORM_REVENUE = "platform_revenue"
    MENTOR_PAYABLE = "mentor_payable"
    MENTEE_CREDIT = "mentee_credit"
    REFUNDS_PAYABLE = "refunds_payable"
    GOODWILL_EXPENSE = "goodwill_expense"
    PAYOUTS = "payouts"


class NotificationType(StrEnum):
    """Every kind of message in the notification centre (NT-1)."""

    SESSION_REQUEST = "session_request"
    SESSION_ACCEPTED = "session_accepted"
    SESSION_REJECTED = "session_rejected"
    REQUEST_EXPIRED = "request_expired"
    PAYMENT_CONFIRMED = "payment_confirmed"
    PAYMENT_RECEIVED = "payment_received"
    PAYMENT_FAILED = "payment_failed"
    BOOKING_EXPIRED = "booking_expired"
    SESSION_CANCELLED = "session_cancelled"
    REFUND_PROCESSED = "refund_processed"
    REFUND_FAILED = "refund_failed"
    RESCHEDULE_REQUESTED = "reschedule_requested"
    RESCHEDULE_COUNTERED = "reschedule_countered"
    RESCHEDULE_ACCEPTED = "reschedule_accepted"
    RESCHEDULE_REJECTED = "reschedule_rejected"
    RESCHEDULE_WITHDRAWN = "reschedule_withdrawn"
    RESCHEDULE_EXPIRED = "reschedule_expired"
    SESSION_REASSIGNED = "session_reassigned"
    REASSIGNMENT_ACCEPTED = "reassignment_accepted"
    REASSIGNMENT_REJECTED = "reassignment_rejected"
    NO_MENTOR_FOUND = "no_mentor_found"
    MEETING_LINK_MISSING = "meeting_link_missing"
    SESSION_REMINDER = "session_reminder"
    SESSION_COMPLETED = "session_completed"
    NO_SHOW_MARKED = "no_show_marked"
    NO_SHOW_CLEARED = "no_show_cleared"
    REVIEW_RECEIVED = "review_received"
    MESSAGE_RECEIVED = "message_received"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_UPDATED = "dispute_updated"
    DISPUTE_RESOLVED = "dispute_resolved"
    DISPUTE_URGENT = "dispute_urgent"
    ADMIN_CANCELLED = "admin_cancelled"
    ADMIN_REASSIGNED = "admin_reassigned"
    ADMIN_REFUND = "admin_refund"
    NEW_BOOKING = "new_booking"
    MENTOR_ASSIGNED = "mentor_assigned"
    MENTOR_UNASSIGNED = "mentor_unassigned"
    ALTERNATIVE_MENTOR_SELECTED = "alternative_mentor_selected"
    REASSIGNMENT_EXPIRED = "reassignment_expired"
    REFUND_AWAITING_APPROVAL = "refund_awaiting_approval"
    DISPUTE_INFO_REQUESTED = "dispute_info_requested"
    MENTOR_VERIFIED = "mentor_verified"
    MENTOR_DECLINED = "mentor_declined"
    POLICY_OVERRIDE_GRANTED = "policy_override_granted"
    ACCOUNT_SUSPENDED = "account_suspended"
    ACCOUNT_WARNING = "account_warning"


class BulkState(StrEnum):
    """How far cancelling many sessions at once has come (SL-3)."""

    PREVIEW = "preview"
    RUNNING = "running"
    STOPPED = "stopped"
    DONE = "done"


class BulkItemState(StrEnum):
    """What became of one session of many."""

    PENDING = "pending"
    DONE = "done"
    REFUSED = "refused"
    CHANGED = "changed"
    FAILED = "failed"
