"""Keeping somebody out, and letting him or her in again (ID-4)."""

from __future__ import annotations

from uuid import UUID

from app.domain.context import Context
from app.domain.errors import Conflict, Forbidden
from app.domain.permissions import Permission, require
from app.domain.vocabulary import NotificationType
from app.foundation.audit import record_staff_act
from app.foundation.transaction import transaction
from app.messaging.mail import send_mail
from app.messaging.notify import notify
from app.models import User
from app.people.accounts import load_user_for_change, load_user_to_demote, require_another_admin, required_reason
from app.people.logins import end_logins_of
from app.people.tokens import revoke_tokens_of


def suspend_user(user_id: UUID, *, reason: str, ctx: Context) -> User:
    """This function will suspend a user: every sign-in and token ends at once, and a mentor cannot be booked (ID-4).

    Upcoming sessions stay as they are and become a queue for support.

    :raises Forbidden: when the actor may not, or would suspend the own account
    :raises NotFound: there is no such user
    :raises Conflict: when the user is suspended already, or is the last admin
    :raises Invalid: when the reason is missing; the person gets to read it
    """
    require(ctx.actor, Permission.USER_SUSPEND)
    reason = required_reason(reason)
    with transaction():
        user = load_user_to_demote(user_id)
        if user.id == ctx.actor.user_id:
            raise Forbidden("Nobody suspends the own account. Ask another admin.", code="own_account")
        if user.suspended_at is not None:
            raise Conflict("This account is suspended already.", code="already_suspended")
        require_another_admin(user)
        user.suspended_at, user.suspension_reason = ctx.now, reason
        end_logins_of(user.id, ctx=ctx)
        revoke_tokens_of(user.id, ctx=ctx)
        _record("ADMIN_USER_SUSPENDED", user, reason, ctx)
        notify(
            user.id,
            NotificationType.ACCOUNT_SUSPENDED,
            title="Your account has been suspended",
            body=reason,
            ctx=ctx,
        )
        send_mail(
            "account_suspended",
            user,
            facts={"reason": reason},
            ctx=ctx,
            cause=f"suspended:{user.id}:{ctx.now.isoformat()}",
        )
    return user


def reinstate_user(user_id: UUID, *, reason: str, ctx: Context) -> User:
    """This function will let a suspended user in again; sign-ins and tokens that ended stay ended (ID-4).

    :raises Forbidden: when the actor may not
    :raises NotFound: there is no such user
    :raises Conflict: when the user is not suspended
    :raises Invalid: when the reason is missing
    """
    require(ctx.actor, Permission.USER_SUSPEND)
    reason = required_reason(reason)
    with transaction():
        user = load_user_for_change(user_id)
        if user.suspended_at is None:
            raise Conflict("This account is not suspended.", code="not_suspended")
        before = user.suspension_reason
        user.suspended_at, user.suspension_reason = None, None
        _record("ADMIN_USER_REINSTATED", user, reason, ctx, suspended_for=before)
    return user


def _record(action: str, user: User, reason: str, ctx: Context, suspended_for: str | None = None) -> None:
    details = {"role": user.role.value} | ({"suspendedFor": suspended_for} if suspended_for else {})
    record_staff_act(action=action, reason=reason, ctx=ctx, subject_type="user", subject_id=user.id, details=details)
