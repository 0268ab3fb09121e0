"""The overview, the audit pages, the mailbox and operations."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from app.booking.review import review_session
from app.domain.vocabulary import OutboxState, RefundStatus
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import AdminAuditTrail, EmailEvent, OutboxRow, SessionAuditLog
from app.support.force_cancel import force_cancel
from app.support.queues import waited_then
from tests.admin.conftest import Statements
from tests.factories import people, proposals, sessions
from tests.factories.disputes import a_dispute, a_resolved_dispute
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
    assert listed.text.count("<a class=clip href=/admin/sessions/") == 1


def numbers_of(page: str, name: str) -> dict[tuple[str, str], tuple[str, str | None]]:
    """A chart's table: by row and column what is shown, and the list that it leads to."""
    table = re.search(rf'<table class="data" id="{name}">(.*?)</table>', page, re.DOTALL)
    assert table, name
    heads = [unescape(head) for head in re.findall(r'<th scope="col"[^>]*>(.*?)</th>', table[1])]
    found = {}
    for row in re.findall(r'<tr><th scope="row"[^>]*>(.*?)</tr>', table[1]):
        label, *cells = re.split(r"</th>|<td[^>]*>", row)
        for head, cell in zip(heads[1:], cells[1:], strict=True):
            link = re.search(r'href="([^"]+)">(.*?)</a>', cell)
            text = unescape(link[2] if link else cell.removesuffix("</td>"))
            found[label, head] = (text, unescape(link[1]) if link else None)
    return found


def cards_of(page: str) -> dict[str, str]:
    """Each card's list by its label."""
    found = re.findall(r'<a class="kpi" href="([^"]+)">\s*<span class="kpi-label">(.*?)</span>', page)
    return {unescape(label): unescape(href) for href, label in found}


def listed(client: FlaskClient, path: str | None) -> int:
    assert path is not None
    return client.get(path).text.count("<a class=clip href=/admin/sessions/")


@pytest.mark.spec("KPI-1")
def test_each_card_leads_to_exactly_what_it_counts(as_role: Browser, clock: Clock) -> None:
    sessions.a_completed_session()
    cancelled = sessions.a_cancelled_session(at=sessions.START_AT + timedelta(hours=2))
    done = sessions.a_completed_session(at=sessions.START_AT + timedelta(hours=4))
    clock.set(sessions.START_AT + timedelta(hours=8))
    review_session(done.id, rating=4, comment="Just as I hoped", ctx=people.ctx_of(done.mentee))
    with transaction():
        db.session.get_one(type(cancelled), cancelled.id).refund_status = RefundStatus.PROCESSED
    clock.set(sessions.START_AT + timedelta(days=1))
    support = as_role("support")
    cards = cards_of(support.get("/admin/?days=7").text)
    assert listed(support, cards["Net revenue"]) == 3, "two were completed, one was refunded"
    assert listed(support, cards["Refunds issued"]) == 1
    assert listed(support, cards["Cancelled by mentees"]) == 1
    reviews = support.get(cards["Average rating"]).text
    assert "Just as I hoped" in reviews
    other_day = (sessions.START_AT + timedelta(days=1)).date()
    later = cards_of(support.get(f"/admin/?from={other_day}&to={other_day}").text)
    assert "Just as I hoped" not in support.get(later["Average rating"]).text


@pytest.mark.spec("KPI-1")
def test_what_waits_is_compared_with_what_waited_when_the_period_began(as_role: Browser, clock: Clock) -> None:
    over = [sessions.a_completed_session() for _ in range(2)]
    a_resolved_dispute()
    for _ in range(2):
        a_dispute()
    proposals.a_proposal()
    clock.advance(days=3)
    for session in over:
        a_dispute(session)
    assert set(waited_then(clock.now - timedelta(days=1)).values()) == {2, 1}
    assert set(waited_then(clock.now - timedelta(days=30)).values()) == {0}
    support = as_role("support")
    day = (clock.now - timedelta(days=1)).date()
    page = re.sub(r"<[^>]+>", " ", support.get(f"/admin/?from={day}&to={clock.now.date()}").text)
    told = re.sub(r"\s+", " ", page)
    assert f"Open disputes 4 100 % on {day.day} {day:%b}," in told
    assert f"Pending reschedules 1 No change on {day.day} {day:%b}, oldest" in told
    assert "Failed refunds 0 None waits" in told


@pytest.mark.spec("KPI-1", "KPI-2")
def test_any_range_of_a_year_can_be_chosen(as_role: Browser, clock: Clock) -> None:
    sessions.a_completed_session()
    clock.set(sessions.START_AT + timedelta(days=200))
    support = as_role("support")
    day = sessions.START_AT.date()
    for path in ("/admin/", "/admin/charts"):
        assert f'value="{day}"' in support.get(f"{path}?from={day}&to={day}").text
        assert support.get(f"{path}?from={day}&to=2020-01-01").status_code == 422
        assert "Both days are written like" in support.get(f"{path}?from=soon&to={day}").text
    assert f"from={day}&amp;to={day}" in support.get(f"/admin/?from={day}&to={day}").text, "the charts' link"


@pytest.mark.spec("KPI-2")
def test_every_number_of_a_chart_leads_to_the_sessions_that_it_counts(as_role: Browser, clock: Clock) -> None:
    sessions.a_completed_session()
    sessions.a_completed_session(at=sessions.START_AT + timedelta(hours=4))
    sessions.a_cancelled_session(at=sessions.START_AT + timedelta(days=1))
    clock.set(sessions.START_AT + timedelta(days=2))
    support = as_role("support")
    assert 'data-later="/admin/charts?days=7"' in support.get("/admin/?days=7").text
    page = support.get("/admin/charts?days=7").text
    day = f"{sessions.START_AT.day} {sessions.START_AT:%b}"
    for name, at, count in (
        ("over-time", (day, "Completed"), 2),
        ("by-status", ("Cancelled", "Sessions"), 1),
        ("reasons", ("Schedule conflict", "By mentees"), 1),
    ):
        text, link = numbers_of(page, name)[at]
        assert text == str(count)
        assert listed(support, link) == count, name
    money = numbers_of(page, "money-EUR")
    assert money[day, "Revenue"][0] == "€100.00"
    assert listed(support, money[day, "Revenue"][1]) == 2
    assert money[day, "Refunds"] == ("€0.00", None)


@pytest.mark.spec("KPI-2", "SL-4")
@pytest.mark.parametrize("days", [30, 365])
def test_the_charts_cost_two_statements_whatever_the_range(
    support: FlaskClient, statements: Statements, days: int
) -> None:
    sessions.a_cancelled_session()
    support.get("/admin/")
    statements.clear()
    assert support.get(f"/admin/charts?days={days}").status_code == 200
    assert len(statements) <= 3, statements.all  # one of them counts what waits, which the sidebar shows


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
