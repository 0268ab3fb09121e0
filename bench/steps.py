"""`python -m bench.steps`: how many byte codes Python carries out for a page, and where, as a tree.

Milliseconds differ from run to run; this number does not, so that a change of a hundredth shows. C code (the driver,
regular expressions, joining) counts as one step, so that it is a hint and not a time. Nothing here is a test.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.embedded.servers import embedded_servers
from bench.console import caller, cookie_of, prepare

_LEAST = 0.01
_WARM = 12


@dataclass
class Node:
    """A function as called from its caller: byte codes of its own, and what it called."""

    own: int = 0
    calls: int = 0
    inside: dict[str, Node] = field(default_factory=dict)

    @property
    def all(self) -> int:
        return self.own + sum(node.all for node in self.inside.values())

    def tell(self, whole: int, depth: int = 0) -> None:
        for name, node in sorted(self.inside.items(), key=lambda each: -each[1].all):
            if node.all >= _LEAST * whole:
                print(f"{'  ' * depth}{node.all:7,} {node.all / whole:5.1%}, own {node.own:,}, {node.calls}x {name}")
                node.tell(whole, depth + 1)


def steps_of(call: Callable[[], object]) -> Node:
    """What one call takes."""
    root = Node()
    open_calls = [root]

    def trace(frame: Any, kind: str, _: Any) -> Any:
        if kind == "call":
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
            code = frame.f_code
            name = f"{code.co_filename.rpartition('site-packages/')[2]}:{code.co_name}"
            node = open_calls[-1].inside.setdefault(name, Node())
            node.calls += 1
            open_calls.append(node)
        elif kind == "opcode":
            open_calls[-1].own += 1
        elif kind == "return":
            open_calls.pop()
        return trace

    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(None)
    return root


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--folder", type=Path, default=Path("var/bench/small"), help="that of `python -m bench console`"
    )
    parser.add_argument("--tree", action="store_true", help="where they are spent, too")
    chosen = parser.parse_args()
    with embedded_servers(chosen.folder, durable=False) as servers:
        app = prepare(chosen.folder, servers.database_url, servers.redis_url, 10_000)
        cookie = cookie_of(app)
        with psycopg.connect(servers.database_url.replace("+psycopg", "")) as connection:
            row = connection.execute("SELECT id FROM sessions ORDER BY created_at DESC OFFSET 500 LIMIT 1").fetchone()
        case = row[0] if row else None
        for path in ("/admin/sessions/", f"/admin/sessions/{case}", "/admin/", "/admin/charts", "/mentors"):
            page = caller(app.wsgi_app, path, cookie)  # type: ignore[arg-type]
            for _ in range(_WARM):
                page()
            found = steps_of(page)
            print(f"{found.all:9,} {path}")
            if chosen.tree:
                found.tell(found.all)


if __name__ == "__main__":
    main()
