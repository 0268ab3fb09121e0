"""Reporting a problem on the session's page, with evidence, and answering support there (DSP-1, DSP-2, SEC-4)."""

from __future__ import annotations

import html
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.domain.vocabulary import DisputeStatus
from app.extensions import db
from app.http.evidence import evidence_folder
from app.models import EvidenceFile, MentoringSession, SessionDispute
from app.support.disputes.handling import comment_on_dispute
from tests.factories.disputes import (
    a_dispute,
    a_picture,
    a_resolved_dispute,
    an_asked_dispute,
    fresh_dispute,
    session_of,
)
from tests.factories.people import a_mentee, a_support_agent, ctx_of, sign_in
from tests.factories.sessions import a_completed_session, a_draft
from tests.world import Clock

pytestmark = pytest.mark.usefixtures("app", "clock")

EVIL = '<script>alert("x")</script>'


def page(session: MentoringSession) -> str:
    return f"/sessions/{session.id}"


def form(*files: tuple[str, bytes], **changes: Any) -> dict[str, Any]:
    return {
        "category": "no_show",
        "reason": f"Nobody came {EVIL}",
        "description": "I waited for half an hour, and nobody joined.",
        "evidence": [(BytesIO(content), name) for name, content in files],
        **changes,
    }


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.spec("DSP-1")
def test_a_party_reports_from_the_session_s_page_and_reads_it_there(client: FlaskClient) -> None:
    session = a_completed_session()
    sign_in(client, session.mentee)
    assert f"{page(session)}/report" in client.get(page(session)).text
    asked = client.get(f"{page(session)}/report").text
    assert "is not told who reported it" in asked
    answer = client.post(f"{page(session)}/report", data=form(("a.png", a_picture().content), ("b.txt", b"At ten.")))
    assert (answer.status_code, answer.location) == (303, f"{page(session)}#reports")
    shown = client.get(page(session)).text
    assert "Nobody came &lt;script&gt;" in shown
    assert EVIL not in shown
    assert "a.png" in shown
    assert f"{page(session)}/report" not in shown
    dispute = db.session.scalars(select(SessionDispute)).one()
    assert (dispute.reported_by, count(EvidenceFile)) == (session.mentee_id, 2)


@pytest.mark.spec("DSP-1")
def test_the_other_party_sees_nothing_of_it(client: FlaskClient) -> None:
    dispute = a_dispute()
    session = session_of(dispute)
    sign_in(client, session.mentor)
    shown = client.get(page(session)).text
    assert dispute.reason not in shown
    assert "Your report" not in shown
    assert client.get(f"{page(session)}/disputes/{dispute.id}").status_code == 404
    assert client.post(f"{page(session)}/disputes/{dispute.id}", data={"message": "Hm"}).status_code == 404


@pytest.mark.spec("DSP-1", "SEC-4")
@pytest.mark.parametrize(
    "files, words",
    [
        ([("a.png", b"<html><script>alert(1)</script>")], "choose a picture"),
        ([("report.pdf", b"MZ\x90\x00")], "choose a picture"),
        ([(f"{number}.txt", b"x") for number in range(6)], "up to 5 files"),
        ([("empty.txt", b"")], "the file is empty"),
    ],
    ids=["page", "program", "six", "empty"],
)
def test_a_file_that_cannot_be_used_is_named_and_nothing_is_kept(
    client: FlaskClient, files: list[tuple[str, bytes]], words: str
) -> None:
    session = a_completed_session()
    sign_in(client, session.mentee)
    answer = client.post(f"{page(session)}/report", data=form(*files))
    assert answer.status_code == 422
    assert words in html.unescape(answer.text)
    assert "I waited for half an hour" in answer.text
    assert (count(SessionDispute), count(EvidenceFile)) == (0, 0)


