"""Facts about one session for the pure rules: what was paid, promised, proposed and granted."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from app.booking.holds import UNPAID
from app.domain.attendance import AttendanceFacts
from app.domain.cancellation import CancellationFacts, MenteeMove
from app.domain.joining import JoinFacts
from app.domain.money import Money
from app.domain.overrides import Override, active_overrides
from app.domain.vocabulary import OverrideType, Party, PaymentStatus, RescheduleStatus
from app.extensions import db
from app.foundation.policies import policies_for
from app.models import MentoringSession, PolicyOverride, RescheduleRequest, SessionJoin
from app.money.rows import read_rows

_OPEN = frozenset({RescheduleStatus.PENDING, RescheduleStatus.COUNTER_PROPOSED})


def cancellation_facts(session: MentoringSession, *, now: datetime) -> CancellationFacts:
    """What decides about cancelling this session at ``now`` (CX-2)."""
    rows = read_rows(session.id)
    negotiations = _negotiations(session)
    return CancellationFacts(
        status=session.status,
        start=session.scheduled_at,
        policies=policies_for(session).values,
        paid=Money(rows.paid_minor, session.currency) if rows.paid_by else None,
        is_free=session.payment_status is PaymentStatus.NOT_REQUIRED,
        refunded_minor=rows.facts(session.currency).refunded_minor,
        open_proposal_by=next((each.initiated_by for each in negotiations if each.status in _OPEN), None),
        reassignment=session.reassignment_status,
        mentee_moves=[
            MenteeMove(each.created_at, each.original_time)
            for each in negotiations
            if each.status is RescheduleStatus.ACCEPTED and each.initiated_by is Party.MENTEE
        ],
        overrides=overrides_of(session, now=now),
    )


def attendance_facts(session: MentoringSession) -> AttendanceFacts:
    """What decides about starting and completing a session that has a time.

    :raises ValueError: when it has none
    """
    if session.scheduled_at is None:
        message = "Nobody can attend a session without a time"
        raise ValueError(message)
    joined = set(db.session.scalars(select(SessionJoin.user_id).where(SessionJoin.session_id == session.id).distinct()))
    sides = {Party.MENTOR: session.mentor_id, Party.MENTEE: session.mentee_id}
    return AttendanceFacts(
        status=session.status,
        start=session.scheduled_at,
        duration_minutes=session.duration,
        meeting_type=session.meeting_type,
        policies=policies_for(session).values,
        is_settled=is_settled(session),
        reassignment=session.reassignment_status,
        joined=frozenset(party for party, person in sides.items() if person in joined),
        has_suggestion=session.attendance_suggested_at is not None and session.attendance_decided_at is None,
    )


def first_join(session_id: UUID) -> datetime | None:
    """When somebody first joined, if anybody did (NS-5)."""
    return db.session.scalar(select(func.min(SessionJoin.joined_at)).where(SessionJoin.session_id == session_id))


def join_facts(session: MentoringSession) -> JoinFacts:
    """What decides about releasing the meeting link (JN-2)."""
    return JoinFacts(
        status=session.status,
        start=session.scheduled_at,
        duration_minutes=session.duration,
        is_settled=is_settled(session),
        policies=policies_for(session).values,
        reassignment=session.reassignment_status,
    )


def is_settled(session: MentoringSession) -> bool:
    """Whether nothing is to be paid any more: paid, or free."""
    return session.payment_status not in UNPAID


def overrides_of(session: MentoringSession, *, now: datetime) -> frozenset[OverrideType]:
    """The overrides that count now (RS-6)."""
    granted = db.session.execute(
        select(
            PolicyOverride.override_type, PolicyOverride.expires_at, PolicyOverride.used_at, PolicyOverride.revoked_at
        ).where(PolicyOverride.session_id == session.id)
    )
    return active_overrides((Override(*row) for row in granted), start=session.scheduled_at, now=now)


def _negotiations(session: MentoringSession) -> list[RescheduleRequest]:
    return list(
        db.session.scalars(
            select(RescheduleRequest)
            .where(RescheduleRequest.session_id == session.id)
            .order_by(RescheduleRequest.created_at)
            .execution_options(populate_existing=True)
        )
    )
