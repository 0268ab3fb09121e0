"""People as staff decide about them: suspended, reinstated, verified, declined (ID-3, ID-4, ACT-9)."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from pydantic import Field

from app.api.fields import Given, Instant, Told
from app.api.schema import api
from app.domain.permissions import Permission
from app.domain.vocabulary import Role
from app.http.context import current_context
from app.models import MentorProfile, User
from app.people.mentors import decline_mentor, verify_mentor
from app.people.suspension import reinstate_user, suspend_user
from app.support.staff_acts import LONGEST_REASON, SHORTEST_REASON

TAG: Final = "Staff: people"
_OWN: Final = "`own_account`: another admin has to decide about yours"


def _reason(words: str) -> Any:
    return Field(min_length=SHORTEST_REASON, max_length=LONGEST_REASON, description=words, examples=["The matter"])


class Suspension(Given):
    reason: str = _reason("The person reads it.")


class Reinstatement(Given):
    reason: str = _reason("For the audit trail.")


class Verification(Given):
    verified: bool = Field(True, description="False declines the application, or withdraws the verification.")
    reason: str = _reason("For the audit trail; who is declined reads it.")


class AccountTold(Told):
    id: UUID
    name: str
    email: str
    role: Role
    suspended_at: Instant | None
    suspension_reason: str | None


class MentorStanding(Told):
    id: UUID
    headline: str
    applied_at: Instant
    verified_at: Instant | None
    declined_at: Instant | None
    decline_reason: str | None


@api.declare(
    "POST",
    "/admin/users/<uuid:user_id>/suspend",
    tag=TAG,
    summary="Suspend a person",
    needs=Permission.USER_SUSPEND,
    body=Suspension,
    answer=AccountTold,
    refusals={403: _OWN, 409: "`already_suspended`; `last_admin`: somebody has to be left"},
)
def suspend(user_id: UUID, body: Suspension) -> AccountTold:
    """Every sign-in and token ends at once. Sessions stay booked, and are a queue in the console."""
    return _account(suspend_user(user_id, reason=body.reason, ctx=current_context()))


@api.declare(
    "POST",
    "/admin/users/<uuid:user_id>/reinstate",
    tag=TAG,
    summary="Let a suspended person in again",
    needs=Permission.USER_SUSPEND,
    body=Reinstatement,
    answer=AccountTold,
    refusals={409: "`not_suspended`"},
)
def reinstate(user_id: UUID, body: Reinstatement) -> AccountTold:
    """Sign-ins and tokens that ended stay ended."""
    return _account(reinstate_user(user_id, reason=body.reason, ctx=current_context()))


@api.declare(
    "POST",
    "/admin/mentors/<uuid:user_id>/verify",
    tag=TAG,
    summary="Verify or decline a mentor",
    needs=Permission.MENTOR_VERIFY,
    body=Verification,
    answer=MentorStanding,
    refusals={409: "`already_verified`, `already_declined`"},
)
def verify_a_mentor(user_id: UUID, body: Verification) -> MentorStanding:
    """A verified mentor is found and can be booked. Sessions that are booked already stay."""
    decide = verify_mentor if body.verified else decline_mentor
    return _standing(decide(user_id, reason=body.reason, ctx=current_context()))


def _account(user: User) -> AccountTold:
    return AccountTold(
        id=user.id,
        name=user.name,
        email=user.email,
        role=user.role,
        suspended_at=user.suspended_at,
        suspension_reason=user.suspension_reason,
    )


def _standing(profile: MentorProfile) -> MentorStanding:
    return MentorStanding(
        id=profile.user_id,
        headline=profile.headline,
        applied_at=profile.applied_at,
        verified_at=profile.verified_at,
        declined_at=profile.declined_at,
        decline_reason=profile.decline_reason,
    )
