"""The supervisor over tiny programs: what dies comes back, what is told to stop stops, nothing is left behind."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from app.embedded.processes import command_of, wait_until

pytestmark = [pytest.mark.spec("RUN-1"), pytest.mark.crash, pytest.mark.timeout(120)]

# Each program writes its pid into a file of its own, one line a start, and sleeps.
DRIVER = """
import sys
from pathlib import Path
from app.embedded import supervisor
from app.embedded.processes import EmbeddedError
from app.embedded.servers import Valkey

data_dir, mode = Path(sys.argv[1]), sys.argv[2]
supervisor._PROGRAM_STOP_SECONDS = 0.5
SLEEPER = '''
import os, signal, sys, time
if "stubborn" in sys.argv[1]:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open(sys.argv[1], "a") as starts:
    print(os.getpid(), file=starts)
time.sleep(1000)
'''

def program(name, *command):
    return supervisor.Program(name, supervisor.python(*command), data_dir, {}, Path("/"))

def sleeper(name):
    return program(name, "-c", SLEEPER, str(data_dir / name))

def missing():
    if mode == "never-ready":
        return "the answer to everything"
    return "" if all((data_dir / name).exists() for name in names) else "somebody"

names = ["first", "stubborn"] if mode == "stubborn" else ["first", "second"]
chores = [("fails", program("chore", "-c", "print('no such table'); raise SystemExit(3)"))] if mode == "chore" else []
plan = supervisor.Plan(
    servers=[Valkey(data_dir)] if mode == "server" else [],
    chores=lambda: chores,
    programs=[sleeper(name) for name in names],
    missing=missing,
    banner=lambda: "ALL UP",
    ready_patience=0.5 if mode == "never-ready" else 60,
    first_pause=0.1,
)
try:
    supervisor.Supervisor(plan).run()
except EmbeddedError as error:
    sys.exit(str(error))
"""


def starts(data_dir: Path, name: str) -> list[int]:
    """The pids a program had so far, the present one last."""
    path = data_dir / name
    return [int(line) for line in path.read_text().splitlines()] if path.exists() else []


@contextlib.contextmanager
def supervisor(data_dir: Path, mode: str = "plain") -> Iterator[subprocess.Popen[str]]:
    """A supervisor whose programs are up."""
    command = [sys.executable, "-c", DRIVER, str(data_dir), mode]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            for line in process.stdout:
                if line == "ALL UP\n":
                    break
            yield process
        finally:
            process.terminate()
            process.stdout.read()


def run_to_its_end(data_dir: Path, mode: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", DRIVER, str(data_dir), mode]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def is_running(pid: int) -> bool:
    return command_of(pid) != ""


def test_a_killed_program_is_started_again(tmp_path: Path) -> None:
    with supervisor(tmp_path):
        (second,) = starts(tmp_path, "second")
        for kills in range(1, 4):
            os.kill(starts(tmp_path, "first")[-1], signal.SIGKILL)
            assert wait_until(lambda kills=kills: len(starts(tmp_path, "first")) == kills + 1, patience=30)
        assert starts(tmp_path, "second") == [second]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_when_told_to_stop_it_stops_all_and_says_so(tmp_path: Path, number: signal.Signals) -> None:
    with supervisor(tmp_path) as process:
        process.send_signal(number)
        process.send_signal(number)
        assert process.stdout
        said = process.stdout.read()
        assert process.wait(30) == 0
        assert said.splitlines()[-1] == "stopped"
        assert not any(is_running(pid) for name in ("first", "second") for pid in starts(tmp_path, name))


def test_a_program_that_will_not_stop_is_killed(tmp_path: Path) -> None:
    with supervisor(tmp_path, "stubborn") as process:
        process.terminate()
        assert process.wait(30) == 0
        assert not is_running(starts(tmp_path, "stubborn")[-1])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends the children with their parent")
def test_a_killed_supervisor_leaves_no_orphan(tmp_path: Path) -> None:
    with supervisor(tmp_path, "server") as process:
        pids = [starts(tmp_path, "first")[-1], starts(tmp_path, "second")[-1]]
        pids.append(int((tmp_path / "valkey" / "pid").read_text()))
        assert all(is_running(pid) for pid in pids)
        process.kill()
        process.wait()
        assert wait_until(lambda: not any(is_running(pid) for pid in pids), patience=30)


def test_a_killed_server_is_started_again_and_still_knows_everything(tmp_path: Path) -> None:
    with supervisor(tmp_path, "server"):
        pid_file = tmp_path / "valkey" / "pid"
        first = int(pid_file.read_text())
        socket = f"unix://{tmp_path}/valkey/valkey.sock"
        with redis.Redis.from_url(socket) as client:
            client.set("kept", "42")
        os.kill(first, signal.SIGKILL)
        assert wait_until(lambda: int(pid_file.read_text() or first) != first, patience=30)
        with redis.Redis.from_url(socket, retry=redis.retry.Retry(redis.backoff.ConstantBackoff(0.1), 100)) as client:
            assert client.get("kept") == b"42"


def test_a_failing_chore_is_shown_with_its_last_words_and_nothing_is_started(tmp_path: Path) -> None:
    result = run_to_its_end(tmp_path, "chore")
    assert result.returncode == 1
    assert "chore failed: it ended with code 3." in result.stderr
    assert "no such table" in result.stderr
    assert starts(tmp_path, "first") == []


def test_what_never_answers_is_named_and_everything_is_stopped(tmp_path: Path) -> None:
    result = run_to_its_end(tmp_path, "never-ready")
    assert result.returncode == 1
    assert "the answer to everything" in result.stderr
    assert not any(is_running(pid) for name in ("first", "second") for pid in starts(tmp_path, name))
