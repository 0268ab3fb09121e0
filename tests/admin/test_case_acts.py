"""The dialogs of staff acts: seen before done, done once, refused clearly, one audit row each (ACT)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.domain.vocabulary import NotificationType, OverrideType, Party, PaymentStatus, SessionStatus
from app.extensions import db
from app.foundation.transaction import transaction
from app.models import AdminAuditTrail, EmailEvent, Notification, PolicyOverride
from app.money.wallets import wallet_of
from app.support.mark_no_show import mark_no_show
from app.support.override_policy import grant_override, preview_override, revoke_override
from tests.factories.people import a_mentor, a_support_agent, ctx_of
from tests.factories.sessions import START_AT, a_paid_session, a_pending_request, a_running_session, fresh
from tests.outbox import RunOutbox
from tests.world import Clock, context

Browser = Callable[[str], FlaskClient]


def a_missed_session() -> Any:
    session = a_running_session()
    ctx = context(ctx_of(a_support_agent()).actor, START_AT + timedelta(minutes=30))
    mark_no_show(session.id, absent=Party.MENTEE, reason="Nobody came", ctx=ctx)
    return fresh(session)


def a_flagged_session() -> Any:
    """Over, and the join log shows nobody."""
    session = a_running_session(joined=[])
    with transaction():
        session.attendance_suggested_at = START_AT + timedelta(hours=1)
    return fresh(session)


NEXT = UUID("7d0c6f0e-3f52-4a35-9a0e-4d1f3c0d9b11")


def a_session_that_another_mentor_could_take() -> Any:
    session = a_paid_session()
    a_mentor(id=NEXT, name="Next One")
    return session


@dataclass(frozen=True)
class Case:
    """One act in a state in which it is possible."""

    slug: str
    action: str
    make: Callable[[], Any]
    values: dict[str, str] = field(default_factory=dict)
    after: timedelta = timedelta(minutes=30)
    became: SessionStatus | None = None


CASES = {
    case.slug: case
    for case in (
        Case(
            "complete", "ADMIN_FORCE_COMPLETE", a_running_session, {"actualDuration": "45"},
            became=SessionStatus.COMPLETED,
        ),
        Case("no-show", "ADMIN_MARK_NO_SHOW", a_running_session, {"absent": "mentor"}, became=SessionStatus.NO_SHOW),
        Case(
            "clear-no-show", "ADMIN_CLEAR_NO_SHOW", a_missed_session,
            {"restoreStatus": "completed", "refundPercentage": "100"}, became=SessionStatus.COMPLETED,
        ),
        Case(
            "dismiss-suggestion", "ADMIN_NO_SHOW_SUGGESTION_DISMISSED", a_flagged_session, after=timedelta(hours=2),
            became=SessionStatus.IN_PROGRESS,
        ),
        Case(
            "override", "ADMIN_POLICY_OVERRIDE", a_paid_session, {"overrideType": "allow_cancellation"},
            after=timedelta(hours=-1), became=SessionStatus.SCHEDULED,
        ),
        Case(
            "move", "ADMIN_SESSION_MOVED", a_paid_session, {"startsAt": "2028-03-02T06:30"},
            after=timedelta(hours=-1), became=SessionStatus.SCHEDULED,
        ),
        Case(
            "reassign", "ADMIN_REASSIGN_SESSION", a_session_that_another_mentor_could_take, {"newMentorId": str(NEXT)},
            after=timedelta(hours=-1), became=SessionStatus.SCHEDULED,
        ),
        Case(
            "meeting-link", "ADMIN_MEETING_LINK_SET", a_paid_session, {"meetingUrl": "https://meet.example/room"},
            after=timedelta(hours=-1), became=SessionStatus.SCHEDULED,
        ),
    )
}  # fmt: skip


def hidden(page: str) -> dict[str, str]:
    """The form's hidden marks."""
    return {
        name: unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
        if name in {"fingerprint", "previewed", "key", "shown"}
    }


def acts_on(session: Any) -> list[AdminAuditTrail]:
    return list(
        db.session.scalars(
            select(AdminAuditTrail).where(AdminAuditTrail.session_id == session.id).order_by(AdminAuditTrail.seq)
        )
    )


