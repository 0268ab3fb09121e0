"""A decision becomes a typed error, and a snapshot that can be stored (WHY-1)."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from app.domain.decision import Decision, Refusal, in_words
from app.domain.errors import Conflict, DomainError, Forbidden, Invalid, InvalidTransition, Refused, SlotTaken
from app.domain.vocabulary import Party
from tests.domain.facts import at


def refused(refusal: Refusal, **more: object) -> Decision:
    return Decision(allowed=False, rule="a_rule", message="No.", refusal=refusal, **more)  # type: ignore[arg-type]


@pytest.mark.spec("WHY-1")
@pytest.mark.parametrize(
    "refusal, error",
    [
        (Refusal.POLICY, Refused),
        (Refusal.CONFLICT, Conflict),
        (Refusal.TRANSITION, InvalidTransition),
        (Refusal.SLOT_TAKEN, SlotTaken),
        (Refusal.FORBIDDEN, Forbidden),
        (Refusal.INVALID, Invalid),
    ],
)
def test_each_refusal_raises_its_own_error_with_rule_and_numbers(refusal: Refusal, error: type[DomainError]) -> None:
    decision = refused(refusal, numbers={"start": at("2026-03-01 12:00")}, next_change="Earlier.")

    with pytest.raises(error) as caught:
        decision.require()

    assert type(caught.value) is error
    assert caught.value.message == "No."
    assert caught.value.details == {"rule": "a_rule", "start": "2026-03-01T12:00:00Z", "nextChange": "Earlier."}


def test_a_more_exact_code_and_fields_travel_along() -> None:
    assert refused(Refusal.CONFLICT, code="proposal_open").error().error_code == "proposal_open"
    assert refused(Refusal.INVALID, fields={"title": "Too short."}).error().fields == {"title": "Too short."}


def test_an_allowed_decision_raises_nothing_and_has_no_error() -> None:
    decision = Decision(allowed=True, rule="a_rule", message="Yes.")

    decision.require()
    with pytest.raises(ValueError, match="no error"):
        decision.error()


@pytest.mark.parametrize("allowed, refusal", [(True, Refusal.POLICY), (False, None)])
def test_a_decision_is_either_allowed_or_says_why_not(allowed: bool, refusal: Refusal | None) -> None:
    with pytest.raises(ValueError, match="either"):
        Decision(allowed=allowed, rule="a_rule", message="?", refusal=refusal)


@pytest.mark.spec("WHY-1", "POL-2")
def test_the_snapshot_holds_everything_as_json() -> None:
    decision = Decision(
        allowed=True,
        rule="a_rule",
        message="Yes.",
        numbers={
            "at": at("2026-03-01 12:00"),
            "left": timedelta(minutes=5),
            "limit": Decimal("200.00"),
            "who": UUID(int=1),
            "side": Party.MENTOR,
            "hours": (24, 1),
            "nothing": None,
        },
        consequences={"refund_percentage": 70, "late": False},
        next_change="Earlier.",
    )

    assert json.loads(json.dumps(decision.snapshot())) == {
        "allowed": True,
        "rule": "a_rule",
        "message": "Yes.",
        "numbers": {
            "at": "2026-03-01T12:00:00Z",
            "left": 300,
            "limit": "200.00",
            "who": "00000000-0000-0000-0000-000000000001",
            "side": "mentor",
            "hours": [24, 1],
            "nothing": None,
        },
        "consequences": {"refund_percentage": 70, "late": False},
        "next_change": "Earlier.",
    }


@pytest.mark.parametrize(
    "duration, words",
    [
        (timedelta(0), "0 seconds"),
        (timedelta(microseconds=1), "1 second"),
        (timedelta(seconds=61), "1 minute 1 second"),
        (timedelta(minutes=11), "11 minutes"),
        (timedelta(hours=26), "1 day 2 hours"),
        (timedelta(hours=26, minutes=59), "1 day 2 hours"),
        (timedelta(days=1, minutes=5), "1 day"),
        (-timedelta(hours=1), "1 hour"),
    ],
)
def test_a_duration_in_words_has_its_two_largest_units(duration: timedelta, words: str) -> None:
    assert in_words(duration) == words
