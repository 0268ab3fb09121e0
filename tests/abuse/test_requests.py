"""Requests that no page of ours would send: ids of others, no token, foreign targets, more fields, too much."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.api.endpoints import api
from app.domain.errors import Refused
from app.domain.vocabulary import Party
from app.extensions import db
from app.models import MentoringSession
from tests.abuse.conftest import live_markup
from tests.architecture.matrix import ROWS, Answer, Row
from tests.architecture.matrix_console import CONSOLE_ROWS
from tests.architecture.test_role_matrix import path_of, told, undone, what_is_sent
from tests.architecture.world_of_roles import World
from tests.factories import disputes, people, proposals, sessions
from tests.web.test_redirects import ELSEWHERE
from tests.world import Clock

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
SIGNED_ELSEWHERE = "/api/webhooks/"


# B-1: ids of others


def _nested(world: World) -> Iterator[tuple[str, str, object, dict[str, object]]]:
    """Addresses of one's own session with something of another's in them: method, address, whose, body."""
    other = sessions.a_completed_session()
    theirs = disputes.a_dispute(other, uploads=(disputes.a_picture(),))
    (file,), their_id, reader = theirs.evidence, theirs.id, other.mentee
    people.sign_in(world.app.test_client(), reader)
    login = db.session.scalar(text("SELECT id FROM logins WHERE user_id = :id"), {"id": reader.id})
    mine = world.completed.id
    yield "GET", f"/api/bookings/{mine}/disputes/{world.dispute}/evidence/{{}}", file, {}
    yield "GET", f"/sessions/{mine}/evidence/{{}}", file, {}
    yield "POST", f"/api/bookings/{mine}/disputes/{{}}/answers", their_id, {"json": {"message": "At ten."}}
    yield "POST", f"/sessions/{mine}/disputes/{{}}", their_id, {"data": {"message": "At ten."}}
    yield "POST", f"/sessions/{mine}/notes/{{}}", world.note, {"data": {"body": "Mine now."}}
    yield "POST", "/account/sign-ins/{}/end", login, {}


@pytest.mark.spec("SEC-1", "INV-8")
def test_b01_what_stands_inside_my_own_address_must_be_mine_too(world: World) -> None:
    mine = world.browser("mentee")
    for method, address, foreign, sent in list(_nested(world)):
        answers = []
        for found in (foreign, uuid4()):
            with undone():
                answers.append(told(mine.open(address.format(found), method=method, buffered=True, **sent)))  # type: ignore[arg-type]
        assert answers[0][0] == 404, f"{method} {address}"
        assert answers[0] == answers[1], f"{method} {address} tells what exists from what does not"


@pytest.mark.spec("SEC-1", "INV-8")
def test_b01_an_id_in_a_body_must_fit_the_session_in_the_address(world: World, clock: Clock) -> None:
    other = proposals.a_proposal(Party.MENTOR)
    own = proposals.a_proposal(Party.MENTOR, session=sessions.a_paid_session(mentee=world.mentee))
    mine = world.browser("mentee")
    answers = [
        mine.post(f"/api/bookings/{own.id}/reschedule/respond", json={"requestId": str(wanted), "action": "accept"})
        for wanted in (proposals.open_id(other), uuid4())
    ]
    assert answers[0].status_code in {404, 409}
    assert answers[0].get_json() == answers[1].get_json()
    foreign_offering = people.offering_of(people.a_mentor()).id
    wish = {
        "mentorId": str(world.mentor.id), "scheduledAt": "2028-03-02T10:00:00Z", "meetingType": "video",
        "title": "How to",
    }  # fmt: skip
    booked = [
        mine.post("/api/bookings", json={**wish, "offeringId": str(each)}) for each in (foreign_offering, uuid4())
    ]
    assert booked[0].status_code in {404, 422}
    assert booked[0].get_json() == booked[1].get_json()


@pytest.mark.spec("INV-8", "SEC-1")
def test_b01_lists_counts_and_searches_hold_nothing_of_others(world: World) -> None:
    foreign = sessions.a_paid_session(title="Unmistakable words")
    for identity, pages in {
        "mentee": ("/api/bookings", "/api/bookings?q=Unmistakable", "/api/notifications", "/my/sessions", "/my/credit"),
        "mentor": ("/api/bookings?q=Unmistakable", "/api/mentor/mentees-sessions", "/mentor/schedule"),
    }.items():  # fmt: skip
        browser = world.browser(identity)
        for page in pages:
            answer = browser.get(page)
            assert answer.status_code == 200, page
            assert "Unmistakable words" not in answer.text
            assert str(foreign.id) not in answer.text
            if answer.is_json and "pagination" in answer.get_json()["data"]:
                assert answer.get_json()["data"]["pagination"]["total"] == 0, page


# B-2: requests that another site's page makes


def _unsafe_rules(app: Flask) -> list[tuple[str, str]]:
    return sorted(
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) & UNSAFE
        if not rule.rule.startswith(SIGNED_ELSEWHERE)
    )


@pytest.mark.spec("SEC-2")
def test_b02_no_rule_at_all_acts_without_the_token_of_our_pages(world: World) -> None:
    """Every unsafe rule of the application, also those that are yet to be written; only webhooks are exempt."""
    browser, let_in = world.browser("admin"), []
    rules = _unsafe_rules(world.app)
    ids = {name: uuid4() for _, rule in rules for name in _names(rule)}
    right = {"X-CSRFToken": browser.csrf_token(), "Origin": "https://evil.example"}  # type: ignore[attr-defined]
    for method, rule in rules:
        for headers in ({}, right):
            answer = browser.open(path_of(rule, ids), method=method, headers=headers, csrf=False)
            if answer.status_code != 400:
                let_in.append(f"{method} {rule} {headers} {answer.status_code}")
    assert let_in == []


def _names(rule: str) -> list[str]:
    return [part.split(">")[0].split(":")[-1] for part in rule.split("<")[1:]]


@pytest.mark.spec("SEC-2")
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_b02_a_body_that_any_page_can_post_is_no_json(world: World, kind: str) -> None:
    """What a form of another site can send without asking: even with a token, a program's body is JSON by its type."""
    browser = world.browser("mentee")
    body = json.dumps({"name": "script", "scopes": ["read"]})
    assert browser.post("/api/auth/tokens", data=body, content_type=kind, csrf=False).status_code == 400
    assert browser.post("/api/auth/tokens", data=body, content_type=kind).status_code in {400, 415, 422}
    assert db.session.scalar(text("SELECT count(*) FROM api_tokens")) == 0


