"""The policies in force as a list to read: each with its meaning, bounds, since when and by whom (POL-1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select

from app.domain.context import Context
from app.domain.errors import NotFound
from app.domain.permissions import Permission, require
from app.domain.policies import DEFAULTS, POLICIES, PRESETS, PolicyGroup, PolicySpec, PolicyValue, parse_value
from app.extensions import db
from app.foundation.policies import current_policies
from app.models import PolicyChange, PolicyVersion, SessionPolicy, User

PRESET_NAMES: Final = {"flexible": "Flexible", "strict_24h": "Strict 24 h"}
_MOST_CHANGES: Final = 100


@dataclass(frozen=True, slots=True)
class PolicyLine:
    """One policy as it is now.

    :param changed_at: since when; None while nobody has ever changed it
    :param changed_by: a name; None for the command line, and while nobody has
    """

    spec: PolicySpec
    value: PolicyValue
    changed_at: datetime | None
    changed_by: str | None

    @property
    def is_default(self) -> bool:
        return self.value == DEFAULTS[self.spec.key]


@dataclass(frozen=True, slots=True)
class PolicyBook:
    """:param version_id: what an edit is compared with; :param preset: the one that is in force as a whole, if any"""

    version_id: UUID
    groups: dict[PolicyGroup, list[PolicyLine]]
    preset: str | None


@dataclass(frozen=True, slots=True)
class PastValue:
    """One change of one policy."""

    before: PolicyValue | None
    after: PolicyValue
    reason: str
    changed_by: str | None
    changed_at: datetime
    version: int


def read_policies(*, ctx: Context) -> PolicyBook:
    """Every policy by its group.

    :raises Forbidden: the role may not
    """
    require(ctx.actor, Permission.POLICY_VIEW)
    in_force = current_policies()
    stored = db.session.execute(
        select(
            SessionPolicy.key, SessionPolicy.updated_at, User.name, PolicyChange.id.is_not(None).label("was_changed")
        )
        .outerjoin(User, User.id == SessionPolicy.updated_by)
        .outerjoin(
            PolicyChange,
            (PolicyChange.key == SessionPolicy.key) & (PolicyChange.created_at == SessionPolicy.updated_at),
        )
    )
    known = {row.key: row for row in stored if row.was_changed}
    groups: dict[PolicyGroup, list[PolicyLine]] = {group: [] for group in PolicyGroup}
    for key, spec in POLICIES.items():
        row = known.get(key)
        line = PolicyLine(spec, in_force.values[key], row.updated_at if row else None, row.name if row else None)
        groups[spec.group].append(line)
    preset = next((name for name, values in PRESETS.items() if values == in_force.values), None)
    return PolicyBook(in_force.version_id, groups, preset)


def history_of(key: str, *, ctx: Context) -> tuple[PolicySpec, Sequence[PastValue]]:
    """The latest changes of one policy, newest first.

    :raises NotFound: there is no such policy
    :raises Forbidden: the role may not
    """
    require(ctx.actor, Permission.POLICY_VIEW)
    spec = POLICIES.get(key)
    if spec is None:
        raise NotFound
    rows = db.session.execute(
        select(PolicyChange, PolicyVersion.number, User.name)
        .join(PolicyVersion, PolicyVersion.id == PolicyChange.policy_version_id)
        .outerjoin(User, User.id == PolicyChange.changed_by)
        .where(PolicyChange.key == key)
        .order_by(PolicyChange.created_at.desc(), PolicyVersion.number.desc())
        .limit(_MOST_CHANGES)
    )
    # What was allowed once is shown although bounds have become narrower.
    unbound = replace(spec, minimum=None, maximum=None)
    return spec, [
        PastValue(
            parse_value(unbound, change.old_value) if change.old_value is not None else None,
            parse_value(unbound, change.new_value),
            change.reason,
            name,
            change.created_at,
            number,
        )
        for change, number, name in rows
    ]
