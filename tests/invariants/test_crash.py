"""Real processes, killed at random moments: nothing is lost, and no money moves twice (EM-3, INV-4, OPS-1, OPS-2)."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from flask import Flask
from sqlalchemy import delete, func, select

from app.domain.context import SYSTEM
from app.domain.money import Money
from app.domain.vocabulary import EmailState, OutboxState, RefundState, RefundType
from app.embedded.processes import wait_until
from app.extensions import db
from app.foundation.transaction import transaction
from app.integrations.payments.base import ChargeState
from app.integrations.payments.sandbox import SandboxGateway
from app.integrations.payments.sandbox_behavior import Operation, Trouble
from app.messaging.mail import send_mail
from app.models import EmailEvent, OutboxRow, Payment, Refund
from app.money.payments import record_charge
from app.money.refunds import request_refund
from app.money.rows import lock_session
from tests.doomed import Doomed, doomed_processes
from tests.factories.money import an_open_payment, an_unpaid_session
from tests.factories.people import a_mentee, a_mentor
from tests.world import context

MAILS = 300
REFUNDS = 60
# A bound for a machine that does five other things; alone it takes a fraction of it.
PATIENCE_SECONDS = 150

pytestmark = [pytest.mark.crash, pytest.mark.slow, pytest.mark.timeout(PATIENCE_SECONDS + 60)]


class Mailbox:
    """A mail server that takes its time, so that workers die while they speak to it."""

    def __init__(self) -> None:
        self.copies: Counter[str] = Counter()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        await asyncio.sleep(0.02)
        letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.copies[str(letter["Message-ID"])] += 1
        await asyncio.sleep(0.02)
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


def done() -> int:
    """Outbox rows that are done."""
    with transaction():
        count = db.session.scalar(select(func.count(OutboxRow.id)).where(OutboxRow.state == OutboxState.DONE))
    return count or 0


def go_through(doomed: Doomed, total: int) -> None:
    """Kill a process whenever some more work is done, until all of it is."""

    def is_over() -> bool:
        progress = done()
        doomed.look(progress)
        return progress == total

    assert wait_until(is_over, patience=PATIENCE_SECONDS, pause=0.03), f"{done()} of {total} done\n{doomed.logs()}"


@pytest.mark.spec("EM-3", "OPS-1", "OPS-2", "OPS-3")
def test_no_mail_is_lost_whatever_dies_and_when(
    own_database: Callable[..., Flask],
    mailbox: tuple[Mailbox, int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Workers, relay and clock are killed over and over, and the queue server is wiped twice on the way."""
    box, port = mailbox
    app = own_database()
    env = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(port)}
    names = ("worker", "worker", "relay", "clock")
    with app.app_context(), doomed_processes(app, tmp_path / "logs", names, env) as doomed:
        doomed.wipe_queue_at = [MAILS // 3, 2 * MAILS // 3]
        reader = a_mentee()
        for number in range(MAILS):
            with transaction():
                ctx = context(SYSTEM, app.extensions["desk-clock"]())
                assert send_mail("welcome", reader, ctx=ctx, cause=f"welcome:{number}")
            doomed.look(done())
        go_through(doomed, MAILS)
        events = db.session.scalars(select(EmailEvent).execution_options(populate_existing=True)).all()
        assert {event.status for event in events} == {EmailState.SENT}
        assert set(box.copies) == {f"<{event.id}@mentordesk.example>" for event in events}
        assert len(box.copies) == MAILS
    doubled = sum(box.copies.values()) - MAILS
    with capsys.disabled():
        print(f"\n  {MAILS} mails, killed {doomed}: 0 lost, {doubled} in duplicate")  # noqa: T201 - a published figure
    assert doomed.kills["worker"] >= 5
    # Only a mail that was being handed over when its worker died can come twice.
    assert doubled <= doomed.kills["worker"]


@pytest.mark.spec("INV-4", "MN-6", "OPS-3")
def test_no_refund_is_paid_twice_or_not_at_all_whatever_dies_and_when(
    own_database: Callable[..., Flask], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Workers are killed while they speak to a slow gateway that also loses answers."""
    app = own_database()
    with app.app_context():
        gateway = app.extensions["desk-adapters"].gateway
        assert isinstance(gateway, SandboxGateway)
        references = paid_sessions(app, gateway)
        gateway.behavior.misbehave(Operation.REFUND, Trouble.LOSE_ANSWER, times=6)
        gateway.behavior.misbehave(Operation.REFUND, Trouble.SLOW, seconds=0.1)
        with doomed_processes(app, tmp_path / "logs", ("worker", "worker", "relay"), {}) as doomed:
            doomed.kill_every = (2, 6)
            for payment in db.session.scalars(select(Payment)).all():
                with transaction():
                    session = lock_session(payment.session_id)
                    ctx = context(SYSTEM, app.extensions["desk-clock"]())
                    request_refund(session, percentage=100, type=RefundType.FULL, reason="A test", ctx=ctx)
                doomed.look(done())
            assert wait_until(
                lambda: doomed.look(done()) or refunds_processed() == REFUNDS, patience=PATIENCE_SECONDS, pause=0.03
            ), doomed.logs()
        books = [gateway.read(reference) or {} for reference in references]
        assert [len(book["refunds"]) for book in books] == [1] * REFUNDS
        assert [book["refunds"][0]["amount_minor"] for book in books] == [5_000] * REFUNDS
        assert db.session.scalar(select(func.count(Refund.id))) == REFUNDS
    with capsys.disabled():
        paid = sum(len(book["refunds"]) for book in books)
        print(f"\n  {REFUNDS} refunds, killed {doomed}, 6 answers lost: {paid} paid by the gateway")  # noqa: T201 - as above
    assert doomed.kills["worker"] >= 5


def refunds_processed() -> int:
    with transaction():
        return len(db.session.scalars(select(Refund.id).where(Refund.status == RefundState.PROCESSED)).all())


def paid_sessions(app: Flask, gateway: SandboxGateway) -> list[str]:
    """Sessions paid at the gateway, and their payments' references."""
    mentor, mentee = a_mentor(), a_mentee()
    references = []
    for _ in range(REFUNDS):
        payment = an_open_payment(an_unpaid_session(mentor=mentor, mentee=mentee))
        gateway.start(
            reference=payment.reference,
            amount=Money(payment.amount_minor, payment.currency),
            email=mentee.email,
            description="A talk",
            return_url="http://localhost/",
        )
        gateway.decide(payment.reference, ChargeState.SUCCEEDED)
        with transaction():
            ctx = context(SYSTEM, app.extensions["desk-clock"]())
            record_charge(payment.id, gateway.verify(payment.reference), ctx)
        references.append(payment.reference)
    with transaction():
        db.session.execute(delete(OutboxRow))
    return references
