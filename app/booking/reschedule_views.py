"""Negotiations as pages show them: what is on the table, what was negotiated before, and which times are free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from app.booking.facts import load_availability
from app.booking.session_facts import SessionFacts, negotiation_of
from app.domain.availability import Slot
from app.domain.times import days_bounds, zone
from app.domain.vocabulary import Party, RescheduleStatus
from app.models import MentoringSession


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalView:
    """An open negotiation, as one side sees it.

    :param is_mine: the reader's own time is on the table: the reader waits
    :param began_it: the reader opened the negotiation, and may withdraw
    """

    id: UUID
    time: datetime
    duration: int
    original_time: datetime | None
    reason: str | None
    counters: int
    expires_at: datetime
    is_mine: bool
    began_it: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NegotiationView:
    """A negotiation of this session, over or not: ``by`` began it, ``time`` was last on the table."""

    at: datetime
    by: Party
    original_time: datetime | None
    time: datetime
    status: RescheduleStatus
    counters: int
    resolved_at: datetime | None


def open_proposal(facts: SessionFacts, side: Party, *, now: datetime) -> ProposalView | None:
    """What is on the table now, for this side."""
    row, talk = facts.open_request, facts.open_talk(now)
    if row is None or talk is None:
        return None
    return ProposalView(
        id=row.id,
        time=talk.time_on_table,
        duration=row.proposed_duration,
        original_time=row.original_time,
        reason=row.reason,
        counters=talk.counter_count,
        expires_at=talk.expires_at,
        is_mine=talk.proposer is side,
        began_it=talk.initiator is side,
    )


def negotiations(facts: SessionFacts) -> Sequence[NegotiationView]:
    """All of the session's, latest first."""
    return [
        NegotiationView(
            at=row.created_at,
            by=row.initiated_by,
            original_time=row.original_time,
            time=negotiation_of(row).time_on_table,
            status=row.status,
            counters=row.counter_proposal_count,
            resolved_at=row.resolved_at,
        )
        for row in reversed(facts.negotiations)
    ]


def load_move_slots(
    session: MentoringSession,
    *,
    by: Party,
    first_day: date,
    last_day: date,
    viewer_zone: str,
    now: datetime,
) -> Sequence[Slot]:
    """The starts to which this side may ask to move a session, in a range of the viewer's days.

    The session is not in its own way; the time it has and the one on the table are no other times.
    """
    window = days_bounds(first_day, last_day, zone(viewer_zone))
    facts = load_availability(session.mentor_id, session.mentee_id, window, now=now, leaving_out=session.id)
    if by is Party.MENTOR:
        facts = facts.for_the_mentor()
    same = {session.scheduled_at, session.pending_reschedule_time}
    found = facts.slots(
        first_day=first_day, last_day=last_day, duration_minutes=session.duration, viewer_zone=viewer_zone, now=now
    )
    return [slot for slot in found if slot.start_at not in same]
