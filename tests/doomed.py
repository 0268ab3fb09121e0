"""Processes that are killed over and over: whenever some more work is done, one of them dies (``kill -9``)."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from flask import Flask

from app.extensions import doorbell

ROOT = Path(__file__).parents[1]


class Doomed:
    """The background processes of one application."""

    def __init__(self, nursery: subprocess.Popen[str], folder: Path, names: Sequence[str], seed: int) -> None:
        self._nursery = nursery
        self._folder = folder
        self._random = random.Random(seed)
        self._running = [(name, self._start(name)) for name in names]
        self._next = 0
        # Killed after that many more pieces of work; by work and not by time, so that a slow machine gets on, too.
        self.kill_every = (5, 20)
        self.wipe_queue_at: list[int] = []
        self.kills: Counter[str] = Counter()
        self.wipes = 0

    def _start(self, name: str) -> int:
        assert self._nursery.stdin
        assert self._nursery.stdout
        self._nursery.stdin.write(f"{name} {self._folder / name}.log\n")
        self._nursery.stdin.flush()
        return int(self._nursery.stdout.readline())

    def look(self, progress: int) -> None:
        """Kill one at random when it is time, and wipe the queue server when it is time for that."""
        if self.wipe_queue_at and progress >= self.wipe_queue_at[0]:
            self.wipe_queue_at.pop(0)
            doorbell.redis.flushall()
            self.wipes += 1
        if progress >= self._next:
            if progress:
                self._kill(self._random.randrange(len(self._running)))
            self._next = progress + self._random.randint(*self.kill_every)

    def _kill(self, index: int) -> None:
        name, pid = self._running[index]
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        self.kills[name] += 1
        self._running[index] = (name, self._start(name))

    def logs(self) -> str:
        """The end of each process's log, for a message of failure."""
        return "\n".join(
            f"== {path.name}\n{path.read_text(errors='replace')[-3000:]}" for path in self._folder.iterdir()
        )

    def __str__(self) -> str:
        killed = ", ".join(f"{name} {count} times" for name, count in sorted(self.kills.items()))
        return f"{killed}, queue server wiped {self.wipes} times" if self.wipes else killed


@contextmanager
def doomed_processes(
    app: Flask, folder: Path, names: Sequence[str], env: Mapping[str, str], seed: int = 7
) -> Iterator[Doomed]:
    """The product's processes over this application's database, queue server and data folder, until the block ends."""
    settings = app.extensions["desk-settings"]
    told = {
        **os.environ,
        "APP_ENV": "demo",
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "DATA_DIR": str(settings.data_dir),
        "SECRET_KEY": "a key for tests only, and long enough",
        "PUBLIC_URL": "http://127.0.0.1:1",
        **env,
    }
    folder.mkdir(exist_ok=True)
    doorbell.connect(settings.redis_url)
    doorbell.redis.flushall()
    nursery = subprocess.Popen(
        [sys.executable, "-m", "tests.impatient"],
        env=told,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Doomed(nursery, folder, names, seed)
    finally:
        # At the end of its input it kills what it started and ends.
        nursery.communicate()
        doorbell.redis.flushall()
        doorbell.connect(settings.redis_url, is_silent=True)
