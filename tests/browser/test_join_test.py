"""Camera and microphone are tried in the browser alone, with a camera that the browser pretends to have (JN-6)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import CHROMIUM, QUIET, Trouble
from tests.browser.stage import Stage

_PRETENDING = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.fixture
def with_camera(chromium: Browser, trouble: Trouble) -> Iterator[Page]:
    """A page in a browser that has a camera and a microphone, and allows their use."""
    browser = chromium.browser_type.launch(executable_path=CHROMIUM, args=[*QUIET, *_PRETENDING])
    page = browser.new_page()
    trouble.watch(page)
    yield page
    browser.close()


@pytest.mark.spec("JN-6")
def test_one_sees_the_picture_and_the_bar_moves(stage: Stage, with_camera: Page, trouble: Trouble) -> None:
    page = with_camera
    page.goto(f"{stage.address}/join-test")
    page.get_by_role("button", name="Start the test").click()
    expect(page.get_by_text("Your camera works.")).to_be_visible()
    # The pretended microphone beeps.
    expect(page.get_by_text("Your microphone works.")).to_be_visible()
    expect(page.get_by_label("Picture of your camera")).to_be_visible()
    page.get_by_role("button", name="Play a sound").click()
    expect(page.get_by_text("Did you hear three tones?")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_label("Picture of your camera")).to_be_hidden()
    assert trouble == [], "nothing is asked of anybody else"


@pytest.mark.spec("JN-6")
def test_without_a_camera_the_page_says_what_to_do(stage: Stage, chromium: Browser) -> None:
    page = chromium.new_page()
    page.goto(f"{stage.address}/join-test")
    page.get_by_role("button", name="Start the test").click()
    expect(page.locator("[data-word=camera]")).to_contain_text("start again")
    page.context.close()


@pytest.mark.spec("JN-6")
def test_without_javascript_the_page_says_what_is_missing(stage: Stage, chromium: Browser) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{stage.address}/join-test")
    expect(page.get_by_text("This page needs JavaScript")).to_be_visible()
    context.close()
