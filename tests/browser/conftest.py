"""A real Chromium, and an application served to it on this machine."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.browser.stage import PATIENCE_MS, Stage, stage_on

_HERE = Path(__file__).parent
# The headless shell first: without a browser's own windows around it a page costs a quarter of the processor time.
_NAMES = (os.environ.get("CHROMIUM", ""), "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome",
          "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")  # fmt: skip
CHROMIUM = next((found for found in map(shutil.which, _NAMES) if found), None)
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives a browser."""
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser; without one on the machine its tests are skipped."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


class _Quiet(WSGIRequestHandler):
    """Keeps no log of requests: the log of a failed test shall be about the product."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None: ...


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """The address at which ``app``, any WSGI application, answers while the block runs."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[[Flask], str]]:
    """``serve(app)`` gives the address at which the browser reaches it until the test ends."""
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(serving(app))


class Trouble(list[str]):
    """What a page complained about: errors in its console, refused or missing files, anything asked of another host."""

    def watch(self, page: Page) -> None:
        page.on("console", lambda said: self._console(said.type, said.text))
        page.on("pageerror", lambda error: self.append(f"exception: {error}"))
        page.on("response", lambda answer: self._status(answer.status, answer.url))
        page.on("request", lambda asked: self._address(asked.url))

    def _console(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.append(f"console: {text}")

    def _status(self, status: int, url: str) -> None:
        if status >= 400:
            self.append(f"{status}: {url}")

    def _address(self, url: str) -> None:
        if not url.startswith(("http://127.0.0.1:", "data:", "blob:", "about:")):
            self.append(f"outside: {url}")


@pytest.fixture
def trouble() -> Trouble:
    """Everything that the test's pages complained about; most tests end with it empty."""
    return Trouble()


@pytest.fixture
def open_page(chromium: Browser, trouble: Trouble) -> Iterator[Callable[..., Page]]:
    """``open_page(width=360, color_scheme="dark")``: a page in a fresh browser, watched for trouble."""
    contexts: list[BrowserContext] = []

    def make(*, width: int = 1440, height: int = 900, **options: Any) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        trouble.watch(page)
        return page

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def stage(servers: tuple[str, str], template: str, tmp_path: Path) -> Iterator[Stage]:
    """The whole product at a real address, for one test."""
    with stage_on(servers, template, tmp_path, serving) as ready:
        yield ready