@pytest.mark.spec("SEC-2")
def test_b02_a_token_of_before_signing_in_is_worth_nothing_after(world: World) -> None:
    browser, user = world.app.test_client(), world.mentee
    old = browser.csrf_token()  # type: ignore[attr-defined]
    browser.post("/sign-in", data={"email": user.email, "password": people.PASSWORD})
    assert browser.get("/account/profile").status_code == 200
    refused = browser.post("/account/profile", data={"name": "Eve"}, headers={"X-CSRFToken": old}, csrf=False)
    assert refused.status_code == 400


# B-5: targets elsewhere


@pytest.mark.spec("SEC-2")
def test_b05_no_page_leads_elsewhere_whatever_its_address_says(world: World) -> None:
    """``next`` and Flask-Admin's ``url``, through the pages that read them."""
    admin, user = world.browser("admin"), world.mentee
    row = "/admin/users/details/"
    for target in (each for each in ELSEWHERE if "\x00" not in each and "evil" in each):
        for page in (
            admin.get(row, query_string={"id": user.id, "url": target}),
            admin.get("/admin/users/", query_string={"url": target, "next": target}),
            world.app.test_client().get("/sign-in", query_string={"next": target}),
            admin.get("/account/confirm-password", query_string={"next": target}),
        ):
            assert page.status_code in {200, 302}, target
            assert not (page.location or "").startswith(("//", "http:", "https:", "\\", "javascript")), target
            assert live_markup(page) == []
            assert _foreign_links(page) == [], target


