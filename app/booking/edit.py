"""Changing what a session is about, or how it takes place, before it begins."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from app.booking.access import load_for_change
from app.booking.cancel import party_of
from app.booking.engine import touch
from app.booking.meetings import drop_meeting, request_meeting
from app.booking.session_facts import is_settled
from app.domain.context import Context
from app.domain.errors import Conflict, Invalid, StaleVersion
from app.domain.permissions import Permission, require
from app.domain.requests import decide_texts, is_due
from app.domain.vocabulary import MeetingType, SessionStatus
from app.extensions import db
from app.foundation import audit
from app.foundation.transaction import transaction
from app.models import MentoringSession, MentorOffering

_BEFORE_IT_BEGINS: Final = frozenset(
    {SessionStatus.DRAFT, SessionStatus.PENDING_MENTOR_REVIEW, SessionStatus.SCHEDULED}
)
_ROOMS: Final = frozenset({MeetingType.VIDEO, MeetingType.AUDIO})


def edit_session(
    session_id: UUID,
    *,
    version: int,
    ctx: Context,
    title: str | None = None,
    description: str | None = None,
    meeting_type: MeetingType | None = None,
) -> MentoringSession:
    """This function will change a session's topic, detail or kind of meeting; None leaves each as it is.

    :param version: of the session as the caller saw it
    :raises StaleVersion: when it was changed since; ``details["version"]`` is the one now
    :raises Conflict: when it has begun or is over
    :raises Invalid: naming each field that cannot be used
    """
    require(ctx.actor, Permission.OWN_SESSION_EDIT)
    with transaction():
        session = load_for_change(ctx, session_id)
        party_of(session, ctx)
        _require_open(session, version, ctx)
        before = {"title": session.title, "description": session.description, "meeting_type": session.meeting_type}
        wished = {
            "title": session.title if title is None else title.strip(),
            "description": session.description if description is None else description.strip(),
            "meeting_type": meeting_type or session.meeting_type,
        }
        changed = {name: value for name, value in wished.items() if value != before[name]}
        decide_texts(str(wished["title"]), str(wished["description"])).require()
        if not changed:
            return session
        if meeting_type and "meeting_type" in changed:
            _meet_otherwise(session, meeting_type, ctx)
        session.title, session.description = str(wished["title"]), str(wished["description"])
        touch(session, ctx=ctx)
        audit.record(
            session,
            action="session_edited",
            ctx=ctx,
            details={name: {"old": before[name], "new": value} for name, value in changed.items()},
        )
    return session


def _require_open(session: MentoringSession, version: int, ctx: Context) -> None:
    if version != session.version:
        error = StaleVersion("It was changed on another screen meanwhile. Load it again and repeat your change.")
        error.details["version"] = session.version
        raise error
    if session.status not in _BEFORE_IT_BEGINS or is_due(session.scheduled_at, ctx.now):
        raise Conflict("A session that has begun or is over cannot be changed.", code="not_editable")


def _meet_otherwise(session: MentoringSession, wished: MeetingType, ctx: Context) -> None:
    """The room follows: it stays between video and audio, is taken down for a chat or a place, and is made again."""
    offering = db.session.get(MentorOffering, session.offering_id) if session.offering_id else None
    if offering is not None and wished not in offering.meeting_types:
        message = "This offering does not take place that way. Choose one that is listed."
        raise Invalid(message, fields={"meetingType": message})
    keeps_room = {session.meeting_type, wished} <= _ROOMS
    session.meeting_type = wished
    session.location = offering.location if offering and wished is MeetingType.IN_PERSON else None
    if keeps_room or session.status is not SessionStatus.SCHEDULED or not is_settled(session):
        return
    drop_meeting(session, ctx=ctx)
    session.calendar_sequence += 1  # names the new room, and says to calendars that the place changed
    request_meeting(session, ctx=ctx)
