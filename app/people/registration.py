"""Registering with an address that is proved to be one's own, without telling anybody who is registered (ID-2, ID-3).

What was typed waits with its link; the account is made when the link is followed, with the name and the password of
that very registration. So nobody can prepare an account in another's name, or learn from an answer who has one.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Select, select, update

from app.domain import times
from app.domain.context import Context
from app.domain.errors import Invalid
from app.domain.vocabulary import Role
from app.extensions import db
from app.foundation.transaction import transaction
from app.messaging.mail import send_mail
from app.models import Registration, User
from app.people.accounts import add_account, find_by_email, normal_email, normal_name
from app.people.credentials import new_secret, secret_hash
from app.people.passwords import hash_password, require_good_password

LINK_LIVES = timedelta(days=2)
CONFIRM_PATH = "/register/"


def ask_to_register(*, email: str, name: str, password: str, timezone: str, ctx: Context) -> None:
    """This function will mail a link that makes the account; an address that has one is told so, by mail only.

    :raises Invalid: naming each field that cannot be used, never because the address has an account
    """
    email, name = normal_email(email), normal_name(name)
    times.zone(timezone)
    require_good_password(password, email=email, name=name)
    password_hash = hash_password(password)  # in either case, to take as long
    with transaction():
        known = find_by_email(email)
        if known is not None:
            send_mail("already_registered", known, ctx=ctx, cause=f"registered_again:{ctx.request_id}")
            return
        token = new_secret()
        row = Registration(
            token_hash=secret_hash(token),
            email=email,
            name=name,
            password_hash=password_hash,
            timezone=timezone,
            created_at=ctx.now,
            expires_at=ctx.now + LINK_LIVES,
        )
        db.session.add(row)
        db.session.flush()
        send_mail(
            "confirm_registration",
            _future_user(row),
            facts={"url": CONFIRM_PATH + token},
            ctx=ctx,
            cause=f"registration:{row.id}",
        )


def registration_of(token: str, *, ctx: Context) -> Registration | None:
    """What waits for this link; None when it is unknown, used or too old."""
    return db.session.scalars(_live(token, ctx)).one_or_none()


def confirm_registration(token: str, *, ctx: Context) -> User:
    """This function will make the account that the link stands for, once.

    :raises Invalid: code ``link_ended`` when the link is unknown, used or too old, or the address got an account
    """
    with transaction():
        row = db.session.scalars(_live(token, ctx).with_for_update()).one_or_none()
        if row is None or find_by_email(row.email) is not None:
            raise Invalid("This link no longer works. Sign in, or register once more.", code="link_ended")
        # Every other registration of this address ends, whoever typed it.
        db.session.execute(
            update(Registration)
            .where(Registration.email == row.email, Registration.used_at.is_(None))
            .values(used_at=ctx.now)
        )
        return add_account(_future_user(row), ctx=ctx)


def _future_user(row: Registration) -> User:
    return User(
        email=row.email, name=row.name, role=Role.MENTEE, password_hash=row.password_hash, timezone=row.timezone
    )


def _live(token: str, ctx: Context) -> Select[Registration]:
    return (
        select(Registration)
        .where(
            Registration.token_hash == secret_hash(token),
            Registration.used_at.is_(None),
            Registration.expires_at > ctx.now,
        )
        .execution_options(populate_existing=True)
    )
