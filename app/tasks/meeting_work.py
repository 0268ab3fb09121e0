"""Meeting rooms at the providers, in the order in which they are configured (MT-1, MT-2, JN-4)."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import structlog

from app.booking.meeting_news import apply_news
from app.booking.meetings import (
    load_for_create,
    load_for_move,
    record_failure,
    record_link,
    record_move,
    replace_meeting,
)
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
        request = load_for_create(session_id, ctx=ctx)
    if request is None:
        return None
    room = _first_room(request)
    return lambda: record_link(session_id, room, made_for=request, ctx=ctx)


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


def _first_room(request: MeetingRequest) -> Room:
    errors = []
    for provider in adapters().meetings:
        try:
            return provider.create(request)
        except ProviderFailed as error:
            _log.warning("meeting_provider_failed", provider=provider.name, error=error.message)
            errors.append(f"{provider.name}: {error.message}")
    raise ProviderFailed("; ".join(errors) or "No meeting provider is configured.")
