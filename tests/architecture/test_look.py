"""The look's own rules: contrast in both themes, nothing inline, nothing from outside, one place for colors."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOKENS = (ROOT / "static/css/tokens.css").read_text()
STYLES = sorted((ROOT / "static/css").glob("*.css"))
SCRIPTS = sorted((ROOT / "static/js").rglob("*.js"))
# An e-mail's styles are inlined on purpose: mail readers know nothing else.
PAGES = sorted(path for path in (ROOT / "templates").rglob("*.html") if "email" not in path.parts)

GROUNDS = ("ground", "surface", "surface-2")
TONES = ("blue", "teal", "green", "gray", "orange", "amber", "red", "faint")
TEXT = [
    *product(("ink", "ink-2", "ink-3", "accent-ink"), (*GROUNDS, "surface-3")),
    *((f"{tone}-ink", f"{tone}-soft") for tone in TONES),
    *product((f"{tone}-ink" for tone in TONES if tone != "faint"), GROUNDS),
    ("accent-ink", "accent-soft"),
    ("ink", "accent-soft"),
    ("on-accent", "accent"),
    ("on-accent", "accent-hover"),
    ("on-danger", "danger"),
    ("on-danger", "danger-hover"),
    *((("ink"), f"{tone}-soft") for tone in TONES),
]


# Paper is white whatever the theme.
PRINT = re.compile(r"@media print \{.*?\n\}", re.DOTALL)
MARKUP = re.compile(r"\.innerHTML\s*=|insertAdjacentHTML|\beval\(|new Function\(|document\.write")


def _tokens(theme: str) -> dict[str, str]:
    block = re.search(rf'\[data-bs-theme="{theme}"\] \{{(.*?)\n\}}', TOKENS, re.DOTALL)
    assert block
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block[1]))


def _luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.spec("ADM-4")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_is_readable_on_every_ground_it_stands_on(theme: str) -> None:
    tokens = _tokens(theme)
    weak = {
        f"{ink} on {ground}": round(_contrast(tokens[ink], tokens[ground]), 2)
        for ink, ground in TEXT
        if _contrast(tokens[ink], tokens[ground]) < 4.5
    }
    assert weak == {}


def test_colors_are_decided_in_one_file() -> None:
    named = [
        f"{path.name}: {color}"
        for path in STYLES
        if path.name != "tokens.css"
        for color in re.findall(r"#[0-9a-fA-F]{3,8}\b|rgb\(.*?\)", PRINT.sub("", path.read_text()))
    ]
    assert named == []


INLINE = {
    "a style attribute": r"<[^>]*\sstyle\s*=",
    "a style element": r"<style\b",
    "a handler attribute": r"<[^>]*\son[a-z]+\s*=\s*[\"']",
    "a javascript: address": r"javascript:",
    "a script without a file": r"<script(?![^>]*(?:src=|application/json))",
    "something from outside": r"(?:src|href)=[\"'](?:https?:)?//(?!www\.w3\.org)[^\"']*\.(?:js|css|png|svg|woff2?)",
}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_a_template_holds_nothing_that_the_browser_would_refuse(path: Path) -> None:
    markup = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
    assert [name for name, pattern in INLINE.items() if re.search(pattern, markup)] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_writes_no_markup_and_runs_no_text(path: Path) -> None:
    assert not MARKUP.search(path.read_text())


@pytest.mark.parametrize("path", [*STYLES, *SCRIPTS], ids=lambda path: path.name)
def test_a_style_or_script_asks_nothing_from_outside(path: Path) -> None:
    assert not re.search(r"https?://|@import", path.read_text())
