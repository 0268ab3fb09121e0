"""Decisions of the past with the facts of their moment, read for a replay in a fixed number of statements (POL-4).

What was decided stands in ``decision_records``; what it was made of is put together from the record's own numbers and
from rows that keep when they came and went: payments, refunds, proposals, overrides, and the version of the policies
that the session was booked under.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, Select, select

from app.booking.session_facts import rows_by_session
from app.domain.attendance import AttendanceFacts
from app.domain.cancellation import CancellationFacts, MenteeMove
from app.domain.money import Money
from app.domain.overrides import Override, active_overrides
from app.domain.policies import Snapshot, merge
from app.domain.replay import RULES, Facts, PastCase, ReplayKind, Verdict
from app.domain.rescheduling import Negotiation, ProposalFacts
from app.domain.vocabulary import OverrideType, Party, PaymentStatus, RescheduleStatus, SessionStatus
from app.extensions import db
from app.foundation.policies import current_policies
from app.models import (
    DecisionRecord,
    MentoringSession,
    Payment,
    PolicyOverride,
    PolicyVersion,
    Refund,
    RescheduleRequest,
)
from app.money.rows import MoneyRows

# Of each kind; enough to see a trend, and little enough that a page waits for it without noticing.
AT_MOST: Final = 400
_RECORD: Final = (
    DecisionRecord.id.label("record_id"),
    DecisionRecord.kind,
    DecisionRecord.actor_id,
    DecisionRecord.allowed,
    DecisionRecord.rule,
    DecisionRecord.inputs,
    DecisionRecord.consequences,
    DecisionRecord.created_at.label("at"),
    # As it was then: a session may have got better ones since (POL-5).
    DecisionRecord.policy_version_id,
)
_SESSION: Final = (
    MentoringSession.id.label("session_id"),
    MentoringSession.mentee_id,
    MentoringSession.mentor_id,
    MentoringSession.reassigned_from_mentor_id,
    MentoringSession.cancelled_mentor_ids,
    MentoringSession.duration,
    MentoringSession.meeting_type,
    MentoringSession.currency,
    MentoringSession.payment_status,
)


@dataclass(frozen=True, slots=True)
class Sample:
    """What was looked at of one kind, latest first.

    :param is_cut: there are more in the range than are looked at
    :param oldest_at: when the earliest one was decided; None when there is none
    """

    kind: ReplayKind
    cases: Sequence[PastCase]
    is_cut: bool
    oldest_at: datetime | None


def sample_cases(kinds: Iterable[ReplayKind], *, since: datetime, at_most: int = AT_MOST) -> list[Sample]:
    """The latest decisions of these kinds: one statement for each kind, and five for what they were made of."""
    rows = {kind: db.session.execute(_latest(kind, since).limit(at_most + 1)).all() for kind in kinds}
    cut = {kind for kind, found in rows.items() if len(found) > at_most}
    kept = {kind: _without_repeats(found[:at_most]) for kind, found in rows.items()}
    cases = _cases([row for found in kept.values() for row in found])
    return [
        Sample(
            kind, [case for row in found if (case := cases[_key(row)])], kind in cut, found[-1].at if found else None
        )
        for kind, found in kept.items()
    ]


def cases_of_records(record_ids: Collection[UUID]) -> dict[UUID, PastCase]:
    """The cases behind these decision records; one that cannot be decided again is missing."""
    if not record_ids:
        return {}
    rows = db.session.execute(_records().where(DecisionRecord.id.in_(list(record_ids)))).all()
    return {case.record_id: case for case in _cases(rows).values() if case is not None and case.record_id is not None}


def cases_of_session(session_id: UUID) -> list[PastCase]:
    """Everything about one session that can be decided again, latest first."""
    chosen = _records().where(DecisionRecord.session_id == session_id).order_by(DecisionRecord.created_at.desc())
    rows = _without_repeats(db.session.execute(chosen.limit(AT_MOST)).all())
    cases = _cases(rows)
    return [case for row in rows if (case := cases[_key(row)])]


def _records() -> Select[Any]:
    chosen: Select[Any] = select(*_RECORD, *_SESSION).join(
        MentoringSession, MentoringSession.id == DecisionRecord.session_id
    )
    return chosen.where(DecisionRecord.rule.in_(sorted(set().union(*RULES.values()))))


def _latest(kind: ReplayKind, since: datetime) -> Select[Any]:
    if kind is ReplayKind.EARNINGS:
        held = MentoringSession.scheduled_at
        columns: tuple[Any, ...] = (*_SESSION, MentoringSession.policy_version_id, held.label("at"))
        completed = select(*columns).where(
            MentoringSession.status == SessionStatus.COMPLETED,
            held >= since,
            MentoringSession.payment_status != PaymentStatus.NOT_REQUIRED,
        )
        return completed.order_by(held.desc().nulls_last(), MentoringSession.id.desc())
    return (
        _records()
        .where(
            DecisionRecord.kind == kind.value,
            DecisionRecord.created_at >= since,
            DecisionRecord.rule.in_(sorted(RULES[kind])),
        )
        .order_by(DecisionRecord.created_at.desc())
    )


def _key(row: Row[Any]) -> UUID:
    key: UUID = getattr(row, "record_id", row.session_id)
    return key


def _without_repeats(rows: Sequence[Row[Any]]) -> list[Row[Any]]:
    """Who is refused tries again: the last refusal of a session and person stands for all."""
    seen: set[tuple[Any, ...]] = set()
    kept = []
    for row in rows:
        if getattr(row, "allowed", True) is False:
            mark = (row.session_id, row.kind, row.actor_id, row.rule)
            if mark in seen:
                continue
            seen.add(mark)
        kept.append(row)
    return kept


def _cases(rows: Sequence[Row[Any]]) -> dict[UUID, PastCase | None]:
    around = _Surroundings.of(rows)
    return {_key(row): around.case_of(row) for row in rows}


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What hangs on the sampled sessions, by session."""

    policies: Mapping[UUID, Snapshot]
    payments: Mapping[UUID, list[Payment]]
    refunds: Mapping[UUID, list[Refund]]
    talks: Mapping[UUID, list[RescheduleRequest]]
    overrides: Mapping[UUID, list[PolicyOverride]]

    @classmethod
    def of(cls, rows: Sequence[Row[Any]]) -> _Surroundings:
        ids = {row.session_id for row in rows}
        if not ids:
            nothing: Mapping[UUID, list[Any]] = {}
            return cls({}, nothing, nothing, nothing, nothing)
        tables = (Payment, Refund, RescheduleRequest, PolicyOverride)
        return cls(
            _policies_of({row.policy_version_id for row in rows}), *(rows_by_session(table, ids) for table in tables)
        )

    def case_of(self, row: Row[Any]) -> PastCase | None:
        kind = ReplayKind(row.kind) if hasattr(row, "kind") else ReplayKind.EARNINGS
        by = _party(row) if kind is not ReplayKind.EARNINGS else Party.MENTOR
        if by is None:
            return None
        # A refund made in the same moment is what the decision brought about.
        refunds = self.refunds.get(row.session_id, [])
        if kind is not ReplayKind.EARNINGS:
            refunds = [refund for refund in refunds if refund.created_at < row.at]
        money = MoneyRows(tuple(self.payments.get(row.session_id, [])), tuple(refunds))
        recorded = Verdict(True, "mentor_share") if kind is ReplayKind.EARNINGS else _recorded(row, kind)
        return PastCase(
            kind=kind,
            session_id=row.session_id,
            record_id=getattr(row, "record_id", None),
            at=row.at,
            by=by,
            policies=self.policies[row.policy_version_id],
            recorded=recorded,
            facts=self._facts(kind, row, by, money),
            currency=row.currency,
            paid_minor=money.paid_minor,
            refunded_minor=money.facts(row.currency).refunded_minor,
        )

    def _facts(self, kind: ReplayKind, row: Row[Any], by: Party, money: MoneyRows) -> Facts:
        policies = self.policies[row.policy_version_id]
        match kind:
            case ReplayKind.CANCELLATION:
                return self._for_cancelling(row, policies, money)
            case ReplayKind.RESCHEDULE:
                return ProposalFacts(
                    status=SessionStatus.SCHEDULED,
                    start=_instant(row, "start"),
                    duration_minutes=row.duration,
                    is_settled=True,
                    count=row.inputs["count"],
                    policies=policies,
                    overrides=self._overrides(row, _instant(row, "start")),
                )
            case ReplayKind.COUNTER:
                return _talk(row, by)
            case ReplayKind.NO_SHOW:
                return AttendanceFacts(
                    status=SessionStatus.IN_PROGRESS,
                    start=_instant(row, "start"),
                    duration_minutes=row.duration,
                    meeting_type=row.meeting_type,
                    policies=policies,
                    joined=frozenset(Party(each) for each in row.inputs.get("joined", ())),
                )
            case ReplayKind.EARNINGS:
                return None

    def _for_cancelling(self, row: Row[Any], policies: Snapshot, money: MoneyRows) -> CancellationFacts:
        at, start = row.at, _instant(row, "start")
        talks = self.talks.get(row.session_id, [])
        # A cancellation closes the proposal that was open.
        is_open = (
            each for each in talks
            if each.created_at < at < each.expires_at and (each.resolved_at is None or each.resolved_at >= at)
        )  # fmt: skip
        still_open = next(is_open, None)
        return CancellationFacts(
            status=SessionStatus.SCHEDULED,
            start=start,
            policies=policies,
            paid=Money(money.paid_minor, row.currency) if money.paid_by else None,
            is_free=row.payment_status is PaymentStatus.NOT_REQUIRED,
            refunded_minor=money.facts(row.currency).refunded_minor,
            open_proposal_by=still_open.initiated_by if still_open else None,
            mentee_moves=[
                MenteeMove(each.created_at, each.original_time, each.refund_percentage_when_proposed)
                for each in talks
                if each.status is RescheduleStatus.ACCEPTED
                and each.initiated_by is Party.MENTEE
                and each.original_time is not None
                and each.resolved_at is not None
                and each.resolved_at <= at
            ],
            overrides=self._overrides(row, start),
        )

    def _overrides(self, row: Row[Any], start: datetime) -> frozenset[OverrideType]:
        granted = (
            Override(
                each.override_type,
                each.expires_at,
                # Using one up, like revoking it, counts from the moment after.
                each.used_at if each.used_at is not None and each.used_at < row.at else None,
                each.revoked_at if each.revoked_at is not None and each.revoked_at < row.at else None,
            )
            for each in self.overrides.get(row.session_id, [])
            if each.created_at <= row.at
        )
        return active_overrides(granted, start=start, now=row.at)


