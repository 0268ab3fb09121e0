"""What each event of money writes into the ledger (MN-4, MN-5, MN-6, MN-13, MN-14). Whole minor units.

A debit is positive, a credit negative, and every transaction sums to zero. So ``gateway_clearing`` (what the gateway
holds for us) grows positive, and what is owed to somebody grows negative: a mentor's pending wallet is minus the
balance of ``held`` under that mentor's name, the available one minus ``mentor_payable``.

The mentor's share is ``floor(percentage * net)`` of the **cumulative** net, what was paid less what was refunded, and
each event posts the difference between the share before and after it. Rounding each event by itself would drift away
from that by a unit per refund. The platform takes the rest, always.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from app.domain.money import share_of
from app.domain.refunds import Split
from app.domain.vocabulary import AccountKind


class LedgerEvent(StrEnum):
    """Why a transaction was written."""

    CHARGEBACK = "chargeback"
    EARNINGS_FORFEITED = "earnings_forfeited"
    EARNINGS_MOVED = "earnings_moved"
    EARNINGS_RESTORED = "earnings_restored"
    EARNINGS_TAKEN_BACK = "earnings_taken_back"
    GOODWILL = "goodwill"
    GOODWILL_WITHDRAWN = "goodwill_withdrawn"
    PAYMENT = "payment"
    PAYMENT_UNWANTED = "payment_unwanted"
    PAYOUT = "payout"
    REFUND_PROCESSED = "refund_processed"
    REFUND_REQUESTED = "refund_requested"
    REFUND_SETTLED_OUTSIDE = "refund_settled_outside"
    REFUND_WITHDRAWN = "refund_withdrawn"
    SETTLED = "settled"
    UNSETTLED = "unsettled"


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the ledger; ``owner`` is the mentor or mentee, None the platform."""

    kind: AccountKind
    owner: UUID | None = None


@dataclass(frozen=True, slots=True)
class Posting:
    """One line: debit positive, credit negative, in the transaction's currency."""

    account: Account
    minor: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A transaction of the ledger: postings of one currency that sum to zero.

    :raises ValueError: when they do not
    """

    event: LedgerEvent
    currency: str
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        if sum(posting.minor for posting in self.postings):
            raise ValueError(f"{self.event.value} does not sum to zero: {self.postings}")

    @property
    def is_empty(self) -> bool:
        """Nothing moves, so there is nothing to write."""
        return not self.postings


@dataclass(frozen=True, slots=True)
class Terms:
    """The parts of a session that its money depends on. ``mentor_percentage`` is the pinned policy (POL-5)."""

    mentor_id: UUID
    mentee_id: UUID
    currency: str
    mentor_percentage: int

    def mentor_share(self, net_minor: int) -> int:
        """The mentor's share of what is left after refunds, rounded down."""
        return share_of(net_minor, self.mentor_percentage)


GATEWAY: Final = Account(AccountKind.GATEWAY_CLEARING)
GOODWILL: Final = Account(AccountKind.GOODWILL_EXPENSE)
PLATFORM_HELD: Final = Account(AccountKind.HELD)
PLATFORM_REVENUE: Final = Account(AccountKind.PLATFORM_REVENUE)
PAYOUTS: Final = Account(AccountKind.PAYOUTS)
REFUNDS: Final = Account(AccountKind.REFUNDS_PAYABLE)


def held(mentor_id: UUID) -> Account:
    """The mentor's share that is not settled yet: the pending wallet."""
    return Account(AccountKind.HELD, mentor_id)


def payable(mentor_id: UUID) -> Account:
    """What the mentor may be paid: the available wallet, below zero after a late reversal (MN-13)."""
    return Account(AccountKind.MENTOR_PAYABLE, mentor_id)


def credit(mentee_id: UUID) -> Account:
    """The mentee's credit."""
    return Account(AccountKind.MENTEE_CREDIT, mentee_id)


def payment_captured(terms: Terms, paid: Split, *, net_before: int = 0) -> Entry:
    """A payment was verified, or credit was used, or both (MN-5, MN-7).

    :param net_before: what was paid for the session before, less refunds
    """
    _not_negative(paid.gateway_minor, paid.credit_minor, net_before)
    return _entry(
        LedgerEvent.PAYMENT,
        terms,
        (GATEWAY, paid.gateway_minor),
        (credit(terms.mentee_id), paid.credit_minor),
        *_reshare(terms, net_before, net_before + paid.total_minor, settled=False),
    )


