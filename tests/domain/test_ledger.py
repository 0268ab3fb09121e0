"""Postings sum to zero, and nothing is ever lost between them (MN-4, MN-5, MN-13, MN-14, INV-3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain import ledger
from app.domain.ledger import Account, Entry, LedgerEvent, Posting, Terms
from app.domain.refunds import Split
from app.domain.vocabulary import AccountKind

MENTOR, OTHER_MENTOR, MENTEE = UUID(int=1), UUID(int=2), UUID(int=3)
TERMS = Terms(MENTOR, MENTEE, "EUR", 70)


def lines(entry: Entry) -> dict[Account, int]:
    return {posting.account: posting.minor for posting in entry.postings}


def after(*entries: Entry) -> dict[Account, int]:
    return {account: minor for (_, account), minor in ledger.balances(entries).items() if minor}


@pytest.mark.spec("MN-5")
def test_a_payment_is_held_for_the_mentor_and_the_platform() -> None:
    assert lines(ledger.payment_captured(TERMS, Split(3_333, 0))) == {
        ledger.GATEWAY: 3_333,
        ledger.held(MENTOR): -2_333,
        ledger.PLATFORM_HELD: -1_000,
    }


@pytest.mark.spec("MN-7")
def test_credit_pays_like_money() -> None:
    assert lines(ledger.payment_captured(TERMS, Split(0, 1_000))) == {
        ledger.credit(MENTEE): 1_000,
        ledger.held(MENTOR): -700,
        ledger.PLATFORM_HELD: -300,
    }


@pytest.mark.spec("MN-6")
def test_a_refund_takes_the_shares_back_and_then_leaves_through_the_gateway_first() -> None:
    paid = ledger.payment_captured(TERMS, Split(3_000, 500))
    asked = ledger.refund_requested(TERMS, 3_200, net_before=3_500, settled=False)

    assert lines(asked) == {ledger.REFUNDS: -3_200, ledger.held(MENTOR): 2_240, ledger.PLATFORM_HELD: 960}

    sent = ledger.refund_processed(TERMS, Split(3_000, 200))
    assert after(paid, asked, sent) == {
        ledger.credit(MENTEE): 300,
        ledger.held(MENTOR): -210,
        ledger.PLATFORM_HELD: -90,
    }


@pytest.mark.spec("MN-5")
def test_many_small_refunds_leave_the_share_of_what_is_left_and_no_rounding() -> None:
    entries = [ledger.payment_captured(TERMS, Split(1_000, 0))]
    for number in range(999):
        entries.append(ledger.refund_requested(TERMS, 1, net_before=1_000 - number, settled=False))

        assert after(*entries).get(ledger.held(MENTOR), 0) == -((1_000 - number - 1) * 70 // 100)


@pytest.mark.spec("MN-5")
def test_settling_makes_it_available_and_undoing_that_makes_it_pending_again() -> None:
    paid = ledger.payment_captured(TERMS, Split(3_333, 0))
    settled = ledger.settlement(TERMS, 3_333)

    assert after(paid, settled) == {
        ledger.GATEWAY: 3_333,
        ledger.payable(MENTOR): -2_333,
        ledger.PLATFORM_REVENUE: -1_000,
    }
    assert after(paid, settled, ledger.settlement_reversed(TERMS, 3_333)) == after(paid)


@pytest.mark.spec("MN-13")
def test_a_refund_after_the_payout_makes_the_wallet_negative() -> None:
    history = [
        ledger.payment_captured(TERMS, Split(1_000, 0)),
        ledger.settlement(TERMS, 1_000),
        ledger.payout(MENTOR, 700, "EUR", available_minor=700),
        ledger.refund_requested(TERMS, 1_000, net_before=1_000, settled=True),
    ]

    balance = after(*history)[ledger.payable(MENTOR)]

    assert ledger.wallet(balance) == -700


@pytest.mark.spec("MN-10")
@pytest.mark.parametrize("amount", [0, -1, 701])
def test_a_payout_is_never_more_than_is_available(amount: int) -> None:
    with pytest.raises(ValueError, match="paid out"):
        ledger.payout(MENTOR, amount, "EUR", available_minor=700)


@pytest.mark.spec("MN-7")
def test_a_bonus_is_the_platform_s_cost_and_can_be_taken_back() -> None:
    given_ = ledger.goodwill_bonus(TERMS, 500)

    assert lines(given_) == {ledger.GOODWILL: 500, ledger.credit(MENTEE): -500}
    assert after(given_, ledger.goodwill_withdrawn(TERMS, 500)) == {}


@pytest.mark.spec("MN-14")
@pytest.mark.parametrize("settled, account", [(False, ledger.held), (True, ledger.payable)])
def test_earnings_follow_a_reassignment(settled: bool, account: object) -> None:
    moved = ledger.earnings_moved(TERMS, OTHER_MENTOR, net_minor=3_333, settled=settled)

    assert lines(moved) == {account(MENTOR): 2_333, account(OTHER_MENTOR): -2_333}  # type: ignore[operator]


@pytest.mark.spec("CX-4", "MN-14")
def test_who_gave_it_up_and_was_not_replaced_earns_nothing() -> None:
    paid = ledger.payment_captured(TERMS, Split(3_333, 0))

    assert after(paid, ledger.earnings_forfeited(TERMS, net_minor=3_333)) == {
        ledger.GATEWAY: 3_333,
        ledger.PLATFORM_HELD: -3_333,
    }
    assert ledger.earnings_forfeited(TERMS, net_minor=0).is_empty


@pytest.mark.spec("ACT-5", "NS-4")
def test_what_cannot_be_taken_back_from_the_mentee_is_the_platform_s_cost_until_it_is_not_due() -> None:
    restored = ledger.earnings_restored(TERMS, 3_333, net_before=0)

    assert lines(restored) == {ledger.GOODWILL: 2_333, ledger.payable(MENTOR): -2_333}
    assert after(restored, ledger.earnings_taken_back(TERMS, 2_333)) == {}


@pytest.mark.spec("MN-14")
def test_a_chargeback_after_a_partial_refund_costs_the_platform_the_rest() -> None:
    entry = ledger.chargeback(TERMS, 1_000, net_before=400, settled=False)

    assert lines(entry) == {
        ledger.GATEWAY: -1_000,
        ledger.GOODWILL: 600,
        ledger.held(MENTOR): 280,
        ledger.PLATFORM_HELD: 120,
    }


@pytest.mark.spec("ACT-5")
def test_clearing_a_no_show_pays_the_mentor_at_the_platform_s_cost_when_the_refund_is_gone() -> None:
    entry = ledger.earnings_restored(TERMS, 3_333, net_before=0)

    assert lines(entry) == {ledger.GOODWILL: 2_333, ledger.payable(MENTOR): -2_333}


@pytest.mark.spec("ACT-5")
def test_a_withdrawn_refund_leaves_no_trace_in_the_balances() -> None:
    asked = ledger.refund_requested(TERMS, 1_999, net_before=3_333, settled=False)
    withdrawn = ledger.refund_withdrawn(TERMS, 1_999, net_before=1_334, settled=False)

    assert after(asked, withdrawn) == {}


@pytest.mark.spec("MN-1", "BK-7")
def test_an_unwanted_payment_goes_back_whole_and_touches_no_share() -> None:
    history = [ledger.payment_unwanted(TERMS, 3_500), ledger.refund_processed(TERMS, Split(3_500, 0))]

    assert lines(history[0]) == {ledger.GATEWAY: 3_500, ledger.REFUNDS: -3_500}
    assert after(*history) == {}


@pytest.mark.spec("MN-8")
def test_a_refund_settled_outside_leaves_the_gateway_s_money_where_it_is() -> None:
    assert lines(ledger.refund_settled_outside(TERMS, 100)) == {ledger.REFUNDS: 100, ledger.PAYOUTS: -100}


@pytest.mark.spec("MN-4")
def test_postings_that_do_not_sum_to_zero_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="sum to zero"):
        Entry(LedgerEvent.PAYMENT, "EUR", (Posting(ledger.GATEWAY, 1),))


@pytest.mark.parametrize("amount, net", [(1_001, 1_000), (-1, 1_000)])
def test_a_refund_beyond_what_is_left_cannot_be_posted(amount: int, net: int) -> None:
    with pytest.raises(ValueError, match="cannot be refunded"):
        ledger.refund_requested(TERMS, amount, net_before=net, settled=False)


def test_negative_amounts_cannot_be_posted() -> None:
    with pytest.raises(ValueError, match="not negative"):
        ledger.goodwill_bonus(TERMS, -1)


def test_nothing_makes_an_empty_entry() -> None:
    assert ledger.settlement(TERMS, 0).is_empty


@pytest.mark.spec("MN-4")
def test_balances_keep_currencies_apart() -> None:
    yen = Terms(MENTOR, MENTEE, "JPY", 70)

    found = ledger.balances([ledger.goodwill_bonus(TERMS, 5), ledger.goodwill_bonus(yen, 7)])

    assert (found["EUR", ledger.GOODWILL], found["JPY", ledger.GOODWILL]) == (5, 7)


@dataclass
class History:
    """One session's money, driven at random: what the ledger must agree with, counted by hand."""

    terms: Terms
    entries: list[Entry] = field(default_factory=list)
    paid: int = 0
    refunded: int = 0
    open_refunds: list[int] = field(default_factory=list)
    settled: bool = False
    mentor: UUID = MENTOR

    @property
    def net(self) -> int:
        return self.paid - self.refunded - sum(self.open_refunds)

    def step(self, what: str, amount: int) -> None:
        terms = Terms(self.mentor, MENTEE, self.terms.currency, self.terms.mentor_percentage)
        if what == "pay" and not self.settled:
            self.entries.append(ledger.payment_captured(terms, Split(amount, amount // 3), net_before=self.net))
            self.paid += amount + amount // 3
        elif what == "refund" and self.net:
            part = 1 + amount % self.net
            self.entries.append(ledger.refund_requested(terms, part, net_before=self.net, settled=self.settled))
            self.open_refunds.append(part)
        elif what == "process" and self.open_refunds:
            part = self.open_refunds.pop()
            self.entries.append(ledger.refund_processed(terms, Split(part // 2, part - part // 2)))
            self.refunded += part
        elif what == "withdraw" and self.open_refunds:
            part = self.open_refunds[-1]
            self.entries.append(ledger.refund_withdrawn(terms, part, net_before=self.net, settled=self.settled))
            self.open_refunds.pop()
        elif what == "settle":
            make = ledger.settlement_reversed if self.settled else ledger.settlement
            self.entries.append(make(terms, self.net))
            self.settled = not self.settled
        elif what == "move":
            new = OTHER_MENTOR if self.mentor == MENTOR else MENTOR
            self.entries.append(ledger.earnings_moved(terms, new, net_minor=self.net, settled=self.settled))
            self.mentor = new
        elif what == "chargeback" and self.net:
            part = 1 + amount % self.net
            self.entries.append(ledger.chargeback(terms, part, net_before=self.net, settled=self.settled))
            self.refunded += part


@pytest.mark.spec("INV-3", "MN-5", "MN-12")
@settings(max_examples=300)
@given(
    percentage=st.integers(0, 100),
    currency=st.sampled_from(["EUR", "JPY", "KWD"]),
    steps=st.lists(
        st.tuples(
            st.sampled_from(["pay", "refund", "process", "withdraw", "settle", "move", "chargeback"]),
            st.integers(1, 1_000_000),
        ),
        max_size=25,
    ),
)
def test_after_any_history_paid_is_refunded_and_mentor_and_platform_and_held(
    percentage: int, currency: str, steps: list[tuple[str, int]]
) -> None:
    history = History(Terms(MENTOR, MENTEE, currency, percentage))
    for what, amount in steps:
        history.step(what, amount)

    assert all(sum(posting.minor for posting in entry.postings) == 0 for entry in history.entries)
    balance = {account: minor for (_, account), minor in ledger.balances(history.entries).items()}

    def owed(kind: AccountKind) -> dict[UUID | None, int]:
        return {account.owner: -minor for account, minor in balance.items() if account.kind is kind and minor}

    held, payable = owed(AccountKind.HELD), owed(AccountKind.MENTOR_PAYABLE)
    waiting = -balance.get(ledger.REFUNDS, 0)
    revenue = -balance.get(ledger.PLATFORM_REVENUE, 0)
    assert waiting == sum(history.open_refunds)
    assert history.paid == history.refunded + waiting + sum(held.values()) + sum(payable.values()) + revenue
    # The mentor has the share of what is left, to the minor unit, in one place and under one name.
    share = history.net * percentage // 100
    mentors = payable if history.settled else held
    assert mentors.get(history.mentor, 0) == share
    assert (payable if not history.settled else held) == {}
    assert (revenue if history.settled else held.get(None, 0)) == history.net - share
