"""Money in the console: refunds by hand, refunds to be decided, payouts, reconciliation (ACT-3, MN-8 to MN-11)."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.domain.money import Money
from app.domain.vocabulary import RefundState, RefundType
from app.extensions import db
from app.integrations.payments.base import GatewayRefund, GatewayRefundState, ReturnKind
from app.models import AdminAuditTrail, MentoringSession, Payment, Payout, ReconciliationFinding, Refund
from app.money.outside import book_returns
from app.money.sending import record_refund_result
from app.support.manual_refund import manual_refund
from tests.factories import people, sessions
from tests.factories.sessions import fresh, sandbox
from tests.invariants.planted import a_session_paid_by_hand
from tests.world import Clock, context

_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


def path(session: MentoringSession) -> str:
    return f"/admin/sessions/{session.id}/refund"


def dialog(
    browser: FlaskClient, session: MentoringSession, kind: str = "full", amount: str = "50.00"
) -> dict[str, str]:
    """The fields of the dialog as a browser would send them, with a reason typed in."""
    typed = {"refundType": kind, "amount": amount, "notifyParties": "1"}
    page = browser.get(path(session), query_string={"shown": 1, **typed})
    assert page.status_code == 200, page.text
    return {**dict(_HIDDEN.findall(page.text)), **typed, "reason": "The sound was bad"}


def acts() -> list[str]:
    return list(db.session.scalars(select(AdminAuditTrail.action).order_by(AdminAuditTrail.seq)))


def refunds(session: MentoringSession) -> list[Refund]:
    db.session.expire_all()
    return list(db.session.scalars(select(Refund).where(Refund.session_id == session.id)))


@pytest.mark.spec("ACT-3", "ACT")
def test_the_dialog_says_what_each_kind_means_and_changes_nothing(support: FlaskClient) -> None:
    session = sessions.a_paid_session()
    page = html.unescape(support.get(path(session)).text)
    assert ">Refund €50.00</button>" in page
    assert f"{session.mentor.name}'s share falls by €35.00" in page
    part = html.unescape(
        support.get(path(session), query_string={"shown": 1, "refundType": "partial", "amount": "12.50"}).text
    )
    assert ">Refund €12.50</button>" in part
    bonus = html.unescape(
        support.get(path(session), query_string={"shown": 1, "refundType": "bonus", "amount": "5"}).text
    )
    assert ">Give €5.00 of credit</button>" in bonus
    assert refunds(session) == []


@pytest.mark.spec("ACT-3", "SM-3")
def test_a_refund_is_issued_once_however_often_the_form_is_sent(support: FlaskClient) -> None:
    session = sessions.a_paid_session()
    form = dialog(support, session)
    first, second = support.post(path(session), data=form), support.post(path(session), data=form)
    assert first.status_code == second.status_code == 303
    (refund,) = refunds(session)
    assert (refund.amount_minor, refund.type, refund.by_staff) == (5_000, RefundType.FULL, True)
    assert acts() == ["ADMIN_MANUAL_REFUND"]
    case = support.get(f"/admin/sessions/{session.id}")
    assert case.status_code == 200
    assert "gave money back" in case.text


@pytest.mark.spec("ACT-3", "MN-7")
@pytest.mark.parametrize(
    "kind, amount, words",
    [("full", "49.99", "exactly what is left"), ("partial", "50.01", "At most"), ("partial", "x", "Give an amount")],
)
def test_an_amount_that_does_not_fit_is_said_at_its_field(
    support: FlaskClient, kind: str, amount: str, words: str
) -> None:
    session = sessions.a_paid_session()
    form = {**dialog(support, session), "refundType": kind, "amount": amount}
    page = support.post(path(session), data=form)
    assert page.status_code == 422
    assert words in page.text
    assert refunds(session) == []


@pytest.mark.spec("ACT")
def test_what_was_not_shown_is_shown_first(support: FlaskClient) -> None:
    session = sessions.a_paid_session()
    form = {**dialog(support, session), "refundType": "partial", "amount": "10.00"}
    page = support.post(path(session), data=form)
    assert page.status_code == 200
    assert ">Refund €10.00</button>" in page.text
    assert refunds(session) == []


@pytest.mark.spec("SEC-2")
def test_money_asks_for_the_password_again(support: FlaskClient, clock: Clock) -> None:
    session = sessions.a_paid_session()
    clock.advance(hours=1)
    answer = support.get(path(session))
    assert answer.status_code == 303
    assert "/account/confirm-password" in answer.location


@pytest.fixture
def waiting(clock: Clock) -> Refund:
    """A refund that support asked for and that is above the limit for one person."""
    session = sessions.a_paid_session(mentor=people.a_mentor(rate_minor=30_000))
    manual_refund(
        session.id, type=RefundType.FULL, amount=Money(30_000, "EUR"), reason="A complaint", fingerprint=None,
        ctx=people.ctx_of(people.a_support_agent(name="Sam Support")),
    )  # fmt: skip
    return refunds(session)[0]


@pytest.fixture
def failed(clock: Clock) -> Refund:
    session = sessions.a_paid_session()
    manual_refund(
        session.id, type=RefundType.PARTIAL, amount=Money(1_000, "EUR"), reason="A complaint", fingerprint=None,
        ctx=people.ctx_of(people.a_support_agent()),
    )  # fmt: skip
    (refund,) = refunds(session)
    record_refund_result(refund.id, GatewayRefund(GatewayRefundState.FAILED, None, "The card was closed."), context())
    return refund


def decide(browser: FlaskClient, refund: Refund, act: str, reason: str = "It is right") -> Any:
    where = f"/admin/refund-queue/{refund.id}/{act}"
    page = browser.get(where)
    assert page.status_code == 200, page.text
    return browser.post(where, data={**dict(_HIDDEN.findall(page.text)), "reason": reason})


@pytest.mark.spec("MN-9", "KPI-3")
def test_an_admin_approves_from_the_queue(admin: FlaskClient, support: FlaskClient, waiting: Refund) -> None:
    listed = admin.get("/admin/refund-queue/").text
    assert "Sam Support" in listed
    assert f"/admin/refund-queue/{waiting.id}/approve" in listed
    assert f"/admin/refund-queue/{waiting.id}/approve" not in support.get("/admin/refund-queue/").text
    assert decide(admin, waiting, "approve").status_code == 303
    db.session.expire_all()
    assert waiting.status is RefundState.PENDING
    assert acts() == ["ADMIN_MANUAL_REFUND", "ADMIN_REFUND_APPROVED"]
    assert admin.get(f"/admin/sessions/{waiting.session_id}").status_code == 200
    again = admin.post(f"/admin/refund-queue/{waiting.id}/approve", data={"reason": "Once more"})
    assert again.status_code == 303
    assert "decided already" in admin.get(again.location).text


@pytest.mark.spec("MN-9")
def test_an_admin_declines_and_a_reason_is_needed(admin: FlaskClient, waiting: Refund) -> None:
    assert decide(admin, waiting, "decline", reason="").status_code == 422
    assert decide(admin, waiting, "decline").status_code == 303
    db.session.expire_all()
    assert waiting.status is RefundState.DECLINED


@pytest.mark.spec("MN-8")
def test_failed_refunds_show_the_gateways_words_and_are_tried_again(support: FlaskClient, failed: Refund) -> None:
    assert "The card was closed." in support.get("/admin/refund-queue/?tab=failed").text
    assert decide(support, failed, "retry").status_code == 303
    db.session.expire_all()
    assert failed.status is RefundState.PENDING


@pytest.mark.spec("MN-8")
def test_an_admin_settles_a_failed_refund_outside(admin: FlaskClient, failed: Refund) -> None:
    assert decide(admin, failed, "settle", reason="Paid by bank transfer").status_code == 303
    db.session.expire_all()
    assert failed.status is RefundState.PROCESSED
    assert acts()[-1] == "ADMIN_REFUND_SETTLED_OUTSIDE"


@pytest.mark.spec("MN-10")
def test_a_batch_is_seen_recorded_once_and_taken_as_a_file(admin: FlaskClient) -> None:
    session = sessions.a_completed_session()
    assert "/admin/pay-out/next/EUR" in admin.get("/admin/pay-out/").text
    page = admin.get("/admin/pay-out/next/EUR")
    assert "Record €35.00" in page.text
    form = {**dict(_HIDDEN.findall(page.text)), "minimum": "10.00", "reason": "Monthly payout", "reference": "March"}
    for wrong in ({}, {"typed": "2"}):
        answer = admin.post("/admin/pay-out/next/EUR", data=form | wrong)
        assert (answer.status_code, "Type 1, the number of mentors who are paid." in answer.text) == (422, True)
        assert 'value="March"' in answer.text, "nothing that was typed is lost"
    assert db.session.scalars(select(Payout)).all() == []
    form["typed"] = "1"
    first, second = admin.post("/admin/pay-out/next/EUR", data=form), admin.post("/admin/pay-out/next/EUR", data=form)
    assert first.status_code == second.status_code == 303
    (row,) = db.session.scalars(select(Payout)).all()
    assert (row.mentor_id, row.amount_minor) == (session.mentor_id, 3_500)
    file = admin.get(f"/admin/pay-out/batches/{row.batch_id}.csv")
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert "35.00,EUR,March-1" in file.text
    assert "There is nothing to pay out" in admin.get("/admin/pay-out/next/EUR").text
    wallet = people.sign_in(admin.application.test_client(), fresh(session).mentor).get("/mentor/wallet")
    assert "March-1" in wallet.text


@pytest.mark.spec("MN-10")
def test_a_batch_whose_balances_changed_is_shown_again(admin: FlaskClient) -> None:
    session = sessions.a_completed_session()
    form = dict(_HIDDEN.findall(admin.get("/admin/pay-out/next/EUR").text))
    manual_refund(
        session.id, type=RefundType.PARTIAL, amount=Money(1_000, "EUR"), reason="A complaint", fingerprint=None,
        ctx=people.ctx_of(people.a_support_agent()),
    )  # fmt: skip
    page = admin.post("/admin/pay-out/next/EUR", data={**form, "minimum": "10", "reason": "Monthly", "typed": "1"})
    assert page.status_code == 409
    assert "Record €28.00" in page.text
    assert admin.post("/admin/pay-out/next/EUR", data={**form, "minimum": "x", "reason": "Monthly"}).status_code == 422
    assert db.session.scalars(select(Payout)).all() == []


@pytest.mark.spec("MN-11")
def test_findings_are_listed_compared_on_demand_and_closed(admin: FlaskClient, support: FlaskClient) -> None:
    sessions.empty_books()
    assert "No differences known" in support.get("/admin/reconciliation/").text
    a_session_paid_by_hand()
    assert admin.post("/admin/reconciliation/run").status_code == 303
    listed = support.get("/admin/reconciliation/").text
    assert "its payment says not paid" in listed
    assert "Books to look at" in listed, "the queue in the sidebar"
    assert support.post("/admin/reconciliation/run").status_code == 403
    finding = db.session.scalars(
        select(ReconciliationFinding).where(ReconciliationFinding.session_id.is_not(None))
    ).first()
    assert finding is not None
    where = f"/admin/reconciliation/{finding.id}/close"
    assert support.get(where).status_code == 403
    assert admin.post(where, data={"reason": ""}).status_code == 422
    assert admin.post(where, data={"reason": "Corrected by hand"}).status_code == 303
    assert acts() == ["ADMIN_FINDING_CLOSED"]


@pytest.mark.spec("MN-14")
def test_support_sees_and_closes_the_task_of_a_chargeback(support: FlaskClient) -> None:
    session = sessions.a_paid_session()
    reference = db.session.scalars(select(Payment.reference).where(Payment.session_id == session.id)).one()
    sandbox().give_back(reference, 5_000, ReturnKind.CHARGEBACK)
    book_returns(reference, sandbox().returns_of(reference), context())
    assert "A chargeback of €50.00 was booked" in support.get("/admin/reconciliation/").text
    task = db.session.scalars(select(ReconciliationFinding)).one()
    done = support.post(f"/admin/reconciliation/{task.id}/close", data={"reason": "Session cancelled"})
    assert done.status_code == 303
    case = support.get(f"/admin/sessions/{session.id}")
    assert "booked money that went back at the gateway" in case.text
