"""How a session is told to its two parties, in plain words."""

from __future__ import annotations

from app.booking.read_models import SessionRow
from app.domain.vocabulary import (
    CancellationCategory,
    CancelledBy,
    Party,
    ReassignmentStatus,
    RefundStatus,
    SessionStatus,
)
from app.domain.wording import format_money

# What happened: the icon, its tone, and the words after the name of whoever did it (or alone).
TIMELINE_WORDS: dict[str, tuple[str, str, str, str]] = {
    "booking_created": ("calendar-plus", "blue", "booked the session", "The session was booked"),
    "booking_requested": ("send", "amber", "asked for the session", "The session was asked for"),
    "booking_expired": ("clock-history", "faint", "let the time pass unpaid", "The time to pay ran out"),
    "booking_revived": ("arrow-repeat", "green", "paid late", "The payment came late; the time was still free"),
    "payment_confirmed": ("credit-card", "green", "paid", "The payment arrived"),
    "late_payment_refunded": ("arrow-counterclockwise", "amber", "paid too late", "Paid too late; the money goes back"),
    "payment_window_expired": ("clock-history", "gray", "did not pay", "Cancelled: it was not paid in time"),
    "request_approved": ("check-lg", "green", "approved the request", "The request was approved"),
    "request_rejected": ("x-lg", "red", "declined the request", "The request was declined"),
    "request_expired": ("clock-history", "faint", "did not answer", "The request was not answered in time"),
    "session_cancelled": ("slash-circle", "gray", "cancelled the session", "The session was cancelled"),
    "mentor_cancelled": ("person-dash", "amber", "gave the session up", "The mentor gave the session up"),
    "session_reassigned": ("arrow-left-right", "blue", "changed the mentor", "The session got another mentor"),
    "no_mentor_found": ("search", "amber", "found nobody", "Nobody else was free then"),
    "reassignment_accepted": ("person-check", "green", "confirmed the new mentor", "The new mentor was confirmed"),
    "reassignment_rejected": ("slash-circle", "gray", "cancelled for a full refund", "Cancelled for a full refund"),
    "reassignment_declined": ("person-dash", "amber", "declined to take over", "The new mentor declined"),
    "reassignment_expired": ("clock-history", "gray", "did not answer", "Cancelled: nobody answered in time"),
    "session_started": ("play-circle", "teal", "started the session", "The session began"),
    "session_completed": ("check-circle", "green", "completed the session", "The session is completed"),
    "session_joined": ("box-arrow-in-right", "teal", "joined", "Somebody joined"),
    "meeting_created": ("camera-video", "gray", "made the meeting room", "The meeting room is ready"),
    "meeting_link_set": ("link-45deg", "gray", "set a meeting link", "A meeting link was set"),
    "no_show_marked": ("person-x", "orange", "reported that the other side did not come", "Marked as missed"),
    "no_show_cleared": ("person-check", "green", "looked again: not missed", "No longer marked as missed"),
    "summary_sent": ("card-text", "accent", "sent a summary", "A summary was sent"),
    "reschedule_requested": ("calendar2-range", "amber", "asked for another time", "Another time was asked for"),
    "reschedule_countered": ("arrow-left-right", "amber", "suggested another time", "Another time was suggested"),
    "reschedule_accepted": ("calendar-check", "green", "accepted the new time", "The new time was accepted"),
    "reschedule_rejected": ("x-lg", "gray", "kept the original time", "The original time was kept"),
    "reschedule_withdrawn": ("arrow-counterclockwise", "gray", "withdrew the new time", "The new time was withdrawn"),
    "reschedule_expired": ("clock-history", "faint", "did not answer", "The proposed time was not answered"),
    "review_written": ("star", "amber", "wrote a review", "A review was written"),
}
DECISION_WORDS = {
    "cancel": "Cancelling",
    "payment": "The payment",
    "refund": "The refund",
    "complete": "Completing",
    "expire": "The time to pay",
    "review_request": "The request",
    "join": "Joining",
    "reschedule": "Moving the session",
    "reschedule_answer": "Answering a proposed time",
    "reschedule_expiry": "A time nobody answered",
    "start": "Starting",
    "no_show": "Not coming",
    "attendance": "Who came",
    "replacement": "Another mentor",
    "reassignment": "The change of mentor",
}
_WHO = {CancelledBy.ADMIN: "support", CancelledBy.SYSTEM: "us, because it was not paid in time"}
_WHY = {
    CancellationCategory.SCHEDULE_CONFLICT: "something else came up",
    CancellationCategory.FOUND_OTHER: "found somebody else",
    CancellationCategory.NO_LONGER_NEEDED: "not needed any more",
    CancellationCategory.TECHNICAL: "technical trouble",
    CancellationCategory.EMERGENCY: "an emergency",
    CancellationCategory.ILLNESS: "illness",
}


def status_sentence(row: SessionRow) -> str | None:
    """What a past, refused or cancelled session came to: who, why, and what went back; None when nothing is to say."""
    if row.status is SessionStatus.CANCELLED:
        return " ".join(part for part in (_cancelled(row), refund_sentence(row)) if part)
    if row.status is SessionStatus.NO_SHOW:
        return " ".join(part for part in (_missed(row), refund_sentence(row)) if part)
    if row.status is SessionStatus.REJECTED:
        return f"“{row.mentor_response}”" if row.mentor_response else "The request was not answered in time."
    if row.status is SessionStatus.EXPIRED or _can_be_paid_no_more(row):
        told = ("It was not paid in time, so the time is free again.", refund_sentence(row))
        return " ".join(part for part in told if part)
    return refund_sentence(row)


def _can_be_paid_no_more(row: SessionRow) -> bool:
    """A draft whose hold is over is as good as expired, whether or not the clock came by."""
    return row.status is SessionStatus.DRAFT and row.side is Party.MENTEE and not row.awaits_payment


def refund_sentence(row: SessionRow) -> str | None:
    """How a refund stands."""
    if not row.refund.minor:
        return None
    amount = format_money(row.refund)
    match row.refund_status:
        case RefundStatus.PROCESSED:
            return f"{amount} refunded."
        case RefundStatus.FAILED:
            return f"The refund of {amount} did not go through yet; support looks at it."
        case RefundStatus.PENDING:
            return f"A refund of {amount} is on its way."
        case _:
            return None


def _missed(row: SessionRow) -> str | None:
    if row.no_show_party is None:
        return None
    return f"Missed by {'you' if row.no_show_party is row.side else row.other.name}."


def _cancelled(row: SessionRow) -> str:
    if row.cancelled_by is None:
        return "Cancelled."
    if row.reassignment is ReassignmentStatus.REJECTED:
        # Whoever ended it: a mentor had given it up, who need not be the one shown beside it (RA-5, RA-7).
        return "Cancelled because the mentor could not hold it."
    mine = row.cancelled_by.value == row.side.value
    who = _WHO.get(row.cancelled_by) or ("you" if mine else row.other.name)
    given = (row.cancellation_reason or "").strip().rstrip(".")
    why = given or (_WHY.get(row.cancellation_category) if row.cancellation_category else None)
    return f"Cancelled by {who}: {why}." if why and who != _WHO[CancelledBy.SYSTEM] else f"Cancelled by {who}."
