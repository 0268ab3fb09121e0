"""The contracts of pyproject.toml hold: downwards only, pure rules, features without HTTP, no cycle."""

from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[2]


def test_every_import_keeps_the_contracts(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    code = lint_imports(config_filename="pyproject.toml", no_cache=True)
    assert code == 0, capsys.readouterr().out


def test_importing_the_package_imports_nothing_of_it() -> None:
    # Any `import app.x` runs this file first: an import in it would drag the whole product upwards into the rules.
    lines = (ROOT / "app" / "__init__.py").read_text().splitlines()
    at_module_level = [line for line in lines if line.startswith(("import ", "from "))]
    assert at_module_level in ([], ["from __future__ import annotations"])
