"""The sandbox's page and its webhooks, through HTTP only (MN-2, MN-3, BK-3, BK-7)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.booking.tick import tick
from app.domain.context import CLOCK
from app.domain.vocabulary import PaymentStatus, SessionStatus
from app.extensions import db
from app.http.limits import limiter
from app.integrations.payments import sandbox_delivery
from app.integrations.payments.base import ChargeState
from app.integrations.payments.sandbox import SIGNATURE_HEADER
from app.integrations.payments.sandbox_behavior import Operation, Trouble
from app.models import LedgerTransaction, MentoringSession, OutboxRow, WebhookEvent
from app.money.webhooks import keep_event
from tests.factories.sessions import a_draft, checkout, fresh, sandbox
from tests.outbox import RunOutbox
from tests.world import Clock, context

pytestmark = pytest.mark.usefixtures("app", "clock")


@pytest.fixture(autouse=True)
def delivered_here(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway's HTTP call ends in this application; its other side is no server of ours to start here."""

    def post(url: str, body: bytes, signature: str) -> int:
        headers = {SIGNATURE_HEADER: signature}
        path = url.removeprefix("http://localhost")
        return app.test_client().post(path, data=body, headers=headers, csrf=False).status_code

    monkeypatch.setattr(sandbox_delivery, "_post", post)


@pytest.fixture
def draft() -> MentoringSession:
    return a_draft()


def choose(client: FlaskClient, reference: str, choice: str) -> TestResponse:
    """Press a button of the page, with the token that came with it."""
    page = client.get(f"/sandbox/pay/{reference}")
    token = page.text.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
    return client.post(f"/sandbox/pay/{reference}", data={"choice": choice, "csrf_token": token}, csrf=False)


def deliver(client: FlaskClient, body: bytes, signature: str | None = None) -> TestResponse:
    headers = {SIGNATURE_HEADER: sandbox().sign(body) if signature is None else signature}
    return client.post("/api/webhooks/sandbox", data=body, headers=headers, csrf=False)


def event(reference: str, number: int = 1, kind: str = "charge.succeeded") -> bytes:
    return json.dumps({"id": f"sbe_{number}", "type": kind, "reference": reference}).encode()


