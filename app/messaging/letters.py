"""Every kind of e-mail: how the records call it, which facts its words need, and which of them are secret (EM).

The words stand in ``templates/email/<name>.txt``. Facts are named here so that a missing one is noticed where the mail
is queued, in the transaction that caused it, and not in a job hours later.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

_HOUR = timedelta(hours=1)
_TWO_DAYS = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class LetterKind:
    """One template.

    :param action: how the record is called (EM-2)
    :param needs: facts that the caller must give
    :param may: facts that the caller may give; left out, they are None
    :param about_session: whether a session must be given; its facts are then taken from it
    :param secret: facts that never stand in the record, only in the work to be done, and are wiped once it is
    :param pointless_after: not sent at all when it could not be sent by then
    :param tone: the color of the word above the title: neutral, blue, green, amber or red
    """

    action: str
    needs: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()
    about_session: bool = True
    secret: frozenset[str] = frozenset()
    pointless_after: timedelta | None = None
    tone: str = field(default="neutral", kw_only=True)


def _kind(action: str, *needs: str, may: tuple[str, ...] = (), tone: str = "neutral") -> LetterKind:
    return LetterKind(f"email.{action}", frozenset(needs), frozenset(may) | {"url"}, tone=tone)


def _account(
    action: str, *needs: str, secret: tuple[str, ...] = (), pointless_after: timedelta | None = None
) -> LetterKind:
    return LetterKind(
        f"email.account.{action}",
        frozenset(needs),
        frozenset({"url"} - set(needs)),
        about_session=False,
        secret=frozenset(secret),
        pointless_after=pointless_after,
    )


# Amounts end in ``_minor`` and are in the session's currency; times are instants; ``url`` replaces the button's path.
LETTERS: Final[dict[str, LetterKind]] = {
    # A booking.
    "booking_confirmed": _kind("booking.confirmed", may=("paid_minor", "free_until"), tone="blue"),
    "new_booking_alert": _kind("booking.new", may=("earnings_minor",), tone="blue"),
    "booking_expired": _kind("booking.expired"),
    "booking_request_received": _kind("booking.request_received", may=("answer_until", "message"), tone="amber"),
    "request_approved": _kind("booking.request_approved", may=("pay_until", "message"), tone="blue"),
    "request_rejected": _kind("booking.request_rejected", "reason", tone="red"),
    "request_expired": _kind("booking.request_expired", may=("refund_minor",)),
    # A session that does not take place.
    "mentee_cancelled": _kind("booking.mentee_cancelled", may=("reason", "earnings_minor")),
    "mentee_cancellation_confirmation": _kind(
        "booking.mentee_cancellation_confirmation", may=("refund_minor", "paid_minor")
    ),
    "mentor_cancelled": _kind("booking.mentor_cancelled", may=("reason", "refund_minor"), tone="red"),
    "mentor_cancellation_confirmation": _kind("booking.mentor_cancellation_confirmation", may=("reason",)),
    # A session that gets another mentor.
    "mentor_cancelled_reassigned": _kind(
        "booking.mentor_cancelled_reassigned", "former_name", may=("headline", "answer_until", "reason"), tone="amber"
    ),
    "mentor_cancelled_no_mentor": _kind(
        "booking.mentor_cancelled_no_mentor", "former_name", may=("answer_until", "reason"), tone="red"
    ),
    "new_mentor_assigned": _kind("booking.new_mentor_assigned", may=("answer_until", "earnings_minor"), tone="blue"),
    "alternative_mentor_selected": _kind("booking.alternative_mentor_selected", tone="blue"),
    "mentor_unassigned": _kind("booking.mentor_unassigned", may=("by_mentee", "by_support")),
    "reassignment_accepted": _kind("booking.reassignment_accepted", may=("earnings_minor",), tone="blue"),
    "reassignment_rejected": _kind("booking.reassignment_rejected", may=("reason",)),
    "reassignment_expired": _kind("booking.reassignment_expired", may=("refund_minor",), tone="amber"),
    "admin_cancelled_session": _kind("booking.admin_cancelled", "reason", may=("refund_minor",)),
    # Another time.
    "reschedule_request": _kind(
        "reschedule.requested", "proposed_at", "answer_until", may=("reason", "full_refund"), tone="amber"
    ),
    "reschedule_countered": _kind("reschedule.countered", "proposed_at", "answer_until", tone="amber"),
    "reschedule_rejected": _kind("reschedule.rejected", "proposed_at"),
    "reschedule_withdrawn": _kind("reschedule.withdrawn", "proposed_at"),
    "reschedule_expired": _kind("reschedule.expired", "proposed_at", may=("waited",)),
    "reschedule_confirmed": _kind("reschedule.confirmed", "previous_at", tone="blue"),
    "admin_reassigned_mentee": _kind("booking.admin_reassigned", "former_mentor", "reason", tone="amber"),
    "admin_assigned_mentor": _kind("booking.admin_assigned", may=("earnings_minor",), tone="blue"),
    # Money.
    "admin_refund_issued": _kind("payment.refund_issued", "refund_minor", "reason", may=("is_credit",), tone="green"),
    "refund_processed": _kind(
        "payment.refund_processed", "refund_minor", may=("credit_minor", "by_bank"), tone="green"
    ),
    "refund_failed": _kind("payment.refund_failed", "refund_minor", "error", tone="red"),
    "late_payment_refunded": _kind("payment.late_refunded", "refund_minor", tone="amber"),
    # A problem that was reported.
    "dispute_received": _kind("dispute.received", "reason", may=("answer_until",), tone="blue"),
    "dispute_updated": _kind("dispute.updated", "message", may=("is_question",), tone="amber"),
    "dispute_resolved": _kind("dispute.resolved", "message", tone="green"),
    "warning_issued": _kind("account.warning_issued", "reason", tone="red"),
    # Around the session.
    "meeting_link_missing": _kind("meeting.link_missing", tone="amber"),
    "session_reminder": _kind("booking.reminder", "near", tone="blue"),
    "no_show_marked": _kind(
        "booking.no_show_marked", "absent", "marked_by", may=("refund_minor", "earnings_minor"), tone="red"
    ),
    "no_show_cleared": _kind(
        "booking.no_show_cleared", "became", may=("withdrawn_minor", "refund_minor", "earnings_minor"), tone="green"
    ),
    "session_completed": _kind("booking.completed", may=("review_until",), tone="green"),
    # For the desk itself.
    "audit_head": _account("audit_head", "rows", "head"),
    # The account.
    "welcome": _account("welcome"),
    "confirm_registration": _account("confirm_registration", "url", secret=("url",), pointless_after=_TWO_DAYS),
    "already_registered": _account("already_registered"),
    "password_reset": _account("password_reset", "url", secret=("url",), pointless_after=_HOUR),
    "password_changed": _account("password_changed"),
    "mentor_verified": _account("mentor_verified"),
    "mentor_declined": _account("mentor_declined", "reason"),
    "account_suspended": _account("suspended", "reason"),
    "account_warned": _account("warned", "reason"),
}
