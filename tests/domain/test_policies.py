"""The policy keys against the specification's table, and reading values for them (POL-1, POL-3, POL-5)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import Invalid
from app.domain.policies import (
    DEFAULTS,
    PINNED,
    POLICIES,
    PRESETS,
    PolicyType,
    Snapshot,
    check_coherent,
    merge,
    parse_value,
)

# key | default | Strict 24 h, from the specification.
TABLE = """
cancellation_cutoff_hours | 2 | 24
free_cancellation_hours | 24 | 24
partial_refund_percentage | 70 | 100
late_refund_percentage | 0 | 0
late_cancellation_rule | no_refund | not_allowed
require_cancellation_reason | true | true
reschedule_cutoff_hours | 4 | 24
mentor_reschedule_cutoff_hours | 2 | 24
max_reschedules_per_session | 2 | 0
mentor_max_reschedules_per_session | 2 | 2
reschedule_request_expiry_hours | 48 | 48
max_counter_proposals | 3 | 3
request_review_expiry_hours | 72 | 72
payment_hold_minutes | 15 | 15
request_payment_window_hours | 24 | 24
reassignment_response_hours | 24 | 24
join_opens_minutes_before | 15 | 15
join_closes_minutes_after_end | 60 | 60
auto_complete_minutes_after_end | 60 | 60
no_show_grace_minutes | 10 | 10
auto_no_show_detection | true | true
mentor_share_percentage | 70 | 70
refund_approval_threshold | 200.00 | 200.00
reminder_hours | 24, 1 | 24, 1
review_window_days | 14 | 14
dispute_window_days | 30 | 30
suggestion_hold_hours | 48 | 48
max_open_requests_per_mentee | 5 | 5
max_open_holds_per_mentee | 2 | 2
dispute_urgent_answer_hours | 1 | 1
dispute_urgent_resolution_hours | 8 | 8
dispute_high_answer_hours | 4 | 4
dispute_high_resolution_hours | 24 | 24
dispute_medium_answer_hours | 24 | 24
dispute_medium_resolution_hours | 72 | 72
dispute_low_answer_hours | 48 | 48
dispute_low_resolution_hours | 168 | 168
undo_window_seconds | 60 | 60
frequent_canceller_threshold | 3 | 3
recordings_visible_to_parties | false | false
"""
ROWS = [tuple(cell.strip() for cell in line.split("|")) for line in TABLE.strip().splitlines()]


@pytest.mark.spec("POL-1", "POL-3")
@pytest.mark.parametrize("key, default, strict", ROWS)
def test_each_key_has_the_default_and_the_preset_of_the_specification(key: str, default: str, strict: str) -> None:
    spec = POLICIES[key]

    assert DEFAULTS[key] == PRESETS["flexible"][key] == parse_value(spec, default)
    assert PRESETS["strict_24h"][key] == spec.strict_24h == parse_value(spec, strict)
    assert getattr(DEFAULTS, key) == spec.default


@pytest.mark.spec("POL-1")
def test_there_are_no_other_keys_and_each_is_described() -> None:
    assert sorted(POLICIES) == sorted(row[0] for row in ROWS)
    assert all(spec.description.endswith(".") for spec in POLICIES.values())
    assert len(DEFAULTS) == len(list(DEFAULTS)) == len(POLICIES)


@pytest.mark.spec("POL-1")
def test_defaults_lie_in_their_own_bounds_and_make_sense_together() -> None:
    for preset in PRESETS.values():
        check_coherent(preset)
        for key, value in preset.items():
            assert parse_value(POLICIES[key], value) == value


@pytest.mark.spec("POL-5")
def test_what_a_mentee_was_promised_is_pinned_and_the_rest_is_not() -> None:
    assert {
        "cancellation_cutoff_hours",
        "free_cancellation_hours",
        "partial_refund_percentage",
        "late_refund_percentage",
        "late_cancellation_rule",
        "require_cancellation_reason",
        "reschedule_cutoff_hours",
        "mentor_reschedule_cutoff_hours",
        "max_reschedules_per_session",
        "mentor_max_reschedules_per_session",
        "reschedule_request_expiry_hours",
        "max_counter_proposals",
        "mentor_share_percentage",
        "no_show_grace_minutes",
    } == PINNED


@pytest.mark.spec("POL-5")
def test_a_session_lives_under_its_pinned_policies_and_today_s_others() -> None:
    then = replace(DEFAULTS, free_cancellation_hours=12, join_opens_minutes_before=5)
    today = replace(DEFAULTS, free_cancellation_hours=48, join_opens_minutes_before=30, review_window_days=7)

    merged = merge(then, today)

    assert (merged.free_cancellation_hours, merged.join_opens_minutes_before, merged.review_window_days) == (12, 30, 7)


@pytest.mark.spec("POL-1")
@pytest.mark.parametrize(
    "key, raw, value",
    [
        ("free_cancellation_hours", " 12 ", 12),
        ("free_cancellation_hours", 0, 0),
        ("refund_approval_threshold", "199.5", Decimal("199.5")),
        ("refund_approval_threshold", 0, Decimal(0)),
        ("auto_no_show_detection", "on", True),
        ("auto_no_show_detection", False, False),
        ("late_cancellation_rule", " not_allowed", "not_allowed"),
        ("reminder_hours", "1, 24,1", (24, 1)),
        ("reminder_hours", [2, "48"], (48, 2)),
        ("reminder_hours", "", ()),
    ],
)
def test_a_value_is_read_from_a_form_or_from_json(key: str, raw: object, value: object) -> None:
    assert parse_value(POLICIES[key], raw) == value


@pytest.mark.spec("POL-1", "API-1")
@pytest.mark.parametrize(
    "key, raw",
    [
        ("free_cancellation_hours", "1_0"),
        ("free_cancellation_hours", "٣"),
        ("free_cancellation_hours", "9" * 5_000),
        ("free_cancellation_hours", 721),
        ("free_cancellation_hours", -1),
        ("free_cancellation_hours", True),
        ("free_cancellation_hours", 1.5),
        ("free_cancellation_hours", None),
        ("partial_refund_percentage", "101"),
        ("refund_approval_threshold", "NaN"),
        ("refund_approval_threshold", "Infinity"),
        ("refund_approval_threshold", "1e99"),
        ("refund_approval_threshold", "0.0001"),
        ("refund_approval_threshold", "-0.01"),
        ("refund_approval_threshold", "much"),
        ("refund_approval_threshold", True),
        ("refund_approval_threshold", 1.5),
        ("auto_no_show_detection", "perhaps"),
        ("auto_no_show_detection", 1),
        ("late_cancellation_rule", "sometimes"),
        ("late_cancellation_rule", 1),
        ("reminder_hours", "24, x"),
        ("reminder_hours", "0"),
        ("reminder_hours", list(range(1, 12))),
        ("reminder_hours", 24),
    ],
)
def test_a_value_that_cannot_be_used_names_its_key(key: str, raw: object) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_value(POLICIES[key], raw)

    assert list(refusal.value.fields) == [key]
    assert refusal.value.fields[key].endswith(".")


@pytest.mark.spec("POL-1")
def test_several_changes_report_every_problem_at_once() -> None:
    with pytest.raises(Invalid) as refusal:
        DEFAULTS.changed({"free_cancellation_hours": "x", "colour": "blue", "review_window_days": 7})

    assert sorted(refusal.value.fields) == ["colour", "free_cancellation_hours"]
    assert DEFAULTS.changed({"review_window_days": "7"}).review_window_days == 7


@pytest.mark.spec("POL-1")
def test_a_cut_off_before_the_free_period_makes_no_sense() -> None:
    with pytest.raises(Invalid) as refusal:
        check_coherent(DEFAULTS.changed({"cancellation_cutoff_hours": 25}))

    assert sorted(refusal.value.fields) == ["cancellation_cutoff_hours", "free_cancellation_hours"]


def values() -> st.SearchStrategy[Mapping[str, object]]:
    kinds = {
        PolicyType.INTEGER: st.integers(1, 100),
        PolicyType.DECIMAL: st.decimals(0, 1000, places=2),
        PolicyType.BOOLEAN: st.booleans(),
        PolicyType.CHOICE: st.sampled_from(["no_refund", "not_allowed"]),
        PolicyType.INTEGER_LIST: st.lists(st.integers(1, 720), max_size=5),
    }
    fixed = {key: kinds[spec.type] for key, spec in POLICIES.items()}
    fixed["max_reschedules_per_session"] = fixed["mentor_max_reschedules_per_session"] = st.integers(0, 50)
    fixed["max_counter_proposals"] = st.integers(0, 50)
    return st.fixed_dictionaries({}, optional=fixed)


@pytest.mark.spec("POL-2")
@given(changes=values())
def test_a_snapshot_survives_being_stored_as_json(changes: Mapping[str, object]) -> None:
    snapshot = DEFAULTS.changed(changes)

    assert Snapshot.from_json(json.loads(json.dumps(snapshot.as_json()))) == snapshot


@pytest.mark.spec("POL-2", "POL-5")
def test_an_old_snapshot_is_read_though_keys_and_bounds_have_changed_since() -> None:
    stored = {"free_cancellation_hours": 9_999, "a_key_of_the_past": 1}

    assert Snapshot.from_json(stored) == replace(DEFAULTS, free_cancellation_hours=9_999)


def test_a_snapshot_reads_as_a_mapping_of_policies_only() -> None:
    assert DEFAULTS["review_window_days"] == 14
    with pytest.raises(KeyError):
        DEFAULTS["as_json"]