def counted(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.spec("MN-2")
def test_the_page_says_that_it_is_no_real_money_and_what_is_paid(client: FlaskClient, draft: MentoringSession) -> None:
    page = client.get(f"/sandbox/pay/{checkout(draft)}")
    assert page.status_code == 200
    assert "no real money" in page.text
    assert "€50.00" in page.text
    assert draft.title in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert "ada" not in page.text


@pytest.mark.parametrize("path", ["/sandbox/pay/unknown", "/sandbox/pay/..%2Fsecret", "/api/webhooks/another"])
def test_what_the_gateway_does_not_know_is_not_found(client: FlaskClient, path: str) -> None:
    answer = client.get(path) if path.startswith("/sandbox") else client.post(path)
    assert answer.status_code == 404


def test_a_choice_without_the_pages_token_is_refused(client: FlaskClient, draft: MentoringSession) -> None:
    reference = checkout(draft)
    assert client.post(f"/sandbox/pay/{reference}", data={"choice": "pay"}, csrf=False).status_code == 400
    assert sandbox().verify(reference).state is ChargeState.PENDING


def test_a_choice_that_is_none_is_refused(client: FlaskClient, draft: MentoringSession) -> None:
    assert choose(client, checkout(draft), "steal").status_code == 400


@pytest.mark.spec("BK-3", "MN-3")
def test_paying_leads_back_and_the_webhook_alone_schedules_the_session(
    client: FlaskClient, draft: MentoringSession, run_outbox: RunOutbox
) -> None:
    reference = checkout(draft)
    answer = choose(client, reference, "pay")
    assert (answer.status_code, answer.location) == (303, f"http://localhost/paid?reference={reference}")
    assert fresh(draft).status is SessionStatus.DRAFT, "nobody has come back, and nothing was delivered yet"
    run_outbox()
    assert fresh(draft).status is SessionStatus.SCHEDULED
    assert fresh(draft).payment_status is PaymentStatus.PAID
    kept = db.session.scalars(select(WebhookEvent)).one()
    assert (kept.kind, kept.reference, kept.outcome) == ("charge.succeeded", reference, "captured")
    assert kept.processed_at is not None


@pytest.mark.spec("BK-3")
def test_a_payer_who_pays_and_closes_the_window_is_heard_of(
    client: FlaskClient, draft: MentoringSession, run_outbox: RunOutbox
) -> None:
    answer = choose(client, checkout(draft), "pay_and_close")
    assert answer.status_code == 200
    run_outbox()
    assert fresh(draft).status is SessionStatus.SCHEDULED


def test_a_declined_card_fails_the_payment_and_leads_back(
    client: FlaskClient, draft: MentoringSession, run_outbox: RunOutbox
) -> None:
    reference = checkout(draft)
    assert choose(client, reference, "decline").status_code == 303
    run_outbox()
    assert fresh(draft).payment_status is PaymentStatus.FAILED
    assert "was declined" in client.get(f"/sandbox/pay/{reference}").text


def test_closing_the_window_pays_nothing_and_the_page_stays_open(
    client: FlaskClient, draft: MentoringSession, run_outbox: RunOutbox
) -> None:
    reference = checkout(draft)
    assert "Nothing was paid" in choose(client, reference, "close").text
    run_outbox()
    assert fresh(draft).payment_status is PaymentStatus.PENDING
    assert choose(client, reference, "pay").status_code == 303
    run_outbox()
    assert fresh(draft).status is SessionStatus.SCHEDULED


@pytest.mark.spec("BK-7")
def test_paying_late_arrives_after_the_hold_and_revives_a_slot_that_is_still_free(
    client: FlaskClient, draft: MentoringSession, run_outbox: RunOutbox, clock: Clock
) -> None:
    reference = checkout(draft)
    assert "The money arrives later" in choose(client, reference, "pay_late").text
    run_outbox()
    assert sandbox().verify(reference).state is ChargeState.PENDING
    clock.advance(minutes=21)
    run_outbox()
    assert sandbox().verify(reference).state is ChargeState.SUCCEEDED
    assert fresh(draft).status is SessionStatus.SCHEDULED


@pytest.mark.spec("BK-7")
def test_the_page_of_an_expired_booking_can_still_be_paid(client: FlaskClient, run_outbox: RunOutbox) -> None:
    session = a_draft()
    reference = checkout(session)
    session = fresh(session)
    assert session.hold_expires_at is not None
    tick(ctx=context(CLOCK, session.hold_expires_at + timedelta(minutes=1)))
    assert fresh(session).status is SessionStatus.EXPIRED
    choose(client, reference, "pay")
    run_outbox()
    assert fresh(session).status is SessionStatus.SCHEDULED


@pytest.mark.spec("MN-3")
@pytest.mark.parametrize("signature", ["", "0" * 64, "no signature at all"])
def test_a_webhook_without_a_valid_signature_is_refused_and_nothing_is_kept(
    client: FlaskClient, draft: MentoringSession, signature: str
) -> None:
    answer = deliver(client, event(checkout(draft)), signature)
    assert answer.status_code == 400
    assert answer.get_json()["error"]["code"] == "bad_signature"
    assert counted(WebhookEvent) == 0


@pytest.mark.spec("MN-3")
def test_an_event_is_kept_once_and_worked_off_once(client: FlaskClient, draft: MentoringSession) -> None:
    body = event(checkout(draft))
    assert [deliver(client, body).status_code for _ in range(3)] == [200, 200, 200]
    assert counted(WebhookEvent) == 1
    rows = db.session.scalars(select(OutboxRow.key).where(OutboxRow.kind == "payment.verify")).all()
    assert rows == ["webhook:sandbox:sbe_1"]


@pytest.mark.spec("MN-3")
def test_whoever_keeps_an_event_is_told_whether_it_is_new(draft: MentoringSession) -> None:
    body = event(checkout(draft))
    told = sandbox().parse_webhook(body, {SIGNATURE_HEADER: sandbox().sign(body)})
    assert [keep_event("sandbox", told, context()) for _ in range(2)] == [True, False]


@pytest.mark.spec("MN-3")
def test_what_an_event_claims_is_not_believed(
    client: FlaskClient, draft: MentoringSession, run_outbox: RunOutbox
) -> None:
    deliver(client, event(checkout(draft)))
    run_outbox()
    assert fresh(draft).status is SessionStatus.DRAFT, "the books say pending"
    assert db.session.scalars(select(WebhookEvent.outcome)).one() == "pending"


@pytest.mark.spec("MN-3")
@pytest.mark.parametrize("order", [(1, 2), (2, 1), (2, 2, 1, 1, 2)])
def test_events_in_any_order_and_number_have_one_effect(
    client: FlaskClient, draft: MentoringSession, run_outbox: RunOutbox, order: tuple[int, ...]
) -> None:
    reference = checkout(draft)
    sandbox().decide(reference, ChargeState.ABANDONED)
    sandbox().decide(reference, ChargeState.SUCCEEDED)
    bodies = {1: event(reference, 1, "charge.abandoned"), 2: event(reference, 2)}
    for number in order:
        deliver(client, bodies[number])
        run_outbox(kind="payment.verify")
    assert fresh(draft).status is SessionStatus.SCHEDULED
    assert db.session.scalars(select(LedgerTransaction.kind)).all() == ["payment"]


@pytest.mark.spec("MN-3")
@pytest.mark.parametrize("kind", ["payout.created", "nothing.we.know"])
def test_an_unknown_event_is_acknowledged_and_kept(client: FlaskClient, draft: MentoringSession, kind: str) -> None:
    assert deliver(client, event(checkout(draft), kind=kind)).status_code == 200
    kept = db.session.scalars(select(WebhookEvent)).one()
    assert (kept.kind, kept.outcome) == (kind, "ignored")
    assert db.session.scalar(select(func.count()).where(OutboxRow.kind == "payment.verify")) == 0


def test_an_event_about_somebody_elses_payment_is_kept_and_does_nothing(
    client: FlaskClient, run_outbox: RunOutbox
) -> None:
    deliver(client, event("not-ours"))
    run_outbox()
    assert db.session.scalars(select(WebhookEvent.outcome)).one() == "unknown_payment"


@pytest.mark.spec("MN-3")
def test_repeated_and_reordered_deliveries_end_the_same(
    client: FlaskClient, draft: MentoringSession, run_outbox: RunOutbox
) -> None:
    behavior = sandbox().behavior
    behavior.misbehave(Operation.WEBHOOK, Trouble.REORDER, times=1)
    behavior.misbehave(Operation.WEBHOOK, Trouble.REPEAT, times=1)
    try:
        reference = checkout(draft)
        choose(client, reference, "close")
        choose(client, reference, "pay")
        run_outbox()
    finally:
        behavior.behave()
    assert counted(WebhookEvent) == 2
    assert fresh(draft).status is SessionStatus.SCHEDULED


@pytest.mark.spec("MN-2")
def test_a_product_that_is_away_gets_the_webhook_later(
    client: FlaskClient, draft: MentoringSession, run_outbox: RunOutbox, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    works = sandbox_delivery._post
    monkeypatch.setattr(sandbox_delivery, "_post", lambda *_: 503)
    choose(client, checkout(draft), "pay_and_close")
    assert run_outbox(kind="sandbox.webhook") == [("sandbox.webhook", "later")]
    monkeypatch.setattr(sandbox_delivery, "_post", works)
    clock.advance(seconds=10)
    run_outbox()
    assert fresh(draft).status is SessionStatus.SCHEDULED


@pytest.fixture
def limits() -> Iterator[None]:
    limiter.enabled = True
    limiter.reset()
    yield
    limiter.reset()
    limiter.enabled = False


@pytest.mark.spec("API-3")
@pytest.mark.usefixtures("limits")
def test_guessing_signatures_ends_soon_and_an_honest_backlog_does_not(
    client: FlaskClient, draft: MentoringSession
) -> None:
    reference = checkout(draft)
    assert {deliver(client, event(reference, number)).status_code for number in range(60)} == {200}
    assert [deliver(client, b"{}", "guess").status_code for _ in range(32)][-1] == 429
