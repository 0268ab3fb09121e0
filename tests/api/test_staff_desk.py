"""Refunds, payouts, people and the audit trails over the API for staff (MN-8 to MN-10, ID-3, ID-4, AUD)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from app.api import admin_audit
from app.domain.vocabulary import RefundState
from app.extensions import db
from app.foundation import audit
from app.foundation.anchors import FILE
from app.foundation.audit import head_of_chain
from app.foundation.transaction import transaction
from app.models import AdminAuditTrail, Payout, Refund, User
from app.support.notes import add_note
from tests.api.contract import Caller, data_of, error_of
from tests.api.staff_posts import a_failed_refund, a_waiting_refund
from tests.factories import people
from tests.factories.sessions import a_completed_session, a_paid_session
from tests.world import Clock

Calling = Callable[[User], Caller]
WHY = {"reason": "The case is clear"}

pytestmark = pytest.mark.usefixtures("clock")


def state_of(refund_id: object) -> RefundState:
    return db.session.get_one(Refund, refund_id, populate_existing=True).status


@pytest.mark.spec("MN-9", "API-2", "ADM-2")
def test_a_waiting_refund_is_listed_and_decided_once_by_a_second_person(calling: Calling) -> None:
    # Of one moment: the smaller id comes first.
    waiting, other = sorted((a_waiting_refund(), a_waiting_refund()))
    admin, support = calling(people.an_admin()), calling(people.a_support_agent())
    page = data_of(admin.get("/api/admin/refunds"))
    assert [row["id"] for row in page["refunds"]] == [str(waiting), str(other)]
    assert (page["pagination"]["total"], page["pagination"]["isAtLeast"]) == (2, False)
    row = page["refunds"][0]
    assert (row["amount"], row["sessionRate"], row["attempts"]) == (300, 300, 0)
    assert {each["action"]: each["whyNot"] for each in row["decisions"]} == {
        "approve": None, "decline": None, "retry": "This refund is awaiting approval by now. Reload the page to see "
        "where it stands.",
    }  # fmt: skip
    path = f"/api/admin/refunds/{waiting}/approve"
    error_of(support.post(path, WHY), 403, "forbidden")
    for _ in range(2):
        assert data_of(admin.post(path, WHY, key="k1"))["status"] == "pending"
    error_of(admin.post(path, WHY), 409, "decided_already")
    assert data_of(admin.post(f"/api/admin/refunds/{other}/decline", WHY))["status"] == "declined"
    assert (state_of(waiting), state_of(other)) == (RefundState.PENDING, RefundState.DECLINED)
    assert data_of(admin.get("/api/admin/refunds"))["refunds"] == []
    assert data_of(admin.get("/api/admin/refunds", status="declined"))["refunds"][0]["id"] == str(other)
    error_of(admin.post(f"/api/admin/refunds/{uuid4()}/approve", WHY), 404, "not_found")
    error_of(admin.get("/api/admin/refunds", page=9_999, limit=100), 422)


@pytest.mark.spec("MN-9", "ADM-2")
def test_whoever_asked_for_a_refund_and_whoever_is_a_party_decide_nothing(calling: Calling) -> None:
    waiting = a_waiting_refund()
    refund = db.session.get_one(Refund, waiting)
    admin = people.an_admin()
    with transaction():
        refund.requested_by = admin.id
    error_of(calling(admin).post(f"/api/admin/refunds/{waiting}/approve", WHY), 403, "own_request")
    assert state_of(waiting) is RefundState.AWAITING_APPROVAL


@pytest.mark.spec("MN-8")
def test_a_failed_refund_is_tried_again(calling: Calling) -> None:
    failed = a_failed_refund()
    support = calling(people.a_support_agent())
    (row,) = data_of(support.get("/api/admin/refunds", status="failed"))["refunds"]
    assert (row["error"], row["decisions"]) == ("The card was closed.", [{"action": "retry", "whyNot": None}])
    assert data_of(support.post(f"/api/admin/refunds/{failed}/retry", WHY))["status"] == "pending"
    error_of(support.post(f"/api/admin/refunds/{failed}/retry", WHY), 409, "not_failed")


@pytest.mark.spec("MN-10", "API-2")
def test_a_batch_of_payouts_is_seen_and_then_recorded_as_seen(calling: Calling) -> None:
    a_completed_session()
    admin = calling(people.an_admin())
    path, body = "/api/admin/payouts", {"currency": "EUR", "reason": "Monthly"}
    seen = data_of(admin.post(f"{path}?preview=true", body))["preview"]
    assert (seen["total"], seen["count"], [each["available"] for each in seen["sent"]]) == (35, 1, [35])
    assert data_of(admin.post(f"{path}?preview=true", {**body, "minimum": 40}))["preview"]["left"][0]["whyNot"]
    assert "fingerprint" in error_of(admin.post(path, body), 422)["fields"]
    error_of(admin.post(path, {**body, "currency": "XXX"}), 422)
    assert "minimum" in error_of(admin.post(path, {**body, "minimum": 1.005}), 422)["fields"]
    a_completed_session()
    changed = error_of(admin.post(path, {**body, "fingerprint": seen["fingerprint"]}), 409, "stale_version")
    now = changed["details"]["preview"]
    assert (now["total"], now["count"]) == (70, 2)
    sent = {**body, "fingerprint": now["fingerprint"], "reference": "March"}
    first, second = (data_of(admin.post(path, sent, key="p1"))["batch"] for _ in range(2))
    assert first == second
    assert db.session.scalar(select(func.count()).select_from(Payout)) == 2
    told = data_of(calling(people.a_support_agent()).get(path))
    assert ([each["id"] for each in told["batches"]], told["currencies"]) == ([first["id"]], ["EUR"])
    error_of(admin.post(path, {**sent, "reason": "Again"}), 409)


@pytest.mark.spec("ID-4", "ADM-2")
def test_a_person_is_suspended_and_let_in_again_but_nobody_suspends_themselves(calling: Calling) -> None:
    admin, mentor = people.an_admin(), people.a_mentor()
    theirs, mine = calling(mentor), calling(admin)
    told = data_of(mine.post(f"/api/admin/users/{mentor.id}/suspend", {"reason": "Abuse"}))
    assert (told["suspensionReason"], told["suspendedAt"] is None) == ("Abuse", False)
    error_of(theirs.get("/api/mentor/wallet"), 401, "bad_token")
    error_of(mine.post(f"/api/admin/users/{mentor.id}/suspend", {"reason": "Abuse"}), 409, "already_suspended")
    assert data_of(mine.post(f"/api/admin/users/{mentor.id}/reinstate", WHY))["suspendedAt"] is None
    error_of(mine.post(f"/api/admin/users/{mentor.id}/reinstate", WHY), 409, "not_suspended")
    error_of(mine.post(f"/api/admin/users/{admin.id}/suspend", WHY), 403, "own_account")
    error_of(mine.post(f"/api/admin/users/{uuid4()}/suspend", WHY), 404, "not_found")


@pytest.mark.spec("ID-3")
def test_a_mentor_is_verified_declined_and_verified_again(calling: Calling) -> None:
    admin, mentor = calling(people.an_admin()), people.a_mentor(is_verified=False)
    path = f"/api/admin/mentors/{mentor.id}/verify"
    assert data_of(admin.post(path, WHY))["verifiedAt"]
    error_of(admin.post(path, WHY), 409, "already_verified")
    told = data_of(admin.post(path, {"verified": False, "reason": "No references"}))
    assert (told["verifiedAt"], told["declineReason"]) == (None, "No references")
    error_of(admin.post(path, {"verified": False, "reason": "No references"}), 409, "already_declined")
    assert data_of(admin.post(path, {"verified": True, **WHY}))["declinedAt"] is None
    error_of(admin.post(f"/api/admin/mentors/{people.a_mentee().id}/verify", WHY), 404)


@pytest.fixture
def notes(clock: Clock) -> list[str]:
    """Five notes of one colleague, a minute apart; their texts, newest first."""
    session, agent = a_paid_session(), people.a_support_agent(name="Sam Support")
    texts = [f"Note {number}" for number in range(5)]
    for each in texts:
        add_note(session.id, note=each, ctx=people.ctx_of(agent))
        clock.advance(minutes=1)
    return texts[::-1]


@pytest.mark.spec("AUD-1", "API-1")
def test_the_trails_are_read_page_by_page_and_filtered(calling: Calling, clock: Clock, notes: list[str]) -> None:
    caller = calling(people.a_support_agent())
    found, cursor = [], ""
    for _ in range(3):
        page = data_of(caller.get("/api/admin/audit", limit=2, **({"cursor": cursor} if cursor else {})))
        found += page["entries"]
        cursor = page["nextCursor"] or ""
    assert ([each["details"]["notePreview"] for each in found], cursor) == (notes, "")
    assert {each["actor"]["name"] for each in found} == {"Sam Support"}
    session_id, actor = found[0]["sessionId"], found[0]["actor"]["id"]

    def count(**chosen: object) -> int:
        return len(data_of(caller.get("/api/admin/audit", **chosen))["entries"])

    assert (count(sessionId=session_id, actorId=actor, action="ADMIN_NOTE_ADDED"), count(action="NOTHING")) == (5, 0)
    day, next_day = clock.now.date(), clock.now.date() + timedelta(days=1)
    assert (count(startDate=day, endDate=day), count(startDate=next_day), count(actorId=uuid4())) == (5, 0, 0)
    log = data_of(caller.get("/api/admin/audit", trail="sessions", sessionId=session_id))["entries"]
    assert [each["action"] for each in log] == ["payment_confirmed", "booking_created"]
    error_of(caller.get("/api/admin/audit", cursor="nonsense"), 422)
    error_of(caller.get("/api/admin/audit", startDate=next_day, endDate=day), 422)


@pytest.fixture
def heads(app: Flask) -> Iterator[Path]:
    """The file of heads that were written down, empty."""
    file = app.extensions["desk-settings"].data_dir / FILE
    file.unlink(missing_ok=True)
    yield file
    file.unlink(missing_ok=True)


@pytest.mark.spec("AUD-3")
def test_the_chain_is_verified_part_by_part_and_names_what_does_not_fit(
    calling: Calling, notes: list[str], heads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_audit, "_STEP", 2)
    monkeypatch.setattr(audit, "_BATCH", 2)
    monkeypatch.setattr(audit, "_LINKS", audit._LINKS.limit(2))
    caller = calling(people.an_ops())
    heads.write_text(f'{{"at": "2028-02-28T23:00:00+00:00", "seq": 5, "hash": "{head_of_chain().hash}"}}\n')
    after, walked = 0, []
    while after is not None:
        report = data_of(caller.get("/api/admin/audit/verify", afterSeq=after))
        after = report["nextAfterSeq"]
        walked.append((report["rows"], report["total"], report["isIntact"], report["isWhole"]))
    assert walked == [(2, 5, True, False), (4, 5, True, False), (5, 5, True, True)]
    heads.write_text('{"at": "2028-02-28T23:00:00+00:00", "seq": 9, "hash": "0"}\n')
    report = data_of(caller.get("/api/admin/audit/verify", afterSeq=5))
    assert (report["isIntact"], report["lostHead"]["seq"], report["nextAfterSeq"]) == (False, 9, None)
    heads.unlink()
    db.session.execute(text("SET LOCAL session_replication_role = replica"))
    db.session.execute(AdminAuditTrail.__table__.update().where(AdminAuditTrail.seq == 3).values(reason="Changed"))
    report = data_of(caller.get("/api/admin/audit/verify", afterSeq=2))
    assert (report["isIntact"], report["rows"], report["firstBadSeq"], report["nextAfterSeq"]) == (False, 2, 3, None)
    assert data_of(caller.get("/api/admin/audit/verify", afterSeq=99))["firstBadSeq"] == 99
