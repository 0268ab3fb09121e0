"""Who acts, when, and from where: the last argument of every action.

``now`` enters at a door and nowhere else (WHY-3), so that a rule decides the same for the page, the API, the console,
the clock and a test.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from app.domain.vocabulary import STAFF_ROLES, ActorKind, Role

_ROLES = {role.value: role for role in Role}


@dataclass(frozen=True, slots=True)
class Actor:
    """The user, or the part of the product, on whose behalf something happens."""

    kind: ActorKind
    user_id: UUID | None = None
    name: str = ""

    @classmethod
    def user(cls, user_id: UUID, role: Role, name: str = "") -> Actor:
        """The signed-in user ``user_id`` in ``role``."""
        return cls(ActorKind(role.value), user_id, name)

    @property
    def role(self) -> Role | None:
        """The user's role; None for the clock, a payment, the system and strangers."""
        return _ROLES.get(self.kind.value)

    @property
    def is_staff(self) -> bool:
        return self.role in STAFF_ROLES


CLOCK = Actor(ActorKind.CLOCK, name="the clock")
PAYMENT = Actor(ActorKind.PAYMENT, name="payment")
SYSTEM = Actor(ActorKind.SYSTEM, name="the system")
ANONYMOUS = Actor(ActorKind.ANONYMOUS)


@dataclass(frozen=True, slots=True)
class Context:
    """Everything an action may know of its caller.

    :param now: the instant of the decision, aware, in UTC
    :param request_id: follows the work into logs and jobs (OPS-5)
    """

    actor: Actor
    now: datetime
    request_id: str
    ip_address: str | None = None
    user_agent: str | None = None

    def __post_init__(self) -> None:
        if self.now.tzinfo is None:
            message = "Context.now must be aware (ID-7)"
            raise ValueError(message)

    def acting_as(self, actor: Actor) -> Context:
        """The same moment and request, in another's name (a payment that a mentee's return page brought)."""
        return replace(self, actor=actor)
