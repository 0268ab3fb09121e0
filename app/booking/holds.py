"""What is held for somebody who has yet to pay or to answer, and when that time is over (AV-4, BK-5, BK-6)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, exists, or_

from app.domain.vocabulary import PaymentStatus, SessionStatus
from app.models import MentoringSession, RescheduleRequest

# An instant, or the place of one in a statement that is built once.
Now = datetime | ColumnElement[datetime]

UNPAID: Final = (PaymentStatus.PENDING, PaymentStatus.FAILED)


def draft_has_run_out(now: Now) -> ColumnElement[bool]:
    return and_(MentoringSession.status == SessionStatus.DRAFT, MentoringSession.hold_expires_at <= now)


def approved_is_unpaid(now: Now) -> ColumnElement[bool]:
    return and_(
        MentoringSession.status == SessionStatus.SCHEDULED,
        MentoringSession.payment_status.in_(UNPAID),
        MentoringSession.hold_expires_at <= now,
    )


def request_is_unanswered(now: Now) -> ColumnElement[bool]:
    return and_(
        MentoringSession.status == SessionStatus.PENDING_MENTOR_REVIEW, MentoringSession.approval_deadline <= now
    )


def has_run_out(now: Now) -> ColumnElement[bool]:
    """Any of the three: such a session blocks nobody, whether or not the clock has come by already (AV-4)."""
    return or_(draft_has_run_out(now), approved_is_unpaid(now), request_is_unanswered(now))


def proposal_has_run_out(now: Now) -> ColumnElement[bool]:
    """Another time is held for an answer that can come no more: only the session's own time still counts (RS-5)."""
    return and_(
        MentoringSession.pending_reschedule_request_id.is_not(None),
        exists().where(
            RescheduleRequest.id == MentoringSession.pending_reschedule_request_id,
            RescheduleRequest.expires_at <= now,
        ),
    )
