"""`python -m bench`: every benchmark, one after the other; `python -m bench console` for one of them."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

HERE = Path(__file__).parent
ALL = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_") and path.stem != "handwritten")


def main() -> None:
    chosen = sys.argv[1] if len(sys.argv) > 1 and sys.argv[1] in ALL else None
    if chosen:
        del sys.argv[1]
    for name in [chosen] if chosen else ALL:
        print(f"== {name}", flush=True)
        runpy.run_path(str(HERE / f"{name}.py"), run_name="__main__")


if __name__ == "__main__":
    main()
