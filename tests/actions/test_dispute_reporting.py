"""A party reports a problem, with evidence, and answers support (DSP-1, DSP-2)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from app.domain.disputes import MOST_FILES
from app.domain.errors import Conflict, Forbidden, Invalid, NotFound, Refused
from app.domain.evidence import LARGEST_BYTES
from app.domain.vocabulary import (
    DisputeCategory,
    DisputePriority,
    DisputeStatus,
    NotificationType,
    Party,
)
from app.extensions import db
from app.http.evidence import evidence_folder
from app.models import (
    AdminAuditTrail,
    DecisionRecord,
    DisputeComment,
    EmailEvent,
    EvidenceFile,
    Notification,
    OutboxRow,
    SessionAuditLog,
    SessionDispute,
)
from app.support.disputes.evidence import Upload, own_evidence, view_evidence
from app.support.disputes.handling import write_to_reporter
from app.support.disputes.reporting import answer_support, own_disputes
from tests.factories import people, sessions
from tests.factories.disputes import (
    a_dispute,
    a_picture,
    a_resolved_dispute,
    an_asked_dispute,
    fresh_dispute,
    session_of,
)
from tests.world import Clock

pytestmark = pytest.mark.usefixtures("clock")


def files_on_disk() -> list[Path]:
    folder = evidence_folder()
    return sorted(folder.iterdir()) if folder.exists() else []


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.spec("DSP-1", "SM-3")
def test_a_report_is_kept_with_its_files_told_and_on_record() -> None:
    agent, admin, ops = people.a_support_agent(), people.an_admin(), people.an_ops()
    session = sessions.a_completed_session()
    text = Upload("../../what happened.txt", "We waited. Müller did not come.".encode())
    dispute = a_dispute(session, uploads=(a_picture(), text), category=DisputeCategory.NO_SHOW)
    assert (dispute.status, dispute.priority) == (DisputeStatus.OPEN, DisputePriority.MEDIUM)
    assert (dispute.reported_by, dispute.reporter_role) == (session.mentee_id, Party.MENTEE)
    assert dispute.first_response_due_at - dispute.created_at == timedelta(hours=24)
    assert dispute.resolution_due_at - dispute.created_at == timedelta(hours=72)
    rows = {row.original_name: row for row in db.session.scalars(select(EvidenceFile))}
    assert set(rows) == {"screen.png", "what happened.txt"}
    assert rows["what happened.txt"].content_type == "text/plain"
    assert sorted(dispute.evidence) == sorted(str(row.id) for row in rows.values())
    for row in rows.values():
        assert len(row.stored_name) == 32
        assert (evidence_folder() / row.stored_name).stat().st_size == row.size_bytes
    (logged,) = db.session.scalars(select(SessionAuditLog).where(SessionAuditLog.action == "dispute_opened"))
    assert logged.details["dispute_id"] == str(dispute.id)
    (mail,) = db.session.scalars(select(EmailEvent).where(EmailEvent.template == "dispute_received"))
    assert mail.user_id == session.mentee_id
    told = db.session.scalars(select(Notification).where(Notification.type == NotificationType.DISPUTE_OPENED)).all()
    assert {one.user_id for one in told} >= {agent.id, admin.id}
    assert ops.id not in {one.user_id for one in told}
    assert {one.action_url for one in told} == {f"/admin/disputes/{dispute.id}"}


@pytest.mark.spec("DSP-1", "DSP-3")
def test_trouble_in_a_running_session_is_urgent_heard_and_sent_to_the_chats() -> None:
    people.a_support_agent()
    session = sessions.a_running_session()
    dispute = a_dispute(session, by=session.mentor)
    assert (dispute.priority, dispute.reporter_role) == (DisputePriority.URGENT, Party.MENTOR)
    assert count_told(NotificationType.DISPUTE_URGENT) > 0
    alerts = db.session.scalars(select(OutboxRow).where(OutboxRow.kind == "chat_hook.send")).all()
    assert {alert.payload["hook"] for alert in alerts} == {"slack", "discord"}
    assert all(session.mentee.name not in str(alert.payload) for alert in alerts)


def count_told(kind: NotificationType) -> int:
    return db.session.scalar(select(func.count()).select_from(Notification).where(Notification.type == kind)) or 0


@pytest.mark.spec("DSP-1")
def test_one_report_of_each_party_may_be_open() -> None:
    session = sessions.a_completed_session()
    first = a_dispute(session)
    with pytest.raises(Conflict) as refusal:
        a_dispute(session)
    assert refusal.value.error_code == "dispute_open"
    other = a_dispute(session, by=session.mentor)
    assert {first.id, other.id} == set(db.session.scalars(select(SessionDispute.id)))
    assert count(EvidenceFile) == 0


@pytest.mark.spec("DSP-1")
def test_once_it_is_closed_a_new_one_can_be_reported() -> None:
    first = a_resolved_dispute()
    session = session_of(first)
    assert a_dispute(session).id != first.id


@pytest.mark.spec("DSP-1", "WHY-1")
def test_after_thirty_days_nothing_is_opened_and_why_is_kept(clock: Clock) -> None:
    session = sessions.a_completed_session()
    assert session.ended_at is not None
    clock.set(session.ended_at + timedelta(days=30, seconds=1))
    before = files_on_disk()
    with pytest.raises(Refused):
        a_dispute(session, uploads=(a_picture(),))
    assert count(SessionDispute) == 0
    assert files_on_disk() == before
    record = db.session.scalars(select(DecisionRecord).where(DecisionRecord.kind == "dispute")).one()
    assert not record.allowed
    clock.set(session.ended_at + timedelta(days=30))
    assert a_dispute(session).status is DisputeStatus.OPEN


@pytest.mark.spec("DSP-1", "ADM-2", "INV-8")
def test_only_the_parties_report() -> None:
    session = sessions.a_completed_session()
    for stranger in (people.a_mentee(), people.a_mentor()):
        with pytest.raises(NotFound):
            a_dispute(session, by=stranger)
    for staff in (people.a_support_agent(), people.an_admin()):
        with pytest.raises(Forbidden):
            a_dispute(session, by=staff)
    with pytest.raises(Conflict):
        a_dispute(sessions.a_draft())
    assert count(SessionDispute) == 0


_WRONG = {
    "six": tuple(a_picture(f"{number}.png") for number in range(MOST_FILES + 1)),
    "empty": (Upload("a.txt", b""),),
    "page": (Upload("a.png", b"<html><script>alert(1)</script></html>"),),
    "program": (Upload("report.pdf", b"MZ\x90\x00"),),
    "broken": (Upload("a.png", b"\x89PNG\r\n\x1a\nbroken"),),
    "too large": (Upload("a.txt", b"a" * (LARGEST_BYTES + 1)),),
}


@pytest.mark.spec("DSP-1", "SEC-4")
@pytest.mark.parametrize("kind", sorted(_WRONG))
def test_a_file_that_cannot_be_evidence_refuses_the_report_and_leaves_nothing(kind: str) -> None:
    before = files_on_disk()
    with pytest.raises(Invalid) as refusal:
        a_dispute(uploads=(_WRONG[kind]))
    assert set(refusal.value.fields) == {"evidence"}
    assert files_on_disk() == before
    assert (count(SessionDispute), count(EvidenceFile)) == (0, 0)


@pytest.mark.spec("DSP-1")
@pytest.mark.parametrize(
    "words", [{"reason": "ab"}, {"reason": "x" * 201}, {"description": "short"}, {"description": "x" * 5_001}]
)
def test_words_that_are_too_short_or_too_long_are_named(words: dict[str, str]) -> None:
    with pytest.raises(Invalid) as refusal:
        a_dispute(**words)  # type: ignore[arg-type]  # one word of two
    assert set(refusal.value.fields) == set(words)


@pytest.mark.spec("DSP-2", "DSP-3")
def test_an_answer_lets_the_clock_go_on_where_it_stood(clock: Clock) -> None:
    dispute = an_asked_dispute()
    resolution = dispute.resolution_due_at
    assert dispute.waiting_since == clock.now
    session = session_of(dispute)
    clock.advance(hours=50)
    ctx = people.ctx_of(session.mentee)
    answer_support(
        dispute.id, session_id=session.id, message="At ten.", uploads=(a_picture(),), folder=evidence_folder(), ctx=ctx
    )
    dispute = fresh_dispute(dispute)
    assert dispute.waiting_since is None
    assert dispute.waited_seconds == 50 * 3600
    assert dispute.resolution_due_at == resolution + timedelta(hours=50)
    (comment,) = db.session.scalars(select(DisputeComment).where(DisputeComment.body == "At ten."))
    assert not comment.is_internal
    told = db.session.scalars(select(Notification).where(Notification.user_id == dispute.assigned_to)).all()
    assert told[-1].title == "An answer to a dispute"


@pytest.mark.spec("DSP-1", "DSP-2", "INV-8")
def test_nobody_else_adds_to_a_report_and_nobody_to_a_closed_one() -> None:
    dispute = a_dispute()
    session = session_of(dispute)
    given = {"session_id": session.id, "message": "Me too", "folder": evidence_folder()}
    for stranger in (session.mentor, people.a_mentee()):
        with pytest.raises(NotFound):
            answer_support(dispute.id, **given, ctx=people.ctx_of(stranger))
    with pytest.raises(NotFound):
        answer_support(uuid4(), **given, ctx=people.ctx_of(session.mentee))
    closed = a_resolved_dispute()
    owner = session_of(closed).mentee
    with pytest.raises(Conflict):
        answer_support(closed.id, **given | {"session_id": closed.session_id}, ctx=people.ctx_of(owner))


@pytest.mark.spec("DSP-1")
def test_later_files_count_with_the_first() -> None:
    session = sessions.a_completed_session()
    dispute = a_dispute(session, uploads=tuple(a_picture(f"{number}.png") for number in range(4)))
    given = {"session_id": session.id, "message": "", "folder": evidence_folder(), "ctx": people.ctx_of(session.mentee)}
    answer_support(dispute.id, uploads=(a_picture(),), **given)
    before = files_on_disk()
    with pytest.raises(Invalid):
        answer_support(dispute.id, uploads=(a_picture(),), **given)
    assert count(EvidenceFile) == 5
    assert files_on_disk() == before


@pytest.mark.spec("DSP-2")
def test_the_reporter_reads_what_is_said_to_them_and_nothing_else() -> None:
    agent = people.a_support_agent()
    dispute = a_dispute(uploads=(a_picture(),))
    session = session_of(dispute)
    write_to_reporter(dispute.id, message="When?", awaits_answer=True, ctx=people.ctx_of(agent))
    (told,) = own_disputes(session.id, ctx=people.ctx_of(session.mentee))
    assert told.is_asked
    assert [(message.is_mine, message.body) for message in told.messages] == [(False, "When?")]
    assert told.files_left == 4
    assert own_disputes(session.id, ctx=people.ctx_of(session.mentor)) == []


@pytest.mark.spec("DSP-1", "AUD-4", "SEC-4")
def test_evidence_is_given_to_its_sender_and_to_staff_whose_reading_is_on_record() -> None:
    agent = people.a_support_agent()
    dispute = a_dispute(uploads=(a_picture(),))
    session = session_of(dispute)
    row = db.session.scalars(select(EvidenceFile)).one()
    own = own_evidence(row.id, session_id=session.id, folder=evidence_folder(), ctx=people.ctx_of(session.mentee))
    assert own.path.read_bytes() == a_picture().content
    assert count(AdminAuditTrail) == 0
    for stranger in (session.mentor, people.a_mentee()):
        with pytest.raises(NotFound):
            own_evidence(row.id, session_id=session.id, folder=evidence_folder(), ctx=people.ctx_of(stranger))
    seen = view_evidence(row.id, dispute_id=dispute.id, folder=evidence_folder(), ctx=people.ctx_of(agent))
    assert seen.path == own.path
    act = db.session.scalars(select(AdminAuditTrail)).one()
    assert (act.action, act.admin_id, act.session_id) == ("ADMIN_EVIDENCE_VIEWED", agent.id, session.id)
    with pytest.raises(Forbidden):
        view_evidence(row.id, dispute_id=dispute.id, folder=evidence_folder(), ctx=people.ctx_of(people.an_ops()))
    with pytest.raises(NotFound):
        view_evidence(row.id, dispute_id=uuid4(), folder=evidence_folder(), ctx=people.ctx_of(agent))
