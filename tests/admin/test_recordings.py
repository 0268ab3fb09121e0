"""Recordings: kept with the session when the provider says so, shown to staff, and to the parties if allowed (JN-5)."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.booking.meeting_news import keep_news
from app.booking.recordings import keep_recordings, recordings_of
from app.booking.session_queries import load_session_page
from app.domain.vocabulary import MeetingType
from app.extensions import db
from app.foundation.policies import change_policies
from app.foundation.transaction import transaction
from app.integrations.meetings.base import MeetingEvent, MeetingEventKind
from app.models import MentoringSession, WebhookEvent
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
