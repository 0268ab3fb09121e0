"""A proposal that nobody answered: the original time stays, and what was held is free (RS-5).

The clock closes it by and by; whoever wants the held time meanwhile closes it in the same transaction (AV-4).
"""

from __future__ import annotations

from app.booking import announce_rescheduled, calendar, why
from app.booking.engine import touch
from app.booking.proposals import close_request, open_request_of, record_step
from app.booking.session_facts import negotiation_of
from app.domain.context import CLOCK, Context
from app.domain.rescheduling import decide_expiry
from app.domain.vocabulary import RescheduleStatus
from app.models import MentoringSession

EXPIRED = "proposal_expired"


def expire_proposal(session: MentoringSession, *, ctx: Context) -> str | None:
    """This function will close a locked session's proposal if its time to answer is over, and say so; else None."""
    request = open_request_of(session)
    if request is None:
        return None
    decision = decide_expiry(negotiation_of(request), ctx.now)
    if not decision.allowed:
        return None
    as_clock = ctx.acting_as(CLOCK)
    why.remember(decision, session=session, kind="reschedule_expiry", ctx=as_clock)
    close_request(session, RescheduleStatus.EXPIRED, now=ctx.now)
    calendar.hold(session, None)
    touch(session, ctx=as_clock)
    record_step(session, request, action="reschedule_expired", after=session.scheduled_at, ctx=as_clock)
    announce_rescheduled.expired(session, request, ctx=as_clock)
    return EXPIRED
