"""Which policies may replace what a session was promised (POL-5)."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.improvement import is_better_for_both
from app.domain.policies import DEFAULTS, PRESETS


@pytest.mark.spec("POL-5")
@pytest.mark.parametrize(
    "values, is_better",
    [
        ({}, False),
        ({"max_reschedules_per_session": 3}, True),
        ({"mentor_max_reschedules_per_session": 3, "reschedule_cutoff_hours": 2}, True),
        ({"mentor_reschedule_cutoff_hours": 1, "max_counter_proposals": 4}, True),
        ({"require_cancellation_reason": False}, True),
        # A session does not keep this one, so there is nothing to exchange.
        ({"join_opens_minutes_before": 30}, False),
        ({"max_reschedules_per_session": 3, "join_opens_minutes_before": 30}, True),
        ({"max_reschedules_per_session": 1}, False),
        ({"max_reschedules_per_session": 3, "mentor_max_reschedules_per_session": 1}, False),
        # Better for one, paid by the other.
        ({"partial_refund_percentage": 80}, False),
        ({"late_refund_percentage": 10}, False),
        ({"free_cancellation_hours": 12}, False),
        ({"late_cancellation_rule": "not_allowed"}, False),
        ({"no_show_grace_minutes": 20}, False),
        ({"mentor_share_percentage": 80}, False),
        ({"max_reschedules_per_session": 3, "mentor_share_percentage": 80}, False),
    ],
)
def test_only_what_is_worse_for_nobody_replaces_a_promise(values: dict[str, Any], is_better: bool) -> None:
    assert is_better_for_both(DEFAULTS, DEFAULTS.changed(values)) is is_better


@pytest.mark.spec("POL-5")
def test_the_strict_preset_is_never_applied_to_what_was_promised() -> None:
    assert not is_better_for_both(DEFAULTS, PRESETS["strict_24h"])
    assert not is_better_for_both(PRESETS["strict_24h"], DEFAULTS)
