"""The rules of booking, cancelling and moving, as numbers that a program can show."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Any

from pydantic import Field, RootModel, create_model

from app.api.fields import Amount, Given, Told
from app.api.schema import ANYBODY, api
from app.domain.policies import POLICIES, PolicySpec, Snapshot
from app.foundation.policies import current_policies


class Side(StrEnum):
    MENTOR = "mentor"
    MENTEE = "mentee"


class WhichPolicies(Given):
    role: Side | None = Field(None, description="Only what this side of a session needs; all values without it.")


class RulesOfOneSide(Told):
    """What one side may do; hours before the start, and how often.

    A mentor may cancel at any time: the cut-off is 0.
    """

    cancellation_cutoff_hours: int
    reschedule_cutoff_hours: int
    max_reschedules: int
    free_cancellation_hours: int
    reschedule_request_expiry_hours: int
    max_counter_proposals: int


def rules_for(side: Side, values: Snapshot) -> RulesOfOneSide:
    """The policies that bind one side of a session."""
    is_mentor = side is Side.MENTOR
    return RulesOfOneSide(
        cancellation_cutoff_hours=0 if is_mentor else values.cancellation_cutoff_hours,
        reschedule_cutoff_hours=values.mentor_reschedule_cutoff_hours if is_mentor else values.reschedule_cutoff_hours,
        max_reschedules=(
            values.mentor_max_reschedules_per_session if is_mentor else values.max_reschedules_per_session
        ),
        free_cancellation_hours=values.free_cancellation_hours,
        reschedule_request_expiry_hours=values.reschedule_request_expiry_hours,
        max_counter_proposals=values.max_counter_proposals,
    )


def _one_policy(spec: PolicySpec) -> tuple[Any, Any]:
    kind: Any = {tuple: list[int], Decimal: Amount}.get(type(spec.default), type(spec.default))
    return kind, Field(description=spec.description)


_FIELDS: dict[str, Any] = {key: _one_policy(spec) for key, spec in POLICIES.items()}
AllPolicies: type[Told] = create_model("AllPolicies", __base__=Told, **_FIELDS)


def told_values(values: Snapshot) -> Told:
    """Every policy by its name."""
    return AllPolicies(**{key: list(value) if isinstance(value, tuple) else value for key, value in values.items()})


class Policies(RootModel[RulesOfOneSide | AllPolicies]):
    """With `role`, what that side needs; without, every policy in force."""


@api.declare(
    "GET",
    "/session-policies",
    tag="Policies",
    summary="The rules in force",
    needs=ANYBODY,
    query=WhichPolicies,
    answer=Policies,
    is_bare=True,
)
def session_policies(query: WhichPolicies) -> Told:
    """The answer stands alone, without the envelope. A session keeps the rules it was booked under."""
    values = current_policies().values
    return told_values(values) if query.role is None else rules_for(query.role, values)
