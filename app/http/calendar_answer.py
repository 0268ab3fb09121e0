"""One session as a calendar file to download, the same from a page and from the API (DB-6)."""

from __future__ import annotations

from typing import Final

from flask import Response, current_app

from app.domain.context import Context
from app.domain.errors import Conflict
from app.domain.vocabulary import SessionStatus
from app.messaging.ics import CONTENT_TYPE, CalendarFacts, calendar_file
from app.models import MentoringSession

_GONE: Final = frozenset({SessionStatus.CANCELLED, SessionStatus.EXPIRED, SessionStatus.REJECTED})


def calendar_answer(session: MentoringSession, ctx: Context) -> Response:
    """The session's one event, which leads to its page and never to the meeting.

    :raises Conflict: ``no_time``, while none is agreed
    """
    if session.scheduled_at is None:
        raise Conflict("This session has no time yet.", code="no_time")
    other = session.mentee if ctx.actor.user_id == session.mentor_id else session.mentor
    content = calendar_file(
        CalendarFacts(
            session_id=session.id,
            title=session.title,
            other_name=other.name,
            starts_at=session.scheduled_at,
            duration=session.duration,
            sequence=session.calendar_sequence,
            written_at=ctx.now,
            location=session.location or "",
        ),
        method="CANCEL" if session.status in _GONE else "PUBLISH",
        organizer=current_app.config["MAIL_DEFAULT_SENDER"],
        public_url=current_app.config["PUBLIC_URL"],
    )
    name = f"session-{str(session.id)[:8]}.ics"
    headers = {"Content-Disposition": f"attachment; filename={name}", "Cache-Control": "no-store"}
    return Response(content, content_type=CONTENT_TYPE, headers=headers)
