"""The index of the abuse list is true: each number is proved, and each test that it names exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.abuse.proofs import PROOFS, WHAT

TESTS = Path(__file__).parents[1]
_NUMBERED = re.compile(r"test_b(\d\d)_")


@cache
def _tests_of(file: str) -> frozenset[str]:
    path = TESTS / file
    if not path.is_file():
        return frozenset()
    tree = ast.parse(path.read_text())
    return frozenset(
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )


def _here() -> list[str]:
    return sorted(name for path in (TESTS / "abuse").glob("test_*.py") for name in _tests_of(f"abuse/{path.name}"))


@pytest.mark.spec("SEC-1")
def test_every_test_that_the_index_names_exists() -> None:
    named = [each for tests in PROOFS.values() for each in tests]
    gone = [each for each in named if each.split("::")[1] not in _tests_of(each.split("::")[0])]
    assert gone == [], "tests/abuse/proofs.py names tests that are gone: name those that prove it now"


@pytest.mark.spec("SEC-1")
def test_every_line_of_the_abuse_list_is_proved_here_and_in_the_index() -> None:
    here = {int(found[1]) for name in _here() if (found := _NUMBERED.match(name))}
    assert here == set(WHAT) == set(PROOFS) == set(range(1, 20))
    assert all(PROOFS.values())
    unnumbered = [
        name for name in _here() if not _NUMBERED.match(name) and name not in _tests_of("abuse/test_proofs.py")
    ]
    assert unnumbered == [], "a test of this folder says which line it proves: test_b04_…"
