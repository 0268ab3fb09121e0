"""What the console's pages bring in when it is wanted: the overview's charts, a case's messages."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Trouble
from tests.browser.stage import Stage
from tests.factories import sessions as made
from tests.factories.people import a_support_agent


@pytest.mark.spec("KPI-2", "SD-1", "UX-5")
def test_charts_and_messages_come_in_beside_the_page_and_lead_to_what_they_count(
    stage: Stage, open_page: Callable[..., Page], trouble: Trouble
) -> None:
    with stage.app.app_context():
        made.a_cancelled_session()
        agent = a_support_agent(name="Sam Support", email="sam@people.example")
        case = made.a_completed_session(at=made.START_AT + timedelta(hours=4))
    page = open_page()
    stage.set_time(made.START_AT + timedelta(days=1), page)
    stage.run_outbox()
    stage.let_in(page, agent.email)
    page.goto(f"{stage.address}/admin/?days=7")

    charts = page.get_by_role("region", name="Charts of the last 7 days")
    expect(charts.get_by_role("img", name="Sessions over time")).to_be_visible()
    expect(charts.get_by_role("table").first).to_be_hidden()
    reasons = charts.get_by_role("region", name="Cancellations by reason", exact=True)
    reasons.get_by_text("In numbers").click()
    reasons.get_by_role("row", name="Schedule conflict").get_by_role("link", name="1").click()
    expect(page).to_have_url(re.compile("reason=schedule_conflict"))
    expect(page.get_by_role("row")).to_have_count(2)

    page.goto(f"{stage.address}/admin/?days=7")
    # A point of the drawing leads there as well: the one bar among the reasons reaches across it.
    reasons.get_by_role("img").click(position={"x": 200, "y": 110})
    expect(page).to_have_url(re.compile("reason=schedule_conflict"))

    page.goto(f"{stage.address}/admin/sessions/{case.id}")
    page.locator("summary", has_text="E-mails and notifications").click()
    sent = page.locator("#messages")
    expect(sent.get_by_role("heading", name="Notifications")).to_be_visible()
    sent.get_by_text("What it says").first.click()
    expect(sent.locator(".letter-text")).to_be_visible()
    sent.get_by_role("link", name="Send it again").first.click()
    dialog = page.get_by_role("dialog", name="Send it again")
    dialog.get_by_label("Reason").fill("It went to the spam folder")
    dialog.get_by_role("button", name="Send it again").click()
    toast = page.get_by_role("status").filter(has_text="It is being sent again")
    toast.get_by_role("link", name="Audit row").click()
    expect(page.get_by_role("link", name=case.title)).to_be_visible()
    assert trouble == []
