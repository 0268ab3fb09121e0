"""What is vendored is named, licensed, and exactly what was released."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

VENDOR = Path(__file__).resolve().parents[2] / "static" / "vendor"
PACKAGES = json.loads((VENDOR / "MANIFEST.json").read_text())


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package["name"])
def test_every_file_is_the_one_that_the_manifest_names(package: dict[str, object]) -> None:
    folder = VENDOR / str(package["folder"])
    found = {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert found == package["files"]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package["name"])
def test_every_package_brings_its_license_and_says_its_version(package: dict[str, str]) -> None:
    assert package["license"] in {"MIT", "Apache-2.0"}
    assert len((VENDOR / package["folder"] / package["license_file"]).read_text()) > 500
    assert package["folder"] == f"{package['name']}-{package['version']}"


def test_nothing_is_vendored_that_the_manifest_does_not_name() -> None:
    assert {path.name for path in VENDOR.iterdir() if path.is_dir()} == {package["folder"] for package in PACKAGES}
