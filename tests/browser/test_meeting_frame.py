"""The strict policy lets the provider's page into its frame, in a real browser (MT-3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.stage import Stage, answer_for
from tests.factories.sessions import START_AT, a_paid_session, fresh


@pytest.mark.spec("MT-3")
def test_the_meeting_is_seen_in_the_page(stage: Stage, open_page: Callable[..., Page]) -> None:
    page = open_page()
    stage.app.config["MEETING_EMBED"] = True
    with stage.app.app_context():
        session = a_paid_session()
        email = session.mentee.email
    stage.run_outbox()
    with stage.app.app_context():
        site = str(fresh(session).meeting_url).rpartition("/")[0]
    stage.set_time(START_AT - timedelta(minutes=5))
    asked = answer_for(page.context, f"{site}/**", "<h1>The meeting</h1>")
    stage.let_in(page, email)
    page.goto(f"{stage.address}/sessions/{session.id}")
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Join Meeting Now").click()
    meeting = opened.value
    expect(meeting.frame_locator("iframe.meeting-frame").get_by_role("heading")).to_have_text("The meeting")
    assert len(asked) == 1
    meeting.get_by_role("link", name="Leave to the session").click()
    expect(meeting.get_by_role("heading", level=1)).to_have_text(session.title)
