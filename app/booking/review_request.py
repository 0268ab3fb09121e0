"""A mentor answers a request: approves it, so that the mentee can pay, or declines it with a reason (BK-5)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from app.booking import announce, calendar, why
from app.booking.access import load_for_change
from app.booking.book import AROUND
from app.booking.confirm import confirm
from app.booking.engine import move
from app.booking.expiry import lock_people_and_free_stale_holds
from app.booking.facts import load_availability, surroundings
from app.booking.meetings import checked_link
from app.booking.parties import Terms, is_open, load_offering
from app.booking.proposal_expiry import expire_proposal
from app.booking.proposals import close_request
from app.booking.reschedule import open_proposal_for_approval
from app.domain.context import Context
from app.domain.decision import Refusal
from app.domain.errors import Forbidden, Invalid
from app.domain.permissions import Permission, require
from app.domain.requests import DESCRIPTION_MAX, decide_review, payment_deadline
from app.domain.times import Interval, utc
from app.domain.vocabulary import PaymentStatus, RescheduleStatus, SessionStatus
from app.extensions import db
from app.foundation.policies import policies_for
from app.foundation.transaction import transaction
from app.models import MentoringSession, MentorOffering


def approve_request(
    session_id: UUID,
    *,
    ctx: Context,
    message: str = "",
    meeting_url: str | None = None,
    scheduled_at: datetime | None = None,
    offering_id: UUID | None = None,
) -> MentoringSession:
    """This function will approve a request: a free one is confirmed at once, a paid one once the mentee has paid.

    A free one that named no time goes on waiting: the mentee has to agree to the time that is proposed here.

    :param message: for the mentee
    :param meeting_url: the mentor's own link instead of a provider's; released like any other (JN-2)
    :param scheduled_at: the time, when the request named none; paying accepts it
    :param offering_id: what the mentee will pay for, when the request chose nothing; paying accepts it
    :raises Conflict: answered already, its time has passed, or (``slot_taken``) the time is not free
    :raises Invalid: naming the field
    """
    require(ctx.actor, Permission.OWN_REQUEST_REVIEW)
    link = checked_link(meeting_url, field="meetingUrl") if meeting_url else None
    if len(message) > DESCRIPTION_MAX:
        text = f"At most {DESCRIPTION_MAX} characters."
        raise Invalid(text, fields={"message": text})
    start = utc(scheduled_at) if scheduled_at else None
    with transaction():
        session = _load(session_id, start, ctx, offering_id)
        # One that ran out is as good as closed, whether or not the clock has come by.
        expire_proposal(session, ctx=ctx)
        decision = decide_review(
            status=session.status,
            deadline=_deadline(session),
            approves=True,
            reason="",
            now=ctx.now,
            has_proposal=session.pending_reschedule_request_id is not None,
        )
        why.require(decision, session=session, kind="review_request", ctx=ctx)
        _require_complete(session, start, offering_id)
        _set_terms(session, offering_id)
        # The notes stay what was agreed to; the response goes with its mentor when somebody else takes over (RA-1).
        session.approval_notes = session.mentor_response = message.strip() or None
        if link is not None:
            session.meeting_provider, session.meeting_url = "manual", link
        if session.scheduled_at is None and start is not None:
            if session.payment_status is PaymentStatus.NOT_REQUIRED:
                # Nothing is paid, so nothing but a yes can accept the time (BK-5).
                open_proposal_for_approval(session, start=start, message=session.mentor_response, ctx=ctx)
                return session
            _set_time(session, start, ctx)
        _schedule(session, ctx)
    return session


def reject_request(session_id: UUID, *, reason: str, ctx: Context) -> MentoringSession:
    """This function will decline a request; the mentee reads the reason (BK-5).

    :raises Conflict: answered already, or its time has passed
    :raises Invalid: without a reason
    """
    require(ctx.actor, Permission.OWN_REQUEST_REVIEW)
    with transaction():
        session = _load(session_id, None, ctx)
        decision = decide_review(
            status=session.status, deadline=_deadline(session), approves=False, reason=reason, now=ctx.now
        )
        why.require(decision, session=session, kind="review_request", ctx=ctx)
        move(session, to=SessionStatus.REJECTED, ctx=ctx, action="request_rejected", reason_details=reason.strip())
        session.rejected_at, session.mentor_response = ctx.now, reason.strip()
        close_request(session, RescheduleStatus.CANCELLED, now=ctx.now)
        calendar.release(session.id)
        announce.rejected(session, reason=reason.strip(), ctx=ctx)
    return session


def _load(session_id: UUID, start: datetime | None, ctx: Context, offering_id: UUID | None = None) -> MentoringSession:
    people = db.session.execute(
        db.select(
            MentoringSession.mentor_id,
            MentoringSession.mentee_id,
            db.func.coalesce(MentorOffering.duration, MentoringSession.duration).label("duration"),
        )
        .outerjoin(MentorOffering, MentorOffering.id == offering_id)
        .where(MentoringSession.id == session_id)
    ).one_or_none()
    if people is not None and start is not None:
        window = Interval.lasting(start, people.duration).widened(before=AROUND, after=AROUND)
        lock_people_and_free_stale_holds([people.mentor_id, people.mentee_id], window, leaving_out=session_id, ctx=ctx)
    session = load_for_change(ctx, session_id)
    if ctx.actor.user_id != session.mentor_id:
        raise Forbidden("Only the mentor who was asked can answer a request.")
    return session


def _deadline(session: MentoringSession) -> datetime:
    # Answered already: the decision says so, whatever the deadline was.
    return session.approval_deadline or session.updated_at


def _require_complete(session: MentoringSession, start: datetime | None, offering_id: UUID | None) -> None:
    """What the mentee left open is the mentor's to say, and nothing else is.

    :raises Invalid: naming each field
    """
    problems: dict[str, str] = {}
    if session.scheduled_at is None and start is None:
        problems["scheduledAt"] = "This request names no time. Choose one."
    elif session.scheduled_at is not None and start not in {None, session.scheduled_at}:
        problems["scheduledAt"] = "The mentee named a time. Approve that one, or decline and suggest another."
    if is_open(session) and offering_id is None:
        problems["offeringId"] = "This request leaves open what it is for. Choose one of your offerings."
    elif not is_open(session) and offering_id not in {None, session.offering_id}:
        problems["offeringId"] = "The mentee chose an offering. Approve that one, or decline and suggest another."
    if problems:
        raise Invalid(" ".join(problems.values()), fields=problems)


def _set_terms(session: MentoringSession, offering_id: UUID | None) -> None:
    """Give the session the terms of the chosen offering, which the mentee accepts by paying (BK-5)."""
    if not is_open(session) or offering_id is None:
        return
    terms = Terms.of(load_offering(offering_id, mentor_id=session.mentor_id))
    if session.meeting_type not in terms.meeting_types:
        message = f"The mentee asked for {session.meeting_type.value.replace('_', ' ')}; this offering has none."
        raise Invalid(message, fields={"offeringId": message})
    session.offering_id, session.duration, session.location = (
        terms.offering_id,
        terms.duration,
        # Where the mentee asked to meet; approving it is agreeing.
        session.location or terms.place_for(session.meeting_type),
    )
    session.rate_minor, session.currency, session.payment_status = (
        terms.rate_minor,
        terms.currency,
        terms.payment_status,
    )


def _set_time(session: MentoringSession, start: datetime, ctx: Context) -> None:
    window = surroundings(start, now=ctx.now)
    facts = load_availability(session.mentor_id, session.mentee_id, window, now=ctx.now).for_the_mentor()
    decision = facts.decide(start, duration_minutes=session.duration, now=ctx.now)
    if decision.refusal is Refusal.SLOT_TAKEN:
        taken = decision.error()
        taken.details["nearest"] = facts.nearest(start, duration_minutes=session.duration, now=ctx.now)
        raise taken
    decision.require()
    session.scheduled_at, session.buffer_minutes = start, facts.schedule.buffer_minutes
    calendar.occupy(session)


def _schedule(session: MentoringSession, ctx: Context) -> None:
    is_free = session.payment_status is PaymentStatus.NOT_REQUIRED
    if not is_free and session.scheduled_at is not None:
        session.hold_expires_at = payment_deadline(ctx.now, session.scheduled_at, policies_for(session).values)
    session.approval_deadline = None
    move(session, to=SessionStatus.SCHEDULED, ctx=ctx, action="request_approved")
    announce.approved(session, ctx=ctx)
    if is_free:
        confirm(session, ctx=ctx)