def open_dialog(browser: FlaskClient, session: Any, case: Case) -> tuple[str, dict[str, str]]:
    path = f"/admin/sessions/{session.id}/{case.slug}"
    page = browser.get(path, query_string={**case.values, "shown": "1", "notifyParties": "1"})
    assert page.status_code == 200
    return path, {**case.values, "reason": "Both asked for it", "notifyParties": "1", **hidden(page.text)}


@pytest.mark.spec("ACT-2", "ACT-5", "ACT-6", "ACT-9")
@pytest.mark.parametrize("slug", sorted(CASES))
def test_what_was_shown_is_done_once_with_one_audit_row(as_role: Browser, clock: Clock, slug: str) -> None:
    case = CASES[slug]
    session = case.make()
    clock.set(START_AT + case.after)
    browser = as_role("support")
    before = len(acts_on(session))
    path, form = open_dialog(browser, session, case)

    for _ in range(2):  # a double click sends the same form twice
        answer = browser.post(path, data=form)
        assert (answer.status_code, answer.location) == (303, f"/admin/sessions/{session.id}")

    assert fresh(session).status is case.became
    rows = acts_on(session)[before:]
    assert [(row.action, row.reason) for row in rows] == [(case.action, "Both asked for it")]
    assert rows[0].ip_address
    assert rows[0].new_status == case.became


@pytest.mark.spec("ACT-2", "ACT-5", "ACT-6", "ACT-9")
@pytest.mark.parametrize("slug", sorted(CASES))
def test_a_case_that_changed_meanwhile_shows_the_new_preview_and_changes_nothing(
    as_role: Browser, clock: Clock, slug: str
) -> None:
    case = CASES[slug]
    session = case.make()
    clock.set(START_AT + case.after)
    browser = as_role("support")
    path, form = open_dialog(browser, session, case)
    fresh(session).version += 1
    db.session.commit()
    before = len(acts_on(session))

    answer = browser.post(path, data=form)

    assert answer.status_code == 409
    assert "This case changed since you opened it" in answer.text
    assert len(acts_on(session)) == before
    assert browser.post(path, data={**form, **hidden(answer.text)}).status_code == 303


@pytest.mark.spec("ACT-1", "UX-3")
@pytest.mark.parametrize("slug", sorted(CASES))
def test_without_a_reason_nothing_is_done_and_nothing_typed_is_lost(as_role: Browser, clock: Clock, slug: str) -> None:
    case = CASES[slug]
    session = case.make()
    clock.set(START_AT + case.after)
    browser = as_role("support")
    path, form = open_dialog(browser, session, case)
    before = len(acts_on(session))

    answer = browser.post(path, data={**form, "reason": "x"})

    assert answer.status_code == 422
    assert "Give a reason of 3 to 1,000 characters" in answer.text
    assert len(acts_on(session)) == before
    for value in case.values.values():
        assert value in answer.text


@pytest.mark.spec("ADM-2")
@pytest.mark.parametrize("slug", sorted(CASES))
def test_nobody_acts_on_a_case_of_their_own(as_role: Browser, clock: Clock, slug: str) -> None:
    """A mentor who became support keeps the past as a party."""
    mentor = a_mentor(email="once@mentor.example")
    session = a_paid_session(mentor=mentor)
    browser = as_role("support")
    fresh(session).cancelled_mentor_ids = [_signed_in_user(browser)]
    db.session.commit()

    answer = browser.get(f"/admin/sessions/{session.id}/{slug}")

    assert answer.status_code == 403
    assert "You are a party in this case" in browser.get(f"/admin/sessions/{session.id}").text


def _signed_in_user(browser: FlaskClient) -> Any:
    from app.models import Login

    return db.session.scalars(select(Login.user_id).order_by(Login.created_at.desc())).first()


