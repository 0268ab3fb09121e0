"""What the supervisor runs: Mentor Desk over one data folder, with demonstration data (RUN-1, RUN-2)."""

import contextlib
import os
import re
import secrets
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg

from app.embedded.processes import EmbeddedError
from app.embedded.servers import Postgres, Valkey, folder_lock
from app.embedded.supervisor import Plan, Program, Supervisor, python

ROOT = Path(__file__).resolve().parents[2]
_HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Product:
    """The choices the environment leaves open, made: where the data lies, which port, which servers are ours."""

    data_dir: Path
    port: int
    env: Mapping[str, str]

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Product":
        """Read PORT (8000), DATA_DIR (./var), DATABASE_URL and REDIS_URL; an empty value counts as none.

        :raises EmbeddedError: PORT is no port.
        """
        given = {name: value for name, value in environ.items() if value}
        port = given.get("PORT", "8000")
        if not port.isdecimal() or not 1 <= int(port) <= _HIGHEST_PORT:
            msg = f"PORT={port} is no port number. Choose one from 1024 to {_HIGHEST_PORT}."
            raise EmbeddedError(msg)
        return cls(Path(given.get("DATA_DIR", "var")).resolve(), int(port), given)

    @property
    def is_demo(self) -> bool:
        """Whether demonstration data belongs here: never into what calls itself production."""
        return self.env.get("APP_ENV", "demo") == "demo"

    @property
    def address(self) -> str:
        """Where a browser on this machine finds it."""
        return f"http://127.0.0.1:{self.port}"

    def servers(self) -> list[Valkey | Postgres]:
        """The servers to embed: those whose address is not given."""
        found: list[Valkey | Postgres] = []
        if "REDIS_URL" not in self.env:
            found.append(Valkey(self.data_dir))
        if "DATABASE_URL" not in self.env:
            found.append(Postgres(self.data_dir))
        return found

    def environment(self) -> dict[str, str]:
        """What every program of the product gets to see."""
        return {
            "APP_ENV": "demo",
            "PUBLIC_URL": self.address,
            "DATABASE_URL": Postgres(self.data_dir).url,
            "REDIS_URL": Valkey(self.data_dir).url,
            "PAYMENT_GATEWAY": "sandbox",
            "SECRET_KEY": self._secret_key(),
            "PYTHONUNBUFFERED": "1",
            # Ctrl-C shall not wait for open event streams.
            "WEB_GRACEFUL_SECONDS": "1",
            **self.env,
            "PORT": str(self.port),
            "DATA_DIR": str(self.data_dir),
        }

    def plan(self) -> Plan:
        """Servers, migration, demonstration data, then web, worker, relay and clock."""
        env = self.environment()

        def program(name: str, *arguments: str) -> Program:
            return Program(name, python("-m", *arguments), self.data_dir, env, ROOT)

        def chores() -> list[tuple[str, Program]]:
            # The second start shall take seconds, and each chore would load the whole product to find nothing to do.
            # The sign-ins are the last thing the demonstration data writes.
            is_seeded = self._sign_ins.exists() or not self.is_demo
            if is_seeded and is_schema_current(env["DATABASE_URL"], ROOT / "migrations" / "versions"):
                return []
            found = [("brings the tables up to date", program("migrate", *_FLASK, "db", "upgrade"))]
            if self.is_demo:
                sentence = "makes the demonstration data; the first time this takes a while"
                found.append((sentence, program("seed", *_FLASK, "seed", "demo")))
            return found

        web = program("web", "gunicorn", "--config", "gunicorn.conf.py", "--bind", f"127.0.0.1:{self.port}", "wsgi:app")
        # Once more: the first start makes data for minutes, and another program's answers would look like ours.
        web.check = partial(refuse_taken_port, self.port)
        return Plan(
            servers=self.servers(),
            chores=chores,
            programs=[web, *(program(name, *_FLASK, name) for name in ("worker", "relay", "clock"))],
            missing=self._missing,
            banner=self._banner,
        )

    def run(self) -> None:
        """Run the product until it is told to stop.

        :raises EmbeddedError: the folder or the port is taken, or something failed to start.
        """
        with folder_lock(self.data_dir):
            refuse_taken_port(self.port)
            Supervisor(self.plan()).run()

    def run_command(self, command: Sequence[str]) -> int:
        """Run one command of the product and return its code; the servers are started for it unless they run.

        :raises EmbeddedError: a server failed to start.
        """
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(folder_lock(self.data_dir))
            except EmbeddedError:
                pass  # the supervisor runs, and with it the servers
            else:
                for server in self.servers():
                    stack.callback(server.stop)
                    server.start()
            return subprocess.run(command, env=self.environment(), cwd=ROOT, check=False).returncode

    @property
    def _sign_ins(self) -> Path:
        return self.data_dir / "sign-ins.txt"

    def _secret_key(self) -> str:
        """A key of this folder: sign-ins survive a restart, and no two installations share one."""
        path = self.data_dir / "secret-key"
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as handle:
                handle.write(secrets.token_urlsafe(48))
        return path.read_text()

    def _missing(self) -> str:
        try:
            with urllib.request.urlopen(f"{self.address}/readyz", timeout=5):  # noqa: S310 - our own address
                return ""
        except urllib.error.HTTPError as error:
            return f"/readyz answers {error.code}: {error.read(2000).decode(errors='replace')}"
        except OSError as error:
            return f"/readyz does not answer: {error}"

    def _banner(self) -> str:
        sign_ins = self._sign_ins.read_text() if self._sign_ins.exists() else ""
        lines = ["", f"Mentor Desk runs at {self.env.get('PUBLIC_URL', self.address)}", "", sign_ins.rstrip()]
        return "\n".join([*lines, "", f"Data and logs: {self.data_dir}", "Stop with Ctrl-C.", ""])


_FLASK = ("flask", "--app", "wsgi")


def is_schema_current(database_url: str, versions: Path) -> bool:
    """Whether the newest migration has run, found out without loading Alembic; False when in doubt."""
    scripts = "\n".join(path.read_text() for path in versions.glob("*.py"))
    revisions, followed = (
        set(re.findall(rf"^{word}(?:: [^=]+)? = [\"'](\w+)[\"']", scripts, re.MULTILINE))
        for word in ("revision", "down_revision")
    )
    try:
        with psycopg.connect(database_url.replace("+psycopg", "", 1), connect_timeout=5) as connection:
            present = {row[0] for row in connection.execute("SELECT version_num FROM alembic_version")}
    except psycopg.Error:
        return False
    return present == revisions - followed


def refuse_taken_port(port: int) -> None:
    """Make sure that the web server will get its port.

    :raises EmbeddedError: another program listens there, or the port is reserved.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            msg = (
                f"Port {port} cannot be used ({error.strerror}). "
                f"Stop the program that uses it, or choose another port: PORT={port + 1} make run"
            )
            raise EmbeddedError(msg) from None
