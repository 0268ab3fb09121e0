"""How a proposal of another time ends by a party's will: accepted, declined, withdrawn, or with the session (RS-2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from app.booking import announce_rescheduled, calendar
from app.booking.access import load_for_change
from app.booking.cancel import cancel_session, party_of
from app.booking.confirm import confirm
from app.booking.engine import move, touch
from app.booking.moving import load_for_moving, move_to
from app.booking.proposals import close_request, record_step, time_on_table
from app.booking.reschedule import load_move_facts, require_answer, with_nearest
from app.domain.context import Context
from app.domain.decision import Decision, Refusal
from app.domain.permissions import Permission, require
from app.domain.rescheduling import RescheduleAnswer
from app.domain.vocabulary import CancellationCategory, OverrideType, Party, RescheduleStatus, SessionStatus
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import MentoringSession, PolicyOverride, RescheduleRequest


@dataclass(frozen=True, slots=True)
class _Way:
    """How a negotiation may end without a move."""

    answer: RescheduleAnswer
    status: RescheduleStatus
    action: str


_REJECT = _Way(RescheduleAnswer.REJECT, RescheduleStatus.REJECTED, "reschedule_rejected")
_WITHDRAW = _Way(RescheduleAnswer.WITHDRAW, RescheduleStatus.CANCELLED, "reschedule_withdrawn")


def accept(session_id: UUID, *, request_id: UUID, ctx: Context) -> MentoringSession:
    """This function will move a session to the time on the table; the initiator's count rises (RS-2).

    A free request that named no time is scheduled by it (BK-5).

    :param request_id: the request that is answered; another than the open one is a conflict (RS-3)
    :raises Conflict: closed, run out, not this side's turn; ``slot_taken`` when the time was lost meanwhile, with
        ``details["nearest"]``: the request stays open (RS-4)
    """
    require(ctx.actor, Permission.OWN_RESCHEDULE_NEGOTIATE)
    with transaction():
        session = _load(ctx, session_id)
        request, talk = require_answer(session, request_id, RescheduleAnswer.ACCEPT, ctx)
        _require_still_free(session, request, ctx)
        before = session.scheduled_at
        close_request(session, RescheduleStatus.ACCEPTED, now=ctx.now)
        if session.status is SessionStatus.PENDING_MENTOR_REVIEW:
            _schedule(session, request, ctx)
        else:
            move_to(session, start=talk.time_on_table, duration=request.proposed_duration, ctx=ctx)
            _count(session, request, ctx)
        record_step(
            session, request, action="reschedule_accepted", before=before, after=talk.time_on_table, ctx=ctx,
            details={"uses_override": request.uses_override},
        )  # fmt: skip
        if before is None:
            confirm(session, ctx=ctx)
        else:
            announce_rescheduled.accepted(session, request, before=before, ctx=ctx)
    return session


def reject(session_id: UUID, *, request_id: UUID, ctx: Context) -> MentoringSession:
    """This function will decline a proposal for the mentor; the original time stays (RS-2).

    :raises Conflict: closed, run out, or not this side's turn
    :raises Forbidden: for the mentee, who proposes another time or lets it run out
    """
    return _end(session_id, request_id, _REJECT, ctx)


def withdraw(session_id: UUID, *, ctx: Context, request_id: UUID | None = None) -> MentoringSession:
    """This function will take a proposal back for the side that began it, at any turn (RS-3).

    :param request_id: None means whichever is open
    :raises Conflict: closed or run out
    :raises Forbidden: the other side began it
    """
    return _end(session_id, request_id, _WITHDRAW, ctx)


def cancel_session_instead(session_id: UUID, *, request_id: UUID, reason: str = "", ctx: Context) -> MentoringSession:
    """This function will cancel a session for the mentee whose mentor asked to move it: everything goes back (RS-2).

    :raises Conflict: closed, run out, or not this side's turn
    :raises Forbidden: the mentee began the negotiation, or it is the mentor who asks
    """
    require(ctx.actor, Permission.OWN_RESCHEDULE_NEGOTIATE)
    with transaction():
        session = load_for_change(ctx, session_id)
        require_answer(session, request_id, RescheduleAnswer.CANCEL_SESSION, ctx)
        category = None if session.scheduled_at is None else CancellationCategory.SCHEDULE_CONFLICT
        return cancel_session(session_id, category=category, reason=reason, ctx=ctx)


def _end(session_id: UUID, request_id: UUID | None, way: _Way, ctx: Context) -> MentoringSession:
    require(ctx.actor, Permission.OWN_RESCHEDULE_NEGOTIATE)
    with transaction():
        session = load_for_change(ctx, session_id)
        party = party_of(session, ctx)
        request, _ = require_answer(session, request_id, way.answer, ctx)
        close_request(session, way.status, now=ctx.now)
        calendar.hold(session, None)
        touch(session, ctx=ctx)
        record_step(session, request, action=way.action, after=session.scheduled_at, ctx=ctx)
        if way is _REJECT:
            announce_rescheduled.rejected(session, request, ctx=ctx)
        else:
            announce_rescheduled.withdrawn(session, request, by=party, ctx=ctx)
    return session


def _load(ctx: Context, session_id: UUID) -> MentoringSession:
    """Lock the session, and whoever's stale hold lies on the time that it may move to."""
    time = db.session.scalar(select(MentoringSession.pending_reschedule_time).where(MentoringSession.id == session_id))
    if time is None:
        return load_for_change(ctx, session_id)
    return load_for_moving(ctx, session_id, time)


