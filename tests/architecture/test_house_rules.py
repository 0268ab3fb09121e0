"""House rules that a reader of the syntax tree can check: clocks, the environment, names, lengths."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APP = ROOT / "app"

# Who may ask for the time or read the environment: the doors' shared parts, and what starts the product.
DOORS = ("http/", "cli/", "tasks/", "embedded/", "config.py", "factory.py")

# By dotted name as written, so that `now` of a context and columns called `date` stay free.
CLOCKS = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "date.today",
    "datetime.date.today",
    "dt.datetime.now",
    "func.now",
    "func.current_timestamp",
    "sa.func.now",
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.gmtime",
}
ENVIRONMENT = {"os.environ", "os.getenv", "os.environb", "os.putenv"}

LONGEST_FILE = 400
# Longer with a reason, each file by its path below app/.
LONGER: dict[str, str] = {}

VAGUE_NAMES = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc"}


def sources() -> list[Path]:
    return sorted(APP.rglob("*.py"))


def below(path: Path) -> str:
    return path.relative_to(APP).as_posix()


def dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return ""


def names_used(path: Path, names: set[str]) -> list[str]:
    tree = ast.parse(path.read_text())
    return [
        f"app/{below(path)}:{node.lineno} {dotted(node)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and dotted(node) in names
    ]


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def inside() -> list[Path]:
    return [path for path in sources() if not below(path).startswith(DOORS)]


def test_nothing_below_the_doors_asks_for_the_time() -> None:
    assert [use for path in inside() for use in names_used(path, CLOCKS)] == []


def test_nothing_but_the_start_reads_the_environment() -> None:
    assert [use for path in inside() for use in names_used(path, ENVIRONMENT)] == []


def test_the_time_is_never_an_optional_argument() -> None:
    offenders = []
    for path in sources():
        for function in functions(path):
            arguments = function.args
            positional = [*arguments.posonlyargs, *arguments.args]
            optional = positional[len(positional) - len(arguments.defaults) :]
            optional += [
                argument
                for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
                if default is not None
            ]
            if any(argument.arg in {"now", "ctx"} for argument in optional):
                offenders.append(f"app/{below(path)}:{function.lineno} {function.name}")
    assert offenders == []


def test_no_file_is_too_long_to_read_in_one_go() -> None:
    lengths = {below(path): len(path.read_text().splitlines()) for path in sources()}
    too_long = {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE}
    assert {name: lines for name, lines in too_long.items() if name not in LONGER} == {}
    assert set(LONGER) <= set(too_long), "short again: take it off the list"


def test_no_module_is_named_after_nothing_in_particular() -> None:
    vague = [below(path) for path in sources() if VAGUE_NAMES & set(path.with_suffix("").relative_to(APP).parts)]
    assert vague == []


@pytest.mark.parametrize(
    "source, found",
    [
        ("from datetime import datetime\nx = datetime.now()", True),
        ("import datetime\nx = datetime.datetime.now(tz)", True),
        ("from sqlalchemy import func\nx = func.now()", True),
        ("x = ctx.now", False),
        ("x = clock.now()", False),
    ],
)
def test_the_search_for_clocks_finds_clocks_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, found: bool
) -> None:
    monkeypatch.setattr(f"{__name__}.APP", tmp_path)
    path = tmp_path / "sample.py"
    path.write_text(source)
    assert bool(names_used(path, CLOCKS)) is found
