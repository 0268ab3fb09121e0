"""Support puts a session to another time, where the parties could not (ACT-9)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.booking import announce_rescheduled, calendar
from app.booking.access import load_session_for
from app.booking.moving import load_for_moving, move_to
from app.booking.session_facts import is_settled
from app.domain.context import Context
from app.domain.decision import Decision, Refusal
from app.domain.errors import Invalid
from app.domain.permissions import Permission
from app.domain.reassignment import OPEN_REASSIGNMENTS
from app.domain.times import utc
from app.domain.vocabulary import SessionStatus
from app.domain.wording import format_when
from app.foundation import audit
from app.foundation.transaction import transaction
from app.models import MentoringSession
from app.support.act_plan import ActDone, ActPlan, decided
from app.support.staff_acts import PlanRow, clean_reason, fingerprint_of, record_act_on, require_seen, require_staff_for

ACTION: Final = "ADMIN_SESSION_MOVED"
FARTHEST: Final = timedelta(days=365)


def decide_move(session: MentoringSession, ctx: Context) -> Decision:
    """Whether support may move a session from where it stands: confirmed, not begun, nobody asked for a new mentor."""
    numbers = {"status": session.status, "start": session.scheduled_at, "now": ctx.now}
    message = ""
    if session.status is not SessionStatus.SCHEDULED or session.scheduled_at is None:
        message = f"This session is {session.status.value.replace('_', ' ')} and cannot be moved."
    elif not is_settled(session):
        message = "It is not paid yet, so there is nothing to move."
    elif session.reassignment_status in OPEN_REASSIGNMENTS:
        message = "Its mentor changes. Move it once the mentee has answered."
    return decided("move", message, code="not_movable", can="The session can be moved.", numbers=numbers)


def preview_move(session_id: UUID, *, starts_at: datetime | None, notify_parties: bool = True, ctx: Context) -> ActPlan:
    """What moving would change; nothing is changed. Weekly hours do not bind staff; the two calendars do.

    :param starts_at: aware; None has no time yet
    :raises NotFound: there is no such session
    :raises Forbidden: the role may not, or it is one's own case
    :raises Invalid: the time cannot be used
    """
    session = load_session_for(ctx, session_id)
    require_staff_for(session, Permission.SESSION_MOVE, ctx)
    return _plan(session, starts_at, ctx, notify_parties=notify_parties)


def move_session(
    session_id: UUID,
    *,
    starts_at: datetime,
    reason: str,
    notify_parties: bool = True,
    fingerprint: str | None,
    ctx: Context,
) -> ActDone:
    """This function will put a session to another time for support; calendars, room and files follow (ACT-9, JN-4).

    It counts for neither party's limit, and closes an open proposal.

    :raises NotFound: there is no such session
    :raises Forbidden: the role may not, or it is one's own case
    :raises Conflict: it cannot be moved from where it stands
    :raises SlotTaken: one of the parties is busy then
    :raises StalePreview: the case changed since the preview
    :raises Invalid: reason or time cannot be used
    """
    with transaction():
        session = load_for_moving(ctx, session_id, starts_at)
        require_staff_for(session, Permission.SESSION_MOVE, ctx)
        plan = _plan(session, starts_at, ctx, notify_parties=notify_parties)
        plan.decision.require()
        require_seen(fingerprint, plan.fingerprint)
        text = clean_reason(reason)
        before = session.scheduled_at
        assert before is not None  # decided above
        move_to(session, start=starts_at, ctx=ctx)
        audit.record(
            session,
            action="session_moved",
            ctx=ctx,
            reason_details=text,
            previous_scheduled_at=before,
            new_scheduled_at=session.scheduled_at,
        )
        if notify_parties:
            announce_rescheduled.moved_by_support(session, before=before, reason=text, ctx=ctx)
        audit_id = record_act_on(
            session,
            ACTION,
            reason=text,
            ctx=ctx,
            details={
                "before": {"time": before},
                "after": {"time": session.scheduled_at},
                "notifyParties": notify_parties,
            },
        )
    return ActDone(session_id=session.id, sentence="The session has its new time.", audit_id=audit_id)


def _plan(session: MentoringSession, starts_at: datetime | None, ctx: Context, *, notify_parties: bool) -> ActPlan:
    decision = decide_move(session, ctx)
    if decision.allowed:
        decision = _decide_time(session, starts_at, decision, ctx)
    message = "E-mail with calendar file" if notify_parties else "Is not told"
    rows = []
    for person in (session.mentee, session.mentor):
        change = "Keeps the time it has"
        if decision.allowed and starts_at is not None and session.scheduled_at is not None:
            was = format_when(session.scheduled_at, person.timezone, ctx.now)
            change = f"{was} → {format_when(utc(starts_at), person.timezone, ctx.now)}"
        rows.append(PlanRow(who=person.name, change=change, message=message))
    if session.pending_reschedule_request_id:
        rows.append(PlanRow(who="Proposed time", change="Withdrawn"))
    return ActPlan(
        decision=decision,
        sentence="The session moves; the room, both calendars and the reminders follow.",
        button="Move the session",
        rows=rows,
        fingerprint=fingerprint_of(
            {"act": ACTION, "session": session.id, "version": session.version, "status": session.status}
        ),
    )


def _decide_time(session: MentoringSession, starts_at: datetime | None, decision: Decision, ctx: Context) -> Decision:
    """The same decision, or why this time cannot be: raised as a mistake of the field, or refused as taken."""
    if starts_at is None or not ctx.now < utc(starts_at) <= ctx.now + FARTHEST:
        problem = "Choose a time between now and a year from now."
        raise Invalid(problem, fields={"startsAt": problem})
    start = utc(starts_at)
    if start == session.scheduled_at:
        problem = "This is the time it has already."
        raise Invalid(problem, fields={"startsAt": problem})
    end = start + timedelta(minutes=session.duration)
    busy = {
        user
        for user, other, _ in calendar.busy_entries((session.mentor_id, session.mentee_id), start, end)
        if other != session.id
    }
    if not busy:
        return decision
    who = session.mentor.name if session.mentor_id in busy else session.mentee.name
    return Decision(
        allowed=False,
        rule="move_time",
        message=f"{who} has another session then. Choose another time.",
        numbers={"starts_at": start},
        refusal=Refusal.SLOT_TAKEN,
    )
