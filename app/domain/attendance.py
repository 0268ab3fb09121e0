"""Starting, ending, and who did not come (NS-1 to NS-5, and the clock's rows of SM-1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.domain.decision import Decision, Refusal, Value, in_words
from app.domain.policies import Snapshot
from app.domain.reassignment import OPEN_REASSIGNMENTS
from app.domain.vocabulary import MeetingType, Party, ReassignmentStatus, SessionStatus

ACTUAL_DURATION: Final = (1, 1_440)
_BOTH: Final = frozenset({Party.MENTOR, Party.MENTEE})
_RUNNING: Final = frozenset({SessionStatus.SCHEDULED, SessionStatus.IN_PROGRESS})


@dataclass(frozen=True, slots=True, kw_only=True)
class AttendanceFacts:
    """What is known of a confirmed session; instants aware.

    :param is_settled: paid in full, or free
    :param joined: the parties that the join log shows
    :param suggested_at: since when a no-show suggestion waits for a person (NS-3)
    :param is_decided: a person has said who came, so that nothing is suggested any more
    """

    status: SessionStatus
    start: datetime
    duration_minutes: int
    meeting_type: MeetingType
    policies: Snapshot
    is_settled: bool = True
    reassignment: ReassignmentStatus | None = None
    joined: frozenset[Party] = frozenset()
    suggested_at: datetime | None = None
    is_decided: bool = False

    @property
    def has_suggestion(self) -> bool:
        return self.suggested_at is not None and not self.is_decided

    @property
    def end(self) -> datetime:
        return self.start + timedelta(minutes=self.duration_minutes)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoShowDecision(Decision):
    """:param absent: who did not come; a mentor's absence refunds everything, a mentee's nothing (NS-2)"""

    absent: Party
    refund_percentage: int = 0


def decide_no_show_report(facts: AttendanceFacts, by: Party, now: datetime) -> NoShowDecision:
    """Whether a party may report that the other one did not come (NS-1)."""
    absent = Party.MENTOR if by is Party.MENTEE else Party.MENTEE
    opens = facts.start + timedelta(minutes=facts.policies.no_show_grace_minutes)
    numbers: dict[str, Value] = {
        "start": facts.start,
        "now": now,
        "no_show_grace_minutes": facts.policies.no_show_grace_minutes,
        "joined": sorted(facts.joined),
    }
    if facts.status not in _RUNNING:
        return _no_report(
            absent, "not_running", "Nobody can be reported absent here any more.", numbers, transition=True
        )
    if not facts.is_settled or facts.reassignment in OPEN_REASSIGNMENTS:
        return _no_report(absent, "not_confirmed", "This session is not confirmed.", numbers)
    if now < opens:
        return NoShowDecision(
            allowed=False,
            rule="grace",
            message=f"Please wait: {facts.policies.no_show_grace_minutes} minutes after the start you can report this.",
            numbers=numbers,
            next_change=f"In {in_words(opens - now)} it will be possible.",
            refusal=Refusal.POLICY,
            absent=absent,
        )
    if facts.meeting_type is MeetingType.VIDEO:
        if absent in facts.joined:
            message = "The other side did join. If something went wrong, report a problem instead."
            return _no_report(absent, "party_joined", message, numbers)
        if by not in facts.joined:
            message = "Join the meeting first: the join log shows neither of you."
            return _no_report(absent, "reporter_not_joined", message, numbers)
    return no_show(absent, numbers)


def decide_no_show_by_staff(
    facts: AttendanceFacts, absent: Party, now: datetime, *, completed_end: datetime | None = None
) -> NoShowDecision:
    """Whether staff may mark a no-show, also of a completed session within the dispute window (NS-4).

    :param completed_end: when a completed session ended
    """
    numbers: dict[str, Value] = {"start": facts.start, "now": now}
    if facts.status is SessionStatus.COMPLETED:
        closes = (completed_end or facts.end) + timedelta(days=facts.policies.dispute_window_days)
        if now > closes:
            days = facts.policies.dispute_window_days
            message = f"A completed session can be changed for {days} days."
            return _no_report(absent, "dispute_window", message, numbers | {"closed_at": closes})
        return no_show(absent, numbers)
    if facts.status not in _RUNNING:
        message = f"This session is {facts.status.value.replace('_', ' ')}: there is nobody to wait for."
        return _no_report(absent, "not_running", message, numbers, transition=True)
    if now < facts.start:
        return _no_report(absent, "not_started", "The session has not begun yet.", numbers)
    return no_show(absent, numbers)


def no_show(absent: Party, numbers: dict[str, Value]) -> NoShowDecision:
    """What a no-show means for the money (NS-2)."""
    refund = 100 if absent is Party.MENTOR else 0
    return NoShowDecision(
        allowed=True,
        rule=f"{absent.value}_absent",
        message="The mentor did not come: everything goes back."
        if refund
        else "The mentee did not come: nothing goes back, and the mentor is paid.",
        numbers=numbers,
        consequences={"refund_percentage": refund, "no_show_party": absent},
        absent=absent,
        refund_percentage=refund,
    )


def suggested_absentees(facts: AttendanceFacts, now: datetime) -> frozenset[Party]:
    """Whom the join log misses once a video session is over; empty when there is nothing to suggest (NS-3)."""
    detects = facts.policies.auto_no_show_detection and facts.meeting_type is MeetingType.VIDEO
    took_place = facts.is_settled and facts.reassignment not in OPEN_REASSIGNMENTS
    if not detects or not took_place or facts.is_decided or facts.status not in _RUNNING or now < facts.end:
        return frozenset()
    return _BOTH - facts.joined


def decide_suggestion(facts: AttendanceFacts, now: datetime) -> Decision | None:
    """The suggestion that the clock makes at the end of a video session; None when there is nothing to suggest (NS-3).

    It never says more than the log does: a person decides, or it lapses.
    """
    missing = suggested_absentees(facts, now)
    if not missing:
        return None
    if len(missing) == len(_BOTH):
        rule, message = "nobody_joined", "The join log shows neither side."
    else:
        (absent,) = missing
        rule, message = f"{absent.value}_did_not_join", f"The join log shows no {absent.value}."
    hours = facts.policies.suggestion_hold_hours
    return Decision(
        allowed=True,
        rule=rule,
        message=f"{message} Support looks at it before the session is completed.",
        numbers={"end": facts.end, "now": now, "joined": sorted(facts.joined), "suggestion_hold_hours": hours},
        consequences={"missing": sorted(missing)},
        next_change=f"Without an answer it is completed in {in_words(timedelta(hours=hours))}.",
    )


def decide_start(facts: AttendanceFacts, now: datetime) -> Decision:
    """Whether the clock starts the session: start reached, paid or free, no reassignment open."""
    numbers: dict[str, Value] = {"start": facts.start, "now": now}
    if facts.status is not SessionStatus.SCHEDULED:
        return _refused("not_scheduled", "Only a scheduled session starts.", numbers, Refusal.TRANSITION)
    if now < facts.start:
        return _refused("not_due", "It is not time yet.", numbers, Refusal.CONFLICT)
    if not facts.is_settled:
        return _refused("payment_due", "It is not paid.", numbers, Refusal.CONFLICT)
    if facts.reassignment in OPEN_REASSIGNMENTS:
        return _refused("reassignment_open", "Its mentor changes.", numbers, Refusal.CONFLICT)
    return Decision(allowed=True, rule="start_reached", message="The session has begun.", numbers=numbers)


def completes_at(facts: AttendanceFacts) -> datetime:
    """When the clock completes it: some time after the end, and later while a suggestion waits for a person (NS-3)."""
    due = facts.end + timedelta(minutes=facts.policies.auto_complete_minutes_after_end)
    if facts.suggested_at is not None and facts.has_suggestion:
        # From when it was made: a clock that was down for days must not take the decision from support.
        due = max(due, facts.suggested_at + timedelta(hours=facts.policies.suggestion_hold_hours))
    return due


def decide_auto_completion(facts: AttendanceFacts, now: datetime) -> Decision:
    """Whether the clock completes the session now."""
    due = completes_at(facts)
    numbers: dict[str, Value] = {"end": facts.end, "due": due, "now": now, "has_suggestion": facts.has_suggestion}
    refused = _why_not_completed(facts, numbers)
    if refused is not None:
        return refused
    if now < due:
        return _refused("not_due", f"It completes in {in_words(due - now)}.", numbers, Refusal.CONFLICT)
    return Decision(
        allowed=True,
        rule="suggestion_hold_passed" if facts.has_suggestion else "auto_complete",
        message="The session is completed.",
        numbers=numbers,
        next_change="A report before that would have kept it open.",
    )


def decide_completion_by_mentor(facts: AttendanceFacts, now: datetime) -> Decision:
    """Whether the mentor may complete it: from the planned end on, so that nobody's report is cut off (NS-1)."""
    numbers: dict[str, Value] = {"end": facts.end, "now": now}
    refused = _why_not_completed(facts, numbers)
    if refused is not None:
        return refused
    if now < facts.end:
        return _refused("not_over", "The session can be completed once its time is over.", numbers, Refusal.CONFLICT)
    # Whoever may have been absent does not decide that it was held (NS-3).
    if facts.has_suggestion or suggested_absentees(facts, now):
        message = "The join log does not show both of you, so support looks at it first."
        return _refused("attendance_unclear", message, numbers, Refusal.CONFLICT)
    return Decision(allowed=True, rule="completed_by_mentor", message="The session is completed.", numbers=numbers)


