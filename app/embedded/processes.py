"""Start, recognize and end processes that belong to one owner.

Nothing here knows which servers or programs these are; `servers` and `supervisor` do.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_LAUNCHER = Path(__file__).with_name("launch.py")
_LOG_LIMIT_BYTES = 10_000_000


class EmbeddedError(Exception):
    """A sentence for the person at the terminal: what is wrong, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Account:
    """The system user a server runs as when the owner is root."""

    name: str
    uid: int
    gid: int


def launch(
    command: Sequence[str],
    *,
    log: Path,
    death_signal: signal.Signals,
    account: Account | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path = Path("/"),
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, its output appended to `log`.

    On Linux it receives `death_signal` when the *thread* that called this ends, even by `kill -9`: call it from the
    main thread. The own session keeps Ctrl-C of the terminal away from it, so that the owner decides the order.

    :raises OSError: the interpreter or the log cannot be opened.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
        log.replace(log.with_name(log.name + ".1"))
    uid, gid = (account.uid, account.gid) if account else (-1, -1)
    wrapped = [
        sys.executable,
        "-I",
        "-S",
        str(_LAUNCHER),
        *map(str, (os.getpid(), int(death_signal), uid, gid)),
        *command,
    ]
    with log.open("ab") as output:
        return subprocess.Popen(
            wrapped,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            cwd=cwd,
            start_new_session=True,
        )


def end(process: subprocess.Popen[bytes], stop_signal: signal.Signals, *, patience: float) -> None:
    """Ask a process started by `launch` to stop, and after `patience` seconds kill it with all it started."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(stop_signal)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        sweep(process)
        process.wait()


def sweep(process: subprocess.Popen[bytes]) -> None:
    """Kill what a dead process started by `launch` left in its session, so that its successor finds the place free."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def command_of(pid: int) -> str:
    """The command line of a running process, or "" when there is none (or it may not be seen)."""
    proc = Path(f"/proc/{pid}")
    if Path("/proc/self").exists():
        try:
            return (proc / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            return ""
    answer = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S607 - /bin/ps or /usr/bin/ps, by system
    return answer.stdout.strip()


def exists(pid: int) -> bool:
    """Whether any process, also a dead one that nobody collected, has this pid."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def end_leftover(pid: int, *, mark: str, stop_signal: signal.Signals, patience: float) -> None:
    """Stop a process an owner left behind, if `pid` still is that process.

    A pid from a file may by now belong to a stranger: only a process whose command line contains `mark` is touched.

    :raises EmbeddedError: it did not stop within `patience` seconds.
    """
    if mark not in command_of(pid):
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, stop_signal)
    if not wait_until(lambda: mark not in command_of(pid), patience=patience):
        msg = f"A server of an earlier run (process {pid}) does not stop. End it by hand: kill -9 {pid}"
        raise EmbeddedError(msg)


def wait_until(condition: Callable[[], bool], *, patience: float, pause: float = 0.02) -> bool:
    """Ask until `condition` holds; False when it still does not after `patience` seconds."""
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def tail(log: Path, lines: int = 15, *, skip_bytes: int = 0) -> str:
    """The last lines of a log after `skip_bytes`, indented, for an error message."""
    try:
        text = log.read_bytes()[skip_bytes:].decode(errors="replace")
    except OSError:
        return ""
    return "\n".join("    " + line for line in text.splitlines()[-lines:])