def payment_unwanted(terms: Terms, gateway_minor: int) -> Entry:
    """A captured payment that goes back whole: a second one, or one that came too late (MN-1, BK-7)."""
    _not_negative(gateway_minor)
    return _entry(LedgerEvent.PAYMENT_UNWANTED, terms, (GATEWAY, gateway_minor), (REFUNDS, -gateway_minor))


def refund_requested(terms: Terms, amount_minor: int, *, net_before: int, settled: bool) -> Entry:
    """A refund is decided and needs nobody's approval any more: the shares go back in proportion (MN-6).

    :param net_before: what was paid less earlier refunds
    :param settled: whether the mentor's share is available already; it is then taken from there, below zero if need be
    :raises ValueError: when it is more than what is left
    """
    if not 0 <= amount_minor <= net_before:
        raise ValueError(f"{amount_minor} cannot be refunded of {net_before}")
    return _entry(
        LedgerEvent.REFUND_REQUESTED,
        terms,
        (REFUNDS, -amount_minor),
        *_reshare(terms, net_before, net_before - amount_minor, settled=settled),
    )


def refund_withdrawn(terms: Terms, amount_minor: int, *, net_before: int, settled: bool) -> Entry:
    """A requested refund will not happen: undone, or the no-show behind it was cleared (ACT-5)."""
    _not_negative(amount_minor, net_before)
    return _entry(
        LedgerEvent.REFUND_WITHDRAWN,
        terms,
        (REFUNDS, amount_minor),
        *_reshare(terms, net_before, net_before + amount_minor, settled=settled),
    )


def refund_processed(terms: Terms, refund: Split) -> Entry:
    """The gateway sent the money back, and the rest went to the mentee's credit (MN-7)."""
    _not_negative(refund.gateway_minor, refund.credit_minor)
    return _entry(
        LedgerEvent.REFUND_PROCESSED,
        terms,
        (REFUNDS, refund.total_minor),
        (GATEWAY, -refund.gateway_minor),
        (credit(terms.mentee_id), -refund.credit_minor),
    )


def refund_settled_outside(terms: Terms, amount_minor: int) -> Entry:
    """A refund that failed for good was paid from our own bank (MN-8)."""
    _not_negative(amount_minor)
    return _entry(LedgerEvent.REFUND_SETTLED_OUTSIDE, terms, (REFUNDS, amount_minor), (PAYOUTS, -amount_minor))


def settlement(terms: Terms, net_minor: int) -> Entry:
    """What is kept becomes available: completed, mentee did not show, or cancelled late (MN-5)."""
    _not_negative(net_minor)
    share = terms.mentor_share(net_minor)
    return _entry(
        LedgerEvent.SETTLED,
        terms,
        (held(terms.mentor_id), share),
        (payable(terms.mentor_id), -share),
        (PLATFORM_HELD, net_minor - share),
        (PLATFORM_REVENUE, share - net_minor),
    )


def settlement_reversed(terms: Terms, net_minor: int) -> Entry:
    """A settlement is taken back: the act that caused it was undone or corrected (LEAD-1, NS-4)."""
    settled = settlement(terms, net_minor)
    return _entry(LedgerEvent.UNSETTLED, terms, *((posting.account, -posting.minor) for posting in settled.postings))


def goodwill_bonus(terms: Terms, amount_minor: int) -> Entry:
    """Credit beyond what was paid, at the platform's cost (MN-7)."""
    _not_negative(amount_minor)
    return _entry(LedgerEvent.GOODWILL, terms, (GOODWILL, amount_minor), (credit(terms.mentee_id), -amount_minor))


def goodwill_withdrawn(terms: Terms, amount_minor: int) -> Entry:
    """A bonus is taken back within the undo window."""
    _not_negative(amount_minor)
    return _entry(
        LedgerEvent.GOODWILL_WITHDRAWN, terms, (credit(terms.mentee_id), amount_minor), (GOODWILL, -amount_minor)
    )


