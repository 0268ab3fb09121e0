"""The money of one session in one place: paid = refunded + mentor + platform + held (INV-3, SD-1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select, union_all

from app.domain.errors import NotFound
from app.domain.ledger import GOODWILL, PLATFORM_HELD, PLATFORM_REVENUE, Account, LedgerEvent
from app.domain.money import Money
from app.domain.vocabulary import AccountKind, PaymentState, RefundState, RefundType
from app.foundation.parts import PartRow
from app.foundation.prepared import Prepared
from app.models import MentoringSession
from app.money.parts import LedgerLine, PaymentRow, RefundRow, money_of, money_parts
from app.money.rows import DECIDED

_CURRENCY = Prepared(select(MentoringSession.currency).where(MentoringSession.id == bindparam("session_id")))


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionMoney:
    """What came in, what went back, and whose the rest is.

    :param paid: captured by the gateway and used of the credit, payments that go back whole included
    :param refunded: decided refunds, whether they have arrived already or not; without bonuses
    :param on_its_way: the part of ``refunded`` that has not arrived
    :param awaiting: refunds that wait for a second person; not in ``refunded``
    :param mentor: settled for the mentor
    :param platform: settled for the platform
    :param held_mentor: the mentor's share that is not settled yet
    :param held_platform: the platform's, likewise
    :param bonus: goodwill credit that the platform gave
    :param borne: what the platform paid the mentor for money that had gone back already (ACT-5)
    :param lost: what the gateway took back beyond what was left of the payment (MN-14)
    """

    currency: str
    paid: Money
    paid_by_credit: Money
    refunded: Money
    on_its_way: Money
    awaiting: Money
    mentor: Money
    platform: Money
    held_mentor: Money
    held_platform: Money
    bonus: Money
    borne: Money
    lost: Money
    payments: Sequence[PaymentRow]
    refunds: Sequence[RefundRow]
    lines: Sequence[LedgerLine]

    @property
    def held(self) -> Money:
        return self.held_mentor + self.held_platform

    @property
    def difference(self) -> Money:
        """Zero, always; anything else is a fault that the page shows in red (LEAD-7)."""
        came_in = self.paid.minor + self.borne.minor
        gone = self.refunded.minor + self.mentor.minor + self.platform.minor
        return Money(came_in - gone - self.held_mentor.minor - self.held_platform.minor, self.currency)

    @property
    def is_balanced(self) -> bool:
        return self.difference.minor == 0


def session_money(session_id: UUID, *, currency: str | None = None) -> SessionMoney:
    """This function will gather the money of one session.

    :param currency: the session's, where it has been read already
    :raises NotFound: there is no such session
    """
    currency = currency or _CURRENCY.run(session_id=session_id).scalar()
    if currency is None:
        raise NotFound
    return sum_up([PartRow._make(row) for row in _read().run(session_id=session_id)], currency)


@cache
def _read() -> Prepared:
    return Prepared(union_all(*money_parts(bindparam("session_id", type_=Uuid()))))


def sum_up(read: Iterable[PartRow], currency: str) -> SessionMoney:
    """The money of one session out of its rows, wherever they were read; rows of other parts are passed over."""
    rows = money_of(read)
    lines = rows.lines
    balances: Counter[Account] = Counter()
    for line in lines:
        if line.event == LedgerEvent.CHARGEBACK.value:
            continue  # the platform's own loss: it was given back before, and is no part of what was paid
        balances[Account(line.account, line.owner_id)] += line.amount.minor
    captured = [payment for payment in rows.payments if payment.status is PaymentState.SUCCEEDED]
    ordinary = [refund for refund in rows.refunds if refund.type is not RefundType.BONUS]
    bonuses = [refund for refund in rows.refunds if refund.type is RefundType.BONUS]
    decided = [refund for refund in ordinary if refund.status in DECIDED]
    waiting = [refund for refund in rows.refunds if refund.status is RefundState.AWAITING_APPROVAL]

    def owed(*kinds: AccountKind) -> Money:
        """Of mentors, the present one and former ones: what stands on accounts with an owner."""
        total = sum(total for account, total in balances.items() if account.kind in kinds and account.owner is not None)
        return Money(-total, currency)

    bonus = _total([refund for refund in bonuses if refund.status in DECIDED], currency)
    return SessionMoney(
        currency=currency,
        paid=Money(sum(payment.amount_minor + payment.credit_minor for payment in captured), currency),
        paid_by_credit=Money(sum(payment.credit_minor for payment in captured), currency),
        refunded=_total(decided, currency),
        on_its_way=_total([refund for refund in decided if refund.status is not RefundState.PROCESSED], currency),
        awaiting=_total(waiting, currency),
        mentor=owed(AccountKind.MENTOR_PAYABLE),
        platform=Money(-balances.get(PLATFORM_REVENUE, 0), currency),
        held_mentor=owed(AccountKind.HELD),
        held_platform=Money(-balances.get(PLATFORM_HELD, 0), currency),
        bonus=bonus,
        borne=Money(balances.get(GOODWILL, 0), currency) - bonus,
        lost=Money(_lost_minor(lines), currency),
        payments=rows.payments,
        refunds=rows.refunds,
        lines=lines,
    )


def _lost_minor(lines: Sequence[LedgerLine]) -> int:
    return sum(
        line.amount.minor
        for line in lines
        if line.event == LedgerEvent.CHARGEBACK.value and line.account is AccountKind.GOODWILL_EXPENSE
    )


def _total(refunds: Sequence[RefundRow], currency: str) -> Money:
    return Money(sum(refund.amount_minor for refund in refunds), currency)
