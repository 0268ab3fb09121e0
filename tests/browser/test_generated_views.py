"""Flask-Admin's generated views in our theme: everything they do, in a real browser under the strict policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, flash, g
from flask_admin import Admin, AdminIndexView
from flask_admin.actions import action
from flask_admin.contrib.sqla import ModelView
from flask_wtf import CSRFProtect
from playwright.sync_api import Page
from sqlalchemy.orm import joinedload

from app.admin.cells import BY_TYPE
from app.admin.fields import ConsoleFilterConverter, ConsoleFormConverter
from app.admin.lookups import RecordLoader
from app.admin.theme import ConsoleTheme
from app.domain.vocabulary import BookingMode, Role
from app.extensions import db
from app.http import assets, clock, csp, formatting, fragments
from app.models import MentorOffering, User
from tests.browser.barriers import violations
from tests.browser.conftest import Trouble
from tests.browser.stage import sticking_out
from tests.world import START

LONG_NAME = "Jean-Baptiste Emanuel Zorg-Featherstonehaugh of Habsburg 🙂"
ROWS = 45


class _Offerings(ModelView):  # type: ignore[misc]  # Flask-Admin publishes no types
    model_form_converter = ConsoleFormConverter
    filter_converter = ConsoleFilterConverter()
    column_type_formatters = column_type_formatters_detail = BY_TYPE
    column_list = ("title", "mentor.name", "booking_mode", "rate_minor", "is_active", "created_at")
    column_sortable_list = ("title", "rate_minor")
    column_default_sort = "rate_minor"
    column_searchable_list = ("title",)
    column_filters = ("title", "rate_minor", "is_active", "created_at")
    column_classes = {"rate_minor": "num"}  # noqa: RUF012 - as Flask-Admin's own attributes
    form_columns = ("title", "mentor", "booking_mode", "meeting_types", "duration", "rate_minor", "currency",
                    "description", "is_active", "created_at", "updated_at")  # fmt: skip
    form_ajax_refs = {"mentor": RecordLoader("mentor", db, User, fields=["name", "email"])}  # noqa: RUF012
    can_view_details = can_export = details_modal = create_modal = can_set_page_size = True
    column_select_related_list = (MentorOffering.mentor,)
    page_size = 20

    def get_one(self, id: str) -> MentorOffering | None:  # noqa: A002 - Flask-Admin's name for it
        # The tables refuse to load a relation behind one's back.
        return db.session.get(MentorOffering, id, options=[joinedload(MentorOffering.mentor)])

    @action("retire", "Retire", "Retire these offerings?")
    def retire(self, ids: list[str]) -> None:
        for one in ids:
            db.session.get_one(MentorOffering, one).is_active = False
        db.session.commit()
        flash(f"{len(ids)} offerings retired.", "success")


@pytest.fixture
def console(own_database: Callable[..., Flask], serve: Callable[[Flask], str]) -> Iterator[str]:
    """The address of one generated view over offerings, on a database of its own."""
    app = Flask("app", template_folder="../templates", static_folder="../static")
    app.config["SQLALCHEMY_DATABASE_URI"] = own_database().config["SQLALCHEMY_DATABASE_URI"]
    app.secret_key = "a key for tests only"
    CSRFProtect(app)
    clock.init_app(app, lambda: START)
    for part in (formatting, fragments, assets, csp, db):
        part.init_app(app)
    index = AdminIndexView(name="Overview", menu_icon_type="bi", menu_icon_value="bi-grid-1x2")
    admin = Admin(app, name="Console", theme=ConsoleTheme(), index_view=index)
    admin.add_view(_Offerings(MentorOffering, db, name="Offerings", category="Records", endpoint="offerings"))

    @app.before_request
    def look_from_berlin() -> None:
        g.viewer_zone = "Europe/Berlin"

    @app.context_processor
    def frame() -> dict[str, Any]:
        viewer = SimpleNamespace(name="Sam Support", id="sam", avatar_url=None, note="Support")
        return {"search_url": "/search", "viewer": viewer, "sign_out_url": "/out"}

    with app.app_context():
        _fill()
    yield f"{serve(app)}/admin/offerings"
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def _fill() -> None:
    people = [
        User(email=f"m{number}@people.example", name=name, password_hash="-", role=Role.MENTOR, created_at=START)
        for number, name in enumerate(["Ada Lovelace", "Grace Hopper", LONG_NAME])
    ]
    db.session.add_all(people)
    db.session.flush()
    for number in range(ROWS):
        db.session.add(
            MentorOffering(
                title=f"Offering {number:02} <b>🚀</b>",
                mentor_id=people[number % 3].id,
                duration=45,
                rate_minor=number * 100,
                currency="EUR",
                booking_mode=BookingMode.INSTANT,
                meeting_types=["video"],
                created_at=START + timedelta(days=number),
                updated_at=START,
            )
        )
    db.session.commit()


def _titles(page: Page) -> list[str]:
    return [text.strip() for text in page.locator("tbody td.primary").all_inner_texts()]


def _total(page: Page) -> str:
    return page.locator("h1 .total").inner_text()


def _add_filter(page: Page, column: str, condition: str, *values: str) -> None:
    page.click("summary.chip-add")
    page.select_option("[data-filter-group]", label=column)
    page.select_option("[data-filter-operation]", label=condition)
    place = page.locator("[data-filter-value]")
    if place.locator("select").count():
        place.locator("select").select_option(label=values[0])
    for at, value in enumerate(values if not place.locator("select").count() else ()):
        place.locator("input:not([type=hidden])").nth(at).fill(value)
    page.click("[data-admin-filter] [type=submit]")


@pytest.mark.spec("ADM-4")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_list_form_and_details_are_clean_accessible_and_fit(
    console: str, open_page: Callable[..., Page], trouble: Trouble, theme: str
) -> None:
    page = open_page(color_scheme=theme, reduced_motion="reduce")
    page.goto(f"{console}/")
    details = page.locator("tbody td.primary a").first.get_attribute("href") or ""
    for address in (f"{console}/", f"{console}/new/", details, f"{console}/?search=nothing+like+this"):
        page.goto(address if address.startswith("http") else console.removesuffix("/admin/offerings") + address)
        page.wait_for_load_state("networkidle")
        for width in (1440, 720, 360):
            page.set_viewport_size({"width": width, "height": 900})
            assert sticking_out(page) == [], (address, width)
            assert [(address, width, one["id"], one["nodes"][0]["html"][:200]) for one in violations(page)] == []
    assert "/admin/static/" not in page.content()
    assert trouble == []


def test_search_sort_page_and_escape(console: str, open_page: Callable[..., Page], trouble: Trouble) -> None:
    page = open_page()
    page.goto(f"{console}/")
    assert (_total(page), len(_titles(page))) == ("45", 20)
    assert _titles(page)[0] == "Offering 00 <b>🚀</b>"
    page.get_by_role("link", name="Rate Minor").click()
    page.get_by_role("link", name="Rate Minor").click()
    page.wait_for_url("**desc=1**")
    assert _titles(page)[0].startswith("Offering 44")
    page.get_by_label("Next page").click()
    page.wait_for_url("**page=1**")
    assert _titles(page)[0].startswith("Offering 24")
    page.fill("input[name=search]", "offering 07")
    page.press("input[name=search]", "Enter")
    page.wait_for_url("**search=**")
    assert _total(page) == "1"
    assert trouble == []


@pytest.mark.spec("ID-7")
def test_filters_are_added_read_in_the_readers_zone_and_removed(
    console: str, open_page: Callable[..., Page], trouble: Trouble
) -> None:
    page = open_page()
    page.goto(f"{console}/")
    _add_filter(page, "Rate Minor", "greater than", "3000")
    page.wait_for_url("**flt0_**")
    assert _total(page) == "14"
    _add_filter(page, "Is Active", "equals", "Yes")
    page.wait_for_url("**flt1_**")
    assert page.locator(".chip-on").all_inner_texts()[1].split() == ["Is", "Active", "equals", "Yes"]
    page.locator(".chip-x").first.click()
    page.wait_for_url(lambda url: "3000" not in url)
    assert _total(page) == "45"
    # The rows begin at 23:40 UTC on 28 February, which is the 29th in Berlin.
    _add_filter(page, "Created At", "on days", "2028-02-29", "2028-03-02")
    page.wait_for_url("**2028-03-02**")
    assert _total(page) == "3"
    assert trouble == []


def test_a_record_is_made_in_a_dialog_with_a_person_found_by_typing(
    console: str, open_page: Callable[..., Page], trouble: Trouble
) -> None:
    page = open_page()
    page.goto(f"{console}/")
    page.wait_for_load_state("networkidle")
    page.get_by_role("link", name="Create").click()
    form = page.locator("dialog[open]")
    form.locator("#title").fill("Brand new")
    form.locator(".ts-control").first.click()
    page.keyboard.type("hopp")
    page.locator(".ts-dropdown .option", has_text="Hopper").wait_for()
    page.locator(".ts-dropdown .option").first.click()
    form.locator("#booking_mode").select_option("instant")
    form.locator("#meeting_types-ts-control").fill("video")
    page.keyboard.press("Enter")
    for field, value in {"duration": "30", "rate_minor": "999", "currency": "EUR"}.items():
        form.locator(f"#{field}").fill(value)
    for field in ("created_at", "updated_at"):
        form.locator(f"#{field}").fill("2028-03-01T10:00")
    form.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Record was successfully created").wait_for()
    page.fill("input[name=search]", "Brand new")
    page.press("input[name=search]", "Enter")
    page.wait_for_url("**search=**")
    row = page.locator("tbody tr").inner_text()
    assert "Grace Hopper" in row
    assert "Wed 1 Mar, 10:00" in row
    assert trouble == []


def test_what_is_missing_is_said_at_the_field_and_on_top(console: str, open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto(f"{console}/new/")
    page.wait_for_load_state("networkidle")
    page.evaluate("for (const form of document.forms) form.noValidate = true")
    page.fill("#updated_at", "2028-03-26T02:30")
    page.get_by_role("button", name="Save", exact=True).click()
    summary = page.locator("[data-error-summary]")
    summary.wait_for()
    assert "Berlin leaves 02:30 out on that day" in summary.inner_text()
    assert page.locator("#title").get_attribute("aria-invalid") == "true"
    assert page.locator("#title").get_attribute("aria-describedby") == "title-error"


def test_deleting_asks_and_bulk_actions_ask_and_act(
    console: str, open_page: Callable[..., Page], trouble: Trouble
) -> None:
    page = open_page()
    page.goto(f"{console}/")
    page.wait_for_load_state("networkidle")
    page.locator("tbody .dropdown button").first.click()
    page.get_by_role("button", name="Delete Record").first.click()
    page.get_by_role("alertdialog").get_by_role("button", name="Go back").click()
    assert _total(page) == "45"
    page.locator("tbody .dropdown button").first.click()
    page.get_by_role("button", name="Delete Record").first.click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    page.get_by_text("Record was successfully deleted").wait_for()
    assert _total(page) == "44"

    page.locator(".row-check").nth(1).check()
    page.locator(".row-check").nth(4).click(modifiers=["Shift"])
    bar = page.locator("[data-selection-bar]")
    assert bar.locator("[data-selection-count]").inner_text() == "4"
    bar.get_by_role("button", name="Retire").click()
    assert "Retire these offerings?" in page.get_by_role("alertdialog").inner_text()
    page.get_by_role("alertdialog").get_by_role("button", name="Retire").click()
    page.get_by_text("4 offerings retired").wait_for()
    assert page.get_by_role("img", name="Yes").count() == 16
    assert trouble == []


def test_the_list_is_exported(console: str, open_page: Callable[..., Page], tmp_path: Path) -> None:
    page = open_page()
    page.goto(f"{console}/")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    download.value.save_as(tmp_path / "offerings.csv")
    assert len((tmp_path / "offerings.csv").read_text().splitlines()) == ROWS + 1


def test_without_the_token_nothing_is_deleted(console: str, open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto(f"{console}/")
    row = page.locator(".row-check").first.get_attribute("value")
    answer = page.request.post(f"{console}/delete/", form={"id": row or "", "url": "/"})
    assert answer.status == 400
    page.reload()
    assert _total(page) == "45"
