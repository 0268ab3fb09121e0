"""A change of policies: what it would have meant, shown before, and the change itself (POL-1, POL-3, POL-4, POL-6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from app.domain.context import Context
from app.domain.errors import NotFound, StalePreview
from app.domain.permissions import Permission, require
from app.domain.policies import POLICIES, PRESETS, PolicySpec, PolicyValue, Snapshot, value_as_json
from app.domain.replay import Replayed, kinds_touched, replay
from app.foundation.policies import PoliciesInForce, change_policies, changed_values, current_policies
from app.foundation.transaction import transaction
from app.support.policies.past_cases import Sample, sample_cases
from app.support.policies.precedents import PrecedentCheck, check_precedents
from app.support.policies.upcoming import count_improvable, improve_upcoming
from app.support.staff_acts import clean_reason, fingerprint_of

ACTION: Final = "ADMIN_POLICY_CHANGED"
DAYS: Final = (30, 90, 365)
USUAL_DAYS: Final = 90


@dataclass(frozen=True, slots=True)
class Changed:
    """One policy before and after."""

    spec: PolicySpec
    before: PolicyValue
    after: PolicyValue


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyPlan:
    """What a change means, as shown before it is made.

    :param version_id: what is in force, and what the change is compared with
    :param days: how far the replay looks back
    :param replays: one for each kind of decision that the changed policies are read for
    :param upcoming: confirmed sessions ahead for which it would be better on both sides (POL-5)
    :param precedents: every golden case, broken ones first
    :param fingerprint: of what is in force and what is proposed; the past is no part of it
    """

    version_id: UUID
    changes: Sequence[Changed]
    after: Snapshot
    days: int
    since: datetime
    replays: Sequence[tuple[Sample, Replayed]]
    upcoming: int
    precedents: Sequence[PrecedentCheck]
    fingerprint: str

    @property
    def broken(self) -> Sequence[PrecedentCheck]:
        return [each for each in self.precedents if each.is_broken]

    @property
    def raw_values(self) -> dict[str, Any]:
        """The changed values as JSON, for whoever sends them on."""
        return {each.spec.key: value_as_json(each.after) for each in self.changes}


def preset_values(name: str) -> dict[str, Any]:
    """All values of a preset as JSON.

    :raises NotFound: there is no such preset
    """
    if name not in PRESETS:
        raise NotFound("There is no such preset.")
    return PRESETS[name].as_json()


def preview_policies(raw_values: Mapping[str, Any], *, days: int = USUAL_DAYS, ctx: Context) -> PolicyPlan:
    """What a change would have meant for the decisions of the last ``days``; nothing is changed.

    :param days: 1 to 365
    :raises Forbidden: the role may not
    :raises Invalid: naming every bad key, when the values make no sense together, or when nothing would change
    """
    require(ctx.actor, Permission.POLICY_PREVIEW)
    in_force = current_policies()
    after, changed = changed_values(in_force.values, raw_values)
    since = ctx.now - timedelta(days=min(max(days, 1), DAYS[-1]))
    samples = sample_cases(kinds_touched(changed), since=since)
    return PolicyPlan(
        version_id=in_force.version_id,
        changes=[Changed(POLICIES[key], in_force.values[key], value) for key, value in changed.items()],
        after=after,
        days=days,
        since=since,
        replays=[(sample, replay(sample.kind, sample.cases, changed)) for sample in samples],
        upcoming=count_improvable(after, now=ctx.now),
        precedents=check_precedents(in_force.values, after),
        fingerprint=_mark(in_force.version_id, after),
    )


def edit_policies(
    raw_values: Mapping[str, Any],
    *,
    reason: str,
    seen: UUID | None,
    fingerprint: str | None,
    to_upcoming: bool = False,
    ctx: Context,
) -> PoliciesInForce:
    """This function will put changed policies into force for everything that is booked from now on (POL-1, POL-5).

    :param seen: the version that was looked at; None for whatever is in force
    :param to_upcoming: also for confirmed sessions ahead, where it is better on both sides (POL-5)
    :param fingerprint: of the preview that was shown; None for callers that show none (the API)
    :raises Forbidden: only an admin may
    :raises Invalid: naming every bad key, or the reason; or when nothing would change
    :raises StaleVersion: somebody else changed the policies meanwhile
    :raises StalePreview: other values were shown than are sent
    """
    require(ctx.actor, Permission.POLICY_EDIT)
    with transaction():
        text = clean_reason(reason)

        def improve(made: PoliciesInForce) -> dict[str, int]:
            return {"appliedToUpcoming": improve_upcoming(made, ctx=ctx)} if to_upcoming else {}

        done = change_policies(raw_values, reason=text, seen=seen, also=improve, ctx=ctx)
        if fingerprint is not None and seen is not None and fingerprint != _mark(seen, done.values):
            raise StalePreview("This is not what you were shown. Look at what it means now, then decide.")
    return done


def _mark(version_id: UUID, after: Snapshot) -> str:
    return fingerprint_of({"act": ACTION, "version": version_id, "values": after.as_json()})
