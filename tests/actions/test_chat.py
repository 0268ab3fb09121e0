"""The chat of a session's parties, and support reading it (CH-1, CH-2)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.booking.chat import mark_chat_read, read_messages, write_message
from app.domain.errors import Conflict, Forbidden, Invalid, NotFound
from app.domain.vocabulary import NotificationType
from app.extensions import db
from app.foundation.transaction import transaction
from app.messaging.chat import unread_lines
from app.models import AdminAuditTrail, MentoringSession, Message, Notification
from app.support.read_chat import read_chat
from tests.factories.people import a_mentee, a_mentor, a_support_agent, an_admin, an_ops, ctx_of
from tests.factories.sessions import (
    START_AT,
    a_completed_session,
    a_draft,
    a_paid_session,
    a_pending_request,
    an_approved_request,
    fresh,
)  # fmt: skip
from tests.world import Clock

pytestmark = [pytest.mark.usefixtures("app", "clock"), pytest.mark.spec("CH-1")]


def told_of_messages(session: MentoringSession, reader_id: object) -> int:
    return db.session.scalar(
        select(func.count()).select_from(Notification).where(
            Notification.user_id == reader_id,
            Notification.session_id == session.id,
            Notification.type == NotificationType.MESSAGE_RECEIVED,
        )
    ) or 0  # fmt: skip


def messages() -> int:
    return db.session.scalar(select(func.count()).select_from(Message)) or 0


def test_what_one_writes_the_other_reads_and_is_told_of_once() -> None:
    session = fresh(a_paid_session())
    mentee, mentor = session.mentee, session.mentor
    for text in ("  Hello\r\nAda ", "Are you there?"):
        write_message(session.id, body=text, ctx=ctx_of(mentee))
    page = read_messages(session.id, ctx=ctx_of(mentor))
    assert [(line.sender, line.body, line.is_read) for line in page.lines] == [
        (mentee.name, "Hello\nAda", False), (mentee.name, "Are you there?", False),
    ]  # fmt: skip
    assert told_of_messages(session, mentor.id) == 1
    assert unread_lines([session.id], mentor.id) == {session.id: 2}
    assert unread_lines([session.id], mentee.id) == {}


def test_reading_marks_lines_and_notification_and_the_next_line_tells_again() -> None:
    session = fresh(a_paid_session())
    mentee, mentor = session.mentee, session.mentor
    write_message(session.id, body="Hello", ctx=ctx_of(mentee))
    assert mark_chat_read(session.id, ctx=ctx_of(mentee)) == 0
    assert mark_chat_read(session.id, ctx=ctx_of(mentor)) == 1
    assert unread_lines([session.id], mentor.id) == {}
    write_message(session.id, body="And another", ctx=ctx_of(mentee))
    assert told_of_messages(session, mentor.id) == 2


def test_an_answer_reads_what_it_answers() -> None:
    session = fresh(a_paid_session())
    write_message(session.id, body="Hello", ctx=ctx_of(session.mentee))
    write_message(session.id, body="Hello to you", ctx=ctx_of(session.mentor))
    assert unread_lines([session.id], session.mentor_id) == {}


def test_a_request_is_written_about_from_its_approval_on(clock: Clock) -> None:
    session = fresh(an_approved_request())
    write_message(session.id, body="Hello", ctx=ctx_of(session.mentee))
    clock.set(START_AT + timedelta(days=8))
    with pytest.raises(Conflict, match="seven days") as refused:
        write_message(session.id, body="Hello", ctx=ctx_of(session.mentee))
    assert refused.value.error_code == "chat_closed"
    assert messages() == 1


def test_what_was_said_stays_readable_after_the_end(clock: Clock) -> None:
    session = fresh(a_paid_session())
    write_message(session.id, body="Hello", ctx=ctx_of(session.mentee))
    clock.set(START_AT + timedelta(days=400))
    assert len(read_messages(session.id, ctx=ctx_of(session.mentor)).lines) == 1


@pytest.mark.parametrize("make", [a_draft, a_pending_request])
def test_nobody_writes_before_it_is_confirmed(make: object) -> None:
    session = fresh(make())  # type: ignore[operator]
    with pytest.raises(Conflict) as refused:
        write_message(session.id, body="Hello", ctx=ctx_of(session.mentee))
    assert refused.value.error_code == "chat_not_open"
    assert messages() == 0


@pytest.mark.parametrize("body", ["", "  \n ", "\0", "x" * 2_001])
def test_an_empty_or_endless_text_is_refused(body: str) -> None:
    session = fresh(a_paid_session())
    with pytest.raises(Invalid):
        write_message(session.id, body=body, ctx=ctx_of(session.mentee))
    assert messages() == 0


@pytest.mark.spec("INV-8")
def test_strangers_find_nothing_and_staff_need_a_reason() -> None:
    session = a_completed_session()
    for stranger in (a_mentee(), a_mentor()):
        with pytest.raises(NotFound):
            read_messages(session.id, ctx=ctx_of(stranger))
        with pytest.raises(NotFound):
            write_message(session.id, body="Hello", ctx=ctx_of(stranger))
    with pytest.raises(Forbidden):
        read_messages(session.id, ctx=ctx_of(a_support_agent()))


@pytest.mark.spec("RA-2")
def test_a_former_mentor_loses_it_and_the_next_one_starts_anew(clock: Clock) -> None:
    session = fresh(a_paid_session())
    former, mentee, following = session.mentor, session.mentee, a_mentor()
    write_message(session.id, body="For Ada only", ctx=ctx_of(mentee))
    clock.advance(minutes=5)
    with transaction():
        db.session.execute(
            db.update(MentoringSession)
            .where(MentoringSession.id == session.id)
            .values(mentor_id=following.id, cancelled_mentor_ids=[former.id], reassigned_at=clock.now)
        )
    with pytest.raises(NotFound):
        read_messages(session.id, ctx=ctx_of(former))
    assert read_messages(session.id, ctx=ctx_of(following)).lines == []
    assert unread_lines([session.id], following.id) == {}
    assert len(read_messages(session.id, ctx=ctx_of(mentee)).lines) == 1
    write_message(session.id, body="Hello, new mentor", ctx=ctx_of(mentee))
    assert [line.body for line in read_messages(session.id, ctx=ctx_of(following)).lines] == ["Hello, new mentor"]


def test_a_long_conversation_is_read_page_by_page() -> None:
    session = fresh(a_paid_session())
    for number in range(5):
        write_message(session.id, body=str(number), ctx=ctx_of(session.mentee))
    seen: list[str] = []
    before: int | None = None
    while True:
        page = read_messages(session.id, limit=2, before=before, ctx=ctx_of(session.mentor))
        seen = [line.body for line in page.lines] + seen
        before = page.earlier
        if before is None:
            break
    assert seen == ["0", "1", "2", "3", "4"]


def _acts() -> list[AdminAuditTrail]:
    return list(db.session.scalars(select(AdminAuditTrail)))


@pytest.mark.spec("CH-2", "AUD-4")
def test_support_reads_with_a_reason_that_is_kept_and_marks_nothing() -> None:
    session = fresh(a_paid_session())
    write_message(session.id, body="Hello", ctx=ctx_of(session.mentee))
    support = a_support_agent()
    lines = read_chat(session.id, reason=" The mentee reported a problem ", ctx=ctx_of(support))
    assert [line.body for line in lines] == ["Hello"]
    (act,) = _acts()
    assert (act.action, act.reason, act.session_id) == (
        "ADMIN_CHAT_VIEWED", "The mentee reported a problem", session.id,
    )  # fmt: skip
    assert act.details["messages"] == 1
    assert unread_lines([session.id], session.mentor_id) == {session.id: 1}


@pytest.mark.spec("CH-2", "ADM-2")
def test_without_a_reason_or_the_right_nobody_reads_and_nothing_is_kept() -> None:
    session = fresh(a_paid_session())
    with pytest.raises(Invalid):
        read_chat(session.id, reason="  ", ctx=ctx_of(a_support_agent()))
    for nobody in (an_ops(), session.mentee):
        with pytest.raises(Forbidden):
            read_chat(session.id, reason="I am curious", ctx=ctx_of(nobody))
    own = fresh(a_paid_session(mentee=a_mentee()))
    staff = an_admin()
    with transaction():
        db.session.execute(
            db.update(MentoringSession).where(MentoringSession.id == own.id).values(reassigned_from_mentor_id=staff.id)
        )
    with pytest.raises(Forbidden):
        read_chat(own.id, reason="I was the mentor", ctx=ctx_of(staff))
    assert _acts() == []
