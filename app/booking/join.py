"""The meeting link: released to the two parties inside its window only, and who pressed *Join* when (JN-2, JN-3)."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid4

from app.booking.access import load_for_change, load_session_for
from app.booking.cancel import party_of
from app.booking.session_facts import first_join, join_facts
from app.domain.context import Context
from app.domain.errors import Conflict
from app.domain.joining import JoinDecision, decide_join
from app.domain.permissions import Permission, require
from app.domain.vocabulary import JoinSource, Party
from app.extensions import db
from app.foundation import audit
from app.foundation.transaction import transaction
from app.integrations.meetings.base import Guest, MeetingProvider, Room
from app.models import MentoringSession, SessionJoin

JOINED = "session_joined"


def decide_for(session: MentoringSession, ctx: Context) -> JoinDecision:
    """Whether a party may have the link now, and what the join button says; holds no link (JN-3)."""
    return decide_join(join_facts(session), ctx.now)


def release_link(session_id: UUID, *, providers: Sequence[MeetingProvider] = (), ctx: Context) -> str:
    """This function will give a party the meeting's address, and keep as evidence that it did (JN-2).

    :param providers: whoever made the room is asked for this person's own address, after the transaction

    :raises NotFound: for those who may not know of the session
    :raises Forbidden: ``too_early`` or ``link_expired`` with the opening and closing instants in ``details``; or
        somebody who is no party
    :raises Conflict: there is nothing to join, or no link yet
    """
    require(ctx.actor, Permission.OWN_SESSION_JOIN)
    with transaction():
        session = load_session_for(ctx, session_id)
        door = _door(session, ctx)
        audit.record(session, action="link_released", ctx=ctx)
    return _address(door, providers)


def record_join(session_id: UUID, *, providers: Sequence[MeetingProvider] = (), ctx: Context) -> str:
    """This function will record that a party joins now, and give the meeting's address (JN-3).

    The first join of all is when the session began (NS-5).

    :raises NotFound: as ``release_link``, and so are ``Forbidden`` and ``Conflict``
    """
    require(ctx.actor, Permission.OWN_SESSION_JOIN)
    with transaction():
        session = load_for_change(ctx, session_id)
        door = _door(session, ctx)
        if first_join(session.id) is None:
            session.started_at = ctx.now
        db.session.add(
            SessionJoin(
                id=uuid4(),
                session_id=session.id,
                user_id=ctx.actor.user_id,
                source=JoinSource.PAGE,
                joined_at=ctx.now,
            )
        )
        audit.record(session, action=JOINED, ctx=ctx)
    return _address(door, providers)


def _door(session: MentoringSession, ctx: Context) -> tuple[Room, Guest]:
    """The room, and who wants to enter it from and until when."""
    party = party_of(session, ctx)
    decision = decide_for(session, ctx)
    decision.require()
    if session.meeting_url is None:
        raise Conflict("There is no link yet. Your mentor has been asked for one.", code="no_link")
    assert decision.window is not None  # what is allowed has one
    user = session.mentee if party is Party.MENTEE else session.mentor
    room = Room(session.meeting_provider or "", session.meeting_ref or "", session.meeting_url)
    return room, Guest(user.id, user.name, user.email, decision.window.start, decision.window.end)


def _address(door: tuple[Room, Guest], providers: Sequence[MeetingProvider]) -> str:
    room, guest = door
    provider = next((one for one in providers if one.name == room.provider), None)
    return provider.admit(room, guest) if provider is not None and room.ref else room.url