def _require_still_free(session: MentoringSession, request: RescheduleRequest, ctx: Context) -> None:
    """The time is held, but its mentor may have become unavailable then (RS-4)."""
    start = time_on_table(request)
    # The notice was looked at when it was proposed; now the mentor knows of it either way.
    facts = load_move_facts(session, around=start, by=Party.MENTOR, now=ctx.now)
    decision = facts.decide(start, duration_minutes=request.proposed_duration, now=ctx.now)
    if decision.allowed:
        return
    lost = Decision(
        allowed=False,
        rule="time_lost",
        message="This time is not free any more. The proposal stays open: answer with another time.",
        numbers={"time_on_table": start, "because": decision.rule},
        refusal=Refusal.SLOT_TAKEN,
    )
    with_nearest(lost, facts, session, start, request.proposed_duration, ctx)


def _schedule(session: MentoringSession, request: RescheduleRequest, ctx: Context) -> None:
    session.scheduled_at, session.duration = time_on_table(request), request.proposed_duration
    session.approval_deadline = None
    calendar.place(session)
    move(session, to=SessionStatus.SCHEDULED, ctx=ctx, action="request_approved")


def _count(session: MentoringSession, request: RescheduleRequest, ctx: Context) -> None:
    if request.initiated_by is Party.MENTEE:
        session.reschedule_count += 1
    else:
        session.mentor_reschedule_count += 1
    if request.uses_override:
        _use_up_override(session, request, ctx)


def _use_up_override(session: MentoringSession, request: RescheduleRequest, ctx: Context) -> None:
    """One grant, one move: the oldest of those that counted when the move was proposed (RS-6)."""
    oldest: Any = (
        select(PolicyOverride.id)
        .where(
            PolicyOverride.session_id == session.id,
            PolicyOverride.override_type == OverrideType.ALLOW_RESCHEDULE,
            PolicyOverride.used_at.is_(None),
            PolicyOverride.revoked_at.is_(None),
            PolicyOverride.created_at <= request.created_at,
            PolicyOverride.expires_at > request.created_at,
        )
        .order_by(PolicyOverride.created_at, PolicyOverride.id)
        .limit(1)
    )
    db.session.execute(
        update(PolicyOverride).where(PolicyOverride.id == oldest.scalar_subquery()).values(used_at=ctx.now)
    )