@pytest.mark.spec("DSP-1", "SEC-4")
def test_a_file_of_more_than_ten_megabytes_is_refused(client: FlaskClient) -> None:
    session = a_completed_session()
    sign_in(client, session.mentee)
    fields = {name: value for name, value in form().items() if isinstance(value, str)}
    parts = [f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}' for name, value in fields.items()]
    head = "\r\n".join([*parts, '--x\r\nContent-Disposition: form-data; name="evidence"; filename="a.txt"\r\n\r\n'])
    body = head.encode() + b"a" * (10 * 1024 * 1024 + 1) + b"\r\n--x--\r\n"
    answer = client.post(f"{page(session)}/report", data=body, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 422
    assert "at most 10 MB" in answer.text
    assert count(SessionDispute) == 0


@pytest.mark.spec("DSP-1", "SEC-4")
def test_more_than_all_files_together_is_refused_before_it_is_read(client: FlaskClient) -> None:
    session = a_completed_session()
    sign_in(client, session.mentee)
    answer = client.post(
        f"{page(session)}/report", data=form(), environ_overrides={"CONTENT_LENGTH": str(55 * 1024 * 1024)}
    )
    assert answer.status_code == 413


@pytest.mark.spec("DSP-1", "SEC-4")
def test_a_name_that_looks_like_a_path_is_shown_as_a_name_and_leads_nowhere(client: FlaskClient) -> None:
    session = a_completed_session()
    sign_in(client, session.mentee)
    client.post(f"{page(session)}/report", data=form(("../../../app/config.py", b"plain words")))
    row = db.session.scalars(select(EvidenceFile)).one()
    assert row.original_name == "config.txt"
    assert (evidence_folder() / row.stored_name).read_bytes() == b"plain words"
    given = client.get(f"{page(session)}/evidence/{row.id}")
    assert given.data == b"plain words"
    assert given.headers["Content-Disposition"] == "attachment; filename=config.txt"
    assert given.headers["X-Content-Type-Options"] == "nosniff"
    assert given.headers["Content-Type"].startswith("text/plain")
    assert "sandbox" in given.headers["Content-Security-Policy"]
    assert "no-store" in given.headers["Cache-Control"]


@pytest.mark.spec("DSP-1", "INV-8")
def test_evidence_of_others_is_not_found(client: FlaskClient) -> None:
    dispute = a_dispute(uploads=(a_picture(),))
    session = session_of(dispute)
    row = db.session.scalars(select(EvidenceFile)).one()
    for stranger in (session.mentor, a_mentee()):
        sign_in(client, stranger)
        assert client.get(f"{page(session)}/evidence/{row.id}").status_code == 404
    sign_in(client, session.mentee)
    assert client.get(f"{page(session)}/evidence/{row.id}").status_code == 200
    other = a_completed_session(mentee=session.mentee)
    assert client.get(f"{page(other)}/evidence/{row.id}").status_code == 404


@pytest.mark.spec("DSP-2", "DSP-3")
def test_support_s_question_is_answered_on_the_session_s_page(client: FlaskClient) -> None:
    agent = a_support_agent()
    dispute = an_asked_dispute(by=agent)
    comment_on_dispute(dispute.id, comment="I do not believe a word.", ctx=ctx_of(agent))
    session = session_of(dispute)
    sign_in(client, session.mentee)
    shown = client.get(page(session)).text
    assert "When did it begin?" in shown
    assert "We have a question" in shown
    assert "I do not believe" not in shown
    assert agent.name not in shown
    action = f"{page(session)}/disputes/{dispute.id}"
    assert client.post(action, data={"message": " "}).status_code == 422
    answer = client.post(action, data={"message": "At ten.", "evidence": [(BytesIO(b"log"), "log.txt")]})
    assert answer.status_code == 303
    assert fresh_dispute(dispute).waiting_since is None
    assert "At ten." in client.get(page(session)).text


@pytest.mark.spec("DSP-1", "DSP-4")
def test_a_settled_report_says_how_and_a_new_one_can_be_made(client: FlaskClient) -> None:
    dispute = a_resolved_dispute()
    session = session_of(dispute)
    sign_in(client, session.mentee)
    shown = client.get(page(session)).text
    assert "No further step was needed." in shown
    assert dispute.resolution_notes not in shown
    assert f"{page(session)}/report" in shown
    answer = client.post(f"{page(session)}/disputes/{dispute.id}", data={"message": "But"}, follow_redirects=True)
    assert "This report is closed" in answer.text


@pytest.mark.spec("DSP-1")
def test_what_cannot_be_reported_is_said_on_the_page_it_came_from(client: FlaskClient, clock: Clock) -> None:
    draft = a_draft()
    sign_in(client, draft.mentee)
    assert "/report" not in client.get(page(draft)).text
    answer = client.get(f"{page(draft)}/report", follow_redirects=True)
    assert "There is nothing to report on this session yet." in answer.text
    dispute = a_dispute()
    session = session_of(dispute)
    sign_in(client, session.mentee)
    again = client.post(f"{page(session)}/report", data=form(), follow_redirects=True)
    assert "You reported a problem with this session already" in again.text
    assert fresh_dispute(dispute).status is DisputeStatus.OPEN
    clock.advance(days=60)
    sign_in(client, session.mentor)
    late = client.get(f"{page(session)}/report", follow_redirects=True)
    assert "A problem can be reported for 30 days" in late.text
