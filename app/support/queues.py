"""What waits for somebody: the work queues (KPI-3), each one condition that counts and lists alike.

Each has an index that holds only the rows that wait, so that counting all of them costs a page next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, cast, func, literal, or_, select, union_all

from app.domain.permissions import Permission
from app.domain.rescheduling import OPEN_PROPOSALS
from app.domain.vocabulary import (
    DisputeStatus,
    EmailState,
    OutboxState,
    PaymentStatus,
    ReassignmentStatus,
    RefundState,
    SessionStatus,
)
from app.extensions import UtcDateTime
from app.foundation.prepared import Prepared
from app.models import (
    EmailEvent,
    MentoringSession,
    MentorProfile,
    OutboxRow,
    Payment,
    ReconciliationFinding,
    Refund,
    RescheduleRequest,
    SessionDispute,
    User,
)

S = MentoringSession
COUNT_CAP = 999
_LONGEST_PROPOSAL = timedelta(days=60)


class Queue(StrEnum):
    """The queues, most urgent first."""

    DISPUTES = "disputes"
    REFUNDS_FAILED = "refunds_failed"
    REFUNDS_AWAITING = "refunds_awaiting"
    PAYMENTS_FLAGGED = "payments_flagged"
    FINDINGS = "findings"
    OVERDUE = "overdue"
    WITHOUT_LINK = "without_link"
    REASSIGNMENTS = "reassignments"
    NO_SHOW_SUGGESTIONS = "no_show_suggestions"
    PENDING_RESCHEDULES = "pending_reschedules"
    SUSPENDED_MENTORS = "suspended_mentors"
    MENTOR_APPLICATIONS = "mentor_applications"
    FAILED_EMAILS = "failed_emails"
    DEAD_JOBS = "dead_jobs"


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """How a queue is called and what it takes to see it.

    :param of_sessions: listed by the sessions list with ``queue=…``; the others have lists of their own
    """

    label: str
    icon: str
    tone: str
    permission: Permission
    of_sessions: bool = False


SPECS: dict[Queue, QueueSpec] = {
    Queue.DISPUTES: QueueSpec("Open disputes", "flag", "red", Permission.DISPUTE_VIEW),
    Queue.REFUNDS_FAILED: QueueSpec("Failed refunds", "exclamation-triangle", "red", Permission.REFUND_VIEW),
    Queue.REFUNDS_AWAITING: QueueSpec("Refunds to approve", "person-check", "amber", Permission.REFUND_VIEW),
    Queue.PAYMENTS_FLAGGED: QueueSpec("Payments to look at", "credit-card", "red", Permission.PAYMENT_VIEW),
    Queue.FINDINGS: QueueSpec("Books to look at", "clipboard2-x", "red", Permission.RECONCILIATION_VIEW),
    Queue.OVERDUE: QueueSpec("Past their end", "hourglass-bottom", "orange", Permission.SESSION_VIEW, of_sessions=True),
    Queue.WITHOUT_LINK: QueueSpec(
        "Paid without a link", "camera-video-off", "orange", Permission.SESSION_VIEW, of_sessions=True
    ),
    Queue.REASSIGNMENTS: QueueSpec(
        "Unanswered reassignments", "arrow-left-right", "amber", Permission.SESSION_VIEW, of_sessions=True
    ),
    Queue.NO_SHOW_SUGGESTIONS: QueueSpec(
        "No-show suggestions", "person-x", "orange", Permission.SESSION_VIEW, of_sessions=True
    ),
    Queue.PENDING_RESCHEDULES: QueueSpec(
        "Pending reschedules", "calendar2-week", "gray", Permission.SESSION_VIEW, of_sessions=True
    ),
    Queue.SUSPENDED_MENTORS: QueueSpec(
        "Mentor suspended", "person-slash", "red", Permission.SESSION_VIEW, of_sessions=True
    ),
    Queue.MENTOR_APPLICATIONS: QueueSpec("Mentor applications", "person-plus", "accent", Permission.MENTOR_VIEW),
    Queue.FAILED_EMAILS: QueueSpec("Failed e-mails", "envelope-x", "red", Permission.MAIL_VIEW),
    Queue.DEAD_JOBS: QueueSpec("Jobs that gave up", "exclamation-octagon", "red", Permission.JOB_VIEW),
}

_OPEN = (DisputeStatus.OPEN, DisputeStatus.IN_PROGRESS)
_ENDS_AT = S.scheduled_at + func.make_interval(0, 0, 0, 0, 0, cast(S.duration, Integer))


def session_condition(queue: Queue, now: Any) -> ColumnElement[bool]:
    """Which sessions stand in a queue of sessions at ``now``.

    :raises KeyError: for a queue of something else
    """
    return _SESSION_CONDITIONS[queue](now)


def _overdue(now: Any) -> ColumnElement[bool]:
    # "scheduled" belongs to the index's condition, so that the planner recognises it; one past its end is as stuck.
    return and_(
        S.status.in_([SessionStatus.SCHEDULED, SessionStatus.IN_PROGRESS]), S.scheduled_at < now, now > _ENDS_AT
    )


def _without_link(now: Any) -> ColumnElement[bool]:
    return and_(
        S.status == SessionStatus.SCHEDULED,
        S.meeting_url.is_(None),
        S.location.is_(None),
        S.payment_status.in_([PaymentStatus.PAID, PaymentStatus.NOT_REQUIRED]),
        S.scheduled_at > now,
    )


def _of_suspended_mentors(now: Any) -> ColumnElement[bool]:
    suspended = select(User.id).where(User.suspended_at.is_not(None))
    return and_(S.mentor_id.in_(suspended), S.status == SessionStatus.SCHEDULED, S.scheduled_at > now)


_SESSION_CONDITIONS: dict[Queue, Callable[[Any], ColumnElement[bool]]] = {
    Queue.OVERDUE: _overdue,
    Queue.WITHOUT_LINK: _without_link,
    Queue.REASSIGNMENTS: lambda _now: S.reassignment_status.in_(
        [
            ReassignmentStatus.PENDING_ACCEPTANCE,
            ReassignmentStatus.AWAITING_MENTEE_CHOICE,
        ]
    ),
    # What nobody looked at for two days the clock has completed: it waits no longer (NS-3).
    Queue.NO_SHOW_SUGGESTIONS: lambda _now: and_(
        S.attendance_suggested_at.is_not(None),
        S.attendance_decided_at.is_(None),
        S.status.in_([SessionStatus.SCHEDULED, SessionStatus.IN_PROGRESS]),
    ),
    Queue.PENDING_RESCHEDULES: lambda _now: S.pending_reschedule_request_id.is_not(None),
    Queue.SUSPENDED_MENTORS: _of_suspended_mentors,
}

_SINCE: dict[Queue, Any] = {
    Queue.OVERDUE: S.scheduled_at,
    Queue.WITHOUT_LINK: S.created_at,
    Queue.REASSIGNMENTS: S.updated_at,
    Queue.NO_SHOW_SUGGESTIONS: S.attendance_suggested_at,
    Queue.PENDING_RESCHEDULES: S.updated_at,
    Queue.SUSPENDED_MENTORS: S.scheduled_at,
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much waits in one queue, since when at the longest, and how much of it is past its promise."""

    queue: Queue
    count: int
    oldest: datetime | None
    breached: int = 0

    @property
    def spec(self) -> QueueSpec:
        return SPECS[self.queue]


