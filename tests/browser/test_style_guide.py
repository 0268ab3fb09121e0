"""Every component of the look, in both frames, both themes, wide and narrow, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from flask import Flask, flash, g, render_template, request
from flask_wtf import CSRFProtect, FlaskForm
from playwright.sync_api import Page
from wtforms import BooleanField, EmailField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Email

from app.admin.theme import MenuEntry, MenuSection
from app.http import assets, clock, csp, formatting, fragments
from tests.browser.barriers import violations
from tests.browser.conftest import Trouble
from tests.browser.stage import sticking_out
from tests.world import START

ROOT_OF_TEMPLATES = "../templates"
MENU = [
    MenuSection("", [MenuEntry("Overview", "#", "grid-1x2")]),
    MenuSection("Queues", [MenuEntry("Disputes", "#", "flag", 3, "red"), MenuEntry("Refunds", "#", "cash-coin", 4)]),
    MenuSection("Records", [MenuEntry("Sessions", "#", "calendar3", active=True), MenuEntry("Audit", "#", "shield")]),
]


class _Form(FlaskForm):  # type: ignore[misc]  # Flask-WTF publishes no types
    name = StringField("Your name", [DataRequired("Tell us what to call you.")])
    email = EmailField("E-mail", [Email("An address looks like name@example.org.")], description="Only for sessions.")
    zone = SelectField("Time zone", choices=[("Europe/Berlin", "Berlin"), ("Asia/Tokyo", "Tokyo")])
    about = TextAreaField("About you")
    kind = RadioField("Meeting", choices=[("video", "Video"), ("audio", "Audio")], default="video")
    remember = BooleanField("Remember me")


@pytest.fixture
def guide(serve: Callable[[Flask], str]) -> str:
    app = Flask("app", template_folder="../templates", static_folder="../static")
    app.secret_key = "a key for tests only"
    CSRFProtect(app)
    clock.init_app(app, lambda: START)
    for part in (formatting, fragments, assets, csp):
        part.init_app(app)

    @app.get("/<frame>")
    def show(frame: str) -> str:
        g.viewer_zone = "Europe/Berlin"
        if request.args.get("toast"):
            flash({"title": "Session cancelled", "text": "Your mentor has been notified."}, "success")
            flash("That time was just taken. Pick another one.", "error")
        form = _Form(name="", email="x")
        form.validate()
        return render_template(
            "layout/styleguide.html",
            frame=f"layout/{frame}.html",
            at=lambda hours: START + timedelta(hours=hours),
            form=form,
            console_menu=MENU,
            search_url="/search",
            notifications_url="#",
            notifications_count=7,
            viewer=SimpleNamespace(name="Sam Support", id="sam", avatar_url=None, note="Support", role="support"),
            sign_out_url="/out",
            page_menu=[{"label": "Find a mentor", "url": "#", "icon": "search", "active": True}],
        )

    return serve(app)


def _settle(page: Page) -> None:
    page.wait_for_load_state("networkidle")


@pytest.mark.spec("ADM-4")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("frame", ["console", "page"])
def test_every_component_is_clean_accessible_and_fits(
    guide: str, open_page: Callable[..., Page], trouble: Trouble, frame: str, theme: str
) -> None:
    page = open_page(color_scheme=theme, reduced_motion="reduce")
    page.goto(f"{guide}/{frame}")
    _settle(page)
    assert page.evaluate("document.documentElement.dataset.bsTheme") == theme
    for width in (1440, 360):
        page.set_viewport_size({"width": width, "height": 900})
        assert sticking_out(page) == [], width
        assert [(width, one["id"], [node["html"][:200] for node in one["nodes"]]) for one in violations(page)] == []
    assert trouble == []


@pytest.mark.spec("NT-4")
def test_toasts_come_go_after_six_seconds_and_wait_while_pointed_at(
    guide: str, open_page: Callable[..., Page], trouble: Trouble
) -> None:
    page = open_page()
    page.clock.install(time=datetime(2028, 2, 28, tzinfo=UTC))
    page.goto(f"{guide}/page?toast=1")
    page.clock.run_for(200)
    toasts = page.locator("#toasts [data-toast]")
    assert toasts.count() == 2
    assert toasts.nth(0).get_attribute("role") == "status"
    assert toasts.nth(1).get_attribute("role") == "alert"
    assert page.locator("#toasts").get_attribute("aria-live") == "polite"
    toasts.nth(1).hover()
    page.clock.run_for(7_000)
    assert toasts.count() == 1
    page.mouse.move(10, 500)
    page.clock.run_for(7_000)
    assert toasts.count() == 0
    assert trouble == []


def test_the_theme_is_chosen_kept_and_applied_before_the_first_paint(
    guide: str, open_page: Callable[..., Page], trouble: Trouble
) -> None:
    page = open_page(color_scheme="light")
    page.goto(f"{guide}/console")
    page.click("summary.person-button")
    page.click("[data-theme-choice=dark]")
    page.reload(wait_until="commit")
    page.wait_for_selector("body")
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    assert trouble == []


def test_keys_lead_to_the_search_and_to_the_list_of_keys(
    guide: str, open_page: Callable[..., Page], trouble: Trouble
) -> None:
    page = open_page()
    page.goto(f"{guide}/console")
    _settle(page)
    page.keyboard.press("?")
    assert "Add a note" in page.locator("dialog[open]").inner_text()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "q"
    assert trouble == []


def test_a_dangerous_act_asks_first_and_enter_goes_back(guide: str, open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto(f"{guide}/console")
    _settle(page)
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("alertdialog")
    assert "Thu 19 Nov" in dialog.inner_text()
    page.keyboard.press("Enter")
    assert dialog.count() == 0
    assert page.url == f"{guide}/console"


def test_without_a_script_the_page_is_still_all_there(guide: str, open_page: Callable[..., Page]) -> None:
    page = open_page(java_script_enabled=False)
    page.goto(f"{guide}/page?toast=1")
    assert page.get_by_text("That time was just taken").is_visible()
    page.locator("summary.person-button").click()
    assert page.get_by_role("button", name="Sign out").is_visible()
    assert not page.locator("[data-theme-choice=dark]").is_visible()


def test_distances_in_time_read_the_same_in_the_browser_as_on_the_server(
    guide: str, open_page: Callable[..., Page]
) -> None:
    page = open_page()
    page.goto(f"{guide}/page")
    now = START.timestamp() * 1000
    told = page.evaluate(
        """async ([now, seconds]) => {
             const { relative } = await import("/static/js/relative-time.js");
             return seconds.map((each) => relative(now + each * 1000, now));
           }""",
        [now, DISTANCES],
    )
    assert told == [formatting.format_relative(START + timedelta(seconds=each), START) for each in DISTANCES]


DISTANCES = [0, -44, 44, 46, -300, 89 * 60, 91 * 60, -35 * 3600, 37 * 3600, 59 * 86400, -90 * 86400, 800 * 86400]
