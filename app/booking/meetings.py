"""The meeting of a session: asked for after payment, made by a job, taken down with the session (JN-1, JN-4).

Nothing here speaks to a provider; the job does, between ``load_for_create`` and ``record_link``.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, select

from app.booking import announce
from app.booking.access import load_for_change, load_session_for
from app.booking.engine import touch
from app.booking.holds import UNPAID
from app.domain.context import Context
from app.domain.decision import Decision, Refusal
from app.domain.errors import Invalid
from app.domain.permissions import Permission, require
from app.domain.vocabulary import MeetingType, SessionStatus
from app.extensions import db
from app.foundation import audit, outbox
from app.foundation.transaction import transaction
from app.integrations.meetings.base import MeetingRequest, Room
from app.models import MentoringSession, SessionAuditLog

CREATE = "meeting.create"
BY_HAND = "manual"
DELETE = "meeting.delete"
DISCARD = "meeting.discard"
MOVE = "meeting.move"
FAILED = "meeting_failed"
_LONGEST_LINK = 500
# Chat lives on the session page, and a place needs no room.
NEEDS_ROOM = frozenset({MeetingType.VIDEO, MeetingType.AUDIO})
_LIVE = frozenset({SessionStatus.SCHEDULED, SessionStatus.IN_PROGRESS})


def request_meeting(session: MentoringSession, *, ctx: Context) -> None:
    """This function will ask for a room, in the transaction that confirms the session (JN-1).

    A link that the mentor gave by hand stands (BK-5).
    """
    if session.meeting_type in NEEDS_ROOM and session.meeting_url is None:
        outbox.put(
            CREATE,
            key=_create_key(session),
            payload={"session_id": session.id},
            session_id=session.id,
            ctx=ctx,
        )


def move_meeting(session: MentoringSession, *, ctx: Context) -> None:
    """This function will have the provider know a session's new time; raise ``calendar_sequence`` first (JN-4).

    Asked for even while the room is still being made: it may be made for the old time. A link by hand stays as it is.
    """
    if session.meeting_type in NEEDS_ROOM and session.meeting_provider != BY_HAND:
        _ask_to_move(session, str(session.calendar_sequence), ctx)


def drop_meeting(session: MentoringSession, *, ctx: Context) -> None:
    """This function will forget a cancelled session's room, and have the provider remove it (JN-4)."""
    # A room that was asked for already may be there, its answer lost: that work goes on, and clears it away.
    outbox.withdraw([_create_key(session)], ctx=ctx, never_tried=True)
    if session.meeting_ref is not None:
        _ask_for_removal(session.meeting_provider or "", session.meeting_ref, session.id, ctx)
    session.meeting_url = session.meeting_ref = session.meeting_provider = None


def load_for_create(session_id: UUID, *, key: str | None = None, ctx: Context) -> MeetingRequest | None:
    """What a provider needs to make the room; None when none is needed any more.

    :param key: of an earlier try, so that the room that it may have made is found
    """
    session = load_session_for(ctx, session_id)
    if session.status not in _LIVE or session.scheduled_at is None or session.meeting_url is not None:
        return None
    request = _request(session, session.scheduled_at)
    return replace(request, key=key) if key else request


def record_link(
    session_id: UUID, room: Room, *, ctx: Context, made_for: MeetingRequest | None = None, discards: str | None = None
) -> None:
    """This function will keep the room that a provider made; one that is not needed any more is removed again.

    :param made_for: what the provider was asked; a session that moved meanwhile has its room follow
    :param discards: the key under which other providers were asked as well; what they may have made goes
    """
    with transaction():
        session = load_for_change(ctx, session_id)
        if discards is not None:
            ask_to_discard(session_id, discards, ctx=ctx)
        if session.status not in _LIVE or session.meeting_url is not None:
            if session.meeting_ref != room.ref:
                _ask_for_removal(room.provider, room.ref, session.id, ctx)
            return
        session.meeting_provider, session.meeting_ref, session.meeting_url = room.provider, room.ref, room.url
        touch(session, ctx=ctx)
        audit.record(session, action="meeting_created", ctx=ctx, details={"provider": room.provider})
        if made_for is not None and not _is_as_asked(session, made_for):
            _ask_to_move(session, f"{session.calendar_sequence}:{room.ref}", ctx)


def ask_to_discard(session_id: UUID, key: str, *, ctx: Context) -> None:
    """This function will have every provider but the one in use remove what it may have made for this key (JN-4)."""
    with transaction():
        payload = {"session_id": session_id, "key": key}
        outbox.put(DISCARD, key=f"{DISCARD}:{key}", payload=payload, session_id=session_id, ctx=ctx)


def provider_in_use(session_id: UUID, *, ctx: Context) -> str | None:
    """Whose room a session has now."""
    return load_session_for(ctx, session_id).meeting_provider


def load_for_move(session_id: UUID, *, ctx: Context) -> tuple[Room, MeetingRequest] | None:
    """The room as it is and what it should be like now; None when there is no room of a provider's to move.

    Always the latest time, so that two moves done in the wrong order end at the right one.
    """
    session = load_session_for(ctx, session_id)
    if session.status not in _LIVE or session.scheduled_at is None or session.meeting_ref is None:
        return None
    room = Room(session.meeting_provider or "", session.meeting_ref, session.meeting_url or "")
    return room, _request(session, session.scheduled_at)


