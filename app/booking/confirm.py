"""What follows when a session is scheduled and nothing is left to pay: the room, and telling both (JN-1, BK-3)."""

from __future__ import annotations

from app.booking import announce, meetings
from app.domain.context import Context
from app.foundation.policies import policies_for
from app.models import MentoringSession
from app.money.rows import read_rows
from app.money.settlement import split_of


def confirm(session: MentoringSession, *, ctx: Context) -> None:
    """This function will ask for the meeting and tell both parties, in the transaction that made it certain."""
    session.hold_expires_at = None
    meetings.request_meeting(session, ctx=ctx)
    announce.confirmed(
        session,
        paid_minor=read_rows(session.id).paid_minor,
        earnings_minor=split_of(session).mentor.minor,
        policies=policies_for(session).values,
        ctx=ctx,
    )
