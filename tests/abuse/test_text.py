"""What people type is text wherever it is shown: pages, tables, letters, calendars, logs (B-3, B-4, B-15)."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Callable, Iterator

import pytest
from flask import Flask, current_app
from flask.testing import FlaskClient
from icalendar import Calendar
from sqlalchemy import inspect, text

from app.admin.base import ConsoleView
from app.admin.menu import MENU
from app.domain.money import Money
from app.extensions import db
from app.messaging.render import Branding, render
from app.models import EmailEvent, Payout
from app.money.payouts import preview_payouts, record_payouts
from app.support.analytics.reports import REPORTS
from app.support.bulk_cancel import freeze_picked
from app.support.force_cancel import force_cancel
from tests.abuse.conftest import live_markup
from tests.architecture.matrix import ROWS, Answer, Row
from tests.architecture.matrix_console import CONSOLE_ROWS
from tests.architecture.test_role_matrix import path_of, undone
from tests.architecture.world_of_roles import World
from tests.factories import people, sessions
from tests.factories.people import actor_of
from tests.outbox import RunOutbox
from tests.world import Clock, context

RIGHT_TO_LEFT = "\u202e"
HOSTILE = "Eve\"'><script>alert(1)</script><img src=x onerror=a(2)>{{'tem'~'plated'}}" + RIGHT_TO_LEFT + "evE"
SHOWN = "&lt;script&gt;alert(1)&lt;/script&gt;"

# What people type, by table. Trails are written by acts.
_TYPED = {
    "users": ("name",),
    "mentor_profiles": ("headline", "bio"),
    "mentor_offerings": ("title", "description"),
    "sessions": ("title", "description", "cancellation_reason"),
    "session_notes": ("body",),
    "admin_session_notes": ("note",),
    "session_reviews": ("comment",),
    "session_disputes": ("reason", "description"),
    "evidence_files": ("original_name",),
    "dispute_comments": ("body",),
    "messages": ("body",),
    "notifications": ("title", "body"),
    "refunds": ("reason", "last_error"),
    "outbox": ("last_error",),
    "email_events": ("subject",),
    "reason_snippets": ("text",),
    "reschedule_requests": ("reason",),
    "api_tokens": ("name",),
}


def _poison() -> None:
    tables = inspect(db.engine if hasattr(db.engine, "connect") else db.engines[None]).get_table_names()
    for table, columns in _TYPED.items():
        if table not in tables:
            continue
        known = {each["name"] for each in inspect(db.session.connection()).get_columns(table)}
        for column in known.intersection(columns):
            db.session.execute(text(f"UPDATE {table} SET {column} = :words"), {"words": HOSTILE})
    db.session.commit()


@pytest.fixture
def hostile(world: World, clock: Clock) -> World:
    """A world whose people typed ``HOSTILE`` into everything, and whose staff did so into the audit trail."""
    for name in ("completed", "dispute", "evidence", "review", "own_note", "note", "failed_refund", "letter",
                 "notification", "applicant", "token_of_mentee", "dead_job", "waiting_refund"):  # fmt: skip
        world.value(name)
    ended = sessions.a_paid_session(at=sessions.START_AT.replace(day=9))
    force_cancel(
        ended.id, reason=HOSTILE, refund_percentage=0, notify_parties=True, fingerprint=None,
        ctx=context(actor_of(world.support), clock.now),
    )  # fmt: skip
    _poison()
    return world


_KNOWN = {
    "session", "completed", "dispute", "evidence", "note", "own_note", "review", "letter", "applicant", "mentor",
    "failed_refund", "waiting_refund", "dead_job", "offering", "report", "mentee",
}  # fmt: skip
_PAGES = [
    row for row in (*ROWS, *CONSOLE_ROWS)
    if row.method == "GET" and set(row.ids.values()) <= _KNOWN and row.at is None and not row.rule.startswith("/api/")
]  # fmt: skip


def _readers(row: Row) -> list[str]:
    staff = next(([name] for name in ("admin", "support", "ops") if row.expected[name] is Answer.OK), [])
    return staff + [name for name in ("mentee", "mentor") if row.expected[name] is Answer.OK]


@pytest.mark.spec("SEC-4", "ADM-4")
def test_b03_no_page_runs_what_somebody_typed(hostile: World) -> None:
    """Every page of the product over a world of bad intentions: shown as text, on every one of them."""
    browsers = {name: hostile.browser(name) for name in ("admin", "support", "ops", "mentee", "mentor")}
    prepared = [(row, {name: hostile.value(path) for name, path in row.ids.items()}) for row in _PAGES]
    asked = [(row, {name: getattr(each, "id", each) for name, each in ids.items()}) for row, ids in prepared]
    where_shown = set()
    for row, ids in asked:
        for name in _readers(row):
            with undone():
                page = browsers[name].get(path_of(row.rule, ids))
            if page.mimetype != "text/html":
                continue
            assert page.status_code < 500, row.name
            # A letter has styles of its own, in a frame that runs nothing.
            live = [each for each in live_markup(page) if " style=" not in each or "body.html" not in row.rule]
            assert live == [], f"{row.name} as {name}"
            assert "templated" not in page.text
            assert RIGHT_TO_LEFT not in page.text, f"{row.name}: a name turns the line around (B-15)"
            if SHOWN in page.text:
                where_shown.add(row.rule)
    assert len(where_shown) >= 25, f"this proves little: it is shown on {sorted(where_shown)} only"


@pytest.mark.spec("SEC-4", "ADM-1", "AUD-1")
def test_b03_no_table_of_the_console_runs_what_somebody_typed(hostile: World) -> None:
    """Lists and rows of every generated view; the audit trail is among them."""
    admin, shown = hostile.browser("admin"), set()
    for view in [each for each in hostile.app.extensions[MENU] if isinstance(each, ConsoleView)]:
        row = db.session.query(view.model).first()
        key = ",".join(str(value) for value in inspect(row).identity) if row is not None else None
        pages = [admin.get(f"{view.url}/?tab=all")]
        pages += [admin.get(f"{view.url}/details/", query_string={"id": key})] if key else []
        for page in pages:
            assert page.status_code == 200, view.name
            assert live_markup(page) == [], view.name
            assert RIGHT_TO_LEFT not in page.text, view.name
            if SHOWN in page.text:
                shown.add(view.endpoint)
    assert {"console_staff_trail", "console_users", "console_session_reviews"} <= shown
    assert len(shown) >= 12


@pytest.mark.spec("SEC-4", "EM-1")
def test_b03_letters_and_calendars_hold_it_as_text(hostile: World, client: FlaskClient) -> None:
    mentee, session = hostile.mentee, hostile.session
    db.session.refresh(session)
    branding = Branding.of(current_app.extensions["desk-settings"])
    sessions.a_cancelled_session(mentee=mentee, at=sessions.START_AT.replace(day=10), title=HOSTILE)
    letters = [render(event, branding) for event in db.session.scalars(db.select(EmailEvent))]
    assert len(letters) >= 5
    for letter in letters:
        assert "<script" not in letter.html
        assert "<img src=x" not in letter.html
        assert RIGHT_TO_LEFT not in letter.html + letter.text
    browser = hostile.browser("mentee")
    (event,) = Calendar.from_ical(browser.get(f"/sessions/{session.id}/calendar.ics").data).walk("VEVENT")
    assert str(event["summary"]).startswith(HOSTILE)


# B-4: cells that a spreadsheet would run

FORMULAS = [f"{sign}HYPERLINK(1)" for sign in ("=", "+", "-", "@", "\t=", "\r=", "\n=")]
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")


def _cells(answer: str) -> Iterator[tuple[str, str]]:
    for row in csv.DictReader(io.StringIO(answer, newline="")):
        yield from row.items()


def _is_number(cell: str) -> bool:
    return cell.removeprefix("-").replace(".", "", 1).isdigit()


def _exported_sessions(world: World) -> list[str]:
    return [world.browser("admin").get("/admin/sessions/export.csv").text]


def _exported_over_the_api(world: World) -> list[str]:
    return [world.browser("admin").get("/api/admin/sessions/export").text]


def _exported_trails(world: World) -> list[str]:
    browser = world.browser("admin")
    pages = [browser.get(f"/admin/audit/export/{name}.csv") for name in ("staff-acts", "session-log")]
    assert all(page.status_code == 200 for page in pages)
    return [page.text for page in pages]


def _reports(world: World) -> list[str]:
    browser = world.browser("admin")
    pages = [browser.get(f"/admin/analytics/{name}.csv?days=90") for name in REPORTS]
    assert all(page.status_code == 200 for page in pages)
    return [page.text for page in pages]


def _payout_file(world: World) -> list[str]:
    ctx = people.ctx_of(world.admin)
    seen = preview_payouts("EUR", minimum=Money(0, "EUR"), ctx=ctx).fingerprint
    record_payouts("EUR", minimum=Money(0, "EUR"), reference="=1+1", fingerprint=seen, reason="Monthly", ctx=ctx)
    batch = db.session.scalars(db.select(Payout.batch_id).limit(1)).one()
    return [world.browser("admin").get(f"/admin/pay-out/batches/{batch}.csv").text]


def _bulk_report(world: World) -> list[str]:
    ahead = [sessions.a_paid_session(title=words, at=sessions.START_AT.replace(day=27)).id for words in FORMULAS]
    bulk = freeze_picked(ahead, ctx=people.ctx_of(world.support))
    return [world.browser("support").get(f"/admin/bulk-cancels/{bulk}.csv").text]


_FILES: dict[str, Callable[[World], list[str]]] = {
    "/admin/sessions/export.csv": _exported_sessions,
    "/api/admin/sessions/export": _exported_over_the_api,
    "/admin/audit/export/<name>.csv": _exported_trails,
    "/admin/analytics/<name>.csv": _reports,
    "/admin/pay-out/batches/<uuid:batch_id>.csv": _payout_file,
    "/admin/bulk-cancels/<uuid:bulk_id>.csv": _bulk_report,
}


@pytest.mark.spec("SL-3")
def test_b04_every_file_for_spreadsheets_is_tried_here(shared_app: Flask) -> None:
    rules = {rule.rule for rule in shared_app.url_map.iter_rules() if rule.rule.endswith((".csv", "/export"))}
    assert rules - set(_FILES) == set(), "give each new file for spreadsheets a line in _FILES"


@pytest.mark.spec("SL-3", "SEC-4", "AUD-1", "AN-1", "MN-10")
@pytest.mark.parametrize("rule", sorted(_FILES))
def test_b04_csv_formulas(world: World, clock: Clock, rule: str) -> None:
    for day, words in zip((1, 2, 3, 6, 7, 8, 9), FORMULAS, strict=True):
        mentor, mentee = people.a_mentor(name=words), people.a_mentee(name=words)
        held = sessions.a_completed_session(mentor=mentor, mentee=mentee, title=words)
        called_off = sessions.a_paid_session(
            mentor=mentor, mentee=mentee, at=sessions.START_AT.replace(day=day, hour=14)
        )
        force_cancel(
            called_off.id, reason=f"{words} and more", refund_percentage=100, notify_parties=False, fingerprint=None,
            ctx=context(actor_of(world.support), clock.now),
        )  # fmt: skip
        db.session.execute(text("UPDATE sessions SET title = :t WHERE id = :id"), {"t": words, "id": held.id})
    db.session.commit()
    clock.advance(days=20)
    found = [cell for each in _FILES[rule](world) for cell in _cells(each)]
    assert any("HYPERLINK" in (cell or "") for _, cell in found), "this file shows nothing that people typed"
    would_run = [(name, cell) for name, cell in found if cell and cell.startswith(_DANGEROUS) and not _is_number(cell)]
    assert would_run == []
    names = {name.lower() for name, _ in found if name}
    assert not any(word in name for name in names for word in ("password", "token", "secret"))


# B-15: one line stays one line


@pytest.mark.spec("SEC-6", "OPS-5")
def test_b15_no_header_writes_a_line_of_the_log(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    evil = "x\u2028user=admin \x1b[2J"
    with caplog.at_level(logging.INFO):
        client.get("/nowhere/%0d%0aforged%20line", headers={"User-Agent": evil.encode().decode("latin-1"),
                                                          "X-Request-ID": "forged request-id"})  # fmt: skip
    told = "".join(record.getMessage() for record in caplog.records)
    assert "forged" not in told
    assert "\x1b" not in told


@pytest.mark.spec("EM-1", "SEC-4")
def test_b15_a_name_of_two_lines_makes_no_header_and_no_calendar_line(
    client: FlaskClient, run_outbox: RunOutbox
) -> None:
    name = "Eve\r\nBcc: all@people.example\r\nATTENDEE:mailto:all@people.example"
    mentor = people.a_mentor(name=name)
    session = sessions.a_paid_session(mentor=mentor, title=f"Talk{name}")
    branding = Branding.of(current_app.extensions["desk-settings"])
    for event in db.session.scalars(db.select(EmailEvent)):
        message = render(event, branding).as_message()
        assert message["Bcc"] is None
        assert "\n" not in message["Subject"]
    people.sign_in(client, session.mentee)
    (entry,) = Calendar.from_ical(client.get(f"/sessions/{session.id}/calendar.ics").data).walk("VEVENT")
    assert "ATTENDEE" not in entry
    assert {state for kind, state in run_outbox(kind="mail.send")} == {"done"}
