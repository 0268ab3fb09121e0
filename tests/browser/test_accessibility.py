"""Every page, as each role sees it, wide and on a phone: no barrier, nothing cut off, nothing from outside."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.barriers import AXE, violations
from tests.browser.conftest import Trouble, serving
from tests.browser.furnished import ROLES, Furnished, furnish
from tests.browser.pages import ADDRESSES, LEFT_OUT
from tests.browser.stage import stage_on, sticking_out

WIDTHS = (1440, 360)
BAD = frozenset({"serious", "critical"})


@dataclass(frozen=True)
class Watched:
    """A window, and what its pages complained about."""

    page: Page
    trouble: Trouble


@pytest.fixture(scope="module")
def furnished(servers: tuple[str, str], template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Furnished]:
    """One product in which everything has happened once, for all pages of this module, which change nothing."""
    folder: Path = tmp_path_factory.mktemp("furnished")
    with stage_on(servers, template, folder, serving) as stage:
        yield furnish(stage)


@pytest.fixture(scope="module")
def signed_in(chromium: Browser, furnished: Furnished) -> Iterator[Callable[[str], Watched]]:
    """``signed_in(role)``: the one window of somebody of that role; ``visitor`` is nobody.

    It goes from page to page as people do: a window of its own for each page costs the browser half as much again.
    """
    windows: dict[str, Watched] = {}

    def make(role: str) -> Watched:
        if role not in windows:
            # Without motion nothing is measured while it fades.
            page = chromium.new_context(reduced_motion="reduce").new_page()
            page.add_init_script(AXE)
            if role != "visitor":
                furnished.stage.let_in(page, furnished.people[role])
            windows[role] = Watched(page, Trouble())
            windows[role].trouble.watch(page)
        return windows[role]

    yield make
    for window in windows.values():
        window.page.context.close()


def _barriers(page: Page) -> list[tuple[str, str, str]]:
    return [
        (each["id"], node["html"][:160], node.get("failureSummary", "")[:300])
        for each in violations(page)
        if each["impact"] in BAD
        for node in each["nodes"]
    ]


@pytest.mark.spec("UX-1", "UX-2", "UX-5")
@pytest.mark.parametrize("role,address", [(role, each) for role in ROLES for each in ADDRESSES[role]])
def test_a_page_has_no_barrier_fits_and_keeps_to_itself(
    furnished: Furnished, signed_in: Callable[[str], Watched], role: str, address: str
) -> None:
    page, trouble = signed_in(role).page, signed_in(role).trouble
    # Whatever the page before it was about to do ends here; a blank page would cost the browser a new process.
    page.goto(f"{furnished.stage.address}/static/img/favicon.svg")
    trouble.clear()
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})
    answer = page.goto(furnished.stage.address + address.format_map(furnished.names))
    assert answer is not None
    assert answer.status == 200, answer.status
    assert "/sign-in" not in page.url or "sign-in" in address
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert sticking_out(page) == [], f"at {width}"
        assert _barriers(page) == [], f"at {width}"
    assert trouble == []


def test_every_page_of_the_product_is_looked_at(furnished: Furnished) -> None:
    """A page that is added is added to ``pages.py``, too."""
    rules = furnished.stage.app.url_map
    adapter = rules.bind("localhost")
    looked_at = {
        adapter.match(address.format_map(furnished.names).partition("?")[0], return_rule=True)[0].rule
        for addresses in ADDRESSES.values()
        for address in addresses
    }
    pages = {rule.rule for rule in rules.iter_rules() if "GET" in (rule.methods or ()) and not rule.websocket}
    missing = {rule for rule in pages - looked_at if not any(re.match(start, rule) for start in LEFT_OUT)}
    assert sorted(missing) == []
