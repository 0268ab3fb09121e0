"""The product's own background processes for tests that kill them: forked from one that has imported everything.

``python -m tests.impatient`` reads lines ``<worker|relay|clock> <log file>`` and answers each with the pid of a new
process. Two things differ from ``flask worker``: it starts in a moment, and claims end after seconds, because a test
that kills workers all the time cannot wait a minute and a half for each row that one of them held.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import timedelta
from typing import NoReturn

from flask.cli import FlaskGroup

from app import create_app
from app.foundation import outbox
from app.tasks.handlers import HANDLERS

LEASE = timedelta(seconds=3)


def hurry() -> None:
    """Shorten what is waited for."""
    outbox.claim.__kwdefaults__["lease"] = LEASE
    outbox._RING_AGAIN = timedelta(seconds=2)
    for spec in HANDLERS.values():
        object.__setattr__(spec, "pauses", tuple(min(pause, LEASE) for pause in spec.pauses))


def run(group: FlaskGroup, name: str, log: str) -> NoReturn:
    """Become that process."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    try:
        group.main(args=[name], prog_name="flask", standalone_mode=False)
    finally:
        os._exit(0)


def main() -> None:
    hurry()
    app = create_app()
    group = FlaskGroup(create_app=lambda: app)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel collects the dead
    children = []
    for line in sys.stdin:
        name, log = line.split()
        pid = os.fork()
        if pid == 0:
            run(group, name, log)
        children.append(pid)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
    # Whoever asked is gone, or done.
    for pid in children:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


if __name__ == "__main__":
    main()
