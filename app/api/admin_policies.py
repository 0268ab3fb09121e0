"""Policies as staff read, try and change them, and an override taken back (POL, ACT-6)."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field, WithJsonSchema, create_model
from pydantic.alias_generators import to_camel

from app.api.fields import Amount, Count, Given, Instant, Price, Told, amount
from app.api.policies import AllPolicies, told_values
from app.api.schema import api
from app.domain.errors import Invalid
from app.domain.permissions import Permission
from app.domain.policies import POLICIES, PolicyGroup, PolicySpec, PolicyType, PolicyValue
from app.domain.replay import Difference, Replayed, ReplayKind, Verdict
from app.domain.vocabulary import OverrideType
from app.foundation.policies import current_policies
from app.http.context import current_context
from app.support.override_policy import read_override, revoke_override
from app.support.policies.book import PolicyLine, read_policies
from app.support.policies.changing import DAYS, USUAL_DAYS, PolicyPlan, edit_policies, preset_values, preview_policies
from app.support.policies.past_cases import Sample
from app.support.policies.precedents import PrecedentCheck
from app.support.staff_acts import LONGEST_REASON, SHORTEST_REASON

TAG = "Staff: policies"
_REASON: Any = Field(min_length=SHORTEST_REASON, max_length=LONGEST_REASON, examples=["A trial until June"])
_KINDS: Final = ("integer", "number", "boolean", "string")
AnyValue = Annotated[
    Any,
    WithJsonSchema(
        {
            "anyOf": [*({"type": kind} for kind in _KINDS), {"type": "array", "items": {"type": "integer"}}],
            "examples": [70],
        }
    ),
]


def _wished(spec: PolicySpec) -> tuple[Any, Any]:
    """One policy as a field that may be left out; the rules' own bounds say the rest."""
    kind: Any = {
        PolicyType.INTEGER: Count,
        PolicyType.DECIMAL: Price,
        PolicyType.BOOLEAN: bool,
        PolicyType.CHOICE: Literal[spec.choices] if spec.choices else str,
        PolicyType.INTEGER_LIST: list[Count],
    }[spec.type]
    return kind | None, Field(None, description=spec.description)


_WISHES: dict[str, Any] = {key: _wished(spec) for key, spec in POLICIES.items()}
SomePolicies: type[Given] = create_model("SomePolicies", __base__=Given, **_WISHES)


class Wish(Given):
    """New values, by name, or a preset; not both."""

    values: SomePolicies | None = Field(None, examples=[{"lateRefundPercentage": 10}])
    preset: Literal["flexible", "strict_24h"] | None = None

    def raw_values(self) -> dict[str, Any]:
        """What is asked for, by key.

        :raises Invalid: nothing is, or both are
        """
        named: Any = self.values
        typed = (
            {key: value for key, value in named.model_dump(exclude_unset=True).items() if value is not None}
            if named
            else {}
        )
        if bool(typed) is bool(self.preset):
            message = "Give new values, or a preset."
            raise Invalid(message, fields={"values": message})
        return preset_values(self.preset) if self.preset else typed


class WishToTry(Wish):
    days: Count = Field(USUAL_DAYS, ge=1, le=DAYS[-1], description="How far to look back.")


class WishToChange(Wish):
    version_id: UUID = Field(description="The version that was looked at: another one in force refuses the change.")
    reason: str = _REASON
    apply_to_upcoming: bool = Field(
        False, description="Also for confirmed sessions ahead, where it is worse for neither side and better for one."
    )


class PolicyTold(Told):
    key: str
    label: str
    group: PolicyGroup
    type: PolicyType
    unit: str
    description: str
    minimum: int | None
    maximum: int | None
    choices: list[str]
    is_kept_by_sessions: bool = Field(description="A session keeps the value in force when it was booked.")
    value: AnyValue
    default: AnyValue
    changed_at: Instant | None = Field(description="Null: as the product came.")
    changed_by: str | None


class PoliciesTold(Told):
    version_id: UUID
    preset: str | None = Field(description="The one that is in force as a whole.")
    values: AllPolicies
    policies: list[PolicyTold]


class VerdictTold(Told):
    allowed: bool
    rule: str
    refund_percentage: int | None


class SumTold(Told):
    amount: Amount = Field(description="More than then; negative is less.")
    currency: str


class DifferenceTold(Told):
    """Cases that would have been decided otherwise in the same way."""

    before: VerdictTold
    after: VerdictTold
    count: int
    refunds: list[SumTold]
    earnings: list[SumTold]
    session_ids: list[UUID] = Field(description="Some of them, latest first.")


class ReplayTold(Told):
    kind: ReplayKind
    looked_at: int
    different: int
    unclear: int = Field(description="Left out: what is known today does not lead to what was decided then.")
    is_cut: bool = Field(description="Only the latest were looked at.")
    oldest_at: Instant | None
    differences: list[DifferenceTold]


class ChangeTold(Told):
    key: str
    before: AnyValue
    after: AnyValue


class BrokenTold(Told):
    """A golden case that would be decided otherwise."""

    id: UUID
    title: str
    session_id: UUID
    expected: VerdictTold
    after: VerdictTold


class PreviewTold(Told):
    version_id: UUID
    days: int
    since: Instant
    changes: list[ChangeTold]
    replays: list[ReplayTold]
    upcoming: int = Field(
        description="Confirmed sessions ahead for which it is worse for neither side, better for one."
    )
    golden_cases: int = Field(description="How many there are.")
    broken: list[BrokenTold]


