"""What staff do to a session over the API: seen before, done once, refused clearly (ACT, ADM-2, API-2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from app.api.admin_acts import ACTS, StaffAct
from app.domain.vocabulary import SessionStatus
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import AdminAuditTrail, MentoringSession, Refund, User
from tests.api.contract import Caller, data_of, error_of
from tests.api.staff_posts import CASE, POSTS, Post
from tests.factories import people
from tests.factories.disputes import a_dispute, session_of
from tests.factories.sessions import START_AT, a_cancelled_session, a_paid_session, a_rejected_request, fresh
from tests.world import Clock

Calling = Callable[[User], Caller]
TABLE = {post.rule.removeprefix(f"{CASE}/"): post for post in POSTS}

pytestmark = pytest.mark.usefixtures("clock")


def ready(act: StaffAct, clock: Clock) -> tuple[MentoringSession, str, dict[str, Any], Post]:
    """A session on which this act is possible, its address, and the body."""
    post = TABLE[act.slug]
    ids = post.make()
    clock.set(START_AT + post.after)
    body = {key: str(ids[value[1:]]) if str(value).startswith("@") else value for key, value in post.body.items()}
    session = db.session.get_one(MentoringSession, ids["session_id"])
    return session, f"/api/admin/sessions/{session.id}/{act.slug}", body, post


def acts() -> int:
    return db.session.scalar(select(func.count()).select_from(AdminAuditTrail)) or 0


@pytest.mark.spec("ACT-1", "ACT-2", "ACT-3", "ACT-4", "ACT-5", "ACT-6", "ACT-9")
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.slug)
def test_what_was_seen_otherwise_is_answered_with_what_would_happen_now(
    calling: Calling, clock: Clock, act: StaffAct
) -> None:
    session, path, body, _ = ready(act, clock)
    caller = calling(people.a_support_agent())
    seen = data_of(caller.post(f"{path}?preview=true", body))["preview"]
    with transaction():
        fresh(session).version += 1
    before = acts()

    error = error_of(caller.post(path, {**body, "fingerprint": seen["fingerprint"]}), 409, "stale_version")

    assert acts() == before
    now = error["details"]["preview"]
    assert now["fingerprint"] != seen["fingerprint"]
    assert {**now, "fingerprint": ""} == {**seen, "fingerprint": ""}
    done = data_of(caller.post(path, {**body, "fingerprint": now["fingerprint"]}))
    assert (done["isPreview"], done["preview"], done["session"]["id"]) == (False, None, str(session.id))
    assert acts() == before + 1


@pytest.mark.spec("API-2", "INV-7")
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.slug)
def test_the_same_key_acts_once_and_answers_twice(calling: Calling, clock: Clock, act: StaffAct) -> None:
    _, path, body, _ = ready(act, clock)
    caller, before = calling(people.a_support_agent()), acts()

    first, second = (data_of(caller.post(path, body, key="k1")) for _ in range(2))

    assert first["message"] == second["message"]
    assert acts() == before + 1
    error_of(caller.post(path, {**body, "notifyParties": False}, key="k1"), 409, "idempotency_mismatch")


@pytest.mark.spec("ADM-2", "INV-8")
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.slug)
def test_the_own_case_and_what_does_not_exist_are_refused(calling: Calling, clock: Clock, act: StaffAct) -> None:
    session, path, body, _ = ready(act, clock)
    agent = people.a_support_agent()
    caller, before = calling(agent), acts()
    with transaction():
        fresh(session).cancelled_mentor_ids = [agent.id]
    for each in (path, f"{path}?preview=true"):
        error_of(caller.post(each, body), 403, "own_case")
        error_of(caller.post(each.replace(str(session.id), str(uuid4())), body), 404, "not_found")
    assert acts() == before


@pytest.mark.spec("ACT-1", "MN-12")
def test_a_preview_says_who_gets_what_and_nothing_moves(calling: Calling) -> None:
    session = a_paid_session()
    path = f"/api/admin/sessions/{session.id}/cancel?preview=true"
    caller = calling(people.a_support_agent())

    answer = caller.post(path, {"refundPercentage": 50})

    seen = data_of(answer)["preview"]
    assert [(row["who"], row["amount"]) for row in seen["changes"]] == [
        (session.mentee.name, 25.0), (session.mentor.name, 17.5),
    ]  # fmt: skip
    assert '"amount":25.00' in answer.text
    assert seen["message"].startswith("The session is cancelled")
    assert fresh(session).status is SessionStatus.SCHEDULED


@pytest.mark.spec("ACT-1", "ACT-4")
def test_a_preview_says_why_not_and_the_act_refuses_alike(calling: Calling) -> None:
    session = a_cancelled_session()
    caller = calling(people.a_support_agent())
    path = f"/api/admin/sessions/{session.id}"
    seen = data_of(caller.post(f"{path}/reassign?preview=true", {}))["preview"]
    assert (seen["allowed"], seen["candidates"]) == (False, [])
    assert "Only a scheduled one" in seen["message"]
    body = {"reason": "The mentor is ill", "newMentorId": str(people.a_mentor().id)}
    error_of(caller.post(f"{path}/reassign", body), 409, "not_reassignable")
    error_of(caller.post(f"{path}/cancel", {"reason": "Again"}), 409, "invalid_transition")


@pytest.mark.spec("ACT-1", "ACT-2", "ACT-3", "ACT-4", "ACT-5", "ACT-6", "ACT-9")
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.slug)
def test_what_a_preview_refuses_the_act_refuses_in_the_same_words(
    calling: Calling, clock: Clock, act: StaffAct
) -> None:
    """Asked of a session on which nothing of it is possible."""
    rejected = a_rejected_request()
    _, _, body, _ = ready(act, clock)
    caller, before = calling(people.a_support_agent()), acts()
    path = f"/api/admin/sessions/{rejected.id}/{act.slug}"

    seen = data_of(caller.post(f"{path}?preview=true", body))["preview"]
    refused = caller.post(path, body)

    assert not seen["allowed"]
    assert refused.status_code in {409, 422}
    error = refused.get_json()["error"]
    assert seen["message"] == error["message"] or seen["message"] in error["fields"].values()
    assert acts() == before


@pytest.mark.spec("ACT-4", "AV-6")
def test_a_reassignment_is_previewed_with_its_candidates_best_first(calling: Calling) -> None:
    session = a_paid_session()
    able, other = people.a_mentor(), people.a_mentor(expertise=("Cooking",))
    caller = calling(people.a_support_agent())
    path = f"/api/admin/sessions/{session.id}/reassign"
    seen = data_of(caller.post(f"{path}?preview=true", {}))["preview"]
    assert [each["id"] for each in seen["candidates"]] == [str(able.id), str(other.id)]
    assert seen["candidates"][0]["shared"] == ["Leadership", "Python"]
    assert able.name in seen["message"]
    assert "newMentorId" in error_of(caller.post(path, {"reason": "The mentor is ill"}), 422)["fields"]


@pytest.mark.spec("ACT-3", "MN-9", "MN-12")
def test_a_refund_is_proposed_bounded_and_above_the_threshold_waits(calling: Calling) -> None:
    dear = a_paid_session(mentor=people.a_mentor(rate_minor=30_000))
    caller = calling(people.a_support_agent())
    path = f"/api/admin/sessions/{dear.id}/refund"
    seen = data_of(caller.post(f"{path}?preview=true", {"refundType": "full"}))["preview"]
    assert (seen["needsApproval"], seen["changes"][0]["amount"]) == (True, 300)
    for amount in (300.01, 1.005, 0, None):
        body = {"reason": "A gesture", "refundType": "partial", "amount": amount}
        assert "amount" in error_of(caller.post(path, body), 422)["fields"]
    done = data_of(caller.post(path, {"reason": "A gesture", "refundType": "full", "amount": 300}))
    assert "wait for a second person" in done["message"]
    assert db.session.scalars(select(Refund.status)).one().value == "awaiting_approval"


@pytest.mark.spec("SD-1", "ACT-7")
def test_a_case_is_read_with_all_that_is_on_record(calling: Calling) -> None:
    dispute = a_dispute()
    session = session_of(dispute)
    agent = people.a_support_agent(name="Sam Support")
    caller = calling(agent)
    path = f"/api/admin/sessions/{session.id}"
    data_of(caller.post(f"{path}/notes", {"note": "Called the mentor."}, key="n1"), 201)
    data_of(caller.post(f"{path}/notes", {"note": "Called the mentor."}, key="n1"), 201)
    data_of(caller.post(f"{path}/refund", {"reason": "A gesture", "refundType": "bonus", "amount": 5}))

    case = data_of(caller.get(path))

    assert (case["mentor"]["id"], case["mentee"]["id"]) == (str(session.mentor_id), str(session.mentee_id))
    assert [note["note"] for note in case["adminNotes"]] == ["Called the mentor."]
    assert case["adminNotes"] == data_of(caller.get(f"{path}/notes"))["notes"]
    assert [(each["action"], each["actor"]["name"]) for each in case["adminActions"]] == [
        ("ADMIN_MANUAL_REFUND", "Sam Support"), ("ADMIN_NOTE_ADDED", "Sam Support"),
    ]  # fmt: skip
    assert case["dispute"]["id"] == str(dispute.id)
    assert [each["id"] for each in case["disputes"]] == [str(dispute.id)]
    assert {"booking_created", "session_completed"} <= {each["action"] for each in case["auditLog"]}
    assert case["rescheduleRequests"] == []
    # ops reads sessions without disputes and notes, and so without the rows that tell of them (ADM-2).
    seen = data_of(calling(people.an_ops()).get(path))
    assert (seen["adminNotes"], seen["disputes"], seen["dispute"]) == (None, None, None)
    assert [each["action"] for each in seen["adminActions"]] == ["ADMIN_MANUAL_REFUND"]
    assert not any(each["action"].startswith("dispute_") for each in seen["auditLog"])
    assert "meetingUrl" not in case
