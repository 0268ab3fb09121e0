"""``flask outbox status|retry``: what waits to be done outside the database, and the dead letters (RUN-6, OPS-3)."""

from __future__ import annotations

from uuid import UUID

import click
from flask.cli import AppGroup
from sqlalchemy import select

from app.domain.vocabulary import OutboxState
from app.domain.wording import format_relative
from app.extensions import db
from app.foundation import outbox as rows
from app.foundation.audit import record_staff_act
from app.foundation.transaction import transaction
from app.http.context import command_context
from app.models import OutboxRow

outbox = AppGroup("outbox", help="Work that waits to be done outside the database.")


@outbox.command("status")
@click.option("--dead", "show_dead", is_flag=True, help="List each dead letter with its last error.")
def status(show_dead: bool) -> None:  # noqa: FBT001 - click's way
    """Rows that are not done, per kind and state, with the age of the oldest."""
    ctx = command_context()
    with transaction():
        counted = rows.counts()
        dead = db.session.scalars(
            select(OutboxRow).where(OutboxRow.state == OutboxState.DEAD).order_by(OutboxRow.created_at).limit(500)
        ).all()
    if not counted:
        click.echo("Nothing waits: every piece of work is done.")
    for kind, state, count, oldest in counted:
        click.echo(f"{kind:<20} {state:<10} {count:>8}   oldest {format_relative(oldest, ctx.now)}")
    if show_dead:
        for row in dead:
            click.echo(f"{row.id}  {row.kind}  {row.key}\n    after {row.attempts} tries: {row.last_error}")


@outbox.command("retry")
@click.argument("ids", nargs=-1, type=click.UUID)
@click.option("--kind", help="All dead letters of this kind, such as mail.send.")
def retry(ids: tuple[UUID, ...], kind: str | None) -> None:
    """Put dead letters back into the queue, by their ids or by kind."""
    if not ids and not kind:
        raise click.UsageError("Name the ids to retry, or a --kind. `flask outbox status --dead` lists them.")
    ctx = command_context()
    with transaction():
        chosen = select(OutboxRow.id).where(OutboxRow.state == OutboxState.DEAD)
        chosen = chosen.where(OutboxRow.id.in_(ids)) if ids else chosen.where(OutboxRow.kind == kind)
        count = rows.retry_dead(list(db.session.scalars(chosen)), ctx=ctx)
        if count:
            record_staff_act(
                action="ADMIN_OUTBOX_RETRIED",
                reason="from the command line",
                ctx=ctx,
                subject_type="outbox",
                subject_id=kind,
                details={"ids": list(ids), "kind": kind, "count": count},
            )
    click.echo(f"{count} put back into the queue.")
