"""The sessions list by keyboard: several cancelled at once and followed to the end, and a view that is saved."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from app.domain.vocabulary import SessionStatus
from app.extensions import db
from app.models import MentoringSession
from tests.browser.conftest import Trouble
from tests.browser.stage import Stage, sticking_out, tab_to
from tests.factories import sessions as made
from tests.factories.people import a_mentee, a_mentor, a_support_agent
from tests.world import START

TITLES = ("How to lead a team of five", "Reading other people's code")


@pytest.fixture
def console(stage: Stage, open_page: Callable[..., Page]) -> Page:
    """The console of somebody of support, over two paid sessions and a cancelled one."""
    with stage.app.app_context():
        mentee, mentor = a_mentee(name="Mia Moore"), a_mentor(name="Ada Berg", rate_minor=5_000)
        for number, title in enumerate(TITLES):
            made.a_paid_session(
                mentee=mentee, mentor=mentor, title=title, at=made.START_AT + timedelta(hours=2 * number)
            )
        made.a_cancelled_session(title="Already over", at=made.START_AT + timedelta(days=1))
        email = a_support_agent(name="Sam Support", email="sam@people.example").email
    stage.run_outbox()
    page = open_page()
    stage.set_time(START, page)
    stage.let_in(page, email)
    return page


def press(page: Page, role: str, name: str, key: str = "Enter") -> None:
    """Go to something by Tab, and press a key on it."""
    target = page.get_by_role(role, name=name)  # type: ignore[arg-type]  # one of the roles there are
    tab_to(page, target)
    page.keyboard.press(key)


def open_list(page: Page, address: str) -> None:
    """Past the sidebar, by the link that every page begins with."""
    page.goto(address)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")


@pytest.mark.spec("SL-3", "UX-1", "UX-4")
def test_several_are_ticked_seen_confirmed_and_followed_by_keyboard(
    stage: Stage, console: Page, trouble: Trouble
) -> None:
    open_list(console, f"{stage.address}/admin/sessions/?q=mentor%3Aada+status%3Ascheduled&sort=scheduled_at&order=asc")
    for title in TITLES:
        press(console, "checkbox", f"Select {title}", "Space")
    expect(console.get_by_text("2 sessions selected")).to_be_visible()
    press(console, "button", "Cancel them…")
    expect(console.get_by_text("2 sessions are cancelled: €100.00 goes back to mentees.")).to_be_visible()
    tab_to(console, console.get_by_label("Reason, which the mentees"))
    console.keyboard.type("The mentor is ill.")
    tab_to(console, console.get_by_label("Type 2 to confirm"))
    console.keyboard.type("2")
    console.keyboard.press("Enter")
    expect(console.get_by_label("Type 2 to confirm")).to_be_visible()  # Enter in a field sends nothing
    press(console, "button", "Cancel 2 sessions and refund €100.00")
    expect(console.get_by_text("You can leave this page")).to_be_visible()
    with stage.app.app_context():
        assert db.session.query(MentoringSession).filter_by(status=SessionStatus.SCHEDULED).count() == 2
    stage.run_outbox()
    expect(console.get_by_text("All 2 sessions are cancelled.")).to_be_visible()
    console.set_viewport_size({"width": 360, "height": 800})
    assert sticking_out(console) == []
    with stage.app.app_context():
        assert db.session.query(MentoringSession).filter_by(status=SessionStatus.CANCELLED).count() == 3
    assert trouble == []


@pytest.mark.spec("SL-2", "UX-1", "UX-3")
def test_a_list_is_typed_put_right_and_saved_as_a_view_by_keyboard(
    stage: Stage, console: Page, trouble: Trouble
) -> None:
    open_list(console, f"{stage.address}/admin/sessions/")
    press(console, "link", "What can be typed into the search")
    expect(console.get_by_role("dialog").get_by_text("cancelled-by:mentor")).to_be_visible()
    console.keyboard.press("Escape")
    box = console.get_by_role("searchbox", name="Search sessions")
    console.keyboard.press("Shift+Tab")
    expect(box).to_be_focused()
    console.keyboard.type("statsu:cancelled over")
    console.keyboard.press("Enter")
    expect(console.get_by_text("There is no statsu: to search by.")).to_be_visible()
    expect(box).to_have_value("statsu:cancelled over")
    box.fill("status:cancelled over")
    box.press("Enter")
    expect(console.get_by_role("link", name="Already over")).to_be_visible()
    press(console, "link", "Save view")
    dialog = console.get_by_role("dialog", name="Save this list as a view")
    expect(dialog.get_by_text("Search: over · Status: Cancelled, with its order and columns.")).to_be_visible()
    tab_to(console, dialog.get_by_label("Name"))
    console.keyboard.type("Called off")
    press(console, "checkbox", "Share it with the team", "Space")
    press(console, "button", "Save")
    tab = console.get_by_role("navigation", name="Sessions").get_by_role("link", name="Called off")
    expect(tab).to_have_attribute("aria-current", "page")
    expect(tab).to_have_text("Called off 1")
    console.get_by_role("button", name="Dismiss").click()  # the toast lies over the link for six seconds
    with console.expect_download() as download:
        console.get_by_role("link", name="Export").click()
    assert download.value.suggested_filename == "sessions-2028-02-28.csv"
    expect(console.get_by_role("status").filter(has_text="The file is complete: 1 row.")).to_be_visible()
    console.goto(f"{stage.address}/admin/views/")
    expect(console.get_by_role("row", name="Called off")).to_contain_text("1")
    # The refused search itself, and nothing else.
    assert [said for said in trouble if "422" not in said] == []
