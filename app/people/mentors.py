"""Becoming a mentor: an application, and an admin who verifies or declines it (ID-3)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from babel.numbers import list_currencies
from sqlalchemy import exists, select

from app.domain import times
from app.domain.context import Context
from app.domain.errors import Conflict, Forbidden, Invalid, NotFound
from app.domain.permissions import Permission, require
from app.domain.vocabulary import NotificationType, Role
from app.extensions import db
from app.foundation.audit import record_staff_act
from app.foundation.transaction import transaction
from app.messaging.links import MENTOR_SCHEDULE
from app.messaging.mail import send_mail
from app.messaging.notify import notify
from app.models import MentoringSession, MentorProfile, MentorSchedule, User
from app.people.accounts import load_user_for_change, required_reason
from app.people.logins import end_logins_of
from app.people.tokens import revoke_tokens_of

LONGEST_HEADLINE = 120
LONGEST_BIO = 4_000
MOST_TAGS = 12
LONGEST_TAG = 40
HIGHEST_RATE = 100_000_00
APPLY_PATH = "/mentor/apply"


def apply_as_mentor(
    user_id: UUID,
    *,
    headline: str,
    bio: str,
    expertise: Iterable[str],
    timezone: str,
    rate_minor: int,
    currency: str,
    ctx: Context,
) -> MentorProfile:
    """This function will take a person's application, first or after a refusal.

    The person is a mentor from now on, whom nobody can find or book until an admin has verified the profile. The new
    role ends every sign-in (SEC-2); the door signs the caller in again.

    :param rate_minor: the wished price of an hour, in minor units of ``currency``
    :raises Forbidden: on behalf of somebody else, or for staff
    :raises Conflict: when an application waits or was verified, or the person has booked sessions as a mentee
    :raises Invalid: naming each field that cannot be used
    """
    require(ctx.actor, Permission.OWN_PROFILE_EDIT)
    if ctx.actor.role is not None and ctx.actor.user_id != user_id:
        raise NotFound
    fields = _checked(headline, bio, expertise, rate_minor, currency)
    times.zone(timezone)
    with transaction():
        user = load_user_for_change(user_id)
        _require_applicant(user)
        profile = db.session.get(MentorProfile, user_id, populate_existing=True)
        if profile is None:
            profile = MentorProfile(user_id=user_id)
            db.session.add(profile)
        elif profile.declined_at is None:
            state = "is verified already" if profile.verified_at else "has reached us and is being looked at"
            raise Conflict(f"Your application {state}.", code="already_applied")
        for name, value in fields.items():
            setattr(profile, name, value)
        profile.applied_at, profile.declined_at, profile.declined_by, profile.decline_reason = ctx.now, None, None, None
        _make_mentor(user, timezone, ctx)
    return profile


def _make_mentor(user: User, timezone: str, ctx: Context) -> None:
    user.timezone = timezone
    if user.role is not Role.MENTOR:
        user.role = Role.MENTOR
        end_logins_of(user.id, ctx=ctx)
        revoke_tokens_of(user.id, ctx=ctx)
    if db.session.get(MentorSchedule, user.id) is None:
        db.session.add(MentorSchedule(mentor_id=user.id, timezone=timezone, updated_at=ctx.now))
    db.session.flush()
    send_mail("welcome", user, ctx=ctx, cause=f"applied:{user.id}")


def verify_mentor(user_id: UUID, *, ctx: Context, reason: str = "Application checked") -> MentorProfile:
    """This function will let mentees find and book a mentor (ID-3).

    :raises Forbidden: when the actor may not, or is the applicant
    :raises NotFound: there is no application
    :raises Conflict: when it is verified already
    """
    reason = required_reason(reason)
    with transaction():
        user, profile = _load_application(user_id, ctx)
        if profile.verified_at is not None:
            raise Conflict("This mentor is verified already.", code="already_verified")
        profile.verified_at, profile.verified_by = ctx.now, ctx.actor.user_id
        profile.declined_at, profile.declined_by, profile.decline_reason = None, None, None
        _record("ADMIN_MENTOR_VERIFIED", user, reason, ctx, {"headline": profile.headline})
        notify(
            user.id,
            NotificationType.MENTOR_VERIFIED,
            title="Your profile is verified",
            body="Mentees can find and book you from now on. Check your weekly hours and your offerings.",
            action_url=MENTOR_SCHEDULE,
            ctx=ctx,
        )
        send_mail("mentor_verified", user, ctx=ctx, cause=f"verified:{user.id}:{ctx.now.isoformat()}")
    return profile


def decline_mentor(user_id: UUID, *, reason: str, ctx: Context) -> MentorProfile:
    """This function will decline an application, or withdraw a verification; the mentor may apply again (ID-3).

    Sessions that are already booked stay as they are.

    :raises Forbidden: when the actor may not, or is the applicant
    :raises NotFound: there is no application
    :raises Conflict: when it is declined already
    :raises Invalid: when the reason is missing; the mentor gets to read it
    """
    reason = required_reason(reason)
    with transaction():
        user, profile = _load_application(user_id, ctx)
        if profile.declined_at is not None:
            raise Conflict("This application is declined already.", code="already_declined")
        details = {"headline": profile.headline, "wasVerified": profile.verified_at is not None}
        profile.verified_at, profile.verified_by = None, None
        profile.declined_at, profile.declined_by, profile.decline_reason = ctx.now, ctx.actor.user_id, reason
        _record("ADMIN_MENTOR_DECLINED", user, reason, ctx, details)
        notify(
            user.id,
            NotificationType.MENTOR_DECLINED,
            title="About your application as a mentor",
            body=f"We cannot accept it as it is: {reason}",
            action_url=APPLY_PATH,
            ctx=ctx,
        )
        send_mail(
            "mentor_declined",
            user,
            facts={"reason": reason},
            ctx=ctx,
            cause=f"declined:{user.id}:{ctx.now.isoformat()}",
        )
    return profile


def normal_tags(words: Iterable[str]) -> list[str]:
    """Tags without doubles, in the order given.

    :raises Invalid: when there are none, too many, or one is too long
    """
    tags = list({word.casefold(): word for word in (" ".join(raw.split()) for raw in words) if word}.values())
    if not 0 < len(tags) <= MOST_TAGS or any(len(tag) > LONGEST_TAG for tag in tags):
        problem = f"Name 1 to {MOST_TAGS} topics of up to {LONGEST_TAG} characters each."
        raise Invalid(problem, fields={"expertise": problem})
    return tags


def _checked(headline: str, bio: str, expertise: Iterable[str], rate_minor: int, currency: str) -> dict[str, Any]:
    problems = {}
    headline, bio = " ".join(headline.split()), bio.strip()
    if not 0 < len(headline) <= LONGEST_HEADLINE:
        problems["headline"] = f"Say in up to {LONGEST_HEADLINE} characters what you are good at."
    if not 0 < len(bio) <= LONGEST_BIO:
        problems["bio"] = f"Write up to {LONGEST_BIO:,} characters about yourself."
    if not 0 <= rate_minor <= HIGHEST_RATE:
        problems["rate"] = "Choose a price for an hour, from 0 up."
    if currency not in list_currencies():
        problems["currency"] = "Choose a currency by its three letters, such as EUR."
    tags: list[str] = []
    try:
        tags = normal_tags(expertise)
    except Invalid as error:
        problems |= error.fields
    if problems:
        raise Invalid("Some of what you wrote cannot be used.", fields=problems)
    return {
        "headline": headline,
        "bio": bio,
        "expertise": tags,
        "requested_rate_minor": rate_minor,
        "requested_currency": currency,
    }


def _require_applicant(user: User) -> None:
    if user.is_staff:
        raise Forbidden("Staff cannot be mentors with the same account.", code="own_account")
    if user.role is Role.MENTEE and db.session.scalar(select(exists().where(MentoringSession.mentee_id == user.id))):
        raise Conflict(
            "You have booked sessions with this account, and an account has one role. Apply with another address.",
            code="has_sessions",
        )


def _load_application(user_id: UUID, ctx: Context) -> tuple[User, MentorProfile]:
    require(ctx.actor, Permission.MENTOR_VERIFY)
    user = load_user_for_change(user_id)
    profile = db.session.get(MentorProfile, user_id, populate_existing=True)
    if profile is None:
        raise NotFound
    return user, profile


def _record(action: str, user: User, reason: str, ctx: Context, details: dict[str, Any]) -> None:
    record_staff_act(action=action, reason=reason, ctx=ctx, subject_type="mentor", subject_id=user.id, details=details)