def record_move(
    session_id: UUID, before: Room, after: Room, *, moved_to: MeetingRequest, by: UUID, ctx: Context
) -> None:
    """This function will keep what a provider made of a move; nothing is left at the provider that nobody needs.

    :param by: the work that did it: one that was overtaken by a later move has the room moved once more
    """
    with transaction():
        session = load_for_change(ctx, session_id)
        if session.status not in _LIVE or session.meeting_ref != before.ref:
            if after.ref not in {before.ref, session.meeting_ref}:
                _ask_for_removal(after.provider, after.ref, session.id, ctx)
            return
        if after.ref != before.ref:
            _ask_for_removal(before.provider, before.ref, session.id, ctx)
        session.meeting_provider, session.meeting_ref, session.meeting_url = after.provider, after.ref, after.url
        touch(session, ctx=ctx)
        audit.record(session, action="meeting_moved", ctx=ctx, details={"provider": after.provider})
        if not _is_as_asked(session, moved_to):
            _ask_to_move(session, f"{session.calendar_sequence}:{by}", ctx)


def replace_meeting(session_id: UUID, *, ctx: Context) -> None:
    """This function will ask for a new room where the old one cannot be moved, from whichever provider can (JN-4)."""
    with transaction():
        session = load_for_change(ctx, session_id)
        if session.status in _LIVE and session.meeting_ref is not None:
            drop_meeting(session, ctx=ctx)
            session.calendar_sequence += 1  # names the new room
            request_meeting(session, ctx=ctx)
            touch(session, ctx=ctx)
            audit.record(session, action="meeting_failed", ctx=ctx)


def record_failure(session_id: UUID, *, ctx: Context) -> None:
    """This function will ask the mentor for a link when every provider failed; booking and payment stand (JN-4)."""
    with transaction():
        session = load_for_change(ctx, session_id)
        if needs_link(session) and not was_asked_for_link(session):
            ask_for_link(session, ctx=ctx)


def ask_for_link(session: MentoringSession, *, ctx: Context) -> None:
    """This function will ask a locked session's mentor to add a link by hand; support sees it in a queue."""
    audit.record(session, action=FAILED, ctx=ctx, details={"sequence": session.calendar_sequence})
    announce.link_missing(session, ctx=ctx)


def was_asked_for_link(session: MentoringSession) -> bool:
    """Whether the mentor was asked already since the session got its present time."""
    asked = exists().where(
        SessionAuditLog.session_id == session.id,
        SessionAuditLog.action == FAILED,
        SessionAuditLog.details["sequence"].as_integer() == session.calendar_sequence,
    )
    return bool(db.session.scalar(select(asked)))


def needs_link(session: MentoringSession) -> bool:
    """Whether a confirmed session has to have a room and has none (JN-4)."""
    is_certain = session.payment_status not in UNPAID
    return session.status in _LIVE and is_certain and session.meeting_type in NEEDS_ROOM and session.meeting_url is None


def decide_own_link(session: MentoringSession, ctx: Context) -> Decision:
    """Whether the reader may give the session's link: its mentor, for one that is confirmed and needs a room."""
    if ctx.actor.user_id != session.mentor_id:
        message = "Only the mentor of this session can give its link."
        return Decision(allowed=False, rule="not_the_mentor", message=message, refusal=Refusal.FORBIDDEN)
    return decide_link_by_hand(session)


def decide_link_by_hand(session: MentoringSession) -> Decision:
    """Whether a link can be given by hand at all: for a session that is confirmed and needs a room."""
    rule = message = None
    if session.status not in _LIVE:
        rule, message = "not_confirmed", "This session is not confirmed, so it needs no link."
    elif session.meeting_type not in NEEDS_ROOM:
        rule, message = "no_room_needed", "This kind of session takes place without a meeting room."
    if rule and message:
        return Decision(allowed=False, rule=rule, message=message, refusal=Refusal.CONFLICT, code="conflict")
    return Decision(allowed=True, rule="link_by_hand", message="The link of this session can be given.")


def set_meeting_link(session_id: UUID, url: str, *, ctx: Context) -> MentoringSession:
    """This function will let the mentor give a link by hand, which replaces the provider's (JN-4, BK-5).

    :raises Invalid: when it is no https address
    :raises Forbidden: anybody but the session's mentor
    :raises Conflict: when the session is not confirmed, or needs no room
    """
    require(ctx.actor, Permission.OWN_SESSION_SET_MEETING_LINK)
    link = checked_link(url, field="meetingUrl")
    with transaction():
        session = load_for_change(ctx, session_id)
        decide_own_link(session, ctx).require()
        put_link(session, link, ctx=ctx)
        audit.record(session, action="meeting_link_set", ctx=ctx)
    return session


def put_link(session: MentoringSession, link: str, *, ctx: Context) -> None:
    """This function will give a locked session a checked link in place of the room it had."""
    drop_meeting(session, ctx=ctx)
    session.meeting_provider, session.meeting_url = BY_HAND, link
    touch(session, ctx=ctx)


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


def _request(session: MentoringSession, start: datetime) -> MeetingRequest:
    return MeetingRequest(
        session_id=session.id,
        key=_create_key(session),
        topic=session.title,
        starts_at=start,
        duration=session.duration,
        audio_only=session.meeting_type is MeetingType.AUDIO,
    )


def _is_as_asked(session: MentoringSession, asked: MeetingRequest) -> bool:
    return (session.scheduled_at, session.duration) == (asked.starts_at, asked.duration)


def _ask_to_move(session: MentoringSession, cause: str, ctx: Context) -> None:
    outbox.put(
        MOVE,
        key=f"{MOVE}:{session.id}:{cause}",
        payload={"session_id": session.id},
        session_id=session.id,
        ctx=ctx,
    )


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
