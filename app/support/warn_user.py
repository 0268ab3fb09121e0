"""Support warns somebody: mail and notification with the reason, a count on the profile, a strike (ACT-9, DSP-4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from app.booking.announce import tell
from app.domain.context import Context
from app.domain.errors import Conflict
from app.domain.permissions import Permission, require
from app.domain.vocabulary import NotificationType, Role
from app.foundation.audit import record_staff_act
from app.foundation.transaction import transaction
from app.messaging.mail import send_mail
from app.messaging.notify import notify
from app.models import MentoringSession, Strike, User
from app.people.accounts import load_user_for_change
from app.people.strikes import StrikeKind, give_strike
from app.support.staff_acts import clean_reason

ACTION: Final = "ADMIN_USER_WARNED"
_TITLE: Final = "A warning from support"


def why_not_warned(user: User, ctx: Context) -> str | None:
    """Why this reader may not warn this person; None when nothing stands against it (ADM-2)."""
    if user.id == ctx.actor.user_id:
        return "Nobody warns themselves."
    return None if user.role in {Role.MENTEE, Role.MENTOR} else "Only mentees and mentors are warned."


def warn_user(user_id: UUID, *, reason: str, ctx: Context) -> User:
    """This function will warn a mentee or a mentor, who reads the reason, and count it.

    :raises NotFound: there is no such user
    :raises Forbidden: the role may not
    :raises Conflict: it is one's own account, or one of staff
    :raises Invalid: the reason cannot be used
    """
    require(ctx.actor, Permission.USER_WARN)
    with transaction():
        user = load_user_for_change(user_id)
        refusal = why_not_warned(user, ctx)
        if refusal is not None:
            raise Conflict(refusal, code="cannot_be_warned")
        text = clean_reason(reason)
        strike = _count(user, None, {"reason": text}, ctx)
        notify(user.id, NotificationType.ACCOUNT_WARNING, title=_TITLE, body=text, ctx=ctx)
        audit_id = record_staff_act(
            action=ACTION,
            reason=text,
            ctx=ctx,
            subject_type="user",
            subject_id=user.id,
            details={
                "role": user.role.value,
                "warnings": user.warnings_count,
                "strike": strike.id,
                "strikeUntil": strike.expires_at,
            },
        )
        send_mail("account_warned", user, facts={"reason": text}, ctx=ctx, cause=f"warned:{audit_id}")
    return user


def warn_about_session(
    session: MentoringSession, person: User, *, reason: str, evidence: Mapping[str, Any], cause: str, ctx: Context
) -> Strike:
    """This function will warn a party about one session, inside the transaction that decides it, and count it.

    :param reason: as ``clean_reason`` gives it; the person reads it
    :param evidence: what it rests on besides
    :param cause: what brought it about; one cause never mails a person twice
    """
    strike = _count(person, session.id, {**evidence, "reason": reason}, ctx)
    tell(person, NotificationType.ACCOUNT_WARNING, _TITLE, reason, session=session, ctx=ctx)
    send_mail("warning_issued", person, facts={"reason": reason}, session=session, ctx=ctx, cause=cause)
    return strike


def _count(person: User, session_id: UUID | None, evidence: Mapping[str, Any], ctx: Context) -> Strike:
    person.warnings_count += 1
    return give_strike(person.id, kind=StrikeKind.WARNING, session_id=session_id, evidence=evidence, ctx=ctx)
