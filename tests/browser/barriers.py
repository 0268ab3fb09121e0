"""What axe finds in a page, at one width after the other."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

# For `page.add_init_script`, where a window goes through many pages: handing over half a megabyte for each of them
# takes as long as looking at it. A picture between two pages needs none of it.
AXE = f"if (!location.pathname.endsWith('.svg')) {{ {Axe().axe_script} }}"
# Contrast takes axe six times as long as all other rules together. It follows from what a piece of writing looks like
# and from what lies behind it, so that a window measures each such look once, on whichever page and at whichever width
# it comes first (a frame of sixty links is on each of them). All other rules look at everything each time. The lines of
# a drop-down list are drawn by the browser itself, and the API's endpoints are alike, two of each chapter are enough.
_RUN = """async () => {
  // Without motion a change of looks still takes until the next frame.
  for (const _ of [1, 2]) await new Promise(requestAnimationFrame);
  document.querySelectorAll(".api-endpoint:nth-of-type(n+3)").forEach((node) => node.remove());
  const behind = new Map([[null, ""]]);
  const measured = new Set(JSON.parse(sessionStorage.getItem("looks measured") ?? "[]"));
  document.querySelectorAll("[data-measure]").forEach((node) => node.removeAttribute("data-measure"));
  for (const node of document.querySelectorAll("html, body, body *")) {
    const its = getComputedStyle(node);
    const ground = [its.backgroundColor, its.backgroundImage, its.opacity, its.filter].join();
    const under = behind.get(node.parentElement) ?? "";
    // Most of what surrounds a text has no ground of its own.
    const here = ground === "rgba(0, 0, 0, 0),none,1,none" ? under : `${under}/${ground}`;
    behind.set(node, here);
    const writes = node.matches("input, select, textarea, button")
      || [...node.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.data.trim());
    if (!writes || !node.checkVisibility()) continue;
    const look = [
      node.tagName, node.getAttribute("class"), node.parentElement?.getAttribute("class"),
      its.color, its.fontSize, its.fontWeight, its.textShadow, here,
    ].join("|");
    if (!measured.has(look)) node.setAttribute("data-measure", "");
    measured.add(look);
  }
  sessionStorage.setItem("looks measured", JSON.stringify([...measured]));
  axe.configure({rules: [{id: "color-contrast", selector: "[data-measure]"}]});
  return (await axe.run(
    {include: [document], exclude: [["option"]]}, {resultTypes: ["violations"], preload: false, iframes: false},
  )).violations;
}"""


def violations(page: Page) -> list[dict[str, Any]]:
    """All that axe has to say against the page as it stands; asked again at another width, or for another page."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found: list[dict[str, Any]] = page.evaluate(_RUN)
    return found
