"""Take the pictures of the support handbook anew: `.venv/bin/python docs/handbook/pictures.py [DATA_DIR]`.

Runs the product with its demonstration data as `docs/pictures.py` does. Which sessions are seen depends on the day.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pictures

HERE = Path(__file__).resolve().parent
WIDE = (1280, 800)


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("There is no Chromium on this machine (apt-get install chromium).")
    pictures.PICTURES = HERE
    with pictures.data_folder() as folder, pictures.product(folder) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        _support(browser, address)
        _admin(browser, address)
        browser.close()


def _support(browser: Browser, address: str) -> None:
    page = pictures.signed_in(browser, address, "support", WIDE)
    pictures.take(page, f"{address}/admin/", "overview")
    _case(page, address, "status=scheduled&reassigned=0")
    pictures.take(page, None, "case")
    for query, act, name, holding in (
        ("status=in_progress", "Mark a no-show", "no-show", "select"),
        ("status=completed", "Refund or give credit", "refund", "form"),
        ("status=scheduled", "Give it to another mentor", "reassign", '[name="newMentorId"]:not([value="other"])'),
        ("status=no_show", "Clear the no-show", "clear-no-show", "form"),
        ("status=scheduled&meeting_type=video", "Set the meeting link", "meeting-link", "form"),
    ):
        _dialog(page, address, query, act, holding)
        if name == "no-show":
            page.get_by_label("Who did not come").select_option("mentor")
        pictures.take(page, None, name)
    pictures.take(page, f"{address}/admin/refunds/", "refunds")
    page.goto(f"{address}/admin/disputes/")
    page.get_by_role("link", name="Charged twice, it seems").click()
    page.get_by_role("heading", level=1).wait_for()
    pictures.take(page, None, "dispute")


def _admin(browser: Browser, address: str) -> None:
    page = pictures.signed_in(browser, address, "admin", WIDE)
    pictures.take(page, f"{address}/admin/refund-queue/", "refunds-waiting")
    _case(page, address, "status=no_show")
    person = page.locator('main a[href^="/admin/people/"]').first.get_attribute("href")
    pictures.take(page, f"{address}{person}", "person")
    page.get_by_role("link", name="Suspend").first.click()
    page.get_by_role("dialog").wait_for()
    pictures.take(page, None, "suspend")
    page.goto(f"{address}/admin/staff-trail/?search=ADMIN_FORCE_CANCEL")
    page.locator('a.clip[href*="/staff-trail/details"]').first.click()
    page.get_by_role("heading", level=1).wait_for()
    pictures.take(page, None, "audit")


def _case(page: Page, address: str, query: str) -> None:
    """The newest session of a filter."""
    page.goto(f"{address}/admin/sessions/?{query}")
    page.get_by_role("row").nth(1).get_by_role("link").first.click()
    page.get_by_role("heading", level=1).wait_for()


def _dialog(page: Page, address: str, query: str, act: str, holding: str) -> None:
    """The dialog of an act on the first session of the filter that offers it with what shall be seen in it."""
    page.goto(f"{address}/admin/sessions/?{query}")
    rows = page.get_by_role("row").get_by_role("link").evaluate_all("links => links.map((link) => link.href)")
    is_open = False
    for case in dict.fromkeys(link for link in rows if re.search(r"/admin/sessions/[0-9a-f-]{36}", link)):
        page.goto(case)
        offered = page.get_by_role("main").get_by_role("link", name=act)
        if not offered.count():
            is_open = False
            continue
        offered.first.click()
        page.get_by_role("dialog").wait_for()
        is_open = True
        if page.get_by_role("dialog").locator(holding).count():
            break
    if not is_open:
        sys.exit(f"No session of {query} can be shown for “{act}”.")


if __name__ == "__main__":
    main()