class Revocation(Given):
    reason: str = _REASON


class OverrideTold(Told):
    id: UUID
    session_id: UUID
    override_type: OverrideType
    expires_at: Instant
    used_at: Instant | None
    revoked_at: Instant | None


@api.declare(
    "GET",
    "/admin/policies",
    tag=TAG,
    summary="Every policy in force",
    needs=Permission.POLICY_VIEW,
    answer=PoliciesTold,
)
def admin_policies() -> PoliciesTold:
    """With what each means, what may stand there, since when and by whom."""
    return _told()


@api.declare(
    "PUT",
    "/admin/policies",
    tag=TAG,
    summary="Change policies",
    needs=Permission.POLICY_EDIT,
    body=WishToChange,
    answer=PoliciesTold,
    needs_password=True,
    refusals={409: "`stale_version`: they were changed since; read them again"},
)
def change_admin_policies(body: WishToChange) -> PoliciesTold:
    """Holds for what is booked from now on. One version, one row in the staff trail."""
    edit_policies(
        body.raw_values(), reason=body.reason, seen=body.version_id, fingerprint=None,
        to_upcoming=body.apply_to_upcoming, ctx=current_context(),
    )  # fmt: skip
    return _told()


@api.declare(
    "POST",
    "/admin/policies/preview",
    tag=TAG,
    summary="What a change of policies would have meant",
    needs=Permission.POLICY_PREVIEW,
    body=WishToTry,
    answer=PreviewTold,
)
def preview_admin_policies(body: WishToTry) -> PreviewTold:
    """Makes the decisions of the last days again under the new values, and changes nothing.

    Of each kind the latest 400 at most are looked at.
    """
    plan = preview_policies(body.raw_values(), days=body.days, ctx=current_context())
    return PreviewTold(
        version_id=plan.version_id,
        days=plan.days,
        since=plan.since,
        changes=[
            ChangeTold(key=to_camel(each.spec.key), before=_plain(each.before), after=_plain(each.after))
            for each in plan.changes
        ],
        replays=[_replay(sample, found) for sample, found in plan.replays],
        upcoming=plan.upcoming,
        golden_cases=len(plan.precedents),
        broken=_broken(plan),
    )


@api.declare(
    "POST",
    "/admin/overrides/<uuid:override_id>/revoke",
    tag=TAG,
    summary="Take an override back",
    needs=Permission.OVERRIDE_REVOKE,
    body=Revocation,
    answer=OverrideTold,
    refusals={403: "`own_case`: you are a party in it", 409: "`override_over`: it is used, revoked or over; `busy`"},
)
def revoke_one_override(override_id: UUID, body: Revocation) -> OverrideTold:
    ctx = current_context()
    revoke_override(override_id, reason=body.reason, ctx=ctx)
    found = read_override(override_id, ctx=ctx)
    return OverrideTold(
        id=found.id,
        session_id=found.session_id,
        override_type=found.override_type,
        expires_at=found.expires_at,
        used_at=found.used_at,
        revoked_at=found.revoked_at,
    )


def _told() -> PoliciesTold:
    book = read_policies(ctx=current_context())
    return PoliciesTold(
        version_id=book.version_id,
        preset=book.preset,
        values=told_values(current_policies().values),
        policies=[_line(line) for lines in book.groups.values() for line in lines],
    )


def _line(line: PolicyLine) -> PolicyTold:
    spec = line.spec
    return PolicyTold(
        key=to_camel(spec.key),
        label=spec.label,
        group=spec.group,
        type=spec.type,
        unit=spec.unit,
        description=spec.description,
        minimum=spec.minimum,
        maximum=spec.maximum,
        choices=list(spec.choices),
        is_kept_by_sessions=spec.pinned,
        value=_plain(line.value),
        default=_plain(spec.default),
        changed_at=line.changed_at,
        changed_by=line.changed_by,
    )


def _plain(value: PolicyValue) -> int | Decimal | bool | str | list[int]:
    return list(value) if isinstance(value, tuple) else value


def _verdict(verdict: Verdict) -> VerdictTold:
    return VerdictTold(allowed=verdict.allowed, rule=verdict.rule, refund_percentage=verdict.percentage)


def _sums(sums: Counter[str]) -> list[SumTold]:
    return [SumTold(amount=amount(minor, currency), currency=currency) for currency, minor in sums.items() if minor]


def _replay(sample: Sample, found: Replayed) -> ReplayTold:
    return ReplayTold(
        kind=found.kind,
        looked_at=found.looked_at,
        different=found.different,
        unclear=found.unclear,
        is_cut=sample.is_cut,
        oldest_at=sample.oldest_at,
        differences=[_difference(each) for each in found.differences],
    )


def _difference(each: Difference) -> DifferenceTold:
    return DifferenceTold(
        before=_verdict(each.before),
        after=_verdict(each.after),
        count=each.count,
        refunds=_sums(each.refunds),
        earnings=_sums(each.earnings),
        session_ids=each.examples,
    )


def _broken(plan: PolicyPlan) -> list[BrokenTold]:
    def told(each: PrecedentCheck, after: Verdict) -> BrokenTold:
        return BrokenTold(
            id=each.precedent.id,
            title=each.precedent.title,
            session_id=each.precedent.session_id,
            expected=_verdict(each.expected),
            after=_verdict(after),
        )

    return [told(each, each.then.verdict) for each in plan.broken if each.then is not None]
