"""A text message a quarter of an hour before a session, to whoever gave a number for it (SMS-1).

As with reminders by mail: named by session and time, so that a move arms it again; never late, and none for a time that
was agreed after its moment.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Interval, and_, exists, literal, or_, select

from app.booking.access import load_session_for
from app.booking.holds import Now
from app.booking.reminders import agrees_on_this_time
from app.booking.session_facts import is_settled
from app.domain.context import Context
from app.domain.reassignment import OPEN_REASSIGNMENTS
from app.domain.vocabulary import SessionStatus
from app.domain.wording import format_when
from app.extensions import db
from app.foundation import audit, outbox
from app.messaging.links import session_page
from app.models import MentoringSession, PhoneNumber, SessionAuditLog
from app.people.phones import confirmed_numbers

TEXT: Final = "sms.reminder"
TEXTED: Final = "session_texted"
_AHEAD: Final = timedelta(minutes=15)
# Later than this it would come with the session itself.
_MAY_BE_LATE: Final = timedelta(minutes=5)
_S, _A = MentoringSession, SessionAuditLog


def text_is_due(now: Now) -> ColumnElement[bool]:
    """Sessions that begin in a quarter of an hour, of which somebody wants to be told on the phone and was not."""
    opened = _S.scheduled_at - literal(_AHEAD, Interval())
    wants = exists().where(PhoneNumber.user_id.in_([_S.mentor_id, _S.mentee_id]), PhoneNumber.confirmed_at.is_not(None))
    about = select(_A.id).where(_A.session_id == _S.id, _A.created_at >= opened)
    agreed_later = and_(_A.created_at > opened, agrees_on_this_time())
    return and_(
        _S.status == SessionStatus.SCHEDULED,
        _S.scheduled_at.between(now + _AHEAD - _MAY_BE_LATE, now + _AHEAD),
        wants,
        ~exists(about.where(or_(_A.action == TEXTED, agreed_later))),
    )


def remind_by_text(session: MentoringSession, *, ctx: Context) -> str | None:
    """This function will have a locked session's parties texted who want it, and say so; None when nobody is."""
    if session.status is not SessionStatus.SCHEDULED or session.scheduled_at is None or not is_settled(session):
        return None
    if session.reassignment_status in OPEN_REASSIGNMENTS:
        return None
    db.session.flush()
    if db.session.scalar(select(_S.id).where(_S.id == session.id, text_is_due(ctx.now))) is None:
        return None
    at = session.scheduled_at
    for user_id in confirmed_numbers({session.mentor_id, session.mentee_id}):
        outbox.put(
            TEXT,
            key=f"{TEXT}:{session.id}:{at.isoformat()}:{user_id}",
            payload={"session_id": session.id, "user_id": user_id, "starts_at": at},
            session_id=session.id,
            not_after=at - _AHEAD + _MAY_BE_LATE,
            ctx=ctx,
        )
    audit.record(session, action=TEXTED, ctx=ctx, details={"starts_at": at})
    return TEXTED


def load_text(
    session_id: UUID, user_id: UUID, starts_at: datetime, *, public_url: str, ctx: Context
) -> tuple[str, str] | None:
    """The number and the words; None where there is nothing to remind of any more, or it is not wanted."""
    session = load_session_for(ctx, session_id)
    reader = next((each for each in (session.mentor, session.mentee) if each.id == user_id), None)
    number = confirmed_numbers([user_id]).get(user_id)
    if reader is None or number is None or session.scheduled_at != starts_at:
        return None
    if session.status is not SessionStatus.SCHEDULED:
        return None
    other = session.mentor if reader is session.mentee else session.mentee
    when = format_when(starts_at, reader.timezone, ctx.now)
    return number, f"Your session with {other.name} begins {when}. {public_url}{session_page(session.id)}"
