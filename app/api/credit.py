"""A mentee's credit (MN-7)."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from app.api.fields import Amount, Instant, Paged, Told
from app.api.people import own_id
from app.api.schema import api
from app.domain.ledger import LedgerEvent
from app.domain.permissions import Permission
from app.money.credit import credit_history, credits_of


class CreditTold(Told):
    currency: str
    amount: Amount


class MovementTold(Told):
    created_at: Instant
    event: LedgerEvent
    currency: str
    amount: Amount = Field(description="What came in is positive, what was used negative.")
    booking_id: UUID | None
    title: str | None


class CreditsTold(Told):
    balances: list[CreditTold] = Field(description="One a currency; used by itself at the next checkout in it.")
    movements: list[MovementTold] = Field(description="The latest first.")
    page: int
    limit: int
    has_more: bool


@api.declare(
    "GET",
    "/credit",
    tag="Bookings",
    summary="Your credit",
    needs=Permission.OWN_BOOKING_PAY,
    query=Paged,
    answer=CreditsTold,
)
def own_credit(query: Paged) -> CreditsTold:
    me = own_id()
    lines = credit_history(me, limit=query.limit + 1, offset=(query.page - 1) * query.limit)
    return CreditsTold(
        balances=[CreditTold(currency=each.currency, amount=each.amount) for each in credits_of(me)],
        movements=[
            MovementTold(
                created_at=line.at,
                event=line.event,
                currency=line.amount.currency,
                amount=line.amount.amount,
                booking_id=line.session_id,
                title=line.title,
            )
            for line in lines[: query.limit]
        ],
        page=query.page,
        limit=query.limit,
        has_more=len(lines) > query.limit,
    )
