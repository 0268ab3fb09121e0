"""The lock files and pyproject.toml say the same."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

pytestmark = pytest.mark.spec("RUN-1")


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(file: str) -> set[tuple[str, str]]:
    found = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / file).read_text(), re.MULTILINE)
    assert found
    return {(canonical(name), version) for name, version in found}


def names(requirements: list[str]) -> set[str]:
    return {canonical(match.group()) for line in requirements if (match := re.match(r"[\w.-]+", line))}


@pytest.mark.parametrize(
    "file, requirements",
    [
        ("requirements-production.lock", PROJECT["dependencies"]),
        (
            "requirements.lock",
            [
                *PROJECT["dependencies"],
                *(line for extra in PROJECT["optional-dependencies"].values() for line in extra),
            ],
        ),
    ],
)
def test_every_dependency_is_locked(file: str, requirements: list[str]) -> None:
    assert names(requirements) - {name for name, _ in pins(file)} == set(), "run make lock"


def test_production_runs_the_versions_that_are_tested() -> None:
    assert pins("requirements-production.lock") <= pins("requirements.lock")


def test_production_gets_neither_embedded_servers_nor_tools() -> None:
    extras = names([line for extra in PROJECT["optional-dependencies"].values() for line in extra])
    assert {name for name, _ in pins("requirements-production.lock")} & extras == set()


@pytest.mark.parametrize("file", ["requirements.lock", "requirements-production.lock"])
def test_a_lock_file_has_a_hash_for_every_package_and_names_no_index(file: str) -> None:
    text = (ROOT / file).read_text()
    packages = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]
    assert [package.splitlines()[0] for package in packages if "--hash=sha256:" not in package] == []
    assert not re.search(r"https?://|--index|--find-links", text)
