"""Proving who one is by a password, and choosing another one (ID-2)."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import Select, select, update

from app.domain.context import Context
from app.domain.errors import Forbidden, Invalid
from app.extensions import db
from app.foundation.transaction import transaction
from app.messaging.mail import send_mail
from app.models import PasswordReset, User
from app.people.accounts import find_by_email, load_user_for_change
from app.people.credentials import new_secret, secret_hash
from app.people.logins import end_logins_of
from app.people.passwords import check_password, hash_password, require_good_password
from app.people.tokens import revoke_tokens_of

RESET_LIVES = timedelta(hours=1)
RESET_PATH = "/reset-password/"


def authenticate(email: str, password: str) -> User:
    """This function will find whom an address and a password belong to.

    One hash is computed whether or not the account exists, and both answers are the same (SEC-3). Only who knows the
    password learns that the account is suspended.

    :raises Invalid: code ``sign_in_failed``, when they do not belong together
    :raises Forbidden: code ``account_suspended`` or ``account_closed`` (ID-4)
    """
    user = find_by_email(email)
    fits, new_hash = check_password(password, user.password_hash if user else None)
    if user is None or not fits:
        raise Invalid(
            "This address and this password do not belong together. Check both, or choose a new password.",
            code="sign_in_failed",
        )
    if user.suspended_at is not None:
        raise Forbidden(
            "Your account is suspended, so you cannot sign in. Our e-mail told you why; answer it if you disagree.",
            code="account_suspended",
        )
    if not user.is_active:
        raise Forbidden("This account is closed. Write to support if you want it back.", code="account_closed")
    if new_hash is not None:
        with transaction():
            db.session.execute(update(User).where(User.id == user.id).values(password_hash=new_hash))
    return user


def confirm_password(user_id: UUID, password: str) -> None:
    """Check the password of somebody who is signed in already.

    :raises Invalid: when it does not fit
    """
    stored = db.session.scalar(select(User.password_hash).where(User.id == user_id))
    fits, _ = check_password(password, stored)
    if not fits:
        problem = "This is not your password."
        raise Invalid(problem, fields={"password": problem})


def change_password(user_id: UUID, *, current: str, new: str, ctx: Context) -> User:
    """This function will change a user's own password and end every sign-in, that of the caller's browser too (SEC-2).

    The door signs the caller in again, in a session of its own.

    :raises Invalid: when the current one does not fit, or the new one is not good enough
    """
    try:
        confirm_password(user_id, current)
    except Invalid as error:
        raise Invalid(error.message, fields={"current": error.message}) from None
    with transaction():
        user = load_user_for_change(user_id)
        require_good_password(new, email=user.email, name=user.name, field="new")
        _set(user, new, ctx)
    return user


def set_password(user_id: UUID, *, new: str, ctx: Context) -> User:
    """This function will set a password from the command line and end every sign-in.

    :raises Invalid: when it is not good enough
    :raises Forbidden: on behalf of anybody but the command line
    """
    if ctx.actor.role is not None:
        raise Forbidden("Passwords of others are set from the command line only.")
    with transaction():
        user = load_user_for_change(user_id)
        require_good_password(new, email=user.email, name=user.name)
        _set(user, new, ctx)
        revoke_tokens_of(user.id, ctx=ctx)
    return user


def request_reset(email: str, *, ctx: Context) -> None:
    """This function will mail a single-use link, if the address has an account; nobody is told whether (ID-2)."""
    user = find_by_email(email)
    if user is None or not user.can_sign_in:
        return
    token = new_secret()
    with transaction():
        reset = PasswordReset(
            token_hash=secret_hash(token),
            user_id=user.id,
            created_at=ctx.now,
            expires_at=ctx.now + RESET_LIVES,
        )
        db.session.add(reset)
        db.session.flush()
        send_mail("password_reset", user, facts={"url": RESET_PATH + token}, ctx=ctx, cause=f"reset:{reset.id}")


def reset_is_live(token: str, *, ctx: Context) -> bool:
    """Whether a link still works, for the page that asks for the new password."""
    return db.session.scalars(_live_reset(token, ctx)).one_or_none() is not None


def reset_password(token: str, *, new: str, ctx: Context) -> User:
    """This function will set a new password by a mailed link, once, and end every sign-in and token.

    :raises Invalid: code ``link_ended`` when the link is unknown, used or older than an hour; naming ``password`` when
        it is not good enough
    """
    with transaction():
        reset = db.session.scalars(_live_reset(token, ctx).with_for_update()).one_or_none()
        if reset is None:
            raise Invalid("This link no longer works: it lasts one hour and works once.", code="link_ended")
        user = load_user_for_change(reset.user_id)
        if not user.can_sign_in:
            raise Invalid("This link no longer works: it lasts one hour and works once.", code="link_ended")
        require_good_password(new, email=user.email, name=user.name)
        _set(user, new, ctx)
        revoke_tokens_of(user.id, ctx=ctx)
    return user


def _live_reset(token: str, ctx: Context) -> Select[PasswordReset]:
    return (
        select(PasswordReset)
        .where(
            PasswordReset.token_hash == secret_hash(token),
            PasswordReset.used_at.is_(None),
            PasswordReset.expires_at > ctx.now,
        )
        .execution_options(populate_existing=True)
    )


def _set(user: User, password: str, ctx: Context) -> None:
    user.password_hash = hash_password(password)
    # Links in the mailbox end with the password that they were to replace.
    db.session.execute(
        update(PasswordReset)
        .where(PasswordReset.user_id == user.id, PasswordReset.used_at.is_(None))
        .values(used_at=ctx.now)
    )
    end_logins_of(user.id, ctx=ctx)
    # Whoever did not do it hears of it where the new password does not reach.
    send_mail("password_changed", user, ctx=ctx, cause=f"password:{uuid4()}")
