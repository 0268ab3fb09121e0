"""The embedded PostgreSQL and Valkey as real processes: start, stop, crash of the owner, two owners."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from app.embedded import EmbeddedError, EmbeddedServers, embedded_servers
from app.embedded.processes import command_of, end_leftover, wait_until

OWNER = """
import sys
from pathlib import Path
from app.embedded import embedded_servers
with embedded_servers(Path(sys.argv[1])) as servers:
    print(servers.database_url, servers.redis_url, flush=True)
    sys.stdin.read()
"""

pytestmark = [pytest.mark.spec("RUN-2"), pytest.mark.crash, pytest.mark.timeout(120)]


def connect(servers: EmbeddedServers) -> psycopg.Connection:
    return psycopg.connect(servers.database_url.replace("+psycopg", ""), autocommit=True)


@contextlib.contextmanager
def owner_process(data_dir: Path) -> Iterator[tuple[subprocess.Popen[str], EmbeddedServers]]:
    command = [sys.executable, "-c", OWNER, str(data_dir)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout
        try:
            yield owner, EmbeddedServers(*owner.stdout.readline().split())
        finally:
            owner.kill()


def test_both_servers_keep_their_data_over_a_clean_restart(tmp_path: Path) -> None:
    with embedded_servers(tmp_path) as servers:
        with connect(servers) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        with redis.Redis.from_url(servers.redis_url) as client:
            client.set("kept", "42")
    with embedded_servers(tmp_path) as servers:
        with connect(servers) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
        with redis.Redis.from_url(servers.redis_url) as client:
            assert client.get("kept") == b"42"


def test_the_database_runs_in_utc_and_listens_on_no_port(tmp_path: Path) -> None:
    with embedded_servers(tmp_path, durable=False) as servers:
        with connect(servers) as connection:
            settings = connection.execute(
                "SELECT current_setting('TimeZone'), current_setting('listen_addresses'), current_setting('fsync')"
            ).fetchone()
        with redis.Redis.from_url(servers.redis_url) as client:
            port = client.config_get("port")["port"]
    assert settings == ("UTC", "", "off")
    assert port == "0"


def test_a_killed_owner_takes_its_servers_along_and_loses_nothing(tmp_path: Path) -> None:
    with owner_process(tmp_path) as (owner, servers):
        with connect(servers) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        with redis.Redis.from_url(servers.redis_url) as client:
            client.set("kept", "42")
        server_pids = [
            int((tmp_path / "postgres" / "postmaster.pid").read_text().split()[0]),
            int((tmp_path / "valkey" / "pid").read_text()),
        ]
        assert all(str(tmp_path) in command_of(pid) for pid in server_pids)
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
        if sys.platform == "linux":
            assert wait_until(lambda: not any(str(tmp_path) in command_of(pid) for pid in server_pids), patience=30)
        with embedded_servers(tmp_path) as again:
            with connect(again) as connection:
                assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
            with redis.Redis.from_url(again.redis_url) as client:
                assert client.get("kept") == b"42"


def test_killed_servers_recover_what_they_had_acknowledged(tmp_path: Path) -> None:
    with owner_process(tmp_path) as (_owner, servers):
        with connect(servers) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        with redis.Redis.from_url(servers.redis_url) as client:
            client.set("kept", "42")
        os.kill(int((tmp_path / "valkey" / "pid").read_text()), signal.SIGKILL)
        os.kill(int((tmp_path / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    with embedded_servers(tmp_path) as again:
        with connect(again) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
        with redis.Redis.from_url(again.redis_url) as client:
            assert client.get("kept") == b"42"


def test_a_second_owner_is_refused_with_a_sentence_that_helps(tmp_path: Path) -> None:
    with owner_process(tmp_path) as (owner, _servers):
        with pytest.raises(EmbeddedError, match="already in use") as refusal, embedded_servers(tmp_path):
            pass
        assert str(owner.pid) in str(refusal.value)
        assert "DATA_DIR" in str(refusal.value)


def test_a_deep_data_folder_still_gets_sockets_and_leaves_nothing_elsewhere(tmp_path: Path) -> None:
    deep = tmp_path / ("long-name-" * 6) / ("long-name-" * 6)
    with embedded_servers(deep, durable=False) as servers:
        socket = Path(servers.redis_url.removeprefix("unix://"))
        assert len(str(socket)) < 104
        assert not socket.is_relative_to(deep)
        with connect(servers) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    assert not socket.parent.exists()


def test_a_first_start_that_was_killed_half_way_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "postgres.new").mkdir()
    (tmp_path / "postgres.new" / "PG_VERSION").write_text("18\n")
    with embedded_servers(tmp_path, durable=False) as servers, connect(servers) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_data_of_another_postgresql_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedError, match="made by PostgreSQL 16"), embedded_servers(tmp_path):
        pass
    assert [path.name for path in (tmp_path / "postgres").iterdir()] == ["PG_VERSION"]


def test_a_stranger_who_got_the_pid_of_the_database_does_not_keep_it_from_starting(tmp_path: Path) -> None:
    with embedded_servers(tmp_path, durable=False):
        lines = (tmp_path / "postgres" / "postmaster.pid").read_text().splitlines()
    (tmp_path / "postgres" / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    with embedded_servers(tmp_path, durable=False) as servers, connect(servers) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_stranger_who_got_the_old_pid_is_not_touched(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as stranger:
        end_leftover(stranger.pid, mark=str(tmp_path), stop_signal=signal.SIGKILL, patience=1)
        assert stranger.poll() is None
        stranger.kill()
