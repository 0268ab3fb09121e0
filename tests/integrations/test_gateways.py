"""What every payment gateway promises, as one suite: a gateway joins it with a world of its own (MN-2, MN-3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pytest

from app.domain.errors import Malformed, ProviderFailed
from app.domain.money import Money
from app.integrations.payments.base import ChargeState, Checkout, GatewayRefundState, PaymentGateway
from app.integrations.payments.sandbox import SIGNATURE_HEADER, SandboxGateway
from app.integrations.payments.sandbox_behavior import Operation, Trouble


class World(Protocol):
    """A gateway and the hands that move what is on its other side."""

    gateway: PaymentGateway

    def pays(self, reference: str) -> None: ...
    def declines(self, reference: str) -> None: ...
    def loses_answers(self, how_many: int) -> None: ...
    def fails(self) -> None: ...
    def refuses(self, words: str) -> None: ...
    def paid_back(self, reference: str) -> list[int]: ...
    def event_of(self, reference: str) -> tuple[bytes, dict[str, str]]: ...


class SandboxWorld:
    def __init__(self, folder: Path) -> None:
        self.gateway = SandboxGateway(folder, "http://localhost")

    def pays(self, reference: str) -> None:
        self.gateway.decide(reference, ChargeState.SUCCEEDED)

    def declines(self, reference: str) -> None:
        self.gateway.decide(reference, ChargeState.FAILED)

    def loses_answers(self, how_many: int) -> None:
        self.gateway.behavior.misbehave(Operation.REFUND, Trouble.LOSE_ANSWER, times=how_many)

    def fails(self) -> None:
        for operation in Operation:
            self.gateway.behavior.misbehave(operation, Trouble.FAIL)

    def refuses(self, words: str) -> None:
        self.gateway.behavior.misbehave(Operation.REFUND, Trouble.REFUSE, words=words)

    def paid_back(self, reference: str) -> list[int]:
        return [entry["amount_minor"] for entry in (self.gateway.read(reference) or {})["refunds"]]

    def event_of(self, reference: str) -> tuple[bytes, dict[str, str]]:
        book = self.gateway.read(reference)
        assert book is not None
        (body,) = self.gateway.outgoing(reference, book["events"][-1]["id"])
        return body, {SIGNATURE_HEADER: self.gateway.sign(body)}


@pytest.fixture(params=["sandbox"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    return {"sandbox": SandboxWorld}[request.param](tmp_path / "gateway")


EUR = Money(5_000, "EUR")


def start(world: World, amount: Money = EUR, reference: str | None = None) -> Checkout:
    return world.gateway.start(
        reference=reference or f"md-{uuid4().hex}",
        amount=amount,
        email="ada@people.example",
        description="One hour of advice",
        return_url="http://localhost/return",
    )


def paid(world: World, amount: Money = EUR) -> str:
    reference = start(world, amount).reference
    world.pays(reference)
    return reference


@pytest.mark.spec("MN-2")
def test_the_same_reference_opens_the_same_page(world: World) -> None:
    first = start(world)
    assert start(world, reference=first.reference) == first
    assert first.authorization_url.startswith("http")


def test_the_same_reference_with_another_amount_is_refused(world: World) -> None:
    first = start(world)
    with pytest.raises(ProviderFailed) as refused:
        start(world, Money(1, "EUR"), first.reference)
    assert not refused.value.retryable


@pytest.mark.spec("BK-3")
@pytest.mark.parametrize("amount", [EUR, Money(3_500, "JPY"), Money(12_345, "KWD")])
def test_a_charge_is_told_as_the_books_have_it(world: World, amount: Money) -> None:
    reference = start(world, amount).reference
    assert world.gateway.verify(reference).state is ChargeState.PENDING
    world.pays(reference)
    charge = world.gateway.verify(reference)
    assert (charge.state, charge.amount, charge.reference) == (ChargeState.SUCCEEDED, amount, reference)
    assert charge.gateway_payment_id
    assert "ada@people.example" not in json.dumps(charge.raw), "what is kept has no personal data that nobody needs"


def test_a_declined_charge_failed(world: World) -> None:
    reference = start(world).reference
    world.declines(reference)
    assert world.gateway.verify(reference).state is ChargeState.FAILED


@pytest.mark.parametrize("reference", ["unknown", "../../etc/passwd", ""])
def test_an_unknown_reference_is_a_refusal_for_good(world: World, reference: str) -> None:
    with pytest.raises(ProviderFailed) as refused:
        world.gateway.verify(reference)
    assert not refused.value.retryable


@pytest.mark.spec("MN-6", "INV-4")
def test_one_key_pays_back_once_however_often_it_is_sent(world: World) -> None:
    reference = paid(world)
    answers = {world.gateway.refund(reference=reference, amount=Money(2_000, "EUR"), key="refund:1") for _ in range(3)}
    assert len(answers) == 1
    assert answers.pop().state is GatewayRefundState.PROCESSED
    assert world.paid_back(reference) == [2_000]


@pytest.mark.spec("MN-6", "INV-4")
def test_after_a_lost_answer_the_books_tell_what_was_done(world: World) -> None:
    reference = paid(world)
    assert world.gateway.find_refund(reference=reference, key="refund:1") is None
    world.loses_answers(1)
    with pytest.raises(ProviderFailed) as lost:
        world.gateway.refund(reference=reference, amount=EUR, key="refund:1")
    assert lost.value.unknown
    found = world.gateway.find_refund(reference=reference, key="refund:1")
    assert found is not None
    assert found.state is GatewayRefundState.PROCESSED
    assert world.gateway.refund(reference=reference, amount=EUR, key="refund:1") == found
    assert world.paid_back(reference) == [5_000]


@pytest.mark.spec("MN-7")
def test_no_more_goes_back_than_was_paid(world: World) -> None:
    reference = paid(world)
    world.gateway.refund(reference=reference, amount=Money(3_000, "EUR"), key="refund:1")
    second = world.gateway.refund(reference=reference, amount=Money(2_001, "EUR"), key="refund:2")
    assert second.state is GatewayRefundState.FAILED
    assert second.error
    third = world.gateway.refund(reference=reference, amount=Money(2_000, "EUR"), key="refund:3")
    assert third.state is GatewayRefundState.PROCESSED
    assert world.paid_back(reference) == [3_000, 2_000]


@pytest.mark.parametrize("amount", [Money(0, "EUR"), Money(-1, "EUR"), Money(1, "USD")])
def test_a_refund_that_makes_no_sense_fails_in_words(world: World, amount: Money) -> None:
    reference = paid(world)
    answer = world.gateway.refund(reference=reference, amount=amount, key="refund:1")
    assert (answer.state, bool(answer.error)) == (GatewayRefundState.FAILED, True)
    assert world.paid_back(reference) == []


def test_what_was_not_paid_is_not_paid_back(world: World) -> None:
    with pytest.raises(ProviderFailed) as refused:
        world.gateway.refund(reference=start(world).reference, amount=EUR, key="refund:1")
    assert not refused.value.retryable


def test_no_answer_is_worth_another_try_and_a_refusal_is_not(world: World) -> None:
    reference = paid(world)
    world.refuses("Account frozen")
    with pytest.raises(ProviderFailed, match="Account frozen") as refused:
        world.gateway.refund(reference=reference, amount=EUR, key="refund:1")
    assert not refused.value.retryable
    world.fails()
    with pytest.raises(ProviderFailed) as failed:
        world.gateway.verify(reference)
    assert failed.value.retryable
    assert world.paid_back(reference) == []


@pytest.mark.spec("MN-3")
def test_an_authentic_event_names_its_payment_and_the_same_key_each_time(world: World) -> None:
    reference = paid(world)
    body, headers = world.event_of(reference)
    first, second = (world.gateway.parse_webhook(body, headers) for _ in range(2))
    assert first == second
    assert (first.reference, bool(first.key)) == (reference, True)


def _tampered(body: bytes, headers: Mapping[str, str]) -> list[tuple[bytes, Mapping[str, str]]]:
    name, signature = next(iter(headers.items()))
    return [
        (body.replace(b"charge", b"churge"), headers),
        (body + b" ", headers),
        (body, {}),
        (body, {name: ""}),
        (body, {name: signature[:-1]}),
        (body, {name: signature.upper()}),
        (body, {name: "é"}),
        (b"", headers),
    ]


@pytest.mark.spec("MN-3", "SEC-4")
def test_whatever_is_not_signed_over_these_very_bytes_is_refused(world: World) -> None:
    body, headers = world.event_of(paid(world))
    for forged_body, forged_headers in _tampered(body, headers):
        with pytest.raises(Malformed):
            world.gateway.parse_webhook(forged_body, forged_headers)


# What only the sandbox can be told.


@pytest.fixture
def sandbox(tmp_path: Path) -> SandboxWorld:
    return SandboxWorld(tmp_path / "gateway")


def test_an_authentic_body_that_cannot_be_read_is_refused(sandbox: SandboxWorld) -> None:
    for body in (b"", b"[]", b"{}", b"no json", b"\xff"):
        with pytest.raises(Malformed):
            sandbox.gateway.parse_webhook(body, {SIGNATURE_HEADER: sandbox.gateway.sign(body)})


def test_another_process_knows_the_same_books_and_the_same_secret(sandbox: SandboxWorld, tmp_path: Path) -> None:
    reference = paid(sandbox)
    other = SandboxGateway(tmp_path / "gateway", "http://localhost")
    assert other.verify(reference).state is ChargeState.SUCCEEDED
    assert other.sign(b"x") == sandbox.gateway.sign(b"x")
    assert other.references() == [reference]


@pytest.mark.spec("BK-7")
def test_a_closed_window_can_still_be_paid_and_a_decision_stands(sandbox: SandboxWorld) -> None:
    reference = start(sandbox).reference
    assert sandbox.gateway.decide(reference, ChargeState.ABANDONED)
    assert sandbox.gateway.decide(reference, ChargeState.SUCCEEDED)
    assert sandbox.gateway.decide(reference, ChargeState.FAILED) is None
    assert sandbox.gateway.verify(reference).state is ChargeState.SUCCEEDED
    assert sandbox.gateway.decide("unknown", ChargeState.SUCCEEDED) is None


def test_paying_late_twice_tells_of_one_event(sandbox: SandboxWorld) -> None:
    reference = start(sandbox).reference
    first = sandbox.gateway.pay_late(reference)
    assert first is not None
    assert sandbox.gateway.pay_late(reference) == first


def test_a_refund_can_be_accepted_first_and_paid_later(sandbox: SandboxWorld) -> None:
    reference = paid(sandbox)
    sandbox.gateway.behavior.misbehave(Operation.REFUND, Trouble.PENDING, times=1)
    answer = sandbox.gateway.refund(reference=reference, amount=EUR, key="refund:1")
    assert answer.state is GatewayRefundState.PENDING
    sandbox.gateway.settle_refunds(reference)
    found = sandbox.gateway.find_refund(reference=reference, key="refund:1")
    assert found is not None
    assert found.state is GatewayRefundState.PROCESSED


def test_a_slow_gateway_answers_all_the_same(sandbox: SandboxWorld) -> None:
    sandbox.gateway.behavior.misbehave(Operation.VERIFY, Trouble.SLOW, seconds=0)
    assert sandbox.gateway.verify(paid(sandbox)).state is ChargeState.SUCCEEDED


@pytest.mark.spec("MN-3")
def test_webhooks_come_twice_out_of_order_or_never_when_told_to(sandbox: SandboxWorld) -> None:
    gateway = sandbox.gateway
    reference = start(sandbox).reference
    first = gateway.decide(reference, ChargeState.ABANDONED)
    second = gateway.decide(reference, ChargeState.SUCCEEDED)
    assert first
    assert second

    def ids(event_id: str) -> list[str]:
        return [json.loads(body)["id"] for body in gateway.outgoing(reference, event_id)]

    for trouble in (Trouble.REPEAT, Trouble.DROP, Trouble.REORDER):
        gateway.behavior.misbehave(Operation.WEBHOOK, trouble, times=1)
    assert ids(first) == [first, first]
    assert ids(first) == []
    assert ids(first) == []
    assert ids(second) == [second, first], "the one that was held back comes after"
    assert ids(second) == [second]


def test_rules_written_by_hand_hold_until_they_are_taken_out(sandbox: SandboxWorld, tmp_path: Path) -> None:
    reference = paid(sandbox)
    (tmp_path / "gateway" / "behavior.json").write_text('[{"on": "verify", "do": "fail"}]')
    for _ in range(2):
        with pytest.raises(ProviderFailed):
            sandbox.gateway.verify(reference)
    sandbox.gateway.behavior.behave()
    assert sandbox.gateway.verify(reference).state is ChargeState.SUCCEEDED
