"""The schema has one history, it runs both ways, and it says the same as the tables in code (RUN-5)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, text

from app.extensions import db, migrate


@pytest.mark.spec("RUN-5")
def test_the_history_is_one_line(app: Flask) -> None:
    script = ScriptDirectory.from_config(migrate.get_config())

    assert len(script.get_heads()) == 1
    assert all(not isinstance(revision.down_revision, tuple) for revision in script.walk_revisions())


@pytest.mark.spec("RUN-5")
def test_the_tables_in_code_and_the_migrated_ones_are_the_same(own_database: Callable[..., Flask]) -> None:
    with own_database().app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})

        assert compare_metadata(context, db.metadata) == []


@pytest.mark.spec("RUN-5")
def test_every_migration_goes_down_and_up_again(own_database: Callable[..., Flask]) -> None:
    with own_database().app_context():
        steps = len(list(ScriptDirectory.from_config(migrate.get_config()).walk_revisions()))
        for _ in range(steps):
            downgrade(revision="-1")
        left = set(inspect(db.engine).get_table_names()) - {"alembic_version"}
        types = db.session.scalars(text("SELECT typname FROM pg_type WHERE typname LIKE 'uuid%range'")).all()
        db.session.remove()
        upgrade()

        assert (left, list(types)) == (set(), [])
        assert "calendar_entries" in inspect(db.engine).get_table_names()


@pytest.mark.spec("AUD-2", "MN-4")
@pytest.mark.parametrize(
    "table", ["session_audit_log", "admin_session_audit_trail", "ledger_transactions", "ledger_postings"]
)
def test_what_happened_has_a_guard_against_change_removal_and_emptying(app: Flask, table: str) -> None:
    guarded = db.session.execute(
        text(
            "SELECT event_manipulation FROM information_schema.triggers "
            "WHERE event_object_table = :table AND action_statement LIKE '%refuse_change%'"
        ),
        {"table": table},
    ).scalars()
    truncate = db.session.scalar(
        text("SELECT count(*) FROM pg_trigger WHERE tgname = :name AND tgenabled = 'O'"), {"name": f"{table}_whole"}
    )

    assert ({"UPDATE", "DELETE"} <= set(guarded), truncate) == (True, 1)


def test_every_constraint_and_index_has_a_name_of_ours() -> None:
    nameless = [
        f"{table.name}: {constraint}"
        for table in db.metadata.tables.values()
        for constraint in [*table.constraints, *table.indexes]
        if not constraint.name
    ]

    assert nameless == []