def _policies_of(version_ids: Collection[UUID]) -> dict[UUID, Snapshot]:
    """What sessions of these versions live under; everything that is replayed is pinned (POL-5)."""
    stored = db.session.execute(select(PolicyVersion.id, PolicyVersion.values).where(PolicyVersion.id.in_(version_ids)))
    current = current_policies().values
    found: dict[UUID, Snapshot] = defaultdict(lambda: current)
    found.update({row.id: merge(Snapshot.from_json(row.values), current) for row in stored})
    return found


def _party(row: Row[Any]) -> Party | None:
    """Whose decision it was; None for staff, the clock, and a mentor's cancellation, which no policy prices."""
    if row.actor_id == row.mentee_id:
        return Party.MENTEE
    mentors = {row.mentor_id, row.reassigned_from_mentor_id, *row.cancelled_mentor_ids}
    if row.actor_id is None or row.actor_id not in mentors or row.kind == ReplayKind.CANCELLATION.value:
        return None
    return Party.MENTOR


def _recorded(row: Row[Any], kind: ReplayKind) -> Verdict:
    refunds = kind in {ReplayKind.CANCELLATION, ReplayKind.NO_SHOW} and row.allowed
    return Verdict(row.allowed, row.rule, row.consequences.get("refund_percentage") if refunds else None)


def _talk(row: Row[Any], by: Party) -> Negotiation:
    """As much of the negotiation as the limit of counter-proposals asks about; ``by`` had the turn."""
    other = Party.MENTOR if by is Party.MENTEE else Party.MENTEE
    count = row.inputs.get("counter_count", row.inputs.get("count", 0))
    later = row.at + timedelta(hours=1)
    return Negotiation(
        status=RescheduleStatus.PENDING, initiator=other, proposer=other, time_on_table=later, counter_count=count,
        expires_at=later,
    )  # fmt: skip


def _instant(row: Row[Any], name: str) -> datetime:
    return datetime.fromisoformat(row.inputs[name])
