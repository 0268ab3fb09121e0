"""What axe finds in a page, at one width after the other."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

# For `page.add_init_script`, where a window goes through many pages: handing over half a megabyte for each of them
# takes as long as looking at it.
AXE = Axe().axe_script
# Contrast takes axe six times as long as all other rules together. In the second width it looks at what has come into
# sight or changed its looks since the first, and at all that is in that. The lines of a drop-down list are drawn by the
# browser itself, and the API's endpoints are alike, two of each chapter are enough.
_RUN = """async () => {
  // Without motion a change of looks still takes until the next frame.
  for (const _ of [1, 2]) await new Promise(requestAnimationFrame);
  document.querySelectorAll(".api-endpoint:nth-of-type(n+3)").forEach((node) => node.remove());
  const run = async (include, options) => (await axe.run(
    {include, exclude: [["option"]]}, {resultTypes: ["violations"], preload: false, iframes: false, ...options},
  )).violations;
  const before = window.looksBefore;
  const looks = window.looksBefore = new Map();
  for (const node of document.querySelectorAll("body, body *")) {
    const {color, backgroundColor, backgroundImage, opacity, fontSize, fontWeight} = getComputedStyle(node);
    if (node.checkVisibility()) {
      looks.set(node, [color, backgroundColor, backgroundImage, opacity, fontSize, fontWeight].join());
    }
  }
  if (!before) return run([document], {});
  const changed = [...looks.keys()].filter((node) => looks.get(node) !== before.get(node));
  const contrast = changed.length ? await run(changed, {runOnly: ["color-contrast"]}) : [];
  return [...contrast, ...await run([document], {rules: {"color-contrast": {enabled: false}}})];
}"""


def violations(page: Page) -> list[dict[str, Any]]:
    """All that axe has to say against the page as it stands; asked again for the same page, at another width."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found: list[dict[str, Any]] = page.evaluate(_RUN)
    return found
