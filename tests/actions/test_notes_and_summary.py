"""Private notes, and the mentor's summary that the mentee reads (RV-2)."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.booking.notes import add_own_note, change_own_note, read_notes, send_summary
from app.domain.errors import Conflict, Forbidden, Invalid, NotFound
from app.extensions import db
from app.models import Notification
from tests.actions.traces import actions
from tests.factories.people import a_mentee, a_mentor, a_support_agent, ctx_of
from tests.factories.sessions import a_completed_session, a_paid_session, fresh

pytestmark = [pytest.mark.usefixtures("app", "clock"), pytest.mark.spec("RV-2")]


def test_a_note_is_read_by_its_author_alone() -> None:
    session = fresh(a_paid_session())
    add_own_note(session.id, body=" Ask about the team\r\nand the pay ", ctx=ctx_of(session.mentee))
    add_own_note(session.id, body="Be patient", ctx=ctx_of(session.mentor))
    assert [row.body for row in read_notes(session.id, ctx=ctx_of(session.mentee)).own] == [
        "Ask about the team\nand the pay"
    ]
    assert [row.body for row in read_notes(session.id, ctx=ctx_of(session.mentor)).own] == ["Be patient"]


@pytest.mark.spec("INV-8")
def test_neither_strangers_nor_staff_read_or_write_notes() -> None:
    session = a_paid_session()
    for somebody, refusal in ((a_mentee(), NotFound), (a_mentor(), NotFound), (a_support_agent(), Forbidden)):
        with pytest.raises(refusal):
            read_notes(session.id, ctx=ctx_of(somebody))
        with pytest.raises(refusal):
            add_own_note(session.id, body="Hello", ctx=ctx_of(somebody))


def test_only_its_author_changes_a_note_and_an_empty_text_removes_it() -> None:
    session = fresh(a_paid_session())
    note = add_own_note(session.id, body="First", ctx=ctx_of(session.mentee))
    with pytest.raises(NotFound):
        change_own_note(session.id, note.id, body="Mine now", ctx=ctx_of(session.mentor))
    change_own_note(session.id, note.id, body="Second", ctx=ctx_of(session.mentee))
    assert [row.body for row in read_notes(session.id, ctx=ctx_of(session.mentee)).own] == ["Second"]
    change_own_note(session.id, note.id, body=" ", ctx=ctx_of(session.mentee))
    assert read_notes(session.id, ctx=ctx_of(session.mentee)).own == []


@pytest.mark.parametrize("body", ["", "  ", "x" * 5_001])
def test_an_empty_or_endless_note_is_refused(body: str) -> None:
    session = fresh(a_paid_session())
    with pytest.raises(Invalid):
        add_own_note(session.id, body=body, ctx=ctx_of(session.mentee))


def test_a_summary_reaches_the_mentee_once_with_what_to_do_next() -> None:
    session = fresh(a_completed_session())
    before = _told(session.mentee_id)
    send_summary(session.id, body="We talked.", action_items=[" Write  it down ", ""], ctx=ctx_of(session.mentor))
    send_summary(session.id, body="We talked a lot.", action_items=["Write it down"], ctx=ctx_of(session.mentor))
    found = read_notes(session.id, ctx=ctx_of(session.mentee))
    assert found.own == []
    assert found.summary is not None
    assert (found.summary.body, found.summary.action_items) == ("We talked a lot.", ["Write it down"])
    assert _told(session.mentee_id) == before + 1
    assert actions(session)[-2:] == ["summary_sent", "summary_changed"]


def test_a_summary_is_the_mentors_and_comes_after_the_end() -> None:
    done, ahead = fresh(a_completed_session()), fresh(a_paid_session())
    with pytest.raises(Forbidden):
        send_summary(done.id, body="We talked.", action_items=[], ctx=ctx_of(done.mentee))
    with pytest.raises(Conflict) as refused:
        send_summary(ahead.id, body="We shall talk.", action_items=[], ctx=ctx_of(ahead.mentor))
    assert refused.value.error_code == "not_over"
    with pytest.raises(Invalid):
        send_summary(done.id, body="We talked.", action_items=["x"] * 11, ctx=ctx_of(done.mentor))
    assert read_notes(done.id, ctx=ctx_of(done.mentee)).summary is None


def _told(reader: object) -> int:
    return len(db.session.scalars(select(Notification.id).where(Notification.user_id == reader)).all())
