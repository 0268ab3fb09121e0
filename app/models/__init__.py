"""Tables only: columns, named constraints, indexes, relationships."""

from app.models.audit import AdminAuditTrail, AdminSessionNote, DecisionRecord, NoteHistory, SessionAuditLog
from app.models.bulk import BulkCancel, BulkCancelItem
from app.models.console import ReasonSnippet, SavedView
from app.models.dispute import DisputeComment, EvidenceFile, SessionDispute
from app.models.message import EmailEvent, Message, Notification
from app.models.money import (
    LedgerAccount,
    LedgerPosting,
    LedgerTransaction,
    Payment,
    Payout,
    ReconciliationFinding,
    Refund,
)
from app.models.outbox import Heartbeat, IdempotencyKey, KillSwitch, OutboxRow, WebhookEvent
from app.models.people import (
    ApiToken,
    Login,
    MentorProfile,
    PasswordReset,
    PhoneNumber,
    RecoveryCode,
    Registration,
    Strike,
    User,
)
from app.models.policy import PolicyChange, PolicyOverride, PolicyVersion, Precedent, SessionPolicy
from app.models.schedule import AvailabilityException, MentorOffering, MentorSchedule, WeeklyPattern
from app.models.session import (
    CalendarEntry,
    MentoringSession,
    RescheduleRequest,
    ReviewDailyFigure,
    SessionDailyFigure,
    SessionJoin,
    SessionNote,
    SessionReview,
)

__all__ = [
    "AdminAuditTrail",
    "AdminSessionNote",
    "ApiToken",
    "AvailabilityException",
    "BulkCancel",
    "BulkCancelItem",
    "CalendarEntry",
    "DecisionRecord",
    "DisputeComment",
    "EmailEvent",
    "EvidenceFile",
    "Heartbeat",
    "IdempotencyKey",
    "KillSwitch",
    "LedgerAccount",
    "LedgerPosting",
    "LedgerTransaction",
    "Login",
    "MentorOffering",
    "MentorProfile",
    "MentorSchedule",
    "MentoringSession",
    "Message",
    "NoteHistory",
    "Notification",
    "OutboxRow",
    "PasswordReset",
    "Payment",
    "Payout",
    "PhoneNumber",
    "PolicyChange",
    "PolicyOverride",
    "PolicyVersion",
    "Precedent",
    "ReasonSnippet",
    "ReconciliationFinding",
    "RecoveryCode",
    "Refund",
    "Registration",
    "RescheduleRequest",
    "ReviewDailyFigure",
    "SavedView",
    "SessionAuditLog",
    "SessionDailyFigure",
    "SessionDispute",
    "SessionJoin",
    "SessionNote",
    "SessionPolicy",
    "SessionReview",
    "Strike",
    "User",
    "WebhookEvent",
    "WeeklyPattern",
]
