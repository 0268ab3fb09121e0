"""What a party may note, and when a mentor may sum it up (RV-2)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from app.domain.errors import Conflict
from app.domain.notes import ITEM_MAX, ITEMS_MAX, NOTE_MAX, decide_note, decide_summary
from app.domain.vocabulary import SessionStatus
from tests.domain.facts import at

END = at("2028-03-01 11:00")


@pytest.mark.spec("RV-2")
@pytest.mark.parametrize(
    "body, items, fields",
    [
        ("x", (), set()),
        ("x" * NOTE_MAX, ["y" * ITEM_MAX] * ITEMS_MAX, set()),
        ("", (), {"body"}),
        ("x" * (NOTE_MAX + 1), (), {"body"}),
        ("x", ["y"] * (ITEMS_MAX + 1), {"action_items"}),
        ("x", [""], {"action_items"}),
        ("", ["y" * (ITEM_MAX + 1)], {"body", "action_items"}),
    ],
)
def test_notes_have_a_length(body: str, items: list[str], fields: set[str]) -> None:
    decision = decide_note(body, items)
    assert (set(decision.fields), decision.allowed) == (fields, not fields)


@pytest.mark.spec("RV-2")
@pytest.mark.parametrize(
    "status, ends_at, allowed",
    [
        (SessionStatus.COMPLETED, None, True),
        (SessionStatus.IN_PROGRESS, END, True),
        (SessionStatus.IN_PROGRESS, END + timedelta(seconds=1), False),
        (SessionStatus.IN_PROGRESS, None, False),
        (SessionStatus.SCHEDULED, END, False),
        (SessionStatus.CANCELLED, END, False),
    ],
)
def test_a_summary_is_sent_once_it_is_over(status: SessionStatus, ends_at: datetime | None, allowed: bool) -> None:
    decision = decide_summary(status=status, ends_at=ends_at, now=END)
    assert decision.allowed is allowed
    if not allowed:
        with pytest.raises(Conflict) as refused:
            decision.require()
        assert refused.value.error_code == "not_over"
