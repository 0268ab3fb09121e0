"""One session's life from end to end, and another that goes wrong: the product as its people meet it.

Nothing is put in by hand but the people: pages, mails, the gateway and the console do the rest, and the code of worker
and clock is run when they would run.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from app.integrations.payments.base import ChargeState
from app.models import User
from tests.browser.conftest import Trouble
from tests.browser.stage import Stage, answer_for, invitation_of, sign_in_here, sticking_out, text_of
from tests.factories import sessions as made
from tests.factories.people import a_mentee, a_mentor, a_support_agent
from tests.world import START, at

# A Thursday: nine in the morning in New York, three in the afternoon in Berlin.
MEETING = at("2028-03-02 09:00", "America/New_York")
IN_NEW_YORK, IN_BERLIN = "Thu 2 Mar, 09:00 (New York)", "Thu 2 Mar, 15:00 (Berlin)"
OPENS_BEFORE = timedelta(minutes=15)
TITLE = "How to lead a team of five"
MEETING_SITE = "https://meet.jit.si/"
REASON = "The mentor's train stands still."


@dataclass(frozen=True)
class Cast:
    mentee: User
    mentor: User
    support: User


@pytest.fixture
def cast(stage: Stage) -> Cast:
    with stage.app.app_context():
        return Cast(
            a_mentee(name="Mia Moore", email="mia@people.example", timezone="America/New_York"),
            a_mentor(name="Ada Berg", email="ada@people.example", timezone="Europe/Berlin", rate_minor=5_000),
            a_support_agent(name="Sam Support", email="sam@people.example", timezone="Europe/Berlin"),
        )


def _find_mentor(stage: Stage, page: Page) -> None:
    page.goto(f"{stage.address}/mentors")
    page.get_by_role("searchbox", name="Search mentors").fill("leadership")
    page.get_by_role("button", name="Search", exact=True).click()
    page.get_by_role("link", name="Ada Berg").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ada Berg")


def _choose_time(page: Page) -> None:
    page.get_by_role("link", name="Choose a time for One hour of advice").click()
    expect(page.get_by_role("heading", name="Choose a time")).to_be_visible()
    expect(page.get_by_label("Times are shown for")).to_have_value("America/New_York")
    if page.get_by_role("heading", name="February 2028").is_visible():
        page.get_by_role("link", name="March 2028").click()
    page.get_by_role("link", name=re.compile(r"Thu 2 Mar.*free")).click()
    expect(page.get_by_role("link", name=re.compile(r"Thu 2 Mar.*free"))).to_have_attribute("aria-current", "date")
    page.get_by_role("radio", name="09:00").check()
    page.get_by_role("button", name="Continue").click()


def _say_what_it_is_about(page: Page) -> None:
    page.get_by_label("What is it about?").fill(TITLE)
    page.get_by_label("What would you like to get out of it?").fill("Two of them do not talk to each other.")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Look once more, then book")).to_be_visible()


def _book_and_pay(page: Page) -> None:
    main = page.get_by_role("main")
    expect(main).to_contain_text(IN_NEW_YORK)
    expect(main).to_contain_text(IN_BERLIN)
    expect(main.get_by_role("heading", name="If you have to cancel")).to_be_visible()
    page.get_by_role("button", name="Book and pay €50.00").click()
    expect(page.get_by_text("Sandbox gateway")).to_be_visible()
    page.get_by_role("button", name="Pay €50.00").click()
    expect(page.get_by_role("heading", name="Your session is booked")).to_be_visible()


def _open_new_session(page: Page) -> None:
    page.get_by_role("link", name="Your sessions").last.click()
    row = page.get_by_role("listitem").filter(has_text=TITLE)
    expect(row).to_contain_text("New")
    row.get_by_role("link", name=TITLE).click()
    expect(page.get_by_role("heading", level=1, name=TITLE)).to_be_visible()


def _subjects(stage: Stage, user: User) -> list[str]:
    return [str(letter["Subject"]) for letter in stage.letters(user.email)]


def _fits(page: Page) -> None:
    assert sticking_out(page) == [], page.url


@pytest.mark.spec("BK-1", "BK-2", "BK-3", "JN-1", "JN-2", "JN-3", "SM-3", "MN-3", "EM-1", "MN-10")
def test_a_session_from_finding_a_mentor_to_the_mentors_share(
    stage: Stage, cast: Cast, open_page: Callable[..., Page], trouble: Trouble
) -> None:
    mentee, mentor = open_page(), open_page()
    stage.set_time(START, mentee, mentor)
    meeting_site = answer_for(mentee.context, f"{MEETING_SITE}**", "<title>The meeting</title>")

    # The mentee finds a mentor, books and pays.
    stage.sign_in(mentee, cast.mentee.email, remember=True)
    _find_mentor(stage, mentee)
    _choose_time(mentee)
    _say_what_it_is_about(mentee)
    _book_and_pay(mentee)
    _open_new_session(mentee)
    session_page = mentee.url

    # Both get a letter, each in their own zone, with one and the same calendar entry, and none has the link.
    stage.run_outbox()
    to_mentee, to_mentor = stage.letters(cast.mentee.email)[-1], stage.letters(cast.mentor.email)[-1]
    assert re.search(r"Thu 2 Mar\s+Time: 09:00 . 10:00 \(New York", text_of(to_mentee))
    assert re.search(r"Thu 2 Mar\s+Time: 15:00 . 16:00 \(Berlin", text_of(to_mentor))
    for letter in (to_mentee, to_mentor):
        assert TITLE in text_of(letter)
        assert "DTSTART:20280302T140000Z" in invitation_of(letter)
        assert MEETING_SITE not in letter.as_string()
    uids = {re.search(r"UID:(\S+)", invitation_of(each)).group(1) for each in (to_mentee, to_mentor)}
    assert len(uids) == 1

    # The mentor's share waits.
    stage.sign_in(mentor, cast.mentor.email, remember=True)
    _expect_wallet(stage, mentor, pending="€35.00", available="€0.00")

    # The link is hidden until its time, and then opens in a tab of its own; pressing it is recorded.
    mentee.reload()
    expect(mentee.get_by_text("Session starts in 62h 20m")).to_be_visible()
    expect(mentee.get_by_role("button", name="Join Meeting Now")).to_have_count(0)
    assert MEETING_SITE not in mentee.content()
    stage.set_time(MEETING - OPENS_BEFORE, mentee, mentor)
    mentee.reload()
    assert MEETING_SITE not in mentee.content()
    with mentee.context.expect_page() as opened:
        mentee.get_by_role("button", name="Join Meeting Now").click()
    opened.value.wait_for_url(f"{MEETING_SITE}**")
    assert mentee.url == session_page
    mentors_room = answer_for(mentor.context, f"{MEETING_SITE}**", "<title>The meeting</title>")
    mentor.goto(session_page)
    with mentor.context.expect_page() as opened:
        mentor.get_by_role("button", name="Join Meeting Now").click()
    opened.value.wait_for_url(f"{MEETING_SITE}**")
    assert len({*meeting_site, *mentors_room}) == 1
    mentee.reload()
    expect(mentee.get_by_role("main")).to_contain_text(re.compile(r"You (have )?joined", re.IGNORECASE))

    # The clock starts the session, and completes it after its end.
    stage.set_time(MEETING + timedelta(minutes=1), mentee, mentor)
    assert stage.tick().counts == {"started": 1}
    mentee.reload()
    expect(mentee.get_by_role("button", name="Join Meeting Now live")).to_be_visible()
    stage.set_time(MEETING + timedelta(hours=2), mentee, mentor)
    assert stage.tick().counts == {"completed": 1}
    stage.run_outbox()
    mentee.reload()
    expect(mentee.get_by_role("main").get_by_text("Completed").first).to_be_visible()
    expect(mentee.get_by_role("button", name="Join Meeting Now")).to_have_count(0)
    assert [
        subject for subject in _subjects(stage, cast.mentee) if "completed" in subject.lower() or "How was" in subject
    ]
    _expect_wallet(stage, mentor, pending="€0.00", available="€35.00")
    assert trouble == []


def _expect_wallet(stage: Stage, page: Page, *, pending: str, available: str) -> None:
    page.goto(f"{stage.address}/mentor/wallet")
    main = page.get_by_role("main")
    for label, amount in (("Pending", pending), ("Available", available)):
        expect(main.locator("*", has_text=re.compile(rf"^\s*{label}\s*{re.escape(amount)}")).first).to_be_visible()
    expect(page.get_by_role("row").filter(has_text=TITLE)).to_contain_text("€35.00")


@pytest.mark.spec("ACT-1", "AUD-1", "AUD-3", "MN-6", "SL-2", "SD-1")
def test_support_ends_a_session_that_went_wrong_and_the_trail_proves_it(
    stage: Stage, cast: Cast, open_page: Callable[..., Page], trouble: Trouble
) -> None:
    with stage.app.app_context():
        made.a_paid_session(mentee=cast.mentee, mentor=cast.mentor, at=MEETING, title=TITLE)
        made.a_paid_session(at=MEETING + timedelta(hours=1), title="Another one")
    stage.run_outbox()
    page = open_page()
    stage.set_time(START + timedelta(hours=1), page)

    # Support finds the case in the list.
    stage.sign_in(page, cast.support.email)
    page.wait_for_url("**/admin/")
    page.get_by_role("link", name="Sessions", exact=True).first.click()
    page.get_by_role("searchbox", name="Search sessions").fill("mia moore")
    page.get_by_role("searchbox", name="Search sessions").press("Enter")
    page.wait_for_url("**q=mia**")
    expect(page.get_by_role("row").filter(has_text="Another one")).to_have_count(0)
    page.get_by_role("link", name=TITLE).click()
    expect(page.get_by_role("heading", level=1, name=TITLE)).to_be_visible()

    # First what will happen: who, what changes, how much, and who is told.
    page.get_by_role("link", name="Force cancel").click()
    dialog = page.get_by_role("dialog", name="Force cancel")
    expect(dialog).to_contain_text("Mia Moore gets €50.00 back")
    table = dialog.get_by_role("table")
    expect(table.get_by_role("columnheader")).to_have_text(["Who", "What changes", "Money", "Message"])
    for who in ("Mia Moore", "Ada Berg"):
        expect(table.get_by_role("row").filter(has_text=who).first).to_be_visible()
    expect(table).to_contain_text("€50.00")
    assert _refunds(stage) == []
    dialog.get_by_role("textbox", name="Reason").fill(REASON)
    dialog.get_by_role("button", name="Cancel and refund €50.00").click()
    expect(page.get_by_role("status").filter(has_text="Session cancelled")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text(REASON)

    # Both are told, and the money goes back once, however often the worker looks.
    for _ in range(2):
        stage.run_outbox()
        assert [refund["amount_minor"] for refund in _refunds(stage)] == [5_000]
    for who in (cast.mentee, cast.mentor):
        assert any(REASON in text_of(letter) for letter in stage.letters(who.email)), _subjects(stage, who)
    page.reload()
    expect(page.get_by_role("complementary", name="About this case")).to_contain_text("Refunded")

    # It stands in the trail, and every link of the trail fits.
    page.goto(f"{stage.address}/admin/staff-trail/")
    row = page.get_by_role("row").filter(has_text=REASON)
    expect(row).to_contain_text("Sam Support")
    expect(row).to_contain_text(re.compile("force.cancel", re.IGNORECASE))
    page.goto(f"{stage.address}/admin/audit/verify/")
    page.get_by_role("button", name=re.compile("^Verify [0-9]")).click()
    expect(page.get_by_text("Every link fits")).to_be_visible()
    assert trouble == []


def _refunds(stage: Stage) -> list[dict[str, object]]:
    return [refund for book in stage.charges() for refund in book["refunds"]]


@pytest.mark.spec("UX-2", "BK-2")
def test_a_stranger_books_on_a_phone_and_signs_in_on_the_way(
    stage: Stage, cast: Cast, open_page: Callable[..., Page], trouble: Trouble
) -> None:
    page = open_page(width=360, height=740, has_touch=True, is_mobile=True, timezone_id="America/New_York")
    stage.set_time(START, page)
    _find_mentor(stage, page)
    _fits(page)
    _choose_time(page)
    sign_in_here(page, cast.mentee.email)
    _fits(page)
    _say_what_it_is_about(page)
    _fits(page)
    _book_and_pay(page)
    _fits(page)
    _open_new_session(page)
    _fits(page)
    # Had the page begun to listen only after the jump, it would be told that it may not.
    expect(page.locator('html[data-live="stream"]')).to_be_attached()
    stage.set_time(MEETING - timedelta(minutes=5), page)
    # Days later nobody is signed in any more; the link of the letter leads there all the same.
    page.reload()
    sign_in_here(page, cast.mentee.email)
    expect(page.get_by_role("button", name="Join Meeting Now")).to_be_in_viewport()
    _fits(page)
    assert trouble == []


@pytest.mark.spec("BK-2")
def test_the_wizard_works_without_javascript(
    stage: Stage, cast: Cast, open_page: Callable[..., Page], trouble: Trouble
) -> None:
    page = open_page(java_script_enabled=False)
    stage.sign_in(page, cast.mentee.email)
    _find_mentor(stage, page)
    _choose_time(page)
    # Back loses nothing: what was typed stands there again.
    _say_what_it_is_about(page)
    page.get_by_role("link", name="Change the details").click()
    expect(page.get_by_label("What is it about?")).to_have_value(TITLE)
    page.get_by_role("button", name="Continue").click()
    _book_and_pay(page)
    _open_new_session(page)
    assert trouble == []


@pytest.mark.spec("BK-2", "BK-9")
def test_a_slot_that_is_lost_meanwhile_leads_back_with_the_nearest_free_times(
    stage: Stage, cast: Cast, open_page: Callable[..., Page], trouble: Trouble
) -> None:
    page = open_page()
    stage.set_time(START, page)
    stage.sign_in(page, cast.mentee.email)
    _find_mentor(stage, page)
    _choose_time(page)
    _say_what_it_is_about(page)
    with stage.app.app_context():
        made.a_paid_session(mentor=cast.mentor, at=MEETING)
    page.get_by_role("button", name="Book and pay €50.00").click()
    alert = page.get_by_role("alert").filter(has_text="cannot be booked")
    expect(alert).to_contain_text(IN_NEW_YORK)
    alert.get_by_role("link").first.click()
    expect(page.get_by_label("What is it about?")).to_have_value(TITLE)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Book and pay €50.00").click()
    expect(page.get_by_text("Sandbox gateway")).to_be_visible()
    assert trouble == []


@pytest.mark.spec("BK-3", "UX-4")
def test_whoever_waits_for_the_gateway_is_led_on_when_it_has_answered(
    stage: Stage, cast: Cast, open_page: Callable[..., Page], trouble: Trouble
) -> None:
    with stage.app.app_context():
        draft = made.a_draft(mentee=cast.mentee, mentor=cast.mentor, at=MEETING, title=TITLE)
        reference = made.checkout(draft)
    page = open_page()
    stage.sign_in(page, cast.mentee.email)
    page.goto(f"{stage.address}/payments/return?reference={reference}")
    expect(page.get_by_role("heading", name="We are asking the gateway")).to_be_visible()
    with stage.app.app_context():
        made.sandbox().decide(reference, ChargeState.SUCCEEDED)
    expect(page.get_by_role("heading", name="Your session is booked")).to_be_visible()
    assert trouble == []
