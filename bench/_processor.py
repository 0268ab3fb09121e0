"""Processor time of a call, here and in PostgreSQL together: a busy machine's waiting is left out."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

_OTHERS = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"


def processor_milliseconds(call: Callable[[], object], connection: psycopg.Connection[Any], rounds: int) -> float:
    """The median of this thread's time, and the mean of what the server's processes used beside it."""
    for _ in range(5):
        call()
    processes = [row[0] for row in connection.execute(_OTHERS)]
    before = {process: _used(process) for process in processes}
    here = []
    for _ in range(rounds):
        began = time.thread_time()
        call()
        here.append((time.thread_time() - began) * 1000)
    there = sum(_used(process) - before[process] for process in processes if _used(process))
    return statistics.median(here) + there / rounds / 1e6


def _used(process: int) -> int:
    """Nanoseconds, as Linux tells them; 0 elsewhere and once the process has ended."""
    try:
        return int(Path(f"/proc/{process}/schedstat").read_text().split()[0])
    except OSError:
        return 0
