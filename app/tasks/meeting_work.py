"""Meeting rooms at the providers, in the order in which they are configured (MT-1, MT-2, JN-4)."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import structlog

from app.booking.meeting_news import apply_news
from app.booking.meetings import (
    ask_to_discard,
    load_for_create,
    load_for_move,
    provider_in_use,
    record_failure,
    record_link,
    record_move,
    replace_meeting,
)
from app.booking.recordings import load_for_recordings, record_recordings
from app.domain.context import Context
from app.domain.errors import ProviderFailed
from app.foundation.outbox import Work
from app.foundation.transaction import transaction
from app.http.adapters import adapters
from app.integrations.meetings.base import MeetingProvider, MeetingRequest, Room

_log = structlog.get_logger(__name__)

# The mentor is asked for a link of their own after this many tries, and the trying goes on.
ASK_MENTOR_AFTER = 3


def create(work: Work, ctx: Context) -> Callable[[], None] | None:
    """Make a session's room at the first provider that can.

    :raises ProviderFailed: none could
    """
    session_id = UUID(work.payload["session_id"])
    with transaction():
        request = load_for_create(session_id, key=work.key, ctx=ctx)
    is_again = work.attempts > 1
    if request is None:
        return (lambda: ask_to_discard(session_id, work.key, ctx=ctx)) if is_again else None
    room, others_failed = _first_room(request)
    # A provider that failed, now or in an earlier try, may have made a room and lost its answer on the way.
    discards = request.key if (is_again or others_failed) and len(adapters().meetings) > 1 else None
    return lambda: record_link(session_id, room, made_for=request, discards=discards, ctx=ctx)


def create_failed(work: Work, error: str, is_final: bool, ctx: Context) -> None:  # noqa: ARG001, FBT001 - the shape of every such function
    """Ask the mentor, once, when trying again does not seem to help; booking and payment stand (JN-4)."""
    if work.attempts == ASK_MENTOR_AFTER or (is_final and work.attempts < ASK_MENTOR_AFTER):
        record_failure(UUID(work.payload["session_id"]), ctx=ctx)


def move(work: Work, ctx: Context) -> Callable[[], None] | None:
    """Tell the provider of a room the session's time as it is now, whichever move this row was put for (JN-4).

    :raises ProviderFailed: the provider's; for good when it is no longer configured
    """
    session_id = UUID(work.payload["session_id"])
    with transaction():
        found = load_for_move(session_id, ctx=ctx)
    if found is None:
        return None
    room, request = found
    moved = _provider(room.provider).move(room.ref, request)
    return lambda: record_move(session_id, room, moved, moved_to=request, by=work.id, ctx=ctx)


def move_failed(work: Work, error: str, is_final: bool, ctx: Context) -> None:  # noqa: ARG001, FBT001 - the shape of every such function
    """A room that cannot be moved is replaced by a new one."""
    if is_final:
        replace_meeting(UUID(work.payload["session_id"]), ctx=ctx)


def delete(work: Work, ctx: Context) -> None:  # noqa: ARG001 - the shape of every handler
    """Take a room down that nobody needs any more.

    :raises ProviderFailed: the provider's; for good when it is no longer configured
    """
    _provider(work.payload["provider"]).delete(work.payload["ref"])


def discard(work: Work, ctx: Context) -> None:
    """Have whoever was asked in vain for a room remove what it may have made all the same (JN-4).

    :raises ProviderFailed: one could not be asked; asking the others twice is harmless
    """
    with transaction():
        in_use = provider_in_use(UUID(work.payload["session_id"]), ctx=ctx)
    errors = []
    for provider in adapters().meetings:
        if provider.name != in_use:
            try:
                provider.discard(work.payload["key"])
            except ProviderFailed as error:
                errors.append(error)
    if errors:
        raise ProviderFailed("; ".join(each.message for each in errors), retryable=any(e.retryable for e in errors))


def recordings(work: Work, ctx: Context) -> Callable[[], None] | None:
    """Ask for a session's recordings, whose news may have been lost (MT-1).

    :raises ProviderFailed: to be tried again; what was set up wrong is written to the log, once for each session
    """
    session_id = UUID(work.payload["session_id"])
    with transaction():
        room = load_for_recordings(session_id, ctx=ctx)
    provider = next((one for one in adapters().meetings if room and one.name == room.provider), None)
    if room is None or provider is None:
        return None
    try:
        links = provider.recordings(room.ref)
    except ProviderFailed as error:
        if error.retryable:
            raise
        _log.warning("recordings_not_told", provider=provider.name, error=error.message)
        return None
    return lambda: record_recordings(session_id, links, ctx=ctx)


def news(work: Work, ctx: Context) -> Callable[[], None]:
    """Do what a provider's event says; everything of it is in the database, so that all of it is the record."""

    def record() -> None:
        outcome = apply_news(UUID(work.payload["event_id"]), links=work.payload.get("links") or (), ctx=ctx)
        _log.info("meeting_news", outcome=outcome)

    return record


def _provider(name: str) -> MeetingProvider:
    provider = next((one for one in adapters().meetings if one.name == name), None)
    if provider is None:
        raise ProviderFailed(f"The provider {name} is not configured any more.", retryable=False)
    return provider


def _first_room(request: MeetingRequest) -> tuple[Room, bool]:
    """The room, and whether somebody was asked for it in vain."""
    errors: list[str] = []
    for provider in adapters().meetings:
        try:
            return provider.create(request), bool(errors)
        except ProviderFailed as error:
            _log.warning("meeting_provider_failed", provider=provider.name, error=error.message)
            errors.append(f"{provider.name}: {error.message}")
    raise ProviderFailed("; ".join(errors) or "No meeting provider is configured.")
