"""Sessions about whose time their parties negotiate, brought there by the product's own actions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.booking.moving import load_for_moving
from app.booking.reschedule import counter_propose, open_proposal_for_approval, propose
from app.domain.context import Context
from app.domain.vocabulary import BookingMode, Party
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import MentoringSession, RescheduleRequest, User
from tests.factories.people import a_mentor, ctx_of
from tests.factories.sessions import START_AT, a_paid_session, a_pending_request, fresh
from tests.world import context

# Both inside every factory mentor's hours, on another day than the session.
NEW_AT = START_AT + timedelta(days=1)
OTHER_AT = START_AT + timedelta(days=1, hours=3)


def person(session: MentoringSession, party: Party) -> User:
    return session.mentor if party is Party.MENTOR else session.mentee


def as_(session: MentoringSession, party: Party, now: datetime | None = None) -> Context:
    """A context of this side, at the clock's time or at another."""
    ctx = ctx_of(person(session, party))
    return ctx if now is None else context(ctx.actor, now)


def a_proposal(
    by: Party = Party.MENTEE,
    *,
    session: MentoringSession | None = None,
    time: datetime = NEW_AT,
    now: datetime | None = None,
    **wish: Any,
) -> MentoringSession:
    """A paid session with an open proposal by this side."""
    session = session or a_paid_session()
    propose(session.id, proposed_time=time, ctx=as_(session, by, now), **wish)
    return fresh(session)


def a_counter(initiator: Party = Party.MENTEE) -> MentoringSession:
    """A proposal by this side that the other answered with ``OTHER_AT``."""
    session = a_proposal(initiator)
    other = Party.MENTOR if initiator is Party.MENTEE else Party.MENTEE
    counter_propose(session.id, request_id=open_id(session), proposed_time=OTHER_AT, ctx=as_(session, other))
    return fresh(session)


def a_request_with_a_proposal(time: datetime = NEW_AT) -> MentoringSession:
    """A free request that named no time, and for which its mentor proposed one (BK-5)."""
    mentor = a_mentor(booking_mode=BookingMode.REQUEST, rate_minor=0)
    session = a_pending_request(mentor=mentor, at=None, preferred_time_note="Thursdays")
    ctx = ctx_of(session.mentor)
    with transaction():
        open_proposal_for_approval(load_for_moving(ctx, session.id, time), start=time, ctx=ctx)
    return fresh(session)


def open_id(session: MentoringSession) -> UUID:
    found = session.pending_reschedule_request_id
    assert found is not None
    return found


def the_request(session: MentoringSession) -> RescheduleRequest:
    """The session's only negotiation, as the database has it."""
    return db.session.scalars(
        db.select(RescheduleRequest)
        .where(RescheduleRequest.session_id == session.id)
        .execution_options(populate_existing=True)
    ).one()
