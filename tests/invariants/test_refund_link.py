"""Many refunds through a link that refuses, drops answers and repeats, while workers die on the way (INV-4).

Sixty in the suite; ``DESK_REFUNDS=500`` asks for as many as wanted.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from random import Random
from threading import Lock
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.domain.errors import ProviderFailed
from app.domain.money import Money
from app.domain.times import EPOCH
from app.domain.vocabulary import RefundState, SessionStatus
from app.extensions import db
from app.foundation.outbox import LEASE
from app.foundation.transaction import transaction
from app.integrations.payments.base import GatewayRefund, ReturnKind
from app.integrations.payments.sandbox import SandboxGateway
from app.models import OutboxRow, Payment, Refund
from app.money.checks import CHECKS
from app.money.gateway_books import compare_books, read_books
from app.money.refunds import request_refund
from app.money.rows import lock_session
from app.tasks import runner
from tests.factories.money import an_open_payment, an_unpaid_session, change_status, record
from tests.factories.people import a_mentee, a_mentor
from tests.outbox import Killed, due
from tests.world import Clock, context

REFUNDS = int(os.environ.get("DESK_REFUNDS", "60"))
WORKERS = 4


class FaultyLink(SandboxGateway):
    """The sandbox at the other end of a bad line. Half of all calls end in some trouble."""

    name = "sandbox"

    def __init__(self, *arguments: Any, seed: int) -> None:
        super().__init__(*arguments)
        self._random, self._lock = Random(seed), Lock()
        self.troubles: Counter[str] = Counter()

    def _trouble(self) -> str:
        with self._lock:
            kinds = ("fail", "lose", "die_before", "die_after", "repeat")
            trouble = self._random.choice(kinds) if self._random.random() < 0.5 else "none"
            self.troubles[trouble] += 1
            return trouble

    def refund(self, *, reference: str, amount: Money, key: str) -> GatewayRefund:
        trouble = self._trouble()
        if trouble == "fail":
            raise ProviderFailed("The line is dead.")
        if trouble == "die_before":
            raise Killed
        answer = super().refund(reference=reference, amount=amount, key=key)
        if trouble == "repeat":
            answer = super().refund(reference=reference, amount=amount, key=key)
        if trouble == "lose":
            raise ProviderFailed("The answer was lost.", unknown=True)
        if trouble == "die_after":
            raise Killed
        return answer

    def find_refund(self, *, reference: str, key: str) -> GatewayRefund | None:
        if self._trouble() in {"fail", "lose"}:
            raise ProviderFailed("The line is dead.")
        return super().find_refund(reference=reference, key=key)


@pytest.fixture
def desk(own_database: Callable[..., Flask]) -> Flask:
    app = own_database()
    app.extensions["desk-clock"] = Clock()
    before = app.extensions["desk-adapters"]
    folder = before.gateway._folder.parent / "faulty-gateway"
    app.extensions["desk-adapters"] = replace(before, gateway=FaultyLink(folder, "http://localhost", seed=7))
    return app


def link(app: Flask) -> FaultyLink:
    found: FaultyLink = app.extensions["desk-adapters"].gateway
    return found


def owed(app: Flask) -> None:
    """As many paid sessions as asked for, each with a refund of its own sum on its way."""
    with app.app_context():
        mentor, mentee = a_mentor(), a_mentee()
        for number in range(REFUNDS):
            session = an_unpaid_session(mentor=mentor, mentee=mentee, rate_minor=5_000 + number)
            payment = an_open_payment(session)
            with link(app)._book(payment.reference) as book:
                book.update(
                    reference=payment.reference, amount_minor=payment.amount_minor, currency="EUR", state="succeeded",
                    id=f"sbx_{payment.id.hex}", refunds=[], events=[], return_url="http://localhost/",
                )  # fmt: skip
            record(payment)
            change_status(session, SessionStatus.SCHEDULED)
            with transaction():
                request_refund(lock_session(session.id), percentage=100, reason="A test", ctx=context())
            with transaction():  # only the refunds are of interest here
                db.session.execute(update(OutboxRow).where(OutboxRow.kind != "refund.send").values(state="withdrawn"))


def work(app: Flask, row_id: UUID) -> None:
    with app.app_context():
        try:
            runner.deliver_row(row_id)
        except Killed:
            pass  # the row stays claimed until its lease ends
        finally:
            db.session.remove()


def paid_back(app: Flask) -> Counter[str]:
    gateway = link(app)
    return Counter(entry["key"] for one in gateway.references() for entry in (gateway.read(one) or {})["refunds"])


@pytest.mark.spec("INV-4", "MN-6", "OPS-1")
def test_every_refund_arrives_exactly_once_whatever_happens_on_the_way(desk: Flask) -> None:
    owed(desk)
    for _ in range(60):
        with desk.app_context():
            desk.extensions["desk-clock"].advance(seconds=LEASE.total_seconds() + 3_600)
            rows = [row.id for row in due("refund.send")]
        # Two doorbells for each row: a second worker may come at any moment.
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(lambda row_id: work(desk, row_id), [*rows, *rows]))
        if not rows:
            break
    counts = paid_back(desk)
    assert len(counts) == REFUNDS
    assert set(counts.values()) == {1}
    assert {"fail", "lose", "die_before", "die_after", "repeat"} <= set(link(desk).troubles)
    with desk.app_context():
        states = Counter(db.session.scalars(select(Refund.status)))
        assert states == {RefundState.PROCESSED: REFUNDS}
        paid = db.session.scalars(select(Payment.reference)).all()
        assert sum(each.amount.minor for one in paid for each in link(desk).returns_of(one)) == sum(
            range(5_000, 5_000 + REFUNDS)
        )
        assert all(each.kind is ReturnKind.REFUND for one in paid for each in link(desk).returns_of(one))
        found = [str(problem) for check in CHECKS if "stays held" not in check.says for problem in check.run()]
        found += [str(problem) for problem in compare_books(read_books(link(desk), since=EPOCH), now=context().now)]
        assert found == []
