"""Coming in: an account by a mailed link, a forgotten password, and out again."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Trouble
from tests.browser.stage import Stage, text_of
from tests.factories.people import a_mentee

NEW_PASSWORD = "quite another set of words"


def _link_in(stage: Stage, to: str) -> str:
    """The last letter's link to the product."""
    stage.run_outbox()
    found = re.search(rf"{stage.address}/\S+/[\w.~-]{{20,}}", text_of(stage.letters(to)[-1]))
    assert found, text_of(stage.letters(to)[-1])
    return found.group()


@pytest.mark.spec("ID-2")
@pytest.mark.parametrize("width", [1440, 360])
def test_an_account_is_made_by_the_mailed_link_and_left_again(
    stage: Stage, open_page: Callable[..., Page], trouble: Trouble, width: int
) -> None:
    page = open_page(width=width, timezone_id="Asia/Tokyo")
    page.goto(stage.address)
    page.get_by_role("link", name="Join").click()
    page.get_by_label("name", exact=False).first.fill("Nora New")
    page.get_by_label("E-mail").fill("nora@people.example")
    page.get_by_label("Password", exact=True).fill(NEW_PASSWORD)
    expect(page.get_by_label("Time zone")).to_have_value("Asia/Tokyo")
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()

    page.goto(_link_in(stage, "nora@people.example"))
    page.get_by_role("button", name="Confirm and start").click()
    expect(page.get_by_text("Welcome, Nora New")).to_be_visible()
    page.get_by_label("Nora New").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert trouble == []


@pytest.mark.spec("ID-3")
def test_a_forgotten_password_is_replaced_by_the_mailed_link_which_works_once(
    stage: Stage, open_page: Callable[..., Page]
) -> None:
    with stage.app.app_context():
        mentee = a_mentee(email="mia@people.example")
    page = open_page()
    page.goto(f"{stage.address}/sign-in")
    page.get_by_role("link", name="Forgotten your password?").click()
    page.get_by_label("E-mail").fill(mentee.email)
    page.get_by_role("button", name="Send the link").click()
    link = _link_in(stage, mentee.email)
    page.goto(link)
    page.get_by_label("Password", exact=False).first.fill(NEW_PASSWORD)
    page.get_by_role("button", name="Use this password").click()
    expect(page.get_by_text("Your new password holds")).to_be_visible()

    other = open_page()
    other.goto(link)
    expect(other.get_by_role("heading", name="This link no longer works")).to_be_visible()
    stage.sign_in(other, mentee.email, NEW_PASSWORD)
    expect(other.get_by_label(mentee.name)).to_be_visible()
