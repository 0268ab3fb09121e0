"""Changing what a session is about, and how it takes place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.booking.edit import edit_session
from app.domain.errors import Forbidden, StaleVersion
from app.domain.vocabulary import MeetingType
from app.extensions import db
from app.models import MentoringSession, OutboxRow, SessionAuditLog
from tests.factories.people import a_mentor, a_support_agent, ctx_of
from tests.factories.sessions import a_paid_session, fresh
from tests.world import Clock


@pytest.fixture
def session(clock: Clock, run_outbox: Callable[..., Any]) -> MentoringSession:
    """Paid, with a room made for it."""
    session = a_paid_session(mentor=a_mentor(meeting_types=("video", "audio", "chat")))
    run_outbox(kind="meeting.create")
    return fresh(session)


def change(session: MentoringSession, **changes: Any) -> MentoringSession:
    edit_session(session.id, version=session.version, ctx=ctx_of(session.mentee), **changes)
    return fresh(session)


def asked_for(kind: str) -> int:
    return db.session.query(OutboxRow).filter_by(kind=kind).count()


def test_an_edit_tells_the_audit_what_was_and_what_is(session: MentoringSession) -> None:
    change(session, title="Another topic")

    row = db.session.query(SessionAuditLog).filter_by(session_id=session.id, action="session_edited").one()
    assert row.details == {"title": {"old": "How to lead a team", "new": "Another topic"}}


def test_an_edit_that_changes_nothing_leaves_no_trace(session: MentoringSession) -> None:
    version = session.version

    assert change(session, title=f" {session.title} ").version == version
    assert db.session.query(SessionAuditLog).filter_by(action="session_edited").count() == 0


def test_the_room_stays_between_video_and_audio(session: MentoringSession) -> None:
    url = session.meeting_url

    assert change(session, meeting_type=MeetingType.AUDIO).meeting_url == url
    assert asked_for("meeting.delete") == 0


@pytest.mark.spec("JN-4")
def test_a_chat_needs_no_room_and_a_video_gets_a_new_one(
    session: MentoringSession, run_outbox: Callable[..., Any]
) -> None:
    url, sequence = session.meeting_url, session.calendar_sequence

    chat = change(session, meeting_type=MeetingType.CHAT)
    assert chat.meeting_url is None
    assert asked_for("meeting.delete") == 1

    video = change(chat, meeting_type=MeetingType.VIDEO)
    run_outbox(kind="meeting.create")

    assert fresh(video).meeting_url not in {None, url}
    assert video.calendar_sequence == sequence + 2


def test_staff_do_not_edit_in_a_partys_name(session: MentoringSession) -> None:
    with pytest.raises(Forbidden):
        edit_session(session.id, version=session.version, title="Mine", ctx=ctx_of(a_support_agent()))


def test_an_older_version_is_refused_and_changes_nothing(session: MentoringSession) -> None:
    with pytest.raises(StaleVersion):
        edit_session(session.id, version=session.version - 1, title="Too late", ctx=ctx_of(session.mentee))

    assert fresh(session).title == "How to lead a team"
