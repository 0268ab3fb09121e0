"""The meeting of a session: asked for after payment, made by a job, taken down with the session (JN-1, JN-4).

Nothing here speaks to a provider; the job does, between ``load_for_create`` and ``record_link``.
"""

from __future__ import annotations

from uuid import UUID

from app.booking import announce
from app.booking.access import load_for_change, load_session_for
from app.booking.engine import touch
from app.domain.context import Context
from app.domain.errors import Conflict, Forbidden, Invalid
from app.domain.permissions import Permission, require
from app.domain.vocabulary import MeetingType, SessionStatus
from app.foundation import audit, outbox
from app.foundation.transaction import transaction
from app.integrations.meetings.base import MeetingRequest, Room
from app.models import MentoringSession

CREATE = "meeting.create"
DELETE = "meeting.delete"
_LONGEST_LINK = 500
# Chat lives on the session page, and a place needs no room.
_NEEDS_ROOM = frozenset({MeetingType.VIDEO, MeetingType.AUDIO})
_LIVE = frozenset({SessionStatus.SCHEDULED, SessionStatus.IN_PROGRESS})


def request_meeting(session: MentoringSession, *, ctx: Context) -> None:
    """This function will ask for a room, in the transaction that confirms the session (JN-1).

    A link that the mentor gave by hand stands (BK-5).
    """
    if session.meeting_type in _NEEDS_ROOM and session.meeting_url is None:
        outbox.put(
            CREATE,
            key=_create_key(session),
            payload={"session_id": session.id},
            session_id=session.id,
            ctx=ctx,
        )


def drop_meeting(session: MentoringSession, *, ctx: Context) -> None:
    """This function will forget a cancelled session's room, and have the provider remove it (JN-4)."""
    outbox.withdraw([_create_key(session)], ctx=ctx)
    if session.meeting_ref is not None:
        _ask_for_removal(session.meeting_provider or "", session.meeting_ref, session.id, ctx)
    session.meeting_url = session.meeting_ref = session.meeting_provider = None


def load_for_create(session_id: UUID, *, ctx: Context) -> MeetingRequest | None:
    """What a provider needs to make the room; None when none is needed any more."""
    session = load_session_for(ctx, session_id)
    if session.status not in _LIVE or session.scheduled_at is None or session.meeting_url is not None:
        return None
    return MeetingRequest(
        session_id=session.id,
        key=_create_key(session),
        topic=session.title,
        starts_at=session.scheduled_at,
        duration=session.duration,
        audio_only=session.meeting_type is MeetingType.AUDIO,
    )


def record_link(session_id: UUID, room: Room, *, ctx: Context) -> None:
    """This function will keep the room that a provider made; one that is not needed any more is removed again."""
    with transaction():
        session = load_for_change(ctx, session_id)
        if session.status not in _LIVE or session.meeting_url is not None:
            if session.meeting_ref != room.ref:
                _ask_for_removal(room.provider, room.ref, session.id, ctx)
            return
        session.meeting_provider, session.meeting_ref, session.meeting_url = room.provider, room.ref, room.url
        touch(session, ctx=ctx)
        audit.record(session, action="meeting_created", ctx=ctx, details={"provider": room.provider})


def record_failure(session_id: UUID, *, ctx: Context) -> None:
    """This function will ask the mentor for a link when every provider failed; booking and payment stand (JN-4)."""
    with transaction():
        session = load_for_change(ctx, session_id)
        if session.status in _LIVE and session.meeting_url is None:
            audit.record(session, action="meeting_failed", ctx=ctx)
            announce.link_missing(session, ctx=ctx)


def set_meeting_link(session_id: UUID, url: str, *, ctx: Context) -> MentoringSession:
    """This function will let the mentor give a link by hand, which replaces the provider's (JN-4, BK-5).

    :raises Invalid: when it is no https address
    :raises Conflict: when the session is not confirmed
    """
    require(ctx.actor, Permission.OWN_SESSION_SET_MEETING_LINK)
    link = checked_link(url, field="meetingUrl")
    with transaction():
        session = load_for_change(ctx, session_id)
        if ctx.actor.user_id != session.mentor_id:
            raise Forbidden("Only the mentor of this session can give its link.")
        if session.status not in _LIVE:
            raise Conflict("This session is not confirmed, so it needs no link.")
        drop_meeting(session, ctx=ctx)
        session.meeting_provider, session.meeting_url = "manual", link
        touch(session, ctx=ctx)
        audit.record(session, action="meeting_link_set", ctx=ctx)
    return session


def checked_link(url: str, *, field: str) -> str:
    """An address that may be shown as a link.

    :raises Invalid: ``fields[field]`` says why not
    """
    link = url.strip()
    is_usable = link.startswith("https://") and len(link) <= _LONGEST_LINK and link.isascii() and link.isprintable()
    host = link.removeprefix("https://").partition("/")[0]
    # Credentials before an @ make a link look like another's.
    if not is_usable or " " in link or "@" in host or "." not in host:
        message = f"Give an address that begins with https:// and has at most {_LONGEST_LINK} characters."
        raise Invalid(message, fields={field: message})
    return link


def _ask_for_removal(provider: str, ref: str, session_id: UUID, ctx: Context) -> None:
    outbox.put(
        DELETE,
        key=f"{DELETE}:{provider}:{ref}",
        payload={"provider": provider, "ref": ref},
        session_id=session_id,
        ctx=ctx,
    )


def _create_key(session: MentoringSession) -> str:
    return f"{CREATE}:{session.id}:{session.calendar_sequence}"