def waiting(now: datetime) -> dict[Queue, Waiting]:
    """Every queue's count (999 at most are counted) and the age of its oldest, in one statement (KPI-3)."""
    rows: Any = _all_counted().run(now=now)
    found = {Queue(name): (count, oldest, breached) for name, count, oldest, breached in rows}
    return {queue: Waiting(queue, *found.get(queue, (0, None, 0))) for queue in Queue}


def waited_then(at: datetime) -> dict[Queue, int]:
    """How much waited at a moment in the past, of the queues whose rows say when they began and ended to (KPI-1).

    Each side is one range of an index: what ended since, and what is open still.
    """
    row = _counted_then().run(at=at, lately=at - _LONGEST_PROPOSAL).one()
    return {Queue.DISPUTES: row.disputes, Queue.PENDING_RESCHEDULES: row.proposals}


@cache
def _counted_then() -> Prepared:
    at, since = (bindparam(name, type_=UtcDateTime()) for name in ("at", "lately"))
    D, R = SessionDispute, RescheduleRequest  # noqa: N806 - classes under short names

    def count(table: Any, *ways: tuple[ColumnElement[bool], ...]) -> Any:
        parts = [select(func.count()).select_from(table).where(*way).scalar_subquery() for way in ways]
        return parts[0] + parts[1]

    disputes = count(
        D, (D.created_at < at, D.resolved_at >= at), (D.created_at < at, D.status.in_(_OPEN), D.resolved_at.is_(None))
    )
    is_open = R.status.in_(OPEN_PROPOSALS)
    # A proposal runs out after days, so that those open then are among those of the weeks before.
    lately = (R.created_at < at, R.created_at >= since)
    proposals = count(R, (*lately, R.resolved_at >= at), (*lately, is_open))
    return Prepared(select(disputes.label("disputes"), proposals.label("proposals")))


