"""A lead answers "who did this, and why?": search, what changed, and whether the trail is whole (AUD-1, AUD-3)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from app.domain.context import CLOCK
from app.extensions import db
from app.foundation.anchors import FILE, drop_anchor, first_lost, read_anchors
from app.foundation.audit import head_of_chain, record_staff_act, verify_chain
from app.foundation.transaction import transaction
from app.models import AdminAuditTrail, EmailEvent
from app.support.anchoring import mail_head
from app.tasks.rounds import anchor_audit
from tests.factories.people import a_support_agent, an_admin, ctx_of
from tests.factories.sessions import a_paid_session
from tests.world import Clock, context

Browser = Callable[[str], FlaskClient]


def act(reason: str = "The mentor fell ill", **details: object) -> AdminAuditTrail:
    agent = a_support_agent()
    with transaction():
        row_id = record_staff_act(
            action="ADMIN_TEST", reason=reason, ctx=ctx_of(agent), subject_type="user", subject_id=agent.id,
            details=details,
        )  # fmt: skip
    return db.session.get_one(AdminAuditTrail, row_id)


def unguarded(statement: str) -> None:
    with transaction():
        db.session.execute(text("SET LOCAL session_replication_role = replica"))
        db.session.execute(text(statement))
        db.session.execute(text("SET LOCAL session_replication_role = origin"))
    db.session.expire_all()


@pytest.fixture
def folder(app: Flask) -> Path:
    """Where anchors are kept, empty."""
    data: Path = app.extensions["desk-settings"].data_dir
    (data / FILE).unlink(missing_ok=True)
    return data


@pytest.mark.spec("AUD-1")
def test_staff_acts_are_found_by_the_words_of_their_reason(as_role: Browser) -> None:
    act("The mentor fell ill on the way")
    act("Charged twice by mistake")
    page = as_role("admin").get("/admin/staff-trail/?search=mentor ill").text

    assert "fell ill on the way" in page
    assert "Charged twice" not in page


@pytest.mark.spec("AUD-1")
def test_a_sessions_log_is_found_by_the_words_of_its_reasons(as_role: Browser) -> None:
    session = a_paid_session()
    unguarded(
        f"UPDATE session_audit_log SET reason_details = 'A train strike' WHERE number = "
        f"(SELECT max(number) FROM session_audit_log WHERE session_id = '{session.id}')"
    )
    browser = as_role("admin")

    assert "A train strike" in browser.get("/admin/session-log/?search=strike").text
    assert "A train strike" not in browser.get("/admin/session-log/?search=flood").text


@pytest.mark.spec("AUD-1")
def test_a_row_shows_what_changed_field_by_field(as_role: Browser) -> None:
    row = act(
        changes={"late_refund_percentage": {"old": 0, "new": 25}},
        previousMentorName="Ada",
        newMentorName="Grace",
    )
    page = as_role("admin").get(f"/admin/staff-trail/details/?id={row.id}").text
    cells = ["Late refund percentage</th><td>0</td><td>25<", "Mentor name</th><td>Ada</td><td>Grace<"]

    assert [cell in page for cell in cells] == [True, True]


@pytest.mark.spec("AUD-3")
def test_the_chain_is_verified_in_parts_and_the_last_part_gives_the_verdict(as_role: Browser, folder: Path) -> None:
    for _ in range(3):
        act()
    ops = as_role("ops")

    assert verify_chain(at_most=2).is_whole is True  # one batch of rows reaches the end
    told = ops.get("/admin/audit/verify/step?after=1").json
    assert (told["rows"], told["total"], told["verdict"]["ok"]) == (3, 3, True)
    assert ops.get("/admin/audit/verify/step?after=x").status_code == 422

    unguarded("UPDATE admin_session_audit_trail SET reason = 'x' WHERE seq = 3")
    told = ops.get("/admin/audit/verify/step?after=1").json
    assert (told["verdict"]["ok"], told["verdict"]["row"]) == (False, 3)


@pytest.mark.spec("AUD-3")
def test_the_head_is_written_down_outside_the_database_once_an_hour(clock: Clock, folder: Path) -> None:
    assert anchor_audit(context(CLOCK, clock.now))["changed"] == 0  # nothing to anchor yet
    act()
    assert anchor_audit(context(CLOCK, clock.now))["changed"] == 1
    act()
    assert anchor_audit(context(CLOCK, clock.advance(minutes=59)))["changed"] == 0
    assert anchor_audit(context(CLOCK, clock.advance(minutes=1)))["changed"] == 1
    assert anchor_audit(context(CLOCK, clock.advance(hours=2)))["changed"] == 0  # the same head

    head = head_of_chain()
    assert [(anchor.seq, anchor.hash == head.hash) for anchor in read_anchors(folder)] == [(1, False), (2, True)]


@pytest.mark.spec("AUD-3")
@pytest.mark.parametrize(
    "crime",
    [
        "DELETE FROM admin_session_audit_trail WHERE seq = 3",
        "DELETE FROM admin_session_audit_trail",
    ],
    ids=["cut off", "emptied"],
)
def test_a_tail_that_was_cut_off_shows_against_the_anchors(
    as_role: Browser, clock: Clock, folder: Path, crime: str
) -> None:
    for _ in range(3):
        act()
    drop_anchor(folder, head_of_chain(), now=clock.now)
    ops = as_role("ops")
    assert first_lost(read_anchors(folder)) is None
    assert "1 heads that were written down hold" in ops.post("/admin/audit/verify/").text

    unguarded(crime)

    assert verify_chain().is_intact  # the hashes alone do not show it
    lost = first_lost(read_anchors(folder))
    assert lost is not None
    assert lost.seq == 3
    assert "Row 3 is not what it was" in ops.post("/admin/audit/verify/").text


@pytest.mark.spec("AUD-3")
def test_a_line_that_a_crash_cut_short_loses_only_itself(clock: Clock, folder: Path) -> None:
    act()
    drop_anchor(folder, head_of_chain(), now=clock.now)
    with (folder / FILE).open("a") as file:
        file.write(json.dumps({"at": "2028"})[:8])

    assert [anchor.seq for anchor in read_anchors(folder)] == [1]
    act()
    drop_anchor(folder, head_of_chain(), now=clock.advance(hours=1))
    assert [anchor.seq for anchor in read_anchors(folder)] == [1, 2]


@pytest.mark.spec("AUD-3")
def test_the_head_is_mailed_to_the_admins_once(clock: Clock, folder: Path) -> None:
    first, second = an_admin(), an_admin()
    an_admin(suspended_at=clock.now, suspension_reason="Left")
    assert mail_head(ctx=context(CLOCK, clock.now)) == 0
    act()

    assert mail_head(ctx=context(CLOCK, clock.now)) == 2
    assert mail_head(ctx=context(CLOCK, clock.advance(days=1))) == 0
    mails = db.session.scalars(select(EmailEvent).where(EmailEvent.template == "audit_head")).all()
    assert {mail.user_id for mail in mails} == {first.id, second.id}
    facts = mails[0].details["facts"]
    assert (facts["rows"], facts["head"]) == (1, head_of_chain().hash)
