"""The paths that messages lead to. They are promises: a mail of last year still leads there."""

from __future__ import annotations

from uuid import UUID

SIGN_IN = "/sign-in"
FORGOT_PASSWORD = "/forgot-password"  # noqa: S105 - a path
MENTORS = "/mentors"
MY_SESSIONS = "/my/sessions"
MENTOR_SCHEDULE = "/mentor/schedule"
# Where a gateway sends the mentee back to.
PAYMENT_RETURN = "/payments/return"
AUDIT_CHAIN = "/admin/audit/verify/"

REFUND_QUEUE = "/admin/refund-queue/"
BOOKS = "/admin/reconciliation/"
CREDIT = "/my/credit"


def session_page(session_id: UUID | str) -> str:
    """The page of one session, for both parties: with the join button inside its window (JN-2), payment, review."""
    return f"/sessions/{session_id}"


def mentors_to_ask_again(session_id: UUID | str) -> str:
    """The mentors, to ask another one with the words of a request that was declined (BK-8)."""
    return f"{MENTORS}?again={session_id}"


def case_page(session_id: UUID | str) -> str:
    """The same session in the console, for staff."""
    return f"/admin/sessions/{session_id}"


def calendar_file(session_id: UUID | str) -> str:
    """The session as an ``.ics`` file (DB-6)."""
    return f"/sessions/{session_id}/calendar.ics"


def dispute_page(dispute_id: UUID | str) -> str:
    """One dispute, for staff (DSP-2)."""
    return f"/admin/disputes/{dispute_id}"
