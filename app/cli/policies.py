"""`flask policies`: read and change what the rules read (RUN-6, POL-1)."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from app.domain.errors import Invalid
from app.domain.policies import DEFAULTS, POLICIES, value_as_json
from app.foundation.policies import change_policies, current_policies
from app.foundation.transaction import transaction
from app.http.context import command_context

policies = AppGroup("policies", help="Policies in force, and changing them with a reason.")


@policies.command("list")
def list_policies() -> None:
    """Every key with its value; a star marks what differs from what the product ships with."""
    values = current_policies().values
    for key, spec in POLICIES.items():
        mark = " " if values[key] == DEFAULTS[key] else "*"
        click.echo(f"{mark} {key:36} {value_as_json(values[key])!s:12} {spec.description}")


@policies.command("set")
@click.argument("key")
@click.argument("value")
@click.option("--reason", required=True, help="Why; it stands in the audit trail.")
def set_policy(key: str, value: str, reason: str) -> None:
    """Put VALUE into force for KEY. Sessions that are booked already keep what they were promised (POL-5)."""
    try:
        with transaction():
            change_policies({key: value}, reason=reason, ctx=command_context())
    except Invalid as refusal:
        told = "; ".join(f"{name}: {why}" for name, why in refusal.fields.items()) or refusal.message
        raise click.ClickException(told) from None
    click.echo(f"{key} is {value_as_json(current_policies().values[key])} from now on.")
