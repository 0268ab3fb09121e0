"""Who asks, and how people are told of."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from app.api.fields import Told
from app.domain.errors import SignInRequired
from app.http.context import current_actor
from app.http.photos import avatar_url
from app.models import User


class PersonTold(Told):
    """One side of a session, as the other may see it."""

    id: UUID
    name: str
    avatar: str | None = Field(description="A path to the picture; null where initials are shown.")
    headline: str | None = Field(description="Mentors only.")


def own_id() -> UUID:
    """The one who is signed in.

    :raises SignInRequired: when nobody is
    """
    found = current_actor().user_id
    if found is None:
        raise SignInRequired("Please sign in first.")
    return found


def person(user: User, headline: str | None = None) -> PersonTold:
    """A person with the headline of the public profile, where there is one."""
    return PersonTold(id=user.id, name=user.name, avatar=avatar_url(user.avatar), headline=headline)