def _foreign_links(page: TestResponse) -> list[str]:
    found = [part.split('"')[0] for part in page.text.split('href="')[1:]]
    return [link for link in found if "evil" in link and not link.startswith(("/admin/", "/sign-in", "/register", "?"))]


# B-7: more fields than a form has

_WANTED = {
    "role": "admin", "status": "completed", "price_minor": "1", "rate_minor": "1", "rate": "0.01", "currency": "JPY",
    "platform_share": "0", "balance": "999999", "is_verified": "1", "verified_at": "2020-01-01", "suspended_at": "",
    "is_active": "", "payment_status": "paid", "refund_percentage": "100", "policy_version_id": str(uuid4()),
    "password_hash": "x", "id": str(uuid4()), "warnings_count": "-1", "created_at": "2000-01-01",
}  # fmt: skip
_CAMEL = ("role", "status", "rateMinor", "priceMinor", "platformShare", "balance", "createdAt", "verifiedAt")


@pytest.mark.spec("SEC-5", "API-1")
def test_b07_no_endpoint_takes_a_field_that_it_does_not_name() -> None:
    for endpoint in api.endpoints.values():
        for model in (endpoint.body, endpoint.query):
            if model is not None:
                assert model.model_config.get("extra") == "forbid", endpoint.name


@pytest.mark.spec("SEC-5", "API-1")
@pytest.mark.parametrize("field", _CAMEL)
def test_b07_a_booking_with_one_more_field_is_refused_by_its_name(world: World, field: str) -> None:
    wish = {
        "mentorId": str(world.mentor.id), "offeringId": str(world.offering.id), "scheduledAt": "2028-03-01T10:00:00Z",
        "meetingType": "video", "title": "How to lead a team", field: "1",
    }  # fmt: skip
    answer = world.browser("mentee").post("/api/bookings", json=wish)
    assert answer.status_code == 422
    assert field in answer.get_json()["error"]["fields"]
    assert db.session.scalar(text("SELECT count(*) FROM sessions")) == 0


def _what_no_form_writes() -> list[object]:
    """Columns that no party's form may touch, of all rows."""
    users = "SELECT id, role, email, is_active, suspended_at, password_hash, warnings_count, created_at FROM users"
    money = "SELECT id, rate_minor, currency, policy_version_id, payment_status, created_at FROM sessions"
    proofs = "SELECT user_id, verified_at FROM mentor_profiles"
    owed = "SELECT id, amount_minor, status FROM payments"
    return [sorted(map(str, db.session.execute(text(each)).all())) for each in (users, money, proofs, owed)]


# A new password is what that form is for; an applicant's standing begins anew; a booking has a price of its own.
_THEIR_OWN = ("/account/password", "/reset-password/", "/mentor/apply", "/register", "/sandbox/", "/confirm", "/pay")
_FORMS = [row for row in (*ROWS, *CONSOLE_ROWS) if row.method == "POST" and not row.rule.startswith("/api/")]


@pytest.mark.spec("SEC-5")
def test_b07_no_form_writes_a_column_that_it_does_not_show(app: Flask, clock: Clock) -> None:
    """Every form of the product, sent by somebody who may, with the columns that an attacker would like to set."""
    rows = [row for row in _FORMS if not any(part in row.rule for part in _THEIR_OWN) and row.at is None]
    assert len(rows) > 60
    for _, each in groupby(sorted(rows, key=_needs), key=_needs):
        with undone():
            _send_with_more(World(app), list(each))


_SENDERS = ("mentee", "mentor", "support", "admin", "ops")


def _needs(row: Row) -> str:
    return str((row.ids, row.query, row.data))


