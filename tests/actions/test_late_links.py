"""No room near the start: the mentor is asked once, support sees it, and the booking stands (JN-4)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from app.booking.meetings import record_failure
from app.booking.tick import TickReport, tick
from app.domain.context import CLOCK, SYSTEM
from app.domain.vocabulary import MeetingType, NotificationType, SessionStatus
from app.extensions import db
from app.models import MentoringSession, Notification
from app.support.queues import Queue, waiting
from tests.actions.traces import mailed, told
from tests.factories.sessions import START_AT, a_draft, a_paid_session, fresh
from tests.outbox import RunOutbox
from tests.world import Clock, context

pytestmark = pytest.mark.usefixtures("app", "clock")

SOON = START_AT - timedelta(hours=3)


def run(now: datetime) -> TickReport:
    return tick(ctx=context(CLOCK, now))


def asked(session: MentoringSession) -> int:
    missing = NotificationType.MEETING_LINK_MISSING
    return (
        db.session.scalar(
            select(func.count()).where(Notification.session_id == session.id, Notification.type == missing)
        )
        or 0
    )


@pytest.mark.spec("JN-4", "KPI-3")
def test_three_hours_before_the_mentor_is_asked_once() -> None:
    session = a_paid_session()
    assert run(SOON - timedelta(seconds=1)).changed == 0

    assert run(SOON).counts == {"link_asked_for": 1}
    assert run(SOON + timedelta(minutes=1)).changed == 0

    assert (fresh(session).status, asked(session)) == (SessionStatus.SCHEDULED, 1)
    assert ("meeting_link_missing", session.mentor_id) in mailed(session)
    assert NotificationType.MEETING_LINK_MISSING not in told(session, session.mentee_id)
    assert waiting(SOON)[Queue.WITHOUT_LINK].count == 1


@pytest.mark.spec("JN-4")
def test_a_session_with_a_room_or_without_need_of_one_is_left_alone(run_outbox: RunOutbox) -> None:
    a_paid_session()
    run_outbox()
    a_draft()
    assert "link_asked_for" not in run(SOON).counts


@pytest.mark.spec("JN-4")
def test_a_room_that_was_asked_for_a_moment_ago_is_waited_for(clock: Clock) -> None:
    clock.set(SOON + timedelta(minutes=30))
    a_paid_session()
    assert run(clock.now + timedelta(minutes=4)).changed == 0
    assert run(clock.now + timedelta(minutes=6)).counts == {"link_asked_for": 1}


@pytest.mark.spec("JN-4")
def test_whom_the_job_asked_the_clock_does_not_ask_again() -> None:
    session = a_paid_session()
    record_failure(session.id, ctx=context(SYSTEM))
    record_failure(session.id, ctx=context(SYSTEM))
    assert run(SOON).changed == 0
    assert asked(session) == 1


@pytest.mark.spec("JN-5")
def test_an_audio_session_needs_a_room_too() -> None:
    session = a_paid_session(meeting_type=MeetingType.AUDIO)
    run(SOON)
    assert asked(session) == 1
