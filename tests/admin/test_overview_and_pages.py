"""The overview, the audit pages, the mailbox and operations."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from app.domain.vocabulary import OutboxState
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import AdminAuditTrail, EmailEvent, OutboxRow, SessionAuditLog
from app.support.force_cancel import force_cancel
from tests.admin.conftest import Statements
from tests.factories import people, sessions
from tests.world import Clock

Browser = Callable[[str], FlaskClient]


def act(session: Any) -> None:
    force_cancel(session.id, reason="Mentor is ill", fingerprint=None, ctx=people.ctx_of(people.a_support_agent()))


@pytest.mark.spec("KPI-1", "SL-4")
@pytest.mark.parametrize("days", [7, 30, 90, 365])
def test_the_overview_costs_five_statements_at_most(support: FlaskClient, statements: Statements, days: int) -> None:
    sessions.a_cancelled_session()
    statements.clear()
    assert support.get(f"/admin/?days={days}").status_code == 200
    assert len(statements) <= 5, statements.all


@pytest.mark.spec("KPI-1")
def test_cards_compare_with_the_period_before_and_link_to_their_lists(as_role: Browser, clock: Clock) -> None:
    sessions.a_completed_session()
    clock.set(sessions.START_AT + timedelta(days=1))
    support = as_role("support")
    page = support.get("/admin/?days=7").text
    card = re.search(r'<a class="kpi" href="([^"]+)">\s*<span class="kpi-label">Completed</span>\s*<span[^>]*>1<', page)
    assert card
    listed = support.get(card[1].replace("&amp;", "&"))
    assert listed.text.count('<a class="clip" href="/admin/sessions/') == 1


@pytest.mark.spec("KPI-2")
def test_charts_are_data_beside_the_page_and_each_point_is_a_link(as_role: Browser, clock: Clock) -> None:
    sessions.a_completed_session()
    clock.set(sessions.START_AT + timedelta(days=1))
    support = as_role("support")
    page = support.get("/admin/?days=7").text
    found = re.search(r'<script type="application/json" id="over-time">(.*?)</script>', page, re.DOTALL)
    assert found
    chart = json.loads(found[1])
    completed = chart["series"][0]
    at = completed["values"].index(1)
    listed = support.get(completed["links"][at])
    assert listed.text.count('<a class="clip" href="/admin/sessions/') == 1


@pytest.mark.spec("KPI-3")
def test_what_waits_comes_first_and_leads_to_its_list(support: FlaskClient) -> None:
    assert "Nothing waits for you right now." in support.get("/admin/").text
    people.a_mentor(is_verified=False)
    page = support.get("/admin/").text
    assert "Mentor applications" in page
    assert "/admin/mentors/?tab=waiting" in page


@pytest.mark.spec("KPI-3")
def test_a_session_past_its_end_waits_in_its_queue(as_role: Browser, clock: Clock) -> None:
    session = sessions.a_running_session()
    clock.set(session.scheduled_at + timedelta(hours=5))
    support = as_role("support")
    page = support.get("/admin/").text
    assert "/admin/sessions/?queue=overdue" in page
    assert str(session.id) in support.get("/admin/sessions/?queue=overdue").text


@pytest.mark.spec("ADM-2")
def test_the_sidebar_offers_only_what_the_reader_may_open(as_role: Browser) -> None:
    assert "/admin/users/" not in as_role("ops").get("/admin/").text
    assert "/admin/users/" in as_role("support").get("/admin/").text


@pytest.mark.spec("AUD-1")
def test_a_staff_act_leads_to_its_session_and_back(support: FlaskClient) -> None:
    session = sessions.a_paid_session()
    act(session)
    row = db.session.scalars(select(AdminAuditTrail)).one()
    trail = support.get("/admin/staff-trail/").text
    assert "ADMIN_FORCE_CANCEL" in trail
    assert f"/admin/sessions/{session.id}" in trail
    assert f"/admin/staff-trail/?search={row.seq}" in support.get(f"/admin/sessions/{session.id}").text
    assert "Mentor is ill" in support.get(f"/admin/staff-trail/?search={row.seq}").text
    details = support.get(f"/admin/staff-trail/details/?id={row.id}").text
    assert row.hash in details
    assert "refundPercentage" in details


@pytest.mark.spec("AUD-1")
def test_the_session_log_is_found_by_session_and_by_action(support: FlaskClient) -> None:
    session = sessions.a_paid_session()
    other = sessions.a_paid_session(title="Another topic")
    page = support.get(f"/admin/session-log/?search={session.id}").text
    assert session.title in page
    assert other.title not in page
    assert "booking_created" in support.get("/admin/session-log/?search=booking_created").text


@pytest.mark.spec("AUD-1", "AUD-4", "ADM-2")
def test_only_admins_export_the_trails_and_that_is_on_record(as_role: Browser) -> None:
    session = sessions.a_paid_session()
    act(session)
    assert as_role("support").get("/admin/audit/export/staff-acts.csv").status_code == 403
    assert "/admin/audit/export/" not in as_role("support").get("/admin/staff-trail/").text
    admin = as_role("admin")
    assert "/admin/audit/export/staff-acts.csv" in admin.get("/admin/staff-trail/").text
    found = list(csv.DictReader(io.StringIO(admin.get("/admin/audit/export/staff-acts.csv").text)))
    assert [row["action"] for row in found] == ["ADMIN_FORCE_CANCEL", "ADMIN_EXPORT"]
    narrowed = admin.get(f"/admin/audit/export/session-log.csv?search={session.id}")
    assert "session_cancelled" in narrowed.text
    assert admin.get("/admin/audit/export/logins.csv").status_code == 404


@pytest.mark.spec("AUD-2")
@pytest.mark.parametrize("table", ["admin_session_audit_trail", "session_audit_log"])
@pytest.mark.parametrize("change", ["UPDATE {} SET action = 'x'", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_database_refuses_to_change_a_trail(app: Any, clock: Clock, table: str, change: str) -> None:
    act(sessions.a_paid_session())
    with pytest.raises(DBAPIError, match="refused"), db.session.begin_nested():
        db.session.execute(text(change.format(table)))


@pytest.mark.spec("AUD-3")
def test_the_chain_page_names_the_first_row_that_does_not_fit(as_role: Browser) -> None:
    for _ in range(3):
        act(sessions.a_paid_session())
    ops = as_role("ops")
    assert "Every link fits" in ops.post("/admin/audit/verify/").text
    row = db.session.scalars(select(AdminAuditTrail).where(AdminAuditTrail.seq == 2)).one()
    with db.session.begin_nested():
        db.session.execute(text("SET LOCAL session_replication_role = replica"))
        db.session.execute(text("UPDATE admin_session_audit_trail SET reason = 'x' WHERE id = :id"), {"id": row.id})
        db.session.execute(text("SET LOCAL session_replication_role = origin"))
    db.session.commit()
    page = ops.post("/admin/audit/verify/").text
    assert "The chain breaks at row 2" in page
    assert "Its content was changed" in page


@pytest.mark.spec("EM-2", "EM-4")
def test_a_letter_is_read_in_a_frame_that_can_run_nothing(support: FlaskClient) -> None:
    sessions.a_paid_session(title="<script>alert(1)</script>")
    event = db.session.scalars(select(EmailEvent).where(EmailEvent.template == "booking_confirmed")).one()
    page = support.get(f"/admin/mailbox/{event.id}")
    assert "<iframe" in page.text
    assert " sandbox " in page.text
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    body = support.get(f"/admin/mailbox/{event.id}/body.html")
    assert "sandbox" in body.headers["Content-Security-Policy"]
    assert "script-src" not in body.headers["Content-Security-Policy"]
    assert "<script" not in body.text


@pytest.mark.spec("OPS-3")
def test_a_job_that_gave_up_is_tried_again_with_a_reason_on_record(as_role: Browser) -> None:
    sessions.a_paid_session()
    row = db.session.query(OutboxRow).first()
    assert row is not None
    path = f"/admin/operations/jobs/{row.id}/retry"
    ops, support = as_role("ops"), as_role("support")
    assert ops.post(path, data={"reason": "Mail server is back"}).status_code == 422, "it did not give up"
    with transaction():
        row.state = OutboxState.DEAD
    assert "Try again" in ops.get(f"/admin/jobs/details/?id={row.id}").text
    assert support.post(path, data={"reason": "Mail server is back"}).status_code == 403
    assert ops.post(path, data={"reason": "no"}).status_code == 422
    assert ops.post(path, data={"reason": "Mail server is back"}).status_code == 303
    db.session.expire_all()
    assert row.state is OutboxState.QUEUED
    audit = db.session.scalars(select(AdminAuditTrail).where(AdminAuditTrail.action == "ADMIN_JOB_RETRIED")).one()
    assert audit.reason == "Mail server is back"


def test_health_shows_what_is_not_finished(support: FlaskClient) -> None:
    sessions.a_paid_session()
    page = support.get("/admin/operations/").text
    assert "mail.send" in page
    assert "No process has reported yet" in page
    assert db.session.scalars(select(SessionAuditLog)).first() is not None
