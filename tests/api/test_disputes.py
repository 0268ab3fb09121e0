"""Disputes over the API: reported, answered, handled, resolved (DSP, API)."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.domain.vocabulary import DisputePriority, DisputeStatus
from app.extensions import db
from app.models import EvidenceFile, Refund, SessionDispute, User
from tests.api.contract import Caller, assert_unknown_alike, check, data_of, error_of, token_of
from tests.factories import people
from tests.factories.disputes import a_dispute, a_picture, an_asked_dispute, fresh_dispute, session_of
from tests.factories.sessions import a_completed_session, a_draft
from tests.world import Clock

Calling = Callable[[User], Caller]
PROBLEM = {"category": "no_show", "reason": "Nobody came", "description": "I waited for half an hour."}

pytestmark = pytest.mark.usefixtures("clock")


def upload(
    client: FlaskClient, user: User, path: str, *files: tuple[str, bytes], field: str = "file", key: str = ""
) -> Any:
    answer = client.post(
        path,
        data={field: [(BytesIO(content), name) for name, content in files]},
        headers={"Authorization": f"Bearer {token_of(user)}"} | ({"Idempotency-Key": key} if key else {}),
    )
    check(client.application, "POST", path, answer)
    return answer


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.spec("DSP-1", "API-2")
def test_a_party_reports_adds_a_file_and_reads_it(calling: Calling, client: FlaskClient) -> None:
    session = a_completed_session()
    mentee = calling(session.mentee)
    path = f"/api/bookings/{session.id}/disputes"
    made = data_of(mentee.post(path, PROBLEM, key="k1"), 201)
    again = data_of(mentee.post(path, PROBLEM, key="k1"), 201)
    assert made["id"] == again["id"]
    assert (made["status"], made["priority"], made["evidence"]) == ("open", "medium", [])
    error_of(mentee.post(path, PROBLEM), 409, "dispute_open")
    added = data_of(
        upload(client, session.mentee, f"{path}/{made['id']}/evidence", ("a.png", a_picture().content)), 201
    )
    (file,) = added["evidence"]
    for name, status in (("b.png", 201), ("b.png", 201), ("c.png", 409)):
        sent = upload(client, session.mentee, f"{path}/{made['id']}/evidence", (name, a_picture().content), key="k2")
        assert sent.status_code == status
    assert [each["name"] for each in data_of(mentee.get(path))["disputes"][0]["evidence"]] == ["a.png", "b.png"]
    added = data_of(mentee.get(path))["disputes"][0]
    assert file["contentType"] == "image/png"
    given = mentee.get(f"{path}/{made['id']}/evidence/{file['id']}")
    assert given.data == a_picture().content
    assert given.headers["Content-Disposition"].startswith("attachment")
    (told,) = data_of(mentee.get(path))["disputes"]
    assert told == added
    assert data_of(calling(session.mentor).get(path))["disputes"] == []


@pytest.mark.spec("DSP-1", "SEC-4")
def test_wrong_files_are_named(calling: Calling, client: FlaskClient) -> None:
    dispute = a_dispute()
    mentee = session_of(dispute).mentee
    path = f"/api/bookings/{dispute.session_id}/disputes/{dispute.id}/evidence"
    page = ("a.png", b"<html></html>")
    for answer in (
        upload(client, mentee, path, page),
        upload(client, mentee, path),
        upload(client, mentee, path, ("a.txt", b"a"), ("b.txt", b"b")),
        upload(client, mentee, path, ("a.txt", b"a"), field="other"),
        calling(mentee).post(path, {"file": "a"}),
    ):
        error_of(answer, 422, "validation_failed")
    for number in range(5):
        data_of(upload(client, mentee, path, (f"{number}.txt", b"x")), 201)
    error_of(upload(client, mentee, path, ("6.txt", b"x")), 422)
    assert count(EvidenceFile) == 5


@pytest.mark.spec("DSP-1", "INV-8")
def test_reports_of_others_are_as_good_as_none(calling: Calling, client: FlaskClient) -> None:
    dispute = a_dispute(uploads=(a_picture(),))
    session = session_of(dispute)
    file_id = db.session.scalars(select(EvidenceFile.id)).one()
    one = f"/api/bookings/{session.id}/disputes"
    mentor = calling(session.mentor)
    assert_unknown_alike(mentor, "POST", f"{one}/{{}}/answers", dispute.id, {"message": "Hm"})
    error_of(mentor.get(f"{one}/{dispute.id}/evidence/{file_id}"), 404)
    error_of(calling(people.a_mentee()).get(one), 404)
    error_of(calling(people.a_mentee()).post(one, PROBLEM), 404)
    error_of(calling(people.a_support_agent()).post(one, PROBLEM), 403)
    draft = a_draft()
    error_of(calling(draft.mentee).post(f"/api/bookings/{draft.id}/disputes", PROBLEM), 409, "not_reportable")


@pytest.mark.spec("DSP-2", "DSP-3")
def test_the_reporter_answers_over_the_api(calling: Calling, clock: Clock) -> None:
    dispute = an_asked_dispute()
    session = session_of(dispute)
    path = f"/api/bookings/{session.id}/disputes/{dispute.id}/answers"
    mentee = calling(session.mentee)
    clock.advance(minutes=1)
    told = data_of(mentee.post(path, {"message": "At ten."}, key="k2"))
    assert [(each["isMine"], each["message"]) for each in told["messages"]] == [
        (False, "When did it begin?"), (True, "At ten."),
    ]  # fmt: skip
    assert not told["isAsked"]
    assert len(data_of(mentee.post(path, {"message": "At ten."}, key="k2"))["messages"]) == 2


@pytest.mark.spec("DSP-2")
def test_staff_read_the_queue_and_handle_a_dispute(calling: Calling, clock: Clock) -> None:
    agent, colleague = people.a_support_agent(), people.an_admin()
    dispute, other = a_dispute(), an_asked_dispute(by=colleague)
    caller = calling(agent)
    page = data_of(caller.get("/api/admin/disputes"))
    assert [row["id"] for row in page["disputes"]] == [str(dispute.id), str(other.id)]
    assert page["pagination"]["total"] == 2
    assert [row["id"] for row in data_of(caller.get("/api/admin/disputes", view="waiting"))["disputes"]] == [
        str(other.id)
    ]
    assert data_of(caller.get("/api/admin/disputes", priority="urgent,high"))["disputes"] == []
    assert data_of(caller.get("/api/admin/disputes", page=2, limit=1))["disputes"][0]["id"] == str(other.id)
    one = f"/api/admin/disputes/{dispute.id}"
    body = {"assigneeId": str(colleague.id), "reason": "On duty"}
    assert data_of(caller.post(f"{one}/assign", body))["assignedTo"]["id"] == str(colleague.id)
    error_of(caller.post(f"{one}/assign", {"assigneeId": str(uuid4()), "reason": "On duty"}), 422)
    data_of(caller.post(f"{one}/priority", {"priority": "high", "reason": "It goes on"}))
    assert fresh_dispute(dispute).priority is DisputePriority.HIGH
    data_of(caller.post(f"{one}/comments", {"comment": "Between us"}), 201)
    clock.advance(minutes=1)
    data_of(caller.post(f"{one}/comments", {"comment": "When?", "toReporter": True}), 201)
    comments = data_of(caller.get(f"{one}/comments"))["comments"]
    assert [(each["comment"], each["isInternal"]) for each in comments] == [("Between us", True), ("When?", False)]
    assert data_of(caller.get(one))["waitingSince"] is not None
    error_of(caller.get(f"/api/admin/disputes/{uuid4()}"), 404)
    error_of(calling(people.an_ops()).get("/api/admin/disputes"), 403)


@pytest.mark.spec("DSP-4", "ACT-8", "API-2")
def test_a_resolution_is_previewed_and_then_done_once(calling: Calling) -> None:
    dispute = a_dispute()
    caller = calling(people.a_support_agent())
    path = f"/api/admin/disputes/{dispute.id}/resolve"
    body = {"resolutionAction": "refund_issued", "notes": "The log agrees.", "amount": 15.00}
    seen = data_of(caller.post(f"{path}?preview=true", body))
    assert (seen["isPreview"], seen["preview"]["allowed"], seen["dispute"]) == (True, True, None)
    assert count(Refund) == 0
    done = data_of(caller.post(path, body, key="k3"))
    assert (done["dispute"]["status"], done["dispute"]["resolutionAction"]) == ("resolved", "refund_issued")
    data_of(caller.post(path, body, key="k3"))
    assert db.session.scalars(select(Refund.amount_minor)).all() == [1_500]
    error_of(caller.post(path, body), 409, "dispute_closed")


@pytest.mark.spec("DSP-4", "ADM-2")
def test_what_may_not_be_done_is_refused_and_changes_nothing(calling: Calling) -> None:
    dispute = a_dispute()
    caller = calling(people.a_support_agent())
    path = f"/api/admin/disputes/{dispute.id}/resolve"
    suspension = {"resolutionAction": "account_suspended", "notes": "Enough.", "reason": "Abuse"}
    error_of(caller.post(path, suspension), 403, "forbidden")
    error_of(caller.post(f"{path}?preview=true", suspension), 403, "forbidden")
    for wrong in (
        {"resolutionAction": "no_action", "notes": ""},
        {"resolutionAction": "refund_issued", "notes": "abc", "amount": 50.01},
        {"resolutionAction": "refund_issued", "notes": "abc", "amount": 1.005},
        {"resolutionAction": "warning_sent", "notes": "abc"},
        {"resolutionAction": "session_rescheduled", "notes": "abc"},
        {"resolutionAction": "nonsense", "notes": "abc"},
        {"resolutionAction": "warning_sent", "notes": "abc", "reason": "abc", "dismiss": True},
    ):
        error_of(caller.post(path, wrong), 422)
    assert fresh_dispute(dispute).status is DisputeStatus.OPEN
    assert count(SessionDispute) == 1