def earnings_restored(terms: Terms, refunded_minor: int, *, net_before: int) -> Entry:
    """The mentor is paid although the mentee's refund is gone: the platform bears it (ACT-5).

    :param refunded_minor: the settled refund that is not taken back
    :param net_before: what was paid less all refunds
    """
    _not_negative(refunded_minor, net_before)
    share = terms.mentor_share(net_before + refunded_minor) - terms.mentor_share(net_before)
    return _entry(LedgerEvent.EARNINGS_RESTORED, terms, (GOODWILL, share), (payable(terms.mentor_id), -share))


def earnings_taken_back(terms: Terms, share_minor: int) -> Entry:
    """Earnings that were restored at the platform's cost are not due after all: the mentor was absent again (NS-4)."""
    _not_negative(share_minor)
    return _entry(
        LedgerEvent.EARNINGS_TAKEN_BACK, terms, (payable(terms.mentor_id), share_minor), (GOODWILL, -share_minor)
    )


def earnings_moved(terms: Terms, new_mentor_id: UUID, *, net_minor: int, settled: bool = False) -> Entry:
    """The session is another mentor's now, and so is the share (MN-14).

    :param terms: with the former mentor
    """
    _not_negative(net_minor)
    share = terms.mentor_share(net_minor)
    account = payable if settled else held
    return _entry(
        LedgerEvent.EARNINGS_MOVED, terms, (account(terms.mentor_id), share), (account(new_mentor_id), -share)
    )


def earnings_forfeited(terms: Terms, *, net_minor: int) -> Entry:
    """The session ends before anybody took it over from the mentor who gave it up: that mentor is paid nothing (CX-4).

    :param terms: with the mentor who gave it up
    """
    _not_negative(net_minor)
    share = terms.mentor_share(net_minor)
    return _entry(LedgerEvent.EARNINGS_FORFEITED, terms, (held(terms.mentor_id), share), (PLATFORM_HELD, -share))


def chargeback(terms: Terms, amount_minor: int, *, net_before: int, settled: bool) -> Entry:
    """The gateway took money back by itself: a chargeback, or a refund made there by hand (MN-14).

    Shares are reversed as far as something is left; beyond that (it had been refunded already) the platform bears it.
    """
    _not_negative(amount_minor, net_before)
    shared = min(amount_minor, net_before)
    return _entry(
        LedgerEvent.CHARGEBACK,
        terms,
        (GATEWAY, -amount_minor),
        (GOODWILL, amount_minor - shared),
        *_reshare(terms, net_before, net_before - shared, settled=settled),
    )


def payout(mentor_id: UUID, amount_minor: int, currency: str, *, available_minor: int) -> Entry:
    """Money is sent to a mentor (MN-10).

    :raises ValueError: when it is not positive or more than is available
    """
    if not 0 < amount_minor <= available_minor:
        raise ValueError(f"{amount_minor} cannot be paid out of {available_minor}")
    postings = (Posting(payable(mentor_id), amount_minor), Posting(PAYOUTS, -amount_minor))
    return Entry(LedgerEvent.PAYOUT, currency, postings)


def balances(entries: Iterable[Entry]) -> dict[tuple[str, Account], int]:
    """The balance of every account by currency: the sum of its postings."""
    sums: Counter[tuple[str, Account]] = Counter()
    for entry in entries:
        for posting in entry.postings:
            sums[entry.currency, posting.account] += posting.minor
    return dict(sums)


def wallet(balance_minor: int) -> int:
    """What a mentor's or mentee's account is worth to its owner: credits are negative in the ledger."""
    return -balance_minor


def _reshare(terms: Terms, before: int, after: int, *, settled: bool) -> tuple[tuple[Account, int], ...]:
    """What the shares change by when the net changes."""
    mentors = terms.mentor_share(after) - terms.mentor_share(before)
    platforms = (after - before) - mentors
    mentor_account = payable(terms.mentor_id) if settled else held(terms.mentor_id)
    platform_account = PLATFORM_REVENUE if settled else PLATFORM_HELD
    return (mentor_account, -mentors), (platform_account, -platforms)


def _entry(event: LedgerEvent, terms: Terms, *lines: tuple[Account, int]) -> Entry:
    return Entry(event, terms.currency, tuple(Posting(account, minor) for account, minor in lines if minor))


def _not_negative(*amounts: int) -> None:
    if min(amounts) < 0:
        raise ValueError(f"Amounts are not negative: {amounts}")
