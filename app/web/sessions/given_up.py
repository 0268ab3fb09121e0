"""What a mentor is told after giving a session up (RA-1, RA-2)."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue

from app.domain.cancellation import CancellationDecision
from app.domain.vocabulary import ReassignmentStatus
from app.domain.wording import format_money
from app.models import MentoringSession


def given_up(session: MentoringSession, decision: CancellationDecision) -> ResponseReturnValue:
    """A mentor cancelled: what is said, on a page of the mentor's own, because the session's is not theirs any more."""
    if session.reassignment_status is ReassignmentStatus.PENDING_ACCEPTANCE:
        _say(
            "Session Reassigned Successfully",
            "Your session has been reassigned to another mentor. The mentee will be notified and can choose to "
            "continue or cancel for a full refund.",
        )
    else:
        back = decision.refund
        rest = "can choose another mentor."
        if back is not None and back.minor:
            rest = f"will receive a full refund of {format_money(back)} unless they choose another mentor."
        _say("Session Cancelled", f"The session has been cancelled. The mentee has been notified and {rest}")
    return redirect(url_for("mentor.schedule"), 303)


def _say(title: str, text: str) -> None:
    message: Any = {"title": title, "text": text}
    flash(message, "success")
