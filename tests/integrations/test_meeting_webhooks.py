"""What meeting providers send, believed only with their signature; vectors computed apart from this code (MT-1)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest

from app.domain.errors import Malformed, NotAuthentic
from app.integrations.meetings import daily_events, jitsi_events, zoom_events
from app.integrations.meetings.base import Guest, Handshake, MeetingEvent, MeetingEventKind, MeetingRequest
from app.integrations.meetings.jitsi import JitsiProvider

NOW = datetime.fromtimestamp(1_760_000_000, UTC)
ZOOM, ZOOM_SIGNED = "zoom_secret_token", "v0=b41bbeeb3eb652b186856e351979ea008791a3edd4bf320e6ac64079b26ce070"
ZOOM_BODY = (
    b'{"event":"meeting.participant_joined","event_ts":1760000000123,'
    b'"payload":{"account_id":"acc","object":{"id":"82000000001"}}}'
)
DAILY, DAILY_SIGNED = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "QaPBWzrEU1r3xqc4inzmko733WWVr0lDKsIbGlbNU4g="
DAILY_BODY = (
    b'{"version":"1.0.0","type":"participant.joined","id":"ptcpt-join-1",'
    b'"payload":{"room":"r1","user_id":"u1","joined_at":1760000000.5},"event_ts":1760000000.6}'
)
USER = UUID("00380324-a840-400d-880f-7ee0933b7556")


def from_zoom(body: bytes, signature: str = "", sent: datetime = NOW, now: datetime = NOW) -> MeetingEvent | Handshake:
    stamp = str(int(sent.timestamp()))
    made = hmac.new(ZOOM.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    headers = {"x-zm-signature": signature or f"v0={made}", "x-zm-request-timestamp": stamp}
    return zoom_events.read_event(body, headers, secret=ZOOM, now=now)


def from_daily(body: bytes, signature: str = "", stamp: str = "1760000000", now: datetime = NOW) -> Any:
    made = hmac.new(base64.b64decode(DAILY), stamp.encode() + b"." + body, hashlib.sha256).digest()
    signed = signature or base64.b64encode(made).decode()
    headers = {"x-webhook-signature": signed, "x-webhook-timestamp": stamp}
    return daily_events.read_event(body, headers, secret=DAILY, now=now)


def from_jitsi(message: dict[str, Any] | bytes, header: str = "Bearer TOKEN-1") -> MeetingEvent:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    return jitsi_events.read_event(body, {"authorization": header}, secret="TOKEN-1")


@pytest.mark.spec("MT-1")
def test_zooms_own_signature_is_believed_and_its_event_read() -> None:
    told = from_zoom(ZOOM_BODY, ZOOM_SIGNED)
    assert isinstance(told, MeetingEvent)
    assert (told.kind, told.ref) == (MeetingEventKind.JOINED, "82000000001")
    assert told.at == datetime.fromtimestamp(1_760_000_000.123, UTC)


@pytest.mark.spec("MT-1")
def test_zooms_question_whether_the_address_is_ours_is_answered() -> None:
    body = b'{"event":"endpoint.url_validation","payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"}}'
    answer = {
        "plainToken": "qgg8vlvZRS6UYooatFL8Aw",
        "encryptedToken": "bd48235863f4a6323ccc4963c594908b7c97f88b4a6a95278f4f093690b12726",
    }
    assert from_zoom(body) == Handshake(answer)
    with pytest.raises(NotAuthentic):
        from_zoom(body, "v0=" + "0" * 64)


@pytest.mark.spec("MT-1")
def test_a_stay_at_zoom_has_one_name_from_joining_to_leaving() -> None:
    def stay(what: str, user: str, **times: str) -> MeetingEvent:
        guest = {"participant_uuid": "P-1", "user_id": user, "email": "Asha@Example.org", **times}
        meeting = {"id": 82000000001, "participant": guest}
        told = from_zoom(json.dumps({"event": f"meeting.participant_{what}", "payload": {"object": meeting}}).encode())
        assert isinstance(told, MeetingEvent)
        return told

    joined = stay("joined", "16778240", join_time="2026-12-03T14:00:04Z")
    left = stay("left", "16778240", leave_time="2026-12-03T14:20:00Z")
    again = stay("joined", "16778999", join_time="2026-12-03T14:22:00Z")
    assert joined.at == datetime(2026, 12, 3, 14, 0, 4, tzinfo=UTC)
    assert joined.seat == left.seat != again.seat
    assert (left.kind, left.ref, left.email) == (MeetingEventKind.LEFT, "82000000001", "asha@example.org")


@pytest.mark.spec("JN-5", "MT-1")
def test_zoom_says_where_recordings_can_be_seen() -> None:
    def told(**meeting: object) -> MeetingEvent:
        body = {
            "event": "recording.completed",
            "event_ts": 1_760_000_000_000,
            "payload": {"object": {"id": 82, **meeting}},
        }
        found = from_zoom(json.dumps(body).encode())
        assert isinstance(found, MeetingEvent)
        assert (found.kind, found.at) == (MeetingEventKind.RECORDED, NOW)
        return found

    page = told(share_url="https://zoom.example/rec/share/a", recording_play_passcode="hush", recording_files=[{}])
    assert page.links == ("https://zoom.example/rec/share/a?pwd=hush",)
    files = [{"play_url": "https://zoom.example/rec/play/1"}, {"file_type": "CHAT"}, 7]
    assert told(recording_files=files).links == ("https://zoom.example/rec/play/1",)
    assert told(recording_files={}).links == ()


@pytest.mark.spec("MT-1")
def test_dailys_own_signature_is_believed_and_its_event_read() -> None:
    told = from_daily(DAILY_BODY, DAILY_SIGNED)
    assert (told.key, told.kind, told.ref) == ("ptcpt-join-1", MeetingEventKind.JOINED, "r1")
    assert told.at == datetime.fromtimestamp(1_760_000_000.5, UTC)
    assert told.user_id is None, "u1 is no name of ours"


@pytest.mark.spec("MT-1")
def test_daily_may_count_milliseconds_and_tries_the_address_first() -> None:
    assert from_daily(DAILY_BODY, stamp="1760000000123").ref == "r1"
    assert daily_events.read_event(b'{"test":"test"}', {}, secret=DAILY, now=NOW) == Handshake({"received": True})
    with pytest.raises(NotAuthentic):
        daily_events.read_event(b'{"test":"test","type":"meeting.ended"}', {}, secret=DAILY, now=NOW)


@pytest.mark.spec("MT-1")
@pytest.mark.parametrize("late", [timedelta(minutes=5, seconds=1), timedelta(minutes=-5, seconds=-1)])
def test_a_signed_message_of_another_time_is_somebodys_recording(late: timedelta) -> None:
    assert from_zoom(ZOOM_BODY, now=NOW + late / 2)
    with pytest.raises(NotAuthentic):
        from_zoom(ZOOM_BODY, now=NOW + late)
    with pytest.raises(NotAuthentic):
        from_daily(DAILY_BODY, now=NOW + late)


@pytest.mark.spec("MT-1")
@pytest.mark.parametrize("signature", ["v0=", "v0=" + "f" * 64, ZOOM_SIGNED.upper(), "é"])
def test_a_changed_body_or_signature_is_refused(signature: str) -> None:
    with pytest.raises(NotAuthentic):
        from_zoom(ZOOM_BODY, signature)
    with pytest.raises(NotAuthentic):
        from_zoom(ZOOM_BODY.replace(b"82000000001", b"82000000002"), ZOOM_SIGNED)
    with pytest.raises(NotAuthentic):
        from_daily(DAILY_BODY, signature)
    with pytest.raises(NotAuthentic):
        zoom_events.read_event(ZOOM_BODY, {}, secret=ZOOM, now=NOW)
    with pytest.raises(NotAuthentic):
        daily_events.read_event(DAILY_BODY, {}, secret="no base64!", now=NOW)


def occupant(event: str, **changes: Any) -> dict[str, Any]:
    guest = {"occupant_jid": "14f0@meet/OW", "joined_at": 1_760_000_000, "id": str(USER), "email": "typed@example.org"}
    return {"event_name": event, "room_name": "Session-ab", "is_breakout": False, "occupant": {**guest, **changes}}


@pytest.mark.spec("MT-1")
def test_a_jitsi_server_sends_a_header_and_only_the_id_is_believed() -> None:
    joined = from_jitsi(occupant("muc-occupant-joined"))
    assert (joined.kind, joined.ref, joined.at) == (MeetingEventKind.JOINED, "session-ab", NOW)
    assert (joined.user_id, joined.email) == (USER, None)
    left = from_jitsi(occupant("muc-occupant-left", left_at=1_760_000_600))
    assert (left.kind, left.since, left.at) == (MeetingEventKind.LEFT, NOW, NOW + timedelta(minutes=10))
    assert left.seat == joined.seat != from_jitsi(occupant("muc-occupant-joined", joined_at=1_760_000_700)).seat
    ended = from_jitsi({"event_name": "muc-room-destroyed", "room_name": "session-ab", "destroyed_at": 1_760_000_600})
    assert (ended.kind, ended.at) == (MeetingEventKind.ENDED, NOW + timedelta(minutes=10))
    aside = {"event_name": "muc-room-destroyed", "room_name": "session-ab", "destroyed_at": 1, "is_breakout": True}
    assert from_jitsi(aside).kind is None, "a breakout room is not the session"


@pytest.mark.spec("MT-1")
@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer TOKEN-2", "Basic TOKEN-1"])
def test_without_the_header_a_jitsi_server_is_a_stranger(header: str) -> None:
    with pytest.raises(NotAuthentic):
        from_jitsi(occupant("muc-occupant-joined"), header)


@pytest.mark.spec("MT-1")
def test_without_a_secret_nothing_can_be_checked_and_nothing_is_believed() -> None:
    with pytest.raises(NotAuthentic):
        JitsiProvider("https://meet.example").parse_webhook(b"{}", {"authorization": ""}, now=NOW)


@pytest.mark.spec("MT-1", "API-1")
@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"event_name":[],"occupant":7,"room_name":{}}'])
def test_an_authentic_message_that_makes_no_sense_is_refused_or_means_nothing(body: bytes) -> None:
    for read in (from_zoom, from_daily, from_jitsi):
        try:
            told = read(body)
        except Malformed:
            continue
        assert (told.kind, told.ref, told.at) == (None, None, None)


@pytest.mark.spec("MT-1", "JN-2")
def test_a_jitsi_server_that_wants_a_pass_gets_one_for_a_person_a_room_and_a_time() -> None:
    provider = JitsiProvider("https://Meet.Example.org", app_id="desk", app_secret="hush")
    room = provider.create(MeetingRequest(uuid4(), "k", "Talk", NOW, 60))
    url = urlsplit(provider.admit(room, Guest(USER, "Asha", "asha@example.org", NOW, NOW + timedelta(hours=2))))
    assert url.path == f"/{room.ref}"
    (pass_,) = parse_qs(url.query)["jwt"]
    unsigned, _, signature = pass_.rpartition(".")
    made = hmac.new(b"hush", unsigned.encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64decode(signature + "=") == made
    claims = json.loads(base64.urlsafe_b64decode(unsigned.partition(".")[2] + "=="))
    assert claims["room"] == room.ref
    assert (claims["iss"], claims["sub"], claims["nbf"], claims["exp"]) == (
        "desk", "meet.example.org", 1_760_000_000, 1_760_007_200,
    )  # fmt: skip
    assert claims["context"]["user"] == {"id": str(USER), "name": "Asha"}
    assert (
        JitsiProvider("https://meet.example").admit(room, Guest(USER, "Asha", "asha@example.org", NOW, NOW)) == room.url
    )
