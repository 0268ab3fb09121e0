"""What time alone does to a session: each kind of step once, in the order in which a session takes them (SM-3, OPS-4).

A step is a question to the database (which sessions may be due) and a deed on one locked session, which decides again
and says what it did. The clock asks all questions, then takes every session it found through all deeds, so that after a
pause a session catches up in one go. Another kind of step is another line of ``STEPS``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, func, select

from app.booking.complete import conclude_completion, start
from app.booking.expiry import end_hold
from app.booking.holds import UNPAID, Now, approved_is_unpaid, draft_has_run_out, request_is_unanswered
from app.booking.late_links import ask_for_late_link, link_is_late
from app.booking.override_expiry import end_overrides, override_has_run_out
from app.booking.proposal_expiry import expire_proposal
from app.booking.reassign import expire_reassignment
from app.booking.reminders import remind, reminder_is_due
from app.booking.session_facts import attendance_facts
from app.booking.suggestions import lacks_a_join, suggest_no_show
from app.booking.text_reminders import remind_by_text, text_is_due
from app.domain.attendance import decide_auto_completion, decide_start
from app.domain.context import Context
from app.domain.reassignment import OPEN_REASSIGNMENTS
from app.domain.rescheduling import OPEN_PROPOSALS
from app.domain.vocabulary import SessionStatus
from app.foundation.policies import current_policies
from app.models import MentoringSession, PolicyOverride, RescheduleRequest

S = MentoringSession
STARTED, COMPLETED = "started", "completed"
RUNNING: Final = (SessionStatus.SCHEDULED, SessionStatus.IN_PROGRESS)
# Ids of sessions, longest overdue first; the clock limits it to its batch.
Due = Select[UUID]


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of step.

    :param due: asks for the ids of sessions that may be due at an instant, by a partial index; what it takes from the
        policies is part of the question, which is kept for as long as they are in force
    :param take: decides again for a locked session and gives what it did, for the report; None when nothing was due
    """

    name: str
    due: Callable[[Now], tuple[Due, ...]]
    take: Callable[[MentoringSession, Context], str | None]


def ids_where(*conditions: ColumnElement[bool], by: Any) -> Due:
    """Ids of sessions under these conditions, ordered by ``by``."""
    return select(S.id).where(*conditions).order_by(by, S.id)


def is_certain() -> ColumnElement[bool]:
    """Paid or free, and no mentor is being looked for."""
    return and_(
        S.payment_status.not_in(UNPAID),
        func.coalesce(S.reassignment_status, "").not_in([status.value for status in OPEN_REASSIGNMENTS]),
    )


def ended_before(instant: Now) -> ColumnElement[bool]:
    """Whose planned end lies at ``instant`` or before; the first half is the index's."""
    return and_(S.scheduled_at <= instant, S.scheduled_at + S.duration * timedelta(minutes=1) <= instant)


def _proposals_due(now: Now) -> tuple[Due, ...]:
    """By the index of open requests; the session is looked up by its key."""
    return (
        select(S.id)
        .join(RescheduleRequest, RescheduleRequest.session_id == S.id)
        .where(RescheduleRequest.status.in_(OPEN_PROPOSALS), RescheduleRequest.expires_at <= now)
        .order_by(RescheduleRequest.expires_at, S.id),
    )


def _expire_proposal(session: MentoringSession, ctx: Context) -> str | None:
    return expire_proposal(session, ctx=ctx)


def _overrides_due(now: Now) -> tuple[Due, ...]:
    """By the index of those that may still count; the session is looked up by its key."""
    return (
        select(S.id)
        .join(PolicyOverride, PolicyOverride.session_id == S.id)
        .where(override_has_run_out(now))
        .order_by(PolicyOverride.expires_at, S.id),
    )


def _end_overrides(session: MentoringSession, ctx: Context) -> str | None:
    return end_overrides(session, ctx=ctx)


def _holds_due(now: Now) -> tuple[Due, ...]:
    return (
        ids_where(draft_has_run_out(now), by=S.hold_expires_at),
        ids_where(approved_is_unpaid(now), by=S.hold_expires_at),
        ids_where(request_is_unanswered(now), by=S.approval_deadline),
    )


