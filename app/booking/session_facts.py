"""Facts about sessions for the pure rules: what was paid, promised, proposed, granted and joined.

Loaded for one session or for a page of them in the same number of statements (PERF-7).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Select, Uuid, bindparam, func, select

from app.booking.holds import UNPAID
from app.domain.attendance import AttendanceFacts
from app.domain.cancellation import CancellationFacts, MenteeMove
from app.domain.joining import JoinFacts
from app.domain.money import Money, share_of
from app.domain.overrides import Override, active_overrides
from app.domain.policies import Snapshot
from app.domain.reassignment import ReassignmentFacts
from app.domain.rescheduling import OPEN_PROPOSALS, Negotiation, ProposalFacts
from app.domain.vocabulary import Party, PaymentStatus, RescheduleStatus
from app.extensions import db
from app.foundation.policies import current_policies, policies_under
from app.foundation.prepared import Prepared
from app.foundation.transaction import reading_memo
from app.models import MentoringSession, Payment, PolicyOverride, Refund, RescheduleRequest, SessionJoin
from app.money.rows import MoneyRows, is_nobodys


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """One session with all that the rules ask about it."""

    session: MentoringSession
    policies: Snapshot
    money: MoneyRows
    negotiations: Sequence[RescheduleRequest]
    overrides: Sequence[Override]
    joined: frozenset[Party]

    @property
    def is_settled(self) -> bool:
        return is_settled(self.session)

    @property
    def earnings_minor(self) -> int:
        """The mentor's share of what is kept; of the price, while nothing is paid (MN-5).

        Nothing, where the session ended between two mentors (CX-4, MN-14).
        """
        if is_nobodys(self.session):
            return 0
        net = self.money.net_minor if self.money.paid_by else self.session.rate_minor
        return share_of(net, self.policies.mentor_share_percentage)

    def for_cancelling(self, *, now: datetime) -> CancellationFacts:
        """What decides about cancelling at ``now`` (CX-2)."""
        session = self.session
        return CancellationFacts(
            status=session.status,
            start=session.scheduled_at,
            policies=self.policies,
            paid=Money(self.money.paid_minor, session.currency) if self.money.paid_by else None,
            is_free=session.payment_status is PaymentStatus.NOT_REQUIRED,
            refunded_minor=self.money.facts(session.currency).refunded_minor,
            open_proposal_by=talk.initiator if (talk := self.open_talk(now)) else None,
            reassignment=session.reassignment_status,
            mentee_moves=[
                MenteeMove(each.created_at, each.original_time, each.refund_percentage_when_proposed)
                for each in self.negotiations
                if each.status is RescheduleStatus.ACCEPTED
                and each.initiated_by is Party.MENTEE
                and each.original_time is not None
            ],
            overrides=active_overrides(self.overrides, start=session.scheduled_at, now=now),
        )

    @property
    def open_request(self) -> RescheduleRequest | None:
        """The negotiation that is open by its row, run out or not."""
        return next((each for each in self.negotiations if each.status in OPEN_PROPOSALS), None)

    def open_talk(self, now: datetime) -> Negotiation | None:
        """The negotiation that can still be answered at ``now``; one that ran out is as good as closed (AV-4)."""
        row = self.open_request
        return negotiation_of(row) if row is not None and now < row.expires_at else None

    def for_moving(self, by: Party, *, now: datetime, allowed_durations: Collection[int] = ()) -> ProposalFacts:
        """What decides about proposing another time at ``now`` (RS-1)."""
        session = self.session
        return ProposalFacts(
            status=session.status,
            # Without a time it is not scheduled, and that decides.
            start=session.scheduled_at or session.created_at,
            duration_minutes=session.duration,
            is_settled=self.is_settled,
            count=session.reschedule_count if by is Party.MENTEE else session.mentor_reschedule_count,
            policies=self.policies,
            has_open_proposal=self.open_talk(now) is not None,
            reassignment=session.reassignment_status,
            allowed_durations=allowed_durations,
            overrides=active_overrides(self.overrides, start=session.scheduled_at, now=now),
        )

    def for_joining(self) -> JoinFacts:
        """What decides about releasing the meeting link (JN-2)."""
        session = self.session
        return JoinFacts(
            status=session.status,
            start=session.scheduled_at,
            duration_minutes=session.duration,
            is_settled=self.is_settled,
            policies=self.policies,
            reassignment=session.reassignment_status,
        )

    def for_attending(self) -> AttendanceFacts:
        """What decides about starting, completing and absence.

        :raises ValueError: for a session without a time
        """
        return _attending(self.session, self.policies, self.joined)


def facts_of(session: MentoringSession) -> SessionFacts:
    """Everything about one session, as it is now."""
    # A page asks of each act in turn whether it is possible.
    known = reading_memo()
    if known is None:
        return facts_of_all([session])[session.id]
    key = f"facts:{session.id}"
    if key not in known:
        known[key] = facts_of_all([session])[session.id]
    found: SessionFacts = known[key]
    return found


def facts_of_all(sessions: Iterable[MentoringSession]) -> dict[UUID, SessionFacts]:
    """Everything about a page of sessions, in six statements."""
    wanted = {session.id: session for session in sessions}
    current = current_policies()
    payments = rows_by_session(Payment, wanted)
    refunds = rows_by_session(Refund, wanted)
    negotiations = rows_by_session(RescheduleRequest, wanted)
    overrides = _overrides(wanted)
    joins = _joins(wanted)
    return {
        key: SessionFacts(
            session,
            policies_under(session.policy_version_id, current).values,
            MoneyRows(tuple(payments[key]), tuple(refunds[key])),
            negotiations[key],
            overrides[key],
            frozenset(party for party, person in _sides(session) if person in joins[key]),
        )
        for key, session in wanted.items()
    }


def _attending(session: MentoringSession, policies: Snapshot, joined: frozenset[Party]) -> AttendanceFacts:
    if session.scheduled_at is None:
        message = "Nobody can attend a session without a time"
        raise ValueError(message)
    return AttendanceFacts(
        status=session.status,
        start=session.scheduled_at,
        duration_minutes=session.duration,
        meeting_type=session.meeting_type,
        policies=policies,
        is_settled=is_settled(session),
        reassignment=session.reassignment_status,
        joined=joined,
        suggested_at=session.attendance_suggested_at,
        is_decided=session.attendance_decided_at is not None,
    )


def negotiation_of(row: RescheduleRequest) -> Negotiation:
    """A negotiation as the rules see it: the last word lies on the table."""
    return Negotiation(
        status=row.status,
        initiator=row.initiated_by,
        proposer=row.counter_proposed_by or row.initiated_by,
        time_on_table=row.counter_proposed_time or row.proposed_time,
        counter_count=row.counter_proposal_count,
        expires_at=row.expires_at,
    )


def cancellation_facts(session: MentoringSession, *, now: datetime) -> CancellationFacts:
    """What decides about cancelling this session at ``now`` (CX-2)."""
    return facts_of(session).for_cancelling(now=now)


def join_facts(session: MentoringSession) -> JoinFacts:
    """What decides about releasing the meeting link (JN-2)."""
    return facts_of(session).for_joining()


def attendance_facts(session: MentoringSession) -> AttendanceFacts:
    """What decides about starting and completing a session that has a time; its money and its times do not.

    :raises ValueError: when it has none
    """
    known = reading_memo()
    key = f"attendance:{session.id}"
    if known is not None and key in known:
        found: AttendanceFacts = known[key]
        return found
    policies = policies_under(session.policy_version_id, current_policies()).values
    joined = (known or {}).get(f"joined:{session.id}")
    if joined is None:
        joined = _joins([session.id])[session.id]
    found = _attending(session, policies, frozenset(party for party, person in _sides(session) if person in joined))
    if known is not None:
        known[key] = found
    return found


def reassignment_facts(session: MentoringSession) -> ReassignmentFacts:
    """What decides about an answer to a change of mentor (RA-3 to RA-8)."""
    return ReassignmentFacts(
        status=session.status,
        reassignment=session.reassignment_status,
        deadline=session.reassignment_deadline,
        start=session.scheduled_at,
        # To choose the one who is assigned already would be to accept.
        excluded=frozenset({*session.cancelled_mentor_ids, session.mentor_id, session.mentee_id}),
    )


def is_settled(session: MentoringSession) -> bool:
    """Whether nothing is to be paid any more: paid, or free."""
    return session.payment_status not in UNPAID


def first_join(session_id: UUID) -> datetime | None:
    """When somebody first joined, if anybody did (NS-5)."""
    return db.session.scalar(select(func.min(SessionJoin.joined_at)).where(SessionJoin.session_id == session_id))


def _sides(session: MentoringSession) -> tuple[tuple[Party, UUID], ...]:
    return (Party.MENTOR, session.mentor_id), (Party.MENTEE, session.mentee_id)


# Asked by every act and for every list of bookings, so they are put together once.
_NAMED = bindparam("ids", type_=ARRAY(Uuid))


@cache
def _rows_of(table: Any) -> Select[Any]:
    return (
        select(table)
        .where(table.session_id == func.any(_NAMED))
        .order_by(table.created_at, table.id)
        .execution_options(populate_existing=True)
    )


_OVERRIDES = Prepared(
    select(
        PolicyOverride.session_id,
        PolicyOverride.override_type,
        PolicyOverride.expires_at,
        PolicyOverride.used_at,
        PolicyOverride.revoked_at,
    ).where(PolicyOverride.session_id == func.any(_NAMED))
)
_JOINS = Prepared(
    select(SessionJoin.session_id, SessionJoin.user_id).where(SessionJoin.session_id == func.any(_NAMED)).distinct()
)


def rows_by_session(table: Any, wanted: Iterable[UUID]) -> dict[UUID, list[Any]]:
    """A table's rows of these sessions, oldest first, in one statement."""
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in db.session.scalars(_rows_of(table), {"ids": list(wanted)}):
        found[row.session_id].append(row)
    return found


def _overrides(wanted: Iterable[UUID]) -> dict[UUID, list[Override]]:
    found: dict[UUID, list[Override]] = defaultdict(list)
    rows: Any = _OVERRIDES.run(ids=list(wanted))
    for session_id, kind, expires_at, used_at, revoked_at in rows:
        found[session_id].append(Override(kind, expires_at, used_at, revoked_at))
    return found


def who_joined(session_id: Any) -> Select[UUID]:
    """The statement that finds who has joined a session, for whoever asks for it beside something else (PERF-7)."""
    return select(SessionJoin.user_id).where(SessionJoin.session_id == session_id).distinct()


def note_joined(session_id: UUID, people: Iterable[UUID]) -> None:
    """This function will spare a request that only reads the question who has joined."""
    reading = reading_memo()
    if reading is not None:
        reading[f"joined:{session_id}"] = set(people)


def _joins(wanted: Iterable[UUID]) -> dict[UUID, set[UUID]]:
    found: dict[UUID, set[UUID]] = defaultdict(set)
    rows: Any = _JOINS.run(ids=list(wanted))
    for session_id, user_id in rows:
        found[session_id].add(user_id)
    return found
