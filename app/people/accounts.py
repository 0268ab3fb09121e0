"""Making accounts, and the one role that each has (ID-1, ID-3)."""

from __future__ import annotations

from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import func, select

from app.domain import times
from app.domain.context import Context
from app.domain.errors import Conflict, Forbidden, Invalid, NotFound
from app.domain.permissions import Permission, require
from app.domain.vocabulary import STAFF_ROLES, Role
from app.extensions import db
from app.foundation.audit import record_staff_act
from app.foundation.transaction import transaction
from app.messaging.mail import send_mail
from app.models import MentorProfile, User
from app.people.logins import end_logins_of
from app.people.passwords import hash_password, require_good_password
from app.people.tokens import revoke_tokens_of

LONGEST_NAME = 100
LONGEST_EMAIL = 254
SHORTEST_REASON, LONGEST_REASON = 3, 1_000


def register_mentee(*, email: str, name: str, password: str, timezone: str, ctx: Context) -> User:
    """This function will make a mentee's account and welcome its owner (ID-3).

    Pages call ``people.registration``, which first makes sure that the address is the person's own.

    :param timezone: an IANA name, in which the person is shown times
    :raises Invalid: naming each field that cannot be used, or when the address has an account already
    """
    return _create(email, name, Role.MENTEE, password, timezone, ctx=ctx, welcomes=True)


def create_user(
    *, email: str, name: str, role: Role, password: str, timezone: str, ctx: Context, welcomes: bool = True
) -> User:
    """This function will make an account of any role, on behalf of an admin or the command line (ID-1).

    :param welcomes: whether the person gets the mail ``welcome``
    :raises Forbidden: when the actor may not grant roles
    :raises Invalid: naming each field that cannot be used, or when the address has an account already
    """
    require(ctx.actor, Permission.USER_GRANT_ROLE)
    with transaction():
        user = _create(email, name, role, password, timezone, ctx=ctx, welcomes=welcomes)
        record_staff_act(
            action="ADMIN_USER_CREATED",
            reason=f"Account made as {role.value}",
            ctx=ctx,
            subject_type="user",
            subject_id=user.id,
            details={"role": role.value},
        )
    return user


def _create(email: str, name: str, role: Role, password: str, timezone: str, *, ctx: Context, welcomes: bool) -> User:
    email, name = normal_email(email), normal_name(name)
    times.zone(timezone)
    require_good_password(password, email=email, name=name)
    return add_account(
        User(email=email, name=name, role=role, password_hash=hash_password(password), timezone=timezone),
        ctx=ctx,
        welcomes=welcomes,
    )


def add_account(user: User, *, ctx: Context, welcomes: bool = True) -> User:
    """This function will store a checked account, and welcome its owner.

    :raises Invalid: when the address has an account already
    """
    user.created_at = ctx.now
    with transaction():
        db.session.add(user)
        db.session.flush()
        if welcomes:
            send_mail("welcome", user, ctx=ctx, cause=f"registered:{user.id}")
    return user


def grant_role(user_id: UUID, role: Role, *, reason: str, ctx: Context) -> User:
    """This function will give a user another role and end all of his or her sign-ins and tokens (ID-1, SEC-2).

    :raises Forbidden: when the actor may not grant roles, or would change the own one
    :raises Conflict: when nobody would be left who can
    :raises Invalid: when the reason is missing, or a mentor has not applied
    """
    require(ctx.actor, Permission.USER_GRANT_ROLE)
    reason = required_reason(reason)
    with transaction():
        user = load_user_to_demote(user_id)
        if user.id == ctx.actor.user_id:
            raise Forbidden("Nobody changes the own role. Ask another admin.", code="own_account")
        if user.role == role:
            return user
        if role is Role.MENTOR and db.session.get(MentorProfile, user.id) is None:
            raise Invalid("A mentor has to apply first.", fields={"role": "A mentor has to apply first."})
        require_another_admin(user)
        before, user.role = user.role, role
        end_logins_of(user.id, ctx=ctx)
        revoke_tokens_of(user.id, ctx=ctx)
        record_staff_act(
            action="ADMIN_USER_ROLE_CHANGED",
            reason=reason,
            ctx=ctx,
            subject_type="user",
            subject_id=user.id,
            details={"before": before.value, "after": role.value},
        )
    return user


def load_user(user_id: UUID) -> User:
    """A user as the row is now, for a page.

    :raises NotFound: there is no such user
    """
    user = db.session.get(User, user_id, populate_existing=True)
    if user is None:
        raise NotFound
    return user


def load_user_for_change(user_id: UUID) -> User:
    """This function will lock a user's row and read it as it is now.

    :raises NotFound: there is no such user
    """
    user = db.session.scalars(
        select(User).where(User.id == user_id).with_for_update(key_share=True).execution_options(populate_existing=True)
    ).one_or_none()
    if user is None:
        raise NotFound
    return user


def load_user_to_demote(user_id: UUID) -> User:
    """This function will lock a user and, if that is an admin, all others in id order.

    Two admins who remove one another at the same moment then wait and do not deadlock, and the second is refused.

    :raises NotFound: there is no such user
    """
    if db.session.scalar(select(User.role).where(User.id == user_id)) is Role.ADMIN:
        db.session.execute(
            select(User.id).where(User.role == Role.ADMIN).order_by(User.id).with_for_update(key_share=True)
        )
    return load_user_for_change(user_id)


def require_another_admin(user: User) -> None:
    """Refuse what would leave the product without an admin who can sign in (B-8); see ``load_user_to_demote``.

    :raises Conflict: when ``user`` is the last one
    """
    if user.role is not Role.ADMIN:
        return
    others = db.session.scalar(
        select(func.count())
        .select_from(User)
        .where(User.role == Role.ADMIN, User.is_active, User.suspended_at.is_(None), User.id != user.id)
    )
    if not others:
        raise Conflict("This is the last admin. Make somebody else an admin first.", code="last_admin")


def find_by_email(email: str) -> User | None:
    """The account of an address, however it is written; None when there is none."""
    return db.session.scalars(
        select(User).where(User.email == email.strip().lower()).execution_options(populate_existing=True)
    ).one_or_none()


def staff_exist() -> bool:
    """Whether anybody can enter the console yet."""
    return bool(db.session.scalar(select(func.count()).select_from(User).where(User.role.in_(STAFF_ROLES))))


def normal_email(email: str) -> str:
    """The address in lower case, as it is stored.

    :raises Invalid: when nothing could be sent to it
    """
    problem = "Write a whole address, such as ada@example.com."
    if len(email) > LONGEST_EMAIL:
        raise Invalid(problem, fields={"email": problem})
    try:
        checked = validate_email(email.strip(), check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        raise Invalid(problem, fields={"email": problem}) from None
    return (checked.ascii_email or checked.normalized).lower()


def normal_name(name: str) -> str:
    """A name in one line.

    :raises Invalid: when it is empty, too long, or has no letter or digit
    """
    name = " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())
    if not any(letter.isalnum() for letter in name) or len(name) > LONGEST_NAME:
        problem = f"Write a name of up to {LONGEST_NAME} characters."
        raise Invalid(problem, fields={"name": problem})
    return name


def required_reason(reason: str) -> str:
    """A reason as it goes into the audit trail (ACT).

    :raises Invalid: when it has fewer than 3 or more than 1,000 characters
    """
    reason = reason.replace("\0", "").strip()
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        problem = f"Say why, in {SHORTEST_REASON} to {LONGEST_REASON:,} characters. It is kept in the audit trail."
        raise Invalid(problem, fields={"reason": problem})
    return reason
