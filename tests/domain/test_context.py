"""Who acts and when, and how a refusal carries its facts (WHY-3, ID-7)."""

from __future__ import annotations

from datetime import datetime

import pytest

from app.domain.context import ANONYMOUS, PAYMENT, Context
from app.domain.errors import Conflict, NotFound, ProviderFailed, StaleVersion
from tests.domain.facts import at


@pytest.mark.spec("WHY-3", "ID-7")
def test_the_moment_of_a_context_is_aware() -> None:
    with pytest.raises(ValueError, match="aware"):
        Context(ANONYMOUS, datetime(2026, 3, 1), "request")  # noqa: DTZ001 - the point


def test_somebody_else_can_act_in_the_same_moment() -> None:
    ctx = Context(ANONYMOUS, at("2026-03-01 12:00"), "request", "203.0.113.9", "a browser")

    as_payment = ctx.acting_as(PAYMENT)

    assert as_payment == Context(PAYMENT, ctx.now, "request", "203.0.113.9", "a browser")


def test_an_error_has_its_code_and_a_more_exact_one_where_given() -> None:
    assert StaleVersion("Edited meanwhile.").error_code == "stale_version"
    assert Conflict("No.", code="proposal_open").error_code == "proposal_open"
    assert NotFound().error_code == "not_found"


def test_a_failed_provider_says_whether_to_try_again_and_whether_to_look_first() -> None:
    failed = ProviderFailed("No answer.", retryable=False, unknown=True)

    assert (failed.retryable, failed.unknown, failed.message) == (False, True, "No answer.")
