"""What `make run` reads from the environment, refuses, and passes on to the programs."""

import shutil
import socket
import stat
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from app.embedded import EmbeddedError
from app.embedded.__main__ import main
from app.embedded.product import Product, is_schema_current, refuse_taken_port
from app.embedded.servers import folder_lock

VERSIONS = Path(__file__).parents[2] / "migrations" / "versions"

pytestmark = pytest.mark.spec("RUN-1", "RUN-2")


def product(data_dir: Path, **environ: str) -> Product:
    return Product.from_environment({"DATA_DIR": str(data_dir), **environ})


def test_without_any_setting_it_runs_on_port_8000_over_a_folder_of_the_checkout() -> None:
    bare = Product.from_environment({})
    assert bare.port == 8000
    assert bare.data_dir == Path("var").resolve()
    assert [server.name for server in bare.servers()] == ["valkey", "postgres"]


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1", "80 80"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(EmbeddedError, match="is no port number"):
        Product.from_environment({"PORT": port})


def test_a_taken_port_is_refused_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(EmbeddedError, match=f"PORT={port + 1} make run"):
            refuse_taken_port(port)


def test_a_port_that_was_taken_while_the_data_was_made_is_refused_before_the_web_server_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        web = product(tmp_path, PORT=str(port)).plan().programs[0]
        with pytest.raises(EmbeddedError, match=f"Port {port} cannot be used"):
            web.start()
    assert web.process is None


def test_servers_of_ones_own_are_used_instead_of_embedded_ones(tmp_path: Path) -> None:
    own = product(tmp_path, DATABASE_URL="postgresql://db/desk", REDIS_URL="redis://queue")
    assert own.servers() == []
    assert own.environment()["DATABASE_URL"] == "postgresql://db/desk"
    assert own.environment()["REDIS_URL"] == "redis://queue"


def test_the_secret_key_is_random_private_and_stays(tmp_path: Path) -> None:
    first = product(tmp_path / "one").environment()["SECRET_KEY"]
    assert len(first) >= 48
    assert product(tmp_path / "one").environment()["SECRET_KEY"] == first
    assert product(tmp_path / "two").environment()["SECRET_KEY"] != first
    assert stat.S_IMODE((tmp_path / "one" / "secret-key").stat().st_mode) == 0o600


def test_what_the_environment_says_wins_over_the_demonstration(tmp_path: Path) -> None:
    env = product(
        tmp_path, PAYMENT_GATEWAY="stripe", PUBLIC_URL="https://desk.example", SECRET_KEY="k" * 40
    ).environment()
    assert (env["PAYMENT_GATEWAY"], env["PUBLIC_URL"], env["SECRET_KEY"]) == (
        "stripe",
        "https://desk.example",
        "k" * 40,
    )


@pytest.mark.parametrize("app_env, chores", [("demo", ["migrate", "seed"]), ("production", ["migrate"])])
def test_demonstration_data_goes_into_a_demonstration_only(tmp_path: Path, app_env: str, chores: list[str]) -> None:
    plan = product(tmp_path, APP_ENV=app_env, DATABASE_URL=f"postgresql:///none?host={tmp_path}").plan()
    assert [program.name for _, program in plan.chores()] == chores
    assert [program.name for program in plan.programs] == ["web", "worker", "relay", "clock"]


def test_a_second_start_has_nothing_to_do_before_the_programs(
    tmp_path: Path, servers: tuple[str, str], template: str
) -> None:
    database_url = make_url(servers[0]).set(database=template).render_as_string()
    plan = product(tmp_path, DATABASE_URL=database_url).plan()
    assert [program.name for _, program in plan.chores()] == ["migrate", "seed"]
    (tmp_path / "sign-ins.txt").write_text("admin")
    assert plan.chores() == []
    assert is_schema_current(database_url, VERSIONS)


def test_a_new_migration_is_noticed(tmp_path: Path, servers: tuple[str, str], template: str) -> None:
    database_url = make_url(servers[0]).set(database=template).render_as_string()
    shutil.copytree(VERSIONS, tmp_path / "versions")
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        (head,) = connection.execute("SELECT version_num FROM alembic_version").fetchone() or ("",)
    (tmp_path / "versions" / "new.py").write_text(f'revision = "new"\ndown_revision = "{head}"\n')
    assert not is_schema_current(database_url, tmp_path / "versions")


def test_a_folder_in_use_is_refused_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    with folder_lock(tmp_path):
        assert main(["run"]) == 1
    assert "already in use" in capsys.readouterr().err


def test_an_unknown_word_gets_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fly"]) == 2
    assert "python -m app.embedded run" in capsys.readouterr().out
