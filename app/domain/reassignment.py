"""When a mentor cancels: who replaces, until when the mentee may answer, and what each answer needs (RA, AV-6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from app.domain.decision import Decision, Refusal, in_words
from app.domain.policies import Snapshot
from app.domain.vocabulary import ReassignmentStatus, SessionStatus

OPEN_REASSIGNMENTS: Final = frozenset(
    {ReassignmentStatus.PENDING_ACCEPTANCE, ReassignmentStatus.AWAITING_MENTEE_CHOICE}
)


class ReassignmentAnswer(StrEnum):
    """What a mentee may say to a reassignment; ``decline`` is the new mentor's (RA-8)."""

    ACCEPT = "accept"
    CHOOSE = "choose"
    DECLINE = "decline"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A mentor who could take the session, as far as the ranking cares.

    :param shared_expertise: how many tags are shared with the mentor who cancelled
    :param rating_hundredths: the average rating times 100, 0 without reviews: an integer sorts the same everywhere
    """

    mentor_id: UUID
    shared_expertise: int
    rating_hundredths: int
    upcoming_sessions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReassignmentFacts:
    """:param excluded: ``cancelled_mentor_ids``"""

    status: SessionStatus
    reassignment: ReassignmentStatus | None
    deadline: datetime | None
    start: datetime | None
    excluded: frozenset[UUID] = frozenset()


def ranking_key(candidate: Candidate) -> tuple[int, int, int, str]:
    """Sorts the best first and always alike: expertise, rating, fewer upcoming sessions, id (AV-6)."""
    return (
        -candidate.shared_expertise,
        -candidate.rating_hundredths,
        candidate.upcoming_sessions,
        str(candidate.mentor_id),
    )


def ranked(candidates: Iterable[Candidate], excluded: frozenset[UUID] = frozenset()) -> list[Candidate]:
    """The candidates in order, without those who may not be asked again (RA-8)."""
    return sorted((each for each in candidates if each.mentor_id not in excluded), key=ranking_key)


def response_deadline(now: datetime, start: datetime, policies: Snapshot) -> datetime:
    """Until when the mentee may answer; never later than the start (RA-7)."""
    return min(now + timedelta(hours=policies.reassignment_response_hours), start)


def decide_answer(
    facts: ReassignmentFacts, answer: ReassignmentAnswer, now: datetime, *, chosen: UUID | None = None
) -> Decision:
    """Whether a reassignment can be answered like this now (RA-4, RA-5, RA-6, RA-8).

    :param chosen: the mentor the mentee chose, for ``CHOOSE``
    """
    if facts.status is not SessionStatus.SCHEDULED or facts.reassignment not in OPEN_REASSIGNMENTS:
        return _refused("no_reassignment", "There is nothing to answer: no mentor is being replaced here.", facts)
    if facts.reassignment is not ReassignmentStatus.PENDING_ACCEPTANCE and answer in {
        ReassignmentAnswer.ACCEPT,
        ReassignmentAnswer.DECLINE,
    }:
        return _refused("no_mentor_proposed", "No other mentor was found yet: choose one, or cancel.", facts)
    due = expires_at(facts)
    if due is not None and now >= due:
        ago = in_words(now - due)
        return _refused("reassignment_expired", "The time to answer has passed.", facts, f"{ago} earlier it was open.")
    if answer is ReassignmentAnswer.CHOOSE and (chosen is None or chosen in facts.excluded):
        message = "This mentor cannot take the session. Choose another."
        return Decision(
            allowed=False,
            rule="mentor_excluded",
            message=message,
            refusal=Refusal.INVALID,
            fields={"mentorId": message},
        )
    refunds = answer is ReassignmentAnswer.REJECT
    return Decision(
        allowed=True,
        rule=f"reassignment_{answer.value}",
        message="You get everything back." if refunds else "The answer is recorded.",
        numbers={"deadline": due, "now": now},
        consequences={"refund_percentage": 100} if refunds else {},
    )


def decide_expiry(facts: ReassignmentFacts, now: datetime) -> Decision:
    """Whether the clock cancels an unanswered reassignment, with a full refund (RA-7)."""
    due = expires_at(facts)
    if facts.status is not SessionStatus.SCHEDULED or facts.reassignment not in OPEN_REASSIGNMENTS or due is None:
        return _refused("no_reassignment", "No reassignment is open.", facts)
    if now < due:
        return _refused("not_due", f"The mentee has {in_words(due - now)} left to answer.", facts)
    return Decision(
        allowed=True,
        rule="reassignment_unanswered",
        message="Nobody answered in time, so the session is cancelled and everything goes back.",
        numbers={"deadline": due, "now": now},
        consequences={"refund_percentage": 100, "cancelled_by": "mentor"},
        next_change="An answer before the deadline would have kept the session.",
    )


def expires_at(facts: ReassignmentFacts) -> datetime | None:
    """The deadline or the start, whichever is first."""
    known = [each for each in (facts.deadline, facts.start) if each is not None]
    return min(known) if known else None


def _refused(rule: str, message: str, facts: ReassignmentFacts, next_change: str | None = None) -> Decision:
    return Decision(
        allowed=False,
        rule=rule,
        message=message,
        numbers={"status": facts.status, "reassignment": facts.reassignment, "deadline": facts.deadline},
        next_change=next_change,
        refusal=Refusal.CONFLICT,
        code=rule,
    )
