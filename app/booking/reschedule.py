"""Asking for another time, and answering with one: what puts a time on the table (RS-1, RS-2, BK-5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.dialects.postgresql import Range

from app.booking import announce_rescheduled, calendar, why
from app.booking.cancel import party_of
from app.booking.engine import touch
from app.booking.facts import AvailabilityFacts, load_availability, surroundings
from app.booking.moving import load_for_moving
from app.booking.proposal_expiry import expire_proposal
from app.booking.proposals import open_request_of, put_on_table, record_step
from app.booking.session_facts import SessionFacts, facts_of, negotiation_of
from app.domain.cancellation import decide_cancellation, percentage_at
from app.domain.context import Context
from app.domain.decision import Decision, Refusal
from app.domain.errors import Conflict, Invalid, SlotTaken
from app.domain.permissions import Permission, require
from app.domain.rescheduling import (
    Negotiation,
    RescheduleAnswer,
    decide_counter_time,
    decide_proposal,
    decide_response,
    expiry,
)
from app.domain.times import utc
from app.domain.vocabulary import Party, RescheduleStatus, SessionStatus, SlotReason
from app.extensions import db
from app.foundation.policies import policies_for
from app.foundation.transaction import transaction
from app.models import MentoringSession, MentorOffering, RescheduleRequest

REASON_MAX: Final = 1_000
_BUSY: Final = {
    Party.MENTOR: "Your mentee has another session at this time. Choose another.",
    Party.MENTEE: "You have another session at this time. Choose another.",
}


def propose(
    session_id: UUID, *, proposed_time: datetime, proposed_duration: int | None = None, reason: str = "", ctx: Context
) -> MentoringSession:
    """This function will ask the other side to move a session, and hold the proposed time until the answer (RS-1).

    :param proposed_time: aware
    :param proposed_duration: minutes, one that the offering has; default: as it is
    :param reason: for the other side
    :raises Conflict: not scheduled, not paid, another proposal or a reassignment open, or (``slot_taken``) the time is
        not free; ``details["nearest"]`` lists free starts
    :raises Refused: the cut-off or the number of moves says so
    :raises Invalid: naming the field
    """
    require(ctx.actor, Permission.OWN_RESCHEDULE_NEGOTIATE)
    start = utc(proposed_time)
    _check_reason(reason)
    with transaction():
        session = load_for_moving(ctx, session_id, start, duration=proposed_duration)
        party = party_of(session, ctx)
        # One that ran out is as good as closed, whether or not the clock has come by.
        expire_proposal(session, ctx=ctx)
        facts = facts_of(session)
        decision = decide_proposal(
            facts.for_moving(party, now=ctx.now, allowed_durations=_durations(session)),
            party,
            ctx.now,
            proposed=start,
            duration_minutes=proposed_duration,
        )
        why.require(decision, session=session, kind="reschedule", ctx=ctx)
        duration = proposed_duration or session.duration
        require_free(session, start, duration, by=party, field="proposedTime", ctx=ctx)
        why.remember(decision, session=session, kind="reschedule", ctx=ctx)
        request = RescheduleRequest(
            reason=reason.strip() or None,
            uses_override=decision.uses_override,
            refund_percentage_when_proposed=_refund_now(facts, ctx.now) if party is Party.MENTEE else None,
        )
        _open(session, request, time=start, duration=duration, by=party, ctx=ctx)
        announce_rescheduled.requested(session, request, ctx=ctx)
    return session


def counter_propose(session_id: UUID, *, request_id: UUID, proposed_time: datetime, ctx: Context) -> MentoringSession:
    """This function will answer a proposal with another time; the turn passes, and the time to answer anew (RS-2).

    :param request_id: the request that is answered; another than the open one is a conflict (RS-3)
    :raises Conflict: closed, run out, not this side's turn, or (``slot_taken``) not free, with ``details["nearest"]``
    :raises Refused: there were enough counter-proposals already
    :raises Invalid: naming the field
    """
    require(ctx.actor, Permission.OWN_RESCHEDULE_NEGOTIATE)
    start = utc(proposed_time)
    with transaction():
        session = load_for_moving(ctx, session_id, start)
        party = party_of(session, ctx)
        request, talk = require_answer(session, request_id, RescheduleAnswer.COUNTER_PROPOSE, ctx)
        decide_counter_time(talk, session.scheduled_at, start, ctx.now).require()
        require_free(session, start, request.proposed_duration, by=party, field="counterProposedTime", ctx=ctx)
        request.status = RescheduleStatus.COUNTER_PROPOSED
        request.counter_proposed_time, request.counter_proposed_by = start, party
        request.counter_proposal_count += 1
        request.expires_at = expiry(ctx.now, session.scheduled_at, start, policies_for(session).values)
        _extend_review(session, request)
        put_on_table(session, request.id, time=start, by=party)
        calendar.hold(session, _span(start, request.proposed_duration))
        touch(session, ctx=ctx)
        record_step(
            session,
            request,
            action="reschedule_countered",
            after=start,
            ctx=ctx,
            details={"count": request.counter_proposal_count},
        )
        announce_rescheduled.countered(session, request, by=party, ctx=ctx)
    return session


def open_proposal_for_approval(
    session: MentoringSession, *, start: datetime, ctx: Context, message: str | None = None
) -> RescheduleRequest:
    """This function will propose the mentor's time for a free request that named none; the mentee must accept (BK-5).

    The request goes on waiting (``pending_mentor_review``) with the time held, at least until the proposal runs out;
    accepting schedules it. Call it inside a transaction, on a session from ``load_for_moving``, after the decision that
    the request may be approved.

    :param start: aware
    :param message: the mentor's words to the mentee
    :raises Conflict: a time is on the table already, or (``slot_taken``) it is not free, with ``details["nearest"]``
    :raises Invalid: on ``scheduledAt``
    :raises ValueError: for a session that is not a request without a time
    """
    if session.status is not SessionStatus.PENDING_MENTOR_REVIEW or session.scheduled_at is not None:
        message = "Only a request without a time is answered with one"
        raise ValueError(message)
    expire_proposal(session, ctx=ctx)
    if session.pending_reschedule_request_id is not None:
        raise Conflict("You proposed a time already. The mentee has yet to answer.", code="proposal_open")
    start = utc(start)
    facts = require_free(session, start, session.duration, by=Party.MENTOR, field="scheduledAt", ctx=ctx)
    session.buffer_minutes = facts.schedule.buffer_minutes
    request = RescheduleRequest(uses_override=False, reason=message)
    _open(session, request, time=start, duration=session.duration, by=Party.MENTOR, ctx=ctx)
    announce_rescheduled.requested(session, request, ctx=ctx)
    return request


def require_answer(
    session: MentoringSession, request_id: UUID | None, answer: RescheduleAnswer, ctx: Context
) -> tuple[RescheduleRequest, Negotiation]:
    """The open request of a locked session, when this party may answer it like this now (RS-2, RS-3).

    :param request_id: None means whichever is open
    :raises DomainError: as ``decide_response`` refuses; its record is kept
    """
    request = open_request_of(session)
    if request is None:
        raise Conflict("This proposal is not open any more. Reload the page.", code="proposal_closed")
    talk = negotiation_of(request)
    decision = decide_response(
        talk,
        answer,
        party_of(session, ctx),
        ctx.now,
        policies_for(session).values,
        is_open_request=request_id in {None, request.id},
    )
    why.require(decision, session=session, kind="reschedule_answer", ctx=ctx)
    why.remember(decision, session=session, kind="reschedule_answer", ctx=ctx)
    return request, talk


def require_free(
    session: MentoringSession, start: datetime, duration: int, *, by: Party, field: str, ctx: Context
) -> AvailabilityFacts:
    """Raise unless the session may be put there: on the grid and free for both; its own time is never in its way.

    :param by: whose proposal it is: the notice protects the mentor alone (RS-1)
    :param field: what a refusal calls the input
    :raises SlotTaken: with ``details["nearest"]``
    :raises Invalid: on ``field``
    """
    facts = load_move_facts(session, around=start, by=by, now=ctx.now)
    decision = facts.decide(start, duration_minutes=duration, now=ctx.now)
    if not decision.allowed:
        if decision.rule == SlotReason.OWN_CONFLICT:
            decision = replace(decision, message=_BUSY[by])
        if decision.refusal is Refusal.INVALID:
            decision = replace(decision, fields={field: decision.message})
        with_nearest(decision, facts, session, start, duration, ctx)
    return facts


def with_nearest(
    decision: Decision,
    facts: AvailabilityFacts,
    session: MentoringSession,
    start: datetime,
    duration: int,
    ctx: Context,
) -> None:
    """Raise a refused time with what is free nearest to it (RS-4)."""
    try:
        why.require(decision, session=session, kind="reschedule", ctx=ctx)
    except (SlotTaken, Invalid) as refusal:
        refusal.details["nearest"] = facts.nearest(start, duration_minutes=duration, now=ctx.now)
        raise


def load_move_facts(session: MentoringSession, *, around: datetime, by: Party, now: datetime) -> AvailabilityFacts:
    """What decides about the times that this session may move to, near ``around``."""
    facts = load_availability(
        session.mentor_id, session.mentee_id, surroundings(around, now=now), now=now, leaving_out=session.id
    )
    return facts.for_the_mentor() if by is Party.MENTOR else facts


def _open(
    session: MentoringSession, request: RescheduleRequest, *, time: datetime, duration: int, by: Party, ctx: Context
) -> None:
    request.id, request.session_id = uuid4(), session.id
    request.initiated_by, request.initiator_id = by, session.mentor_id if by is Party.MENTOR else session.mentee_id
    request.status, request.created_at = RescheduleStatus.PENDING, ctx.now
    request.proposed_time, request.proposed_duration = time, duration
    request.original_time, request.counter_proposal_count = session.scheduled_at, 0
    request.expires_at = expiry(ctx.now, session.scheduled_at, time, policies_for(session).values)
    db.session.add(request)
    db.session.flush()
    _extend_review(session, request)
    put_on_table(session, request.id, time=time, by=by)
    calendar.hold(session, _span(time, duration))
    touch(session, ctx=ctx)
    record_step(
        session, request, action="reschedule_requested", after=time, reason=request.reason or "", ctx=ctx,
        details={"uses_override": request.uses_override},
    )  # fmt: skip


def _extend_review(session: MentoringSession, request: RescheduleRequest) -> None:
    """A request waits for its answer at least as long as the time on the table does (BK-5)."""
    if session.status is SessionStatus.PENDING_MENTOR_REVIEW and session.approval_deadline is not None:
        session.approval_deadline = max(session.approval_deadline, request.expires_at)


def _refund_now(facts: SessionFacts, now: datetime) -> int:
    """What cancelling instead would give back at this moment: moving must not buy a better one (CX-2)."""
    decision = decide_cancellation(facts.for_cancelling(now=now), Party.MENTEE, now)
    if decision.allowed:
        return decision.refund_percentage
    start = facts.session.scheduled_at
    return percentage_at(facts.policies, start - now) if start is not None else 0


def _durations(session: MentoringSession) -> list[int]:
    offering = db.session.get(MentorOffering, session.offering_id) if session.offering_id else None
    return [offering.duration] if offering is not None else []


def _span(start: datetime, duration: int) -> Range[datetime]:
    return Range(start, start + timedelta(minutes=duration), bounds="[)")


def _check_reason(reason: str) -> None:
    if len(reason) > REASON_MAX:
        message = f"At most {REASON_MAX} characters."
        raise Invalid(message, fields={"reason": message})
