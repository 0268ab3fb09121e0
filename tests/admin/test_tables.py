"""The generated views: all of them, by every role, with whatever an address may say (ADM-1, ADM-2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import inspect, select
from sqlalchemy.exc import IntegrityError

from app.admin.base import ConsoleView
from app.admin.guard import ConsolePage
from app.admin.menu import MENU
from app.domain.errors import Conflict
from app.domain.permissions import PERMISSIONS, Permission
from app.domain.vocabulary import Role
from app.extensions import Base, db
from app.foundation.transaction import transaction
from app.messaging.notify import notify
from app.models import LedgerTransaction, MentorProfile, OutboxRow, Payment, Refund
from tests.admin.conftest import Statements
from tests.factories import people, sessions

# Tables that hold secrets, are only figures, or have written pages of their own: no view of them.
_WITHOUT = {
    "logins", "password_resets", "recovery_codes", "registrations", "phone_numbers", "idempotency_keys",
    "session_daily_figures", "review_daily_figures", "saved_views", "session_notes", "messages", "evidence_files",
    "dispute_comments", "precedents", "bulk_cancels", "bulk_cancel_items",
}  # fmt: skip
# The same in every process: parametrized ids must agree between the workers of one run.
NOBODY = "7cf00515-af63-4e98-bfdf-e5a61d737230"
_SECRETS = ("password_hash", "token_hash", "totp_secret", "code_hash", "calendar_token_hash", "claim_token", "payload")


def views(app: Flask) -> list[Any]:
    return [view for view in app.extensions[MENU] if isinstance(view, ConsoleView)]


def start(view: Any) -> str:
    return f"{view.url}/"


@pytest.fixture
def lively(app: Flask, clock: Any) -> None:
    """A row in many of the tables."""
    session = sessions.a_cancelled_session()
    sessions.a_completed_session()
    people.a_mentor(is_verified=False)
    with transaction():
        notify(session.mentee_id, "session_cancelled", title="T", body="B", ctx=people.ctx_of(session.mentee))


@pytest.mark.spec("ADM-1")
def test_every_table_has_a_view_or_a_reason(app: Flask) -> None:
    seen = {view.model.__tablename__ for view in views(app)}
    tables = {mapper.class_.__tablename__ for mapper in Base.registry.mappers}
    assert tables - seen == _WITHOUT


@pytest.mark.spec("ADM-2")
def test_a_view_that_names_no_permission_does_not_start(app: Flask) -> None:
    class Forgotten(ConsolePage):
        pass

    with pytest.raises(RuntimeError, match="Forgotten"):
        Forgotten(name="Forgotten")


@pytest.mark.spec("ADM-1")
def test_nothing_is_created_changed_or_deleted_by_a_form(app: Flask) -> None:
    generated = {rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/admin/")}
    for view in views(app):
        assert not any((view.can_create, view.can_edit, view.can_delete))
        for route in ("new/", "edit/", "delete/", "action/", "ajax/update/", "ajax/lookup/"):
            assert f"{start(view)}{route}" not in generated
    assert not any(rule.startswith("/admin/static") for rule in generated)


@pytest.mark.spec("ADM-1", "SEC-6")
def test_no_view_shows_a_secret(app: Flask) -> None:
    for view in views(app):
        shown = {name for name, _ in (*view._list_columns, *view._details_columns)}
        allowed = {"payload"} if view.model.__tablename__ == "webhook_events" else set()
        assert not shown & (set(_SECRETS) - allowed), view.name


@pytest.mark.spec("ADM-2")
@pytest.mark.parametrize("role", ["anonymous", "mentee", "mentor", "support", "admin", "ops"])
def test_each_role_opens_what_the_permission_table_says(
    app: Flask, as_role: Callable[[str], FlaskClient], role: str
) -> None:
    browser = as_role(role)
    for view in app.extensions[MENU]:
        answer = browser.get(f"{view.url}/")
        if role == "anonymous":
            assert (answer.status_code, answer.location[:9]) == (302, "/sign-in?"), view.name
            continue
        has = PERMISSIONS[Role(role)]
        may = Permission.CONSOLE_ENTER in has and view.permission in has
        assert answer.status_code in ({200, 302} if may else {403}), (view.name, answer.status_code)


@pytest.mark.spec("ADM-1", "SL-4")
@pytest.mark.usefixtures("lively")
def test_every_list_and_every_row_opens_with_few_statements(
    app: Flask, admin: FlaskClient, statements: Statements
) -> None:
    for view in views(app):
        statements.clear()
        page = admin.get(f"{start(view)}?tab=all")
        assert page.status_code == 200, view.name
        assert len(statements) <= 5, (view.name, statements.all)
        row = db.session.query(view.model).first()
        if row is None:
            continue
        key = ",".join(str(value) for value in inspect(row).identity)
        details = admin.get(f"{start(view)}details/", query_string={"id": key})
        assert details.status_code == 200, view.name


@pytest.mark.spec("ADM-1")
@pytest.mark.usefixtures("lively")
@pytest.mark.parametrize(
    "query",
    [
        "page=-5",
        "page=100000000000000000000",
        "page=x",
        "page_size=100000",
        "page_size=-1",
        "search=%00",
        "search=%25%27",
        f"search={NOBODY}",
        "search=ada",
        "sort=999",
        "sort=-1&desc=1",
        "sort=0&desc=1",
        "tab=nonsense",
        "flt0_0=bogus",
        "flt0_status_is=bogus",
        "flt0_role_is=bogus",
        "flt0_created_on_days=yesterday",
        "flt0_session_is=nope",
    ],
)
def test_no_address_breaks_a_list(app: Flask, admin: FlaskClient, query: str) -> None:
    for view in views(app):
        answer = admin.get(f"{start(view)}?{query}")
        assert answer.status_code == 200, (view.name, answer.status_code)


@pytest.mark.spec("B-1")
@pytest.mark.parametrize("id_", ["abc", "", "%00", NOBODY, "1,2,3"])
def test_a_row_that_is_none_is_not_found(app: Flask, admin: FlaskClient, id_: str) -> None:
    for view in views(app):
        answer = admin.get(f"{start(view)}details/?id={id_}")
        assert answer.status_code in ({404} if id_ else {302, 404}), (view.name, answer.status_code)


@pytest.mark.spec("ADM-1")
def test_every_filter_that_is_offered_works(app: Flask, admin: FlaskClient) -> None:
    samples = {
        "datepicker": "2028-03-01",
        "daterangepicker": "2028-03-01 to 2028-03-02",
        "datetimepicker": "2028-03-01 10:00",
    }
    for view in views(app):
        for index, chosen in enumerate(view._filters or ()):
            options = chosen.get_options(view)
            value = options[0][0] if options else samples.get(str(chosen.data_type), NOBODY)
            name = view.get_filter_arg(index, chosen)
            answer = admin.get(start(view), query_string={f"flt0_{name}": value, "tab": "all"})
            assert answer.status_code == 200, (view.name, name)


def test_people_are_found_by_name_address_and_id(admin: FlaskClient) -> None:
    user = people.a_mentee(name="Grace Hopper", email="grace@mentees.example")
    people.a_mentee(name="Somebody Else")
    for text in ("hopp", "grace@mentees.example", "grace@", str(user.id)):
        page = admin.get("/admin/users/", query_string={"search": text}).text
        assert "Grace Hopper" in page
        assert "Somebody Else" not in page


def test_a_view_tells_no_one_what_the_database_said(app: Flask) -> None:
    view = views(app)[0]
    with app.test_request_context():
        assert view.handle_view_exception(IntegrityError("SELECT secret", {"x": 1}, Exception("boom")))
        assert view.handle_view_exception(Conflict("In words"))
        from flask import get_flashed_messages

        said = " ".join(get_flashed_messages())
    assert "secret" not in said
    assert "In words" in said


@pytest.mark.spec("ID-3", "ADM-1")
def test_an_admin_verifies_an_application_from_the_queue(as_role: Callable[[str], FlaskClient]) -> None:
    mentor = people.a_mentor(is_verified=False, name="New Mentor")
    admin, support = as_role("admin"), as_role("support")
    assert "New Mentor" in admin.get("/admin/mentors/").text
    details = f"/admin/mentors/details/?id={mentor.id}"
    assert "data-dialog>Verify<" in admin.get(details).text
    assert "data-dialog>Verify<" not in support.get(details).text
    assert support.post(f"/admin/applications/{mentor.id}/verify", data={"reason": "Fine"}).status_code == 403
    assert admin.post(f"/admin/applications/{mentor.id}/verify", data={"reason": "Fine"}).status_code == 303
    assert db.session.get(MentorProfile, mentor.id).verified_at is not None  # type: ignore[union-attr]


@pytest.mark.spec("ID-3")
def test_declining_needs_a_reason(admin: FlaskClient) -> None:
    mentor = people.a_mentor(is_verified=False)
    path = f"/admin/applications/{mentor.id}/decline"
    assert admin.post(path, data={"reason": ""}).status_code == 422
    assert admin.post(path, data={"reason": "The profile is empty"}).status_code == 303
    assert db.session.get(MentorProfile, mentor.id).declined_at is not None  # type: ignore[union-attr]


@pytest.mark.spec("MN-4")
def test_a_ledger_entry_shows_its_postings(admin: FlaskClient) -> None:
    sessions.a_paid_session()
    entry = db.session.query(LedgerTransaction).first()
    assert entry is not None
    page = admin.get(f"/admin/ledger-transactions/details/?id={entry.id}").text
    assert "Gateway clearing" in page
    assert "€50.00" in page


def test_work_is_listed_without_its_payload(admin: FlaskClient) -> None:
    sessions.a_paid_session()
    row = db.session.query(OutboxRow).first()
    assert row is not None
    page = admin.get(f"/admin/jobs/details/?id={row.id}").text
    assert row.key in page
    assert "event_id" not in page


@pytest.mark.spec("ADM-1")
def test_a_row_shows_what_it_belongs_to_and_leads_there(admin: FlaskClient) -> None:
    """The session of a payment, the payment of a refund: Flask-Admin's own list of columns leaves those out."""
    session = sessions.a_cancelled_session()
    refund, payment = db.session.scalars(select(Refund)).one(), db.session.scalars(select(Payment)).one()
    page = admin.get(f"/admin/refunds/details/?id={refund.id}").text
    assert f"/admin/sessions/{session.id}" in page
    assert f"/admin/payments/details/?id={payment.id}" in page
    assert "<h1>Refund " in page
