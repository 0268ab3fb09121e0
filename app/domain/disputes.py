"""What a dispute allows: until when it is reported, with what evidence, who may end it and how (DSP-1, DSP-4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from app.domain.decision import Decision, Refusal, Value, in_words
from app.domain.permissions import Permission, may
from app.domain.policies import Snapshot
from app.domain.vocabulary import (
    DisputeCategory,
    DisputePriority,
    DisputeResolution,
    DisputeStatus,
    Role,
    SessionStatus,
)

REASON_LENGTH: Final = (3, 200)
DESCRIPTION_LENGTH: Final = (10, 5_000)
MESSAGE_LENGTH: Final = (1, 5_000)
NOTES_LENGTH: Final = (3, 1_000)
MOST_FILES: Final = 5

OPEN_DISPUTES: Final = frozenset({DisputeStatus.OPEN, DisputeStatus.IN_PROGRESS})

_REPORTABLE: Final = frozenset(
    {
        SessionStatus.SCHEDULED,
        SessionStatus.IN_PROGRESS,
        SessionStatus.COMPLETED,
        SessionStatus.CANCELLED,
        SessionStatus.NO_SHOW,
    }
)
_FIRST_PRIORITY: Final[Mapping[DisputeCategory, DisputePriority]] = {
    DisputeCategory.BEHAVIOR: DisputePriority.HIGH,
    DisputeCategory.NO_SHOW: DisputePriority.MEDIUM,
    DisputeCategory.TECHNICAL: DisputePriority.MEDIUM,
    DisputeCategory.REFUND: DisputePriority.MEDIUM,
    DisputeCategory.QUALITY: DisputePriority.LOW,
    DisputeCategory.OTHER: DisputePriority.LOW,
}
# What each outcome does is somebody's to do; one that the role may not do is not offered (DSP-4).
NEEDED: Final[Mapping[DisputeResolution, Permission]] = {
    DisputeResolution.REFUND_ISSUED: Permission.REFUND_CREATE,
    DisputeResolution.WARNING_SENT: Permission.USER_WARN,
    DisputeResolution.ACCOUNT_SUSPENDED: Permission.USER_SUSPEND,
    DisputeResolution.SESSION_RESCHEDULED: Permission.SESSION_MOVE,
    DisputeResolution.NO_ACTION: Permission.DISPUTE_RESOLVE,
}


def first_priority(category: DisputeCategory, status: SessionStatus) -> DisputePriority:
    """How urgent a new report is, until a person says otherwise: trouble in a session that is running comes first."""
    return DisputePriority.URGENT if status is SessionStatus.IN_PROGRESS else _FIRST_PRIORITY[category]


def decide_report(
    *, status: SessionStatus, ended_at: datetime | None, has_open: bool, policies: Snapshot, now: datetime
) -> Decision:
    """Whether a party may report a problem now; the window's last instant counts (DSP-1).

    :param ended_at: the end, planned or real; for a cancelled session the moment it was cancelled
    :param has_open: this reporter has an open dispute on the session
    """
    if status not in _REPORTABLE or ended_at is None:
        return _conflict("not_reportable", "There is nothing to report on this session yet.", status)
    if has_open:
        return _conflict("dispute_open", "You reported a problem with this session already; add to that.", status)
    closes = ended_at + timedelta(days=policies.dispute_window_days)
    numbers: dict[str, Value] = {"ended_at": ended_at, "closes_at": closes, "now": now}
    if now > closes:
        return Decision(
            allowed=False,
            rule="dispute_window",
            message=f"A problem can be reported for {policies.dispute_window_days} days. Write to support instead.",
            numbers=numbers,
            next_change=f"{in_words(now - closes)} earlier it would have been possible.",
            refusal=Refusal.POLICY,
        )
    return Decision(allowed=True, rule="dispute_window", message="You can report a problem.", numbers=numbers)


def decide_words(texts: Mapping[str, str], lengths: Mapping[str, tuple[int, int]]) -> Decision:
    """Whether each text is neither too short nor too long; the names are those of the fields."""
    problems = {}
    for name, (shortest, longest) in lengths.items():
        if len(texts[name]) < shortest:
            needed = "Write something." if shortest == 1 else f"Write at least {shortest} characters."
            problems[name] = needed
        elif len(texts[name]) > longest:
            problems[name] = f"Use at most {longest:,} characters."
    if problems:
        return Decision(
            allowed=False,
            rule="texts",
            message=" ".join(problems.values()),
            refusal=Refusal.INVALID,
            fields=problems,
        )
    return Decision(allowed=True, rule="texts", message="These words can be used.")


def decide_more_files(had: int, added: int) -> Decision:
    """Whether so many files may be added to a report that has ``had`` already (DSP-1)."""
    if had + added > MOST_FILES:
        message = f"A report holds up to {MOST_FILES} files."
        return Decision(
            allowed=False,
            rule="most_files",
            message=message,
            numbers={"had": had, "added": added},
            refusal=Refusal.INVALID,
            fields={"evidence": message},
        )
    return Decision(allowed=True, rule="most_files", message="The files can be added.")


def decide_handling(status: DisputeStatus, *, awaits_approval: bool, ends: bool = False) -> Decision:
    """Whether staff may go on with a dispute; one that waits for a second person cannot be ended in another way.

    :param ends: whether the act would resolve or dismiss it
    """
    numbers: dict[str, Value] = {"status": status}
    if status not in OPEN_DISPUTES:
        message = f"This dispute is {status.value} already. Reload the page to see how."
        return Decision(
            allowed=False,
            rule="dispute_closed",
            message=message,
            numbers=numbers,
            refusal=Refusal.CONFLICT,
            code="dispute_closed",
        )
    if ends and awaits_approval:
        return Decision(
            allowed=False,
            rule="awaiting_approval",
            message="Its refund waits for a second person. It is resolved or comes back once they have decided.",
            numbers=numbers,
            refusal=Refusal.CONFLICT,
            code="awaiting_approval",
        )
    return Decision(allowed=True, rule="dispute_open", message="The dispute is open.", numbers=numbers)


def decide_answer(status: DisputeStatus, *, is_asked: bool) -> Decision:
    """Whether the reporter may write now: always while it is open, asked or not."""
    if status in OPEN_DISPUTES:
        message = "We are waiting for your answer." if is_asked else "You can add something."
        return Decision(allowed=True, rule="dispute_open", message=message)
    return Decision(
        allowed=False,
        rule="dispute_closed",
        message="This report is closed. Report a new problem if there is one.",
        refusal=Refusal.CONFLICT,
        code="dispute_closed",
    )


def outcomes_for(role: Role | None) -> tuple[DisputeResolution, ...]:
    """The outcomes that this role may bring about; whether the case has anything for them is another question."""
    return tuple(outcome for outcome in DisputeResolution if may(role, NEEDED[outcome]))


def _conflict(rule: str, message: str, status: SessionStatus) -> Decision:
    return Decision(
        allowed=False, rule=rule, message=message, numbers={"status": status}, refusal=Refusal.CONFLICT, code=rule
    )