@pytest.mark.spec("ACT-2")
@pytest.mark.parametrize("slug", sorted(CASES))
def test_what_is_not_possible_is_shown_disabled_with_its_reason(as_role: Browser, slug: str) -> None:
    session = a_pending_request()
    browser = as_role("support")
    page = browser.get(f"/admin/sessions/{session.id}").text

    assert f'href="/admin/sessions/{session.id}/{slug}"' not in page
    dialog = browser.get(f"/admin/sessions/{session.id}/{slug}").text
    assert "data-plan-button" not in dialog


@pytest.mark.spec("ACT-2")
def test_completing_pays_the_mentor_and_ends_when_it_really_ended(as_role: Browser, clock: Clock) -> None:
    session = a_running_session()
    clock.set(START_AT + timedelta(minutes=50))
    browser = as_role("support")
    path, form = open_dialog(browser, session, CASES["complete"])
    browser.post(path, data=form)

    done = fresh(session)
    assert done.ended_at == START_AT + timedelta(minutes=45)
    assert wallet_of(session.mentor_id).in_currency("EUR").available.minor == 3_500
    assert acts_on(session)[-1].details == {
        "actualDuration": 45,
        "originalDuration": 60,
        "earnings": "35.00",
        "currency": "EUR",
        "notifyParties": True,
    }


@pytest.mark.spec("ACT-2")
@pytest.mark.parametrize("minutes", ["0", "1441", "x", "-5", "1.5", "99999"])
def test_a_length_that_cannot_be_is_refused_beside_its_field(as_role: Browser, clock: Clock, minutes: str) -> None:
    session = a_running_session()
    clock.set(START_AT + timedelta(minutes=50))
    answer = as_role("support").get(f"/admin/sessions/{session.id}/complete?actualDuration={minutes}&shown=1")

    assert "data-plan-button>Complete" not in answer.text
    assert fresh(session).status is SessionStatus.IN_PROGRESS


@pytest.mark.spec("ACT-6", "CX-2", "RS-6")
def test_an_override_expires_at_the_start_can_be_revoked_and_is_not_granted_twice(clock: Clock) -> None:
    session = a_paid_session()
    ctx = ctx_of(a_support_agent())
    kind = OverrideType.ALLOW_CANCELLATION
    grant_override(session.id, override_type=kind, reason="Goodwill", fingerprint=None, ctx=ctx)
    override = db.session.scalars(select(PolicyOverride)).one()
    assert override.expires_at == START_AT
    assert not preview_override(session.id, override_type=kind, ctx=ctx).decision.allowed
    assert preview_override(session.id, override_type=OverrideType.EXTEND_TIME, ctx=ctx).decision.allowed
    with pytest.raises(Exception, match="has that override already"):
        grant_override(session.id, override_type=kind, reason="Goodwill", fingerprint=None, ctx=ctx)

    revoke_override(override.id, reason="By mistake", ctx=ctx)

    assert db.session.get_one(PolicyOverride, override.id).revoked_at == clock.now
    assert [row.action for row in acts_on(session)] == ["ADMIN_POLICY_OVERRIDE", "ADMIN_POLICY_OVERRIDE_REVOKED"]
    with pytest.raises(Exception, match="does not count any more"):
        revoke_override(override.id, reason="By mistake", ctx=ctx)
    told = select(func.count()).where(Notification.type == NotificationType.POLICY_OVERRIDE_GRANTED)
    assert db.session.scalar(told) == 2


@pytest.mark.spec("ACT-9", "DB-6")
def test_a_session_moved_by_support_moves_in_both_calendars_and_tells_both(as_role: Browser, clock: Clock) -> None:
    session = a_paid_session()
    browser = as_role("support")
    path, form = open_dialog(browser, session, CASES["move"])
    assert "06:30" in browser.get(path, query_string=CASES["move"].values).text
    browser.post(path, data=form)

    moved = fresh(session)
    assert (moved.scheduled_at, moved.calendar_sequence, moved.reschedules_total) == (
        START_AT + timedelta(hours=20, minutes=30), 1, 0,
    )  # fmt: skip
    mails = db.session.scalars(select(EmailEvent).where(EmailEvent.template == "reschedule_confirmed")).all()
    assert {mail.user_id for mail in mails} == {session.mentee_id, session.mentor_id}
    assert {mail.details["ics"]["sequence"] for mail in mails} == {1}


