"""The product on a stage: a real address, a database where commits are real, and a clock that the test moves.

The worker's and the clock's own code is run by the test, when it says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Locator, Page, expect
from sqlalchemy import update

from app.booking.tick import TickReport, tick
from app.domain.context import CLOCK
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import Login
from tests.conftest import database_of_its_own
from tests.factories.people import PASSWORD
from tests.outbox import drain
from tests.world import Clock, context

# Of the product's own checks; a machine that does other work meanwhile is no failure.
PATIENCE_MS = 15_000
expect.set_options(timeout=PATIENCE_MS)


@dataclass(frozen=True)
class Stage:
    """:param address: where the browser reaches it; ``http://127.0.0.1:…``"""

    app: Flask
    address: str
    clock: Clock
    folder: Path

    def set_time(self, instant: datetime, *pages: Page) -> None:
        """Move the product's clock, and that of the scripts in these pages."""
        self.clock.set(instant)
        for page in pages:
            page.clock.set_fixed_time(instant)

    def keep_signed_in(self, until: datetime) -> None:
        """Let nobody's sign-in end before: an open page asks by itself while a test moves the clock."""
        with self.app.app_context(), transaction():
            db.session.execute(update(Login).values(last_seen_at=until, expires_at=until + timedelta(hours=1)))

    def run_outbox(self) -> list[tuple[str, str]]:
        """Do all the work that is due, as the worker would."""
        with self.app.app_context():
            return drain()

    def tick(self) -> TickReport:
        """What the clock process does each minute."""
        with self.app.app_context():
            return tick(ctx=context(CLOCK, self.clock.now))

    def letters(self, to: str) -> list[EmailMessage]:
        """What one address was sent, oldest first."""
        found = [
            message_from_bytes(path.read_bytes(), policy=policy.default)
            for path in sorted((self.folder / "mailbox").glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
        ]
        return [letter for letter in found if letter["To"] and to in letter["To"]]

    def charges(self) -> list[dict[str, Any]]:
        """The gateway's own books."""
        return [json.loads(path.read_text()) for path in (self.folder / "sandbox" / "charges").glob("*.json")]

    def let_in(self, page: Page, email: str) -> None:
        """Signed in, past the pages that lead there, which the story and the tests of signing in go through."""
        address = f"{self.address}/sign-in"
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.request.get(address).text())
        assert token is not None
        form = {"email": email, "password": PASSWORD, "csrf_token": token[1]}
        assert page.request.post(address, form=form, max_redirects=0).status == HTTPStatus.SEE_OTHER

    def sign_in(self, page: Page, email: str, password: str = PASSWORD, *, remember: bool = False) -> None:
        """Through the form, as anybody does."""
        page.goto(f"{self.address}/sign-in")
        sign_in_here(page, email, password, remember=remember)


def sign_in_here(page: Page, email: str, password: str = PASSWORD, *, remember: bool = False) -> None:
    """Fill in the form that this page is."""
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_label("Keep me signed in").set_checked(remember)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)


def tab_to(page: Page, target: Locator, *, most: int = 200) -> None:
    """Go there by the keyboard alone."""
    # Found once: looking for it after each step takes longer than the step.
    node = target.element_handle()
    for _ in range(most):
        if node.evaluate("node => node === document.activeElement"):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"{target} is not reached by {most} steps of Tab")


def sticking_out(page: Page) -> list[str]:
    """What makes the page wider than its window; nothing when it fits, or does once it is all there at its new size.

    Asked again and again from here: a page under the strict policy does not let a waiting script be evaluated in it.
    """
    width = (page.viewport_size or {"width": 0})["width"]
    found: list[str] = []
    for _ in range(200):
        is_there, found = page.evaluate(
            """(width) => [innerWidth === width && matchMedia(`(width: ${width}px)`).matches
                && !document.querySelector('[aria-busy="true"]'),
              document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("body *")]
                .filter((node) => node.getBoundingClientRect().right > innerWidth + 1)
                .map((node) => `${node.tagName}.${node.className} to ${node.getBoundingClientRect().right | 0}`)]""",
            width,
        )
        if is_there and not found:
            return []
        page.wait_for_timeout(50)
    return found[:12] or [f"the window never got {width} pixels wide, or something in it stayed busy"]


def text_of(letter: EmailMessage) -> str:
    """The letter's plain text."""
    part = letter.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def invitation_of(letter: EmailMessage) -> str:
    """The attached calendar file."""
    return next(
        str(part.get_content() if part.get_content_maintype() == "text" else part.get_content().decode())
        for part in letter.iter_attachments()
        if part.get_filename() == "session.ics"
    )


def answer_for(browser_context: BrowserContext, pattern: str, body: str) -> list[str]:
    """Stand in for a site of somebody else's, and keep which of its addresses were asked for."""
    asked: list[str] = []

    def answer(route: Any) -> None:
        asked.append(route.request.url)
        route.fulfill(status=200, content_type="text/html", body=body)

    browser_context.route(pattern, answer)
    return asked


@contextmanager
def stage_on(servers: tuple[str, str], template: str, folder: Path, serving: Callable[[Any], Any]) -> Iterator[Stage]:
    """Serve a fresh product until the block ends; it knows its own address."""
    running: list[Flask] = []
    with (
        database_of_its_own(servers, template, folder) as make,
        # The address must be known before the application is made: the payment page's links carry it.
        serving(lambda *request: running[0](*request)) as address,  # noqa: PLW0108 - made a moment later
    ):
        app = make(public_url=address)
        clock = Clock()
        app.extensions["desk-clock"] = clock
        app.config["LIVE_SECONDS"] = 60.0
        running.append(app)
        yield Stage(app, address, clock, folder)
        app.extensions["desk-live"].stop()
