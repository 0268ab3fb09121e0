"""What a Jitsi server's event_sync component tells: rooms and the people in them.

It signs nothing; it sends a header that the operator sets, and that is checked like a password.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.integrations.meetings import reading
from app.integrations.meetings.base import MeetingEvent, MeetingEventKind

_KINDS: Final = {
    "muc-occupant-joined": MeetingEventKind.JOINED,
    "muc-occupant-left": MeetingEventKind.LEFT,
    "muc-room-destroyed": MeetingEventKind.ENDED,
}


def read_event(body: bytes, headers: Mapping[str, str], *, secret: str) -> MeetingEvent:
    """This function will check the header and read one event.

    Names and addresses are what a guest typed, so that only the id is believed, which comes from our signed link.

    :param secret: the whole value of the ``Authorization`` header, or what follows ``Bearer``
    :raises NotAuthentic: the header is not ours
    :raises Malformed: it cannot be read
    """
    given = headers.get("authorization", "")
    reading.require_same(given.removeprefix("Bearer "), secret.removeprefix("Bearer "))
    message = reading.parsed(body)
    name = reading.word(message, "event_name")
    kind = None if message.get("is_breakout") is True else _KINDS.get(name)
    guest = reading.part(message, "occupant")
    when = {
        MeetingEventKind.JOINED: guest.get("joined_at"),
        MeetingEventKind.LEFT: guest.get("left_at"),
        MeetingEventKind.ENDED: message.get("destroyed_at"),
    }
    return MeetingEvent(
        key=reading.fingerprint(body),
        name=name,
        kind=kind,
        ref=reading.word(message, "room_name").partition("@")[0].lower() or None,
        at=reading.instant(when[kind]) if kind else None,
        seat=_seat(guest),
        since=reading.instant(guest.get("joined_at")),
        user_id=reading.person(reading.word(guest, "id")),
    )


def _seat(guest: Mapping[str, object]) -> str | None:
    """One stay: who comes back over the same connection begins another."""
    name = reading.word(guest, "occupant_jid")
    return f"{name}:{guest.get('joined_at')}" if name else None
