"""The case page: everything about a session in one place, at a fixed cost (SD-1, ACT-7)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.booking.join import record_join
from app.booking.reschedule_answers import accept
from app.domain.vocabulary import EmailState, JoinSource, Party
from app.extensions import db
from app.foundation.audit import record_staff_act
from app.foundation.transaction import transaction
from app.models import (
    AdminAuditTrail,
    AdminSessionNote,
    EmailEvent,
    MentoringSession,
    NoteHistory,
    SessionAuditLog,
    SessionJoin,
    User,
)
from app.support.move_session import move_session
from tests.admin.conftest import Statements
from tests.factories import people, proposals, sessions
from tests.outbox import drain
from tests.world import Clock


def case(session: MentoringSession) -> str:
    return f"/admin/sessions/{session.id}"


@pytest.mark.spec("SD-1")
def test_the_story_tells_booking_payment_and_messages_with_who_and_when(support: FlaskClient) -> None:
    session = sessions.a_paid_session(mentee=people.a_mentee(name="Ada Lovelace"))
    page = support.get(case(session)).text
    for words in ("Ada Lovelace</b> booked", "confirmed the payment", "€50.00 paid", "E-mail queued: Confirmed"):
        assert words in page
    assert "Paid" in page
    assert "Held" in page


@pytest.mark.spec("SD-1", "PERF-1")
def test_each_case_has_its_own_acts_though_they_are_drawn_once_for_all_in_the_same_state(support: FlaskClient) -> None:
    mentee = people.a_mentee()
    later = sessions.START_AT + timedelta(days=1)
    pair = [case(sessions.a_paid_session(mentee=mentee, at=at)) for at in (sessions.START_AT, later)]
    for here, other in (pair, pair[::-1], pair):
        page = support.get(here).text
        acts = re.findall(r'class="act[^"]*" href="([^"]+)"', page)
        assert f"{here}/cancel" in acts
        assert all(address.startswith(f"{here}/") for address in acts), acts
        assert other not in page


@pytest.mark.spec("SD-1")
def test_the_story_can_be_narrowed_to_one_kind(support: FlaskClient) -> None:
    session = sessions.a_paid_session()
    money = support.get(f"{case(session)}?show=money").text
    assert "Ledger: Payment" in money
    assert "E-mail queued" not in money
    assert support.get(f"{case(session)}?show=nonsense").status_code == 200


@pytest.mark.spec("WHY-2")
def test_a_decision_stands_beside_what_it_led_to(support: FlaskClient) -> None:
    session = sessions.a_cancelled_session()
    page = support.get(case(session)).text
    assert "<summary>Why?</summary>" in page


@pytest.mark.spec("SD-1", "SL-4")
@pytest.mark.parametrize("events", [0, 150])
def test_the_page_costs_the_same_however_much_happened(
    support: FlaskClient, statements: Statements, clock: Clock, events: int
) -> None:
    session = sessions.a_cancelled_session()
    for number in range(events):
        db.session.add(
            SessionAuditLog(
                session_id=session.id, actor_role="clock", action=f"thing_{number}", created_at=clock.now,
                policy_snapshot={}, details={},
            )
        )  # fmt: skip
        db.session.add(
            SessionJoin(session_id=session.id, user_id=session.mentee_id, source=JoinSource.PAGE, joined_at=clock.now)
        )
    db.session.commit()
    statements.clear()
    page = support.get(f"{case(session)}?list=sort%3Dmentor%26order%3Dasc")
    assert page.status_code == 200
    assert len(statements) <= 8, statements.all


@pytest.mark.spec("SD-1", "SL-4")
@pytest.mark.parametrize("make", [sessions.a_paid_session, sessions.a_cancelled_session], ids=["ahead", "cancelled"])
def test_the_page_costs_eight_statements_at_most_whatever_can_be_done(
    admin: FlaskClient, statements: Statements, clock: Clock, make: Callable[[], MentoringSession]
) -> None:
    session = make()
    statements.clear()
    assert admin.get(f"{case(session)}?list=sort%3Dmentor%26order%3Dasc").status_code == 200
    assert len(statements) <= 8, statements.all


@pytest.mark.spec("SD-1")
def test_a_join_is_told_once_although_log_and_trail_both_have_it(support: FlaskClient) -> None:
    session = sessions.a_paid_session()
    drain(kind="meeting.create")
    record_join(session.id, ctx=replace(people.ctx_of(session.mentee), now=sessions.START_AT))
    page = support.get(case(session)).text
    assert page.count("</b> joined") == 1
    assert "</b> joined from the session page" in page


@pytest.mark.spec("SD-2")
def test_next_and_previous_follow_the_list_one_came_from(support: FlaskClient, clock: Clock) -> None:
    mentor = people.a_mentor()
    made = [sessions.a_paid_session(mentor=mentor, at=sessions.START_AT + timedelta(hours=2 * n)) for n in range(3)]
    query = f"mentor={mentor.id}&sort=scheduled_at&order=asc"
    page = support.get(case(made[1]), query_string={"list": query}).text
    assert f"{case(made[0])}?list=" in page
    assert f"{case(made[2])}?list=" in page
    alone = support.get(case(made[1])).text
    assert f"{case(made[0])}?list=" not in alone
    came = support.get(case(made[1]), headers={"Referer": f"http://localhost/admin/sessions/?{query}"}).text
    assert f"{case(made[2])}?list=" in came
    assert support.get(case(made[0]), query_string={"list": "status=bogus"}).status_code == 200


@pytest.mark.spec("ACT-7", "SM-3")
def test_a_note_is_kept_shown_and_on_record(support: FlaskClient) -> None:
    session = sessions.a_paid_session()
    answer = support.post(f"{case(session)}/notes", data={"note": "<b>Called</b> the mentor. " + "x" * 200})
    assert answer.status_code == 303
    assert "&lt;b&gt;Called&lt;/b&gt; the mentor." in support.get(case(session)).text
    row = db.session.scalars(select(AdminAuditTrail).where(AdminAuditTrail.action == "ADMIN_NOTE_ADDED")).one()
    assert row.session_id == session.id
    assert len(row.details["notePreview"]) == 100


@pytest.mark.spec("ACT-7")
@pytest.mark.parametrize("note", ["", "   ", "x" * 5_001])
def test_a_note_has_one_to_five_thousand_characters(support: FlaskClient, note: str) -> None:
    session = sessions.a_paid_session()
    answer = support.post(f"{case(session)}/notes", data={"note": note})
    assert answer.status_code == 422
    assert "A note has 1 to 5,000 characters." in answer.text
    assert db.session.scalars(select(AdminSessionNote)).all() == []


@pytest.mark.spec("ACT-7")
def test_an_edit_keeps_what_stood_there_and_only_its_author_edits(as_role: Any) -> None:
    session = sessions.a_paid_session()
    author, colleague = as_role("support"), as_role("admin")
    author.post(f"{case(session)}/notes", data={"note": "First words"})
    note = db.session.scalars(select(AdminSessionNote)).one()
    url, seen = f"{case(session)}/notes/{note.id}", note.updated_at.isoformat()
    assert author.post(url, data={"note": "Better words", "seen": "2001-01-01"}).status_code == 422
    assert author.post(url, data={"note": "Better words", "seen": seen}).status_code == 303
    assert db.session.scalars(select(AdminSessionNote.note)).all() == ["Better words"]
    assert db.session.scalars(select(NoteHistory.note)).all() == ["First words"]
    assert "edited once" in author.get(case(session)).text
    assert colleague.post(url, data={"note": "Mine", "seen": seen}).status_code == 403


@pytest.mark.spec("ACT-7", "ADM-2")
def test_notes_are_for_those_who_may_read_them(as_role: Any) -> None:
    session = sessions.a_paid_session()
    as_role("support").post(f"{case(session)}/notes", data={"note": "A secret between us"})
    ops = as_role("ops")
    assert "A secret between us" not in ops.get(case(session)).text
    assert ops.post(f"{case(session)}/notes", data={"note": "Hello"}).status_code == 403


@pytest.mark.spec("SD-1")
def test_people_come_with_their_history(support: FlaskClient, clock: Clock) -> None:
    mentor = people.a_mentor()
    sessions.a_cancelled_session(mentor=mentor, by_mentor=True)
    session = sessions.a_paid_session(mentor=mentor, at=sessions.START_AT + timedelta(hours=3))
    page = support.get(case(session)).text
    assert "<b>2</b> sessions" in page
    assert "<b>1</b> cancelled" in page
    assert "Reliability <b>94.1</b> of 100" in page, "eight assumed good sessions against half a cancellation"
    assert "<b>0</b> warnings" in page
    assert "100 times (completed + 8)" in page


@pytest.mark.spec("SD-1")
def test_changes_of_time_stand_with_before_after_who_rounds_and_outcome(support: FlaskClient) -> None:
    session = proposals.a_counter()
    accept(session.id, request_id=proposals.open_id(session), ctx=proposals.as_(session, Party.MENTEE))
    move_session(
        session.id, starts_at=sessions.START_AT, reason="They agreed on the phone", fingerprint=None,
        ctx=people.ctx_of(people.a_support_agent(name="Sam Support")),
    )  # fmt: skip
    page = support.get(case(session)).text
    moves = re.search(r'<ol class="moves">(.*?)</ol>', page, re.DOTALL)
    assert moves
    told = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", moves[1]))
    by_support, by_mentee = told.split("Accepted")
    assert "Sam Support moved it" in by_support
    assert "They agreed on the phone" in by_support
    assert "asked, 2 rounds" in by_mentee
    before, after = (f"{at:%a} {at.day} {at:%b}, {at:%H:%M}" for at in (sessions.START_AT, proposals.OTHER_AT))
    assert re.search(rf"{before} .*{after}", by_mentee)
    assert re.search(rf"{after} .*{before}", by_support)


@pytest.mark.spec("SD-1", "EM-2")
def test_what_was_sent_is_listed_with_its_words_and_can_be_sent_again(support: FlaskClient, as_role: Any) -> None:
    session = sessions.a_paid_session()
    other = sessions.a_paid_session(title="Another topic")
    assert f'data-later="{case(session)}/messages"' in support.get(case(session)).text
    letters = db.session.scalars(select(EmailEvent).where(EmailEvent.session_id == session.id)).all()
    page = support.get(f"{case(session)}/messages").text
    assert "data-later-content" in page
    assert other.title not in page
    assert "Send it again" not in page, "they are still on their way"
    with transaction():
        for letter in letters:
            db.session.get_one(EmailEvent, letter.id).status = EmailState.SENT
    page = support.get(f"{case(session)}/messages").text
    assert page.count("Send it again") == len(letters)
    for letter in letters:
        assert f"/admin/mailbox/{letter.id}/resend?from=case" in page
    assert "data-later-content" in support.get(f"/admin/mailbox/{letters[0].id}").text
    url = f"/admin/mailbox/{letters[0].id}/resend?from=case"
    answer = support.post(url, data={"reason": "It went to the spam folder"})
    assert answer.headers["Location"] == case(session)
    assert "Booking Confirmed" in page


@pytest.mark.spec("AUD-1")
def test_the_toast_after_an_act_leads_to_its_audit_row_and_the_row_back_to_the_case(support: FlaskClient) -> None:
    session = sessions.a_paid_session()
    support.post(f"{case(session)}/notes", data={"note": "Called the mentor"})
    row = db.session.scalars(select(AdminAuditTrail)).one()
    page = support.get(case(session)).text
    link = re.search(r'<div class="toast-action"><a href="([^"]+)">Audit row (\d+)</a>', page)
    assert link
    assert (link[1], int(link[2])) == (f"/admin/staff-trail/details/?id={row.id}", row.seq)
    assert f'href="{case(session)}"' in support.get(link[1]).text


@pytest.mark.spec("ACT-3", "SD-1")
def test_an_act_with_a_refund_is_told_once_however_much_its_row_says(support: FlaskClient, clock: Clock) -> None:
    session = sessions.a_paid_session()
    agent = people.a_support_agent()
    with transaction():
        record_staff_act(
            action="ADMIN_DISPUTE_RESOLVED", reason="We agreed", ctx=people.ctx_of(agent), subject_type="dispute",
            subject_id=None, session_id=session.id, details={"refundAmount": "12.00", "currency": "EUR"},
        )  # fmt: skip
    assert support.get(case(session)).text.count("€12.00") == 1


@pytest.mark.parametrize("path", ["{0}", "{0}/cancel", "{0}/notes/{0}", "not-a-uuid"])
def test_a_case_that_does_not_exist_is_not_found(support: FlaskClient, path: str) -> None:
    assert support.get("/admin/sessions/" + path.format(uuid4())).status_code == 404


@pytest.mark.spec("SD-1")
def test_a_photo_is_no_matter_but_names_and_zones_are(support: FlaskClient) -> None:
    session = sessions.a_paid_session(
        mentor=people.a_mentor(timezone="Asia/Tokyo"), at=sessions.START_AT.replace(hour=1)
    )
    page = support.get(case(session)).text
    assert "Mentor: Wed 1 Mar, 10:00 (Tokyo)" in page
    assert db.session.get(User, session.mentor_id).email in page  # type: ignore[union-attr]
