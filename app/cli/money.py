"""``flask money``: is every minor unit where it belongs? And what a gateway does by itself, for trying it out."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click
from flask.cli import AppGroup

from app.domain.context import SYSTEM, Context
from app.domain.errors import ProviderFailed
from app.domain.money import Money
from app.foundation.transaction import transaction
from app.http.adapters import adapters
from app.http.clock import now
from app.integrations.payments.base import ReturnKind
from app.integrations.payments.sandbox import SandboxGateway
from app.money.checks import Problem
from app.money.reconciliation import ask_everything, books_of
from app.money.webhooks import send_sandbox_webhook

money = AppGroup("money", help="Payments, refunds and the ledger.")

_SHOWN = 20


@money.command("check")
def check() -> None:
    """Compare payments, refunds, sessions, the ledger and the gateway's own books, and show every disagreement.

    Exit status 1 when there is one, or when the gateway did not answer (MN-11, RUN-6).
    """
    books = books_of(adapters().gateway, now=now())
    with transaction():
        answers = ask_everything(books, now=now())
    for answer in answers:
        _tell(answer.invariant, answer.says, answer.problems)
    if books is None:
        click.echo("NOT  MN-11  the gateway did not answer: its books were not compared")
    if books is None or any(answer.problems for answer in answers):
        sys.exit(1)


def _tell(invariant: str, says: str, problems: Sequence[Problem]) -> None:
    click.echo(f"{'NOT' if problems else 'ok '}  {invariant:6} {says}: {len(problems)} rows")
    for problem in problems[:_SHOWN]:
        click.echo(f"       {problem}")
    if len(problems) > _SHOWN:
        click.echo(f"       … and {len(problems) - _SHOWN} more")


@money.command("sandbox-return")
@click.argument("reference")
@click.argument("amount", required=False)
@click.option("--chargeback", is_flag=True, help="The payer's bank takes it, instead of somebody at the gateway.")
def sandbox_return(reference: str, amount: str | None, *, chargeback: bool) -> None:
    """Have the sandbox gateway give a payment back without our asking, all of it or AMOUNT, and tell us (MN-14)."""
    gateway = adapters().gateway
    book = gateway.read(reference) if isinstance(gateway, SandboxGateway) else None
    if book is None or not isinstance(gateway, SandboxGateway):
        raise click.ClickException("The sandbox gateway knows no such payment.")
    try:
        minor = book["amount_minor"] if amount is None else Money.parse(amount, book["currency"]).minor
        kind = ReturnKind.CHARGEBACK if chargeback else ReturnKind.REFUND
        event_id = gateway.give_back(reference, minor, kind)
    except (ValueError, ProviderFailed) as error:
        raise click.ClickException(str(error)) from error
    send_sandbox_webhook(reference, event_id, ctx=Context(actor=SYSTEM, now=now(), request_id="command-line"))
    click.echo(f"{Money(minor, book['currency'])} went back. The webhook is on its way.")
