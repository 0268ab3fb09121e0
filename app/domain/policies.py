"""Every policy key, declared once: type, default, bounds, presets, and whether a session keeps it (POL-1, 3, 5).

A policy is one field of ``Snapshot``. The declaration gives the rules a typed attribute, the console its form, and the
table its default row, so that a key cannot exist in one of them only. Reading and storing values is
``foundation.policies``' business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from typing import Any, Final

from app.domain.errors import Invalid
from app.domain.policy_values import PolicyGroup, PolicySpec, PolicyType, PolicyValue, parse_value, value_as_json

__all__ = [
    "DEFAULTS",
    "PINNED",
    "POLICIES",
    "PRESETS",
    "PolicyGroup",
    "PolicySpec",
    "PolicyType",
    "PolicyValue",
    "Snapshot",
    "check_coherent",
    "merge",
    "parse_value",
    "value_as_json",
]


@dataclass(frozen=True, slots=True)
class _Declared:
    """A declaration before its key is known."""

    type: PolicyType
    strict_24h: PolicyValue
    group: PolicyGroup
    description: str
    minimum: int | None = None
    maximum: int | None = None
    choices: tuple[str, ...] = ()
    pinned: bool = False


def _integer(
    default: int,
    group: PolicyGroup,
    description: str,
    *,
    strict: int | None = None,
    bounds: tuple[int, int],
    pinned: bool = False,
) -> int:
    strict_24h = default if strict is None else strict
    declared = _Declared(PolicyType.INTEGER, strict_24h, group, description, bounds[0], bounds[1], pinned=pinned)
    return field(default=default, metadata={"policy": declared})


def _boolean(default: bool, group: PolicyGroup, description: str, *, pinned: bool = False) -> bool:  # noqa: FBT001 - a value, not a switch
    declared = _Declared(PolicyType.BOOLEAN, default, group, description, pinned=pinned)
    return field(default=default, metadata={"policy": declared})


def _choice(
    default: str, group: PolicyGroup, description: str, *, strict: str, choices: tuple[str, ...], pinned: bool
) -> str:
    declared = _Declared(PolicyType.CHOICE, strict, group, description, choices=choices, pinned=pinned)
    return field(default=default, metadata={"policy": declared})


def _decimal(default: str, group: PolicyGroup, description: str, *, bounds: tuple[int, int]) -> Decimal:
    value = Decimal(default)
    declared = _Declared(PolicyType.DECIMAL, value, group, description, bounds[0], bounds[1])
    return field(default=value, metadata={"policy": declared})


def _integers(
    default: tuple[int, ...], group: PolicyGroup, description: str, *, bounds: tuple[int, int]
) -> tuple[int, ...]:
    declared = _Declared(PolicyType.INTEGER_LIST, default, group, description, bounds[0], bounds[1])
    return field(default=default, metadata={"policy": declared})


def _sla(default: int, description: str) -> int:
    """Hours on a dispute's clock (DSP-3)."""
    return _integer(default, PolicyGroup.SUPPORT, description, bounds=(1, 720))


NO_REFUND: Final = "no_refund"
NOT_ALLOWED: Final = "not_allowed"