def _end_hold(session: MentoringSession, ctx: Context) -> str | None:
    return end_hold(session, ctx=ctx)


def _reassignments_due(now: Now) -> tuple[Due, ...]:
    open_ones = S.reassignment_status.in_([status.value for status in OPEN_REASSIGNMENTS])
    return (
        ids_where(
            S.status == SessionStatus.SCHEDULED, open_ones, S.reassignment_deadline <= now, by=S.reassignment_deadline
        ),
    )


def _expire_reassignment(session: MentoringSession, ctx: Context) -> str | None:
    return expire_reassignment(session, ctx=ctx)


def _starts_due(now: Now) -> tuple[Due, ...]:
    return (ids_where(S.status == SessionStatus.SCHEDULED, S.scheduled_at <= now, is_certain(), by=S.scheduled_at),)


def _start(session: MentoringSession, ctx: Context) -> str | None:
    if session.status is not SessionStatus.SCHEDULED or session.scheduled_at is None:
        return None
    if not decide_start(attendance_facts(session), ctx.now).allowed:
        return None
    start(session, ctx=ctx)
    return STARTED


def _reminders_due(now: Now) -> tuple[Due, ...]:
    wanted = current_policies().values.reminder_hours
    return tuple(ids_where(reminder_is_due(hours, now), is_certain(), by=S.scheduled_at) for hours in wanted)


def _remind(session: MentoringSession, ctx: Context) -> str | None:
    return remind(session, ctx=ctx)


def _texts_due(now: Now) -> tuple[Due, ...]:
    return (ids_where(text_is_due(now), is_certain(), by=S.scheduled_at),)


def _text(session: MentoringSession, ctx: Context) -> str | None:
    return remind_by_text(session, ctx=ctx)


def _links_due(now: Now) -> tuple[Due, ...]:
    return (ids_where(link_is_late(now), is_certain(), by=S.scheduled_at),)


def _ask_for_link(session: MentoringSession, ctx: Context) -> str | None:
    return ask_for_late_link(session, ctx=ctx)


def _suggestions_due(now: Now) -> tuple[Due, ...]:
    if not current_policies().values.auto_no_show_detection:
        return ()
    return (ids_where(*lacks_a_join(), ended_before(now), is_certain(), by=S.scheduled_at),)


def _suggest(session: MentoringSession, ctx: Context) -> str | None:
    return suggest_no_show(session, ctx=ctx)


def _completions_due(now: Now) -> tuple[Due, ...]:
    values = current_policies().values
    wait = timedelta(minutes=values.auto_complete_minutes_after_end)
    held = now - timedelta(hours=values.suggestion_hold_hours)
    # Sessions that wait for a person must not fill the batch for two days (NS-3).
    waits = and_(S.attendance_suggested_at > held, S.attendance_decided_at.is_(None))
    over = and_(S.status.in_(RUNNING), ended_before(now - wait), is_certain())
    return (ids_where(over, func.coalesce(waits, false()).is_(false()), by=S.scheduled_at),)


def _complete(session: MentoringSession, ctx: Context) -> str | None:
    if session.status not in RUNNING or session.scheduled_at is None:
        return None
    decision = decide_auto_completion(attendance_facts(session), ctx.now)
    if not decision.allowed:
        return None
    conclude_completion(session, decision=decision, ctx=ctx)
    return COMPLETED


# The order of SM-3: expire proposal, expire reassignment, cancel unpaid, start, complete. Suggestions come before that,
# because what waits for a person is not completed.
STEPS: Final[tuple[Step, ...]] = (
    Step("proposals", _proposals_due, _expire_proposal),
    Step("reassignments", _reassignments_due, _expire_reassignment),
    Step("holds", _holds_due, _end_hold),
    Step("overrides", _overrides_due, _end_overrides),
    Step("reminders", _reminders_due, _remind),
    Step("texts", _texts_due, _text),
    Step("links", _links_due, _ask_for_link),
    Step("starts", _starts_due, _start),
    Step("suggestions", _suggestions_due, _suggest),
    Step("completions", _completions_due, _complete),
)
