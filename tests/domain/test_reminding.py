"""Which reminders are due: each once, none late, none for what was agreed after its moment (EM-5)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from app.domain.reminding import MAY_BE_LATE, due_reminders
from tests.domain.facts import at

START = at("2028-03-01 10:00")
LONG_BEFORE = START - timedelta(days=9)
SECOND = timedelta(seconds=1)


def due(now: datetime, *, since: datetime = LONG_BEFORE, sent: dict[int, datetime] | None = None) -> list[int]:
    return due_reminders(START, (24, 1), known_since=since, sent=sent or {}, now=now)


@pytest.mark.spec("EM-5")
@pytest.mark.parametrize("hours", [24, 1])
def test_it_is_due_from_its_moment_on_and_soon_no_more(hours: int) -> None:
    opens = START - timedelta(hours=hours)
    assert due(opens - SECOND) == []
    assert due(opens) == due(opens + MAY_BE_LATE) == [hours]
    assert due(opens + MAY_BE_LATE + SECOND) == []


@pytest.mark.spec("EM-5")
def test_one_that_was_sent_is_not_sent_again_but_one_for_an_earlier_time_does_not_count() -> None:
    opens = START - timedelta(hours=1)
    assert due(opens + SECOND, sent={1: opens}) == []
    assert due(opens + SECOND, sent={1: opens - SECOND}) == [1]
    assert due(opens, sent={24: opens}) == [1]


@pytest.mark.spec("EM-5")
def test_what_was_agreed_after_its_moment_needs_no_reminder_of_it() -> None:
    opens = START - timedelta(hours=1)
    assert due(opens + SECOND, since=opens + SECOND) == []
    assert due(opens + SECOND, since=opens) == [1]