def _send_with_more(world: World, rows: list[Row]) -> None:
    prepared = []
    for row in rows:
        sender = next(name for name in _SENDERS if row.expected[name] is Answer.OK)
        prepared.append((row, _ids(world, row), what_is_sent(world, row), world.browser(sender)))
    before = _what_no_form_writes()
    for row, ids, sent, browser in prepared:
        with undone():
            form = {**_WANTED, **(sent.get("data") or {})}
            answer = browser.post(path_of(row.rule, ids), data=form, query_string=sent["query_string"])
            assert answer.status_code < 500, f"{row.name}: {answer.text[:300]}"
            db.session.expire_all()
            if not row.rule.endswith(_BY_DESIGN):
                assert _what_no_form_writes() == before, row.name


# Verifying a mentor and suspending somebody are what these forms are for.
_BY_DESIGN = ("/verify", "/decline", "/suspend", "/reinstate", "/cancel", "/offerings/new")


def _ids(world: World, row: Row) -> dict[str, object]:
    found = {name: world.value(path) for name, path in row.ids.items()}
    return {name: getattr(value, "id", value) for name, value in found.items()}


# B-13: too much, too deep, too often


@pytest.mark.spec("API-1")
def test_b13_a_body_that_is_too_large_or_too_deep_is_refused_before_it_is_used(world: World) -> None:
    browser = world.browser("mentee")
    large = browser.post(
        "/api/bookings", data=b'{"title": "' + b"x" * 10_000_000 + b'"}', content_type="application/json"
    )
    assert large.status_code in {400, 413}
    for body in (
        "[" * 20_000 + "]" * 20_000,
        '{"a":' * 5_000 + "1" + "}" * 5_000,
        "1" * 30_000,
        '{"title": "\\ud800"}',
    ):
        answer = browser.post("/api/bookings", data=body, content_type="application/json")
        assert answer.status_code in {400, 422}, body[:20]
    many = browser.post("/account/profile", data={f"f{number}": "x" for number in range(5_000)})
    assert many.status_code in {400, 413, 422}


@pytest.mark.spec("API-1")
@pytest.mark.parametrize("size", ["1000000", "9223372036854775808", "-1", "0", "1e9", "\uff11\uff10\uff10"])
def test_b13_no_list_gives_more_than_a_page(world: World, size: str) -> None:
    admin, mentee = world.browser("admin"), world.browser("mentee")
    for browser, path in (
        (mentee, "/api/bookings"),
        (mentee, "/api/notifications"),
        (mentee, "/api/mentors"),
        (admin, "/api/admin/sessions"),
        (admin, "/api/admin/disputes"),
    ):
        for name in ("limit", "page"):
            answer = browser.get(path, query_string={name: size})
            is_late_page = name == "page" and answer.status_code == 200
            assert answer.status_code in {400, 422} or is_late_page, f"{path}?{name}={size}: {answer.status_code}"
    for path in ("/admin/users/", "/admin/sessions/"):
        answer = admin.get(path, query_string={"page_size": size, "page": size})
        assert answer.status_code in {200, 400, 422}
        assert answer.text.count("<tr") <= 120


@pytest.mark.spec("BK-3")
def test_b13_nobody_hoards_slots(world: World) -> None:
    mentor, most = people.a_mentor(), 0
    with pytest.raises(Refused) as refusal:
        for day in (1, 2, 3, 6, 7, 8):
            sessions.a_draft(mentee=world.mentee, mentor=mentor, at=sessions.START_AT.replace(day=day))
            most += 1
    assert refusal.value.details["rule"] == "max_open_holds_per_mentee"
    assert 1 <= most <= 5
    held = db.select(db.func.count()).select_from(MentoringSession).where(MentoringSession.mentee_id == world.mentee.id)
    assert db.session.scalar(held) == most


@pytest.mark.spec("API-3")
def test_b13_booking_and_withdrawing_in_a_loop_comes_to_an_end(world: World, limits: None) -> None:
    browser = world.browser("mentee")
    wish = {"mentorId": str(world.mentor.id), "meetingType": "video", "title": "How to", "scheduledAt": "nonsense"}
    answers = [browser.post("/api/bookings", json=wish) for _ in range(12)]
    assert {answer.status_code for answer in answers[:10]} == {422}
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) > 0
