"""What Zoom tells of meetings and the people in them, and how it asks whether an address is ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from app.integrations.meetings import reading
from app.integrations.meetings.base import Handshake, MeetingEvent, MeetingEventKind

_KINDS: Final = {
    "meeting.participant_joined": MeetingEventKind.JOINED,
    "meeting.participant_left": MeetingEventKind.LEFT,
    "meeting.ended": MeetingEventKind.ENDED,
    "recording.completed": MeetingEventKind.RECORDED,
}


def read_event(body: bytes, headers: Mapping[str, str], *, secret: str, now: datetime) -> MeetingEvent | Handshake:
    """This function will check Zoom's signature over the raw body, and read one event or answer the challenge.

    :param secret: the app's secret token, which is not its client secret
    :raises NotAuthentic: the signature is not Zoom's, or older than five minutes
    :raises Malformed: it cannot be read
    """
    timestamp = headers.get("x-zm-request-timestamp", "")
    signed = reading.digest_of(secret.encode(), b"v0:" + timestamp.encode() + b":" + body).hex()
    reading.require_same(headers.get("x-zm-signature", ""), f"v0={signed}")
    reading.require_fresh(timestamp, now)
    message = reading.parsed(body)
    name, payload = reading.word(message, "event"), reading.part(message, "payload")
    if name == "endpoint.url_validation":
        plain = reading.word(payload, "plainToken")
        return Handshake(
            {"plainToken": plain, "encryptedToken": reading.digest_of(secret.encode(), plain.encode()).hex()}
        )
    meeting, kind = reading.part(payload, "object"), _KINDS.get(name)
    guest = reading.part(meeting, "participant")
    when = {
        MeetingEventKind.JOINED: guest.get("join_time"),
        MeetingEventKind.LEFT: guest.get("leave_time"),
        MeetingEventKind.ENDED: meeting.get("end_time"),
    }
    # Rejoining gives another ``user_id`` of the same participant: another stay.
    seat = ":".join(filter(None, (reading.word(guest, "participant_uuid"), reading.word(guest, "user_id"))))
    return MeetingEvent(
        key=reading.fingerprint(body),
        name=name,
        kind=kind,
        ref=reading.word(meeting, "id") or None,
        at=(reading.instant(when.get(kind)) or reading.instant(message.get("event_ts"))) if kind else None,
        seat=seat or None,
        email=reading.word(guest, "email").strip().lower() or None,
        links=recording_links(meeting) if kind is MeetingEventKind.RECORDED else (),
    )


def recording_links(meeting: Mapping[str, object]) -> tuple[str, ...]:
    """One page for all of a meeting's recordings; else each one's own. The passcode belongs into the address."""
    files = meeting.get("recording_files")
    own = (
        [reading.word(each, "play_url") for each in files if isinstance(each, dict)] if isinstance(files, list) else []
    )
    passcode = reading.word(meeting, "recording_play_passcode")
    found = [reading.word(meeting, "share_url")] if meeting.get("share_url") else own
    return tuple(f"{url}?pwd={passcode}" if passcode and "?" not in url else url for url in found if url)
