"""Runs migrations over the application's own engine, in one transaction per revision."""

from alembic import context
from flask import current_app

target = current_app.extensions["migrate"].db


def run() -> None:
    """Migrate online: a revision that cannot be shown as plain SQL is not lost that way."""
    arguments = dict(current_app.extensions["migrate"].configure_args)
    with target.engine.connect() as connection:
        context.configure(
            connection=connection, target_metadata=target.metadata, transaction_per_migration=True, **arguments
        )
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    message = "Migrations run against a database; there is no offline mode."
    raise RuntimeError(message)
run()