def decide_force_completion(facts: AttendanceFacts, now: datetime, actual_minutes: int | None = None) -> Decision:
    """Whether staff may complete it: after the start, and paid (ACT-2).

    :param actual_minutes: how long it really took, 1 to 1,440
    """
    numbers: dict[str, Value] = {
        "start": facts.start,
        "now": now,
        "actual_duration": actual_minutes,
        "original_duration": facts.duration_minutes,
    }
    refused = _why_not_completed(facts, numbers)
    if refused is not None:
        return refused
    if now < facts.start:
        return _refused("not_started", "The session has not begun yet.", numbers, Refusal.CONFLICT)
    shortest, longest = ACTUAL_DURATION
    if actual_minutes is not None and not shortest <= actual_minutes <= longest:
        message = f"Between {shortest} and {longest:,} minutes."
        return Decision(
            allowed=False,
            rule="actual_duration",
            message=message,
            numbers=numbers,
            refusal=Refusal.INVALID,
            fields={"actualDuration": message},
        )
    ended_at = facts.start + timedelta(minutes=actual_minutes or facts.duration_minutes)
    return Decision(
        allowed=True,
        rule="force_complete",
        message="Support completes the session; the mentor's earnings become available.",
        numbers=numbers,
        consequences={"ended_at": ended_at},
    )


