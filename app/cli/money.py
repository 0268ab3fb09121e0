"""``flask money check``: is every minor unit where it belongs? Exit status 1 when it is not (MN-11, RUN-6)."""

from __future__ import annotations

import sys

import click
from flask.cli import AppGroup

from app.foundation.transaction import transaction
from app.http.adapters import adapters
from app.http.clock import now
from app.integrations.payments.sandbox import SandboxGateway
from app.money.checks import CHECKS, Problem, compare_sandbox

money = AppGroup("money", help="Payments, refunds and the ledger.")

_SHOWN = 20


@money.command("check")
def check() -> None:
    """Compare payments, refunds, sessions, the ledger and the gateway's own books, and show every disagreement."""
    gateway = adapters().gateway
    with transaction():
        answers = [(each.invariant, each.says, each.run()) for each in CHECKS]
        if isinstance(gateway, SandboxGateway):
            says = "the gateway's books and ours agree"
            answers.append(("MN-11", says, compare_sandbox(gateway, now=now())))
    for invariant, says, problems in answers:
        _tell(invariant, says, problems)
    if any(problems for _, _, problems in answers):
        sys.exit(1)


def _tell(invariant: str, says: str, problems: list[Problem]) -> None:
    click.echo(f"{'NOT' if problems else 'ok '}  {invariant:6} {says}: {len(problems)} rows")
    for problem in problems[:_SHOWN]:
        click.echo(f"       {problem}")
    if len(problems) > _SHOWN:
        click.echo(f"       … and {len(problems) - _SHOWN} more")
