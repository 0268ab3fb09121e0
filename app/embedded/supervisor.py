"""Run several programs as one: start in order, wait until they answer, restart what dies, stop all (RUN-1).

What the programs are is `product`'s business. One thread, because the kernel ends the children with the thread that
started them; it looks around five times a second.
"""

import contextlib
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from types import FrameType
from typing import Protocol

from app.embedded.processes import EmbeddedError, end, end_leftover, launch, sweep, tail

_LOOK_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 60.0
_PROGRAM_STOP_SECONDS = 5.0


class Unit(Protocol):
    """Something that runs: a server or a program."""

    @property
    def name(self) -> str:
        """For the terminal."""

    @property
    def log(self) -> Path:
        """Where its output goes."""

    @property
    def process(self) -> Popen[bytes] | None:
        """The last one started."""

    def start(self) -> None:
        """Start it, also again; may wait until it answers."""

    def stop(self) -> None:
        """Stop it and wait."""


@dataclass(slots=True)
class Program:
    """One program of the product, with its own log file."""

    name: str
    command: Sequence[str]
    data_dir: Path
    env: Mapping[str, str]
    cwd: Path
    # Raises EmbeddedError where it cannot be started now; what it needs may have gone while others were started.
    check: Callable[[], None] | None = None
    process: Popen[bytes] | None = field(default=None, init=False)

    @property
    def log(self) -> Path:
        """Its output, appended over restarts."""
        return self.data_dir / "logs" / f"{self.name}.log"

    @property
    def _pid_file(self) -> Path:
        return self.data_dir / "run" / f"{self.name}.pid"

    def start(self) -> None:
        """End one that a killed supervisor left behind (where the kernel does not), and start."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            leftover = int(self._pid_file.read_text())
            mark = " ".join(self.command[1:])
            end_leftover(leftover, mark=mark, stop_signal=signal.SIGTERM, patience=_PROGRAM_STOP_SECONDS)
        if self.check is not None:
            self.check()
        self.process = launch(self.command, log=self.log, death_signal=signal.SIGTERM, env=self.env, cwd=self.cwd)
        self._pid_file.parent.mkdir(exist_ok=True)
        self._pid_file.write_text(str(self.process.pid))

    def stop(self) -> None:
        """Ask to end; kill what has not ended after five seconds. By design nothing is lost then (OPS-1)."""
        if self.process:
            end(self.process, signal.SIGTERM, patience=_PROGRAM_STOP_SECONDS)
        self._pid_file.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run, in this order: servers, then chores one after the other, then programs until told to stop."""

    servers: Sequence[Unit]
    # Asked for when the servers run: a sentence for the terminal and what to carry out.
    chores: Callable[[], Sequence[tuple[str, Program]]]
    programs: Sequence[Program]
    # "" when everything answers, else what is missing.
    missing: Callable[[], str]
    banner: Callable[[], str]
    ready_patience: float = 180.0
    first_pause: float = 2.0


@dataclass(slots=True)
class _Watch:
    """One unit, and when to start it again."""

    unit: Unit
    pause: float
    first_pause: float
    started_at: float
    due: float | None = None

    def look(self, now: float) -> None:
        process = self.unit.process
        if self.due is None and process and process.poll() is not None:
            if now - self.started_at > _LONGEST_PAUSE_SECONDS:
                self.pause = self.first_pause
            sweep(process)
            self._postpone(now, how_it_ended(process.returncode))
        elif self.due is not None and now >= self.due:
            self.due = None
            self.started_at = now
            try:
                self.unit.start()
            except EmbeddedError as error:
                self._postpone(now, str(error).splitlines()[0])
            else:
                say(self.unit.name, "started again")

    def _postpone(self, now: float, reason: str) -> None:
        self.due = now + self.pause
        say(self.unit.name, f"{reason}; starts again in {self.pause:.0f} s. Its log: {self.unit.log}")
        self.pause = min(self.pause * 2, _LONGEST_PAUSE_SECONDS)


class Supervisor:
    """Carries out one plan; see `run`."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._stopping = False
        self._watches: list[_Watch] = []

    def run(self) -> None:
        """Run the plan until SIGINT, SIGTERM or SIGHUP, then stop everything in reverse order.

        :raises EmbeddedError: a server or a chore failed, or nothing answered in time. All is stopped by then.
        """
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop_soon)
        try:
            for server in self._plan.servers:
                self._start(server)
            for sentence, chore in () if self._stopping else self._plan.chores():
                self._carry_out(sentence, chore)
            for program in self._plan.programs:
                self._start(program)
            self._await_readiness()
            if not self._stopping:
                print(self._plan.banner(), flush=True)
            while not self._stopping:
                self._look()
        finally:
            self._stop_all()

    def _stop_soon(self, _number: int, _frame: FrameType | None) -> None:
        # Only a flag: a second Ctrl-C (make passes one on, too) must not interrupt the orderly end.
        self._stopping = True

    def _start(self, unit: Unit) -> None:
        if self._stopping:
            return
        pause = self._plan.first_pause
        self._watches.append(_Watch(unit, pause, pause, time.monotonic()))
        unit.start()
        say(unit.name, "started")

    def _carry_out(self, sentence: str, chore: Program) -> None:
        if self._stopping:
            return
        say(chore.name, sentence)
        started_at = chore.log.stat().st_size if chore.log.exists() else 0
        chore.start()
        assert chore.process
        try:
            while chore.process.poll() is None and not self._stopping:
                time.sleep(_LOOK_SECONDS / 4)
        finally:
            chore.stop()
        if chore.process.returncode and not self._stopping:
            told = tail(chore.log, skip_bytes=started_at)
            msg = f"{chore.name} failed: it {how_it_ended(chore.process.returncode)}.\n{told}"
            raise EmbeddedError(msg)

    def _await_readiness(self) -> None:
        deadline = time.monotonic() + self._plan.ready_patience
        while not self._stopping and (missing := self._plan.missing()):
            if time.monotonic() > deadline:
                told = "\n".join(f"  {watch.unit.name}:\n{tail(watch.unit.log, 5)}" for watch in self._watches)
                msg = f"Not ready after {self._plan.ready_patience:.0f} s: {missing}\n{told}"
                raise EmbeddedError(msg)
            self._look()

    def _look(self) -> None:
        for watch in self._watches:
            watch.look(time.monotonic())
        time.sleep(_LOOK_SECONDS)

    def _stop_all(self) -> None:
        """All programs at once, then the servers they need, the last one first."""
        say("", "stopping …")
        programs = [watch.unit for watch in self._watches if isinstance(watch.unit, Program)]
        for program in programs:
            if program.process and program.process.poll() is None:
                program.process.send_signal(signal.SIGTERM)
        for program in programs:
            program.stop()
        for watch in reversed(self._watches):
            if watch.unit not in programs:
                watch.unit.stop()
        say("", "stopped")


def say(name: str, sentence: str) -> None:
    """One calm line on the terminal; a closed terminal is no reason to fail."""
    with contextlib.suppress(OSError):
        print(f"{name:<10}{sentence}" if name else sentence, flush=True)


def how_it_ended(returncode: int) -> str:
    """A return code in words."""
    if returncode >= 0:
        return f"ended with code {returncode}"
    with contextlib.suppress(ValueError):
        return f"was ended by {signal.Signals(-returncode).name}"
    return f"was ended by signal {-returncode}"


def python(*arguments: str) -> list[str]:
    """A command for the interpreter that runs this."""
    return [sys.executable, *arguments]