def started_at(start: datetime, joins: Iterable[datetime]) -> datetime:
    """When it really began: the first join, else the planned start (NS-5)."""
    return min(joins, default=start)


def ended_at(start: datetime, duration_minutes: int, provider_end: datetime | None) -> datetime:
    """When it really ended: the provider's end event, else the planned end (NS-5)."""
    return provider_end or start + timedelta(minutes=duration_minutes)


def _why_not_completed(facts: AttendanceFacts, numbers: dict[str, Value]) -> Decision | None:
    if facts.status not in _RUNNING:
        message = f"This session is {facts.status.value.replace('_', ' ')} and cannot be completed."
        return _refused("not_running", message, numbers, Refusal.TRANSITION)
    if not facts.is_settled:
        return _refused("payment_due", "It is not paid.", numbers, Refusal.CONFLICT)
    if facts.reassignment in OPEN_REASSIGNMENTS:
        return _refused("reassignment_open", "Its mentor changes.", numbers, Refusal.CONFLICT)
    return None


def _refused(rule: str, message: str, numbers: dict[str, Value], refusal: Refusal) -> Decision:
    return Decision(
        allowed=False,
        rule=rule,
        message=message,
        numbers=numbers,
        refusal=refusal,
        code=rule if refusal is Refusal.CONFLICT else None,
    )


def _no_report(
    absent: Party, rule: str, message: str, numbers: dict[str, Value], *, transition: bool = False
) -> NoShowDecision:
    return NoShowDecision(
        allowed=False,
        rule=rule,
        message=message,
        numbers=numbers,
        refusal=Refusal.TRANSITION if transition else Refusal.CONFLICT,
        code=None if transition else rule,
        absent=absent,
    )
