"""Every kind of notification: its usual title, what its link is called, its picture, and whether it makes a sound (NT).

The titles that the specification fixes stand here; whoever notifies gives the title of the case, which may be narrower.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.domain.vocabulary import NotificationType

T = NotificationType


@dataclass(frozen=True, slots=True)
class NotificationKind:
    """One type.

    :param title: what it is called where no narrower title is given
    :param action: what the link is called
    :param icon: of Bootstrap Icons, without the prefix
    :param tone: of the toast: info, success, warning or error
    :param sound: plays a sound for whoever has not switched it off (NT-3)
    :param urgent: read out at once by screen readers
    """

    title: str
    action: str
    icon: str
    tone: str = "info"
    sound: bool = False
    urgent: bool = False


_SESSION = "View Session"
_DISPUTE = "View Dispute"


def _good(title: str, action: str, icon: str, *, sound: bool = False) -> NotificationKind:
    return NotificationKind(title, action, icon, "success", sound=sound)


def _amber(title: str, action: str, icon: str) -> NotificationKind:
    return NotificationKind(title, action, icon, "warning")


def _bad(title: str, action: str, icon: str, *, sound: bool = False, urgent: bool = False) -> NotificationKind:
    return NotificationKind(title, action, icon, "error", sound=sound, urgent=urgent)


KINDS: Final[dict[NotificationType, NotificationKind]] = {
    # A booking.
    T.SESSION_REQUEST: NotificationKind("New Session Request", "Review Request", "hourglass-split", sound=True),
    T.SESSION_ACCEPTED: _good("Request Approved", "Proceed to Payment", "check-circle", sound=True),
    T.SESSION_REJECTED: _amber("Request Declined", "Browse Mentors", "x-circle"),
    T.REQUEST_EXPIRED: _amber("Request Expired", _SESSION, "hourglass-bottom"),
    T.PAYMENT_CONFIRMED: _good("Booking Confirmed", _SESSION, "calendar-check"),
    T.PAYMENT_RECEIVED: _good("Payment Received", "View Sessions", "credit-card"),
    T.PAYMENT_FAILED: _bad("Payment Failed", "Try Again", "credit-card"),
    T.BOOKING_EXPIRED: _amber("Booking Expired", _SESSION, "clock-history"),
    T.NEW_BOOKING: _good("New Booking", _SESSION, "calendar-plus"),
    # The end of one.
    T.SESSION_CANCELLED: _amber("Session Cancelled", _SESSION, "calendar-x"),
    T.ADMIN_CANCELLED: _amber("Cancelled by Support", _SESSION, "calendar-x"),
    T.REFUND_PROCESSED: _good("Refund Processed", _SESSION, "arrow-counterclockwise"),
    T.REFUND_FAILED: _bad("Refund Failed", "View Refund", "arrow-counterclockwise"),
    T.REFUND_AWAITING_APPROVAL: _amber("Refund Awaiting Approval", "Review Refund", "person-check"),
    T.ADMIN_REFUND: _good("Refund Issued", _SESSION, "arrow-counterclockwise"),
    # Another time.
    T.RESCHEDULE_REQUESTED: NotificationKind("Reschedule Requested", "Answer", "arrow-left-right"),
    T.RESCHEDULE_COUNTERED: NotificationKind("Another Time Proposed", "Answer", "arrow-left-right"),
    T.RESCHEDULE_ACCEPTED: _good("Session Rescheduled", _SESSION, "calendar-check"),
    T.RESCHEDULE_REJECTED: _amber("Reschedule Declined", _SESSION, "arrow-left-right"),
    T.RESCHEDULE_WITHDRAWN: NotificationKind("Reschedule Withdrawn", _SESSION, "arrow-left-right"),
    T.RESCHEDULE_EXPIRED: _amber("Reschedule Expired", _SESSION, "hourglass-bottom"),
    # Another mentor.
    T.SESSION_REASSIGNED: _amber("Your Session Has a New Mentor", "Choose", "person-lines-fill"),
    T.REASSIGNMENT_ACCEPTED: _good("Session Confirmed", _SESSION, "person-check"),
    T.REASSIGNMENT_REJECTED: _amber("Session Cancelled", _SESSION, "person-x"),
    T.REASSIGNMENT_EXPIRED: _amber("Time to Choose Has Passed", _SESSION, "hourglass-bottom"),
    T.NO_MENTOR_FOUND: _amber("No Other Mentor Found", "Choose", "person-x"),
    T.MENTOR_ASSIGNED: _good("New Session Assigned", _SESSION, "person-plus"),
    T.MENTOR_UNASSIGNED: _amber("Session Given to Another Mentor", "View Sessions", "person-dash"),
    T.ALTERNATIVE_MENTOR_SELECTED: _good("New Mentor Chosen", _SESSION, "person-check"),
    T.ADMIN_REASSIGNED: NotificationKind("Reassigned by Support", _SESSION, "person-lines-fill"),
    # Around the session.
    T.MEETING_LINK_MISSING: _amber("Meeting Link Missing", "Add a Link", "camera-video-off"),
    T.SESSION_REMINDER: NotificationKind("Session Soon", _SESSION, "alarm"),
    T.SESSION_COMPLETED: _good("Session Completed", _SESSION, "check-circle"),
    T.NO_SHOW_MARKED: _amber("Marked as Missed", _SESSION, "person-x"),
    T.NO_SHOW_CLEARED: _good("No-Show Cleared", _SESSION, "person-check"),
    T.REVIEW_RECEIVED: _good("New Review", _SESSION, "star"),
    T.MESSAGE_RECEIVED: NotificationKind("New Message", "Read and Answer", "chat-left-text"),
    T.POLICY_OVERRIDE_GRANTED: _good("Exception Granted", _SESSION, "unlock"),
    # Disputes.
    T.DISPUTE_OPENED: _amber("Problem Reported", _DISPUTE, "flag"),
    T.DISPUTE_UPDATED: NotificationKind("News on Your Report", _DISPUTE, "flag"),
    T.DISPUTE_RESOLVED: _good("Report Resolved", _DISPUTE, "flag"),
    T.DISPUTE_URGENT: _bad("Urgent Dispute", _DISPUTE, "flag-fill", sound=True, urgent=True),
    T.DISPUTE_INFO_REQUESTED: _amber("Support Has a Question", "Answer", "question-circle"),
    # The account.
    T.MENTOR_VERIFIED: _good("You Are Verified", "Open Your Schedule", "patch-check"),
    T.MENTOR_DECLINED: _amber("Application Declined", "View Application", "person-x"),
    T.ACCOUNT_SUSPENDED: _bad("Account Suspended", "Contact Support", "shield-exclamation", urgent=True),
    T.ACCOUNT_WARNING: _bad("A Warning From Support", "Read It", "shield-exclamation", urgent=True),
}
