"""A policy is tried on the past and put into force, and an exception taken back, in a real browser (POL-4, ACT-6)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from app.booking.cancel import cancel_session
from app.domain.vocabulary import CancellationCategory, OverrideType
from app.foundation.policies import current_policies
from app.support.override_policy import grant_override
from tests.browser.conftest import Trouble
from tests.browser.stage import Stage, sticking_out
from tests.factories.people import a_support_agent, an_admin, ctx_of
from tests.factories.sessions import START_AT, a_paid_session


def _past(stage: Stage) -> str:
    """A cancellation ten hours before the start, and an override in force; the address of an admin."""
    with stage.app.app_context():
        session, moved = a_paid_session(), a_paid_session(at=START_AT + timedelta(days=1), title="A talk to be moved")
        stage.clock.set(START_AT - timedelta(hours=10))
        cancel_session(session.id, category=CancellationCategory.EMERGENCY, reason="", ctx=ctx_of(session.mentee))
        grant_override(
            moved.id, override_type=OverrideType.ALLOW_RESCHEDULE, reason="Trouble on our side", fingerprint=None,
            ctx=ctx_of(a_support_agent(name="Sam Support")),
        )  # fmt: skip
        return an_admin().email


@pytest.mark.spec("POL-1", "POL-4", "ACT-6", "UX-2")
@pytest.mark.parametrize("width", [1440, 360])
def test_a_policy_is_tried_and_changed_and_an_override_revoked(
    stage: Stage, open_page: Callable[..., Page], trouble: Trouble, width: int
) -> None:
    email = _past(stage)
    page = open_page(width=width, reduced_motion="reduce")
    stage.let_in(page, email)
    page.goto(f"{stage.address}/admin/policies/")
    page.get_by_role("link", name="Change: Partial refund").click()
    page.get_by_label("Partial refund").fill("50")
    page.get_by_role("button", name="Show what this changes").click()

    main = page.get_by_role("main")
    expect(main.get_by_text("1 of 1 would have been decided otherwise.")).to_be_visible()
    expect(main.get_by_role("cell", name="−€10.00")).to_be_visible()  # noqa: RUF001 - as it is written
    assert sticking_out(page) == []
    page.get_by_role("button", name="A trial until the end of the month").click()
    page.get_by_role("button", name="Put it into force").click()
    expect(page.get_by_role("status").filter(has_text="In force from now on")).to_be_visible()
    with stage.app.app_context():
        assert current_policies().values.partial_refund_percentage == 50

    page.goto(f"{stage.address}/admin/overrides/")
    page.get_by_role("link", name="Revoke: A talk to be moved").click()
    dialog = page.get_by_role("dialog", name="Revoke the override")
    dialog.get_by_label("Reason").fill("Granted to the wrong session")
    dialog.get_by_role("button", name="Revoke it").click()
    expect(page.get_by_role("status").filter(has_text="does not count any more")).to_be_visible()
    expect(main.get_by_text("No exception is in force")).to_be_visible()
    assert sticking_out(page) == []
    assert trouble == []
