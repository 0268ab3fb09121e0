"""The room follows its session: moved twice, in the wrong order, while it is made, by a provider that fails (JN-4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask

from app.booking.cancel import cancel_session
from app.booking.meetings import set_meeting_link
from app.booking.moving import load_for_moving, move_to
from app.domain.context import SYSTEM
from app.domain.errors import ProviderFailed
from app.domain.vocabulary import CancellationCategory
from app.foundation.outbox import LEASE
from app.foundation.transaction import transaction
from app.integrations.meetings.base import Guest, Handshake, MeetingRequest, Room
from app.models import MentoringSession
from app.tasks import runner
from tests.factories.people import ctx_of
from tests.factories.sessions import START_AT, a_paid_session, fresh
from tests.outbox import KillPoint, RunOutbox, due
from tests.world import Clock, context

pytestmark = pytest.mark.usefixtures("app")

FIRST, SECOND = START_AT + timedelta(hours=2), START_AT + timedelta(hours=4)


class Rooms:
    """A provider whose rooms have a time; what happens while it works can be planted."""

    keeps_recordings = can_be_framed = False

    def __init__(self, name: str = "jitsi") -> None:
        self.name = name
        self.loses_answers = False
        self.times: dict[str, datetime] = {}
        self.calls: list[str] = []
        self.made: dict[str, str] = {}
        self.new_room_on_move = False
        self.fails = False
        self.meanwhile: Callable[[], object] | None = None

    def create(self, request: MeetingRequest) -> Room:
        self._work("create")
        room = self._room(self.made.setdefault(request.key, f"room-{len(self.times)}"), request)
        if self.loses_answers:
            raise ProviderFailed("No answer.")
        return room

    def move(self, ref: str, request: MeetingRequest) -> Room:
        self._work("move")
        if self.fails:
            raise ProviderFailed("The room cannot be moved.", retryable=False)
        return self._room(f"room-{len(self.times)}" if self.new_room_on_move else ref, request)

    def delete(self, ref: str) -> None:
        self.calls.append("delete")
        self.times.pop(ref, None)

    def discard(self, key: str) -> None:
        self.calls.append("discard")
        self.times.pop(self.made.pop(key, ""), None)

    def recordings(self, ref: str) -> tuple[str, ...]:
        return ()

    def admit(self, room: Room, guest: Guest) -> str:
        return f"{room.url}?for={guest.user_id}"

    def parse_webhook(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Handshake:
        return Handshake()

    def _work(self, call: str) -> None:
        self.calls.append(call)
        planted, self.meanwhile = self.meanwhile, None
        if planted is not None:
            planted()

    def _room(self, ref: str, request: MeetingRequest) -> Room:
        self.times[ref] = request.starts_at
        return Room(self.name, ref, f"https://meet.example/{ref}")


@pytest.fixture
def rooms(app: Flask, clock: Clock) -> Iterator[Rooms]:
    """The only provider of the application."""
    made, before = Rooms(), app.extensions["desk-adapters"]
    app.extensions["desk-adapters"] = replace(before, meetings=(made,))
    yield made
    app.extensions["desk-adapters"] = before


@pytest.fixture
def session(rooms: Rooms, run_outbox: RunOutbox) -> MentoringSession:
    """Paid, its room made."""
    session = a_paid_session()
    run_outbox(kind="meeting.create")
    rooms.calls.clear()
    return fresh(session)


def move(session: MentoringSession, to: datetime) -> None:
    ctx = context(SYSTEM)
    with transaction():
        move_to(load_for_moving(ctx, session.id, to), start=to, ctx=ctx)


def moves() -> list[UUID]:
    return [row.id for row in due("meeting.move")]


@pytest.mark.spec("JN-4", "OPS-1")
def test_the_room_is_moved_with_its_session_and_a_second_run_does_nothing(
    rooms: Rooms, session: MentoringSession, run_outbox: RunOutbox
) -> None:
    move(session, FIRST)
    (row,) = moves()
    assert runner.deliver_row(row) is runner.Outcome.DONE
    assert rooms.times == {session.meeting_ref: FIRST}
    assert runner.deliver_row(row) is not runner.Outcome.DONE
    assert rooms.calls == ["move"]
    assert fresh(session).meeting_ref == session.meeting_ref


@pytest.mark.spec("JN-4", "OPS-3")
def test_two_moves_in_the_wrong_order_end_at_the_latest_time(
    rooms: Rooms, session: MentoringSession, run_outbox: RunOutbox
) -> None:
    move(session, FIRST)
    move(session, SECOND)
    for row in reversed(moves()):
        runner.deliver_row(row)
    assert run_outbox(kind="meeting.move") == []
    assert rooms.times == {session.meeting_ref: SECOND}


@pytest.mark.spec("JN-4", "OPS-3")
def test_a_move_that_is_overtaken_while_the_provider_works_is_done_once_more(
    rooms: Rooms, session: MentoringSession, run_outbox: RunOutbox
) -> None:
    move(session, FIRST)
    (first,) = moves()

    def overtake() -> None:
        move(session, SECOND)
        (second,) = (row for row in moves() if row != first)
        runner.deliver_row(second)

    rooms.meanwhile = overtake
    runner.deliver_row(first)
    assert rooms.times == {session.meeting_ref: FIRST}, "the slow one spoke last"
    run_outbox(kind="meeting.move")
    assert rooms.times == {session.meeting_ref: SECOND}


@pytest.mark.spec("JN-4")
def test_a_room_made_for_the_old_time_follows(rooms: Rooms, run_outbox: RunOutbox, clock: Clock) -> None:
    session = a_paid_session()

    def move_now() -> None:
        move(session, FIRST)
        for row in moves():  # there is no room yet: nothing to do
            runner.deliver_row(row)

    rooms.meanwhile = move_now
    run_outbox(kind="meeting.create")
    run_outbox(kind="meeting.move")
    session = fresh(session)
    assert rooms.times == {session.meeting_ref: FIRST}


@pytest.mark.spec("JN-4", "OPS-1")
@pytest.mark.parametrize("point", ["claim", "act"])
def test_a_worker_that_dies_leaves_the_move_to_the_next(
    rooms: Rooms, session: MentoringSession, run_outbox: RunOutbox, clock: Clock, point: KillPoint
) -> None:
    move(session, FIRST)
    assert run_outbox(kind="meeting.move", kill_after=point) == [("meeting.move", "killed")]
    clock.now += LEASE
    assert run_outbox(kind="meeting.move") == [("meeting.move", "done")]
    assert rooms.times == {session.meeting_ref: FIRST}


@pytest.mark.spec("JN-4", "JN-2")
def test_a_provider_that_gives_another_room_has_the_old_one_taken_down(
    rooms: Rooms, session: MentoringSession, run_outbox: RunOutbox
) -> None:
    rooms.new_room_on_move, old = True, session.meeting_ref
    move(session, FIRST)
    run_outbox(kind="meeting.move")
    run_outbox(kind="meeting.delete")
    after = fresh(session)
    assert after.meeting_ref != old
    assert rooms.times == {after.meeting_ref: FIRST}
    assert after.meeting_url == f"https://meet.example/{after.meeting_ref}"


@pytest.mark.spec("JN-4")
def test_a_room_that_cannot_be_moved_is_replaced(
    rooms: Rooms, session: MentoringSession, run_outbox: RunOutbox
) -> None:
    rooms.fails = True
    move(session, FIRST)
    run_outbox(kind="meeting.move")
    run_outbox(kind="meeting.delete")
    run_outbox(kind="meeting.create")
    after = fresh(session)
    assert rooms.calls == ["move", "delete", "create"]
    assert rooms.times == {after.meeting_ref: FIRST}


@pytest.mark.spec("JN-4", "BK-5")
def test_a_link_by_hand_given_meanwhile_stands_and_nothing_is_left_over(
    rooms: Rooms, session: MentoringSession, run_outbox: RunOutbox
) -> None:
    rooms.new_room_on_move = True
    rooms.meanwhile = lambda: set_meeting_link(session.id, "https://call.example/mine", ctx=ctx_of(session.mentor))
    move(session, FIRST)
    run_outbox(kind="meeting.move")
    run_outbox(kind="meeting.delete")
    assert fresh(session).meeting_url == "https://call.example/mine"
    assert rooms.times == {}


@pytest.fixture
def second(app: Flask, rooms: Rooms) -> Rooms:
    """A second provider, asked when the first fails."""
    other = Rooms("daily")
    app.extensions["desk-adapters"] = replace(app.extensions["desk-adapters"], meetings=(rooms, other))
    return other


@pytest.mark.spec("JN-4", "MT-2")
def test_a_room_whose_answer_was_lost_goes_when_the_next_provider_made_one(
    rooms: Rooms, second: Rooms, run_outbox: RunOutbox
) -> None:
    session = a_paid_session()
    rooms.loses_answers = True
    run_outbox(kind="meeting.create")
    assert len(rooms.times) == len(second.times) == 1
    assert run_outbox(kind="meeting.discard") == [("meeting.discard", "done")]
    assert rooms.times == {}
    assert list(second.times) == [fresh(session).meeting_ref]
    assert "discard" not in second.calls, "the room in use stays"


@pytest.mark.spec("JN-4", "BK-5")
@pytest.mark.parametrize("off", ["a link by hand", "cancelled"])
def test_a_room_that_nobody_heard_of_goes_with_its_session(
    rooms: Rooms, run_outbox: RunOutbox, clock: Clock, off: str
) -> None:
    session = a_paid_session()
    rooms.loses_answers = True
    run_outbox(kind="meeting.create")
    assert len(rooms.times) == 1
    if off == "cancelled":
        cancel_session(session.id, category=CancellationCategory.EMERGENCY, reason="", ctx=ctx_of(session.mentee))
    else:
        set_meeting_link(session.id, "https://call.example/mine", ctx=ctx_of(session.mentor))
    clock.now += timedelta(minutes=1)
    assert run_outbox(kind="meeting.create") == [("meeting.create", "done")]
    run_outbox(kind="meeting.discard")
    assert rooms.times == {}
    assert rooms.calls.count("create") == 1


@pytest.mark.spec("JN-4")
def test_a_try_after_a_lost_answer_finds_its_room_though_the_session_moved(
    rooms: Rooms, run_outbox: RunOutbox, clock: Clock
) -> None:
    session = a_paid_session()
    rooms.loses_answers = True
    run_outbox(kind="meeting.create")
    rooms.loses_answers = False
    move(session, FIRST)
    clock.now += timedelta(minutes=1)
    run_outbox()
    assert rooms.times == {fresh(session).meeting_ref: FIRST}
