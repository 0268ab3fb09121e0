"""One contract over every meeting provider, the remote ones against local servers that speak as theirs (MT-1, MT-2)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from app.config import Settings
from app.domain.errors import ProviderFailed
from app.factory import _meetings
from app.integrations.circuit import Circuit
from app.integrations.meetings.base import Guest, MeetingProvider, MeetingRequest
from app.integrations.meetings.daily import DailyProvider
from app.integrations.meetings.jitsi import JitsiProvider
from app.integrations.meetings.zoom import ZoomProvider
from tests.integrations.fake_meetings import DailyBooks, Fake, ZoomBooks, served

AT = datetime(2028, 3, 1, 10, tzinfo=UTC)
REQUEST = MeetingRequest(UUID(int=1), "meeting.create:1:0", "How to lead", AT, 60)
LATER = replace(REQUEST, key="meeting.move:1:1", starts_at=AT + timedelta(days=1))
ASHA = Guest(UUID(int=17), "Asha", "asha@example.org", AT - timedelta(minutes=15), AT + timedelta(hours=2))
BEN = Guest(UUID(int=18), "Ben", "ben@example.org", ASHA.opens_at, ASHA.closes_at)


@dataclass
class World:
    provider: MeetingProvider
    books: Any = None
    fake: Fake | None = None
    seconds: float = 0.0

    @property
    def server(self) -> Fake:
        assert self.fake is not None
        return self.fake

    def starts(self) -> list[Any]:
        """The times that the provider knows of, one a room."""
        if isinstance(self.books, ZoomBooks):
            return [each["start_time"] for each in self.books.meetings.values()]
        return [each["properties"]["exp"] for each in self.books.rooms.values()]


def world_of(name: str, stack: ExitStack) -> World:
    if name == "jitsi":
        return World(JitsiProvider("https://meet.example"))
    books: Any = ZoomBooks() if name == "zoom" else DailyBooks()
    world = World(JitsiProvider(""), books, stack.enter_context(served(Fake(books))))
    clock, address = (lambda: world.seconds), world.server.address
    if name == "zoom":
        world.provider = ZoomProvider(
            account_id="acc", client_id="client", client_secret="hush", host="host@example.org",
            api_url=f"{address}/v2", token_url=f"{address}/oauth/token", clock=clock,
        )  # fmt: skip
    else:
        world.provider = DailyProvider(api_key="daily-key", api_url=f"{address}/v1", clock=clock)
    return world


@pytest.fixture(params=["jitsi", "zoom", "daily"])
def any_world(request: pytest.FixtureRequest) -> Iterator[World]:
    with ExitStack() as stack:
        yield world_of(request.param, stack)


@pytest.fixture(params=["zoom", "daily"])
def remote(request: pytest.FixtureRequest) -> Iterator[World]:
    with ExitStack() as stack:
        yield world_of(request.param, stack)


@pytest.fixture
def zoom() -> Iterator[World]:
    with ExitStack() as stack:
        yield world_of("zoom", stack)


@pytest.fixture
def daily() -> Iterator[World]:
    with ExitStack() as stack:
        yield world_of("daily", stack)


@pytest.mark.spec("MT-1", "JN-1")
def test_a_room_is_made_entered_moved_and_removed_and_twice_is_no_error(any_world: World) -> None:
    provider = any_world.provider
    room = provider.create(REQUEST)
    assert (room.provider, bool(room.ref)) == (provider.name, True)
    assert room.url.startswith("https://")
    assert provider.admit(room, ASHA).startswith("https://")
    assert provider.move(room.ref, LATER).ref == room.ref
    provider.delete(room.ref)
    provider.delete(room.ref)
    assert provider.create(replace(REQUEST, key="meeting.create:2:0")).ref != room.ref


@pytest.mark.spec("MT-1", "JN-4")
def test_asked_twice_there_is_one_room_even_if_the_first_answer_was_lost(remote: World) -> None:
    for number in range(3):
        remote.provider.create(replace(REQUEST, key=f"of another session: {number}"))
    first = remote.provider.create(REQUEST)
    assert remote.provider.create(REQUEST) == first
    assert len(remote.starts()) == 4


@pytest.mark.spec("MT-1", "JN-4")
def test_a_room_whose_answer_was_lost_can_be_discarded_by_its_key_alone(any_world: World) -> None:
    other = any_world.provider.create(replace(REQUEST, key="of another session"))
    any_world.provider.create(REQUEST)
    for _ in range(2):
        any_world.provider.discard(REQUEST.key)
    if any_world.fake is not None:
        assert len(any_world.starts()) == 1
    assert any_world.provider.move(other.ref, LATER).ref == other.ref


@pytest.mark.spec("MT-1")
def test_zoom_can_be_asked_for_recordings_and_the_others_keep_none_that_lasts(any_world: World) -> None:
    provider = any_world.provider
    room = provider.create(REQUEST)
    assert provider.recordings(room.ref) == ()
    if provider.keeps_recordings:
        share = "https://zoom.example/rec/share/a"
        any_world.books.recorded[int(room.ref)] = {"share_url": share, "recording_play_passcode": "hush"}
        assert provider.recordings(room.ref) == (f"{share}?pwd=hush",)


@pytest.mark.spec("MT-1", "JN-4")
def test_a_room_follows_its_session_and_one_that_is_gone_is_made_anew(remote: World) -> None:
    room = remote.provider.create(REQUEST)
    (before,) = remote.starts()
    remote.provider.move(room.ref, LATER)
    (after,) = remote.starts()
    assert before != after
    remote.provider.delete(room.ref)
    again = remote.provider.move(room.ref, LATER)
    assert remote.starts() == [after]
    assert again.url


@pytest.mark.spec("MT-2")
@pytest.mark.parametrize("answer", [None, (429, {"message": "slow down"}), (500, "<html>"), (502, "")])
def test_what_may_pass_may_be_tried_again(remote: World, answer: Any) -> None:
    remote.provider.create(replace(REQUEST, key="warm"))
    remote.server.refuse.append(answer)
    with pytest.raises(ProviderFailed) as failed:
        remote.provider.create(REQUEST)
    assert failed.value.retryable
    assert remote.provider.create(REQUEST).url


@pytest.mark.spec("MT-2", "SEC-6")
@pytest.mark.parametrize(
    "answer",
    [(400, {"code": 300, "error": "invalid-request-error"}), (403, {"code": 4711}), (200, "no JSON"), (201, [])],
)
def test_what_is_set_up_wrong_is_said_without_any_secret_and_not_tried_again(remote: World, answer: Any) -> None:
    remote.provider.create(replace(REQUEST, key="warm"))
    remote.server.refuse += [answer] * 3
    with pytest.raises(ProviderFailed) as failed:
        remote.provider.move("82000000000", LATER)
    assert not failed.value.retryable
    assert not {"hush", "daily-key", "token-"} & set(failed.value.message.split())


@pytest.mark.spec("MT-2")
def test_after_three_failures_it_is_not_asked_for_a_minute(remote: World) -> None:
    remote.provider.create(replace(REQUEST, key="warm"))
    remote.server.refuse += [(503, "")] * 3
    for _ in range(3):
        with pytest.raises(ProviderFailed):
            remote.provider.create(REQUEST)
    asked = len(remote.server.asked)
    with pytest.raises(ProviderFailed, match="not asked"):
        remote.provider.create(REQUEST)
    assert len(remote.server.asked) == asked
    remote.seconds += 60
    assert remote.provider.create(REQUEST).url


@pytest.mark.spec("MT-2")
def test_a_circuit_counts_failures_in_a_row_only() -> None:
    now = [0.0]
    circuit = Circuit(lambda: now[0])
    for worked in (False, False, True, False, False):
        circuit.worked() if worked else circuit.failed()
        assert not circuit.is_open
    circuit.failed()
    assert circuit.is_open
    now[0] = 60.0
    assert not circuit.is_open
    circuit.failed()
    assert circuit.is_open, "one more is enough then"


@pytest.mark.spec("MT-3")
def test_zoom_is_asked_for_what_the_specification_says(zoom: World) -> None:
    zoom.provider.create(REQUEST)
    (made,) = zoom.books.meetings.values()
    assert (made["topic"], made["start_time"], made["duration"]) == ("How to lead", "2028-03-01T10:00:00Z", 60)
    settings = made["settings"]
    assert (settings["host_video"], settings["waiting_room"], settings["auto_recording"]) == (True, False, "none")
    assert made["host"] == "host%40example.org"
    assert "1" not in made["agenda"].split(), "neither the key nor the session's id"


@pytest.mark.spec("MT-1")
def test_zooms_token_is_kept_until_it_ends_and_renewed_when_it_is_refused(zoom: World) -> None:
    zoom.provider.create(REQUEST)
    zoom.provider.create(LATER)
    assert zoom.books.made_tokens == 1
    zoom.seconds = 3_600 - 60
    zoom.provider.create(REQUEST)
    assert zoom.books.made_tokens == 2
    zoom.books.tokens.clear()
    zoom.provider.create(REQUEST)
    assert zoom.books.made_tokens == 3


@pytest.mark.spec("MT-1", "NS-1")
def test_each_party_enters_zoom_by_an_own_link_and_without_one_by_the_meetings(zoom: World) -> None:
    room = zoom.provider.create(REQUEST)
    asha, ben = zoom.provider.admit(room, ASHA), zoom.provider.admit(room, BEN)
    assert len({asha, ben, room.url}) == 3
    asked = len(zoom.server.asked)
    assert zoom.provider.admit(room, ASHA) == asha
    assert len(zoom.server.asked) == asked, "Zoom allows three registrations a day"
    zoom.server.refuse.append((429, {}))
    assert zoom.provider.admit(room, replace(ASHA, user_id=UUID(int=19))) == room.url


@pytest.mark.spec("MT-1", "MT-3", "JN-2")
def test_a_daily_room_is_private_ends_and_lets_in_who_has_a_pass(daily: World) -> None:
    room = daily.provider.create(REQUEST)
    (made,) = daily.books.rooms.values()
    assert (made["privacy"], made["properties"]["enable_screenshare"], made["properties"]["enable_chat"]) == (
        "private", True, True,
    )  # fmt: skip
    assert made["properties"]["exp"] == int((AT + timedelta(hours=2)).timestamp())
    assert daily.provider.admit(room, ASHA) == f"{room.url}?t=pass-1"
    (pass_,) = daily.books.passes
    assert (pass_["room_name"], pass_["user_id"]) == (room.ref, str(ASHA.user_id))
    assert (pass_["nbf"], pass_["exp"]) == (int(ASHA.opens_at.timestamp()), int(ASHA.closes_at.timestamp()))


@pytest.mark.spec("MT-1")
def test_a_room_of_another_name_is_not_taken(daily: World) -> None:
    daily.books.renames = True
    with pytest.raises(ProviderFailed):
        daily.provider.create(REQUEST)


@pytest.mark.spec("MT-2", "RUN-4")
def test_providers_are_tried_in_the_order_of_the_setting() -> None:
    settings = Settings(  # type: ignore[call-arg]  # the rest has defaults
        app_env="test",
        database_url="postgresql://x/y",
        redis_url="redis://x",
        meeting_providers="daily, zoom,jitsi,daily",
        daily_api_key=SecretStr("k"),
        zoom_account_id="a",
        zoom_client_id="c",
        zoom_client_secret=SecretStr("s"),
    )
    assert [each.name for each in _meetings(settings)] == ["daily", "zoom", "jitsi"]
