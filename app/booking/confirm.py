"""What follows when a session is scheduled and nothing is left to pay: the room, and telling both (JN-1, BK-3)."""

from __future__ import annotations

from app.booking import announce, meetings
from app.domain.context import Context
from app.domain.money import share_of
from app.domain.vocabulary import PaymentStatus
from app.foundation.policies import policies_for
from app.models import MentoringSession
from app.money.rows import read_rows


def confirm(session: MentoringSession, *, ctx: Context) -> None:
    """This function will ask for the meeting and tell both parties, in the transaction that made it certain."""
    session.hold_expires_at = None
    meetings.request_meeting(session, ctx=ctx)
    policies = policies_for(session).values
    paid_minor = 0
    if session.payment_status is not PaymentStatus.NOT_REQUIRED:
        paid_minor = read_rows(session.id).net_minor
    announce.confirmed(
        session,
        paid_minor=paid_minor,
        earnings_minor=share_of(paid_minor, policies.mentor_share_percentage),
        policies=policies,
        ctx=ctx,
    )
