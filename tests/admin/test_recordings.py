"""Recordings: kept with the session when the provider says so, shown to staff, and to the parties if allowed (JN-5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.booking.meeting_news import keep_news
from app.booking.recordings import keep_recordings, recordings_of
from app.booking.session_queries import load_session_page
from app.domain.context import CLOCK
from app.domain.errors import ProviderFailed
from app.domain.vocabulary import MeetingType
from app.extensions import db
from app.foundation.policies import change_policies
from app.foundation.transaction import transaction
from app.integrations.meetings.base import MeetingEvent, MeetingEventKind
from app.integrations.meetings.jitsi import JitsiProvider
from app.models import MentoringSession, WebhookEvent
from app.tasks.rounds import ask_for_lost_recordings
from tests.actions.traces import actions
from tests.factories.people import an_admin, ctx_of, sign_in
from tests.factories.sessions import START_AT, a_completed_session, fresh
from tests.outbox import RunOutbox
from tests.world import Clock, context

pytestmark = pytest.mark.usefixtures("app", "clock")

LINK = "https://zoom.example/rec/share/abc?pwd=hush"


def recorded(*links: str, key: str = "1") -> MeetingEvent:
    return MeetingEvent(
        key=key, name="recording.completed", kind=MeetingEventKind.RECORDED, ref="820", at=START_AT, links=links
    )


@pytest.fixture
def session(clock: Clock) -> MentoringSession:
    session = a_completed_session()
    with transaction():
        row = fresh(session)
        row.meeting_provider, row.meeting_ref = "zoom", "820"
    return fresh(session)


@pytest.mark.spec("JN-5", "MT-1")
def test_a_recording_is_kept_once_and_its_address_only_with_the_session(
    session: MentoringSession, run_outbox: RunOutbox
) -> None:
    for event in (recorded(LINK), recorded(LINK), recorded(LINK, "http://unsafe.example/x", key="2")):
        keep_news("zoom", event, ctx=context())
        run_outbox(kind="meeting.news")
    session = fresh(session)
    assert [each.url for each in recordings_of(session)] == [LINK]
    assert actions(session).count("recording_kept") == 1
    for kept in db.session.scalars(db.select(WebhookEvent).where(WebhookEvent.provider == "zoom")):
        assert "hush" not in f"{kept.payload} {kept.reference}"


@pytest.mark.spec("JN-5", "POL-1")
def test_staff_see_it_and_the_parties_only_if_the_policy_says_so(
    session: MentoringSession, support: FlaskClient, client: FlaskClient
) -> None:
    with transaction():
        keep_recordings(fresh(session), [LINK], at=START_AT, ctx=context())
    assert LINK in support.get(f"/admin/sessions/{session.id}").text
    party = sign_in(client, session.mentee)
    assert LINK not in party.get(f"/sessions/{session.id}").text
    assert load_session_page(session.id, ctx=ctx_of(session.mentor)).recordings == []
    with transaction():
        change_policies({"recordings_visible_to_parties": True}, reason="We told both sides", ctx=ctx_of(an_admin()))
    assert LINK in party.get(f"/sessions/{session.id}").text
    assert load_session_page(session.id, ctx=ctx_of(session.mentor)).recordings == [LINK]


@pytest.mark.spec("JN-5", "SD-1")
@pytest.mark.parametrize(
    "provider, kind, words",
    [
        ("jitsi", MeetingType.VIDEO, "Jitsi keeps no recordings"),
        ("daily", MeetingType.VIDEO, "in its own dashboard"),
        ("manual", MeetingType.AUDIO, "the mentor gave an own link"),
        ("zoom", MeetingType.VIDEO, "nobody recorded"),
        ("zoom", MeetingType.CHAT, "without a meeting room"),
    ],
)
def test_where_there_is_none_the_case_says_why(
    session: MentoringSession, support: FlaskClient, provider: str, kind: MeetingType, words: str
) -> None:
    with transaction():
        row = fresh(session)
        row.meeting_provider, row.meeting_type = provider, kind
    assert words in support.get(f"/admin/sessions/{session.id}").text


class Keeper(JitsiProvider):
    """A provider that can be asked."""

    name = "zoom"
    keeps_recordings = True

    def __init__(self) -> None:
        super().__init__("https://meet.example")
        self.kept: list[str] = []
        self.fails: ProviderFailed | None = None
        self.asked = 0

    def recordings(self, ref: str) -> tuple[str, ...]:
        assert ref == "820"
        self.asked += 1
        if self.fails is not None:
            raise self.fails
        return tuple(self.kept)


@pytest.fixture
def keeper(app: Flask) -> Iterator[Keeper]:
    before, made = app.extensions["desk-adapters"], Keeper()
    app.extensions["desk-adapters"] = replace(before, meetings=(made,))
    yield made
    app.extensions["desk-adapters"] = before


def ask(at: datetime) -> int:
    return ask_for_lost_recordings(context(CLOCK, at))["changed"]


@pytest.mark.spec("MT-1", "JN-5", "OPS-4")
def test_recordings_whose_news_was_lost_are_asked_for_each_day_until_they_come(
    session: MentoringSession, keeper: Keeper, run_outbox: RunOutbox, clock: Clock
) -> None:
    assert ask(START_AT + timedelta(hours=2)) == 0, "it may be going on"
    for day, came in ((1, []), (2, [LINK])):
        keeper.kept = came
        clock.set(START_AT + timedelta(days=day))
        assert ask(clock.now) == 1
        assert ask(clock.now) == 0, "two clocks ask once"
        assert run_outbox(kind="meeting.recordings") == [("meeting.recordings", "done")]
        assert [each.url for each in recordings_of(fresh(session))] == came
    assert ask(START_AT + timedelta(days=3)) == 0, "it came"
    assert keeper.asked == 2


@pytest.mark.spec("MT-1", "OPS-4")
def test_nobody_is_asked_about_old_sessions_or_by_providers_that_keep_nothing(
    session: MentoringSession, keeper: Keeper
) -> None:
    assert ask(START_AT + timedelta(days=4, hours=1)) == 0
    keeper.keeps_recordings = False
    assert ask(START_AT + timedelta(days=1)) == 0


@pytest.mark.spec("MT-1", "OPS-3")
def test_asking_is_tried_again_where_that_may_help_and_is_no_dead_work_where_it_does_not(
    session: MentoringSession, keeper: Keeper, run_outbox: RunOutbox, clock: Clock
) -> None:
    clock.set(START_AT + timedelta(days=1))
    ask(clock.now)
    keeper.fails = ProviderFailed("Zoom is away.")
    assert run_outbox(kind="meeting.recordings") == [("meeting.recordings", "later")]
    keeper.fails = ProviderFailed("Zoom answered 400 (4711).", retryable=False)
    clock.now += timedelta(minutes=5)
    assert run_outbox(kind="meeting.recordings") == [("meeting.recordings", "done")]
