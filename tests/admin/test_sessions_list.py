"""The sessions list: what it shows, finds and sorts, and what it costs (SL)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.domain.vocabulary import CancellationCategory, SessionStatus
from app.extensions import db
from app.foundation.progress import Meter, Progress, Stand, read_progress
from app.models import AdminAuditTrail, MentoringSession, User
from app.support import export
from app.support.kpis import LISTS, period_ending_today, read_overview
from app.support.session_filter import COLUMNS, SORTS, SessionFilter, read_filter
from app.support.session_list import list_sessions
from tests.admin.conftest import Statements
from tests.factories import people, sessions
from tests.world import Clock

PATH = "/admin/sessions/"
_ROW = re.compile(r"<a class=clip href=/admin/sessions/([0-9a-f-]{36})>")


def shown(page: Any) -> list[str]:
    """The ids of the rows, in order."""
    return _ROW.findall(page.text)


def rows(count: int, **columns: Any) -> list[MentoringSession]:
    """Plain rows, for lists: what they went through does not matter here."""
    mentor, mentee = people.a_mentor(), people.a_mentee()
    model = sessions.a_scheduled_session()
    made = []
    for number in range(count):
        row = MentoringSession(
            **{
                "mentor_id": mentor.id,
                "mentee_id": mentee.id,
                "title": f"Topic number {number}",
                "status": SessionStatus.COMPLETED,
                "booking_mode": model.booking_mode,
                "scheduled_at": sessions.START_AT + timedelta(hours=number // 3),
                "duration": 30 + 15 * (number % 3),
                "meeting_type": model.meeting_type,
                "rate_minor": 1_000 * (number % 4),
                "currency": "EUR",
                "payment_status": model.payment_status,
                "policy_version_id": model.policy_version_id,
                "created_at": sessions.START_AT - timedelta(days=30) + timedelta(minutes=number // 2),
                "updated_at": sessions.START_AT,
                **columns,
            }
        )
        made.append(row)
    db.session.add_all(made)
    db.session.commit()
    return made


@pytest.mark.spec("SL-1")
def test_a_row_tells_who_when_what_and_how_much(support: FlaskClient) -> None:
    session = sessions.a_paid_session(mentor=people.a_mentor(name="Grace Hopper"), title="How to lead a team")
    page = support.get(PATH)
    assert shown(page) == [str(session.id)]
    for word in ("How to lead a team", "Grace Hopper", session.mentee.name, "Wed 1 Mar, 10:00", "60 min", "€50.00"):
        assert word in page.text
    assert "Scheduled" in page.text


@pytest.mark.spec("SL-4")
@pytest.mark.parametrize("count", [0, 1, 50])
def test_the_list_costs_the_same_whatever_it_shows(support: FlaskClient, statements: Statements, count: int) -> None:
    if count:
        rows(count)
    statements.clear()
    page = support.get(f"{PATH}?sort=mentor&order=asc")
    assert page.status_code == 200
    own = [
        statement for statement in statements.all if "FROM logins" not in statement and "notifications" not in statement
    ]
    queues = [statement for statement in own if "make_interval" in statement and "UNION ALL" in statement]
    assert len(own) - len(queues) <= 3, own
    assert len(statements) <= 5, statements.all


@pytest.mark.spec("SL-4")
def test_a_page_of_fifty_rows_is_light(support: FlaskClient) -> None:
    rows(50)
    assert len(support.get(PATH).data) < 60 * 1024


@pytest.mark.spec("SL-1", "SL-4")
@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("sort", SORTS)
def test_every_column_sorts_the_same_by_key_and_by_page_number(app: Flask, clock: Clock, sort: str, order: str) -> None:
    rows(40)
    rows(5, scheduled_at=None, status=SessionStatus.REJECTED)
    chosen = read_filter({"sort": [sort], "order": [order]}, zone="UTC")

    def page(**place: Any) -> Any:
        return list_sessions(chosen, now=clock.now, size=7, **place)

    by_number = [row.id for number in range(1, 9) for row in page(page=number).rows]
    walked, at = [], page()
    walked += at.rows
    while at.older:
        at = page(after=at.older)
        walked += at.rows
    back = list(at.rows)
    while at.newer:
        at = page(before=at.newer)
        back = [*at.rows, *back]
    assert [row.id for row in walked] == by_number
    assert [row.id for row in back] == by_number
    assert len(set(by_number)) == 47


@pytest.mark.spec("SL-1")
def test_sorting_puts_values_in_order(app: Flask, clock: Clock) -> None:
    rows(12)
    for sort, value in (
        ("rate", "rate_minor"),
        ("duration", "duration"),
        ("title", "title"),
        ("created_at", "created_at"),
    ):
        found = list_sessions(read_filter({"sort": [sort], "order": ["asc"]}, zone="UTC"), now=clock.now).rows
        assert all(getattr(a, value) <= getattr(b, value) for a, b in pairwise(found)), sort


@pytest.mark.spec("SL-4")
def test_newer_and_older_lead_through_the_list_and_back(support: FlaskClient) -> None:
    rows(120)
    first = support.get(PATH)
    older = re.search(r'href="([^"]+)" rel="next"', first.text)
    assert older
    second = support.get(older[1].replace("&amp;", "&"))
    assert "51 to 100" in second.text
    assert not set(shown(first)) & set(shown(second))
    newer = re.search(r'href="([^"]+)" rel="prev"', second.text)
    assert newer
    assert shown(support.get(newer[1].replace("&amp;", "&"))) == shown(first)
    assert shown(support.get(f"{PATH}?page=2")) == shown(second)


@pytest.mark.spec("SL-2")
@pytest.mark.parametrize(
    "query, is_found",
    [
        ("q=lead", True),
        ("q=how+lea", True),
        ("q=grace", True),
        ("q=hopp+gra", True),
        ("q=mentee%40example", True),
        ("q=%25", False),
        ("q=nobody", False),
        ("status=scheduled", True),
        ("status=scheduled&status=completed", True),
        ("status=completed", False),
        ("from=2028-03-01&to=2028-03-01", True),
        ("from=2028-03-02", False),
        ("to=2028-02-29", False),
        ("meeting_type=video", True),
        ("meeting_type=chat", False),
        ("refund=none", True),
        ("refund=failed", False),
        ("reassigned=0", True),
        ("reassigned=1", False),
        ("pending_reschedule=1", False),
        ("cancelled_by=mentor", False),
        ("status=scheduled&q=grace&from=2028-03-01", True),
    ],
)
def test_search_and_filters_find_what_they_say(support: FlaskClient, query: str, is_found: bool) -> None:
    mentor = people.a_mentor(name="Grace Hopper")
    mentee = people.a_mentee(email="mentee@example.org")
    session = sessions.a_paid_session(mentor=mentor, mentee=mentee, title="How to lead a team")
    found = shown(support.get(f"{PATH}?{query}"))
    assert found == ([str(session.id)] if is_found else [])


@pytest.mark.spec("SL-2")
def test_a_session_is_found_by_its_id_and_its_beginning(support: FlaskClient) -> None:
    session = sessions.a_scheduled_session()
    sessions.a_scheduled_session()
    for text in (str(session.id), session.id.hex[:10], str(session.id)[:13]):
        assert shown(support.get(f"{PATH}?q={text}")) == [str(session.id)]


@pytest.mark.spec("SL-2")
def test_people_narrow_the_list_and_a_chip_takes_them_away(support: FlaskClient) -> None:
    session = sessions.a_paid_session(mentor=people.a_mentor(name="Grace Hopper"))
    sessions.a_paid_session()
    page = support.get(f"{PATH}?mentor={session.mentor_id}")
    assert shown(page) == [str(session.id)]
    assert '<span class="chip-key">Mentor</span> <span class="chip-value" title="Grace Hopper">' in page.text
    assert len(shown(support.get(f"{PATH}?mentee={session.mentee_id}"))) == 1


@pytest.mark.spec("ID-7", "SL-2")
def test_a_day_is_the_readers_own(app: Flask, clock: Clock) -> None:
    browser = people.sign_in(app.test_client(), people.a_support_agent(timezone="Pacific/Auckland"))
    session = sessions.a_scheduled_session()  # 10:00 in UTC is 23:00 in Auckland
    late = rows(1, scheduled_at=session.scheduled_at + timedelta(hours=2))[0]  # type: ignore[operator]
    first, second = (shown(browser.get(f"{PATH}?from={day}&to={day}")) for day in ("2028-03-01", "2028-03-02"))
    assert str(session.id) in first
    assert str(late.id) not in first
    assert second == [str(late.id)]


@pytest.mark.spec("SL-4")
def test_counts_are_exact_where_figures_are_kept(app: Flask, clock: Clock) -> None:
    rows(7)
    rows(3, status=SessionStatus.NO_SHOW)
    rows(2, scheduled_at=None, status=SessionStatus.REJECTED)

    def count(**arguments: list[str]) -> Any:
        return list_sessions(read_filter(arguments, zone="Asia/Kolkata"), now=clock.now).count

    assert (count().value, count().cap) == (15, None)
    assert count(status=["no_show"]).value == 3
    # From noon of one UTC day on: an edge counted from rows, and those without a time left out.
    assert count(**{"from": ["2028-03-01"], "to": ["2028-03-01"]}).value == 13
    assert count(**{"from": ["2028-02-28"], "to": ["2028-03-05"], "status": ["rejected"]}).value == 0
    assert count(q=["topic"]).cap == 10_000


@pytest.mark.parametrize(
    "query",
    [
        "page=-5",
        "page=0",
        "page=99999999999999999999",
        "page=x",
        "after=nonsense",
        "after=WzAsMV0",
        "sort=password_hash",
        "order=up",
        "status=bogus",
        "mentor=abc",
        "from=yesterday",
        "from=2028-03-02&to=2028-03-01",
        "from=0001-01-01",
        "to=9999-12-31",
        "reassigned=maybe",
        "queue=nope",
        "zone=Mars",
        "refund=%00",
        "q=" + "x" * 500,
    ],
)
def test_an_address_that_cannot_be_read_is_refused_in_words(support: FlaskClient, query: str) -> None:
    answer = support.get(f"{PATH}?{query}")
    assert answer.status_code == 422
    assert "Show all sessions" in answer.text


@pytest.mark.parametrize("query", ["q=%00", "q=%27+OR+1%3D1", "q=%28%29%26%7C%3A*", "q=%F0%9F%9A%80", "page="])
def test_odd_searches_are_only_searches(support: FlaskClient, query: str) -> None:
    assert support.get(f"{PATH}?{query}").status_code in {200, 422}


@pytest.mark.spec("SEC-6")
def test_what_people_type_stays_text(support: FlaskClient) -> None:
    evil = '<script>alert(1)</script>"><img src=x onerror=y>'
    session = sessions.a_paid_session(title=evil, mentor=people.a_mentor(name=evil))
    for path in (PATH, f"{PATH}{session.id}", f"{PATH}{session.id}/cancel", f"{PATH}?q=%3Cscript%3E"):
        page = support.get(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text


@pytest.mark.spec("SL-3", "AUD-4")
def test_the_export_is_the_filter_safe_for_spreadsheets_and_on_record(support: FlaskClient) -> None:
    sessions.a_paid_session(title="=HYPERLINK(1)", mentor=people.a_mentor(name='+Plus, Quote" and\nline'))
    sessions.a_cancelled_session(title="Cancelled one")
    answer = support.get(f"{PATH}export.csv?status=scheduled")
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    found = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["title"] for row in found] == ["'=HYPERLINK(1)"]
    assert found[0]["mentor"] == "'+Plus, Quote\" and\nline"
    assert (found[0]["rate"], found[0]["currency"], found[0]["scheduled_at"]) == (
        "50.00",
        "EUR",
        "2028-03-01T10:00:00Z",
    )
    row = db.session.scalars(db.select(AdminAuditTrail).order_by(AdminAuditTrail.seq.desc()).limit(1)).one()
    assert (row.action, row.details) == ("ADMIN_EXPORT", {"filter": {"status": ["scheduled"]}})


@pytest.mark.spec("SL-3", "MN-12")
def test_amounts_are_exported_with_their_currencys_decimals(support: FlaskClient) -> None:
    rows(1, currency="JPY", rate_minor=3_500)
    rows(1, currency="KWD", rate_minor=3_500)
    found = list(csv.DictReader(io.StringIO(support.get(f"{PATH}export.csv").text)))
    assert {(row["currency"], row["rate"]) for row in found} >= {("JPY", "3500"), ("KWD", "3.500")}


@pytest.mark.spec("SL-2")
def test_autocomplete_finds_people_of_one_role_by_name_and_address(support: FlaskClient) -> None:
    mentor = people.a_mentor(name="Grace Hopper", email="grace@mentors.example")
    people.a_mentee(name="Grace Mentee")
    for text in ("gra", "hopp", "grace@men"):
        found = support.get(f"{PATH}people?role=mentor&q={text}").json
        assert found == [{"value": str(mentor.id), "text": "Grace Hopper", "note": "grace@mentors.example"}]
    assert support.get(f"{PATH}people?role=mentor&q=").json == []
    for number in range(30):
        people.a_mentee(name=f"Same {number}")
    assert len(support.get(f"{PATH}people?role=mentee&q=same").json) == 20


@pytest.mark.spec("KPI-1")
def test_every_card_counts_the_list_that_it_links_to(app: Flask, clock: Clock) -> None:
    rows(9)
    rows(4, status=SessionStatus.NO_SHOW)
    rows(3, status=SessionStatus.EXPIRED)
    rows(2, status=SessionStatus.REJECTED, scheduled_at=None)
    clock.set(sessions.START_AT + timedelta(days=2))
    for zone in ("UTC", "Asia/Kolkata", "America/Los_Angeles"):
        period = period_ending_today(7, zone=zone, now=clock.now)
        figures, _ = read_overview(period, now=clock.now).totals()
        listed = {name: list_sessions(made(period), now=clock.now).count.value for name, made in LISTS.items()}
        status = figures.by_status
        assert listed["sessions"] == figures.sessions
        assert listed["completed"] == status[SessionStatus.COMPLETED]
        assert listed["no_show"] == status[SessionStatus.NO_SHOW]
        assert listed["cancelled_by_mentor"] == figures.by_canceller["mentor"]
        assert listed["refunded"] == figures.refunded_sessions


@pytest.mark.spec("KPI-1", "SL-4")
def test_kept_figures_and_rows_agree_on_reasons_currencies_and_net_revenue(app: Flask, clock: Clock) -> None:
    rows(4, status=SessionStatus.COMPLETED)
    rows(2, status=SessionStatus.COMPLETED, currency="USD")
    rows(
        3, status=SessionStatus.CANCELLED, cancelled_by="mentee", cancellation_category="illness",
        cancelled_at=sessions.START_AT, refund_status="processed", currency="USD",
    )  # fmt: skip
    rows(
        5, status=SessionStatus.CANCELLED, cancelled_by="mentor", cancellation_category="emergency",
        cancelled_at=sessions.START_AT,
    )  # fmt: skip
    for query, expected in (
        ("in_net=1", 9), ("currency=USD", 5), ("reason=illness", 3), ("reason=illness,emergency", 8),
        ("in_net=1&currency=USD", 5),
    ):  # fmt: skip
        chosen = read_filter(parse_qs(query), zone="UTC")
        found = list_sessions(chosen, now=clock.now)
        assert (found.count.value, len(found.rows)) == (expected, expected), query


def test_a_filter_reads_back_what_it_writes() -> None:
    chosen = SessionFilter(
        zone="UTC", statuses=(SessionStatus.DRAFT, SessionStatus.SCHEDULED), search="a b", reassigned=False,
        reasons=(CancellationCategory.ILLNESS,), currencies=("EUR", "USD"), in_net=True, sort="rate", descending=False,
    )  # fmt: skip
    assert read_filter(chosen.arguments(), zone="UTC") == chosen


def test_users_are_never_listed_with_their_secrets(admin: FlaskClient) -> None:
    user = people.a_mentee()
    page = admin.get(f"/admin/users/details/?id={user.id}")
    assert user.email in page.text
    assert db.session.get(User, user.id).password_hash not in page.text  # type: ignore[union-attr]


@pytest.mark.spec("SL-1", "SL-2")
def test_columns_are_chosen_and_stay_chosen(support: FlaskClient) -> None:
    session = sessions.a_paid_session(mentor=people.a_mentor(name="Grace Hopper"))
    page = support.get(f"{PATH}?columns=title&columns=rate&columns=mentor&status=scheduled")
    assert shown(page) == [str(session.id)]
    heads = re.findall(r'<th scope="col"[^>]*>.*?<a class="sort" href="([^"]+)">([\w ]+)', page.text)
    assert [label.strip() for _, label in heads] == ["Session", "Mentor", "Rate"]
    assert all("columns=title%2Cmentor%2Crate" in url for url, _ in heads)
    assert "Grace Hopper" in page.text
    assert "60 min" not in page.text
    assert '<input type="hidden" name="columns" value="title,mentor,rate">' in page.text
    dialog = support.get(f"{PATH}columns?status=scheduled&columns=title,rate").text
    assert re.findall(r'value="(\w+)" checked>', dialog) == ["rate"]
    assert '<input type="hidden" name="status" value="scheduled">' in dialog
    only = support.get(f"{PATH}?columns=title")
    assert shown(only) == [str(session.id)]
    assert "€50.00" not in only.text


@pytest.mark.spec("SL-1")
def test_every_column_can_be_shown_alone_and_all_of_them_are_the_list(support: FlaskClient) -> None:
    rows(1)
    everything = support.get(PATH).text
    for name in COLUMNS:
        row = re.search(r"<tr><td class=title>.*", support.get(f"{PATH}?columns={name}").text)
        assert row
        for cell in re.findall(r"<td data-label=\"\w+\"([^>]*>.*?)(?=<td|$)", row[0]):
            assert f"<td{cell}" in everything
    assert support.get(f"{PATH}?columns={','.join(COLUMNS)}").text.count("<td") == everything.count("<td")
    assert support.get(f"{PATH}?columns=password_hash").status_code == 422


@pytest.mark.spec("SL-3", "UX-4")
def test_a_download_says_how_far_it_is_to_whoever_began_it(
    as_role: Callable[[str], FlaskClient], support: FlaskClient
) -> None:
    def stand(browser: FlaskClient, word: str) -> Any:
        return browser.get(f"{PATH}export-progress?word={word}").json

    rows(5)
    word = uuid4().hex
    assert stand(support, word) is None
    support.get(f"{PATH}export.csv?word={word}")
    assert stand(support, word) == {"rows": 6, "stand": "done"}
    assert stand(as_role("support"), word) is None
    assert stand(support, "../x") is None


@pytest.mark.spec("UX-4")
def test_a_download_tells_its_rows_on_the_way_and_whether_it_was_broken_off(app: Flask) -> None:
    reader, word, row = uuid4(), uuid4().hex, b"x" * 40_000
    download = export._in_pieces([row] * 1_500, Meter(reader, word))
    for _ in range(1_001):
        next(download)
    assert read_progress(reader, word) == Progress(1_000, Stand.RUNNING)
    download.close()  # type: ignore[attr-defined]
    assert read_progress(reader, word) == Progress(1_001, Stand.BROKEN_OFF)