_PERCENT = (0, 100)
_THIRTY_DAYS_IN_HOURS = (0, 720)
_ONE_DAY_IN_MINUTES = (0, 1440)
_YEAR_IN_DAYS = (0, 365)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot(Mapping[str, PolicyValue]):
    """All policy values at one moment; what a decision used is stored as its JSON (POL-2).

    Reads as attributes (typed) and as a mapping. Durations are in the unit that the key names.
    """

    cancellation_cutoff_hours: int = _integer(
        2,
        PolicyGroup.CANCELLATION,
        "Hours before the start below which a mentee's cancellation is late.",
        strict=24,
        bounds=_THIRTY_DAYS_IN_HOURS,
        pinned=True,
    )
    free_cancellation_hours: int = _integer(
        24,
        PolicyGroup.CANCELLATION,
        "Hours before the start from which on up a mentee gets a full refund.",
        bounds=_THIRTY_DAYS_IN_HOURS,
        pinned=True,
    )
    partial_refund_percentage: int = _integer(
        70,
        PolicyGroup.CANCELLATION,
        "Refund in percent between the cut-off and the free period.",
        strict=100,
        bounds=_PERCENT,
        pinned=True,
    )
    late_refund_percentage: int = _integer(
        0,
        PolicyGroup.CANCELLATION,
        "Refund in percent below the cut-off, where late cancellation is possible.",
        bounds=_PERCENT,
        pinned=True,
    )
    late_cancellation_rule: str = _choice(
        NO_REFUND,
        PolicyGroup.CANCELLATION,
        "Below the cut-off: cancel with the late refund, or not at all.",
        strict=NOT_ALLOWED,
        choices=(NO_REFUND, NOT_ALLOWED),
        pinned=True,
    )
    require_cancellation_reason: bool = _boolean(
        True, PolicyGroup.CANCELLATION, "Whether a reason must be chosen to cancel.", pinned=True
    )
    frequent_canceller_threshold: int = _integer(
        3,
        PolicyGroup.CANCELLATION,
        "Late cancellations in 30 days that put a person into the support queue.",
        bounds=(1, 100),
    )
    reschedule_cutoff_hours: int = _integer(
        4,
        PolicyGroup.RESCHEDULING,
        "Hours before the start until which a mentee may propose another time.",
        strict=24,
        bounds=_THIRTY_DAYS_IN_HOURS,
        pinned=True,
    )
    mentor_reschedule_cutoff_hours: int = _integer(
        2,
        PolicyGroup.RESCHEDULING,
        "Hours before the start until which a mentor may propose another time.",
        strict=24,
        bounds=_THIRTY_DAYS_IN_HOURS,
        pinned=True,
    )
    max_reschedules_per_session: int = _integer(
        2, PolicyGroup.RESCHEDULING, "How often a mentee may move one session.", strict=0, bounds=(0, 50), pinned=True
    )
    mentor_max_reschedules_per_session: int = _integer(
        2, PolicyGroup.RESCHEDULING, "How often a mentor may move one session.", bounds=(0, 50), pinned=True
    )
    reschedule_request_expiry_hours: int = _integer(
        48,
        PolicyGroup.RESCHEDULING,
        "Hours a proposal stays open; never beyond the session's start.",
        bounds=(1, 720),
        pinned=True,
    )
    max_counter_proposals: int = _integer(
        3,
        PolicyGroup.RESCHEDULING,
        "Counter-proposals in one negotiation, both sides together.",
        bounds=(0, 50),
        pinned=True,
    )
    request_review_expiry_hours: int = _integer(
        72,
        PolicyGroup.BOOKING,
        "Hours a mentor has to answer a request; never beyond the named slot's start.",
        bounds=(1, 720),
    )
    payment_hold_minutes: int = _integer(
        15, PolicyGroup.BOOKING, "Minutes an unpaid draft keeps its slot.", bounds=(1, 1440)
    )
    request_payment_window_hours: int = _integer(
        24, PolicyGroup.BOOKING, "Hours to pay an approved request; never beyond the start.", bounds=(1, 720)
    )
    max_open_requests_per_mentee: int = _integer(
        5, PolicyGroup.BOOKING, "Requests awaiting review that a mentee may have at once.", bounds=(1, 100)
    )
    max_open_holds_per_mentee: int = _integer(
        2, PolicyGroup.BOOKING, "Unpaid drafts that a mentee may have at once.", bounds=(1, 100)
    )
    reassignment_response_hours: int = _integer(
        24,
        PolicyGroup.REASSIGNMENT,
        "Hours a mentee has to answer a reassignment; then cancelled with full refund.",
        bounds=(1, 720),
    )
    join_opens_minutes_before: int = _integer(
        15,
        PolicyGroup.JOINING,
        "Minutes before the start at which the meeting link is released.",
        bounds=_ONE_DAY_IN_MINUTES,
    )
    join_closes_minutes_after_end: int = _integer(
        60, PolicyGroup.JOINING, "Minutes after the end at which the meeting link dies.", bounds=_ONE_DAY_IN_MINUTES
    )
    auto_complete_minutes_after_end: int = _integer(
        60,
        PolicyGroup.JOINING,
        "Minutes after the end at which the clock completes a session.",
        bounds=_ONE_DAY_IN_MINUTES,
    )
    no_show_grace_minutes: int = _integer(
        10,
        PolicyGroup.JOINING,
        "Minutes after the start before a party can be reported absent.",
        bounds=_ONE_DAY_IN_MINUTES,
        pinned=True,
    )
    auto_no_show_detection: bool = _boolean(
        True, PolicyGroup.JOINING, "Flag video sessions that somebody did not join, from the join log."
    )
    suggestion_hold_hours: int = _integer(
        48,
        PolicyGroup.JOINING,
        "Hours a no-show suggestion waits for a person before the session is completed.",
        bounds=_THIRTY_DAYS_IN_HOURS,
    )
    recordings_visible_to_parties: bool = _boolean(
        False, PolicyGroup.JOINING, "Whether both parties see recording links."
    )
    reminder_hours: tuple[int, ...] = _integers(
        (24, 1), PolicyGroup.JOINING, "Hours before the start at which reminders are sent.", bounds=(1, 720)
    )
    mentor_share_percentage: int = _integer(
        70, PolicyGroup.MONEY, "The mentor's share of what is paid, in percent.", bounds=_PERCENT, pinned=True
    )
    refund_approval_threshold: Decimal = _decimal(  # noqa: RUF009 - it is `field` under another name
        "200.00",
        PolicyGroup.MONEY,
        "Staff refunds of one session above this sum need a second admin.",
        bounds=(0, 1_000_000),
    )
    review_window_days: int = _integer(
        14, PolicyGroup.SUPPORT, "Days after the end in which a review can be written or changed.", bounds=_YEAR_IN_DAYS
    )
    dispute_window_days: int = _integer(
        30, PolicyGroup.SUPPORT, "Days after the end in which a problem can be reported.", bounds=_YEAR_IN_DAYS
    )
    dispute_urgent_answer_hours: int = _sla(1, "Hours until an urgent dispute has its first answer.")
    dispute_urgent_resolution_hours: int = _sla(8, "Hours until an urgent dispute is resolved.")
    dispute_high_answer_hours: int = _sla(4, "Hours until a dispute of high priority has its first answer.")
    dispute_high_resolution_hours: int = _sla(24, "Hours until a dispute of high priority is resolved.")
    dispute_medium_answer_hours: int = _sla(24, "Hours until a dispute of medium priority has its first answer.")
    dispute_medium_resolution_hours: int = _sla(72, "Hours until a dispute of medium priority is resolved.")
    dispute_low_answer_hours: int = _sla(48, "Hours until a dispute of low priority has its first answer.")
    dispute_low_resolution_hours: int = _sla(168, "Hours until a dispute of low priority is resolved.")
    undo_window_seconds: int = _integer(
        60,
        PolicyGroup.SUPPORT,
        "Seconds in which a staff action can be undone before anybody is told.",
        bounds=(0, 3600),
    )

    def __getitem__(self, key: str) -> PolicyValue:
        if key not in POLICIES:
            raise KeyError(key)
        value: PolicyValue = getattr(self, key)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(POLICIES)

    def __len__(self) -> int:
        return len(POLICIES)

    def as_json(self) -> dict[str, Any]:
        """All values as JSON can hold them: decimals as strings, lists as lists."""
        return {key: value_as_json(value) for key, value in self.items()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Snapshot:
        """Read what ``as_json`` wrote.

        A key that did not exist when it was stored takes its default; one that no longer exists is dropped; bounds are
        not applied. All three happen to promises that outlive a release.

        :raises Invalid: when a stored value is not of the key's type
        """
        known = {key: raw for key, raw in stored.items() if key in POLICIES}
        values: dict[str, Any] = {
            key: parse_value(replace(POLICIES[key], minimum=None, maximum=None), raw) for key, raw in known.items()
        }
        return cls(**values)

    def changed(self, raw_values: Mapping[str, Any]) -> Snapshot:
        """These values with some replaced, parsed and within bounds.

        :raises Invalid: ``fields`` names every bad or unknown key
        """
        values: dict[str, Any] = {}
        problems: dict[str, str] = {}
        for key, raw in raw_values.items():
            if key not in POLICIES:
                problems[key] = "There is no such policy."
                continue
            try:
                values[key] = parse_value(POLICIES[key], raw)
            except Invalid as error:
                problems.update(error.fields)
        if problems:
            message = "Some policy values cannot be used."
            raise Invalid(message, fields=problems)
        return replace(self, **values)


def _registry() -> dict[str, PolicySpec]:
    registry = {}
    for each in fields(Snapshot):
        declared: _Declared = each.metadata["policy"]
        default: Any = each.default  # typeshed allows for a field without default; here all have one
        registry[each.name] = PolicySpec(
            key=each.name,
            type=declared.type,
            default=default,
            strict_24h=declared.strict_24h,
            group=declared.group,
            description=declared.description,
            minimum=declared.minimum,
            maximum=declared.maximum,
            choices=declared.choices,
            pinned=declared.pinned,
        )
    return registry


POLICIES: Final[Mapping[str, PolicySpec]] = _registry()
DEFAULTS: Final = Snapshot()
PINNED: Final = frozenset(key for key, spec in POLICIES.items() if spec.pinned)
# POL-3. "flexible" is the product's default set; a preset names every key, so that applying one leaves no doubt.
PRESETS: Final[Mapping[str, Snapshot]] = {
    "flexible": DEFAULTS,
    "strict_24h": Snapshot(**{key: spec.strict_24h for key, spec in POLICIES.items()}),  # type: ignore[arg-type]  # one loop over all types; test_policies compares with the table
}


def merge(pinned: Snapshot, current: Snapshot) -> Snapshot:
    """The policies a session lives under: pinned keys as at its booking, all others as they are now (POL-5)."""
    return replace(current, **{key: pinned[key] for key in PINNED})  # type: ignore[arg-type]  # same class, same fields


def check_coherent(snapshot: Snapshot) -> None:
    """Raise when values that are each in bounds make no sense together.

    :raises Invalid: naming both keys
    """
    if snapshot.cancellation_cutoff_hours > snapshot.free_cancellation_hours:
        message = "The cut-off cannot lie earlier than the free period: nobody could be told which of the two applies."
        raise Invalid(
            message,
            fields={
                "cancellation_cutoff_hours": f"At most {snapshot.free_cancellation_hours}, the free period.",
                "free_cancellation_hours": f"At least {snapshot.cancellation_cutoff_hours}, the cut-off.",
            },
        )