@pytest.mark.spec("ACT-9", "INV-1")
def test_support_cannot_move_a_session_onto_another(as_role: Browser, clock: Clock) -> None:
    mentor = a_mentor()
    a_paid_session(mentor=mentor, at=START_AT + timedelta(hours=3))
    session = a_paid_session(mentor=mentor)
    browser = as_role("support")
    path, form = open_dialog(browser, session, CASES["move"])
    answer = browser.get(path, query_string={"startsAt": "2028-03-01T13:30"})
    assert "has another session then" in answer.text

    late = {**form, "startsAt": "2028-03-01T13:30", "previewed": "2028-03-01T13:30"}
    assert browser.post(path, data=late).status_code == 303
    assert fresh(session).scheduled_at == START_AT
    assert acts_on(session) == []


@pytest.mark.spec("ACT-9", "JN-2", "SEC-6")
def test_a_link_set_by_support_replaces_the_room_and_stands_in_no_record(
    as_role: Browser, clock: Clock, run_outbox: RunOutbox
) -> None:
    session = a_paid_session()
    run_outbox()
    browser = as_role("support")
    path, form = open_dialog(browser, session, CASES["meeting-link"])
    assert browser.post(path, data={**form, "meetingUrl": "http://plain.example"}).status_code == 422
    browser.post(path, data=form)

    done = fresh(session)
    assert (done.meeting_url, done.payment_status) == ("https://meet.example/room", PaymentStatus.PAID)
    assert "meet.example" not in browser.get(f"/admin/sessions/{session.id}").text
    assert "meet.example" not in str(acts_on(session)[-1].details)


@pytest.mark.spec("ACT-4", "AV-6")
def test_the_candidates_are_ranked_and_say_why_and_any_verified_mentor_can_be_named(
    as_role: Browser, clock: Clock
) -> None:
    session = a_session_that_another_mentor_could_take()
    a_mentor(name="Knows Little", expertise=("Cooking",))
    asleep = a_mentor(name="Works Never", weekly_hours={})
    a_mentor(name="Works Unverified", is_verified=False)
    browser = as_role("support")
    path = f"/admin/sessions/{session.id}/reassign"

    page = browser.get(path).text

    first, second = page.index("1. Next One"), page.index("2. Knows Little")
    assert first < page.index("Shares Leadership, Python with the mentor before, not rated yet") < second
    assert "Shares no topic" in page
    assert "Works Never" not in page
    assert "Next One takes the session at its time" in page
    found = browser.get("/admin/sessions/people?role=mentor&verified=1&q=works").json
    assert [each["text"] for each in found] == ["Works Never"]
    named = {"newMentorId": "other", "otherMentorId": str(asleep.id), "shown": "1"}
    page = browser.get(path, query_string=named).text
    assert "Works Never works at other times or offers no such session" in page
    assert f'<option value="{asleep.id}" selected>Works Never</option>' in page


@pytest.mark.spec("ACT-4")
@pytest.mark.parametrize("named", ["", "other", "nobody"])
def test_a_mentor_that_is_none_is_said_beside_the_field(as_role: Browser, clock: Clock, named: str) -> None:
    session = a_session_that_another_mentor_could_take()
    browser = as_role("support")
    path, form = open_dialog(browser, session, CASES["reassign"])
    wrong = {**form, "newMentorId": named, "previewed": f"{named}|"}

    answer = browser.post(path, data=wrong)

    assert answer.status_code == 422
    assert "Choose a mentor." in answer.text
    assert acts_on(session) == []


@pytest.mark.spec("ACT-6", "ID-7")
@pytest.mark.usefixtures("clock")
def test_the_end_of_an_override_is_told_in_the_zone_of_whoever_grants_it() -> None:
    session, agent = a_paid_session(), a_support_agent(timezone="Asia/Tokyo")
    plan = preview_override(session.id, override_type=OverrideType.EXTEND_TIME, ctx=ctx_of(agent))
    assert "(Tokyo)" in plan.sentence
