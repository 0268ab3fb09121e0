"""``flask user …``: accounts from the command line, which may all (ID-1, RUN-6)."""

from __future__ import annotations

import secrets

import click
from flask.cli import AppGroup

from app.domain.errors import DomainError
from app.domain.vocabulary import Role
from app.http.context import command_context
from app.models import User
from app.people import accounts, sign_in, suspension, tokens

user = AppGroup("user", help="Accounts: make them, give roles, tokens and passwords, suspend.")

_ROLE = click.Choice([role.value for role in Role])


@user.command("create")
@click.argument("email")
@click.option("--name", default="", help="Default: the part of the address before the @.")
@click.option("--role", type=_ROLE, default=Role.MENTEE.value, show_default=True)
@click.option("--timezone", default="UTC", show_default=True, help="An IANA name, such as Europe/Berlin.")
@click.option("--password", default="", help="Default: a random one, which is printed. Others see your command line.")
def create(email: str, name: str, role: str, timezone: str, password: str) -> None:
    """Make an account and print its password, unless it was given."""
    chosen = password or secrets.token_urlsafe(15)
    with _plain_errors():
        made = accounts.create_user(
            email=email,
            name=name or email.partition("@")[0],
            role=Role(role),
            password=chosen,
            timezone=timezone,
            ctx=command_context(),
        )
    click.echo(f"{made.email} is {made.role.value}.")
    if not password:
        click.echo(f"Password: {chosen}")


@user.command("token")
@click.argument("email")
@click.option("--name", default="command line", show_default=True, help="What the token is for.")
@click.option("--read-only", is_flag=True, help="It may read and change nothing.")
def token(email: str, name: str, *, read_only: bool) -> None:
    """Print a bearer token for the API: nothing else, so that a script can take it."""
    with _plain_errors():
        owner = _known(email)
        _, secret = tokens.issue_token(
            owner.id, name=name, scopes=[tokens.Scope.READ] if read_only else [], ctx=command_context()
        )
    click.echo(secret)


@user.command("role")
@click.argument("email")
@click.argument("role", type=_ROLE)
@click.option("--reason", default="From the command line", show_default=True)
def role(email: str, role: str, reason: str) -> None:
    """Give an account another role; all its sign-ins and tokens end."""
    with _plain_errors():
        accounts.grant_role(_known(email).id, Role(role), reason=reason, ctx=command_context())
    click.echo(f"{email} is {role}.")


@user.command("suspend")
@click.argument("email")
@click.option("--reason", default="", help="The person gets to read it. Needed, but for --lift.")
@click.option("--lift", is_flag=True, help="Let the person in again.")
def suspend(email: str, reason: str, *, lift: bool) -> None:
    """Suspend an account, or lift the suspension."""
    with _plain_errors():
        if lift:
            reason = reason or "From the command line"
            suspension.reinstate_user(_known(email).id, reason=reason, ctx=command_context())
        else:
            suspension.suspend_user(_known(email).id, reason=reason, ctx=command_context())
    click.echo(f"{email} is {'no longer ' if lift else ''}suspended.")


@user.command("password")
@click.argument("email")
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True)
def password(email: str, password: str) -> None:
    """Set a password; all sign-ins and tokens of the account end."""
    with _plain_errors():
        sign_in.set_password(_known(email).id, new=password, ctx=command_context())
    click.echo(f"The password of {email} is set.")


class _plain_errors:  # noqa: N801 - reads as a word in `with`
    """A refusal is a sentence and exit code 1, not a traceback."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, DomainError):
            raise click.ClickException(" ".join([error.message, *(set(error.fields.values()) - {error.message})]))


def _known(email: str) -> User:
    found = accounts.find_by_email(email)
    if found is None:
        raise click.ClickException(f"There is no account with the address {email}.")
    return found
