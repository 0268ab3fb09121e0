"""Disputes in the console: the queue, one dispute, and the dialogs that resolve it (DSP-2 to DSP-4)."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.domain.context import CLOCK
from app.domain.vocabulary import DisputeCategory, DisputePriority, DisputeStatus, Role
from app.extensions import db
from app.foundation.policies import change_policies
from app.foundation.transaction import transaction
from app.models import AdminAuditTrail, EvidenceFile, MentoringSession, Refund, SessionDispute, User
from app.support.disputes.escalation import escalate_disputes
from tests.admin.conftest import Statements
from tests.factories import people, sessions
from tests.factories.disputes import (
    a_dispute,
    a_picture,
    a_resolved_dispute,
    an_asked_dispute,
    fresh_dispute,
    session_of,
)
from tests.world import Clock, context

_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
_LINES = re.compile(r'<a class="clip" href="/admin/disputes/([0-9a-f-]{36})"')


def path(dispute: SessionDispute, act: str = "") -> str:
    return f"/admin/disputes/{dispute.id}" + (f"/{act}" if act else "")


def listed(browser: FlaskClient, **query: Any) -> list[str]:
    page = browser.get("/admin/disputes/", query_string=query)
    assert page.status_code == 200
    return _LINES.findall(page.text)


def dialog(browser: FlaskClient, dispute: SessionDispute, how: str, **typed: Any) -> dict[str, Any]:
    """The fields of a dialog as a browser would send them once ``typed`` was shown."""
    page = browser.get(path(dispute, f"resolve/{how}"), query_string=typed)
    assert page.status_code == 200
    return {
        **{name: html.unescape(value) for name, value in _HIDDEN.findall(page.text)},
        "notes": "Looked into it",
        **typed,
    }


def acts(action: str) -> int:
    return db.session.scalar(select(func.count()).where(AdminAuditTrail.action == action)) or 0


@pytest.mark.spec("DSP-2", "DSP-3", "KPI-3")
def test_late_ones_come_first_then_what_is_due_next_and_those_who_wait_last(support: FlaskClient, clock: Clock) -> None:
    low, high = a_dispute(), a_dispute(category=DisputeCategory.BEHAVIOR)
    medium, asked = a_dispute(category=DisputeCategory.REFUND), an_asked_dispute()
    late = a_dispute(category=DisputeCategory.TECHNICAL)
    with transaction():
        row = fresh_dispute(late)
        row.breached_at = clock.now
    assert listed(support) == [str(one.id) for one in (late, high, medium, low, asked)]
    page = support.get("/admin/disputes/").text
    assert "Was late" in page
    assert "Waits for the reporter" in page


@pytest.mark.spec("DSP-2")
def test_each_part_of_the_queue_holds_what_it_says(app: Any, clock: Clock) -> None:
    agent = people.a_support_agent()
    browser = people.sign_in(app.test_client(), agent)
    free, mine, closed = a_dispute(), an_asked_dispute(by=agent), a_resolved_dispute(by=agent)
    other = an_asked_dispute(by=people.an_admin())
    assert set(listed(browser)) == {str(one.id) for one in (free, mine, other)}
    assert listed(browser, tab="mine") == [str(mine.id)]
    assert listed(browser, tab="unassigned") == [str(free.id)]
    assert set(listed(browser, tab="waiting")) == {str(mine.id), str(other.id)}
    assert listed(browser, tab="resolved") == [str(closed.id)]
    assert listed(browser, priority="urgent") == []
    assert set(listed(browser, priority="low", category="quality")) == {str(one.id) for one in (free, mine, other)}
    assert listed(browser, assignee=str(other.assigned_to)) == [str(other.id)]
    wrong = browser.get("/admin/disputes/", query_string={"priority": "huge", "tab": "x", "assignee": "me"})
    assert wrong.status_code == 422


@pytest.mark.spec("DSP-2", "SL-4")
def test_the_queue_is_walked_page_by_page_and_takes_the_same_statements(
    support: FlaskClient, statements: Statements, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "app.support.disputes.dispute_list.list_disputes.__kwdefaults__",
        {"after": "", "before": "", "page": 1, "size": 2},
    )
    made = {str(a_dispute().id) for _ in range(5)}
    support.get("/admin/disputes/")
    statements.clear()
    first = listed(support)
    assert len(statements) <= 8
    page, seen = support.get("/admin/disputes/").text, list(first)
    while found := re.search(r'href="([^"]+)" rel="next"', page):
        page = support.get(html.unescape(found[1])).text
        seen += _LINES.findall(page)
    assert len(seen) == 5
    assert set(seen) == made
    back = re.search(r'href="([^"]+)" rel="prev"', page)
    assert back
    assert _LINES.findall(support.get(html.unescape(back[1])).text) == seen[2:4]


@pytest.mark.spec("DSP-2", "SD-1")
def test_one_page_says_all_and_leads_to_the_session_and_back(support: FlaskClient) -> None:
    dispute = a_dispute(uploads=(a_picture(),), reason="He shouted <b>at</b> me")
    session = session_of(dispute)
    page = support.get(path(dispute)).text
    for words in ("He shouted &lt;b&gt;at&lt;/b&gt; me", dispute.description, "screen.png", session.mentee.name,
                  session.mentor.name, "reported it", f"/admin/sessions/{session.id}"):  # fmt: skip
        assert words in page
    case = support.get(f"/admin/sessions/{session.id}").text
    assert path(dispute) in case
    overview = support.get("/admin/").text
    assert "/admin/disputes/?tab=open" in html.unescape(overview)
    assert support.get(f"{path(dispute)}/").location.endswith(path(dispute))


@pytest.mark.spec("SD-2", "DSP-2")
def test_next_and_previous_follow_the_queue_also_when_one_is_resolved_meanwhile(
    support: FlaskClient, clock: Clock
) -> None:
    made = []
    for _ in range(3):
        made.append(a_dispute())
        clock.advance(minutes=10)
    first, second, third = (path(dispute) for dispute in made)
    came = support.get(second, headers={"Referer": "http://localhost/admin/disputes/"}).text
    assert f'href="{first}?list=" data-key="k"' in came
    assert f'href="{third}?list=" data-key="j"' in came
    assert 'data-key-label="The next dispute"' in came
    assert 'data-key="j"' not in support.get(second).text, "no list, no next one"
    assert f"{third}?list=" in support.get(f"{second}?list=").text
    support.post(path(made[1], "resolve/no_action"), data=dialog(support, made[1], "no_action"))
    assert fresh_dispute(made[1]).resolved_at is not None
    after = support.get(second, headers={"Referer": f"http://localhost{second}?list="}).text
    assert f"{third}?list=" in after
    assert support.get(f"{second}?list=priority%3Dnone").status_code == 200
    resolved = support.get(f"{second}?list=tab%3Dresolved").text
    assert 'data-key="j"' not in resolved


@pytest.mark.spec("DSP-2", "ADM-2")
def test_taking_giving_ranking_writing_and_commenting(support: FlaskClient, clock: Clock) -> None:
    dispute, colleague = a_dispute(), people.an_admin(name="Alex Lead")
    assert support.post(path(dispute, "take")).status_code == 303
    assert fresh_dispute(dispute).status is DisputeStatus.IN_PROGRESS
    assert "Alex Lead" in support.get(path(dispute, "assign")).text
    support.post(path(dispute, "assign"), data={"assignee": str(colleague.id), "reason": "On duty"})
    assert fresh_dispute(dispute).assigned_to == colleague.id
    support.post(path(dispute, "priority"), data={"priority": "high", "reason": "It goes on"})
    assert fresh_dispute(dispute).priority is DisputePriority.HIGH
    support.post(path(dispute, "comments"), data={"comment": "Between us"})
    support.post(path(dispute, "write"), data={"message": "When was it?", "awaitsAnswer": "1"})
    assert fresh_dispute(dispute).waiting_since == clock.now
    page = support.get(path(dispute)).text
    assert "Between us" in page
    assert "When was it?" in page
    for act, data in (
        ("assign", {"assignee": str(colleague.id), "reason": ""}), ("assign", {"assignee": "x", "reason": "abc"}),
        ("priority", {"priority": "x", "reason": "abc"}), ("write", {"message": " "}), ("comments", {"comment": ""}),
    ):  # fmt: skip
        answer = support.post(path(dispute, act), data=data)
        assert answer.status_code == 422
        assert "is-invalid" in answer.text


@pytest.mark.spec("AUD-4", "SEC-4")
def test_evidence_is_saved_not_shown_and_the_reading_is_on_record(
    support: FlaskClient, as_role: Callable[[str], FlaskClient]
) -> None:
    dispute = a_dispute(uploads=(a_picture(),))
    row = db.session.scalars(select(EvidenceFile)).one()
    given = support.get(path(dispute, f"evidence/{row.id}"))
    assert given.data == a_picture().content
    assert given.headers["Content-Disposition"].startswith("attachment")
    assert given.headers["X-Content-Type-Options"] == "nosniff"
    assert acts("ADMIN_EVIDENCE_VIEWED") == 1
    assert as_role("ops").get(path(dispute, f"evidence/{row.id}")).status_code == 403
    other = a_dispute()
    assert support.get(path(other, f"evidence/{row.id}")).status_code == 404
    assert acts("ADMIN_EVIDENCE_VIEWED") == 1


@pytest.mark.spec("DSP-4", "ACT-8", "ACT")
def test_a_refund_is_seen_first_done_once_and_on_record(support: FlaskClient) -> None:
    dispute = a_dispute()
    page = support.get(path(dispute, "resolve/refund_issued")).text
    assert ">Refund €50.00 and resolve</button>" in page
    assert "data-no-enter" in page
    form = dialog(support, dispute, "refund_issued", amount="15.00")
    first, second = (support.post(path(dispute, "resolve/refund_issued"), data=form) for _ in range(2))
    assert first.status_code == second.status_code == 303
    assert "Dispute resolved" in support.get(second.location).text
    assert db.session.scalars(select(Refund.amount_minor)).all() == [1_500]
    assert acts("ADMIN_DISPUTE_RESOLVED") == 1
    assert "Looked into it" in support.get(path(dispute)).text


@pytest.mark.spec("ACT", "DSP-4")
def test_what_was_not_shown_is_shown_before_it_is_done(support: FlaskClient) -> None:
    dispute = a_dispute()
    form = dialog(support, dispute, "refund_issued") | {"amount": "30.00"}
    answer = support.post(path(dispute, "resolve/refund_issued"), data=form)
    assert answer.status_code == 200
    assert ">Refund €30.00 and resolve</button>" in answer.text
    assert fresh_dispute(dispute).status is DisputeStatus.OPEN


@pytest.mark.spec("ACT", "DSP-4")
def test_a_case_that_changed_meanwhile_shows_the_new_preview(support: FlaskClient) -> None:
    dispute = a_dispute()
    form = dialog(support, dispute, "no_action")
    support.post(path(dispute, "comments"), data={"comment": "Wait"})
    answer = support.post(path(dispute, "resolve/no_action"), data=form)
    assert answer.status_code == 409
    assert "This case changed since you opened it" in answer.text
    assert ">Looked into it</textarea>" in answer.text
    again = {**form, **{name: html.unescape(value) for name, value in _HIDDEN.findall(answer.text)}}
    assert support.post(path(dispute, "resolve/no_action"), data=again).status_code == 303
    late = support.post(path(dispute, "resolve/no_action"), data=form | {"key": "another"}, follow_redirects=True)
    assert "Nothing was done" in late.text


@pytest.mark.spec("DSP-4")
def test_each_outcome_has_its_dialog(admin: FlaskClient, clock: Clock) -> None:
    warned, suspended, moved, dismissed = a_dispute(), a_dispute(), a_dispute(), a_dispute()
    clock.set(sessions.START_AT + timedelta(days=1))
    admin = people.sign_in(admin, people.an_admin())
    for dispute, how, typed in (
        (warned, "warning_sent", {"person": "mentee", "reason": "Please be kind."}),
        (suspended, "account_suspended", {"person": "mentor", "reason": "Abuse in the call"}),
        (moved, "session_rescheduled", {"startsAt": "2028-03-08T10:00"}),
        (dismissed, "dismiss", {}),
    ):
        form = dialog(admin, dispute, how, **typed)
        assert admin.post(path(dispute, f"resolve/{how}"), data=form).status_code == 303, how
    assert session_of(warned).mentee.warnings_count == 1
    assert session_of(suspended).mentor.suspended_at is not None
    follow_up = db.session.scalars(select(MentoringSession).where(MentoringSession.rescheduled_from.is_not(None))).one()
    assert follow_up.rescheduled_from == moved.session_id
    assert fresh_dispute(dismissed).status is DisputeStatus.DISMISSED


@pytest.mark.spec("DSP-4", "ACT")
@pytest.mark.parametrize(
    "how, typed",
    [
        ("refund_issued", {"amount": "many"}),
        ("refund_issued", {"amount": "50.01"}),
        ("refund_issued", {"amount": "0"}),
        ("session_rescheduled", {"startsAt": "soon"}),
        ("session_rescheduled", {"startsAt": ""}),
        ("session_rescheduled", {"startsAt": "2020-01-01T10:00"}),
        ("warning_sent", {"reason": ""}),
        ("no_action", {"notes": ""}),
        ("no_action", {"notes": "x" * 1_001}),
    ],
)
def test_what_cannot_be_used_is_named_and_changes_nothing(
    support: FlaskClient, how: str, typed: dict[str, str]
) -> None:
    dispute = a_dispute()
    form = dialog(support, dispute, how, **{name: value for name, value in typed.items() if name != "notes"}) | typed
    answer = support.post(path(dispute, f"resolve/{how}"), data=form)
    assert answer.status_code == 422
    assert fresh_dispute(dispute).status is DisputeStatus.OPEN
    assert acts("ADMIN_DISPUTE_RESOLVED") == 0


@pytest.mark.spec("DSP-4", "ADM-2")
def test_what_the_role_may_not_do_is_not_offered(support: FlaskClient, admin: FlaskClient) -> None:
    dispute = a_dispute()
    assert "resolve/account_suspended" in admin.get(path(dispute)).text
    assert "resolve/account_suspended" not in support.get(path(dispute)).text
    assert support.get(path(dispute, "resolve/account_suspended")).status_code == 403
    assert support.post(path(dispute, "resolve/account_suspended"), data={}).status_code == 403
    assert support.get(path(dispute, "resolve/nonsense")).status_code == 404


@pytest.mark.spec("ADM-2")
def test_a_party_who_became_staff_reads_but_does_not_act(app: Any, clock: Clock) -> None:
    former = people.a_mentor()
    dispute = a_dispute(sessions.a_completed_session(mentor=former))
    with transaction():
        db.session.get_one(User, former.id).role = Role.ADMIN
    browser = people.sign_in(app.test_client(), db.session.get_one(User, former.id))
    page = browser.get(path(dispute)).text
    assert "You are a party in this case" in page
    assert f'href="{path(dispute, "resolve/refund_issued")}"' not in page
    for act in ("take", "assign", "priority", "write", "comments", "resolve/no_action"):
        assert browser.post(path(dispute, act), data={"notes": "abc"}).status_code == 403, act
    assert fresh_dispute(dispute).status is DisputeStatus.OPEN


@pytest.mark.spec("DSP-4", "MN-9")
def test_a_refund_above_the_limit_says_so_before_and_after(support: FlaskClient) -> None:
    lead = people.an_admin()
    with transaction():
        change_policies({"refund_approval_threshold": "20.00"}, reason="Test", ctx=people.ctx_of(lead))
    dispute = a_dispute()
    form = dialog(support, dispute, "refund_issued")
    page = support.get(path(dispute, "resolve/refund_issued")).text
    assert ">Ask to refund €50.00</button>" in page
    answer = support.post(path(dispute, "resolve/refund_issued"), data=form, follow_redirects=True)
    assert "Waits for a second person" in answer.text
    assert "Awaiting approval" in support.get("/admin/disputes/").text
    assert fresh_dispute(dispute).status is DisputeStatus.IN_PROGRESS


@pytest.mark.spec("DSP-3", "KPI-1")
def test_the_queue_s_count_names_those_that_are_late(support: FlaskClient, clock: Clock) -> None:
    a_dispute()
    a_dispute(category=DisputeCategory.BEHAVIOR)
    escalate_disputes(ctx=context(CLOCK, clock.now + timedelta(hours=4)))
    assert "1 past their promise" in support.get("/admin/").text
