"""What a person says of himself or herself, and how he or she wants to be told things (ID-6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from app.domain import times
from app.domain.context import Context
from app.domain.errors import Invalid, NotFound
from app.domain.permissions import Permission, require
from app.foundation.transaction import transaction
from app.models import User
from app.people.accounts import load_user_for_change, normal_name
from app.people.logins import Person

# Every preference and what holds until the person chooses.
PREFERENCES: Final[dict[str, bool]] = {"sound": True, "reminder_emails": True}


def update_profile(
    user_id: UUID,
    *,
    ctx: Context,
    name: str | None = None,
    timezone: str | None = None,
    preferences: Mapping[str, bool] | None = None,
) -> User:
    """This function will change what is given and leave the rest.

    :param timezone: an IANA name, in which the person is shown times; a mentor's hours have a zone of their own
    :raises Invalid: naming each field that cannot be used
    :raises NotFound: on behalf of somebody else
    """
    require(ctx.actor, Permission.OWN_PROFILE_EDIT)
    if ctx.actor.role is not None and ctx.actor.user_id != user_id:
        raise NotFound
    unknown = set(preferences or {}) - PREFERENCES.keys()
    if unknown:
        raise Invalid("There is no such preference.", fields=dict.fromkeys(sorted(unknown), "There is none like this."))
    if timezone is not None:
        times.zone(timezone)
    with transaction():
        user = load_user_for_change(user_id)
        if name is not None:
            user.name = normal_name(name)
        if timezone is not None:
            user.timezone = timezone
        if preferences:
            user.preferences = {**user.preferences, **{key: bool(value) for key, value in preferences.items()}}
    return user


def preference(user: User | Person, key: str) -> bool:
    """What a person chose, or what holds until then."""
    return bool(user.preferences.get(key, PREFERENCES[key]))
