"""What Daily tells of rooms and the people in them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from app.domain.errors import NotAuthentic
from app.integrations.meetings import reading
from app.integrations.meetings.base import Handshake, MeetingEvent, MeetingEventKind

_KINDS: Final = {
    "participant.joined": MeetingEventKind.JOINED,
    "participant.left": MeetingEventKind.LEFT,
    "meeting.ended": MeetingEventKind.ENDED,
}


def read_event(body: bytes, headers: Mapping[str, str], *, secret: str, now: datetime) -> MeetingEvent | Handshake:
    """This function will check Daily's signature over the raw body, and read one event.

    Before a webhook exists Daily tries the address with a test that nothing can be signed for; it is answered and
    does nothing.

    :param secret: in base64, as Daily gave it
    :raises NotAuthentic: the signature is not Daily's, or older than five minutes
    :raises Malformed: it cannot be read
    """
    if "x-webhook-signature" not in headers and body.strip() in {b'{"test":"test"}', b'{"test": "test"}'}:
        return Handshake({"received": True})
    key, timestamp = reading.base64_bytes(secret), headers.get("x-webhook-timestamp", "")
    if key is None:
        raise NotAuthentic("The secret of the webhook is not in base64, so nothing can be checked.")
    signed = base64.b64encode(reading.digest_of(key, timestamp.encode() + b"." + body)).decode()
    reading.require_same(headers.get("x-webhook-signature", ""), signed)
    reading.require_fresh(timestamp, now)
    message = reading.parsed(body)
    name, payload = reading.word(message, "type"), reading.part(message, "payload")
    kind, said_at = _KINDS.get(name), reading.instant(message.get("event_ts"))
    joined_at = reading.instant(payload.get("joined_at"))
    when = {
        MeetingEventKind.JOINED: joined_at or said_at,
        MeetingEventKind.LEFT: said_at,
        MeetingEventKind.ENDED: reading.instant(payload.get("end_ts")) or said_at,
    }
    return MeetingEvent(
        key=reading.word(message, "id") or reading.fingerprint(body),
        name=name,
        kind=kind,
        ref=reading.word(payload, "room") or None,
        at=when[kind] if kind else None,
        seat=reading.word(payload, "session_id") or None,
        since=joined_at,
        user_id=reading.person(reading.word(payload, "user_id")),
    )
