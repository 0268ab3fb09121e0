"""The support handbook shows what there is: its pictures are there and light, and the acts it names are offered."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
HANDBOOK = ROOT / "docs" / "handbook"
LARGEST = 150_000
# Printed bold for its weight, and no act.
_NOT_AN_ACT = {"what waits", "case", "what will happen", "reason", "joins", "which rule", "one outcome", "story"}


def test_every_picture_of_the_handbook_is_there_and_light() -> None:
    named = set(re.findall(r"!\[[^\]]+\]\(([a-z-]+\.png)\)", (HANDBOOK / "README.md").read_text()))
    there = {path.name: path.stat().st_size for path in HANDBOOK.glob("*.png")}
    assert named == set(there), "take them anew: docs/handbook/pictures.py"
    assert [name for name, size in there.items() if size > LARGEST] == []


def test_every_act_that_the_handbook_names_stands_in_the_console() -> None:
    named = {" ".join(each.split()) for each in re.findall(r"\*\*([^*]+)\*\*", (HANDBOOK / "README.md").read_text())}
    words = "\n".join(
        path.read_text().lower()
        for folder, ending in (("app/admin", "*.py"), ("app/support", "*.py"), ("templates/admin", "*.html"))
        for path in (ROOT / folder).rglob(ending)
    )
    gone = sorted(each for each in named - _NOT_AN_ACT if each.lower() not in words)
    assert gone == [], "the handbook speaks of acts that are called otherwise"
