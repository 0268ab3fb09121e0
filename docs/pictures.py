"""Take the pictures of the README anew: `.venv/bin/python docs/pictures.py [DATA_DIR]`.

Runs the product with its demonstration data, in a folder of its own that is deleted afterwards, or in DATA_DIR, which
is kept and makes a second time quick. Needs Chromium.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
PASSWORD = "welcome to the demo"
WIDE, PHONE = (1440, 900), (360, 740)
LARGEST = 150_000
STARTS_WITHIN = 600
STOPS_WITHIN = 30


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("There is no Chromium on this machine (apt-get install chromium).")
    PICTURES.mkdir(exist_ok=True)
    with data_folder() as folder, product(folder) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        _console(browser, address)
        _pages(browser, address)
        browser.close()


@contextmanager
def data_folder() -> Iterator[Path]:
    if len(sys.argv) > 1:
        yield Path(sys.argv[1]).resolve()
        return
    folder = Path(tempfile.mkdtemp(prefix="desk-pictures-"))
    # The database's own account has to reach what lies in it.
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def product(folder: Path) -> Iterator[str]:
    """The address of the running product."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {**os.environ, "PORT": str(port), "DATA_DIR": str(folder)}
    address = f"http://127.0.0.1:{port}"
    process = subprocess.Popen([sys.executable, "-m", "app.embedded", "run"], cwd=ROOT, env=env)
    try:
        _wait_for(f"{address}/readyz", process)
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(STOPS_WITHIN)


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < ends and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(1)
    sys.exit("The product did not start.")


def signed_in(browser: Browser, address: str, who: str, size: tuple[int, int], **look: str) -> Page:
    width, height = size
    page = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce", **look).new_page()
    page.goto(f"{address}/sign-in")
    page.get_by_label("E-mail").fill(f"{who}@demo.example")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
    return page


def _console(browser: Browser, address: str) -> None:
    for name, look in (("console", "light"), ("console-dark", "dark")):
        page = signed_in(browser, address, "support", WIDE, color_scheme=look)
        take(page, f"{address}/admin/", name)
    page = signed_in(browser, address, "support", WIDE)
    take(page, f"{address}/admin/sessions/", "sessions")
    page.goto(f"{address}/admin/sessions/?status=scheduled")
    page.get_by_role("row").nth(1).get_by_role("link").first.click()
    page.get_by_role("heading", level=1).wait_for()
    take(page, page.url, "case")
    page.get_by_role("link", name="Force cancel").click()
    dialog = page.get_by_role("dialog", name="Force cancel")
    dialog.get_by_role("textbox", name="Reason").fill("The mentor is ill.")
    take(page, None, "force-cancel")


def _pages(browser: Browser, address: str) -> None:
    for size, end in ((WIDE, ""), (PHONE, "-phone")):
        page = signed_in(browser, address, "mentee", size)
        take(page, f"{address}/mentors", f"mentors{end}")
        page.get_by_role("main").get_by_role("heading", level=2).get_by_role("link").first.click()
        page.get_by_role("link", name="Choose a time").first.click()
        page.get_by_role("heading", name="Choose a time").wait_for()
        page.get_by_role("radio").nth(2).check()
        take(page, None, f"wizard{end}")
        if not end:
            _book(page)
        take(page, f"{address}/my/sessions", f"my-sessions{end}")


def _book(page: Page) -> None:
    """Through the rest of the wizard, so that the mentee has something to look forward to."""
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("What is it about?").fill("How to lead a team of five")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name=re.compile("^(Book|Send)")).click()
    if "/sandbox/" in page.url:
        page.get_by_role("button", name=re.compile(r"^Pay \S+$")).click()
    page.get_by_role("link", name="Your sessions").last.wait_for()


def take(page: Page, address: str | None, name: str) -> None:
    """One picture of what is in the window, in as few bytes as a flat picture takes."""
    if address is not None:
        page.goto(address)
    page.wait_for_load_state("networkidle")
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    path = PICTURES / f"{name}.png"
    for colors in (256, 128, 64):
        shot.quantize(colors, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size < LARGEST:
            break
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
