"""A real Chromium, and an application served to it on this machine."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.serving import make_server

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser; without one on the machine its tests are skipped."""
    if _CHROMIUM is None:
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=_QUIET)
        yield browser
        browser.close()


@contextmanager
def _serving(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
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
        yield lambda app: stack.enter_context(_serving(app))


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
        if not url.startswith(("http://127.0.0.1:", "data:", "blob:")):
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
        contexts.append(context)
        page = context.new_page()
        trouble.watch(page)
        return page

    yield make
    for context in contexts:
        context.close()
