"""The console in a hurry: by keyboard alone, Enter too early, a click too many, a case that moved on meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import func, select

from app.domain.vocabulary import SessionStatus
from app.extensions import db
from app.models import AdminAuditTrail, MentoringSession, User
from app.support.force_cancel import ACTION
from tests.browser.conftest import Trouble
from tests.browser.stage import Stage, tab_to
from tests.factories import sessions as made
from tests.factories.people import a_mentee, a_mentor, a_support_agent, an_ops
from tests.world import START

TITLE = "How to lead a team of five"
REASON = "The mentor's train stands still."
PAID_MINOR = 5_000


@pytest.fixture
def case(stage: Stage) -> MentoringSession:
    """A paid session that lies ahead, with its letters sent and its meeting made."""
    with stage.app.app_context():
        mentee, mentor = a_mentee(name="Mia Moore"), a_mentor(name="Ada Berg", rate_minor=PAID_MINOR)
        session = made.a_paid_session(mentee=mentee, mentor=mentor, title=TITLE)
    stage.run_outbox()
    return session


@pytest.fixture
def support(stage: Stage) -> User:
    with stage.app.app_context():
        return a_support_agent(name="Sam Support", email="sam@people.example")


@pytest.fixture
def console(stage: Stage, support: User, open_page: Callable[..., Page]) -> Page:
    """The console, opened by somebody of support."""
    page = open_page()
    stage.set_time(START, page)
    stage.let_in(page, support.email)
    return page


def _case_url(stage: Stage, case: MentoringSession) -> str:
    return f"{stage.address}/admin/sessions/{case.id}"


def _open_dialog(page: Page) -> Locator:
    page.keyboard.press("c")
    dialog = page.get_by_role("dialog", name="Force cancel")
    expect(dialog).to_be_visible()
    return dialog


def _stand(stage: Stage, case: MentoringSession) -> tuple[SessionStatus, int, list[int]]:
    """Status, rows in the staff trail, and what the gateway was told to give back."""
    with stage.app.app_context():
        status = db.session.scalars(select(MentoringSession.status).where(MentoringSession.id == case.id)).one()
        acts = db.session.scalar(
            select(func.count()).select_from(AdminAuditTrail).where(AdminAuditTrail.action == ACTION)
        )
    stage.run_outbox()
    return status, acts or 0, [refund["amount_minor"] for book in stage.charges() for refund in book["refunds"]]


UNTOUCHED = (SessionStatus.SCHEDULED, 0, [])


@pytest.mark.spec("ACT-1", "ADM-4", "UX-1")
def test_a_session_is_force_cancelled_by_keyboard_alone_and_enter_never_fires_it(
    stage: Stage, case: MentoringSession, console: Page, trouble: Trouble
) -> None:
    console.goto(f"{stage.address}/admin/sessions/")
    console.keyboard.press("/")
    expect(console.get_by_role("searchbox", name="Search everything")).to_be_focused()
    tab_to(console, console.get_by_role("searchbox", name="Search sessions"))
    console.keyboard.type("mia moore")
    console.keyboard.press("Enter")
    console.wait_for_url("**q=mia**")
    tab_to(console, console.get_by_role("link", name=TITLE))
    console.keyboard.press("Enter")
    console.wait_for_url(f"**/{case.id}**")

    _open_dialog(console)
    console.keyboard.press("Escape")
    expect(console.get_by_role("dialog")).to_have_count(0)
    dialog = _open_dialog(console)
    button = dialog.get_by_role("button", name="Cancel and refund")
    expect(button).not_to_be_focused()

    percentage = dialog.get_by_label("Refund, of €50.00 paid")
    tab_to(console, percentage)
    console.keyboard.press("Control+A")
    console.keyboard.type("50")
    console.keyboard.press("Enter")
    expect(button).to_have_text("Cancel and refund €25.00")
    expect(dialog).to_contain_text("Mia Moore gets €25.00 back")
    reason = dialog.get_by_role("textbox", name="Reason")
    tab_to(console, reason)
    console.keyboard.type(REASON)
    console.keyboard.press("Enter")
    tab_to(console, dialog.get_by_role("checkbox", name="Tell those concerned"))
    console.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    assert _stand(stage, case) == UNTOUCHED

    tab_to(console, button)
    console.keyboard.press("Space")
    expect(console.get_by_role("status").filter(has_text="Session cancelled")).to_be_visible()
    assert _stand(stage, case) == (SessionStatus.CANCELLED, 1, [PAID_MINOR // 2])
    assert trouble == []


@pytest.mark.spec("SD-2")
def test_the_keys_are_listed_on_request(stage: Stage, case: MentoringSession, console: Page, trouble: Trouble) -> None:
    console.goto(_case_url(stage, case))
    console.keyboard.press("?")
    sheet = console.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_contain_text("Force cancel")
    expect(sheet).to_contain_text("Write a note")
    # While the sheet is open the keys on it do nothing.
    console.keyboard.press("c")
    expect(console.get_by_role("dialog")).to_have_count(1)
    console.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    console.keyboard.press("n")
    expect(console.get_by_role("textbox", name="Add a note")).to_be_focused()
    # In a field the keys are letters.
    console.keyboard.type("c?")
    expect(console.get_by_role("dialog")).to_have_count(0)
    expect(console.get_by_role("textbox", name="Add a note")).to_have_value("c?")
    assert trouble == []


@pytest.mark.spec("ACT-1")
def test_a_case_that_changed_meanwhile_is_shown_anew_before_anything_happens(
    stage: Stage, case: MentoringSession, console: Page
) -> None:
    console.goto(_case_url(stage, case))
    dialog = _open_dialog(console)
    dialog.get_by_role("textbox", name="Reason").fill(REASON)
    assert case.scheduled_at is not None
    begun = case.scheduled_at + timedelta(minutes=1)
    stage.keep_signed_in(begun)
    stage.clock.set(begun)
    assert stage.tick().counts == {"started": 1}
    stage.run_outbox()
    # Back again: the password was typed a day ago then.
    stage.clock.set(START)
    dialog.get_by_role("button", name="Cancel and refund €50.00").click()
    main = console.get_by_role("main")
    expect(main).to_contain_text("This case changed since you opened it")
    assert _stand(stage, case) == (SessionStatus.IN_PROGRESS, 0, [])
    # What was typed is kept, and what happens now stands there.
    expect(main.get_by_role("textbox", name="Reason")).to_have_value(REASON)
    main.get_by_role("button", name="Cancel and refund €50.00").click()
    expect(console.get_by_role("status").filter(has_text="Session cancelled")).to_be_visible()
    assert _stand(stage, case) == (SessionStatus.CANCELLED, 1, [PAID_MINOR])


@pytest.mark.spec("ACT-1", "INV-7")
def test_clicking_twice_and_sending_the_form_again_acts_once(
    stage: Stage, case: MentoringSession, console: Page, trouble: Trouble
) -> None:
    sent: list[str] = []
    console.on("request", lambda asked: sent.append(asked.post_data or "") if asked.method == "POST" else None)
    console.goto(_case_url(stage, case))
    dialog = _open_dialog(console)
    dialog.get_by_role("textbox", name="Reason").fill(REASON)
    dialog.get_by_role("button", name="Cancel and refund €50.00").dblclick()
    expect(console.get_by_role("status").filter(has_text="Session cancelled")).to_be_visible()
    done = (SessionStatus.CANCELLED, 1, [PAID_MINOR])
    assert _stand(stage, case) == done
    # As a browser does that lost the answer and is told to send the form once more.
    answer = console.request.post(
        f"{_case_url(stage, case)}/cancel",
        data=sent[-1],
        headers={"Content-Type": "application/x-www-form-urlencoded", "Referer": console.url},
    )
    assert answer.status == 200
    assert "Session cancelled" in answer.text()
    assert _stand(stage, case) == done
    assert trouble == []


@pytest.mark.spec("ADM-2")
def test_whoever_may_not_force_cancel_is_not_offered_it(
    stage: Stage, case: MentoringSession, open_page: Callable[..., Page], trouble: Trouble
) -> None:
    with stage.app.app_context():
        ops = an_ops(email="olu@people.example")
    page = open_page()
    stage.let_in(page, ops.email)
    page.goto(_case_url(stage, case))
    expect(page.get_by_role("heading", level=1, name=TITLE)).to_be_visible()
    expect(page.get_by_text("Force cancel")).to_have_count(0)
    page.keyboard.press("c")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert trouble == []
    assert page.request.get(f"{_case_url(stage, case)}/cancel").status == 403
    assert _stand(stage, case) == UNTOUCHED


@pytest.mark.spec("ACT-4", "UX-2", "UX-3")
def test_another_mentor_is_chosen_from_the_ranking_or_by_name(
    stage: Stage, case: MentoringSession, console: Page, trouble: Trouble
) -> None:
    with stage.app.app_context():
        best, named = a_mentor(name="Bea Best"), a_mentor(name="Nina Named", weekly_hours={})
    console.goto(_case_url(stage, case))
    console.keyboard.press("a")
    dialog = console.get_by_role("dialog", name="Give it to another mentor")
    expect(dialog.get_by_role("radio", name="1. Bea Best")).to_be_checked()
    expect(dialog.get_by_role("button", name=f"Give it to {best.name}")).to_be_visible()

    dialog.get_by_placeholder("Name or e-mail").fill("nina")
    console.get_by_role("option", name="Nina Named").click()

    expect(dialog.get_by_role("radio", name="Somebody else")).to_be_checked()
    button = dialog.get_by_role("button", name="Give it to Nina Named")
    expect(button).to_be_enabled()
    expect(dialog.get_by_text("Ask before you assign it")).to_be_visible()
    dialog.get_by_label("Reason, which the mentee will read").fill(REASON)
    button.click()
    expect(console.get_by_text("Nina Named has the session now, instead of Ada Berg.")).to_be_visible()
    with stage.app.app_context():
        assert db.session.get_one(MentoringSession, case.id).mentor_id == named.id
    assert trouble == []