@cache
def _all_counted() -> Prepared:
    now = bindparam("now", type_=UtcDateTime())
    return Prepared(union_all(*(_counted(queue, found) for queue, found in _waiting_rows(now).items())))


def _counted(queue: Queue, rows: Select[Any]) -> Select[Any]:
    capped = rows.limit(COUNT_CAP + 1).subquery()
    columns: tuple[Any, ...] = (
        literal(queue.value),
        func.count(),
        func.min(capped.c.since),
        func.count().filter(capped.c.breached),
    )
    return select(*columns).select_from(capped)


def _waiting_rows(now: Any) -> dict[Queue, Select[Any]]:
    def rows(since: Any, *conditions: ColumnElement[bool], breached: Any = None) -> Select[Any]:
        flag = literal(value=False) if breached is None else breached
        return select(since.label("since"), flag.label("breached")).where(*conditions)

    found = {queue: rows(_SINCE[queue], session_condition(queue, now)) for queue in _SESSION_CONDITIONS}
    found |= {
        Queue.DISPUTES: rows(
            SessionDispute.created_at,
            SessionDispute.status.in_(_OPEN),
            # While the reporter is asked the clock stands still, and nothing is late that was not before (DSP-3).
            breached=or_(
                SessionDispute.breached_at.is_not(None),
                and_(SessionDispute.waiting_since.is_(None), SessionDispute.resolution_due_at < now),
            ),
        ),
        Queue.REFUNDS_FAILED: rows(Refund.created_at, Refund.status == RefundState.FAILED),
        Queue.REFUNDS_AWAITING: rows(Refund.created_at, Refund.status == RefundState.AWAITING_APPROVAL),
        Queue.PAYMENTS_FLAGGED: rows(Payment.created_at, Payment.flagged_reason.is_not(None)),
        Queue.FINDINGS: rows(ReconciliationFinding.found_at, ReconciliationFinding.resolved_at.is_(None)),
        Queue.MENTOR_APPLICATIONS: rows(
            MentorProfile.applied_at, MentorProfile.verified_at.is_(None), MentorProfile.declined_at.is_(None)
        ),
        Queue.FAILED_EMAILS: rows(EmailEvent.created_at, EmailEvent.status == EmailState.FAILED),
        Queue.DEAD_JOBS: rows(OutboxRow.created_at, OutboxRow.state == OutboxState.DEAD),
    }
    return found
